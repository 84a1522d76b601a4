"""What a run costs besides learning: wall time x cores, less the seconds inside training, compression, evaluation
and report. Runs a suite from scratch in a folder of its own, as a user would, and prints a table.

    python benchmarks/startup_tax.py [SUITE] [--cores N]

The target for the default suite: at most 15% of its wall time x cores, and at most 5 minutes of wall time.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PHASES = {"train": "artifacts/trained", "compress": "artifacts/compressed", "evaluate": "reports/cells"}


def run(folder: Path, suite: str, cores: int) -> float:
    """Run a suite in a copy of the project; return the seconds of wall time."""
    for name in ("Snakefile", "params.yaml", "src", "workflow", "profiles"):
        source = ROOT / name
        copied = shutil.copytree if source.is_dir() else shutil.copy2
        copied(source, folder / name)
    paths = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
    }
    mirror = os.environ.get("ASSAY_MIRROR", "")
    if mirror and "://" not in mirror:
        paths["ASSAY_MIRROR"] = str(Path(mirror).resolve())
    began = time.monotonic()
    command = ["snakemake", "--cores", str(cores), "--quiet", "all", "--config", f"suite={suite}"]
    subprocess.run(command, cwd=folder, env={**os.environ, **paths}, check=True)
    return time.monotonic() - began


def inside(folder: Path, place: str) -> tuple[int, float]:
    """Return how many jobs of a phase there were, and their seconds."""
    seconds = [json.loads(path.read_text())["seconds"] for path in (folder / place).rglob("measured.json")]
    return len(seconds), sum(seconds)


def report_seconds(folder: Path) -> float:
    """Return the seconds of the report's job, as Snakemake measured them."""
    with (folder / "logs" / "report.tsv").open() as lines:
        return float(next(csv.DictReader(lines, delimiter="\t"))["s"])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", nargs="?", default="default")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wall = run(folder, asked.suite, asked.cores)
        rows = {phase: inside(folder, place) for phase, place in PHASES.items()}
        rows["report"] = (1, report_seconds(folder))
    total = wall * asked.cores
    tax = total - sum(seconds for _, seconds in rows.values())
    print(f"suite {asked.suite}, {asked.cores} cores: wall time {wall:.1f} s")
    print(f"{'phase':10} {'jobs':>5} {'seconds':>9} {'share':>7}")
    for phase, (jobs, seconds) in rows.items():
        print(f"{phase:10} {jobs:5} {seconds:9.1f} {seconds / total:7.1%}")
    print(f"{'tax':10} {'':5} {tax:9.1f} {tax / total:7.1%}")


if __name__ == "__main__":
    main()
