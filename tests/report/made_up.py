"""Writes a small tree of results MADE UP FOR TESTS: no model was trained, no number means anything."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay.files import sha256
from assay.provenance import records
from assay.report.results.collect import Model, Task, read_variants
from assay.report.results.summaries import Summary, summarise
from assay.report.results.trials import Trial
from assay.tasks.metric import RecomputedMetric, SummedMetric, ratio


def right(table: pd.DataFrame) -> np.ndarray:
    return np.stack([table["target"] == table["prediction"], np.ones(len(table))], axis=1)


ACCURACY = SummedMetric("accuracy", "maximise", ("target", "prediction"), right, ratio, highest=1)
"""As assay.tasks.classification has it, without torch."""


def auroc(target: np.ndarray, score: np.ndarray) -> float:
    """The area under the ROC curve, of which a tie counts half; nan unless there are items of both classes."""
    scores, place = np.unique(score, return_inverse=True)
    below, above = (np.bincount(place, target == label, len(scores)) for label in (0, 1))
    if not below.any() or not above.any():
        return math.nan
    wins = above @ (below.cumsum() - below / 2)
    return float(wins / (below.sum() * above.sum()))


AUROC = RecomputedMetric("auroc", "maximise", ("target", "score"), auroc, highest=1)
SUITE = "made_up"
HOST = {"name": "made-up", "processor": "made-up processor", "cores": 2, "memory_bytes": 8_000_000_000}
CLASSES = {
    "digits": [str(digit) for digit in range(10)],
    "fashion_mnist": [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    ],
}  # fmt: skip
TASKS = [
    {"name": "digits", "dataset": "digits", "kind": "image_classification",
     "primary": "accuracy", "direction": "maximise", "watched": "accuracy",
     "controls": ("majority",), "metric": ACCURACY},
    {"name": "fashion_mnist", "dataset": "fashion_mnist", "kind": "image_classification",
     "primary": "accuracy", "direction": "maximise", "watched": "accuracy",
     "controls": ("majority",), "metric": ACCURACY},
]  # fmt: skip
MODELS = [
    {"name": "majority", "family": "control", "seeded": False},
    {"name": "logistic_regression", "family": "linear", "seeded": False},
    {"name": "rbf_svm", "family": "kernel", "seeded": False},
    {"name": "mlp", "family": "multi-layer perceptron", "seeded": True},
    {"name": "cnn", "family": "convolutional", "seeded": True},
    {"name": "lstm", "family": "recurrent", "seeded": True},
]
QUALITY = {
    "majority": 0.1,
    "logistic_regression": 0.88,
    "rbf_svm": 0.93,
    "mlp": 0.94,
    "cnn": 0.97,
    "lstm": 0.95,
}
PARAMETERS = {
    "majority": 10, "logistic_regression": 7850, "rbf_svm": 1_250_000, "mlp": 118_282, "cnn": 93_322,
    "lstm": 213_898,
}  # fmt: skip
METHODS = ("none", "int8", "prune")
ITEMS, FIRST_ITEM = 1000, 6000
ERRORS = (0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03)
"""Shares of wrong answers that are the next class, the one after it and so on."""
EPOCHS = 8


ARTIFACT = {
    "format": "safetensors",
    "target": "assay.models.image.mlp:MLP",
    "arguments": {},
    "parameters": 1000,
}
FACTS = {
    "ingest": {}, "prepare": {"spec": {}}, "validate": {},
    "tune": {"spec": {}, "data": {}, "chosen": {}, "trials": 1},
    "train": {"spec": {}, "data": {}, "train_items": None, "best_epoch": 1, "epochs": 1},
    "compress": {"spec": {}, "artifact": ARTIFACT, "cell": {}, "data": {}, "trials": []},
    "evaluate": {"spec": {}, "data": {}}, "report": {"spec": {}},
}  # fmt: skip
"""What records of each phase hold at least."""


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def record(path: Path, value: dict[str, Any]) -> None:
    """Write a record as the job would, with made-up values for the facts that are not given."""
    phase = value["phase"]
    common = {"status": "ok", "reason": "", "traceback": "", "code": "", "made_from": [], "files": {}}
    whole = {**common, **FACTS[phase], **value}
    if phase in ("train", "compress") and whole["status"] == "ok":
        whole["artifact"] = ARTIFACT | whole.get("artifact", {})
    records.write(path, whole)


def folders(root: Path, *names: object) -> dict[str, Path]:
    """Return where the records of a variant lie."""
    task, model, seed, method = map(str, names)
    cell = Path(SUITE, task, model, seed)
    return {
        "trained": root / "artifacts/trained" / cell,
        "compressed": root / "artifacts/compressed" / cell / method,
        "evaluated": root / "reports/cells" / cell / method,
    }


def plan(
    root: Path,
    tasks: list[dict[str, Any]] = TASKS,
    models: list[dict[str, Any]] = MODELS,
    seeds: tuple[int, ...] = (0, 1, 2),
    methods: tuple[str, ...] = METHODS,
) -> list[dict[str, Any]]:
    """Return the variants of every task, model, seed and method; unseeded models have one seed."""
    return [
        {"task": task["name"], "model": model["name"], "family": model["family"], "seed": seed,
         "method": method,
         **folders(root, task["name"], model["name"], seed, method)}
        for task in tasks
        for model in models
        for seed in (seeds if model["seeded"] else seeds[:1])
        for method in methods
    ]  # fmt: skip


def inputs(root: Path, **changes: Any) -> dict[str, Any]:
    """Return the arguments of ``report.build``, with the changes asked for."""
    datasets = list(dict.fromkeys(task["dataset"] for task in changes.get("tasks", TASKS)))
    return {
        "suite": SUITE,
        "variants": plan(root),
        "tasks": TASKS,
        "models": MODELS,
        "reports": root / "reports",
        "raw": {name: root / "data/raw" / name for name in datasets},
        "prepared": {name: root / "data/prepared" / name for name in datasets},
        "validated": {name: root / f"data/validated/{name}.json" for name in datasets},
        "provenance": {
            "commit": "0123456789ab",
            "dirty": False,
            "commands": ["snakemake --cores all --config suite=made_up", "# MADE UP FOR TESTS"],
            "params": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
            "versions": {"torch": "2.13.0", "scikit-learn": "1.9.1"},
        },
        "trials": [
            Trial(
                task="digits",
                model="mlp",
                trials=3,
                split="validation",
                test_seen="yes",
                note=SUITE,
            )
        ],
    } | changes


def write_cells(variants: list[dict[str, Any]]) -> None:
    """Write every variant as finished, with made-up numbers that depend on its names alone."""
    for row in variants:
        write_train(row)
        write_variant(row)


def rng_of(*names: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def measured(seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "peak_memory_bytes": 210_000_000,
        "host": HOST,
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        "python": "3.11.2",
        "versions": {"torch": "2.13.0"},
        "finished": "2026-01-02T03:04:05+00:00",
    } | more


def write_measured(folder: Path, facts: dict[str, Any]) -> None:
    """Leave what a job cost beside its record."""
    records.write(folder / "measured.json", {**facts, "record": sha256(folder / "status.json")})


def status(name: str, phase: str, reason: str = "", traceback: str = "", **more: Any) -> dict[str, Any]:
    return {
        "status": name,
        "phase": phase,
        "reason": reason,
        "traceback": traceback,
        "spec": {},
        "files": {},
    } | more


def write_train(row: dict[str, Any]) -> None:
    folder = row["trained"]
    rng = rng_of("train", row["task"], row["model"], row["seed"])
    parameters = PARAMETERS.get(row["model"], 1000)
    record(folder / "status.json", status("ok", "train", artifact={"parameters": parameters}))
    write_measured(folder, measured(1 + parameters / 20_000 * rng.uniform(0.9, 1.1)))
    if row["model"] not in ("mlp", "cnn", "lstm"):
        return
    steps = np.arange(EPOCHS)
    quality = QUALITY[row["model"]]
    train = 2.2 * np.exp(-0.55 * steps) + 0.05 + rng.normal(0, 0.01, EPOCHS)
    validation = 2.1 * np.exp(-0.5 * steps) + 0.16 + rng.normal(0, 0.02, EPOCHS)
    accuracy = quality - 0.75 * np.exp(-0.9 * steps) + rng.normal(0, 0.003, EPOCHS)
    lines = ["epoch,train_loss,validation_loss,validation_accuracy,learning_rate"]
    lines += [
        f"{step},{a:.5f},{b:.5f},{c:.5f},0.001"
        for step, a, b, c in zip(steps, train, validation, accuracy, strict=True)
    ]
    (folder / "history.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_variant(row: dict[str, Any], accuracy: float | None = None) -> None:
    """Write compression (where there is any) and evaluation of one variant as finished."""
    rng = rng_of("cell", *(row[key] for key in ("task", "model", "seed")))
    quality = QUALITY.get(row["model"], 0.5) - (0.06 if row["task"] == "fashion_mnist" else 0.0)
    if row["model"] == "majority":
        quality = 0.1
    else:
        quality += rng.normal(0, 0.004)
    quality -= {"none": 0.0, "int8": 0.002, "prune": 0.011}.get(row["method"], 0.0)
    answers = predictions(row, quality if accuracy is None else accuracy)
    quality = float((answers["target"] == answers["prediction"]).mean())
    shrink = {"none": 1.0, "int8": 0.27, "prune": 0.55}.get(row["method"], 1.0)
    size = 4 * PARAMETERS.get(row["model"], 1000)
    if row["method"] != "none":
        folder = row["compressed"]
        tried = [
            {"sparsity": share, "score": quality - share**6, "lost": share**6 / quality}
            for share in (0.5, 0.7, 0.9)
        ]
        tried[0] |= {"tuned_score": quality, "tuned_lost": 0.0}
        trials = tried if row["method"] == "prune" else []
        record(
            folder / "status.json",
            status("ok", "compress", spec={"max_relative_drop": 0.01}, trials=trials),
        )
        write_measured(folder, measured(0.4))
    folder = row["evaluated"]
    record(folder / "status.json", status("ok", "evaluate"))
    latency = 0.05 + size / 4e6
    write_measured(
        folder,
        measured(
            0.8,
            latency_ms_batch1=latency * (0.6 if row["method"] == "int8" else 1.0),
            latency_ms_batch64=latency * 20,
            cold_start_ms=3 + latency,
            **(speeds(1.6 if row["method"] == "int8" else 1.0) if row["method"] != "none" else {}),
            size_bytes=int(size * shrink) + 1200,
            compressed_bytes=int(size * shrink * (0.5 if row["method"] == "prune" else 0.9)) + 900,
            parameters=PARAMETERS.get(row["model"], 1000),
        ),
    )
    scores = {
        "accuracy": quality, "macro_precision": quality - 0.001, "macro_recall": quality - 0.002,
        "macro_f1": quality - 0.0015, "auroc": min(1.0, 0.5 + quality / 2), "calibration_error": 0.03,
        "cross_entropy": 1 - quality + 0.05,
    }  # fmt: skip
    write(
        folder / "metrics.json",
        {
            "test": scores,
            "validation": {**scores, "accuracy": quality + 0.003},
            "confusion": np.bincount(10 * answers["target"] + answers["prediction"], minlength=100)
            .reshape(10, 10)
            .tolist(),
        },
    )
    answers.to_parquet(folder / "predictions.parquet", index=False)


def speeds(ratio: float) -> dict[str, float]:
    """Return what is measured of a compressed model by turns with the uncompressed one."""
    names = [f"{name}_batch{size}" for name in ("speed", "speed_all_cores") for size in (1, 64)]
    ends = {"": 1.0, "_low": 0.95, "_high": 1.05}
    return {name + end: ratio * by for name in names for end, by in ends.items()}


def predictions(row: dict[str, Any], quality: float) -> pd.DataFrame:
    """Return answers to ``ITEMS`` items of 10 classes, of which the share ``quality`` is right.

    An item is as hard for one model as for another, a little harder or easier for one run of it, and compression
    changes little. Errors gather in few pairs of classes.
    """
    hard = rng_of("items", row["task"]).normal(0, 1, ITEMS)
    hard = hard + rng_of("run", row["task"], row["model"], row["seed"]).normal(0, 0.7, ITEMS)
    hard = hard + (rng_of("method", row["method"]).normal(0, 0.1, ITEMS) if row["method"] != "none" else 0)
    wrong = np.argsort(-hard)[: ITEMS - round(quality * ITEMS)]
    target = np.arange(ITEMS) % 10
    shift = 1 + rng_of("errors", row["task"], row["model"]).choice(9, ITEMS, p=ERRORS)
    prediction = target.copy()
    prediction[wrong] = (target + shift)[wrong] % 10
    return pd.DataFrame({"item": FIRST_ITEM + np.arange(ITEMS), "target": target, "prediction": prediction})


def fail_train(row: dict[str, Any], name: str, reason: str, traceback: str = "") -> None:
    """Make a cell's training end badly; its evaluation then says that there is nothing to evaluate."""
    record(row["trained"] / "status.json", status(name, "train", reason, traceback))
    folder = row["evaluated"]
    record(folder / "status.json", status("skipped", "evaluate", "its training is not ok"))
    write_measured(folder, measured(0.1))
    for name in ("metrics.json", "predictions.parquet"):
        (folder / name).unlink(missing_ok=True)


def skip_compression(row: dict[str, Any], reason: str) -> None:
    record(row["compressed"] / "status.json", status("skipped", "compress", reason))
    folder = row["evaluated"]
    record(folder / "status.json", status("skipped", "evaluate", reason))
    write_measured(folder, measured(0.1))
    for name in ("metrics.json", "predictions.parquet"):
        (folder / name).unlink(missing_ok=True)


def write_data(root: Path, dataset: str, twin: bool = False) -> None:
    """Write a dataset's source, preparation and validation records."""
    record(
        root / f"data/raw/{dataset}/source.json",
        {
            "phase": "ingest", "status": "ok", "reason": "", "dataset": dataset, "twin": twin,
            "licence": "made up for tests",
            "citation": "Nobody (2026). Made up for tests.", "homepage": "https://example.org/made-up",
            "files": {
                "images.gz": {"url": "https://example.org/images.gz", "size": 26421880, "sha256": "0" * 64},
            },
        },
    )  # fmt: skip
    counts = {"train": 5400, "validation": 600, "test": 1000}
    record(
        root / f"data/prepared/{dataset}/prepared.json",
        {
            "phase": "prepare", "status": "ok", "reason": "", "dataset": dataset,
            "classes": CLASSES.get(dataset, list("0123456789")),
            "shape": [1, 28, 28], "counts": counts,
            "class_counts": {split: [number // 10] * 10 for split, number in counts.items()},
            "mean": [0.3], "std": [0.3], "files": {},
            "dropped": [{"reason": "exact duplicate", "split": "train", "count": 3,
                         "items": [17, 256, 4711]}],
        },
    )  # fmt: skip
    record(
        root / f"data/validated/{dataset}.json",
        {
            "phase": "validate", "status": "ok", "reason": "", "dataset": dataset, "data": "0" * 64,
            "expectations": [
                {"expectation": f"expect_{name}", "column": column, "success": True,
                 "observed": "0 unexpected", "first_bad": [], "fix": ""}
                for name, column in (("unique", "sha256"), ("in_range", "label"), ("row_count", None))
            ],
        },
    )  # fmt: skip
    docs = root / f"reports/validation/{dataset}/index.html"
    docs.parent.mkdir(parents=True, exist_ok=True)
    docs.write_text("<!DOCTYPE html><title>made up for tests</title>", encoding="utf-8")


def write_tree(root: Path) -> dict[str, Any]:
    """Write two tasks, six models, three seeds, three methods, some failed; return ``build``'s arguments."""
    asked = inputs(root)
    rows = asked["variants"]
    write_cells(rows)
    for row in rows:
        cell = row["task"], row["model"], row["seed"]
        if cell == ("digits", "lstm", 2):
            fail_train(
                row,
                "diverged",
                "training loss is nan at epoch 3",
                "made up\nfor tests\nValueError: nan",
            )
        elif cell[:2] == ("fashion_mnist", "lstm"):
            fail_train(row, "timed out", "stopped after 600 s")
        elif cell == ("fashion_mnist", "logistic_regression", 0) and row["method"] == "none":
            write_variant(row, accuracy=0.09)
        elif row["method"] == "int8" and row["model"] in ("majority", "logistic_regression", "rbf_svm"):
            skip_compression(row, "int8 quantises torch modules; this one is not a torch module")
        elif row["method"] == "prune" and row["model"] in ("majority", "rbf_svm"):
            skip_compression(row, "no weight matrix to prune")
    write_data(root, "digits")
    write_data(root, "fashion_mnist", twin=True)
    return asked


TASK = Task("digits", "digits", "accuracy", "maximise", "accuracy", ("majority",), metric=ACCURACY)
NAMES = {row["name"]: Model(row["name"], row["family"], row["seeded"]) for row in MODELS}


def summaries_of(
    root: Path, scores: dict[tuple[str, int, str], float | None], task: Task = TASK
) -> list[Summary]:
    """Write one variant a key (model, seed, method), None as a failed training, and return the summaries."""
    rows = []
    for (model, seed, method), accuracy in scores.items():
        row = {
            "task": "digits",
            "model": model,
            "family": NAMES[model].family,
            "seed": seed,
            "method": method,
        }
        row |= folders(root, "digits", model, seed, method)
        rows.append(row)
        if method == "none":
            write_train(row)
        if accuracy is None:
            fail_train(row, "failed", "made up")
        else:
            write_variant(row, accuracy)
    return summarise(read_variants(rows, {"digits": task}), {"digits": task}, NAMES)
