"""MNIST: 70,000 scans of handwritten digits, 28 x 28, 10 classes.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
Proc. IEEE 86(11), 1998.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.data import download
from assay.data.declarations import Augmentation, Source
from assay.data.download import RemoteFile
from assay.data.expectations import images as image_expectations
from assay.data.preparation import idx_images, images

CLASSES = tuple("0123456789")


def _remote(name: str, size: int, sha256: str) -> RemoteFile:
    hosts = ("https://storage.googleapis.com/cvdf-datasets", "https://ossci-datasets.s3.amazonaws.com")
    return RemoteFile("mnist", name, tuple(f"{host}/mnist/{name}" for host in hosts), size, sha256)


SOURCE = Source(
    name="mnist",
    files=(
        _remote(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        _remote(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        _remote(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        _remote(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    licence=(
        "unstated in the files; the Keras documentation of mnist.load_data states Creative Commons"
        " Attribution-ShareAlike 3.0, copyright Yann LeCun and Corinna Cortes"
    ),
    citation=(
        "LeCun, Bottou, Bengio, Haffner (1998). Gradient-based learning applied to document recognition."
        " Proc. IEEE 86(11)."
    ),
    homepage="http://yann.lecun.com/exdb/mnist/",
    quirks=(
        "No upstream validation split. No exact-duplicate images inside train or test and none shared"
        " between them. Classes not balanced (train 5421 to 6742 per class)."
    ),
)

AUGMENTATION = Augmentation(shift=2, rotation=10.0, erase=0.0, flip=False)


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring upstream's files into ``raw``; return address, size and sha256 of each.

    Raises:
        DownloadError: no source gave a file's declared bytes.
    """
    return download.describe(download.fetch(SOURCE.files, raw, mirror=mirror))


def make_twin(raw: Path, seed: int) -> None:
    """Write a made dataset of the same shape into ``raw``, in upstream's files."""
    idx_images.write_twin(raw, seed, dataset=SOURCE.name, num_classes=len(CLASSES))


def read(raw: Path) -> images.ImageSet:
    """Return what upstream's files hold: train, then test.

    Raises:
        ValueError: a file is not what its format says.
    """
    return idx_images.read(raw, classes=CLASSES)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return images.prepare(
        read(raw), out, dataset=out.name, seed=seed, validation_fraction=validation_fraction, test_fraction=0
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return image_expectations.build(
        counts,
        shape=(1, 28, 28),
        num_classes=len(CLASSES),
        class_share=(0.08, 0.12),
        dimmest_maximum=150,
        mean=(4, 130),
    )
