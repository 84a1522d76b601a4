"""Markov text: the source's probabilities, its entropy rate by other methods, and the source's own metric."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from assay.data.datasets.text import markov_text
from assay.data.datasets.text.markov_text import ALPHABET, CHANCES, OPTIMUM, stationary
from assay.data.download import DownloadError
from assay.files import sha256
from assay.tasks.language_modelling import TASK

RATE = OPTIMUM["bits_per_character"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    markov_text.DATASET.fetch(folder, mirror=None)
    return folder


def test_writes_the_declared_bytes(raw: Path) -> None:
    [declared] = markov_text.DATASET.source.files
    assert sha256(raw / "text.txt") == declared.sha256
    assert (raw / "text.txt").stat().st_size == declared.size


def test_other_draws_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"^markov_text/text.txt: generated with other bytes: [^\n]+$"):
        replace(markov_text.DATASET, seed=1).fetch(tmp_path, mirror=None)
    assert list(tmp_path.iterdir()) == []


def test_the_stationary_pairs_are_those_of_a_long_walk_from_anywhere() -> None:
    pairs = stationary(CHANCES)
    assert pairs.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.einsum("ab,abc->bc", pairs, CHANCES), pairs, atol=1e-12)
    for start in range(100):  # one source: every beginning comes to the same pairs
        found = np.eye(100)[start].reshape(10, 10)
        for _ in range(400):
            found = np.einsum("ab,abc->bc", found, CHANCES)
        np.testing.assert_allclose(found, pairs, atol=1e-9)


def test_the_rate_of_a_source_that_can_be_worked_out_by_hand() -> None:
    fair = np.zeros((10, 10, 10))
    fair[:, :, :2] = 0.5
    assert markov_text.entropy_rate(fair) == pytest.approx(1.0)
    fair[:, 0] = np.eye(10)[1]  # after character 0 always 1: two characters of three are one fair draw
    assert markov_text.entropy_rate(fair) == pytest.approx(2 / 3)


def test_two_characters_back_tell_much_more_than_one() -> None:
    pairs = stationary(CHANCES)
    after_one = np.einsum("ab,abc->bc", pairs, CHANCES)
    after_one /= after_one.sum(axis=1, keepdims=True)
    bits = -(
        pairs.sum(axis=0) @ np.where(after_one > 0, after_one * np.log2(after_one.clip(1e-300)), 0).sum(1)
    )
    assert bits > 1.5 * RATE


class Oracle:
    """The source itself, as a predictor."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        ids = [tokenizer.token_to_id(character) for character in ALPHABET]
        self.chances = np.full((12, 12, 12), 1e-9)
        self.chances[np.ix_(ids, ids, ids)] = CHANCES.clip(1e-9)

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        before = np.pad(inputs[:, :-1], ((0, 0), (1, 0)), constant_values=2)  # of the first nothing counts
        return np.log(self.chances[before, inputs]).astype(np.float32)


def test_the_source_scores_the_optimum(raw: Path, tmp_path: Path) -> None:
    result = markov_text.DATASET.prepare(raw, tmp_path, seed=0, validation_fraction=0.1)
    assert result["optimum"] == OPTIMUM
    assert result["dropped"] == []
    for split in TASK.load(tmp_path, ("train", "validation", "test")).values():
        assert split.tokenizer is not None
        assert (split.targets[:, 0] == -100).all()
        answer = TASK.predict(Oracle(split.tokenizer), split)
        found = TASK.compute_metrics(answer, split)["bits_per_character"]
        assert found is not None
        deviation = (answer.nats / answer.characters).std() / math.log(2)
        assert abs(found - RATE) < 3 * deviation / math.sqrt(len(answer.nats))


def test_every_character_is_drawn() -> None:
    text = markov_text._draw_text(random.Random(1), 78)
    assert set(text) == set(ALPHABET)
    assert torch.tensor(CHANCES).sum(2).sub(1).abs().max() < 1e-12
