# SPDX-License-Identifier: Apache-2.0
"""Quantisation-aware fine-tuning: the network is trained further with rounded numbers, then becomes an integer graph.

Source: :mod:`assay.compression.support.fake_quantise` for the training, :mod:`assay.compression.methods.int8_static`
for the graph, whose ranges are measured as in training.
"""

from __future__ import annotations

import copy
from typing import Annotated

from pydantic import Field

from assay.compression.context import CompressedModel, CompressionContext, Method
from assay.compression.methods.int8_static import LAYERS, quantise
from assay.compression.support.fake_quantise import rounded
from assay.compression.support.integers import LEAST_SHARE, integer_graph, share_of
from assay.provenance.records import Skip


def compress(
    context: CompressionContext,
    *,
    calibration_items: Annotated[int, Field(ge=1)],
    fine_tune: Annotated[float, Field(gt=0, le=1)],
    rate: Annotated[float, Field(gt=0, le=1)],
) -> CompressedModel:
    """Return the network, trained further in 8 bits, as an integer graph.

    Args:
        calibration_items: training items on which activations are measured; all if there are fewer.
        fine_tune: share of the cell's training steps.
        rate: highest learning rate of that training, as a share of the cell's.

    Raises:
        Skip: less than half of the weights are in layers that training can round.
    """
    possible = share_of(context.model, LAYERS)
    if possible < LEAST_SHARE:
        name = type(context.model).__name__
        raise Skip(f"training can round only {possible:.0%} of {name}'s weights: no recurrent ones")
    calibration = context.splits["train"].inputs[:calibration_items]
    network = copy.deepcopy(context.model)
    with rounded(network, calibration):
        context.fine_tune(network, share=fine_tune, rate=rate)
    return integer_graph(
        network, context.examples, LAYERS, lambda part, path: quantise(part, path, calibration.numpy())
    )


METHOD = Method(compress, loops=("supervised",), final=True)
