# SPDX-License-Identifier: Apache-2.0
"""From what a look found to a row of ``datasets``: the family and its knobs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.data.own import image_headers, images, look
from assay.data.own.found import Found, Options, Reading
from assay.data.own.image_headers import Header

TEST_FRACTION = 0.2
MIN_PER_CLASS = 5
"""Rows that a class needs to be in train, validation and test."""
_LONGEST = (16, 256)
"""The fewest and most tokens at which texts are truncated."""
_TOKENS_PER_WORD = 1.3
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


def row_of(found: Found, reading: Reading, options: Options) -> OwnRow:
    """Return the row for a reading of a file.

    Raises:
        ValueError: data of this kind cannot be added, or have too few rows to set some aside; one line.
    """
    if reading.signature not in _MAKERS:
        known = ", ".join(_MAKERS)
        raise ValueError(f"{found.path}: {reading.signature} cannot be added yet; {known} can")
    split = found.split
    if split is not None and split.strategy == "none":
        raise ValueError(f"{found.path}: {split.why}; add rows, or set a share aside with --split 0.2")
    return _MAKERS[reading.signature](found, reading, options)


def _of_table(found: Found, reading: Reading, options: Options) -> OwnRow:
    out = {**reading.leaks, **reading.left_out}
    reasons = [f"{name}: {reason}" for name, reason in out.items()]
    return OwnRow(
        "own_table",
        {
            "encoding": found.form.encoding,
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
    [text] = reading.inputs
    return OwnRow(
        "own_texts",
        {
            "encoding": found.form.encoding,
            "header": _header(found),
            "text": text,
            "target": reading.target,
            **_split(found, options, of_classes=True),
            "longest": _longest(found, text, options),
        },
    )


def _of_images(found: Found, reading: Reading, options: Options) -> OwnRow:
    del reading  # the folder says it all
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


_MAKERS: Mapping[str, Callable[[Found, Reading, Options], OwnRow]] = {
    "table -> class": _of_table,
    "table -> number": _of_table,
    "text -> class": _of_texts,
    "image -> class": _of_images,
}


def _header(found: Found) -> bool | None:
    if found.form.kind != "delimited text":
        return None
    return found.form.header_line is not None


def _split(found: Found, options: Options, *, of_classes: bool) -> dict[str, Any]:
    fraction = TEST_FRACTION
    if options.split and ":" not in options.split:
        fraction = float(options.split)
    advice = found.split
    how = "stratified" if of_classes else "random"
    if advice is not None and advice.column is not None and advice.strategy in ("column", "time", "group"):
        how = f"{advice.strategy}:{advice.column}"
    return {"split": how, "test_fraction": fraction, "min_per_class": MIN_PER_CLASS}


def _longest(found: Found, column: str, options: Options) -> int:
    """Return a power of two of tokens that is enough for 95% of the texts."""
    table = look.table_of(found.path, options)
    cells = table.cells[table.names.index(column)]
    words = np.array([len(text.split()) for text in cells.values])[cells.codes]
    needed = max(1.0, float(np.quantile(words, 0.95)) * _TOKENS_PER_WORD)
    least, most = _LONGEST
    return int(min(most, max(least, 2 ** math.ceil(math.log2(needed)))))


def _headers(found: Found, options: Options) -> list[Header]:
    headers = []
    for item in images.items_of(found.path, options):
        try:
            headers.append(image_headers.read(item.path))
        except (ValueError, OSError):
            continue  # named by the look
    return headers
