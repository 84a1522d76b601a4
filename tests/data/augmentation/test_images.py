"""Augmentation, on cases worked by hand and against torch's own rotation of the plane."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from assay.data.augmentation.images import augment, erase, flip, move, rotate, shift, turn
from assay.data.declarations import Augmentation

ALL = Augmentation(shift=2, rotation=15.0, erase=0.5, flip=True)
NONE = Augmentation(shift=0, rotation=0.0, erase=0.0, flip=False)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=seeded(99))


def test_moves_down_and_right_by_whole_pixels() -> None:
    image = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).expand(3, 1, 2, 3)
    moved = move(image, torch.tensor([1, 0, -1]), torch.tensor([0, 2, -1]), 2, -9.0)
    assert moved[:, 0].tolist() == [
        [[-9, -9, -9], [1, 2, 3]],
        [[-9, -9, 1], [-9, -9, 4]],
        [[5, 6, -9], [-9, -9, -9]],
    ]


def test_shifts_by_every_amount_up_to_the_largest_and_no_further() -> None:
    image = torch.zeros(500, 1, 7, 7)
    image[:, :, 3, 3] = 1
    places = shift(image, 2, seeded(), 0.0).flatten(1).argmax(1)
    offsets = {(int(place) // 7 - 3, int(place) % 7 - 3) for place in places}
    assert offsets == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_turns_a_quarter_as_rot90_does() -> None:
    image = noise(1, 2, 6, 6)
    turned = turn(image, torch.tensor([math.pi / 2]), 0.3)
    torch.testing.assert_close(turned, image.rot90(1, (2, 3)), atol=1e-5, rtol=0)


def test_turns_as_affine_grid_does() -> None:
    image, angle = noise(1, 1, 6, 9), 0.3
    cos, sin, ratio = math.cos(angle), math.sin(angle), 9 / 6
    affine = torch.tensor([[[cos, -sin / ratio, 0], [sin * ratio, cos, 0]]])
    grid = functional.affine_grid(affine, [1, 1, 6, 9], align_corners=False)
    expected = functional.grid_sample(image, grid, align_corners=False)
    torch.testing.assert_close(turn(image, torch.tensor([angle]), 0.0), expected, atol=1e-5, rtol=0)


def test_pixels_from_outside_of_the_image_are_background() -> None:
    turned = turn(torch.full((1, 1, 8, 8), 2.0), torch.tensor([math.pi / 4]), -1.0)
    assert turned[0, 0, 0, 0] == pytest.approx(-1)
    assert turned[0, 0, 4, 4] == pytest.approx(2)


def test_turns_no_further_than_the_largest_angle() -> None:
    image = torch.zeros(200, 1, 41, 41)
    image[:, :, 20, 40] = 1  # a mark at the right edge, 20 pixels from the centre
    rows = rotate(image, 15, seeded(), 0.0).amax(3).flatten(1).argmax(1) - 20
    assert 4 <= int(rows.abs().max()) <= 6  # 20 * sin(15 degrees) = 5.2
    assert int(rows.min()) < 0 < int(rows.max())


def test_mirrors_about_half_of_the_images() -> None:
    image = noise(400, 1, 2, 3)
    flipped = flip(image, seeded())
    mirrored = (flipped == image.flip(-1)).flatten(1).all(1)
    assert (mirrored | (flipped == image).flatten(1).all(1)).all()
    assert 160 < int(mirrored.sum()) < 240


def test_erases_one_rectangle_in_the_requested_share_of_images() -> None:
    erased = erase(torch.ones(400, 2, 16, 24), 0.25, seeded(), -1.0) == -1
    hit = erased.flatten(1).any(1)
    assert 70 < int(hit.sum()) < 130
    assert (erased[:, 0] == erased[:, 1]).all()
    rows, columns = erased[hit, 0].any(2), erased[hit, 0].any(1)
    assert (erased[hit, 0] == rows[:, :, None] & columns[:, None, :]).all()
    assert (int(rows.sum(1).min()), int(rows.sum(1).max())) == (2, 8)
    assert (int(columns.sum(1).min()), int(columns.sum(1).max())) == (3, 12)
    for marks in (rows, columns):  # without a gap: one way in at most
        assert int((marks.int().diff(dim=1) == 1).sum(1).max()) <= 1
        assert marks.any(0).all()


def test_nothing_is_declared_nothing_changes_or_is_drawn() -> None:
    batch, generator = noise(4, 1, 8, 8), seeded()
    before = generator.get_state()
    assert augment(batch, NONE, generator, 0.0) is batch
    assert torch.equal(generator.get_state(), before)


def test_keeps_shape_type_and_the_batch_it_was_given() -> None:
    batch = noise(5, 3, 8, 8)
    copy = batch.clone()
    varied = augment(batch, ALL, seeded(), 0.0)
    assert (varied.shape, varied.dtype) == (batch.shape, batch.dtype)
    assert torch.equal(batch, copy)
    assert not torch.equal(varied, batch)


def test_items_keep_their_places() -> None:
    """Each image is constant, so that all pixels except the background identify the item."""
    batch = torch.arange(1.0, 65.0).view(64, 1, 1, 1).expand(64, 1, 12, 12)
    varied = augment(batch, ALL, seeded(), 0.0)
    torch.testing.assert_close(varied.amax((1, 2, 3)), torch.arange(1.0, 65.0))


def test_the_generator_decides() -> None:
    batch = noise(8, 1, 8, 8)
    first, again, other = (augment(batch, ALL, seeded(seed), 0.0) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
