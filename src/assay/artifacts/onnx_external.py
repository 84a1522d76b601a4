# SPDX-License-Identifier: Apache-2.0
"""Refuse ONNX graphs with weights in other files: such a graph could read any file of the project.

A tensor can name a file wherever tensors occur: in a graph or a nested one, an attribute, a function, a
sparse tensor. onnxruntime interprets some names as memory addresses.
"""

from __future__ import annotations

from collections.abc import Iterator

LOCATION = b"location"
"""The key under which a tensor names its file: bytes without it need not be parsed."""


def require_own_weights(name: str, data: bytes) -> None:
    """Check that a graph names no other file.

    Args:
        name: the name of the graph's file, for the error.

    Raises:
        ValueError: it does, or it is not an ONNX graph; one line.
    """
    if LOCATION not in data:
        return
    import onnx  # takes 0.3 s, which most graphs do not need

    # The ignore: protobuf ships no types.
    from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]

    def tensors(message: Message) -> Iterator[onnx.TensorProto]:
        for field, value in message.ListFields():
            if field.message_type is not None:
                for part in [value] if isinstance(value, Message) else value:
                    if isinstance(part, onnx.TensorProto):
                        yield part
                    else:
                        yield from tensors(part)

    try:
        model = onnx.load_from_string(data)
    except DecodeError:
        raise ValueError(f"{name}: not an ONNX graph") from None
    for tensor in tensors(model):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            places = [entry.value for entry in tensor.external_data if entry.key == LOCATION.decode()]
            raise ValueError(
                f"{name}: weight {tensor.name[:80]!r} is in another file, {', '.join(places)[:80]!r};"
                " a graph must contain its weights"
            )
