"""What it costs to find out that nothing is to be done: python benchmarks/noop.py --cells 100 1000 10000

For each number of cells a folder of its own gets the workflow, a generated params.yaml and fake outputs that
Snakemake takes for its own (--touch), and beside it a bare Snakefile with as many jobs of the same shape: one
rule that trains, one that evaluates, no params and no code; and the same with one param a job, for which Snakemake
imports pandas. Then both engines are asked what is to be done, by turns. Prints seconds of a processor, which a busy
machine does not lengthen, and the largest resident memory of one process, medians of --rounds, and ours as a multiple
of each of the two.
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
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PARTS = (
    "Snakefile",
    "src",
    "workflow",
    "profiles",
    "data/expectations",
    "data/own",
    "dvc.yaml",
    "params.yaml",
    "docs/tuning.csv",
    ".dvc",
    ".dvcignore",
)
SEEDS = 50
REPORT = (
    "index.html", "results.csv", "costs.csv", "results.md", "metrics.json", "verdict.json", "tables/x.csv",
    "figures/x.svg",
    "cards/x.md",
)  # fmt: skip
TOUCH = """
import sys
from snakemake.cli import main
from snakemake.executors.touch import Executor
Executor.SLEEPING_TIME = 0  # it waits 0.1 s a job otherwise
sys.exit(main(["--touch", "--forceall", "--cores", "100000"]))  # in few rounds: each looks at every job
"""
LEAVE = """
import json
from pathlib import Path
from assay import paths
from assay.provenance import records
from assay.pipeline import trust
from assay.files import sha256
from assay.pipeline.rule_functions import Graph, matrix_or_exit
ARTIFACT = {"format": "skops", "target": "a:B", "arguments": {}, "parameters": 3}
FACTS = {
    "twin": True, "counts": {}, "artifact": ARTIFACT, "data": {}, "train_items": None, "cell": {},
    "best_epoch": 1, "epochs": 1, "trials": [],
}
MEASURED = {
    "seconds": 1.0, "peak_memory_bytes": 1, "host": {}, "python": "3.11", "versions": {}, "finished": "",
    "commit": None, "dirty": None,
}
graph = Graph(matrix_or_exit({}))
for job in [*graph.jobs, graph.report_job]:
    path = Path(job.record)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.parent / f"{path.stem}.bin"
    file.write_text(job.name)
    digest = sha256(file)
    files = {file.name: {"url": None, "size": 1, "sha256": digest} if job.phase == "ingest" else digest}
    ended = {"phase": job.phase, "status": "ok", "reason": "", "traceback": "", "code": job.request["code"]}
    made_from = [sha256(Path(name)) for name in job.made_from]
    spec = json.loads(job.request.get("spec", "{}"))
    facts = FACTS | {"dataset": job.name} | ({"data": ""} if job.phase == "validate" else {})
    records.write(path, {**facts, **ended, "made_from": made_from, "spec": spec, "files": files})
    if job.phase in trust.COMPUTED:
        records.write(path.with_name(paths.MEASURED), {**MEASURED, "record": sha256(path)})
    if "docs" in job.request:
        Path(job.request["docs"]).mkdir(parents=True, exist_ok=True)
        Path(job.request["docs"], "index.html").touch()
records.write(paths.VERDICT, {})
"""
"""Leaves records that are what they say, each with one small file."""
PARAM = 'params: knob="{job}"'
BARE = """
JOBS = range({cells})

rule all:
    input: expand("evaluated/{{job}}/status.json", job=JOBS)

rule train:
    input: "prepared.json"
    output: status="trained/{{job}}/status.json", measured="trained/{{job}}/measured.json"
    {param}
    shell: "true"

rule evaluate:
    input: prepared="prepared.json", artifact=rules.train.output.status
    output: status="evaluated/{{job}}/status.json", measured="evaluated/{{job}}/measured.json"
    {param}
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


def measure(rounds: int, commands: Mapping[Path, tuple[str, ...]]) -> list[Cost]:
    """Return the medians of what a command costs in each folder; they are run by turns."""
    costs: dict[Path, list[Cost]] = {folder: [] for folder in commands}
    for _ in range(rounds):
        for folder, command in commands.items():
            costs[folder].append(_once(folder, command))
    return [
        Cost(*(statistics.median(getattr(cost, name) for cost in each) for name in ("seconds", "megabytes")))
        for each in costs.values()
    ]


def _once(folder: Path, command: tuple[str, ...]) -> Cost:
    process = subprocess.Popen([Path(sys.executable).with_name(command[0]), *command[1:]], **_ways(folder))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: ended with {os.waitstatus_to_exitcode(status)} in {folder}")
    return Cost(usage.ru_utime + usage.ru_stime, _megabytes(usage))


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
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    rows = max(1, cells // SEEDS)
    params["models"] = {f"mlp{row}": {**params["models"]["mlp"], "model": "mlp"} for row in range(rows)}
    params["models"]["majority"] = {}
    seeds = list(range(min(cells, SEEDS)))
    params["suite"], params["suites"] = (
        "noop",
        {"noop": {"tasks": ["digits"], "synthetic_twins": True, "seeds": seeds, "methods": []}},
    )
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for path in _outputs(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
    run(folder, "python", "-c", LEAVE)
    run(folder, "assay", "sweep")
    run(folder, "python", "-c", TOUCH)
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


def make_bare(folder: Path, cells: int, param: str = "") -> None:
    """Make the bare Snakefile's folder."""
    (folder / "Snakefile").write_text(BARE.format(cells=cells, param=param))
    (folder / "prepared.json").write_text("{}\n")
    for phase in ("trained", "evaluated"):
        for job in range(cells):
            for name in ("status.json", "measured.json"):
                path = folder / phase / str(job) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("{}\n")
    run(folder, "python", "-c", TOUCH)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("| cells | snakemake -n | bare | ratio | memory | with a param | ratio | memory | dvc status |")
    print("|---|---|---|---|---|---|---|---|---|")
    for cells in arguments.cells:
        with tempfile.TemporaryDirectory(prefix="assay-noop-") as scratch:
            folders = [Path(scratch, name) for name in ("assay", "bare", "param")]
            for folder in folders:
                folder.mkdir()
            make_assay(folders[0], cells)
            make_bare(folders[1], cells)
            make_bare(folders[2], cells, PARAM)
            asked = ("snakemake", "-n", "--quiet", "all")
            ours, *others = measure(arguments.rounds, dict.fromkeys(folders, asked))
            [status] = measure(arguments.rounds, {folders[0]: ("dvc", "status", "--quiet")})
        columns = [f"{cells:,}", f"{ours.seconds:.1f} s, {ours.megabytes:.0f} MB"]
        for other in others:
            columns += [f"{other.seconds:.1f} s, {other.megabytes:.0f} MB"]
            columns += [f"{mine / its:.2f}" for mine, its in zip(astuple(ours), astuple(other), strict=True)]
        print(f"| {' | '.join(columns)} | {status.seconds:.1f} s, {status.megabytes:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
