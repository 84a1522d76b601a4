"""From a user's own data to the finished report: python benchmarks/own_data.py

Makes what a user brings: 2,000 texts with a class as CSV (generated reviews), 600 PNG images in a folder for each of
ten classes (scans of digits that come with scikit-learn), 1,000 rows of 20 columns (numbers with missing values,
categories, a date, a class; generated) and 100,000 such rows. Each is added to a project of its own (`assay init`,
`assay add`), and the first three are run to the report (`snakemake --cores all`). Prints seconds of the clock, and of
`assay add` the largest resident memory; every command must end well, and no line is written by hand.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from assay.data import loading

ROOT = Path(__file__).parent.parent
ROWS, MANY_ROWS, TEXTS, IMAGES = 1_000, 100_000, 2_000, 600


def texts(folder: Path) -> Path:
    dataset = loading.load("review_grammar")
    dataset.fetch(folder / "raw", mirror=None)
    found = dataset.read(folder / "raw")
    labels = [found.classes[label] for label in found.labels[:TEXTS]]
    pd.DataFrame({"text": found.texts[:TEXTS], "label": labels}).to_csv(folder / "texts.csv", index=False)
    return folder / "texts.csv"


def images(folder: Path) -> Path:
    dataset = loading.load("digits")
    dataset.fetch(folder / "raw", mirror=None)
    found = dataset.read(folder / "raw")
    for number, (image, label) in enumerate(zip(found.images[:IMAGES], found.labels[:IMAGES], strict=True)):
        path = folder / "images" / found.classes[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(path)
    return folder / "images"


def table(folder: Path, rows: int = ROWS) -> Path:
    rng = np.random.default_rng(0)
    columns = {
        f"measured {number}": np.round(rng.normal(size=rows), 4).astype(object) for number in range(12)
    }
    for values in columns.values():
        values[rng.random(rows) < 0.05] = ""
    score = sum(np.where(values == "", 0, values).astype(float) for values in columns.values())
    for number in range(6):
        columns[f"kind {number}"] = rng.choice([f"k{each}" for each in range(3 + 20 * number)], rows)
    columns["day"] = pd.date_range("2015-01-01", periods=rows, freq="h").strftime("%Y-%m-%d")
    score = score + 2.0 * (columns["kind 0"] == "k1") + rng.normal(size=rows)
    columns["label"] = np.where(score > 0, "yes", "no")
    pd.DataFrame(columns).sample(frac=1, random_state=0).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def many_rows(folder: Path) -> Path:
    return table(folder, MANY_ROWS)


def run(folder: Path, *words: str) -> tuple[float, float, str]:
    """Return the seconds of a command, its largest resident memory in MB, and what it printed."""
    paths = (str(ROOT / "src"), os.environ.get("PYTHONPATH"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    start = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)}:\n{output}")
    return time.perf_counter() - start, used.ru_maxrss / 1000, output


def measured(make: Callable[[Path], Path], *, to_report: bool) -> str:
    """Return a row of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        made, project = Path(scratch) / "made", Path(scratch) / "project"
        made.mkdir()
        path = make(made)
        assay = [sys.executable, "-m", "assay.cli"]
        started, _, _ = run(Path(scratch), *assay, "init", str(project))
        added, memory, printed = run(project, *assay, "add", str(path))
        items = re.search(r"[\d,]+ items to train on", printed)
        cells = [make.__name__, items[0] if items else "", f"{started:.1f}", f"{added:.1f}", f"{memory:.0f}"]
        if to_report:
            seconds, _, _ = run(project, "snakemake", "--cores", "all")
            assert (project / "reports" / "index.html").is_file()
            cells += [f"{seconds:.1f}", f"{added + seconds:.1f}"]
        return " | ".join(cells)


def main() -> None:
    print("data | items | init, s | add, s | add, MB | run, s | add and run, s")
    for make in (texts, images, table):
        print(measured(make, to_report=True), flush=True)
    print(measured(many_rows, to_report=False))


if __name__ == "__main__":
    main()
