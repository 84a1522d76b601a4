# SPDX-License-Identifier: Apache-2.0
"""Write a model as a folder that answers without Assay: ``assay export``.

The graph is the one through which ``assay predict`` answers, with the preparation of inputs in front as far as a graph
can hold it. ``example.py`` is one of the programs in ``examples/``.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from assay import paths
from assay.evaluation.inputs.reader import Exports
from assay.evaluation.own_items import say
from assay.evaluation.predict import Chosen, Model, choose, load
from assay.files import json_text, move, write_text

if TYPE_CHECKING:
    from assay.config.matrix import Matrix

EXAMPLES = Path(__file__).parent / "examples"
MARK = "assay-export.json"
"""The file by which a folder is recognised as an export."""
README = """# {name}

A model exported by Assay. It runs without Assay:

    pip install -r requirements.txt
    python example.py {argument}

- `model.onnx`: the graph. Its input `inputs` is {inputs}; its output `logits` is {outputs}.
- `labels.json`: what the graph's inputs and outputs mean.
- `example.py`: reads items and prints the answers, the same as `assay predict` prints, with the same version of
  onnxruntime and one thread.{more}
"""
INPUTS = {
    onnx.TensorProto.UINT8: "images of bytes, 0 (black) to 255",
    onnx.TensorProto.FLOAT: "the features of a table's columns, as `features.py` computes them",
    onnx.TensorProto.DOUBLE: "the features of a table's columns, as `features.py` computes them",
    onnx.TensorProto.INT64: "ids of words, padded with 0",
}
"""What the inputs of a graph are, by their type."""


def export(variant: str, out: Path, *, suite: str | None, matrix: Callable[[], Matrix]) -> list[Path]:
    """Write a variant into the folder ``out`` and return the paths of its files.

    Args:
        suite: the suite; None to find it.
        matrix: returns the matrix of the suite.

    Raises:
        ValueError: the variant cannot be exported, or ``out`` cannot be replaced; one line.
    """
    _check(out)
    chosen = choose(variant, suite, matrix)
    model = load(chosen, say)
    if model.graph is None:
        raise ValueError(f"{variant}: cannot be exported as one graph: {model.reason}")
    if not isinstance(model.reader, Exports):
        raise ValueError(f"{variant}: cannot be exported: there is no example for {chosen.signature}")
    with _replacing(out) as aside:
        _write(aside, chosen, model, model.reader)
    return sorted(path for path in out.rglob("*") if path.is_file())


def _write(folder: Path, chosen: Chosen, model: Model, reader: Exports) -> None:
    assert model.graph is not None
    graph = reader.exported(onnx.load_from_string(model.graph))
    (folder / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    labels = reader.labels()
    width = graph.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    if "classes" in labels and len(labels["classes"]) != width:  # as the reader names them
        labels["classes"] = [*map(str, range(width))]
    write_text(folder / "labels.json", json_text(labels))
    for name in reader.vocabularies:
        shutil.copyfile(chosen.dataset / name, folder / name)
    program = _program(reader.example)
    write_text(folder / "example.py", program)
    for name in reader.modules:
        write_text(folder / f"{name}.py", _program(name))
    packages = ("onnxruntime", "numpy", *reader.packages)
    write_text(folder / "requirements.txt", "".join(f"{name}=={version(name)}\n" for name in packages))
    card = _card(chosen)
    if card is not None:
        shutil.copyfile(card, folder / "card.md")
    write_text(folder / "README.md", _readme(chosen, graph, model, program, has_card=card is not None))
    facts = {
        "variant": chosen.name,
        "artifact": chosen.record["artifact"],
        "files": chosen.record["files"],
        "code": chosen.record["code"],
    }
    write_text(folder / MARK, json_text(facts))


def _program(name: str) -> str:
    """Return a file of ``examples/`` without the line that names its licence."""
    return (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").partition("\n")[2]


def _readme(chosen: Chosen, graph: onnx.ModelProto, model: Model, program: str, *, has_card: bool) -> str:
    inputs = graph.graph.input[0]
    shape = ", ".join(axis.dim_param or str(axis.dim_value) for axis in inputs.type.tensor_type.shape.dim)
    usage = program.split("example.py ")[1].split('"')[0].splitlines()[0]
    more = "\n- `card.md`: the model's card." if has_card else ""
    more += f"\n- `{MARK}`: the records of the model in its project."
    if model.prepared.declared.get("mends"):
        more += (
            "\n\nAssay also repairs damage that the texts of this dataset have at their source, such as remnants"
            "\nof HTML. The example reads texts as they are."
        )
    is_number = graph.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    return README.format(
        name=chosen.name,
        argument=usage,
        inputs=f"{INPUTS[inputs.type.tensor_type.elem_type]}, of shape ({shape})",
        outputs="the predicted number" if is_number else "the model's scores, or its reconstructions",
        more=more,
    )


def _card(chosen: Chosen) -> Path | None:
    """Return the card that the last report wrote of a model, if it is of this suite."""
    suite, task, model = chosen.folder.parts[2:5]
    path = paths.REPORTS / "cards" / task / f"{model}.md"
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8").replace("\\", "").replace("\n", " ")
    return path if f"in the suite {suite} " in text else None


def _check(out: Path) -> None:
    """Check that a folder can be written or replaced."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ValueError(f"{out}: not a folder; a new folder, or an earlier export, is expected")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise ValueError(f"{out}: has files and is not an export of assay; name another folder")
    if not out.resolve().parent.is_dir():
        raise ValueError(f"{out}: there is no folder {out.resolve().parent}; create it first")


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """Yield a folder next to ``out`` that takes its place if the block succeeds.

    Raises:
        ValueError: it cannot be written; one line.
    """
    target = out.resolve()
    aside, old = (target.with_name(f".{target.name}.{secrets.token_hex(4)}") for _ in range(2))
    try:
        aside.mkdir()
        yield aside
        if target.exists():
            move(target, old)
        move(aside, target)
    except OSError as error:
        raise ValueError(f"{out}: cannot be written: {error.strerror}") from None
    finally:
        for each in (aside, old):
            shutil.rmtree(each, ignore_errors=True)
