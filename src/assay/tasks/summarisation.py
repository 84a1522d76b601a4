# SPDX-License-Identifier: Apache-2.0
"""Summarisation of texts in fewer words.

The primary metric is ROUGE-L, the mean over texts of the F-measure of the longest common subsequence. The control
that should lose returns the first words of the text.

Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", ACL workshop 2004,
https://aclanthology.org/W04-1013, in torchmetrics' implementation, without stemming.
"""

from __future__ import annotations

import pandas as pd
from torchmetrics.functional.text import rouge_score

from assay.tasks.metric import SummedMetric, averaged, ratio, scores
from assay.tasks.protocol import Declaration, Task
from assay.tasks.sequence_to_sequence import EXACT_MATCH, LIKELIHOODS, Answer, Pairs, SequenceToSequence, rows

KEYS = {"rouge_l": "rougeL", "rouge_1": "rouge1", "rouge_2": "rouge2"}

METRICS = {"rouge_l": ("ROUGE-L", "%"), "rouge_1": ("ROUGE-1", "%"), "rouge_2": ("ROUGE-2", "%")}


class Summarisation(Declaration, SequenceToSequence):
    """Maps texts to shorter texts."""

    primary_metrics = (
        *(SummedMetric(name, "maximise", (name,), averaged(name), ratio, highest=1) for name in KEYS),
        EXACT_MATCH,
        *LIKELIHOODS,
    )

    def compute_metrics(self, answer: Answer, split: Pairs) -> dict[str, float | None]:
        """Return all metrics."""
        return scores(self.primary_metrics, self.predictions(answer, split))

    def predictions(self, answer: Answer, split: Pairs) -> pd.DataFrame:
        """Return one row per item, with its ROUGE scores."""
        return pd.concat([rows(answer, split), rouge(answer, split)], axis=1)


def rouge(answer: Answer, split: Pairs) -> pd.DataFrame:
    """Return the F-measures of each text: N rows, one column per kind of ROUGE."""
    assert split.references is not None
    scores = [
        rouge_score(ours, theirs, rouge_keys=tuple(KEYS.values()))
        for ours, theirs in zip(answer.hypotheses, split.references, strict=True)
    ]
    return pd.DataFrame(
        {name: [each[f"{key}_fmeasure"].item() for each in scores] for name, key in KEYS.items()}
    )


TASK: Task[Pairs, Answer] = Summarisation(
    signature="text -> text",
    provides=("source_length", "target_length", "vocabulary"),
    controls=("first_words",),
    metrics=("rouge_l", "rouge_1", "rouge_2", "exact_match", "perplexity", "cross_entropy"),
)
