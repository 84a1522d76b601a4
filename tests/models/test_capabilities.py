"""Which models can do what only some can: by ``isinstance``, as callers look, and by the members themselves."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import nn

from assay.config import registry
from assay.models.capabilities import FitsWeighted, Generates, OneLength, OwnLoss, Steps, WarmStarts
from assay.models.layers.word_embedding import HasWordVectors
from tests.models.knobs import TABLES

KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
GIVEN = {
    "num_classes": 5,
    "vocabulary": 60,
    "alphabet": 12,
    "seed": 0,
    "source_length": 8,
    "target_length": 6,
}
SHAPES = {"image": (1, 8, 8), "text -> tags": (11, 6)}
"""By signature, or by what it begins with; all others read 16 numbers or ids."""
MEMBERS: dict[type, tuple[str, ...]] = {
    OwnLoss: ("loss",),
    Generates: ("generate",),
    Steps: ("start", "step"),
    WarmStarts: ("STARTS",),
    FitsWeighted: ("fit_weighted",),
}
EXPECTED: dict[type, set[str]] = {
    FitsWeighted: {"mean", "ridge", "boosted_regression"},
    OwnLoss: {"bert", "skip_gram", "cbow", "bilstm_crf"},
    Generates: {"gpt"},
    Steps: {
        "copy_source",
        "first_words",
        "word_by_word",
        "seq2seq_lstm",
        "seq2seq_attention",
        "seq2seq_transformer",
    },
    WarmStarts: {
        "text_cnn",
        "text_recurrent",
        "text_transformer",
        "bilstm_tagger",
        "bilstm_crf",
        "bert_tagger",
        "transformer_tagger",
    },
    OneLength: {"skip_gram", "cbow", "bilstm_crf"},
}


def _shape(signature: str) -> tuple[int, ...]:
    return SHAPES.get(signature) or SHAPES.get(signature.partition(" ")[0], (16,))


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """Every model of the registry, with its first weights; of one that begins from other people's the bare object."""
    made = {}
    for name, entry in registry.MODELS.items():
        family = registry.load(entry.target)
        given = {**GIVEN, "shape": _shape(entry.signatures[0])}
        named = inspect.signature(family).parameters
        arguments = {key: value for key, value in given.items() if key in named} | KNOBS[name]
        made[name] = family.__new__(family) if entry.pretrained else family(**arguments)
    return made


@pytest.mark.parametrize("capability", EXPECTED, ids=lambda each: each.__name__)
def test_callers_find_the_capability_where_it_is_expected(capability: type, models: dict[str, Any]) -> None:
    found = {name for name, model in models.items() if isinstance(model, capability)}
    assert found >= EXPECTED[capability]
    for name in found - EXPECTED[capability]:  # a new model names the Protocol among its bases
        assert capability in type(models[name]).__mro__, name


@pytest.mark.parametrize("capability", MEMBERS, ids=lambda each: each.__name__)
def test_no_other_model_has_the_members(capability: type, models: dict[str, Any]) -> None:
    members = MEMBERS[capability]
    having = {name for name, model in models.items() if all(hasattr(model, each) for each in members)}
    assert having == {name for name, model in models.items() if isinstance(model, capability)}


def test_models_of_missing_words_show_their_vectors(models: dict[str, Any]) -> None:
    of_words = {name for name, entry in registry.MODELS.items() if "text -> missing word" in entry.signatures}
    showing = {name for name in of_words if isinstance(models[name], HasWordVectors)}
    assert showing == {name for name in of_words if hasattr(models[name], "embedding")}
    assert showing == of_words - {"majority"}


@pytest.mark.parametrize("capability", [OwnLoss, Generates, Steps], ids=lambda each: each.__name__)
def test_a_class_that_lost_the_method_cannot_be_made(capability: type) -> None:
    renamed = type("Renamed", (nn.Module, capability), {"other_name": torch.sum})
    with pytest.raises(TypeError, match="abstract method"):
        renamed()
