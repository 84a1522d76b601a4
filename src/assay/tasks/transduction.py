# SPDX-License-Identifier: Apache-2.0
"""Transduction: rewrite a text by a rule, so that there is exactly one correct output.

The primary metric is exact match, the share of outputs that equal the reference. The control that should lose copies
the source.
"""

from __future__ import annotations

import pandas as pd

from assay.tasks.metric import SummedMetric, averaged, ratio
from assay.tasks.protocol import Declaration, Task
from assay.tasks.sequence_to_sequence import Answer, Pairs, SequenceToSequence, exact, likelihoods, rows


class Transduction(Declaration, SequenceToSequence):
    """Maps texts to their only correct output."""

    primary = SummedMetric(
        "exact_match", "maximise", ("exact_match",), averaged("exact_match"), ratio, highest=1
    )

    def compute_metrics(self, answer: Answer, split: Pairs) -> dict[str, float | None]:
        """Return all metrics."""
        return {
            "exact_match": float(exact(answer.hypotheses, split).mean()),
            "greedy_exact_match": float(exact(answer.greedy, split).mean()),
            **likelihoods(answer),
        }

    def predictions(self, answer: Answer, split: Pairs) -> pd.DataFrame:
        """Return one row per item."""
        return rows(answer, split)


TASK: Task[Pairs, Answer] = Transduction(
    signature="text -> text",
    provides=("source_length", "target_length", "vocabulary"),
    controls=("copy_source",),
)
