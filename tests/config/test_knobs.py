"""Knobs read from the source are the knobs that Python sees."""

import inspect

import pytest
from pydantic import ValidationError

from assay.config import registry
from assay.config.knobs import knobs
from assay.config.params import METHOD_PROVIDES, MODEL_PROVIDES
from assay.config.section import any_of

PROVIDED = (*registry.TASKS["image_classification"].provides, *MODEL_PROVIDES)


def python_sees(called, provided):
    arguments = inspect.signature(called).parameters.values()
    return [each.name for each in arguments if each.kind is each.KEYWORD_ONLY and each.name not in provided]


@pytest.mark.parametrize("name", sorted(registry.MODELS))
def test_of_every_model(name):
    target = registry.MODELS[name].target
    assert list(knobs(target, PROVIDED).model_fields) == python_sees(registry.load(target), PROVIDED)


@pytest.mark.parametrize("name", sorted(registry.METHODS))
def test_of_every_method(name):
    target = f"{registry.METHODS[name].module}:compress"
    assert list(knobs(target, METHOD_PROVIDES).model_fields) == python_sees(
        registry.load(target), METHOD_PROVIDES
    )


def test_ranges_hold():
    kind = knobs(registry.MODELS["mlp"].target, PROVIDED)
    assert kind(hidden=[8], dropout=0.5).hidden == [8]
    with pytest.raises(ValidationError):
        kind(hidden=[0], dropout=0.5)


def test_what_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"cnn\.py: no function Nothing"):
        knobs("assay.models.image.cnn:Nothing", PROVIDED)


def test_no_knob_may_be_infinite():
    with pytest.raises(ValidationError, match="finite"):
        knobs(registry.MODELS["logistic_regression"].target, PROVIDED)(
            c=float("inf"), max_iterations=1, tolerance=1.0
        )


def test_any_of_a_section_keeps_its_ranges_and_takes_no_blank():
    kind = any_of(knobs(registry.MODELS["mlp"].target, PROVIDED))
    assert kind(dropout="0.5").model_dump(exclude_unset=True) == {"dropout": 0.5}
    for wrong in ({"dropout": 1.5}, {"dropout": None}, {"hiden": [8]}):
        with pytest.raises(ValidationError):
            kind.model_validate(wrong)
