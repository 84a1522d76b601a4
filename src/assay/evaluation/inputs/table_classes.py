# SPDX-License-Identifier: Apache-2.0
"""A user's table rows to classify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.evaluation.inputs.reader import Prepared, Reader
from assay.evaluation.inputs.table_rows import Rows

if TYPE_CHECKING:
    from assay.data.declarations import Dataset

SIGNATURE = "table -> class"


def declared(dataset: Dataset) -> dict[str, Any]:
    """Return nothing: the encoder has all that is needed."""
    del dataset
    return {}


def reader(prepared: Prepared) -> Reader:
    """Return the reader of rows to classify."""
    return Rows(prepared)
