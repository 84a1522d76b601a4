"""What a dataset's file declares beside its code: where its bytes come from, how training varies them."""

from __future__ import annotations

from dataclasses import dataclass

from assay.data.download import RemoteFile


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from, and on what terms."""

    name: str
    files: tuple[RemoteFile, ...]
    licence: str
    citation: str
    homepage: str
    quirks: str
    """What a user must know before comparing numbers: missing splits, imbalance, duplicates."""


@dataclass(frozen=True)
class Augmentation:
    """How training batches of images are varied; :mod:`assay.data.augmentation.images` applies it."""

    shift: int
    """Largest shift in pixels, each axis, each direction."""
    rotation: float
    """Largest turn in degrees, each direction."""
    erase: float
    """Probability that a rectangle of an image is replaced by background, in [0, 1]."""
    flip: bool
    """Mirror left and right in half of the images. Never where handedness is part of the class."""


@dataclass(frozen=True)
class TextAugmentation:
    """How training batches of texts are varied; :mod:`assay.data.augmentation.text` applies it."""

    drop: float
    """Probability that a word becomes an unknown one, in [0, 1)."""
    swap: float
    """Probability that a word changes place with its right neighbour, in [0, 1)."""
