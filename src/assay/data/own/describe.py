# SPDX-License-Identifier: Apache-2.0
"""What a look found, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from assay.data.own.found import (
    JOINED_BY,
    Ambiguity,
    Column,
    Fault,
    Form,
    FormKind,
    Found,
    Reading,
    SplitAdvice,
)
from assay.data.own.table import place_of

_MOST_COLUMNS = 40
_MOST_NAMES = 8
_MOST_FAULTS = 30
_WIDTH = 40
"""Most characters of a name or value that is shown."""
_NOUNS: dict[FormKind, str] = {
    "images by folder": "images", "images by table": "images", "plain text": "lines", "folder of texts": "texts",
    "texts by folder": "texts", "CoNLL columns": "sentences", "CoNLL-U": "sentences",
}  # fmt: skip
"""What rows are called where they are no rows of a table."""
_BY = {"time": "by time, in order of", "group": "by group", "column": "as named in"}


def describe(found: Found) -> str:
    """Return what ``assay add --dry-run`` prints."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Found) -> Iterator[str]:
    yield f"{_printable(str(found.path))}: {found.rows:,} {_noun(found)}{_width(found)}, {_form(found.form)}."
    yield ""
    yield from _reading(found)
    if found.split:
        yield _split(found.split)
    if found.duplicates.count:
        lines = found.duplicates.lines
        where = f" ({_places(found, lines)})" if lines else ""
        yield f"Equal {_noun(found)}: {found.duplicates.count:,} repeat an earlier one{where}."
    if found.columns:
        yield ""
        yield "Columns:"
        yield from _columns(found.columns)
    if found.faults:
        yield ""
        yield "To know:"
        yield from _faults(found)
    for question in found.questions:
        yield ""
        yield from _question(question)


def _noun(found: Found) -> str:
    return _NOUNS.get(found.form.kind, "rows")


def _width(found: Found) -> str:
    return "" if found.form.kind in _NOUNS else f" of {len(found.columns):,} columns"


def _form(form: Form) -> str:
    parts: list[str] = [form.kind]
    if form.encoding:
        parts.append(form.encoding)
    if form.separator:
        parts.append(f"separator {form.separator}")
        parts.append(f"decimal {form.decimal}")
        parts.append(f"header in line {form.header_line}" if form.header_line else "no header")
    if form.line_ends:
        parts.append(f"line ends {form.line_ends}")
    return ", ".join(parts)


def _reading(found: Found) -> Iterator[str]:
    best = found.best
    if best is None:
        yield "Nothing can be learned from it."
        return
    likely = (
        "Likely reading" if any(each.about in ("target", "text") for each in found.questions) else "Reading"
    )
    target = f"{_short(best.target)}{_classes(found, best)}"
    yield f"{likely}: {best.signature}; target: {target}; {_inputs(best)}; metric: {best.metric}."
    for words, columns in (
        ("Left out because they give the target away", best.leaks),
        ("Left out", best.left_out),
        ("Kept, but close to the target", best.close),
    ):
        if columns:
            yield f"{words}: {_reasons(columns)}."
    others = dict.fromkeys(f"{each.signature} ({_short(each.target)})" for each in found.readings[1:])
    if others:
        yield f"It could also be: {_some(others)}."


def _classes(found: Found, best: Reading) -> str:
    column = next((each for each in found.columns if each.name == best.target), None)
    if column is None or not column.classes or not best.signature.endswith(("class", "tags")):
        return ""
    shown = [f"{_short(name)} {count:,}" for name, count in column.classes.items()]
    return f" ({len(column.classes):,} classes: {_some(shown)})"


def _inputs(best: Reading) -> str:
    if len(best.inputs) == 1:
        return f"from: {_short(best.inputs[0])}"
    if best.signature.startswith("text"):
        return f"from: {_some(map(_short, best.inputs))}, joined in this order with {JOINED_BY.strip()!r} between them"
    return f"from {len(best.inputs):,} columns: {_some(map(_short, best.inputs))}"


def _reasons(columns: Mapping[str, str]) -> str:
    return _some((f"{_short(name)} ({reason})" for name, reason in columns.items()), "; ")


def _split(split: SplitAdvice) -> str:
    alone = "by position" if split.strategy == "order" else split.strategy
    how = f"{_BY[split.strategy]} {split.column}" if split.column else alone
    return f"Split: {how}, because {split.why}." if split.why[:3] != "by " else f"Split: {how}, {split.why}."


def _columns(columns: Sequence[Column]) -> Iterator[str]:
    shown = columns[:_MOST_COLUMNS]
    wide = min(max(len(_short(each.name)) for each in shown), _WIDTH)
    for each in shown:
        yield f"  {_short(each.name):<{wide}}  {each.kind:<11}  {_column(each)}".rstrip()
    if len(columns) > len(shown):
        yield f"  and {len(columns) - len(shown):,} more"


def _column(column: Column) -> str:
    parts = [f"{column.distinct:,} different"] if column.distinct else []
    if column.missing:
        marks = ", ".join(f"{mark or 'blank'} {count:,}" for mark, count in column.markers.items())
        parts.append(f"{column.missing:,} missing ({marks})")
    if column.note:
        parts.append(column.note)
    return "; ".join(parts)


def _faults(found: Found) -> Iterator[str]:
    for fault in found.faults[:_MOST_FAULTS]:
        yield f"  {_fault(found, fault)}"
    if len(found.faults) > _MOST_FAULTS:
        yield f"  and {len(found.faults) - _MOST_FAULTS:,} more"


def _fault(found: Found, fault: Fault) -> str:
    where = f"{_short(fault.column)}: " if fault.column else ""
    return f"{where}{fault.message}" + (f" ({_places(found, fault.lines)})" if fault.lines else "")


def _places(found: Found, lines: Sequence[int]) -> str:
    more = f" and {len(lines) - 5:,} more" if len(lines) > 5 else ""
    if found.files:
        return ", ".join(place_of(found.form, found.files, line) for line in lines[:5]) + more
    noun = place_of(found.form, (), 1).split()[0]
    shown = ", ".join(str(line) for line in lines[:5])
    return f"{noun}{'s' if len(lines) > 1 else ''} {shown}{more}"


def _question(question: Ambiguity) -> Iterator[str]:
    yield f"Question: {question.question}"
    if question.candidates:
        yield f"  Possible: {_some(map(_short, question.candidates))}."
    yield f"  Answer with: {question.option}"


def _some(texts: Iterable[str], separator: str = ", ") -> str:
    every = list(texts)
    shown = separator.join(islice(every, _MOST_NAMES))
    return shown + (f"{separator}and {len(every) - _MOST_NAMES:,} more" if len(every) > _MOST_NAMES else "")


def _short(text: str) -> str:
    plain = " ".join(_printable(text).split())
    return plain if len(plain) <= _WIDTH else plain[: _WIDTH - 1] + "…"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
