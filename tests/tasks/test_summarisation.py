"""Summarisation: ROUGE by hand, and a table of predictions whose mean is the score."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from assay.tasks.sequence_to_sequence import Answer, Pairs
from assay.tasks.summarisation import TASK, rouge

REFERENCES = ["the cat sat on the mat", "markets fall", "markets fall"]
HYPOTHESES = ["the cat on a mat", "markets fall", "rain"]
# Of the first: one-word matches the, cat, on, mat: 4 of 5 and of 6. Pairs: the cat alone, 1 of 4 and of 5. In order
# the cat on mat: 4 of 5 and of 6.
BY_HAND = {"rouge_1": [8 / 11, 1, 0], "rouge_2": [2 / 9, 1, 0], "rouge_l": [8 / 11, 1, 0]}


@pytest.fixture
def split():
    items, nothing = np.array([3, 5, 8]), torch.zeros(3, 2, dtype=torch.int64)
    return Pairs(nothing, nothing, items, sources=np.array(["", "", ""]), references=np.array(REFERENCES))


@pytest.fixture
def answer():
    return Answer(HYPOTHESES, HYPOTHESES, np.array([2.0, 1.0, 3.0]), np.array([2, 1, 1]))


def test_rouge_by_hand(answer, split):
    found = rouge(answer, split)
    for name, values in BY_HAND.items():
        assert found[name].tolist() == pytest.approx(values)


def test_the_score_is_the_mean_over_texts(answer, split):
    scores = TASK.compute_metrics(answer, split)
    for name, values in BY_HAND.items():
        assert scores[name] == pytest.approx(np.mean(values))
    assert scores["exact_match"] == pytest.approx(1 / 3)
    assert scores["cross_entropy"] == pytest.approx(1.5)


def test_predictions_have_one_row_per_item(answer, split):
    table = TASK.predictions(answer, split)
    assert table["item"].tolist() == [3, 5, 8]
    assert table["hypothesis"].tolist() == HYPOTHESES
    assert table["rouge_l"].mean() == pytest.approx(TASK.compute_metrics(answer, split)["rouge_l"])


def test_an_empty_hypothesis_scores_zero(answer, split):
    assert TASK.compute_metrics(replace(answer, hypotheses=["", "", ""]), split)["rouge_l"] == 0
