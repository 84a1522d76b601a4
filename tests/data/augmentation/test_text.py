"""Augmentation of texts: on hand-worked cases, and in the requested proportions."""

from __future__ import annotations

import pytest
import torch

from assay.data.augmentation.text import augment, drop, swap
from assay.data.declarations import TextAugmentation

ALL = TextAugmentation(drop=0.2, swap=0.2)
NONE = TextAugmentation(drop=0.0, swap=0.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def texts(num: int = 300, length: int = 12) -> torch.Tensor:
    """Return texts of all lengths down to one token, padded on the right; each token's id is its position."""
    places = torch.arange(length).expand(num, length)
    return torch.where(places <= torch.arange(num)[:, None] % length, places + 2, 0)


def test_padding_is_never_touched() -> None:
    batch = texts()
    for seed in range(5):
        varied = augment(batch, TextAugmentation(drop=0.5, swap=0.9), seeded(seed))
        assert torch.equal(varied == 0, batch == 0)


def test_makes_the_requested_share_of_words_unknown() -> None:
    batch = texts(2000)
    dropped = drop(batch, 0.3, seeded())
    hit = dropped == 1
    assert torch.equal(dropped[~hit], batch[~hit])
    assert hit[batch != 0].float().mean() == pytest.approx(0.3, abs=0.02)


def test_swaps_only_neighbours() -> None:
    batch = texts(2000)
    swapped = swap(batch, 0.4, seeded())
    assert torch.equal(swapped.sort(1).values, batch.sort(1).values)
    assert int((swapped - batch).abs().max()) == 1
    first = (swapped > batch).float()[batch.roll(-1, 1) > 1]  # of those with a neighbour to the right
    assert first.mean() == pytest.approx(0.4 * (1 - 0.4), abs=0.04)


def test_of_chosen_neighbours_the_first_changes_places() -> None:
    certain = torch.tensor([[2, 3, 4, 5, 0], [2, 3, 0, 0, 0], [2, 0, 0, 0, 0]])
    assert swap(certain, 1.0, seeded()).tolist() == [[3, 2, 4, 5, 0], [3, 2, 0, 0, 0], [2, 0, 0, 0, 0]]


def test_a_single_word_keeps_its_place() -> None:
    batch = torch.tensor([[7], [0]])
    assert torch.equal(swap(batch, 1.0, seeded()), batch)


def test_nothing_is_declared_nothing_changes_or_is_drawn() -> None:
    batch, generator = texts(), seeded()
    before = generator.get_state()
    assert augment(batch, NONE, generator) is batch
    assert torch.equal(generator.get_state(), before)


def test_keeps_shape_type_and_the_batch_it_was_given() -> None:
    for batch in (texts(), texts().int()):
        copy = batch.clone()
        varied = augment(batch, ALL, seeded())
        assert (varied.shape, varied.dtype) == (batch.shape, batch.dtype)
        assert torch.equal(batch, copy)
        assert not torch.equal(varied, batch)


def test_items_keep_their_places() -> None:
    batch = texts(100).sign() * torch.arange(2, 102)[:, None]  # each text is one word, over and over
    assert torch.equal(swap(batch, 0.5, seeded()), batch)
    varied = drop(batch, 0.5, seeded())
    assert torch.equal(torch.where(varied == 1, batch, varied), batch)


def test_the_generator_decides() -> None:
    first, again, other = (augment(texts(), ALL, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
