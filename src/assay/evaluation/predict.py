# SPDX-License-Identifier: Apache-2.0
"""Predict a user's own items with a model of the project, compressed or not.

The items are read and prepared like the dataset's own, by the module of :data:`assay.config.registry.INPUTS` for the
task's signature. A model that is a fixed function of its inputs answers through its ONNX graph
(:mod:`assay.evaluation.kept_graphs`), so that PyTorch is not imported; other models are loaded from their own format.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay import paths
from assay.config import registry
from assay.evaluation import kept_graphs, run_graphs
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source
from assay.evaluation.kept_graphs import Kept
from assay.files import sha256
from assay.provenance import records

if TYPE_CHECKING:
    from assay.artifacts.predictors import Predictor
    from assay.config.matrix import Matrix
    from assay.evaluation.inputs.reader import Prepared, Reader

BLOCK = 256
"""The number of items that are predicted at a time."""
EXAMPLES = 64
"""The number of validation items on which a graph must agree with its model."""
VOCABULARIES = ("tokenizer.json", "characters.json", "encoder.json")
"""The files of a prepared dataset that readers use."""
NO_READER = (
    "there is no reader for such files yet; add one to src/assay/evaluation/inputs/ (docs/add-a-task.md)"
)


@dataclass(frozen=True)
class Chosen:
    """A variant on disk, with valid records, and the prepared dataset that it learned from."""

    name: str
    """TASK/MODEL/SEED, or TASK/MODEL/SEED/METHOD."""
    folder: Path
    record: dict[str, Any]
    dataset: Path
    """The folder of the prepared dataset."""
    facts: dict[str, Any]
    """The content of prepared.json."""
    cell: dict[str, Any]
    """The spec of its training."""

    @property
    def records(self) -> tuple[Path, Path]:
        """Return the records on which its answers depend."""
        return self.folder / paths.STATUS, self.dataset / "prepared.json"

    @property
    def signature(self) -> str:
        """Return the signature of its task."""
        return registry.TASKS[self.cell["kind"]].signature


@dataclass(frozen=True)
class Model:
    """A variant that is ready to answer."""

    reader: Reader
    predictor: Predictor
    prepared: Prepared
    graph: bytes | None
    """The ONNX graph that answers; None if the model answers in its own format."""
    reason: str
    """Why there is no graph."""


def choose(name: str, suite: str | None, matrix: Callable[[], Matrix]) -> Chosen:
    """Return the variant of a name, of whichever suite has run it.

    Args:
        suite: the suite; None to find it: if several have run the variant, it is the one that params.yaml names.
        matrix: returns the requested suite's matrix; called only if the files on disk leave a choice.

    Raises:
        ValueError: the variant does not exist, cannot predict, or was made from other data; one line.
    """
    found = _suites(name) if suite is None else [suite] if suite in _suites(name) else []
    if len(found) > 1:
        default = matrix().params.suite
        if default not in found:
            raise ValueError(f"{name}: the suites {', '.join(found)} have run it; name one with --suite")
        found = [default]
    if not found:
        known = matrix()
        folder = Path(known.compressed(known.variant(name)))
    else:
        folder = _folder(name, found[0])
    return _chosen(name, folder)


def _suites(name: str) -> list[str]:
    """Return the suites that have a record of a variant."""
    pattern = _folder(name, "*")
    if not all(registry.NAME.fullmatch(part) or part.isdecimal() for part in name.split("/")):
        return []
    root = pattern.parts[:2]
    found = Path(*root).glob(str(Path(*pattern.parts[2:]) / paths.STATUS))
    return sorted(path.parts[2] for path in found)


def _folder(name: str, suite: str) -> Path:
    parts = name.removesuffix(f"/{paths.UNCOMPRESSED}").split("/")
    template = paths.TRAINED if len(parts) == 3 else paths.COMPRESSED
    keys = ("task", "model", "seed", "method")
    return Path(
        template.format_map({"suite": suite} | dict.fromkeys(keys, "") | dict(zip(keys, parts, strict=False)))
    )


def _chosen(name: str, folder: Path) -> Chosen:
    made = _require(folder / paths.STATUS)
    cell = made.get("cell", made["spec"])
    dataset = Path(paths.PREPARED.format(dataset=cell["dataset"]))
    facts = _require(dataset / "prepared.json")
    if made["data"] != facts["files"]:
        raise ValueError(f"{folder}: made from other data than {dataset}; run the suite again")
    for file in VOCABULARIES:
        if file in facts["files"] and sha256(dataset / file) != facts["files"][file]:
            raise _changed(dataset / file, dataset / "prepared.json")
    return Chosen(name, folder, made, dataset, facts, cell)


def _require(path: Path) -> dict[str, Any]:
    record = records.read(path)
    if record["status"] != records.OK:
        raise ValueError(f"{path}: {record['status']} ({record['reason']}); it cannot predict")
    return record


def _changed(file: Path, record: Path) -> ValueError:
    return ValueError(f"{file}: does not have the digest in {record}; run the suite again")


def load(chosen: Chosen, announce: Callable[[str], None]) -> Model:
    """Return a variant, ready to answer.

    Args:
        announce: called on a terminal with a line at the first call, which takes longer.

    Raises:
        ValueError: there is no reader for its task, or its files have changed; one line.
    """
    if chosen.signature not in registry.INPUTS:
        raise ValueError(f"{chosen.cell['task']}: {chosen.signature}: {NO_READER}")
    module = registry.load(registry.INPUTS[chosen.signature])
    kept = kept_graphs.made(
        chosen.folder,
        chosen.records,
        lambda: _first(chosen, module, announce),
    )
    prepared = _prepared(chosen, kept.declared)
    if kept.graph is None:
        from assay.artifacts import store

        predictor = store.load(chosen.folder, chosen.record["artifact"])
    else:
        from assay.artifacts.onnx_session import OnnxPredictor

        predictor = OnnxPredictor(kept.graph, chosen.record["artifact"])
    return Model(_reader(module, prepared), predictor, prepared, kept.graph, kept.reason)


def _prepared(chosen: Chosen, declared: dict[str, Any]) -> Prepared:
    from assay.evaluation.inputs.reader import Prepared

    return Prepared(chosen.dataset, chosen.cell["kind"], chosen.facts, declared)


def _reader(module: Any, prepared: Prepared) -> Reader:
    found: Reader = module.reader(prepared)
    return found


def _first(chosen: Chosen, module: Any, announce: Callable[[str], None]) -> Kept:
    """Return a model's graph, and what its reader needs of its dataset."""
    for file in records.changed(chosen.dataset, chosen.facts):
        raise _changed(file, chosen.dataset / "prepared.json")
    prepared = _prepared(chosen, {})
    declared = module.declared(prepared.dataset())
    if not _reader(module, replace(prepared, declared=declared)).has_graph:
        return Kept(declared, None, f"{chosen.signature} needs one pass of the model per word")
    if chosen.record["artifact"]["format"] == "onnx":
        return Kept(declared, _stored(chosen))
    graph = run_graphs.find(chosen.folder)
    if graph is not None:
        return Kept(declared, graph)
    if sys.stderr.isatty():
        announce(
            f"{chosen.name}: first call: PyTorch is imported and writes the model's graph, which takes seconds; later"
            f" calls read it from {kept_graphs.FOLDER}"
        )
    return _exported(chosen, declared)


def _stored(chosen: Chosen) -> bytes:
    """Return the graph that a compressed model consists of; without PyTorch."""
    path = chosen.folder / "model.onnx"
    graph = path.read_bytes()
    if hashlib.sha256(graph).hexdigest() != chosen.record["files"][path.name]:
        raise _changed(path, chosen.folder / paths.STATUS)
    return graph


def _exported(chosen: Chosen, declared: dict[str, Any]) -> Kept:
    """Return the graph of a model in another format; imports PyTorch."""
    from assay.artifacts import store
    from assay.artifacts.onnx.classical import NoGraphError
    from assay.artifacts.onnx.of_predictor import graph_of
    from assay.tasks.loading import load as load_task

    predictor = store.load(chosen.folder, chosen.record["artifact"])
    if predictor.model is None:
        return Kept(declared, None, f"the format {predictor.format} is not a single ONNX graph")
    validation = load_task(chosen.cell["kind"]).load(chosen.dataset, ("validation",))["validation"]
    try:
        return Kept(declared, graph_of(predictor, validation.inputs[:EXAMPLES].numpy()))
    except NoGraphError as none:
        return Kept(declared, None, str(none))


@dataclass(frozen=True)
class Answered:
    """An item with the values of its answer."""

    item: Item
    values: tuple[Any, ...]


def answers(model: Model, sources: Sequence[Source], column: str | None) -> Iterator[list[Answered | Bad]]:
    """Yield the answers for all items of the sources in order, in blocks: of standard input, as items arrive.

    Args:
        column: the column of the texts in tables; None to find it.

    Raises:
        ValueError: the only source has no items or cannot be read; one line.
    """
    block: list[Item] = []
    bad: list[Answered | Bad] = []
    for each, is_last in _items(model.reader, sources, column):
        if isinstance(each, Item):
            block.append(each)
        else:
            bad.append(each)
        if len(block) == BLOCK or is_last:
            yield [*bad, *_answered(model, block)]
            block, bad = [], []
    if block or bad:
        yield [*bad, *_answered(model, block)]


def _items(
    reader: Reader, sources: Sequence[Source], column: str | None
) -> Iterator[tuple[Item | Bad, bool]]:
    """Yield each item, and whether the next one has not arrived yet."""
    for source in sources:
        is_empty, stream = True, source.open()
        try:
            for each in reader.items(source, stream, column):
                is_empty = False
                yield each, stream.idle()
            if is_empty:
                raise ValueError(f"{source.name}: empty; items are expected")
        except ValueError as error:
            if len(sources) == 1 and is_empty:
                raise
            yield Bad(source.name, None, str(error).removeprefix(f"{source.name}: ")), False
        finally:
            stream.close()


def _answered(model: Model, block: Sequence[Item]) -> Iterator[Answered | Bad]:
    if not block:
        return
    found = model.reader.answer(model.predictor, block)
    for item, values in zip(block, found, strict=True):
        yield item.wrong(values) if isinstance(values, str) else Answered(item, values)
