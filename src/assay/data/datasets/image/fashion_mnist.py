"""Fashion-MNIST: 70,000 pictures of clothes from Zalando's shop, 28 x 28, 10 classes.

Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017, https://arxiv.org/abs/1708.07747.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.data import download
from assay.data.declarations import Augmentation, Source
from assay.data.download import RemoteFile
from assay.data.expectations import images as image_expectations
from assay.data.preparation import idx_images, images

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_REPOSITORY = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141"
)
_BUCKET = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"


def _remote(name: str, size: int, sha256: str) -> RemoteFile:
    urls = (f"{_REPOSITORY}/data/fashion/{name}", f"{_BUCKET}/{name}")
    return RemoteFile("fashion_mnist", name, urls, size, sha256)


SOURCE = Source(
    name="fashion_mnist",
    files=(
        _remote(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        _remote(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        _remote(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        _remote(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        RemoteFile(
            "fashion_mnist",
            "LICENSE",
            (f"{_REPOSITORY}/LICENSE",),
            1_109,
            "13ef4788476d292858fa60eb9a5f74aeca5c65770bc885ccaa05823a17ef7be1",
        ),
    ),
    licence="MIT (LICENSE of zalandoresearch/fashion-mnist, Zalando SE 2017)",
    citation=(
        "Xiao, Rasul, Vollgraf (2017). Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning"
        " Algorithms. arXiv:1708.07747."
    ),
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    quirks=(
        "No upstream validation split. Exactly balanced (6000 / 1000 per class). No exact-duplicate images"
        " inside or across train and test."
    ),
)

AUGMENTATION = Augmentation(shift=1, rotation=0.0, erase=0.5, flip=True)


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
        dimmest_maximum=100,
        mean=(2, 220),
    )
