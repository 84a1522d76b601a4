"""The four IDX files of MNIST and Fashion-MNIST."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from assay.data.datasets.image import fashion_mnist, mnist
from assay.data.declarations import Dataset
from assay.data.download import DownloadError, fetch
from assay.data.preparation import idx_images
from assay.data.preparation.idx import read_idx, write_idx


def test_reads_train_then_test(tmp_path: Path) -> None:
    idx_images.write_twin(tmp_path, 0, dataset="some", num_classes=3)
    image_set = idx_images.read(tmp_path, classes=("a", "b", "c"))
    assert image_set.images.shape == (120, 1, 28, 28)
    assert image_set.split.tolist() == ["train"] * 90 + ["test"] * 30
    assert np.bincount(image_set.labels[:90]).tolist() == [30] * 3
    np.testing.assert_array_equal(
        image_set.images[90:, 0], read_idx(tmp_path / "t10k-images-idx3-ubyte.gz", dimensions=3)
    )
    np.testing.assert_array_equal(
        image_set.labels[90:], read_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", dimensions=1)
    )


def test_a_label_too_few_is_one_line(tmp_path: Path) -> None:
    idx_images.write_twin(tmp_path, 0, dataset="some", num_classes=2)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.zeros(19, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"^[^\n]+: 20 test images and 19 labels, [^\n]+$"):
        idx_images.read(tmp_path, classes=("a", "b"))


def test_twins_of_different_datasets_differ(tmp_path: Path) -> None:
    for dataset in (mnist.DATASET, fashion_mnist.DATASET):
        dataset.make_twin(tmp_path / dataset.source.name, 0)
    first, second = (
        (tmp_path / name / "train-images-idx3-ubyte.gz").read_bytes() for name in ("mnist", "fashion_mnist")
    )
    assert first != second


@pytest.mark.skipif("ASSAY_MIRROR" not in os.environ, reason="ASSAY_MIRROR names no mirror of the real files")
@pytest.mark.parametrize("dataset", [mnist.DATASET, fashion_mnist.DATASET], ids=["mnist", "fashion_mnist"])
def test_the_mirror_holds_the_declared_bytes(dataset: Dataset, tmp_path: Path) -> None:
    files = dataset.fetch(tmp_path, mirror=os.environ["ASSAY_MIRROR"])
    assert set(files) == {file.name for file in dataset.source.files}
    image_set = dataset.read(tmp_path)
    assert image_set.images.shape == (70000, 1, 28, 28)
    assert (image_set.split == "test").sum() == 10000


def test_files_with_other_bytes_are_not_taken(tmp_path: Path) -> None:
    """The twin's files have the names of the real ones; as a mirror they must be refused."""
    mnist.DATASET.make_twin(tmp_path / "mirror" / "mnist", 0)
    offline = [dataclasses.replace(file, urls=()) for file in mnist.DATASET.source.files]
    with pytest.raises(
        DownloadError, match=r"^mnist/train-images-idx3-ubyte.gz: no source has its 9912422 bytes"
    ):
        fetch(offline, tmp_path / "raw", mirror=str(tmp_path / "mirror"))
    assert list((tmp_path / "raw").iterdir()) == []
