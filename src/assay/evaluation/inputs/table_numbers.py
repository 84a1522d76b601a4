# SPDX-License-Identifier: Apache-2.0
"""A user's table rows for regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.inputs import table_classes
from assay.evaluation.inputs.parsing.items import Item
from assay.evaluation.inputs.reader import Answer, Prepared, Reader
from assay.evaluation.inputs.table_rows import Rows

if TYPE_CHECKING:
    import onnx

SIGNATURE = "table -> number"

declared = table_classes.declared


def reader(prepared: Prepared) -> Reader:
    """Return the reader of rows for regression."""
    return Numbers(prepared)


class Numbers(Rows):
    """Rows, and a number for each in the target's unit."""

    columns = ("prediction",)
    example = "table_numbers"

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return each row's number."""
        del inputs, items
        numbers = outputs[:, 0].astype(np.float64) * self.facts["target_std"] + self.facts["target_mean"]
        return [(number,) for number in numbers.tolist()]

    def labels(self) -> dict[str, Any]:
        """Return how cells become features."""
        return {name: value for name, value in super().labels().items() if name != "classes"}

    def exported(self, graph: onnx.ModelProto) -> onnx.ModelProto:
        """Return the graph with standardisation, whose numbers are in the target's unit."""
        from assay.artifacts.onnx import preprocessing

        graph = super().exported(graph)
        return preprocessing.in_unit(graph, self.facts["target_mean"], self.facts["target_std"])
