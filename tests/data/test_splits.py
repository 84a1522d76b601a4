"""Splits and batches: every item once, in order, on one process or several."""

import numpy as np
import pytest
import torch

from assay.data.items import MappedItems
from assay.data.splits import Batch, Split, first_items

STORED = np.arange(14, dtype=np.float32).reshape(7, 2)
TARGETS = torch.tensor([0, 1, 2, 0, 1, 2, 0])


@pytest.fixture(params=["memory", "map"])
def split(request: pytest.FixtureRequest) -> Split:
    mapped = MappedItems(STORED, np.arange(7), lambda rows: rows)
    inputs = mapped if request.param == "map" else torch.from_numpy(STORED)
    return Split(inputs, TARGETS, 10 + np.arange(7), lengths=torch.arange(7))


def test_batches_hold_every_item_in_order(split: Split) -> None:
    batches = list(split.batches(3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert torch.equal(torch.cat([batch.inputs for batch in batches]), torch.from_numpy(STORED))
    assert torch.equal(torch.cat([batch.targets for batch in batches]), TARGETS)


def test_a_batch_of_chosen_rows(split: Split) -> None:
    batch = split.batch(torch.tensor([5, 0]))
    assert batch.inputs.tolist() == [[10, 11], [0, 1]]
    assert batch.targets.tolist() == [2, 0]


def test_taken_items_keep_all_that_belongs_to_them(split: Split) -> None:
    taken = split.take(torch.tensor([6, 2]))
    assert len(taken) == 2
    assert taken.items.tolist() == [16, 12]
    assert taken.lengths is not None
    assert taken.lengths.tolist() == [6, 2]
    assert taken.batch(slice(None)).inputs.tolist() == [[12, 13], [4, 5]]
    assert first_items(split, 99).items.tolist() == split.items.tolist()


def test_a_batch_is_split_and_shared_without_loss() -> None:
    batch = Batch(torch.arange(8)[:, None], torch.arange(8))
    assert [part.targets.tolist() for part in batch.split(3)] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert [batch.shard(rank, 2).targets.tolist() for rank in (0, 1)] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert batch.shard(1, 2).inputs.flatten().tolist() == [1, 3, 5, 7]
