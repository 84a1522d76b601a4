"""Image reconstruction: an image is its own target, and the error is the mean over pixels."""

import numpy as np
import pytest
import torch

from assay.data.splits import Split
from assay.tasks.image_reconstruction import TASK, errors_of

GIVEN = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
SPLIT = Split(GIVEN, GIVEN, np.arange(6))


def test_the_error_is_the_mean_square_over_pixels():
    answers = GIVEN.clone()
    answers[2, 0, 1, 1] += 2.0
    assert errors_of(answers, GIVEN).tolist() == pytest.approx([0, 0, 4 / 16, 0, 0, 0])
    found = TASK.compute_metrics(answers, SPLIT)
    assert found["reconstruction_error"] == pytest.approx(4 / 96)
    assert found["r2"] == pytest.approx(1 - (4 / 96) / (GIVEN - GIVEN.mean(dim=0)).square().mean().item())
    assert TASK.loss(answers, GIVEN).item() == pytest.approx(4 / 96)
    assert TASK.compute_watched(TASK.metric_state(answers, GIVEN)) == pytest.approx((4 / 96, 4 / 96))


def test_the_mean_of_the_split_explains_none_of_its_variance():
    mean = GIVEN.mean(dim=0).expand_as(GIVEN)
    assert TASK.compute_metrics(mean, SPLIT)["r2"] == pytest.approx(0.0)


def test_shows_inputs_above_reconstructions():
    [grid] = TASK.exhibits(GIVEN + 100, SPLIT)
    assert [*grid.rows] == ["given", "reconstructed"]
    given = np.array(grid.rows["given"])
    assert given.shape == (6, 4, 4)
    assert (given.min(), given.max()) == (0, 255)
    assert np.array(grid.rows["reconstructed"]).min() == 255  # brighter than anything given is white
