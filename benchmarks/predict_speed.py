# SPDX-License-Identifier: Apache-2.0
"""How long `assay predict` takes: one item in a new process, and a stream of 10,000, beside onnxruntime alone.

In a project that has run: python benchmarks/predict_speed.py IMAGE_VARIANT TEXT_VARIANT, such as mnist/cnn/0
movie_reviews/text_cnn/0. "onnxruntime" is a new process that imports NumPy and onnxruntime and runs the same graph, on
one thread and 256 items at a time, over inputs that are ready in a file. On a machine with other work, compare the
times of the processor.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from assay.config import registry
from assay.evaluation import predict
from assay.evaluation.inputs.parsing.items import Item
from assay.pipeline.rule_functions import matrix_or_exit

ITEMS, TIMES = 10_000, 3
RAW = """
import sys, numpy as np, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
inputs = np.load(sys.argv[2])
for start in range(0, len(inputs), 256):
    session.run(None, {"inputs": inputs[start : start + 256]})
"""


def seconds(command: list[str]) -> tuple[float, float]:
    """Return the median time of a command and of its processor, after one run that fills the disk's cache."""
    taken = []
    for _ in range(TIMES + 1):
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        taken.append((time.perf_counter() - start, busy))
    whole, busy = (statistics.median(times) for times in zip(*taken[1:], strict=True))
    return whole, busy


def measure(variant: str, folder: Path) -> None:
    """Print the times of a variant."""
    model = predict.load(predict.choose(variant, None, lambda: matrix_or_exit({})), print)
    assert model.graph is not None
    graph, inputs = folder / "model.onnx", folder / "inputs.npy"
    graph.write_bytes(model.graph)
    items = pd.read_parquet(model.prepared.folder / "items.parquet")
    one, many = folder / "one", folder / "many"
    if model.reader.takes_text:
        texts = [" ".join(text.split()) for text in items["text"]]
        values = [texts[number % len(texts)] for number in range(ITEMS)]
        one, many = one.with_suffix(".txt"), many.with_suffix(".txt")
        one.write_text(values[0] + "\n", encoding="utf-8")
        many.write_text("".join(f"{text}\n" for text in values), encoding="utf-8")
    else:
        shape = tuple(model.prepared.facts["shape"])
        pixels = np.random.default_rng(0).integers(0, 256, (ITEMS, *shape), dtype=np.uint8)
        values = [*pixels]
        one, many = one.with_suffix(".png"), many.with_suffix(".npy")
        Image.fromarray(pixels[0].transpose(1, 2, 0).squeeze()).save(one)
        np.save(many, np.rint(pixels / 255 * model.prepared.declared["levels"]).astype(np.uint8))
    ready = model.reader.inputs([Item("", 1, value) for value in values])
    command = [sys.executable, "-m", "assay.cli", "predict", variant]
    for name, count, file in (("one item", 1, one), (f"{ITEMS:,} items", ITEMS, many)):
        np.save(inputs, ready[:count])
        ours = seconds([*command, str(file)])
        raw = seconds([sys.executable, "-c", RAW, str(graph), str(inputs)])
        times = " | ".join(f"{each:.2f}" for each in (*ours, *raw, ours[1] / raw[1]))
        print(f"| {variant} | {name} | {times} |", flush=True)


def main() -> None:
    """Print a table."""
    assert registry.INPUTS  # found before the first measurement
    print(
        "| variant | items | assay predict, s | processor, s | onnxruntime, s | processor, s | ratio of these |"
    )
    print("|---|---|---|---|---|---|---|")
    for variant in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            measure(variant, Path(folder))


if __name__ == "__main__":
    main()
