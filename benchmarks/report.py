"""What the report costs as the matrix grows: python benchmarks/report.py --variants 100 1000 10000

For each number of variants a folder gets results MADE UP FOR THE PURPOSE (no model was trained, no number means
anything): learning curves, metrics, confusions, and predictions for --items test items. A process of its own then
builds the report from them, twice, and Chromium opens the page with the network off. Prints of the first build the
seconds with all imports, by the clock and of processors, and the largest resident memory of the process and of its
largest child; what the page weighs, and whether both builds gave the same bytes; in the browser the time until the
page can be used, until all is drawn, and of the first sort of the matrix and of the table of all variants, each from
the click to the next picture.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.report import made_up

SHAPES = {100: (5, 5, 2, 2), 1000: (10, 10, 5, 2), 10_000: (20, 50, 5, 2)}
"""Variants -> tasks, models, seeds, methods."""
FAMILIES = ("linear", "kernel", "tree", "perceptron", "convolutional", "recurrent", "transformer")
METHODS = ("none", "int8")
EPOCHS = 10
CHROMIUM = shutil.which("chromium")
BUILD = """
import resource, sys, time
from pathlib import Path
started = time.perf_counter()
sys.path[:0] = [{tests!r}, {here!r}]
import report as benchmark
from assay.report import build
asked = benchmark.asked(Path({root!r}), {variants})
build(**asked)
first = time.perf_counter() - started
usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
used = [sum(each.ru_utime + each.ru_stime for each in usages), *(each.ru_maxrss * 1024 / 1e6 for each in usages)]
pages = [(asked["reports"] / "index.html").read_bytes()]
build(**asked)
pages.append((asked["reports"] / "index.html").read_bytes())
print(first, *used, len(pages[0]) / 1e6, pages[0] == pages[1])
"""
SORT = """
async (head) => {
  const start = performance.now();
  head.click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}
"""


def asked(root: Path, variants: int) -> dict[str, Any]:
    """Return the arguments of ``report.build``."""
    num_tasks, num_models, num_seeds, num_methods = SHAPES[variants]
    tasks = [
        {**made_up.TASKS[0], "name": f"task_{n:02d}", "dataset": f"data_{n:02d}"} for n in range(num_tasks)
    ]
    models = [made_up.MODELS[0] | {"seeded": True}]
    models += [
        {"name": f"model_{n:02d}", "family": FAMILIES[n % len(FAMILIES)], "seeded": True}
        for n in range(1, num_models)
    ]
    rows = made_up.plan(root, tasks, models, tuple(range(num_seeds)), METHODS[:num_methods])
    assert len(rows) == variants
    return made_up.inputs(root, variants=rows, tasks=tasks, models=models)


def write(root: Path, variants: int, items: int) -> None:
    """Write what the cells of that many variants would have left."""
    given = asked(root, variants)
    for task in given["tasks"]:
        made_up.write_data(root, task["dataset"])
    for row in given["variants"]:
        rng = np.random.default_rng(
            [int(row["task"][-2:]), len(row["model"]), ord(row["model"][-1]), row["seed"]]
        )
        quality = 0.1 if row["model"] == "majority" else rng.uniform(0.8, 0.99)
        if row["method"] == "none":
            write_trained(row["trained"], quality, rng)
        else:
            made_up.write(row["compressed"] / "status.json", made_up.status("ok", "compress"))
            made_up.write(row["compressed"] / "measured.json", made_up.measured(0.4))
        write_evaluated(row, quality, items, rng)


def write_trained(folder: Path, quality: float, rng: np.random.Generator) -> None:
    made_up.write(folder / "status.json", made_up.status("ok", "train", artifact={"parameters": 100_000}))
    made_up.write(folder / "measured.json", made_up.measured(float(rng.uniform(1, 60))))
    losses = 2.2 * np.exp(-0.5 * np.arange(EPOCHS))[:, None] + rng.uniform(0, 0.1, (EPOCHS, 2))
    lines = [f"{n},{a:.4f},{b:.4f},{quality * (1 - 0.5**n):.4f}" for n, (a, b) in enumerate(losses)]
    text = "\n".join(["epoch,train_loss,validation_loss,validation_accuracy", *lines])
    (folder / "history.csv").write_text(text, encoding="utf-8")


def write_evaluated(row: dict[str, Any], quality: float, items: int, rng: np.random.Generator) -> None:
    folder, compressed = row["evaluated"], row["method"] != "none"
    target = np.arange(items) % 10
    wrong = rng.random(items) > quality - 0.003 * compressed
    prediction = np.where(wrong, (target + rng.integers(1, 4, items)) % 10, target)
    accuracy = float((prediction == target).mean())
    scores = {"accuracy": accuracy, "macro_f1": accuracy - 0.001, "calibration_error": 0.03}
    confusion = np.bincount(10 * target + prediction, minlength=100).reshape(10, 10).tolist()
    costs = {
        "latency_ms_batch1": float(rng.uniform(0.05, 2)),
        "latency_ms_batch64": float(rng.uniform(1, 40)),
        "cold_start_ms": 3.0,
        "size_bytes": int(10 ** rng.uniform(4, 7)),
        "compressed_bytes": 10_000,
        "parameters": 100_000,
        **(made_up.speeds(1.6) if compressed else {}),
    }
    made_up.write(folder / "status.json", made_up.status("ok", "evaluate"))
    made_up.write(folder / "measured.json", made_up.measured(0.8, **costs))
    metrics = {"test": scores, "validation": scores, "confusion": confusion}
    made_up.write(folder / "metrics.json", metrics)
    columns = {"item": np.arange(items), "target": target, "prediction": prediction}
    parquet.write_table(pa.table(columns), folder / "predictions.parquet")


def built(root: Path, variants: int) -> list[str]:
    """Build the report in a process of its own; return what that cost, as cells."""
    program = BUILD.format(
        tests=str(Path(__file__).parent.parent),
        here=str(Path(__file__).parent),
        root=str(root),
        variants=variants,
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    seconds, worked, own, child, size, equal = done.stdout.split()
    return [
        f"{float(seconds):.1f} s",
        f"{float(worked):.1f} s",
        f"{float(own):.0f} MB",
        f"{float(child):.0f} MB",
        f"{float(size):.2f} MB",
        "yes" if equal == "True" else "**no**",
    ]


def opened(page: Any, path: Path) -> list[str]:
    """Open the page and sort; return how long each took, as cells."""
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    ready = page.evaluate("performance.now()")
    matrix = page.locator("table.matrix thead th").nth(3).element_handle()
    first = page.evaluate(SORT, matrix)
    page.wait_for_selector("html[data-drawn]", timeout=600_000)
    drawn = page.evaluate("performance.now()")
    variants = page.locator("table.variants thead th").nth(5).element_handle()
    second = page.evaluate(SORT, variants)
    return [f"{ready / 1000:.1f} s", f"{drawn / 1000:.1f} s", f"{first:.0f} ms", f"{second:.0f} ms"]


def main() -> None:
    """Print the table."""
    from playwright.sync_api import sync_playwright  # here: what builds the report imports this file

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", type=int, nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--items", type=int, default=1000, help="test items of a task")
    arguments = parser.parse_args()
    heads = ("variants, made up", "build", "of processors", "memory", "child", "page", "same bytes")
    heads += ("usable", "drawn", "sort, matrix", "sort, variants")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for variants in arguments.variants:
        with tempfile.TemporaryDirectory(prefix="assay-report-") as scratch, sync_playwright() as driver:
            root = Path(scratch)
            write(root, variants, arguments.items)
            cells = built(root, variants)
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_context(offline=True).new_page()
            cells += opened(page, root / "reports" / "index.html")
            browser.close()
        print(f"| {variants:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
