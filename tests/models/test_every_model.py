"""The contract that every file in src/assay/models keeps."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import skops.io
import torch
from torch import nn

import assay.models
from assay.config import registry
from assay.config.params import MODEL_PROVIDES
from tests.models.knobs import CLASSICAL, NEURAL, TABLES

SHARED = {"layers", "generation"}
"""Folders of what models share."""
KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
FILES = {
    path.stem: path.parent.name
    for path in Path(assay.models.__file__).parent.glob("*/[!_]*.py")
    if path.parent.name not in SHARED
}
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]
NUM_CLASSES = 7

neural = pytest.mark.parametrize("name", sorted(NEURAL))
classical = pytest.mark.parametrize("name", sorted(CLASSICAL))
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


@pytest.fixture
def build(model_class):
    def make(name, shape=(1, 8, 8), num_classes=NUM_CLASSES, seed=0):
        torch.manual_seed(seed)
        return model_class(name)(shape=shape, num_classes=num_classes, **NEURAL[name])

    return make


@pytest.fixture
def make_classical(model_class):
    def make(name, shape=(1, 8, 8), num_classes=10, seed=0):
        shape = {} if name == "majority" else {"shape": shape}
        return model_class(name)(**shape, num_classes=num_classes, seed=seed, **CLASSICAL[name])

    return make


def some_images(count, shape, seed=0):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def test_all_are_tested():
    """Those of images here, those of other forms in files of their own, the control in several."""
    assert set(KNOBS) == set(FILES)
    assert {entry.target.partition(":")[0] for entry in registry.MODELS.values()} == {
        f"assay.models.{folder}.{name}" for name, folder in FILES.items()
    }
    assert len(FILES) >= 24


@pytest.mark.parametrize("name", sorted(FILES))
def test_knobs_have_ranges_and_no_defaults(name, model_class):
    arguments = inspect.signature(model_class(name).__init__).parameters
    names = [n for n in arguments if n != "self"]
    assert set(names) - set(MODEL_PROVIDES) == set(KNOBS[name])
    assert all(arguments[n].kind is inspect.Parameter.KEYWORD_ONLY for n in names)
    assert all(arguments[n].default is inspect.Parameter.empty for n in names)
    documented = inspect.getdoc(model_class(name))
    assert all(f"{n}: " in documented for n in names)


@pytest.mark.parametrize("name", sorted(FILES))
def test_says_where_it_comes_from(name, model_class):
    assert "Source: " in inspect.getmodule(model_class(name)).__doc__
    assert "https://" in inspect.getmodule(model_class(name)).__doc__


@neural
@shapes
def test_gives_one_finite_logit_a_class(name, shape, build):
    model = build(name, shape)
    logits = model(some_images(3, shape))
    assert logits.shape == (3, NUM_CLASSES)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


@neural
@shapes
def test_gradient_reaches_every_parameter(name, shape, build):
    model = build(name, shape)
    nn.functional.cross_entropy(model(some_images(8, shape)), torch.arange(8) % NUM_CLASSES).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


@neural
def test_learns_sixteen_images_by_heart(name, build):
    model = build(name)
    images, targets = some_images(16, (1, 8, 8)), torch.arange(16) % NUM_CLASSES
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(200):
        logits = model(images)
        loss = nn.functional.cross_entropy(logits, targets)
        if loss < 0.1:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1
    assert (logits.argmax(1) == targets).all()


@neural
def test_one_image_does_not_change_anothers_logits(name, build):
    model, images = build(name).eval(), some_images(4, (1, 8, 8))
    torch.testing.assert_close(model(images)[:2], model(images[:2]), rtol=1e-5, atol=1e-6)


@neural
def test_the_memory_format_changes_nothing(name, build):
    model, images = build(name, (1, 28, 28)).eval(), some_images(4, (1, 28, 28))
    expected = model(images)
    model = model.to(memory_format=torch.channels_last)
    found = model(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@neural
def test_trains_in_bfloat16(name, build):
    model = build(name, (1, 28, 28))
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(some_images(4, (1, 28, 28)))
    logits.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@neural
def test_weights_make_the_same_model_again(name, build):
    first, second = build(name, seed=1).eval(), build(name, seed=2).eval()
    images = some_images(4, (1, 8, 8))
    assert not torch.equal(first(images), second(images))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(images), second(images))


@neural
def test_the_seed_decides_the_initial_weights(name, build):
    first, second = build(name, seed=3), build(name, seed=3)
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key


@classical
def test_learns_scans(name, make_classical, digits):
    images, targets = digits
    model = make_classical(name)
    model.fit(images[:500], targets[:500])
    logits = model.outputs(images[500:1000])
    assert logits.shape == (500, 10)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    accuracy = (logits.argmax(axis=1) == targets[500:1000]).mean()
    assert accuracy > (0.05 if name == "majority" else 0.5)
    assert isinstance(model.parameters(), int)
    assert model.parameters() > 0


@classical
def test_two_fits_agree(name, make_classical, digits):
    images, targets = digits
    first, second = make_classical(name), make_classical(name)
    for model in (first, second):
        model.fit(images[:200], targets[:200])
    np.testing.assert_array_equal(first.outputs(images[200:300]), second.outputs(images[200:300]))


SEEDLESS = ["majority", "logistic_regression", "linear_svm", "rbf_svm", "hist_gradient_boosting"]


@pytest.mark.parametrize("name", SEEDLESS)
def test_does_not_depend_on_the_seed(name, make_classical, digits):
    images, targets = digits
    first, second = make_classical(name, seed=1), make_classical(name, seed=2)
    for model in (first, second):
        model.fit(images[:200], targets[:200])
    np.testing.assert_array_equal(first.outputs(images[200:300]), second.outputs(images[200:300]))
    assert "does not depend on the seed" in " ".join(inspect.getmodule(type(first)).__doc__.split())


@classical
def test_a_class_without_items_is_never_predicted(name, make_classical, digits):
    images, targets = digits
    some = np.flatnonzero(np.isin(targets[:300], [1, 4, 7]))
    model = make_classical(name)
    model.fit(images[some], targets[some])
    logits = model.outputs(images[300:400])
    assert logits.shape == (100, 10)
    assert np.isfinite(logits).all()
    assert set(logits.argmax(axis=1)) <= {1, 4, 7}


@classical
def test_two_classes_are_enough(name, make_classical, digits):
    images, targets = digits
    some = np.flatnonzero(targets < 2)
    model = make_classical(name, num_classes=2)
    model.fit(images[some[:200]], targets[some[:200]])
    logits = model.outputs(images[some[200:]])
    assert logits.shape == (len(some) - 200, 2)
    accuracy = (logits.argmax(axis=1) == targets[some[200:]]).mean()
    assert accuracy > (0.4 if name == "majority" else 0.95)


@classical
def test_skops_gives_it_back(name, make_classical, digits):
    images, targets = digits
    model = make_classical(name)
    model.fit(images[:200], targets[:200])
    written = skops.io.dumps(model)
    itself = f"{type(model).__module__}.{type(model).__qualname__}"
    trusted = [itself, *inspect.getmodule(type(model)).MODEL.trusted]
    assert sorted(skops.io.get_untrusted_types(data=written)) == sorted(trusted)
    again = skops.io.loads(written, trusted=trusted)
    np.testing.assert_array_equal(again.outputs(images[200:300]), model.outputs(images[200:300]))
    assert again.parameters() == model.parameters()
