"""What compression reaches on public data, beside what it is meant to reach.

    snakemake --cores all --config suite=compression
    python benchmarks/compression.py

Prints a table; reads reports/tables/compression.csv of that run. Speeds are medians of ratios to the uncompressed
model in PyTorch, called by turns in one process; "same runtime" divides two such ratios, which share the divisor.
"""

from __future__ import annotations

import argparse
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

COMPARE = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True)
class Results:
    """The table of a run."""

    table: pd.DataFrame

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

    def same_runtime(self, task: str, model: str, method: str, batch: int = 1) -> float:
        """Return the speed beside the uncompressed graph."""
        speeds = [self.get(f"speed_batch{batch}", task, model, each) for each in (method, "onnx")]
        return speeds[0] / speeds[1]

    def taught(self, task: str, model: str) -> float:
        """Return what the taught student loses, as a share of what the same student loses with labels alone.

        NaN if that loses nothing.
        """
        alone = self.points(task, model, "student")
        return self.points(task, model, "distil") / alone if alone > 0 else float("nan")


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
    for task, model in (cnn, (text, "text_cnn")):
        alone = f"{found.points(task, model, 'student'):.2f} points with labels alone"
        yield f"{task}/{model}, distil: share of the {alone}", found.taught(task, model), "<=", 0.5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the run's report")
    arguments = parser.parse_args()
    found = Results(pd.read_csv(arguments.reports / "tables" / "compression.csv"))
    print("| what | measured | target | |\n|---|---|---|---|")
    for what, measured, comparison, target in checks(found):
        compare: Callable[[float, float], bool] = COMPARE[comparison]
        verdict = "reached" if compare(measured, target) else "missed"
        print(f"| {what} | {measured:.3g} | {comparison} {target:.3g} | {verdict} |")


if __name__ == "__main__":
    main()
