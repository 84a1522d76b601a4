# SPDX-License-Identifier: Apache-2.0
"""Translation of texts from one language into another.

The primary metric is sacreBLEU's BLEU, 0 to 100, of plain texts: detokenised hypotheses against raw
references, case-sensitive. The controls that should lose copy the source, or translate it word by word.

Source: Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018, https://aclanthology.org/W18-6319; chrF:
Popović, WMT 2015, https://aclanthology.org/W15-3049.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from assay.tasks.metric import SummedMetric, counted, scores
from assay.tasks.protocol import Declaration, Task
from assay.tasks.sequence_to_sequence import (
    EXACT_MATCH,
    LIKELIHOODS,
    Answer,
    Pairs,
    SequenceToSequence,
    rows,
)

ORDERS = range(1, 5)
STATISTICS = (
    *(f"matches_{order}" for order in ORDERS),
    *(f"ngrams_{order}" for order in ORDERS),
    "hypothesis_length",
    "reference_length",
)
"""The counts of BLEU per text; their sums over texts give the corpus score."""


def bleu_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the BLEU, 0 to 100, of summed counts (..., 10), smoothed like sacreBLEU (``exp``): among the orders with
    no matching n-gram, the first counts half a match, the next a quarter and so on."""
    matches, ngrams = sums[..., :4], sums[..., 4:8]
    smoothed = np.where(matches > 0, matches, 0.5 ** (matches == 0).cumsum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):  # texts without words
        precision = np.where(ngrams > 0, smoothed / ngrams, 0)
        brevity = np.minimum(1 - sums[..., 9] / sums[..., 8], 0)
        score = 100 * np.exp(np.log(precision).mean(axis=-1) + brevity)
    return np.where(matches.any(axis=-1), score, 0.0)


CHRF_ORDERS = range(1, 7)
CHRF_STATISTICS = tuple(
    f"chrf_{kind}_{order}" for kind in ("hypothesis", "reference", "matches") for order in CHRF_ORDERS
)
"""The counts of chrF per text: n-grams of characters of the hypothesis, of the reference, and of both."""
CHRF_BETA = 2
"""How many times more recall counts than precision."""


def chrf_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chrF, 0 to 100, of summed counts (..., 18); orders without n-grams do not count, as in sacreBLEU."""
    hypothesis, reference, matches = (sums[..., first : first + 6] for first in (0, 6, 12))
    orders = np.maximum(((hypothesis > 0) & (reference > 0)).sum(axis=-1), 1)
    precision = (matches / np.maximum(hypothesis, 1)).sum(axis=-1) / orders
    recall = (matches / np.maximum(reference, 1)).sum(axis=-1) / orders
    weighted = CHRF_BETA**2 * precision + recall
    score: NDArray[np.float64] = (
        100 * (1 + CHRF_BETA**2) * precision * recall / np.where(weighted > 0, weighted, 1)
    )
    return score


METRICS = {"bleu": ("BLEU", ""), "greedy_bleu": ("greedy BLEU", ""), "chrf": ("chrF", "")}


class Translation(Declaration, SequenceToSequence):
    """Maps texts to texts in another language."""

    primary_metrics = (
        SummedMetric("bleu", "maximise", STATISTICS, counted(*STATISTICS), bleu_of, highest=100),
        SummedMetric("chrf", "maximise", CHRF_STATISTICS, counted(*CHRF_STATISTICS), chrf_of, highest=100),
        EXACT_MATCH,
        *LIKELIHOODS,
    )

    def compute_metrics(self, answer: Answer, split: Pairs) -> dict[str, float | None]:
        """Return all metrics."""
        return {
            **scores(self.primary_metrics, _table(answer, split)),
            "greedy_bleu": bleu(statistics(answer.greedy, split)),
        }

    def predictions(self, answer: Answer, split: Pairs) -> pd.DataFrame:
        """Return one row per item, with its BLEU counts and chrF, and chrF's counts if it is the primary metric."""
        table = _table(answer, split)
        if self.primary.columns != CHRF_STATISTICS:
            table = table.drop(columns=list(CHRF_STATISTICS))
        table["chrf"] = [
            CHRF().sentence_score(ours, [theirs]).score
            for ours, theirs in zip(answer.hypotheses, _references(split), strict=True)
        ]
        return table


def _table(answer: Answer, split: Pairs) -> pd.DataFrame:
    """Return the columns of every metric."""
    counts = pd.DataFrame(statistics(answer.hypotheses, split), columns=list(STATISTICS))
    ngrams = pd.DataFrame(chrf_statistics(answer.hypotheses, split), columns=list(CHRF_STATISTICS))
    return pd.concat([rows(answer, split), counts, ngrams], axis=1)


def chrf_statistics(hypotheses: list[str], split: Pairs) -> NDArray[np.int64]:
    """Return the chrF counts of each text, (N, 18), in the order of ``CHRF_STATISTICS``."""
    counts = []
    for ours, theirs in zip(hypotheses, _references(split), strict=True):
        pairs = [(_ngrams(ours, order), _ngrams(theirs, order)) for order in CHRF_ORDERS]
        # An order that the reference is too short for counts nothing of the hypothesis.
        counts.append(
            [
                *(one.total() if other else 0 for one, other in pairs),
                *(other.total() for _, other in pairs),
                *((one & other).total() for one, other in pairs),
            ]
        )
    return np.array(counts, np.int64)


def _ngrams(text: str, order: int) -> Counter[str]:
    letters = "".join(text.split())
    return Counter(letters[start : start + order] for start in range(len(letters) - order + 1))


def statistics(hypotheses: list[str], split: Pairs) -> NDArray[np.int64]:
    """Return the BLEU counts of each text, (N, 10), in the order of ``STATISTICS``."""
    metric = BLEU(effective_order=True)
    scores = (
        metric.sentence_score(ours, [theirs])
        for ours, theirs in zip(hypotheses, _references(split), strict=True)
    )
    return np.array([[*each.counts, *each.totals, each.sys_len, each.ref_len] for each in scores], np.int64)


def bleu(statistics: NDArray[np.int64]) -> float:
    """Return the corpus BLEU, 0 to 100, from the counts of each text, (N, 10)."""
    sums = statistics.sum(axis=0).tolist()
    return float(BLEU.compute_bleu(sums[:4], sums[4:8], sums[8], sums[9], smooth_method="exp").score)


def _references(split: Pairs) -> Iterator[str]:
    assert split.references is not None
    return iter(split.references)


TASK: Task[Pairs, Answer] = Translation(
    signature="text -> text",
    provides=("source_length", "target_length", "vocabulary"),
    controls=("copy_source",),
    metrics=("bleu", "chrf", "exact_match", "perplexity", "cross_entropy"),
)
