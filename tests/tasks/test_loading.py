"""The splits for a cell's training."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from assay.data.splits import Split, first_items
from assay.tasks.loading import for_learning

SPLIT = Split(torch.zeros(40, 2), torch.zeros(40, dtype=torch.int64), np.arange(40))
TASK = SimpleNamespace(load=lambda *_: {"train": SPLIT, "validation": SPLIT}, limit=first_items)


def learns_from(tmp_path, fraction, items=None):
    splits, most = for_learning(TASK, tmp_path, {"train_items": items, "train_fraction": fraction})
    return len(splits["train"].targets), most


@pytest.mark.parametrize(
    ("fraction", "items", "expected"),
    [(1.0, None, (40, None)), (0.5, None, (20, 20)), (1.0, 10, (10, 10)), (0.025, None, (1, 1))],
)
def test_the_smaller_limit_counts(tmp_path, fraction, items, expected):
    assert learns_from(tmp_path, fraction, items) == expected


def test_training_never_sees_test_items(tmp_path):
    read = []
    task = SimpleNamespace(load=lambda _, names: read.append(names) or TASK.load(), limit=first_items)
    for_learning(task, tmp_path, {"train_items": None, "train_fraction": 1.0})
    assert read == [("train", "validation")]


def test_a_fraction_that_leaves_no_item_is_an_error(tmp_path):
    message = r"^train_fraction = 0\.0001: none of 40 training items is left; 0\.025 leaves one$"
    with pytest.raises(ValueError, match=message):
        learns_from(tmp_path, 0.0001)
