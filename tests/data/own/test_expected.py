"""31 public files as users bring them: what a look finds, against what a careful analyst wrote down of each.

Every fact of ../shared/own/expected.yaml that can be compared is compared; where the look and the analyst differ, the
reason stands in ``DIFFERENCES``. A difference that is not listed fails, and so does one that is listed and is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from assay.data.own.describe import describe
from assay.data.own.found import Found
from assay.data.own.look import look
from tests.data.own.real_files import FOLDER

KINDS = ("number", "category", "text", "date", "id", "group", "constant", "blank", "leak", "time of day")
FORMS = {
    "delimited text": "delimited text",
    "JSON lines": "JSON lines",
    "one JSON array": "JSON array",
    "Parquet": "Parquet",
    "CoNLL-U": "CoNLL-U",
    "folder of CoNLL files": "CoNLL columns",
    "folder of JPEG images": "images by folder",
    "images and a table of labels": "images by table",
}
ASKED = ("target", "text", "kind of target")
"""Questions on what is to be predicted, which ``ambiguous`` stands for."""
REFUSED = {"weather-question.wav": "is audio"}

FAULTS = (
    # file, part of the analyst's words, the look's kind, column
    ("banking77.csv", "quoted line break", "quoted line break", None),
    ("banking77.csv", "cell begins with blank lines", "blanks around", "text"),
    ("banking77.csv", "same text twice once stripped", "equal texts", "text"),
    ("amazon-cells.txt", "no header", "no header", None),
    ("amazon-cells.txt", "quotation marks are part of the text", "quotation marks in text", None),
    ("persona.jsonl", "class names begin with a blank", "blanks around", "answer_matching_behavior"),
    ("persona.jsonl", "line break inside question", "line break in a text", None),
    ("montreal-bikes.csv", "not UTF-8", "not UTF-8", None),
    ("montreal-bikes.csv", "day first", "day first", "Date"),
    ("montreal-bikes.csv", "9 fields where the header has 10", "blank last cells cut", None),
    ("montreal-bikes.csv", "columns wholly blank", "blank column", "*"),
    ("food-world-cup.csv", "Mac Roman", "not UTF-8", None),
    ("food-world-cup.csv", '"N/A" is an answer', "several marks of missing", "*"),
    ("special-elections.csv", "N/A in income", "missing", "Median Household Income"),
    ("special-elections.csv", "trailing blank inside quotes", "blanks around", "Median Household Income"),
    ("special-elections.csv", "month first", "month first", "Date"),
    ("special-elections.csv", "200 rows only", "few rows", None),
    ("cabinet-turnover.csv", "byte-order mark", "byte-order mark", None),
    ("cabinet-turnover.csv", "two columns without name", "column without a name", None),
    ("cabinet-turnover.csv", '"Still in office" in a date column', "missing", "length"),
    ("cabinet-turnover.csv", "words in start_date", "no dates", "start_date"),
    ("cabinet-turnover.csv", "words in end_date", "no dates", "end_date"),
    ("cabinet-turnover.csv", "words in length", "no numbers", "length"),
    ("cabinet-turnover.csv", "N/A in departure_day", "missing", "departure_day"),
    ("bechdel-movies.csv", "#N/A", "missing", "per column"),
    ("bechdel-movies.csv", "blank period code", "missing", "period code"),
    ("bechdel-movies.csv", "HTML entities", "HTML entities", "title"),
    ("titanic.csv", "alive is survived", "leak", "alive"),
    ("titanic.csv", "deck missing", "missing", "deck"),
    ("titanic.csv", "embarked blank", "missing", "embarked"),
    ("exoplanets-raw.csv", "comment lines", "comments", None),
    ("exoplanets-raw.csv", "class of one row", "class of one row", "pl_discmethod"),
    ("exoplanets-raw.csv", "class of two rows", "class of two rows", "pl_discmethod"),
    ("exoplanets-raw.csv", "half of pl_msinij missing", "missing", "pl_msinij"),
    ("co2-mlo.csv", "header has 6 names", "header does not fit", None),
    ("co2-mlo.csv", "sentinels", "may be missing", "column 5"),
    ("space-missions.csv", "imbalance", "imbalance", "successful"),
    ("penguins-raw.csv", "constant columns", "constant column", "*"),
    ("penguins-raw.csv", "all four measures NA", "missing", "Body Mass (g)"),
    ("penguins-raw.csv", "Sex NA", "missing", "Sex"),
    ("penguins-raw.csv", "Comments is NA", "missing", "Comments"),
    ("va-education.csv", "first line blank", "title above the header", None),
    ("va-education.csv", "footer", "note below the rows", None),
    ("va-education.csv", "53 rows", "few rows", None),
    ("horse-colic.csv", "no header", "no header", None),
    ("horse-colic.csv", "? for missing", "missing", "column 16"),
    ("horse-colic.csv", "outcome missing", "missing", "column 23"),
    ("horse-colic.csv", "leading zeros", "leading zeros", "column 25"),
    ("ecoli.csv", "no header", "no header", None),
    ("ecoli.csv", "classes of two rows", "class of two rows", "column 8"),
    ("ecoli.csv", "near constant", "near constant", "column 4"),
    ("hepatic-injury.csv", "wide", "more columns than rows", None),
    ("hepatic-injury.csv", "constant columns", "constant column", "*"),
    ("hepatic-injury.csv", "pairs of equal columns", "repeated column", "*"),
    ("student-mat.csv", "G2 and G1 are earlier marks", "close", "G2"),
    ("watermelon.csv", "GBK, not UTF-8", "not UTF-8", None),
    ("watermelon.csv", "17 rows", "few rows", None),
    ("iris-decimal-comma.csv", "header has 7 fields", "header does not fit", None),
    ("iris-decimal-comma.csv", "byte-order mark", "byte-order mark", None),
    ("cars.json", "a JSON array", "JSON array", None),
    ("cars.json", "null in the target", "missing", "Miles_per_Gallon"),
    ("cars.json", "null in Horsepower", "missing", "Horsepower"),
    ("penguins.parquet", "sex null", "missing", "sex"),
    ("pronouns.conllu", "range lines", "ranges", None),
    ("re3d-uk/", "kinds with one or two entities", "rare entities", None),
    ("cutlery/", "40 images", "few images", None),
    ("cutlery/", "816x612 photographs", "large images", None),
    ("snacks/", "tomato.bmp is named and absent", "image absent", None),
    ("snacks/", "one image a class that can be read", "no target", None),
)

SHIFTED = (
    "the names after the third are shifted; the analyst guessed them, a look numbers the columns and asks"
)
NOT_QUOTED = "the analyst put two names together that stand apart; a look numbers the columns and asks"
KNOWLEDGE = "to know it takes a surgeon or the data's collector; nothing in the rows says so"
DIFFERENCES = {
    (
        "persona.jsonl",
        "label_confidence type",
    ): "it is above 0.5 for one answer and below for the other: it leaks",
    ("montreal-bikes.csv", "asks for the target"): "the analyst's note allows it: no single target, or ask",
    (
        "cabinet-turnover.csv",
        "leaves end_date out",
    ): "it leaks length, and is left out once that is named as the target",
    (
        "cabinet-turnover.csv",
        "leaves departure_day out",
    ): "it takes the day on which a president's term begins",
    ("cabinet-turnover.csv", "fault: words in end_date, lines"): "with the 25 rows of 'Still in office'",
    ("cabinet-turnover.csv", "fault: N/A in departure_day, lines"): "with the 25 rows where it is blank",
    ("co2-mlo.csv", "Date name"): SHIFTED,
    ("co2-mlo.csv", "Decimal Date name"): SHIFTED,
    ("co2-mlo.csv", "Average name"): SHIFTED,
    ("co2-mlo.csv", '(de-seasonalized, in the file under "Interpolated") name'): SHIFTED,
    ("co2-mlo.csv", '(days, in the file under "Trend") name'): SHIFTED,
    ("co2-mlo.csv", '(st.dev, in the file under "Number of Days") name'): SHIFTED,
    ("co2-mlo.csv", "(uncertainty, no name) name"): SHIFTED,
    ("co2-mlo.csv", "asks for the target"): "columns without names cannot say which is the target",
    ("co2-mlo.csv", "target is offered"): "it is, as column 3",
    ("co2-mlo.csv", "split"): "it is the same column",
    (
        "gapminder-pipe.csv",
        "asks for the target",
    ): "three numbers and a class, none named or placed as a target",
    (
        "penguins-raw.csv",
        "leaves studyName out",
    ): "a season is known beforehand, and no reason is in the rows",
    (
        "va-education.csv",
        "asks for the target",
    ): "few rows are named; whether to go on is for the user to say",
    ("va-education.csv", "fault: first line blank, lines"): "the analyst counts the header too",
    ("horse-colic.csv", "column 25 type"): KNOWLEDGE,
    ("horse-colic.csv", "column 26 type"): KNOWLEDGE,
    ("horse-colic.csv", "column 27 type"): KNOWLEDGE,
    ("horse-colic.csv", "leaves column 28 out"): KNOWLEDGE,
    ("horse-colic.csv", "leaks"): KNOWLEDGE,
    (
        "horse-colic.csv",
        "fault: leading zeros, lines",
    ): "the analyst names the one of six digits, a look all of them",
    (
        "hepatic-injury.csv",
        "fault: pairs of equal columns, count",
    ): "four of the six are constant, and named as that",
    ("pbcseq.csv", "leaves futime out"): "that it was measured after the outcome is not in the rows",
    ("iris-decimal-comma.csv", "Label name"): NOT_QUOTED,
    ("iris-decimal-comma.csv", "Sepal length name"): NOT_QUOTED,
    ("iris-decimal-comma.csv", "Sepal width name"): NOT_QUOTED,
    ("iris-decimal-comma.csv", "Petal length name"): NOT_QUOTED,
    ("iris-decimal-comma.csv", "Petal width name"): NOT_QUOTED,
    ("iris-decimal-comma.csv", "best target"): NOT_QUOTED,
    ("cars.json", "split"): "by the class that may be the target; with a number as the target it is random",
    (
        "snacks/",
        "signature image -> class",
    ): "one image a class: nothing can be learned, as the analyst says too",
    ("snacks/", "best target"): "as above",
}


@cache
def expected() -> dict[str, Any]:
    """Return file -> what the analyst found."""
    return dict(yaml.safe_load((FOLDER / "expected.yaml").read_text(encoding="utf-8"))["files"])


@cache
def found(name: str) -> Found:
    return look(FOLDER / name)


def facts(name: str) -> Iterator[tuple[str, object, object]]:
    """Yield each fact of a file: its name, what the look found, what the analyst wrote."""
    mine, his = found(name), expected()[name]
    yield from format_facts(mine, his)
    rows = his.get("rows", his.get("sentences"))
    yield "rows", mine.rows, rows
    if isinstance(his.get("columns_count"), int):
        yield "number of columns", len(mine.columns), his["columns_count"]
    yield from column_facts(mine, his.get("columns", []))
    yield from class_facts(mine, his)
    if "duplicates" in his:
        yield "equal rows", mine.duplicates.count, his["duplicates"]["equal_rows_after_the_first"]
        lines = his["duplicates"].get("lines", [])
        yield "lines of equal rows", *up_to_dots(mine.duplicates.lines, lines)
    yield from reading_facts(mine, his)
    yield "split", words_of(mine), strategy(mine, his["split"]["strategy"])
    yield from fault_facts(name, mine, his)


def format_facts(mine: Found, his: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    form = his["format"]
    yield "kind of file", mine.form.kind, next(FORMS[each] for each in FORMS if form["kind"].startswith(each))
    if "encoding" in form:
        yield "encoding", as_read(mine, mine.form.encoding), as_read(mine, form["encoding"])
    for key, value in (
        ("bom", mine.form.bom),
        ("separator", mine.form.separator),
        ("quotes", mine.form.quotes),
        ("decimal", mine.form.decimal),
        ("line_ends", mine.form.line_ends),
        ("header_line", mine.form.header_line),
    ):
        if key in form:
            yield key, value, form[key]


def as_read(mine: Found, encoding: str | None) -> str:
    """Return the text in an encoding: two names are right alike if they give the same text."""
    path = (
        mine.path
        if mine.path.is_file()
        else next(each for each in sorted(mine.path.iterdir()) if each.is_file())
    )
    return path.read_bytes().decode(str(encoding))


def column_facts(mine: Found, his: list[dict[str, Any]]) -> Iterator[tuple[str, object, object]]:
    place = 0
    for column in his:
        count = column.get("count", 1)
        chosen = mine.columns[place : place + count]
        place += count
        if "count" in column:
            constant = set(column.get("constant", []))
            kinds: set[str] = {each.kind for each in chosen if each.name not in constant}
            yield f"{column['name'][:20]} types", kinds <= allowed(column["type"]), True
            yield f"{column['name'][:20]} missing", sum(each.missing for each in chosen), column["missing"]
            continue
        (each,) = chosen
        label = column["name"] or f"column {place}"
        yield f"{label} name", each.name, label
        kind = each.kind
        yield f"{label} type", kind, kind if kind in allowed(column["type"]) else column["type"]
        yield f"{label} missing", each.missing, column["missing"]
        if "distinct" in column:
            yield f"{label} distinct", each.distinct, column["distinct"]
        if "missing_as" in column:
            marks = {mark or "(blank)": number for mark, number in each.markers.items()}
            yield f"{label} marks", marks, column["missing_as"]


def allowed(words: str) -> set[str]:
    """Return the kinds that the analyst's words name outside of brackets."""
    plain = re.sub(r"\([^)]*\)", "", words)
    return {kind for kind in KINDS if re.search(rf"\b{kind}\b", plain)}


def class_facts(mine: Found, his: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    classes = his.get("classes", {})
    if "each" in classes:
        counts = mine.column(mine.best.target).classes
        yield "classes", (len(counts), sorted(set(counts.values()))), (classes["count"], classes["each"])
        return
    if not any(isinstance(value, dict) for value in classes.values()):
        name = mine.best.target if mine.best else mine.columns[0].name
        yield "classes", dict(mine.column(name).classes), {k.strip(): v for k, v in classes.items()}
    for name, counts in classes.items():
        column = "weather" if name == "all" else name
        if isinstance(counts, dict) and column in {each.name for each in mine.columns}:
            there = {str(k): v for k, v in counts.items() if str(k) not in ("", "?", "NA", "? ''")}
            if mine.column(column).kind in ("category", "leak"):
                yield f"classes of {column}", dict(mine.column(column).classes), there
    if "entities" in his:
        yield "entities", dict(mine.column("entities").classes), his["entities"]


def reading_facts(mine: Found, his: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    signatures = {each.signature for each in mine.readings}
    if any(each.kind == "time series" for each in mine.faults):
        signatures.add("series")
    for words in his["signatures"]:
        signature = words.split(" (")[0].replace("tokens -> tags", "text -> tags")
        yield f"signature {signature}", signature in signatures, True
    asks = any(each.about in ASKED for each in mine.questions)
    best, target = his["best"], his["best"].get("target")
    yield "asks for the target", asks, bool(his.get("ambiguous"))
    if target and not asks:
        yield "best target", mine.best and mine.best.target, target.replace(" of images.tsv", "")
    elif target:
        candidates = next(each.candidates for each in mine.questions if each.about in ASKED)
        yield "target is offered", any(name in target for name in (*candidates, mine.best.target)), True
    if "text" in best:
        yield "best text", mine.best.inputs, (best["text"],)
    unused = {**mine.best.left_out, **mine.best.leaks} if mine.best else {}
    for name in best.get("ignore", []):
        yield f"leaves {name} out", name in unused, True
    if "leaks" in best:
        yield "leaks", sorted(mine.best.leaks), sorted(best["leaks"])
    for name in best.get("warn", []):
        yield f"warns of {name}", name in mine.best.close, True


def words_of(mine: Found) -> str:
    return f"{mine.split.strategy}: {mine.split.column}" if mine.split.column else mine.split.strategy


def strategy(mine: Found, words: str) -> str:
    """Return the look's strategy if the analyst's words allow it, else those words."""
    split = mine.split
    fits = {
        "time": f"time: {split.column}" in words,
        "group": f"group: {split.column}" in words,
        "stratified": "random stratified" in words,
        "random": "random" in words,
        "none": words.startswith(("none", "leave-one-out")),
        "column": False,
    }
    return words_of(mine) if fits[split.strategy] else words


def fault_facts(name: str, mine: Found, his: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    for file, words, kind, column in FAULTS:
        if file != name:
            continue
        (fault,) = [each for each in his["faults"] if str(each["kind"]).startswith(words)]
        label = f"fault: {words}"
        if kind in ("leak", "close"):
            yield label, column in (mine.best.leaks if kind == "leak" else mine.best.close), True
            continue
        if column == "per column":
            for each, lines in fault["lines"].items():
                yield f"{label} in {each}", lines_of(mine, kind, each), tuple(lines)
            continue
        there = [each for each in mine.faults if each.kind == kind and column in (None, "*", each.column)]
        yield label, bool(there), True
        if not there:
            continue
        if "lines" in fault and kind not in ("ranges",):
            his_lines = fault["lines"]
            yield f"{label}, lines", *up_to_dots(there[0].lines, list(his_lines))
        if "rows_from_1" in fault or "items" in fault:
            yield f"{label}, rows", there[0].lines, tuple(fault.get("rows_from_1", fault.get("items")))
        if "rows" in fault and column != "*" and "lines" not in fault and kind != "more columns than rows":
            yield f"{label}, rows", there[0].count, fault["rows"]
        if "columns" in fault and column == "*" and isinstance(fault["columns"], list):
            yield f"{label}, columns", sorted(str(each.column) for each in there), sorted(fault["columns"])
        if "count" in fault:
            yield f"{label}, count", len(there), fault["count"]


def lines_of(mine: Found, kind: str, column: str) -> tuple[int, ...]:
    return next((each.lines for each in mine.faults if (each.kind, each.column) == (kind, column)), ())


def up_to_dots(mine: tuple[int, ...], his: list[Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the lines of both as far as the analyst wrote them down: [17, to, 311] are all, [6, 13, ...] the first."""
    if "to" in his:
        return mine, tuple(range(his[0], his[2] + 1))
    numbers = tuple(each for each in his if isinstance(each, int))
    if "..." in his:
        known = his.index("...")
        return mine[:known], numbers[:known]
    return mine, numbers


def names() -> list[str]:
    """Return the files to compare; where they are absent a test must fail, not the collection of all tests."""
    return sorted(set(expected()) - set(REFUSED)) if FOLDER.is_dir() else [str(FOLDER)]


@pytest.mark.parametrize("name", names())
def test_a_look_finds_what_the_analyst_wrote_down(name):
    different = {fact: (mine, his) for fact, mine, his in facts(name) if mine != his}
    argued = {fact for file, fact in DIFFERENCES if file == name}
    assert {fact: pair for fact, pair in different.items() if fact not in argued} == {}
    assert argued <= set(different), "no longer differs: take it out of DIFFERENCES"


@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_kinds_that_are_not_supported_are_refused_in_one_line(name, message):
    with pytest.raises(ValueError, match=message) as caught:
        look(FOLDER / name)
    assert "\n" not in str(caught.value)


def test_every_file_can_be_described():
    for name in set(expected()) - set(REFUSED):
        assert describe(found(name)).startswith(f"{FOLDER / name}")


def test_at_least_19_facts_in_20_agree(capsys):
    every = [(name, *fact) for name in expected() if name not in REFUSED for fact in facts(name)]
    agree = sum(mine == his for _, _, mine, his in every)
    compared = {(file, words) for file, words, _, _ in FAULTS}
    num_faults = sum(len(his["faults"]) for his in expected().values())
    with capsys.disabled():
        print(
            f"\n{agree} of {len(every)} facts agree ({agree / len(every):.1%}),"
            f" {len(DIFFERENCES)} differ with a reason;"
            f" {len(compared)} of the analyst's {num_faults} faults are compared"
        )
    assert agree >= 0.95 * len(every)
