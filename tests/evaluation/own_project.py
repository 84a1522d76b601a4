"""A project folder with one untrained model of a task on its twin, as a run would leave it."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import numpy as np
import torch

import assay
from assay.artifacts import store
from assay.config import registry
from assay.config.params import load_params
from assay.data import loading
from assay.evaluation import own_items
from assay.files import read_json
from assay.provenance import records
from assay.tasks.loading import load as load_task

PARAMS = load_params(Path("params.yaml"))
ENDED = {"status": "ok", "reason": "", "traceback": "", "code": "", "made_from": []}
NETWORKS = {
    "digits": "cnn",
    "ag_news": "text_cnn",
    "reviews_and_news": "text_recurrent",
    "english": "cbow",
    "wnut17": "transformer_tagger",
    "diabetes": "mlp_regression",
    "breast_cancer": "mlp",
    "digit_codes": "linear_autoencoder",
}
"""By row of ``tasks``: a model whose graph is tried on it."""
STEPS = {"tinyshakespeare": "gpt", "dates": "seq2seq_attention"}
"""Models that generate word by word."""


def make(folder: Path, row: str, model: str, knobs: dict, *, suite: str = "mine") -> str:
    """Write a prepared twin and an untrained model into a project, and return the variant's name."""
    entry = PARAMS.tasks[row]
    dataset = loading.load(entry.dataset)
    twin = f"{entry.dataset}{registry.TWIN}"
    prepared = folder / "data" / "prepared" / twin
    if not prepared.exists():
        dataset.make_twin(folder / "raw", 0)
        dataset.prepare(folder / "raw", prepared, seed=0, validation_fraction=0.2)
        facts = read_json(prepared / "prepared.json")
        spec = {"family": entry.dataset, "knobs": {}, "split_strategy": loading.DECLARED}
        records.write(prepared / "prepared.json", facts | ENDED | {"phase": "prepare", "spec": spec})
    facts = read_json(prepared / "prepared.json")
    target = registry.MODELS[model].target
    family = registry.load(target)
    provided = load_task(entry.kind).model_arguments(prepared)
    named = inspect.signature(family).parameters
    arguments = {name: provided[name] for name in provided if name in named} | knobs
    torch.manual_seed(0)
    place = folder / f"artifacts/trained/{suite}/{row}/{model}/0"
    place.mkdir(parents=True)
    artifact = store.save(place, family(**arguments), target=target, arguments=arguments)
    status = {
        "phase": "train",
        "spec": {"task": row, "kind": entry.kind, "dataset": twin},
        "artifact": artifact,
        "files": store.digests(place, artifact),
        "data": facts["files"],
        "train_items": None,
        "best_epoch": 0,
        "epochs": 1,
    }
    records.write(place / "status.json", ENDED | status)
    return f"{row}/{model}/0"


def no_matrix():
    """Fail: the variant is found without params.yaml."""
    raise AssertionError("params.yaml was read")


def predict(variant: str, items: list[str], out: str | None = None, **options) -> int:
    """Predict as the command does, in the current folder."""
    given = {
        "column": None,
        "encoding": None,
        "suite": None,
        "matrix": no_matrix,
        "safe": lambda value: value,
    } | options
    return own_items.predict(variant, items, None if out is None else Path(out), **given)


def only(folder: Path, *names: str) -> Path:
    """Return a folder with nothing but links to these installed packages."""
    folder.mkdir()
    for name in names:
        place = Path(sys.modules[name].__file__).parent
        (folder / name).symlink_to(place)
        for libraries in place.parent.glob(f"{'pillow' if name == 'PIL' else name}.libs"):
            (folder / libraries.name).symlink_to(libraries)
    assert assay.__file__ not in {str(each) for each in folder.rglob("*")}
    return folder


def some_images(folder: Path, size: tuple[int, int] = (8, 8)) -> list[str]:
    """Write images of several kinds and sizes, and return their paths."""
    from PIL import Image

    rng = np.random.default_rng(0)
    turned = Image.Exif()
    turned[0x0112] = 6
    kinds = {
        "grey.png": (size, {}),
        "wide.png": ((31, 50), {}),
        "colour.png": ((*size, 3), {}),
        "turned.jpg": ((20, 30, 3), {"exif": turned}),
    }
    folder.mkdir(exist_ok=True)
    for name, (shape, options) in kinds.items():
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / name, **options)
    return [str(folder / name) for name in kinds]
