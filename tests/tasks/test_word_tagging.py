"""Word tagging: its metrics, tables and exhibits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional as F

from assay.data.preparation import tagged as dataset
from assay.tasks.word_tagging import TASK

CLASSES = ("DET", "NOUN", "VERB")
END = dataset.NO_TAG
ROWS = [
    ("train", "the cat sleeps", [0, 1, 2]),
    ("validation", "the cat", [0, 1]),
    ("test", "the dog sleeps", [0, 1, 2]),
    ("test", "cat naps", [1, 2]),
]
SAID = [[0, 2, 2], [1, 1]]
"""Three of five words are right; of the unknown words, dog and naps, none."""


@pytest.fixture
def test_split(tmp_path):
    splits, texts, tags = zip(*ROWS, strict=True)
    tagged = dataset.TaggedSet([text.split() for text in texts], list(tags), np.array(splits), CLASSES)
    dataset.prepare(tagged, tmp_path, dataset="parts", seed=0, validation_fraction=0.5, test_fraction=0.5)
    return TASK.load(tmp_path, ("test",))["test"]


def scores(rows):
    """Return scores (N, T, K) with these best tags, and NOUN after a sentence's end."""
    padded = [row + [1] * (3 - len(row)) for row in rows]
    return 9.0 * F.one_hot(torch.tensor(padded), len(CLASSES)).float()


def test_scores_by_hand(test_split):
    found = TASK.compute_metrics(scores(SAID), test_split)
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["unknown_accuracy"] == 0
    assert found["macro_f1"] == pytest.approx(f1_score([0, 1, 2, 1, 2], [0, 2, 2, 1, 1], average="macro"))
    assert found["cross_entropy"] == pytest.approx(math.log(1 + 2 * math.exp(-9)) + 9 * 2 / 5, rel=1e-6)


def test_without_unknown_words_their_accuracy_is_undefined(test_split):
    known = test_split.take(torch.tensor([0]))
    known.inputs[:, :, 0] = 2
    assert TASK.compute_metrics(scores(SAID[:1]), known)["unknown_accuracy"] is None


def test_sums_of_batches_give_the_loss_and_the_accuracy(test_split):
    outputs = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0))
    halves = [
        TASK.metric_state(outputs[part], test_split.targets[part]) for part in (slice(0, 1), slice(1, 2))
    ]
    value, accuracy = TASK.compute_watched(torch.stack(halves).sum(dim=0))
    assert value == pytest.approx(TASK.loss(outputs, test_split.targets).item())
    assert accuracy == pytest.approx(TASK.compute_metrics(outputs, test_split)["accuracy"])


def test_predictions_count_each_sentences_words(test_split):
    table = TASK.predictions(scores(SAID), test_split)
    assert table[["item", "correct", "words"]].to_numpy().tolist() == [[2, 2, 3], [3, 1, 2]]
    assert table["prediction"].tolist() == ["DET VERB VERB", "NOUN NOUN"]


def test_exhibits_are_a_confusion_matrix_and_samples(test_split):
    confusion, samples = TASK.exhibits(scores(SAID), test_split)
    assert confusion.counts == [[1, 0, 0], [0, 1, 1], [0, 1, 1]]
    assert samples.texts[1] == {"given": "cat naps", "expected": "NOUN VERB", "said": "NOUN NOUN"}
