"""Tagging: its splits, metrics and exhibits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from assay.data.preparation import tagged as dataset
from assay.tasks.tagging import TASK

TAGS = dataset.tag_names(("creative-work", "who"))
OUT, B_C, I_C, B_W, I_W = range(5)
END = dataset.NO_TAG
ROWS = [
    ("train", "ann sings jolene", [B_W, OUT, B_C]),
    ("train", "hi", [OUT]),
    ("validation", "bob lee hums", [B_W, I_W, OUT]),
    ("test", "ann sings", [B_W, OUT]),
    ("test", "lee met bob lee", [B_W, OUT, B_W, I_W]),
    ("test", "bob lee sings ann", [B_W, I_W, OUT, B_W]),
]


@pytest.fixture
def prepared(tmp_path):
    splits, texts, tags = zip(*ROWS, strict=True)
    tagged = dataset.TaggedSet([text.split() for text in texts], list(tags), np.array(splits), TAGS)
    out = tmp_path / "wnut17_twin"
    dataset.prepare(tagged, out, dataset=out.name, seed=0, validation_fraction=0.5, test_fraction=0.5)
    return out


@pytest.fixture
def test_split(prepared):
    return TASK.load(prepared, ("test",))["test"]


def scores(rows):
    """Return scores (N, T, K) with these best tags, and B-who after a sentence's end."""
    padded = [row + [B_W] * (4 - len(row)) for row in rows]
    return 9.0 * F.one_hot(torch.tensor(padded), len(TAGS)).float()


def test_loads_words_and_characters_in_one_tensor(prepared):
    splits = TASK.load(prepared, ("train", "test"))
    train = splits["train"]
    assert train.inputs.shape == (2, 4, 1 + dataset.SYMBOLS)
    assert train.inputs.dtype == train.targets.dtype == torch.int64
    assert train.inputs[:, :, 0].tolist() == [[2, 5, 4, 0], [3, 0, 0, 0]]
    assert (train.inputs[0, 2, 1:] > 0).sum() == 1 + len("jolene")
    assert train.targets.tolist() == [[B_W, OUT, B_C, END], [OUT, END, END, END]]
    assert train.lengths.tolist() == [3, 1]
    assert splits["test"].items.tolist() == [3, 4, 5]
    assert splits["test"].words[0] == ("ann", "sings")


def test_takes_and_limits_sentences(test_split):
    taken = test_split.take(torch.tensor([2, 0]))
    assert taken.words == (("bob", "lee", "sings", "ann"), ("ann", "sings"))
    assert taken.lengths.tolist() == [4, 2]
    assert taken.classes == TAGS
    assert TASK.limit(test_split, 2).items.tolist() == [3, 4]
    assert len(TASK.limit(test_split, 9).targets) == 3


def test_model_arguments_depend_on_the_data(prepared):
    assert TASK.model_arguments(prepared) == {
        "shape": (4, 1 + dataset.SYMBOLS),
        "vocabulary": 6,
        "alphabet": 2 + len(dataset.SHAPES) + len(set("annsingsjolenehi")),
        "num_classes": 5,
    }


def test_words_are_dropped_as_declared_and_keep_their_characters(prepared):
    vary = TASK.augmenter(prepared)
    batch = torch.zeros(64, 30, 17, dtype=torch.int64)
    batch[:, :20] = 7
    varied = vary(batch, torch.Generator().manual_seed(0))
    assert torch.equal(varied[:, :, 1:], batch[:, :, 1:])
    assert not varied[:, 20:].any()
    words = varied[:, :20, 0]
    assert set(words.unique().tolist()) == {1, 7}
    assert 0.02 < (words == 1).float().mean() < 0.5
    assert torch.equal(varied, vary(batch, torch.Generator().manual_seed(0)))
    assert (batch[:, :20] == 7).all()


def test_there_is_no_augmentation_without_a_declaration(prepared):
    facts = (prepared / "prepared.json").read_text()
    (prepared / "prepared.json").write_text(facts.replace("wnut17_twin", "entity_grammar"))
    assert TASK.augmenter(prepared) is None


def test_the_loss_is_the_mean_over_words(test_split):
    outputs = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    words = [
        -outputs[row, place].log_softmax(0)[tag]
        for row, (*_, tags) in enumerate(ROWS[3:])
        for place, tag in enumerate(tags)
    ]
    expected = torch.stack(words).mean()
    torch.testing.assert_close(TASK.loss(outputs, test_split.targets), expected)
    assert TASK.smoothed_loss(outputs, test_split.targets, 0.1) != expected
    halves = [
        TASK.metric_state(outputs[part], test_split.targets[part]) for part in (slice(0, 1), slice(1, 3))
    ]
    value, f1 = TASK.compute_watched(torch.stack(halves).sum(dim=0))
    assert value == pytest.approx(expected.item())
    assert f1 == TASK.compute_metrics(outputs, test_split)["entity_f1"]


SAID = [[B_W, OUT], [B_C, OUT, B_W, I_W], [B_W, OUT, OUT, B_W]]
"""Three of five entities are found; five are predicted, among them an incorrect type and one that is too short."""


def test_scores_by_hand(test_split):
    found = TASK.compute_metrics(scores(SAID), test_split)
    assert found["entity_f1"] == pytest.approx(3 / 5)
    assert found["entity_precision"] == pytest.approx(3 / 5)
    assert found["entity_recall"] == pytest.approx(3 / 5)
    # Distinct: true ones ann, lee, bob lee; predicted ones ann, lee as a work, bob lee, bob.
    assert found["surface_f1"] == pytest.approx(2 * 2 / (3 + 4))
    assert found["f1_who"] == pytest.approx(2 * 3 / (4 + 5))
    assert found["f1_creative_work"] is None  # none in these sentences
    assert found["accuracy"] == pytest.approx(8 / 10)
    assert found["cross_entropy"] == pytest.approx(math.log(1 + 4 * math.exp(-9)) + 9 * 2 / 10, rel=1e-6)


def test_correct_and_empty_predictions(test_split):
    values = TASK.compute_metrics(scores([tags for *_, tags in ROWS[3:]]), test_split)
    assert [values[name] for name in ("entity_f1", "surface_f1", "f1_who", "accuracy")] == [1, 1, 1, 1]
    empty = TASK.compute_metrics(scores([[OUT] * 2, [OUT] * 4, [OUT] * 4]), test_split)
    assert [empty[name] for name in ("entity_f1", "entity_precision", "entity_recall", "f1_who")] == [
        0,
        0,
        0,
        0,
    ]


def test_predictions_count_each_sentences_entities(test_split):
    table = TASK.predictions(scores(SAID), test_split)
    assert table[["item", "found", "predicted", "gold"]].to_numpy().tolist() == [
        [3, 1, 1, 1],
        [4, 1, 2, 2],
        [5, 1, 2, 2],
    ]
    assert table["prediction"].tolist()[1] == "B-creative-work O B-who I-who"


def test_exhibits_are_a_confusion_matrix_and_samples(test_split):
    confusion, samples = TASK.exhibits(scores(SAID), test_split)
    assert np.sum(confusion.counts) == 10
    assert confusion.counts[B_W] == [0, 1, 0, 4, 0]
    assert confusion.counts[I_W] == [1, 0, 0, 0, 1]
    assert samples.texts[1] == {
        "given": "lee met bob lee",
        "expected": "who: lee; who: bob lee",
        "said": "creative-work: lee; who: bob lee",
    }


def test_scores_that_are_not_finite_are_refused(test_split):
    class Broken:
        def outputs(self, _):
            return np.where(np.arange(3)[:, None, None] == 1, np.nan, scores(SAID).numpy())

    with pytest.raises(ValueError, match="1 of 3 items have outputs that are not finite, first item 4"):
        TASK.predict(Broken(), test_split)
