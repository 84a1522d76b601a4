"""How many runs a score is of, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.report.results.collect import FoldItems
from assay.report.results.summaries import squares
from tests.report.made_up import TASK, summaries_of

ON_FOLDS = replace(TASK, folds={str(seed): FoldItems(f"digits_fold{seed}", 80, 20) for seed in range(3)})


@pytest.mark.parametrize(
    ("task", "cnn", "svm"),
    [(TASK, "2 of 3 seeds", "one run, no seed"), (ON_FOLDS, "2 of 3 folds", "3 folds")],
    ids=["seeds", "folds"],
)
def test_the_runs_of_a_task_on_folds_are_called_folds(tmp_path: Path, task, cnn: str, svm: str) -> None:
    scores = {(model, seed, "none"): 0.9 for model in ("cnn", "rbf_svm") for seed in range(3)}
    found = squares(summaries_of(tmp_path, scores | {("cnn", 1, "none"): None}, task), task)
    assert (found["cnn"].spread, found["rbf_svm"].spread) == (cnn, svm)


def test_the_first_fold_describes_the_data() -> None:
    assert (TASK.sheet, TASK.run) == ("digits", "seed")
    assert (ON_FOLDS.sheet, ON_FOLDS.run, ON_FOLDS.dataset) == ("digits_fold0", "fold", "digits")
