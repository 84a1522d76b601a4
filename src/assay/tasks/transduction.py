"""Transduction: rewrite a text by a rule, so that one answer alone is right.

The primary metric is the share of texts that are right to the letter. The control that should lose copies.
"""

from __future__ import annotations

import pandas as pd

from assay.data.splits import limit
from assay.tasks.metric import SummedMetric, averaged, ratio
from assay.tasks.sequence_to_sequence import (
    WATCHED,
    Answer,
    Pairs,
    answer,
    augmenter,
    exact,
    exhibits,
    likelihoods,
    load,
    loss,
    model_arguments,
    rows,
    tally,
    watched,
)

__all__ = ["PRIMARY", "WATCHED", "answer", "augmenter", "exhibits", "limit", "load", "loss"]
__all__ += ["model_arguments", "predictions", "score", "tally", "watched"]

PRIMARY = SummedMetric("exact_match", "maximise", ("exact_match",), averaged("exact_match"), ratio, highest=1)


def score(answer: Answer, split: Pairs) -> dict[str, float | None]:
    """Return every metric."""
    return {
        "exact_match": float(exact(answer.hypotheses, split).mean()),
        "greedy_exact_match": float(exact(answer.greedy, split).mean()),
        **likelihoods(answer),
    }


def predictions(answer: Answer, split: Pairs) -> pd.DataFrame:
    """Return one row an item."""
    return rows(answer, split)
