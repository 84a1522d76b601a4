"""Made images: in range, reproducible, and learnable."""

from __future__ import annotations

import numpy as np
import pytest

from assay.data.synthetic.images import draw_images


@pytest.mark.parametrize("side", [8, 28])
def test_images_are_dark_at_the_edge_of_their_range_and_bright_at_the_other(side: int) -> None:
    images, labels = draw_images(np.random.default_rng(0), side=side, num_classes=7, per_class=5)
    assert images.shape == (35, side, side)
    assert np.bincount(labels).tolist() == [5] * 7
    assert (images.min(axis=(1, 2)) == 0).all()
    assert (images.max(axis=(1, 2)) > 0.7).all()
    assert images.max() <= 1


def test_the_generator_decides() -> None:
    first, again, other = (
        draw_images(np.random.default_rng(seed), side=8, num_classes=3, per_class=4)[0] for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_all_images_are_distinct() -> None:
    images, _ = draw_images(np.random.default_rng(0), side=8, num_classes=10, per_class=50)
    assert len(np.unique(images.reshape(500, -1), axis=0)) == 500
