"""Graphs that name another file are refused wherever they name it, and whichever runtime would load them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from assay.artifacts.formats import FORMATS
from assay.artifacts.onnx_bundle import pack
from assay.artifacts.onnx_external import require_own_weights

ARGUMENTS = {"source_length": 4}


def external(name="w", location="secret"):
    weight = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=location)
    return weight


def value(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])


def graph(nodes=None, weights=(), sparse=()):
    nodes = nodes or [helper.make_node("Add", ["x", "w"], ["y"])]
    made = helper.make_graph(
        nodes, "g", [value("x")], [value("y")], list(weights), sparse_initializer=list(sparse)
    )
    return helper.make_model(made, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])


def branch(weight):
    return helper.make_graph(
        [helper.make_node("Identity", ["w"], ["z"])], "branch", [], [value("z")], [weight]
    )


def in_a_subgraph():
    condition = numpy_helper.from_array(np.array(True), "c")
    own = numpy_helper.from_array(np.zeros(2, np.float32), "w")
    choose = helper.make_node("If", ["c"], ["y"], then_branch=branch(own), else_branch=branch(external()))
    return graph([choose], [condition])


def in_a_function():
    constant = helper.make_node("Constant", [], ["w"], value=external())
    add = helper.make_node("Add", ["a", "w"], ["b"])
    opset = [helper.make_opsetid("", 18)]
    function = helper.make_function("own", "F", ["a"], ["b"], [constant, add], opset)
    model = graph([helper.make_node("F", ["x"], ["y"], domain="own")])
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    return model


def in_a_sparse_weight(values=True):
    weight = onnx.SparseTensorProto(dims=[2])
    own = numpy_helper.from_array(np.zeros(2, np.int64), "i")
    weight.values.CopyFrom(external() if values else numpy_helper.from_array(np.zeros(2, np.float32), "w"))
    weight.indices.CopyFrom(own if values else external("i"))
    return graph(sparse=[weight])


def in_an_attribute():
    constant = helper.make_node("Constant", [], ["w"], value=external())
    return graph([constant, helper.make_node("Add", ["x", "w"], ["y"])])


def in_a_list_of_an_attribute():
    node = helper.make_node("Add", ["x", "x"], ["y"])
    node.attribute.append(helper.make_attribute("more", [external()]))
    return graph([node])


GRAPHS = {
    "a weight": lambda: graph(weights=[external()]),
    "an absolute path": lambda: graph(weights=[external(location="/etc/hostname")]),
    "an address": lambda: graph(weights=[external(location="*/_ORT_MEM_ADDR_/*")]),
    "a subgraph": in_a_subgraph,
    "a function": in_a_function,
    "a sparse weight": in_a_sparse_weight,
    "a sparse weight's places": lambda: in_a_sparse_weight(values=False),
    "an attribute": in_an_attribute,
    "a list": in_a_list_of_an_attribute,
}


@pytest.mark.parametrize("form", ["onnx", "openvino"])
@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_names_a_file_is_refused(make, form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(np.float32([3, 4]).tobytes())
    record = {"format": form, "parameters": 0, "arguments": {}}
    with pytest.raises(ValueError, match=r"^model\.onnx: weight '\w' is in another file") as caught:
        FORMATS[form].predictor(make().SerializeToString(), record)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("first", [True, False])
def test_either_graph_of_a_pair_is_refused(first, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(np.float32([3, 4]).tobytes())
    own = graph(weights=[numpy_helper.from_array(np.zeros(2, np.float32), "w")])
    graphs = [in_an_attribute(), own] if first else [own, in_an_attribute()]
    record = {"format": "onnx_steps", "parameters": 0, "arguments": ARGUMENTS}
    with pytest.raises(ValueError, match=r"is in another file, 'secret'"):
        FORMATS["onnx_steps"].predictor(pack(dict(zip(("start", "step"), graphs, strict=True))), record)


def test_a_graph_that_only_has_the_word_is_fine():
    own = graph([helper.make_node("Add", ["x", "x"], ["y"], name="location")])
    require_own_weights("model.onnx", own.SerializeToString())
    with pytest.raises(ValueError, match="not an ONNX graph"):
        require_own_weights("model.onnx", b"location")
