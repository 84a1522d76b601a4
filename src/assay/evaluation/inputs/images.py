# SPDX-License-Identifier: Apache-2.0
"""A user's images to classify: image files, or NumPy arrays of integers on the scale of the dataset's source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.inputs.files import NPY, ZIP
from assay.evaluation.inputs.parsing import arrays
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Exports, FromOutputs, Prepared, Reader, named

if TYPE_CHECKING:
    import onnx

    from assay.data.declarations import Dataset

SIGNATURE = "image -> class"
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")


def declared(dataset: Dataset) -> dict[str, Any]:
    """Return the largest value of a pixel in the dataset's source."""
    from assay.data.declarations import HasLevels

    return {"levels": dataset.levels if isinstance(dataset, HasLevels) else 255}


def reader(prepared: Prepared) -> Reader:
    """Return the reader of images to classify."""
    return Images(prepared)


class Images(FromOutputs, Exports):
    """Images as bytes (C, H, W), and their classes."""

    columns: tuple[str, ...] = ("prediction", "confidence")
    suffixes = (*arrays.SUFFIXES, *PICTURES)
    takes_text = False
    encoding: str | None = None
    has_graph = True
    example = "image_classes"
    vocabularies: tuple[str, ...] = ()
    packages = ("pillow",)

    def __init__(self, prepared: Prepared) -> None:
        self.facts = prepared.facts
        self.shape: tuple[int, int, int] = tuple(prepared.facts["shape"])
        self.levels: int = prepared.declared["levels"]

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the images of a source: one, or those of an array."""
        del column
        if source.suffix in arrays.SUFFIXES or stream.first(len(NPY)).startswith((NPY, ZIP)):
            try:
                yield from arrays.images(source.name, stream.whole(), self.shape, self.levels)
            except ValueError as error:
                if not source.in_folder:
                    raise
                yield Bad(source.name, None, str(error).removeprefix(f"{source.name}: "))
            return
        from assay.data.preparation import pictures  # Pillow takes 0.05 s

        try:
            yield Item(source.name, 1, pictures.pixels(stream.whole(), self.shape))
        except ValueError as error:
            yield Bad(source.name, None, str(error))

    def inputs(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Return images (N, C, H, W), normalised with the mean and deviation in prepared.json."""
        levels = np.stack([item.value for item in items]).astype(np.float32)
        levels /= 255
        levels -= self.facts["mean"]
        levels /= self.facts["std"]
        return levels

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return each image's class and its probability."""
        del inputs, items
        return named(outputs, self.facts["classes"])

    def labels(self) -> dict[str, Any]:
        """Return the names of the classes, and the shape and scale of an image."""
        return {"classes": self.facts["classes"], "shape": [*self.shape], "levels": self.levels}

    def exported(self, graph: onnx.ModelProto) -> onnx.ModelProto:
        """Return the graph with normalisation, for bytes (N, C, H, W)."""
        from assay.artifacts.onnx import preprocessing

        return preprocessing.of_images(graph, self.facts["mean"], self.facts["std"])
