"""How much faster an LSTM is with weights of 8 bits, by its size and by how weights are scaled.

    python benchmarks/int8_lstm.py

Prints a table: sequences of 28 steps of 28 numbers, on one thread, onnxruntime on both sides, medians of ratios of
calls by turns. Speed does not depend on the weights, so they are drawn.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from assay.artifacts.onnx.export import export, quiet, tidy
from assay.artifacts.onnx_session import OnnxPredictor
from assay.compression.methods.int8_dynamic import OPERATORS
from assay.evaluation import latency
from assay.models.image.lstm import LSTM

SIZES = ((64, 1), (128, 1), (128, 2), (256, 1), (512, 1))
"""Units and layers."""
RECORD = {"format": "onnx", "parameters": 0, "arguments": {}}


def predictors(hidden: int, layers: int) -> list[OnnxPredictor]:
    """Return a network in full precision, with a scale a matrix, and with a scale a channel."""
    torch.manual_seed(0)
    network = LSTM(shape=(1, 28, 28), num_classes=10, hidden=hidden, layers=layers, dropout=0.0)
    graphs = [export(network, torch.zeros(1, 1, 28, 28)) for _ in range(3)]
    for number, per_channel in ((1, False), (2, True)):
        with tempfile.TemporaryDirectory() as folder, quiet():
            path = Path(folder) / "integers.onnx"
            quantize_dynamic(
                graphs[number],
                path,
                op_types_to_quantize=OPERATORS,
                per_channel=per_channel,
                weight_type=QuantType.QInt8,
            )
            graphs[number] = tidy(onnx.load(path))
    return [OnnxPredictor(graph.SerializeToString(), RECORD) for graph in graphs]


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    images = np.random.default_rng(0).normal(size=(64, 1, 28, 28)).astype(np.float32)
    print("| units | layers | batch | full precision, us | a scale a matrix | a scale a channel |")
    print("|---|---|---|---|---|---|")
    for (hidden, layers), size in itertools.product(SIZES, latency.SIZES):
        with latency.threads(1):
            full, *integers = latency.by_turns(predictors(hidden, layers), latency.batches(images, size))
        ratios = " | ".join(f"{np.median(full / each):.2f}" for each in integers)
        print(f"| {hidden} | {layers} | {size} | {1e6 * np.median(full):.0f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
