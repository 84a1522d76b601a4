"""In every task that supports item weights, the mean of the items' losses is the loss of the batch."""

import pytest
import torch

from assay.config import registry
from assay.tasks import loading
from assay.tasks.protocol import SmoothsLabels, WeighsItems, weighted_loss

GENERATOR = torch.Generator().manual_seed(1)
BATCHES = {
    "-> class": (torch.randn(12, 2, generator=GENERATOR), torch.arange(12) % 2),
    "-> number": (torch.randn(12, 1, generator=GENERATOR), torch.randn(12, 1, generator=GENERATOR)),
}
WEIGHING = {
    kind: next(batch for end, batch in BATCHES.items() if entry.signature.endswith(end))
    for kind, entry in registry.TASKS.items()
    if isinstance(loading.load(kind), WeighsItems)
}


def test_tasks_with_one_class_or_number_per_item_support_weights() -> None:
    assert {"image_classification", "text_classification", "table_regression"} <= set(WEIGHING)
    assert not isinstance(loading.load("multi_task_classification"), WeighsItems)


@pytest.mark.parametrize("kind", WEIGHING)
def test_equal_weights_change_nothing_and_integer_weights_repeat_items(kind: str) -> None:
    task, (outputs, targets) = loading.load(kind), WEIGHING[kind]
    loss = weighted_loss(task, 0.0)
    torch.testing.assert_close(loss(outputs, targets, torch.full((12,), 3.0)), task.loss(outputs, targets))
    counts = torch.arange(12) % 4 + 1
    repeated = task.loss(outputs.repeat_interleave(counts, 0), targets.repeat_interleave(counts, 0))
    torch.testing.assert_close(loss(outputs, targets, counts.float()), repeated)
    if isinstance(task, SmoothsLabels):
        expected = task.smoothed_loss(outputs, targets, 0.1)
        torch.testing.assert_close(task.item_losses(outputs, targets, 0.1).mean(), expected)
