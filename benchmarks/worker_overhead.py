"""What starting up costs a job behind Snakemake: python benchmarks/worker_overhead.py

Tiny training jobs on 2 cores, in a folder of their own, three ways: each process imports torch and
Lightning for itself, through the fork server, and as a job that does nothing (Snakemake's own share).
Each way runs once with one job and once with more: the difference is what one more job costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLIENT = ROOT / "src" / "assay" / "pipeline" / "worker" / "client.py"

JOB = """
import sys
from pathlib import Path

import pytorch_lightning
import torch
from torch import nn


class Line(pytorch_lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def training_step(self, batch):
        return nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())


def main(argv):
    data = torch.utils.data.TensorDataset(torch.rand(64, 4), torch.zeros(64, dtype=torch.int64))
    trainer = pytorch_lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, barebones=True, enable_progress_bar=False
    )
    trainer.fit(Line(), torch.utils.data.DataLoader(data, batch_size=16))
    Path(argv[0]).write_text("done")
    return 0
"""

SNAKEFILE = """
from assay.pipeline.worker import launch

onstart:
    launch.start(list(launch.PRELOAD)) if {served} else None

rule all:
    input: expand("out/{{job}}", job=range({jobs}))

rule tiny:
    output: "out/{{job}}"
    log: "log/{{job}}"
    shell: "{command} > {{log}} 2>&1"
"""


@dataclass(frozen=True)
class Way:
    """One way to run a job, and how many are run to see what one costs."""

    name: str
    command: str
    served: bool
    jobs: int


def measure(way: Way, jobs: int) -> tuple[float, float]:
    """Return wall and processor seconds of one Snakemake run of so many jobs, its own start included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tiny_job.py").write_text(JOB)
        (folder / "Snakefile").write_text(SNAKEFILE.format(served=way.served, jobs=jobs, command=way.command))
        environment = os.environ | {"PYTHONPATH": name}
        environment.pop("ASSAY_WORKER", None)
        began, before = time.perf_counter(), os.times()
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all"]
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        wall, after = time.perf_counter() - began, os.times()
        if ended.returncode:
            raise RuntimeError(ended.stderr + "".join(log.read_text() for log in folder.glob("log/*")))
    user = after.children_user - before.children_user
    return wall, user + after.children_system - before.children_system


def main() -> None:
    """Print the table."""
    client = f"{sys.executable} -S -E {CLIENT} tiny_job {{output}}"
    ways = (
        Way("each process imports", client, served=False, jobs=6),
        Way("through the server", client, served=True, jobs=40),
        Way("nothing to do (touch)", "touch {output}", served=False, jobs=40),
    )
    print(f"2 cores, load {os.getloadavg()[0]:.1f} before; seconds, those for 40 scaled from the jobs run\n")
    print("| way | run of one job | jobs run | one more job | of it on a processor | run of 40 |")
    print("|---|---|---|---|---|---|")
    for way in ways:
        one, one_cpu = measure(way, 1)
        many, many_cpu = measure(way, way.jobs + 1)
        each, each_cpu = (many - one) / way.jobs, (many_cpu - one_cpu) / way.jobs
        print(
            f"| {way.name} | {one:.1f} | {way.jobs} | {each:.3f} | {each_cpu:.3f} | {one + 39 * each:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
