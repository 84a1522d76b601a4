# SPDX-License-Identifier: Apache-2.0
"""A model loaded from disk as one ONNX graph, whatever its format, if it is a fixed function of its inputs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from assay.artifacts.onnx import classical
from assay.artifacts.onnx.classical import NoGraphError
from assay.artifacts.onnx.export import export
from assay.artifacts.onnx_session import OnnxPredictor
from assay.artifacts.predictors import Predictor
from assay.models.capabilities import Steps

TRACED = 8
"""The number of items by which a network is traced."""
TOLERANCE = 1e-3
"""The largest difference, absolute and relative, between a model's outputs and its graph's: the order of sums differs,
and estimators compute in float64."""


def graph_of(predictor: Predictor, examples: NDArray[Any]) -> bytes:
    """Return a model as the bytes of a graph with one input, ``inputs``, and one output, ``logits``.

    Args:
        predictor: a network or an estimator.
        examples: (N, ...) inputs, on which the outputs of the graph must equal those of the model.

    Raises:
        NoGraphError: the model has no such graph; the message is the reason.
    """
    model = predictor.model
    if isinstance(model, Steps):
        raise NoGraphError(f"{type(model).__name__} generates word by word")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if isinstance(model, nn.Module):
                graph = export(model, torch.from_numpy(examples[:TRACED]))
            else:
                graph = classical.export(model, examples)
        data: bytes = graph.SerializeToString(deterministic=True)
        found = OnnxPredictor(data, _record(predictor)).outputs(examples)
    except NoGraphError:
        raise
    except Exception as error:  # the exporter's errors have no common base class
        raise NoGraphError(f"{type(model).__name__}: {' '.join(str(error).split())[:200]}") from None
    expected = predictor.outputs(examples)
    if found.shape != expected.shape or not np.allclose(found, expected, TOLERANCE, TOLERANCE):
        raise NoGraphError(f"{type(model).__name__}: the outputs of its graph differ")
    return data


def _record(predictor: Predictor) -> dict[str, Any]:
    return {"format": "onnx", "parameters": predictor.parameters, "arguments": predictor.arguments}
