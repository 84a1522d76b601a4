# SPDX-License-Identifier: Apache-2.0
"""Transduction: rewrite a text by a rule, so that there is exactly one correct output.

The primary metric is exact match, the share of outputs that equal the reference. The control that should lose copies
the source.
"""

from __future__ import annotations

import pandas as pd

from assay.tasks.metric import scores
from assay.tasks.protocol import Declaration, Task
from assay.tasks.sequence_to_sequence import (
    EXACT_MATCH,
    LIKELIHOODS,
    Answer,
    Pairs,
    SequenceToSequence,
    exact,
    rows,
)


class Transduction(Declaration, SequenceToSequence):
    """Maps texts to their only correct output."""

    primary_metrics = (EXACT_MATCH, *LIKELIHOODS)

    def compute_metrics(self, answer: Answer, split: Pairs) -> dict[str, float | None]:
        """Return all metrics."""
        return {
            **scores(self.primary_metrics, self.predictions(answer, split)),
            "greedy_exact_match": float(exact(answer.greedy, split).mean()),
        }

    def predictions(self, answer: Answer, split: Pairs) -> pd.DataFrame:
        """Return one row per item."""
        return rows(answer, split)


TASK: Task[Pairs, Answer] = Transduction(
    signature="text -> text",
    provides=("source_length", "target_length", "vocabulary"),
    controls=("copy_source",),
    metrics=("exact_match", "perplexity", "cross_entropy"),
)
