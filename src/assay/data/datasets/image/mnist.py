# SPDX-License-Identifier: Apache-2.0
"""MNIST: 70,000 scans of handwritten digits, 28 x 28, 10 classes.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
Proc. IEEE 86(11), 1998.
"""

from __future__ import annotations

from assay.data.declarations import Augmentation, Dataset, Source
from assay.data.families.idx_images import IdxImages, idx_files

_FOLDERS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)
_FILES = (
    (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)

DATASET: Dataset = IdxImages(
    source=Source(
        name="mnist",
        files=idx_files("mnist", _FILES, *_FOLDERS),
        licence=(
            "unstated in the files; the Keras documentation of mnist.load_data states Creative Commons"
            " Attribution-ShareAlike 3.0, copyright Yann LeCun and Corinna Cortes"
        ),
        citation=(
            "LeCun, Bottou, Bengio, Haffner (1998). Gradient-based learning applied to document recognition."
            " Proc. IEEE 86(11)."
        ),
        published="1998",
        homepage="http://yann.lecun.com/exdb/mnist/",
        quirks=(
            "No upstream validation split. No exact-duplicate images inside train or test and none shared"
            " between them. Classes not balanced (train 5421 to 6742 per class)."
        ),
    ),
    augmentation=Augmentation(shift=2, rotation=10.0, erase=0.0, flip=False),
    classes=tuple("0123456789"),
    dimmest_maximum=150,
    mean=(4, 130),
)
