# SPDX-License-Identifier: Apache-2.0
"""Two graphs of one network in one file: a zip of ``start.onnx`` and ``step.onnx``, with shared weights stored once.

The members are stored uncompressed, in that order and without a date, so that equal graphs give equal bytes. A
weight of ``step`` that ``start`` also has, under the same name, is replaced by ONNX's reference to another file.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import onnx

from assay.artifacts.predictors import START, STEP

SUFFIX = ".onnx"
FIRST = START + SUFFIX
MEMBERS = (FIRST, STEP + SUFFIX)
LEAST = 256
"""The smallest weight, in bytes, that is replaced by a reference."""


def pack(graphs: Mapping[str, onnx.ModelProto]) -> bytes:
    """Return the file of two graphs."""
    step = onnx.ModelProto()
    step.CopyFrom(graphs[STEP])
    held = {tensor.name: tensor for tensor in graphs[START].graph.initializer}
    for tensor in step.graph.initializer:
        if len(tensor.raw_data) >= LEAST and held.get(tensor.name) == tensor:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=FIRST)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, graph in zip(MEMBERS, (graphs[START], step), strict=True):
            zipped.writestr(zipfile.ZipInfo(name), graph.SerializeToString(deterministic=True))
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the complete graphs, by name, from a file's bytes.

    Raises:
        ValueError: the bytes are not such a file.
    """
    try:
        first, second = (onnx.load_from_string(member) for member in _members(data))
    except Exception as error:  # zipfile and protobuf have no common base class, and zipfile raises several
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None
    held = {tensor.name: tensor for tensor in first.graph.initializer}
    for tensor in second.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            # Each only once: a thousand references to one table would fill the memory.
            if tensor.name not in held:
                raise ValueError(
                    f"{MEMBERS[1]} refers to a weight {tensor.name[:80]!r} that {FIRST} does not have"
                )
            tensor.CopyFrom(held.pop(tensor.name))
    return {START: first.SerializeToString(), STEP: second.SerializeToString()}


def _members(data: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        members = zipped.infolist()
        if tuple(member.filename for member in members) != MEMBERS:
            raise ValueError(f"a zip of {len(members)} members; {' and '.join(MEMBERS)} are expected")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("a member is compressed")
        if sum(member.file_size for member in members) > len(data):
            raise ValueError("its members are larger than the file")
        return [zipped.read(member) for member in members]
