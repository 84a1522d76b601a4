"""What is written comes back as it was, and what somebody else wrote is refused."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import skops.io
import torch
from onnx import helper

from assay.artifacts import formats, store
from assay.files import sha256, write_json
from assay.models.image.mlp import MLP
from assay.models.tabular.decision_tree import DecisionTree
from assay.models.tabular.hist_gradient_boosting import HistGradientBoosting
from tests.models.knobs import CLASSICAL

ARGUMENTS = {"shape": [1, 8, 8], "num_classes": 10, "hidden": [12], "dropout": 0.0}
MLP_TARGET = "assay.models.image.mlp:MLP"
TREE_TARGET = "assay.models.tabular.decision_tree:DecisionTree"


def mark_ok(folder):
    """Write the status.json that the stage would write."""
    write_json(folder / "status.json", {"files": {p.name: sha256(p) for p in folder.glob("model.*")}})


def random_images(number):
    return np.random.default_rng(0).normal(size=(number, 1, 8, 8)).astype(np.float32)


@pytest.fixture
def network():
    torch.manual_seed(1)
    return MLP(**ARGUMENTS).eval()


@pytest.fixture
def saved(tmp_path, network):
    record = store.save(tmp_path, network, target=MLP_TARGET, arguments=ARGUMENTS)
    mark_ok(tmp_path)
    return tmp_path, record


@pytest.fixture
def tree():
    model = DecisionTree(shape=(1, 8, 8), num_classes=10, seed=3, **CLASSICAL["decision_tree"])
    model.fit(random_images(60), np.arange(60) % 10)
    return model


@pytest.fixture
def saved_tree(tmp_path, tree):
    arguments = {"shape": [1, 8, 8], "num_classes": 10, "seed": 3, **CLASSICAL["decision_tree"]}
    record = store.save(tmp_path, tree, target=TREE_TARGET, arguments=arguments)
    mark_ok(tmp_path)
    return tmp_path, record


def test_a_network_comes_back_bit_for_bit(saved, network):
    folder, record = saved
    assert record == {
        "format": "safetensors",
        "target": MLP_TARGET,
        "arguments": ARGUMENTS,
        "parameters": 64 * 12 + 12 + 12 * 10 + 10,
    }
    images = random_images(5)
    predictor = store.load(folder, record)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).numpy()
    np.testing.assert_array_equal(predictor.outputs(images), expected)
    assert (predictor.format, predictor.parameters) == ("safetensors", 910)
    assert not store.load_module(folder, record).training


def test_batches_make_no_difference_and_no_item_is_lost(saved, saved_tree):
    images = random_images(7)
    for folder, record in (saved, saved_tree):
        predictor = store.load(folder, record)
        whole = predictor.outputs(images)
        assert whole.shape == (7, 10)
        assert whole.dtype == np.float32
        np.testing.assert_allclose(predictor.outputs(images, batch_size=3), whole, atol=1e-6)


def test_an_estimator_comes_back(saved_tree, tree):
    folder, record = saved_tree
    assert record["format"] == "skops"
    assert record["parameters"] == tree.parameters()
    predictor = store.load(folder, record)
    np.testing.assert_array_equal(predictor.outputs(random_images(9)), tree.outputs(random_images(9)))


def test_loading_draws_no_random_numbers(saved):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    store.load(*saved)
    assert torch.rand(1) == expected


SAVE_TWO = "import sys; from tests.artifacts.test_store import save_two; save_two(sys.argv[1])"


def save_two(folder):
    """Write a network and an estimator with compiled trees."""
    torch.manual_seed(0)
    store.save(Path(folder), MLP(**ARGUMENTS), target="", arguments={})
    trees = HistGradientBoosting(
        shape=(1, 8, 8), num_classes=10, seed=0, **CLASSICAL["hist_gradient_boosting"]
    )
    trees.fit(random_images(80), np.arange(80) % 10)
    store.save(Path(folder), trees, target="", arguments={})


def test_two_processes_write_the_same_bytes(tmp_path, monkeypatch):
    save_two(tmp_path / "here")
    monkeypatch.setenv("PYTHONHASHSEED", "123")
    subprocess.run([sys.executable, "-c", SAVE_TWO, str(tmp_path / "there")], check=True)
    for name in ("model.safetensors", "model.skops"):
        assert sha256(tmp_path / "here" / name) == sha256(tmp_path / "there" / name), name


def test_a_corrupted_file_is_refused(saved):
    folder, record = saved
    path = folder / "model.safetensors"
    expected = sha256(path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"model\.safetensors: sha256") as caught:
        store.load(folder, record)
    assert expected in str(caught.value)
    assert sha256(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [{}, [], {"files": None}, {"files": {"model.onnx": "0"}}])
def test_a_file_that_the_status_does_not_name_is_refused(saved, status):
    folder, record = saved
    write_json(folder / "status.json", status)
    with pytest.raises(ValueError, match="sha256 None expected"):
        store.load(folder, record)


@pytest.mark.parametrize("name", ["status.json", "model.safetensors"])
def test_a_missing_file_is_named(saved, name):
    folder, record = saved
    (folder / name).unlink()
    with pytest.raises(ValueError, match=rf"{name}: not found"):
        store.load(folder, record)


@pytest.mark.parametrize(
    "target",
    [
        "os:system",
        "subprocess:Popen",
        "assay.models.image.mlp:nn.Linear",
        "assay.models.image.mlp:nn",
        "assay.models.image.mlp:Annotated",
        "assay.models.image.mlp:",
        "assay.models.none:None",
        "assay.models.layers.image_layers:image_rows",
        "assay.models.image.mlp:MLP\n",
        "assay.models..mlp:MLP",
        "torch.nn:Linear",
        "",
        None,
        ["assay.models.image.mlp:MLP"],
    ],
)
def test_a_foreign_target_is_refused(saved, target):
    folder, record = saved
    with pytest.raises(ValueError, match="target"):
        store.load(folder, {**record, "target": target})


def test_a_foreign_target_is_not_even_imported(saved, tmp_path, monkeypatch):
    folder, record = saved
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=r"only classes of assay\.models"):
        store.load(folder, {**record, "target": "trap:Door"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "pickle"}, f"allowed: {', '.join(formats.FORMATS)}"),
        ({"format": ["onnx"]}, "is unknown"),
        ({"format": None}, "is unknown"),
        ({"target": TREE_TARGET}, "not a network"),
        ({"arguments": {**ARGUMENTS, "hidden": [13]}}, "size mismatch"),
        ({"arguments": {**ARGUMENTS, "hidden": [10**15]}}, "cannot be loaded"),
        ({"arguments": {**ARGUMENTS, "door": 1}}, "door"),
        ({"arguments": {"shape": [1, 8, 8]}}, "missing"),
        ({"arguments": 3}, "cannot be loaded"),
    ],
)
def test_a_wrong_record_is_one_line(saved, change, message):
    folder, record = saved
    with pytest.raises(ValueError, match=message) as caught:
        store.load(folder, {**record, **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["format", "target", "arguments", "parameters"])
def test_a_record_without_a_key_names_it(saved, key):
    folder, record = saved
    with pytest.raises(ValueError, match=key):
        store.load(folder, {name: value for name, value in record.items() if name != key})


def test_an_estimator_is_no_network(saved_tree):
    with pytest.raises(ValueError, match="is not a network"):
        store.load_module(*saved_tree)


def hostile_skops(tree, module, name):
    """Return a skops file of the tree with a call of another function where an attribute was."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(tree))) as source:
        members = {member: source.read(member) for member in source.namelist()}
    schema = json.loads(members["schema.json"])
    content = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": '"true"'}
    schema["content"]["content"]["seed"] = {
        "__class__": name,
        "__module__": module,
        "__loader__": "ReduceNode" if name == "reduce" else "FunctionNode",
        "content": {**content, "module_path": module, "function": name},
    }
    members["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for member, data in members.items():
            zipped.writestr(member, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen")]
)
def test_an_estimator_with_a_foreign_type_is_refused(saved_tree, tree, module, name):
    folder, record = saved_tree
    (folder / "model.skops").write_bytes(hostile_skops(tree, module, name))
    mark_ok(folder)
    with pytest.raises(ValueError, match=f"model.skops is refused.*{name}") as caught:
        store.load(folder, record)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"PK", b"\x80\x04K\x01.", b"{}"])
@pytest.mark.parametrize("form", formats.FORMATS)
def test_bytes_of_another_kind_are_refused(saved, form, data):
    folder, record = saved
    target = TREE_TARGET if form == "skops" else MLP_TARGET
    (folder / formats.FORMATS[form].file).write_bytes(data)
    mark_ok(folder)
    with pytest.raises(ValueError, match=r"model\."):
        store.load(folder, {**record, "format": form, "target": target})


def test_an_estimator_of_another_class_is_refused(saved_tree):
    folder, record = saved_tree
    with pytest.raises(ValueError, match=r"refused|holds a DecisionTree"):
        store.load(folder, {**record, "target": "assay.models.baselines.majority:Majority"})


def test_a_graph_with_weights_in_other_files_is_refused(saved, tmp_path):
    folder, record = saved
    (tmp_path / "secret").write_bytes(b"\0" * 8)
    weights = onnx.TensorProto(name="w", data_type=1, dims=[2], data_location=1)
    weights.external_data.add(key="location", value="secret")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [value("x", 1, [2])],
        [value("y", 1, [2])],
        [weights],
    )
    (folder / "model.onnx").write_bytes(helper.make_model(graph, ir_version=9).SerializeToString())
    mark_ok(folder)
    with pytest.raises(ValueError, match="is in another file, 'secret'"):
        store.load(folder, {**record, "format": "onnx"})
