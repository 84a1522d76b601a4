"""What compression reaches on public data, beside what it is meant to reach.

    snakemake --cores all --config suite=compression
    python benchmarks/compression.py

Prints a table; reads reports and artifacts of that run. Speeds are medians of ratios to the uncompressed model in
PyTorch, called by turns in one process; those in the same runtime, to its graph, are measured here in the same way.
"""

from __future__ import annotations

import argparse
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from assay import paths
from assay.artifacts import store
from assay.evaluation import latency
from assay.provenance import records
from assay.tasks import loading

COMPARE = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True)
class Results:
    """What a run of the suite left in a folder."""

    root: Path
    table: pd.DataFrame
    """Of the report, a row a variant."""

    def place(self, template: str, task: str, model: str, method: str) -> Path:
        """Return where a variant's files of one phase lie."""
        named = {"suite": "compression", "task": task, "model": model, "seed": 0, "method": method}
        return self.root / template.format(**named)

    def get(self, column: str, task: str, model: str, method: str) -> float:
        """Return one number, NaN where the run has it not."""
        key = {"task": task, "model": model, "method": method}
        rows = self.table[(self.table[list(key)] == pd.Series(key)).all(axis=1)]
        return float(rows[column].iloc[0]) if len(rows) else float("nan")

    def bytes(self, task: str, model: str, method: str) -> float:
        """Return the share of the uncompressed model's bytes."""
        return 1 / self.get("size_ratio", task, model, method)

    def points(self, task: str, model: str, method: str) -> float:
        """Return how many hundredths of the metric were lost."""
        return -100 * self.get("difference", task, model, method)

    def same_runtime(self, task: str, model: str, method: str) -> float:
        """Return the speed at batch 1 beside the uncompressed graph, the two called by turns."""
        folders = [self.place(paths.COMPRESSED, task, model, each) for each in (method, "onnx")]
        found = [records.require(folder / paths.STATUS) for folder in folders]
        graphs = [
            store.load(folder, record["artifact"]) for folder, record in zip(folders, found, strict=True)
        ]
        cell = found[0]["cell"]
        prepared = self.root / paths.PREPARED.format(dataset=cell["dataset"])
        items = loading.load(cell["kind"]).load(prepared, ("validation",))
        examples = items["validation"].inputs[: max(latency.SIZES)].numpy()
        return latency.speed(graphs[0], graphs[1], examples)["speed_batch1"]

    def right(self, task: str, model: str, method: str) -> NDArray[np.float64]:
        """Return for each test item whether it was answered rightly, (N,) of 0 and 1."""
        answers = pd.read_parquet(
            self.place(paths.EVALUATED, task, model, method) / "predictions.parquet",
            columns=["target", "prediction"],
        )
        return (answers["prediction"] == answers["target"]).to_numpy(float)

    def taught(self, task: str, model: str) -> tuple[float, float]:
        """Return what the taught student loses, as a share of what the same student loses with labels alone, and how
        likely a share below a half would be by chance if it were a half: a paired t-test over the test items.

        The share is NaN if the student with labels alone loses nothing.
        """
        teacher, taught, alone = (self.right(task, model, each) for each in ("none", "distil", "student"))
        lost, lost_alone = (teacher - taught).mean(), (teacher - alone).mean()
        share = lost / lost_alone if lost_alone > 0 else float("nan")
        chance = stats.ttest_1samp((teacher - taught) - (teacher - alone) / 2, 0, alternative="less").pvalue
        return float(share), float(chance)


def checks(found: Results) -> Iterator[tuple[str, float, str, float]]:
    """Yield (what, measured, how it compares, target)."""
    image, text = "mnist", "movie_reviews"
    cnn, lenet = (image, "cnn"), (image, "lenet_300_100")
    yield "cnn, int8_static: speed at batch 1", found.get("speed_batch1", *cnn, "int8_static"), ">=", 4
    yield "cnn, int8_static: bytes", found.bytes(*cnn, "int8_static"), "<=", 0.27
    yield "cnn, int8_static: points lost", found.points(*cnn, "int8_static"), "<=", 0.1
    yield "cnn, prune_structured: bytes", found.bytes(*cnn, "prune_structured"), "<=", 1 / 3
    speed = found.same_runtime(*cnn, "prune_structured_onnx")
    yield "cnn, prune_structured: speed in the same runtime", speed, ">=", 1.8
    yield "cnn, prune_structured: points lost", found.points(*cnn, "prune_structured"), "<=", 0.3
    yield "cnn, prune_structured_int8: bytes", found.bytes(*cnn, "prune_structured_int8"), "<=", 0.1
    for task, model in ((image, "lstm"), (text, "text_lstm")):
        speed = found.same_runtime(task, model, "int8_dynamic")
        yield f"{task}/{model}, int8_dynamic: speed in the same runtime", speed, ">=", 2
    for task, model in ((image, "transformer"), (text, "text_transformer")):
        for batch, target in ((1, 3.0), (64, 1.4)):
            speed = found.get(f"speed_batch{batch}", task, model, "int8_dynamic")
            yield f"{task}/{model}, int8_dynamic: speed at batch {batch}", speed, ">=", target
    for task, model in (cnn, (image, "lstm"), (text, "text_cnn")):
        yield f"{task}/{model}, cluster: bytes", found.bytes(task, model, "cluster"), "<=", 0.13
        yield f"{task}/{model}, cluster: points lost", found.points(task, model, "cluster"), "<=", 1
    yield (
        "lenet_300_100, pruned and clustered: times smaller",
        1 / found.bytes(*lenet, "prune_cluster"),
        ">=",
        30,
    )
    yield "lenet_300_100, pruned and clustered: points lost", found.points(*lenet, "prune_cluster"), "<=", 0.1
    for task, model in (cnn, (image, "lstm"), (text, "text_cnn"), (text, "text_lstm")):
        what = f"{task}/{model}, distil:"
        share, chance = found.taught(task, model)
        alone = f"{found.points(task, model, 'student'):.2f} points with labels alone"
        yield f"{what} share of the {alone}", share, "<=", 0.5
        yield f"{what} chance of that if it were a half", chance, "<=", 0.05


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=Path(), help="folder in which the suite ran")
    arguments = parser.parse_args()
    table = pd.read_csv(arguments.root / paths.REPORTS / "tables" / "compression.csv")
    found = Results(arguments.root, table)
    print("| what | measured | target | |\n|---|---|---|---|")
    for what, measured, comparison, target in checks(found):
        compare: Callable[[float, float], bool] = COMPARE[comparison]
        verdict = "reached" if compare(measured, target) else "missed"
        print(f"| {what} | {measured:.3g} | {comparison} {target:.3g} | {verdict} |")


if __name__ == "__main__":
    main()
