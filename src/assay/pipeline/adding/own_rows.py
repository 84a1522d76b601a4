# SPDX-License-Identifier: Apache-2.0
"""From what a look found to a row of ``datasets``: the family and its knobs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.config import registry
from assay.data.own import folders, image_headers, images, text_folders
from assay.data.own.found import Found, Options, Reading
from assay.data.own.image_headers import Header

TEST_FRACTION = 0.2
_LONGEST = (16, 256)
"""The fewest and most tokens at which texts are truncated."""
_TOKENS_PER_WORD = 1.3
_OF_ENTITIES = ("entity_f1", "entity_precision", "entity_recall")
_OF_WORDS = ("accuracy", "unknown_accuracy")
_SPELT = 64
"""Texts no longer than this are rewritten character by character, others by subwords."""
_SUBWORDS = (300, 6000)
"""The fewest and most subwords to tell apart."""
_LONGEST_PAIR = 128
"""Subwords at which texts of pairs are truncated at most."""
_LARGEST_SIDE = 64
"""Images of one size no larger than this keep it."""
_SIDE = 32


@dataclass(frozen=True)
class OwnRow:
    """A row of ``datasets`` for a user's own files, without the path and the digest of their bytes."""

    family: str
    knobs: Mapping[str, Any]
    comments: Mapping[str, str] = field(default_factory=dict)
    """By knob: what is said of it in params.yaml."""
    metric: str | None = None
    """The primary metric; None for the default of the first starter."""


def row_of(found: Found, reading: Reading, options: Options) -> OwnRow:
    """Return the row for a reading of a file.

    Raises:
        ValueError: data of this kind cannot be added, or have too few rows to set some aside; one line.
    """
    if reading.signature not in _MAKERS:
        known = ", ".join(_MAKERS)
        raise ValueError(f"{found.path}: {reading.signature} cannot be added yet; {known} can")
    _check_metric(reading, options)
    split = found.split
    if split is not None and split.column == reading.target:
        raise ValueError(f"--split {options.split}: {reading.target} is the target; name another column")
    if split is not None and split.strategy == "none":
        raise ValueError(f"{found.path}: {split.why}; add rows, or set a share aside with --split 0.2")
    return _MAKERS[reading.signature](found, reading, options)


def _check_metric(reading: Reading, options: Options) -> None:
    kinds = [each for each in registry.TASKS.values() if each.signature == reading.signature]
    fitting = dict.fromkeys(metric for kind in kinds for metric in kind.metrics)
    if options.metric and options.metric not in fitting:
        raise ValueError(
            f"--metric {options.metric}: does not fit {reading.signature}; allowed are {', '.join(sorted(fitting))}"
        )


def _of_table(found: Found, reading: Reading, options: Options) -> OwnRow:
    out = {**reading.leaks, **reading.left_out}
    reasons = [f"{name}: {reason}" for name, reason in out.items()]
    return OwnRow(
        "own_table",
        {
            "encoding": _encoding(found, options),
            "header": _header(found),
            "day_first": options.day_first,
            "target": reading.target,
            "as_classes": reading.signature.endswith("class"),
            "ignore": list(out),
            "kinds": {},
            **_split(found, options, of_classes=reading.signature.endswith("class")),
        },
        {"ignore": "; ".join(reasons)} if reasons else {},
    )


def _of_texts(found: Found, reading: Reading, options: Options) -> OwnRow:
    if found.form.kind == "texts by folder":
        return OwnRow(
            "own_text_files",
            {
                "encoding": _encoding(found, options),
                "ignore": list(options.ignore),
                **_split(found, options, of_classes=True),
                "longest": _enough(_words_of_files(found.path, options)),
            },
        )
    names = list(reading.inputs)
    return OwnRow(
        "own_texts",
        {
            "encoding": _encoding(found, options),
            "header": _header(found),
            "text": names[0] if len(names) == 1 else names,
            "target": reading.target,
            **_split(found, options, of_classes=True),
            "longest": _longest(found, *names),
        },
    )


def _of_plain_text(found: Found, reading: Reading, options: Options) -> OwnRow:
    del reading
    split = _split(found, options, of_classes=False)
    return OwnRow(
        "own_plain_text",
        {
            "encoding": _encoding(found, options),
            "split": split["split"] if ":" in split["split"] else "order",
            "test_fraction": split["test_fraction"],
        },
    )


def _of_images(found: Found, reading: Reading, options: Options) -> OwnRow:
    if options.split and not _is_fraction(options.split):
        raise ValueError(f"--split {options.split}: allowed for images is a fraction between 0 and 1")
    if found.form.kind == "images by folder":
        for option, value in (
            ("--target", options.target),
            ("--text", options.text),
            ("--ignore", options.ignore),
        ):
            if value and value != reading.target:
                raise ValueError(
                    f"{option}: does not fit {found.path}, whose folders are the classes; remove it"
                )
    headers = _headers(found, options)
    sizes = Counter((each.height, each.width) for each in headers)
    height, width = sizes.most_common(1)[0][0]
    if len(sizes) > 1 or max(height, width) > _LARGEST_SIDE:
        height = width = _SIDE
    split = _split(found, options, of_classes=True)
    return OwnRow(
        "own_images",
        {
            "target": options.target,
            "channels": 1 if all(each.mode.startswith("grey") for each in headers) else 3,
            "height": height,
            "width": width,
            "test_fraction": split["test_fraction"],
            "min_per_class": split["min_per_class"],
        },
    )


def _of_tagged(found: Found, reading: Reading, options: Options) -> OwnRow:
    metric = options.metric or reading.metric
    if metric in _OF_ENTITIES and reading.metric not in _OF_ENTITIES:
        allowed = ", ".join(_OF_WORDS)
        raise ValueError(f"--metric {metric}: does not fit the tags of {reading.target}; allowed: {allowed}")
    split = _split(found, options, of_classes=False)
    return OwnRow(
        "own_tagged",
        {
            "encoding": _encoding(found, options),
            "target": reading.target,
            "entities": metric in _OF_ENTITIES,
            "split": split["split"],
            "test_fraction": split["test_fraction"],
        },
        metric=metric,
    )


def _of_pairs(found: Found, reading: Reading, options: Options) -> OwnRow:
    [text] = reading.inputs
    split = _split(found, options, of_classes=False)
    characters = [_most_characters(found, name) for name in (text, reading.target)]
    by_character = reading.metric == "exact_match" and max(characters) <= _SPELT
    longest = (
        [_power_of_two(each) for each in characters]
        if by_character
        else [min(_LONGEST_PAIR, 2 * _longest(found, name)) for name in (text, reading.target)]
    )
    return OwnRow(
        "own_pairs",
        {
            "encoding": _encoding(found, options),
            "header": _header(found),
            "text": text,
            "target": reading.target,
            "split": split["split"],
            "test_fraction": split["test_fraction"],
            "longest": longest,
            "subwords": 0 if by_character else _num_subwords(found.rows),
        },
        {"subwords": "0 for characters"},
        metric=reading.metric,
    )


_MAKERS: Mapping[str, Callable[[Found, Reading, Options], OwnRow]] = {
    "table -> class": _of_table,
    "table -> number": _of_table,
    "text -> class": _of_texts,
    "image -> class": _of_images,
    "text -> tags": _of_tagged,
    "text -> text": _of_pairs,
    "text -> next character": _of_plain_text,
}


def _is_fraction(text: str) -> bool:
    try:
        return 0 < float(text) < 1
    except ValueError:
        return False


def _encoding(found: Found, options: Options) -> str | None:
    """Return the encoding of a file; of a folder that of the files that are not UTF-8, if the user names one."""
    return options.encoding if found.path.is_dir() else found.form.encoding


def _header(found: Found) -> bool | None:
    if found.form.kind != "delimited text":
        return None
    return found.form.header_line is not None


def _split(found: Found, options: Options, *, of_classes: bool) -> dict[str, Any]:
    fraction = TEST_FRACTION
    if options.folds:
        fraction = round(1 / options.folds, 4)
    if options.split and ":" not in options.split:
        fraction = float(options.split)
    advice = found.split
    how = "stratified" if of_classes else "random"
    if advice is not None and advice.column is not None and advice.strategy in ("column", "time", "group"):
        how = f"{advice.strategy}:{advice.column}"
    return {"split": how, "test_fraction": fraction, "min_per_class": options.min_per_class}


def _longest(found: Found, *columns: str) -> int:
    """Return a number of tokens that is enough for 95% of the texts, those of several columns joined."""
    assert found.known is not None
    table, _ = found.known
    chosen = [table.cells[table.names.index(column)] for column in columns]
    words = [np.array([len(text.split()) for text in cells.values])[cells.codes] for cells in chosen]
    return _enough(np.sum(words, axis=0))


def _words_of_files(path: Path, options: Options) -> NDArray[np.int64]:
    _, texts = text_folders.read(path, folders.files_of(path), options)
    return np.array([len(text.text.split()) for text in texts])


def _enough(words: NDArray[np.int64]) -> int:
    """Return a power of two of tokens that is enough for 95% of texts of (N,) words."""
    needed = max(1.0, float(np.quantile(words, 0.95)) * _TOKENS_PER_WORD)
    least, most = _LONGEST
    return min(most, max(least, _power_of_two(needed)))


def _num_subwords(num_pairs: int) -> int:
    """Return how many subwords to tell apart: fewer for fewer pairs, so that each occurs often enough.

    Source: Sennrich and Zhang, "Revisiting Low-Resource Neural Machine Translation", ACL 2019,
    https://aclanthology.org/P19-1021.
    """
    fewest, most = _SUBWORDS
    return min(most, max(fewest, num_pairs // 4))


def _most_characters(found: Found, column: str) -> int:
    assert found.known is not None
    table, _ = found.known
    return max(map(len, table.cells[table.names.index(column)].values))


def _power_of_two(least: float) -> int:
    return int(2 ** math.ceil(math.log2(max(1.0, least))))


def _headers(found: Found, options: Options) -> list[Header]:
    headers = []
    for item in images.items_of(found.path, options):
        try:
            headers.append(image_headers.read(item.path))
        except (ValueError, OSError):
            continue  # named by the look
    return headers
