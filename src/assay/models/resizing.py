# SPDX-License-Identifier: Apache-2.0
"""Resize the layers of a network to the shapes of its weights, which compression has changed."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

FACTORS = ("0.weight", "1.weight")


class Factored(nn.Sequential):
    """A Linear layer as the product of two thinner ones."""

    def __init__(self, inputs: int, rank: int, outputs: int, *, bias: bool) -> None:
        super().__init__(nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs, bias=bias))


def fit(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give each layer of ``module``, in place, the sizes that its weights have in ``state``.

    Linear layers with weights as two factors become :class:`Factored`. ``load_state_dict`` later refuses names
    that do not fit.

    Raises:
        ValueError: a layer's shapes do not fit each other, or one is larger than the class gives it.
    """
    for name, layer in list(module.named_modules()):
        prefix = f"{name}." if name else ""
        old = {key: value for key, value in layer.state_dict().items() if "." not in key}
        own = {key: state[prefix + key] for key in old if prefix + key in state}
        first, second = (state.get(prefix + key) for key in FACTORS)
        if isinstance(layer, nn.Linear) and first is not None and second is not None:
            bias = prefix + "1.bias" in state
            module.set_submodule(name, Factored(first.shape[1], first.shape[0], second.shape[0], bias=bias))
        elif any(value.shape != old[key].shape for key, value in own.items()):
            for key, value in own.items():
                if value.ndim != old[key].ndim or any(
                    new > size for new, size in zip(value.shape, old[key].shape, strict=True)
                ):
                    found, most = tuple(value.shape), tuple(old[key].shape)
                    raise ValueError(f"{prefix}{key}: shape {found}; its class allows at most {most}")
            try:
                resize(layer, {**old, **own})
            except ValueError as error:
                raise ValueError(f"{prefix}{error}") from None


def resize(layer: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Give one layer, in place, new weights (all of them, named as in its state) and the sizes that follow from them.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    for key, value in values.items():
        old = getattr(layer, key)
        new = value.detach().to(old.dtype, copy=True)
        setattr(layer, key, nn.Parameter(new, old.requires_grad) if isinstance(old, nn.Parameter) else new)
    take_sizes(layer)
    for key, expected in shapes(layer).items():
        if tuple(values[key].shape) != expected:
            raise ValueError(
                f"{key}: shape {tuple(values[key].shape)}; with the other weights of its layer {expected} is needed"
            )


def take_sizes(layer: nn.Module) -> None:
    """Set the size attributes of a layer, in place, to those of its weights; a layer without any is unchanged."""
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, nn.Conv1d | nn.Conv2d):
        layer.out_channels, layer.in_channels = layer.weight.shape[0], layer.weight.shape[1] * layer.groups
    elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        layer.num_features = len(layer.weight)
    elif isinstance(layer, nn.Embedding):
        layer.num_embeddings, layer.embedding_dim = layer.weight.shape
    elif isinstance(layer, nn.RNNBase):
        layer.input_size, layer.hidden_size = (
            layer.get_parameter(f"weight_{kind}_l0").shape[1] for kind in ("ih", "hh")
        )


def shapes(layer: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shapes that a layer's weights must have by its size attributes; empty for other layers."""
    if isinstance(layer, nn.RNNBase):
        return recurrent_shapes(layer)
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return {key: (layer.num_features,) for key, value in layer.state_dict().items() if value.ndim}
    expected: dict[str, tuple[int, ...]] = {}
    if isinstance(layer, nn.Linear):
        expected = {"weight": (layer.out_features, layer.in_features), "bias": (layer.out_features,)}
    elif isinstance(layer, nn.Conv1d | nn.Conv2d):
        inputs = layer.in_channels // layer.groups
        expected = {
            "weight": (layer.out_channels, inputs, *layer.kernel_size),
            "bias": (layer.out_channels,),
        }
    return {key: shape for key, shape in expected.items() if getattr(layer, key) is not None}


def recurrent_shapes(layers: nn.RNNBase) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all weights of recurrent layers without projection."""
    gates = {"LSTM": 4, "GRU": 3}.get(layers.mode, 1) * layers.hidden_size
    directions = 2 if layers.bidirectional else 1
    expected: dict[str, tuple[int, ...]] = {}
    for number in range(layers.num_layers):
        inputs = layers.hidden_size * directions if number else layers.input_size
        for suffix in (f"_l{number}", f"_l{number}_reverse")[:directions]:
            expected[f"weight_ih{suffix}"] = (gates, inputs)
            expected[f"weight_hh{suffix}"] = (gates, layers.hidden_size)
            if layers.bias:
                expected[f"bias_ih{suffix}"] = expected[f"bias_hh{suffix}"] = (gates,)
    return expected
