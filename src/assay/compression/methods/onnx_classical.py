# SPDX-License-Identifier: Apache-2.0
"""A classical model as a graph that onnxruntime runs: predictions need neither scikit-learn nor Assay.

Source: the ONNX standard with its operators for classical models, https://onnx.ai/onnx/operators/#ai-onnx-ml;
:mod:`assay.artifacts.onnx.classical` writes the graphs, in float32.
"""

from __future__ import annotations

from torch import nn

from assay.artifacts.onnx import classical
from assay.compression.context import CompressedModel, CompressionContext, Method
from assay.compression.methods import onnx as networks
from assay.provenance.records import Skip


def compress(context: CompressionContext) -> CompressedModel:
    """Return the estimator as a graph; a network with this training loop is exported like any other network.

    Raises:
        Skip: ONNX has no operators for such an estimator.
    """
    model = context.model
    if isinstance(model, nn.Module):
        return networks.compress(context)
    try:
        graph = classical.export(model, context.examples[:1].numpy())
    except classical.NoGraphError as error:
        raise Skip(str(error)) from None
    return CompressedModel("onnx", graph, int(model.parameters()))


METHOD = Method(compress, loops=("estimator",), final=True, full_precision=True)
