# SPDX-License-Identifier: Apache-2.0
"""A user's texts, each after the name of its task and a tab; in tables and JSON lines ``task`` holds the name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.inputs import text
from assay.evaluation.inputs.parsing import texts
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Prepared, Reader, named

if TYPE_CHECKING:
    from assay.data.declarations import Dataset

SIGNATURE = "texts of several tasks -> classes"
NEVER = -1e4
"""The logit of a class of another task, as in :mod:`assay.tasks.multi_task_classification`."""


def declared(dataset: Dataset) -> dict[str, Any]:
    """Return the classes of each task, the first and the one after the last, and whether it fixes its texts."""
    from assay.data.declarations import HasGroups, Mends

    assert isinstance(dataset, HasGroups)  # other datasets have no task with this signature
    mends = [name for name in dataset.groups if isinstance(dataset.parts[name], Mends)]
    return {"groups": {name: [*bounds] for name, bounds in dataset.groups.items()}, "mends": mends}


def reader(prepared: Prepared) -> Reader:
    """Return the reader of texts of several tasks."""
    return TextsOfTasks(prepared)


class TextsOfTasks(text.Texts):
    """Texts with their tasks, and their classes among those of the task."""

    example = "text_classes_of_tasks"

    def __init__(self, prepared: Prepared) -> None:
        super().__init__(prepared)
        self.groups: dict[str, list[int]] = prepared.declared["groups"]
        self.mends: dict[str, Callable[[str], str]] = {}

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the tasks and texts of a source as pairs."""
        for each in texts.texts(source, stream, column, also=("task",)):
            yield each if isinstance(each, Bad) else self._pair(each)

    def _pair(self, item: Item) -> Item | Bad:
        task, tab, found = item.value.partition("\t")
        if not tab or not found.strip():
            return item.wrong("a task, a tab and a text are expected")
        if task not in self.groups:
            return item.wrong(f"task {task[:60]!r}; allowed are {', '.join(self.groups)}")
        return Item(item.source, item.row, (task, found))

    def inputs(self, items: Sequence[Item]) -> NDArray[np.int64]:
        """Return the ids (N, T) of texts, padded with 0."""
        mended = [self._mend(*item.value) for item in items]
        return text.ids(self.tokenizer, mended, self.facts["shape"][0])

    def _mend(self, task: str, found: str) -> str:
        if task not in self.prepared.declared["mends"]:
            return found
        if task not in self.mends:
            self.mends[task] = text.mending(self.prepared.dataset().parts[task])
        return self.mends[task](found)

    def answers(
        self, outputs: NDArray[np.float32], inputs: NDArray[Any], items: Sequence[Item]
    ) -> list[Answer]:
        """Return each text's class among those of its task, and its probability."""
        del inputs
        bounds = np.array([self.groups[item.value[0]] for item in items])  # (N, 2)
        number = np.arange(outputs.shape[1])
        inside = (number >= bounds[:, :1]) & (number < bounds[:, 1:])
        return named(np.where(inside, outputs, np.float32(NEVER)), self.facts["classes"])

    def labels(self) -> dict[str, Any]:
        """Return the names of the classes, those of each task, and the number of tokens of a text."""
        return super().labels() | {"groups": self.groups}
