# SPDX-License-Identifier: Apache-2.0
"""The expected best validation score against the number of trials.

Source: Dodge et al., "Show Your Work: Improved Reporting of Experimental Results", EMNLP 2019,
https://arxiv.org/abs/1909.03004, section 3: the estimate from n scores, with the trials taken as independent draws.
"""

from __future__ import annotations

from collections.abc import Sequence


def expected_best(scores: Sequence[float], direction: str) -> list[float]:
    """Return the expected best of 1, 2, ..., n trials, from the scores of n trials.

    Args:
        direction: of the score, ``maximise`` or ``minimise``.
    """
    number, sign = len(scores), 1 if direction == "maximise" else -1
    ordered = sorted(sign * score for score in scores)
    return [
        sign
        * sum(
            score * ((place / number) ** trials - ((place - 1) / number) ** trials)
            for place, score in enumerate(ordered, 1)
        )
        for trials in range(1, number + 1)
    ]
