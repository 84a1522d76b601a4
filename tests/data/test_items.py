"""Items in memory and items that are read when needed: the same rows, the same bits."""

import numpy as np
import pytest
import torch

from assay.data import items
from assay.data.items import MappedItems

STORED = np.arange(60, dtype=np.uint8).reshape(10, 2, 3)
ROWS = np.array([1, 4, 5, 8], np.int64)
EXPECTED = torch.from_numpy(STORED[ROWS]).float().div(255)


def scaled(rows: torch.Tensor) -> torch.Tensor:
    return rows.float().div(255)


@pytest.fixture
def mapped() -> MappedItems:
    return MappedItems(STORED, ROWS, scaled)


@pytest.mark.parametrize("rows", [slice(None), slice(1, 3), slice(4, 9), torch.tensor([3, 0, 0])])
def test_mapped_items_are_read_as_those_in_memory_are(
    mapped: MappedItems, rows: slice | torch.Tensor
) -> None:
    assert torch.equal(mapped[rows], EXPECTED[rows])
    assert torch.equal(items.rows_of(mapped, rows), items.rows_of(EXPECTED, rows))


def test_the_shape_is_that_of_the_transformed_items(mapped: MappedItems) -> None:
    assert mapped.shape == EXPECTED.shape
    assert len(mapped) == 4
    assert torch.equal(items.in_memory(mapped), EXPECTED)
    assert items.in_memory(EXPECTED) is EXPECTED


def test_a_subset_reads_nothing_yet(mapped: MappedItems) -> None:
    def refuse(rows: torch.Tensor) -> torch.Tensor:
        raise AssertionError(f"{len(rows)} rows were read")

    rows = torch.tensor([2, 0])
    assert isinstance(items.subset(MappedItems(STORED, ROWS, refuse), rows), MappedItems)
    subset = items.subset(mapped, rows)
    assert torch.equal(items.in_memory(subset), items.subset(EXPECTED, rows))


@pytest.mark.parametrize(("bytes_allowed", "in_memory"), [(4 * 6 * 4, True), (4 * 6 * 4 - 1, False)])
def test_items_that_fit_into_memory_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch, bytes_allowed: int, in_memory: bool
) -> None:
    monkeypatch.setattr(items, "IN_MEMORY_BYTES", bytes_allowed)
    found = items.read(STORED, ROWS, scaled)
    assert isinstance(found, torch.Tensor) == in_memory
    assert torch.equal(items.in_memory(found), EXPECTED)


@pytest.mark.parametrize("count", [0, 1, items.BLOCK_ROWS, items.BLOCK_ROWS + 1])
def test_blocks_hold_every_row_once_in_order(count: int) -> None:
    blocks = list(items.blocks(np.arange(count)))
    assert all(len(block) <= items.BLOCK_ROWS for block in blocks)
    assert np.concatenate(blocks).tolist() == list(range(count))
