"""Training throughput: Assay beside a plain PyTorch loop and Keras 3 on TensorFlow, one core each.

    python benchmarks/training_throughput.py [--rounds 9] [--without-keras]

Prints items per second: the median over rounds in which the contenders take turns, and the median of each
round's ratio to the plain loop. Assay's time holds all that a cell pays (Trainer, validation on 100 items,
best weights). TensorFlow is installed once into benchmarks/.venv-keras. The images are MNIST if ASSAY_MIRROR
names a folder that holds it, else random.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import plain_torch
import torch

from assay.config.training import TrainerParams, TrainingParams
from assay.data.preparation.idx import read_idx
from assay.data.splits import Split, first_items
from assay.tasks import image_classification
from assay.training import supervised

HERE = Path(__file__).parent
PLAIN = "plain PyTorch"
KERAS = ("tensorflow-cpu==2.21.0", "keras==3.15.1")
CASES = (("mlp", 32, 32_000), ("cnn", 32, 3_840), ("cnn", 128, 3_840))
"""Net, batch size, items a round."""
Timing = tuple[float, float]
"""Seconds: wall, processor."""


def images() -> Split:
    """Return 60,000 images (N, 1, 28, 28) with their labels."""
    folder = Path(os.environ.get("ASSAY_MIRROR", "")) / "mnist"
    if not folder.is_dir():
        generator = torch.Generator().manual_seed(0)
        labels = torch.randint(0, 10, (60_000,), generator=generator)
        return Split(torch.randn(60_000, 1, 28, 28, generator=generator), labels, np.arange(60_000))
    pixels = torch.from_numpy(read_idx(folder / "train-images-idx3-ubyte.gz", dimensions=3).copy())
    labels = torch.from_numpy(read_idx(folder / "train-labels-idx1-ubyte.gz", dimensions=1).copy())
    return Split(
        pixels[:, None].float().div(255).sub(0.1307).div(0.3081), labels.long(), np.arange(len(labels))
    )


def assay(data: Split, name: str, batch_size: int, items: int, precision: str) -> Timing:
    params = TrainingParams(
        optimizer="adam",
        learning_rate=0.001,
        momentum=0.0,
        weight_decay=0.0,
        schedule="constant",
        warmup=0.0,
        batch_size=batch_size,
        epochs=1,
        max_steps=0,
        label_smoothing=0.0,
        gradient_clip=0.0,
        augment=False,
        patience=0,
    )
    trainer = TrainerParams.model_validate(
        {"accelerator": "cpu", "devices": 1, "num_nodes": 1, "strategy": "auto", "precision": precision}
    )
    model = plain_torch.make(name)
    with tempfile.TemporaryDirectory() as folder:
        return timed(
            lambda: supervised.train(
                model,
                image_classification.TASK,
                first_items(data, items),
                first_items(data, 100),
                params=params,
                trainer=trainer,
                seed=0,
                threads=1,
                augment=None,
                folder=Path(folder),
            )
        )


def timed(work: Callable[[], object]) -> Timing:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


class Other:
    """A contender in a process of its own: its script answers a line, NET BATCH_SIZE ITEMS, with its seconds."""

    def __init__(self, python: Path, script: str, data: Path, core: int) -> None:
        command = [str(python), str(HERE / script), str(data), str(core)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, name: str, batch_size: int, items: int) -> Timing:
        assert self.process.stdin
        assert self.process.stdout
        print(name, batch_size, items, file=self.process.stdin, flush=True)
        wall, processor = self.process.stdout.readline().split()
        return float(wall), float(processor)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def keras_python() -> Path:
    """Return the Python that has TensorFlow; install it at the first call."""
    folder = HERE / ".venv-keras"
    installed = folder / "installed"
    if not installed.exists() or installed.read_text() != " ".join(KERAS):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        (folder / ".gitignore").write_text("*\n")
        subprocess.run([str(folder / "bin/pip"), "install", "--quiet", *KERAS], check=True)
        installed.write_text(" ".join(KERAS))
    return folder / "bin/python"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--without-keras", action="store_true")
    arguments = parser.parse_args()
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    data = images()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.npz"
        np.savez(file, images=data.inputs.numpy(), labels=data.targets.numpy())
        others = {PLAIN: Other(Path(sys.executable), "plain_torch.py", file, core)}
        if not arguments.without_keras:
            others["Keras on TensorFlow"] = Other(keras_python(), "keras_reference.py", file, core)
        compare(data, others, arguments.rounds)
        for other in others.values():
            other.close()


def compare(data: Split, others: dict[str, Other], num_rounds: int) -> None:
    """Print one line a net, batch size and contender."""
    speeds = f"{'items/s':>9} {'to plain':>9} {'items/cpu-s':>12} {'to plain':>9}"
    print(f"{'net':4} {'batch':>5}  {'contender':20} {speeds}", flush=True)
    for case in CASES:
        contenders: dict[str, Callable[[], Timing]] = {
            "assay, 32-true": partial(assay, data, *case, "32-true"),
            "assay, bf16-mixed": partial(assay, data, *case, "bf16-mixed"),
            **{label: partial(other, *case) for label, other in others.items()},
        }
        for run in contenders.values():
            run()  # warm-up
        rounds = [{label: run() for label, run in contenders.items()} for _ in range(num_rounds)]
        for label in contenders:
            print(f"{case[0]:4} {case[1]:5}  {label:20} {_figures(rounds, label, case[2])}", flush=True)


def _figures(rounds: list[dict[str, Timing]], label: str, items: int) -> str:
    texts = []
    for clock, width in ((0, 9), (1, 12)):
        speed = statistics.median(items / timings[label][clock] for timings in rounds)
        ratio = statistics.median(timings[PLAIN][clock] / timings[label][clock] for timings in rounds)
        texts.append(f"{speed:{width},.0f} {ratio:9.2f}")
    return " ".join(texts)


if __name__ == "__main__":
    main()
