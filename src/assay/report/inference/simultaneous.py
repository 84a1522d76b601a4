# SPDX-License-Identifier: Apache-2.0
"""Intervals of many differences that hold together and agree with Holm's test.

An interval with 95% coverage of its own excludes 0 more often than a test that is corrected for the number of
comparisons finds a difference, so that the two contradict each other side by side. Bonferroni's intervals have 95%
coverage together. Where Holm's test, which is the more powerful one, finds a difference whose interval still includes
0, the interval ends at 0: the test has shown the sign, and the intervals hold together all the same (Strassburger and
Bretz, "Compatible simultaneous lower confidence bounds for the Holm procedure and other Bonferroni-based closed
tests", Statistics in Medicine 2008, https://doi.org/10.1002/sim.3338). Where an exact test finds none, the interval is
extended to 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.report.inference.statistics import Array


def ends(size: Array, reach: Array, significant: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the ends of the intervals of differences (P,) of 0 or more.

    Args:
        reach: (P,) the half-widths of intervals at the level 0.05 / P.
        significant: (P,) whether Holm's test finds a difference.
    """
    low = size - reach
    return np.where(significant, np.maximum(low, 0), np.minimum(low, 0)), size + reach
