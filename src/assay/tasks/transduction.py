# SPDX-License-Identifier: Apache-2.0
"""Transduction: rewrite a text by a rule, so that one answer alone is right.

The primary metric is the share of texts that are right to the letter. The control that should lose copies.
"""

from __future__ import annotations

import pandas as pd

from assay.tasks.metric import SummedMetric, averaged, ratio
from assay.tasks.protocol import Declaration, Task
from assay.tasks.sequence_to_sequence import Answer, Pairs, SequenceToSequence, exact, likelihoods, rows


class Transduction(Declaration, SequenceToSequence):
    """Texts to the one text that is right."""

    primary = SummedMetric(
        "exact_match", "maximise", ("exact_match",), averaged("exact_match"), ratio, highest=1
    )

    def compute_metrics(self, answer: Answer, split: Pairs) -> dict[str, float | None]:
        """Return every metric."""
        return {
            "exact_match": float(exact(answer.hypotheses, split).mean()),
            "greedy_exact_match": float(exact(answer.greedy, split).mean()),
            **likelihoods(answer),
        }

    def predictions(self, answer: Answer, split: Pairs) -> pd.DataFrame:
        """Return one row an item."""
        return rows(answer, split)


TASK: Task[Pairs, Answer] = Transduction(
    signature="text -> text",
    provides=("source_length", "target_length", "vocabulary"),
    controls=("copy_source",),
)
