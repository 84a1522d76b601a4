"""File formats of models: the same bytes each time, each bit back, and nothing that does not fit."""

import io
import zipfile

import numpy as np
import pytest
import skops.io
import torch

from assay.artifacts.formats import FORMATS
from assay.models.tabular.decision_tree import DecisionTree
from tests.models.knobs import CLASSICAL


def a_tree():
    model = DecisionTree(shape=(1, 8, 8), num_classes=10, seed=3, **CLASSICAL["decision_tree"])
    images = np.random.default_rng(0).normal(size=(60, 1, 8, 8)).astype(np.float32)
    model.fit(images, np.arange(60) % 10)
    return model


def test_weights_in_another_memory_format_are_the_same_bytes(tmp_path):
    layer = torch.nn.Conv2d(3, 4, 3)
    form = FORMATS["safetensors"]
    form.write(tmp_path / "a", layer)
    form.write(tmp_path / "b", layer.to(memory_format=torch.channels_last))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_estimator_holds_shared_arrays_once(tmp_path):
    tree = a_tree()
    tree.one = tree.two = np.arange(1000.0)
    tree.file = {"file": "a value, not a member's name", "is_json": True}
    FORMATS["skops"].write(tmp_path / "model.skops", tree)
    data = (tmp_path / "model.skops").read_bytes()
    again = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    assert again.one is again.two
    assert again.file == tree.file
    with zipfile.ZipFile(io.BytesIO(data)) as members:
        assert {member.date_time[0] for member in members.infolist()} == {1980}
        assert sum(member.file_size > 8000 for member in members.infolist() if ".npy" in member.filename) == 1


@pytest.fixture
def holed():
    """A state with many zeros, a negative zero, no zeros, none but zeros, no axes, and integers."""
    torch.manual_seed(0)
    many = torch.randn(37, 5).masked_fill(torch.rand(37, 5) < 0.8, 0.0)
    many[0, 0] = -0.0
    return {
        "many": many,
        "none": torch.randn(9),
        "all": torch.zeros(4, 3),
        "scalar": torch.tensor(0.0),
        "count": torch.zeros(5, dtype=torch.int64),
    }


def test_the_sparse_format_gives_each_bit_back(holed):
    form = FORMATS["sparse"]
    stored = form.encode(holed)
    again = form.decode(stored)
    assert again.keys() == holed.keys()
    for name, tensor in holed.items():
        assert again[name].numpy().tobytes() == tensor.numpy().tobytes(), name
        assert again[name].shape == tensor.shape


def test_the_sparse_format_keeps_a_bit_a_number_and_the_values(holed):
    stored = FORMATS["sparse"].encode(holed)
    kept = int((holed["many"] != 0).sum()) + 1  # the negative zero is a value
    assert stored["many|mask"].numel() == -(-37 * 5 // 8)
    assert stored["many|values"].shape == (kept,)
    assert stored["all|values"].numel() == 0
    assert {"none", "scalar", "count"} <= stored.keys()  # dense: a mask would not pay


def test_a_hand_worked_mask():
    stored = FORMATS["sparse"].encode({"w": torch.tensor([0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0])})
    assert stored["w|mask"].tolist() == [0b01000001]
    assert stored["w|values"].tolist() == [3.0, -1.0]


@pytest.mark.parametrize(
    "stored",
    [
        ([255], 1, [8]),
        ([1], 2, [8]),
        ([1], 1, [9]),
        ([1], 1, [2**40, 2**40]),
        ([1, 1], 2, [8]),
        ([1], 1, [-2, -4]),
    ],
)
def test_a_mask_that_does_not_fit_its_values_or_its_shape_is_refused(stored):
    mask, values, shape = stored
    tensors = {
        "w|mask": torch.tensor(mask, dtype=torch.uint8),
        "w|values": torch.ones(values),
        "w|shape": torch.tensor(shape),
    }
    with pytest.raises(ValueError, match=r"bits are set|bits for a weight"):
        FORMATS["sparse"].decode(tensors)
