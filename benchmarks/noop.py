"""What it costs to find out that nothing is to be done: python benchmarks/noop.py --cells 100 1000 10000

For each number of cells a folder of its own gets the workflow, a generated params.yaml and fake outputs that
Snakemake takes for its own (--touch), and beside it a bare Snakefile with as many jobs of the same shape: one
rule that trains, one that evaluates, no params and no code. Then both engines are asked what is to be done.
Prints seconds and the largest resident memory of one process, medians of --rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PARTS = ("Snakefile", "src", "workflow", "profiles", "dvc.yaml", "params.yaml", ".dvc")
SEEDS = 50
REPORT = (
    "index.html", "results.csv", "costs.csv", "results.md", "metrics.json", "verdict.json", "tables/x.csv",
    "figures/x.svg",
)  # fmt: skip
BARE = """
JOBS = range({cells})

rule all:
    input: expand("evaluated/{{job}}/status.json", job=JOBS)

rule train:
    input: "prepared.json"
    output: status="trained/{{job}}/status.json", measured="trained/{{job}}/measured.json"
    shell: "true"

rule evaluate:
    input: prepared="prepared.json", artifact=rules.train.output.status
    output: status="evaluated/{{job}}/status.json", measured="evaluated/{{job}}/measured.json"
    shell: "true"
"""


@dataclass(frozen=True)
class Cost:
    """Of one command."""

    seconds: float
    megabytes: float


def run(folder: Path, *command: str) -> None:
    """Run a command of the environment in ``folder``."""
    subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]], **_ways(folder), check=True)


def _ways(folder: Path) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    return {"cwd": folder, "env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def measure(folder: Path, rounds: int, *command: str) -> Cost:
    """Return the medians of what a command costs."""
    costs = []
    for _ in range(rounds):
        began = time.monotonic()
        process = subprocess.Popen(
            [Path(sys.executable).with_name(command[0]), *command[1:]], **_ways(folder)
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(
                f"{' '.join(command)}: ended with {os.waitstatus_to_exitcode(status)} in {folder}"
            )
        costs.append(Cost(time.monotonic() - began, _megabytes(usage)))
    return Cost(
        *(statistics.median(getattr(cost, name) for cost in costs) for name in ("seconds", "megabytes"))
    )


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss * 1024 / 1e6  # Linux counts KiB


def make_assay(folder: Path, cells: int) -> None:
    """Make a project of so many cells that has run, as far as both engines can tell."""
    for name in PARTS:
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "tmp", "cache")
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    rows = max(1, cells // SEEDS)
    params["models"] = {f"mlp{row}": params["models"]["mlp"] for row in range(rows)}
    params["models"]["majority"] = {"model": "majority"}
    seeds = list(range(min(cells, SEEDS)))
    params["suite"], params["suites"] = (
        "noop",
        {"noop": {"tasks": ["digits"], "twins": True, "seeds": seeds, "methods": []}},
    )
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for path in _outputs(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"files": {}, "status": "ok"}\n')
    run(folder, "assay", "sweep")
    run(folder, "snakemake", "--touch", "--forceall", "--cores", "1")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    run(folder, "dvc", "commit", "--force")


def _outputs(folder: Path) -> Iterator[Path]:
    listed = subprocess.run(
        [Path(sys.executable).with_name("snakemake"), "--summary"],
        **_ways(folder) | {"stdout": subprocess.PIPE},
        check=True,
        text=True,
    ).stdout
    names = [line.partition("\t")[0] for line in listed.splitlines()[1:]]
    yield from (folder / name for name in names if Path(name).suffix)
    yield from (folder / "reports" / name for name in REPORT)
    yield folder / "reports/validation/digits_twin/index.html"


def make_bare(folder: Path, cells: int) -> None:
    """Make the bare Snakefile's folder."""
    (folder / "Snakefile").write_text(BARE.format(cells=cells))
    (folder / "prepared.json").write_text("{}\n")
    for phase in ("trained", "evaluated"):
        for job in range(cells):
            for name in ("status.json", "measured.json"):
                path = folder / phase / str(job) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("{}\n")
    run(folder, "snakemake", "--touch", "--forceall", "--cores", "1")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("| cells | snakemake -n | bare | ratio | memory | bare | ratio | dvc status |")
    print("|---|---|---|---|---|---|---|---|")
    for cells in arguments.cells:
        with tempfile.TemporaryDirectory(prefix="assay-noop-") as scratch:
            assay, bare = Path(scratch, "assay"), Path(scratch, "bare")
            for folder, make in ((assay, make_assay), (bare, make_bare)):
                folder.mkdir()
                make(folder, cells)
            ours = measure(assay, arguments.rounds, "snakemake", "-n", "--quiet", "all")
            theirs = measure(bare, arguments.rounds, "snakemake", "-n", "--quiet", "all")
            status = measure(assay, arguments.rounds, "dvc", "status", "--quiet")
        print(
            f"| {cells:,} | {ours.seconds:.1f} s | {theirs.seconds:.1f} s | {ours.seconds / theirs.seconds:.2f}"
            f" | {ours.megabytes:.0f} MB | {theirs.megabytes:.0f} MB | {ours.megabytes / theirs.megabytes:.2f}"
            f" | {status.seconds:.1f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
