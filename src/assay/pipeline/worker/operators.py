# SPDX-License-Identifier: Apache-2.0
"""PyTorch's table of ONNX operators, read once for all exports of a run; reading it takes 0.8 s."""

from __future__ import annotations

import functools
import logging

from torch.onnx._constants import ONNX_DEFAULT_OPSET
from torch.onnx._internal.exporter._registration import ONNXRegistry

logging.disable(logging.WARNING)  # a warning that torchvision is missing
# The ignore: a method is replaced. Its only argument determines the table, which an export does not change.
ONNXRegistry.from_torchlib = staticmethod(functools.cache(ONNXRegistry.from_torchlib))  # type: ignore[method-assign]
ONNXRegistry.from_torchlib(opset_version=ONNX_DEFAULT_OPSET)
logging.disable(logging.NOTSET)
