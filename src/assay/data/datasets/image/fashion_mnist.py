# SPDX-License-Identifier: Apache-2.0
"""Fashion-MNIST: 70,000 pictures of clothes from Zalando's shop, 28 x 28, 10 classes.

Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017, https://arxiv.org/abs/1708.07747.
"""

from __future__ import annotations

from assay.data.declarations import Augmentation, Dataset, Source
from assay.data.download import remote_files
from assay.data.families.idx_images import IdxImages, idx_files

_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_REPOSITORY = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141"
)
_BUCKET = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
_FILES = (
    (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)
_LICENCE = {"LICENSE": (1_109, "13ef4788476d292858fa60eb9a5f74aeca5c65770bc885ccaa05823a17ef7be1")}

DATASET: Dataset = IdxImages(
    source=Source(
        name="fashion_mnist",
        files=(
            *idx_files("fashion_mnist", _FILES, f"{_REPOSITORY}/data/fashion", _BUCKET),
            *remote_files("fashion_mnist", _LICENCE, _REPOSITORY),
        ),
        licence="MIT (LICENSE of zalandoresearch/fashion-mnist, Zalando SE 2017)",
        citation=(
            "Xiao, Rasul, Vollgraf (2017). Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning"
            " Algorithms. arXiv:1708.07747."
        ),
        published="2017",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        quirks=(
            "No upstream validation split. Exactly balanced (6000 / 1000 per class). No exact-duplicate images"
            " inside or across train and test."
        ),
    ),
    augmentation=Augmentation(shift=1, rotation=0.0, erase=0.5, flip=True),
    classes=_CLASSES,
    dimmest_maximum=100,
    mean=(2, 220),
)
