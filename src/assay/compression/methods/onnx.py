# SPDX-License-Identifier: Apache-2.0
"""The network as an ONNX graph in full precision, run by onnxruntime: the baseline of the quantised graphs.

Source: the ONNX standard, https://onnx.ai/onnx/. Its outputs equal the network's except for the order of sums. A
network that generates token by token becomes two graphs (:mod:`assay.artifacts.onnx.step_export`).
"""

from __future__ import annotations

from assay.artifacts.onnx.step_export import parts_of, stored
from assay.artifacts.store import count_parameters
from assay.compression.context import CompressedModel, CompressionContext, Method


def compress(context: CompressionContext) -> CompressedModel:
    """Return the network as one graph, or as two if it generates token by token."""
    parts = parts_of(context.model, context.examples)
    form, graphs = stored({part.name: part.graph for part in parts})
    return CompressedModel(form, graphs, count_parameters(context.model))


METHOD = Method(compress, loops=("supervised",), final=True, full_precision=True)
