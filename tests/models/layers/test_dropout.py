"""Dropout beside PyTorch's: what it keeps, how much, and that the seed decides."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from assay.models.layers.dropout import Dropout


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_as_many_are_lost_as_asked(chance: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    values = torch.full((301, 777), 3.0, dtype=dtype)  # not a multiple of four
    found = Dropout(chance)(values)
    assert found.dtype == dtype
    kept = found[found != 0]
    share = 1 - len(kept) / found.numel()
    assert share == pytest.approx(chance, abs=4 * (chance * (1 - chance) / found.numel()) ** 0.5)
    torch.testing.assert_close(kept, torch.full_like(kept, 3 / (1 - chance)), rtol=0.01, atol=0)


def test_neighbours_are_lost_independently() -> None:
    torch.manual_seed(0)
    lost = Dropout(0.5)(torch.ones(1_000_000)) == 0
    for distance in range(1, 9):  # four numbers share one draw
        both = (lost[:-distance] & lost[distance:]).float().mean().item()
        assert both == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 1e6) ** 0.5)


def test_the_gradient_passes_where_the_value_did() -> None:
    torch.manual_seed(0)
    values = torch.randn(50, 40, requires_grad=True)
    found = Dropout(0.3)(values)
    found.sum().backward()
    torch.testing.assert_close(values.grad * values.detach(), found.detach())


def test_the_seed_decides_and_evaluation_draws_nothing() -> None:
    layer, values = Dropout(0.3), torch.randn(50, 40)
    torch.manual_seed(1)
    first = layer(values)
    assert not torch.equal(first, layer(values))
    torch.manual_seed(1)
    torch.testing.assert_close(layer(values), first, rtol=0, atol=0)
    before = torch.get_rng_state()
    assert layer.eval()(values) is values
    assert Dropout(0.0)(values) is values
    assert torch.equal(torch.get_rng_state(), before)


def test_an_empty_tensor_stays_empty() -> None:
    assert Dropout(0.3)(torch.zeros(0, 5)).shape == F.dropout(torch.zeros(0, 5), 0.3).shape
