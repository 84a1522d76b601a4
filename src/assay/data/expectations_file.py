# SPDX-License-Identifier: Apache-2.0
"""A file of expectations of a dataset's items: inferred once from its items, then edited by its user.

Each entry is an expectation of Great Expectations, https://greatexpectations.io/expectations: ``type`` and ``kwargs``,
and what to do if it fails, ``fix``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML

from assay.config import strict_yaml

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

NUMBERED = frozenset({"item", "split", "sha256", "group", "time"})
"""The columns of items.parquet of which nothing is inferred: other checks are about them."""
OF_VOCABULARY = {"unknown": (0, 1), "source_tokens": (1, None), "target_tokens": (1, None)}
"""The columns that depend on the vocabulary, which is that of the training items, and the range of any item: the
training items say nothing about others."""
MOST_VALUES = 30
"""The most values of a column of texts of which each is named."""
MOSTLY = 0.99
"""The share of the values that must meet an inferred expectation."""
_MARGIN = 0.5
"""By how much of its range a number may lie outside of the range of the items; of its value if it has one."""
_ALLOWED_MISSING = 0.1
"""By how much the share of missing values may be larger than among the items."""
_HEAD = """\
What must hold of the items of {name} before any model is trained on them. Inferred from {count:,} items by
assay add; edit it: from now on it is yours. Columns are those of data/prepared/{name}/items.parquet.
type and kwargs are those of Great Expectations, https://greatexpectations.io/expectations
"""


class Entry(BaseModel):
    """One expectation."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(pattern=r"^expect_[a-z_]{1,80}$")
    kwargs: dict[str, Any]
    """Its arguments, but for conditions on rows: Great Expectations would run them as code."""
    fix: str = Field(default="", max_length=500)

    @field_validator("kwargs")
    @classmethod
    def _has_no_condition(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        for key in ("row_condition", "condition_parser"):
            if key in kwargs:
                raise ValueError(f"{key} is not allowed")
        return kwargs


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expectations: list[Entry] = Field(max_length=5000)


def read(path: Path) -> list[Expectation]:
    """Return the expectations of a file.

    Raises:
        ValueError: it is not such a file, or an entry is not an expectation; one line.
    """
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        entries = _File.model_validate(strict_yaml.read(path)).expectations
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: {where}: {first['msg']}; correct the entry, or remove it") from None
    found: list[Expectation] = []
    for place, entry in enumerate(entries, start=1):
        fix = entry.fix or f"correct the data, or edit entry {place} of {path}"
        try:
            # Great Expectations has no types for this method.
            rule = ExpectationConfiguration(type=entry.type, kwargs=entry.kwargs, meta={"fix": fix})
            found.append(rule.to_domain_obj())
        except Exception as error:  # any kind, depending on the expectation
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"{path}: entry {place}, {entry.type}: {reason}; correct it, or remove it"
            ) from None
    return found


def infer(items: pd.DataFrame, name: str) -> str:
    """Return the content of a file of expectations that hold of a dataset's items.

    Those of validation and test count too: a category that only they have is no fault.

    Args:
        items: the table items.parquet of the dataset.
        name: the dataset's name.
    """
    entries = [entry for column in items if column not in NUMBERED for entry in _of_column(items[column])]
    yaml = YAML()
    yaml.default_flow_style = None  # a collection of plain values is on one line
    yaml.width = 120
    text = io.StringIO()
    yaml.dump({"expectations": entries}, text)
    head = "".join(f"# {line}\n" for line in _HEAD.format(name=name, count=len(items)).splitlines())
    return head + text.getvalue()


def _of_column(values: pd.Series) -> Iterator[dict[str, Any]]:
    """Yield what holds of a column's values: how many are missing, and their range or set."""
    column = str(values.name)
    missing = float(values.isna().mean())
    mostly = {} if not missing else {"mostly": round(max(0.0, 1 - missing - _ALLOWED_MISSING), 3)}
    yield _entry("expect_column_values_to_not_be_null", column, **mostly)
    there = values.dropna()
    if there.empty:
        return
    if column == "label" and pd.api.types.is_integer_dtype(there):
        yield _entry(
            "expect_column_values_to_be_in_set", column, value_set=sorted({int(each) for each in there})
        )
    elif column in OF_VOCABULARY:
        least, most = OF_VOCABULARY[column]
        yield _entry("expect_column_values_to_be_between", column, min_value=least, max_value=most)
    elif pd.api.types.is_numeric_dtype(there):
        low, high = float(there.min()), float(there.max())
        margin = _MARGIN * (high - low if high > low else max(1.0, abs(high)))
        lowest = max(0.0, low - margin) if low >= 0 else low - margin
        kwargs = {"min_value": _short(lowest), "max_value": _short(high + margin), "mostly": MOSTLY}
        yield _entry("expect_column_values_to_be_between", column, **kwargs)
    elif there.nunique() <= MOST_VALUES:
        found = sorted(str(each) for each in there.unique())
        yield _entry("expect_column_values_to_be_in_set", column, value_set=found, mostly=MOSTLY)
    else:
        lengths = there.astype(str).str.len()
        longest = int(2 * lengths.max())
        kwargs = {"min_value": 1, "max_value": longest, "mostly": MOSTLY}
        yield _entry("expect_column_value_lengths_to_be_between", column, **kwargs)


def _entry(kind: str, column: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": {"column": column, **kwargs}}


def _short(number: float) -> float | int:
    """Return a number with six digits, as a whole number if it is one."""
    short = float(f"{number:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
