# SPDX-License-Identifier: Apache-2.0
"""The network as a graph in full precision, run by onnxruntime: the base of deployment, and of the other graphs.

Source: the ONNX standard, https://onnx.ai/onnx/. It answers as the network did, but for the order of sums. A
network that writes word by word becomes two graphs (:mod:`assay.artifacts.onnx.step_export`).
"""

from __future__ import annotations

from assay.artifacts.onnx.step_export import parts_of, stored
from assay.artifacts.store import count_parameters
from assay.compression.context import CompressedModel, CompressionContext, Method


def compress(subject: CompressionContext) -> CompressedModel:
    """Return the network as a graph, or as the two of its steps."""
    parts = parts_of(subject.model, subject.examples)
    form, graphs = stored({part.name: part.graph for part in parts})
    return CompressedModel(form, graphs, count_parameters(subject.model))


METHOD = Method(compress, loops=("supervised",), final=True)
