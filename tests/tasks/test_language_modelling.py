"""Language modelling: its splits, metrics and exhibits."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from assay.artifacts.predictors import ModulePredictor
from assay.data.preparation.characters import build_tokenizer
from assay.models.language.gpt import GPT
from assay.tasks.exhibits import as_json
from assay.tasks.language_modelling import TASK, Answer, sample

IDS = np.array([[2, 3, 2, 3], [3, 4, 5, 2], [2, 2, 1, 3], [5, 0, 0, 0]], dtype=np.int32)
NEXT = np.array([[3, 2, 3, 3], [4, 5, 2, 2], [2, 1, 3, 5], [5, -100, -100, -100]], dtype=np.int32)
ARTIFACT = {"arguments": {}, "format": "safetensors", "parameters": 1}


@pytest.fixture
def prepared(tmp_path):
    save_file({"inputs": IDS, "targets": NEXT}, tmp_path / "arrays.safetensors")
    build_tokenizer(["aaaabbbccd"]).save(str(tmp_path / "tokenizer.json"))
    splits = ["train", "validation", "test", "test"]
    pd.DataFrame({"item": [0, 1, 2, 4], "split": splits}).to_parquet(tmp_path / "items.parquet")
    facts = {"dataset": "markov_text_twin", "shape": [4], "vocabulary": 6}
    (tmp_path / "prepared.json").write_text(json.dumps(facts))
    return tmp_path


class Fixed:
    """A predictor that gives the last id, 2 or 3, a probability of one half."""

    def outputs(self, inputs, **_):
        chances = np.full((*inputs.shape, 6), 0.1, dtype=np.float32)
        np.put_along_axis(chances, inputs[..., None], 0.5, axis=2)
        return np.log(chances)


def test_loads_the_requested_splits(prepared):
    splits = TASK.load(prepared, ("train", "test"))
    assert set(splits) == {"train", "test"}
    assert splits["test"].items.tolist() == [2, 4]
    assert splits["test"].inputs.tolist() == IDS[2:].tolist()
    assert splits["test"].targets.tolist() == NEXT[2:].tolist()
    assert splits["test"].inputs.dtype == splits["test"].targets.dtype == torch.int64


def test_model_arguments_depend_on_the_data(prepared):
    assert TASK.model_arguments(prepared) == {"shape": (4,), "vocabulary": 6}
    assert TASK.augmenter(prepared) is None


def test_limits_to_the_first_windows(prepared):
    split = TASK.load(prepared, ("test",))["test"]
    assert TASK.limit(split, 1).items.tolist() == [2]
    assert TASK.limit(split, 9).items.tolist() == [2, 4]


def test_scores_the_target_characters(prepared):
    split = TASK.load(prepared, ("test",))["test"]
    answer = TASK.predict(Fixed(), split)
    # Of window 2 the first target is what was just read; of window 4 the only one is.
    nats = [3 * math.log(10) + math.log(2), math.log(2)]
    np.testing.assert_allclose(answer.nats, nats, rtol=1e-6)
    assert answer.characters.tolist() == [4, 1]
    mean = sum(nats) / 5
    expected = {"bits_per_character": mean / math.log(2), "perplexity": math.exp(mean), "cross_entropy": mean}
    assert TASK.compute_metrics(answer, split) == pytest.approx(expected)
    table = TASK.predictions(answer, split)
    assert table["item"].tolist() == [2, 4]
    assert table["nats"].sum() / table["characters"].sum() == pytest.approx(mean)


def test_sums_of_parts_equal_those_of_the_whole(prepared):
    split = TASK.load(prepared, ("test",))["test"]
    logits = torch.from_numpy(Fixed().outputs(split.inputs.numpy()))
    sums = sum(TASK.metric_state(logits[row : row + 1], split.targets[row : row + 1]) for row in range(2))
    loss, bits = TASK.compute_watched(sums)
    scores = TASK.compute_metrics(TASK.predict(Fixed(), split), split)
    assert (loss, bits) == pytest.approx((scores["cross_entropy"], scores["bits_per_character"]))
    assert TASK.loss(logits, split.targets).item() == pytest.approx(loss)


def test_a_perplexity_that_overflows_is_none(prepared):
    split = TASK.load(prepared, ("train",))["train"]
    answer = Answer(np.array([5000.0]), np.array([1]), Fixed())
    assert TASK.compute_metrics(answer, split) == {
        "bits_per_character": pytest.approx(5000 / math.log(2)),
        "perplexity": None,
        "cross_entropy": 5000.0,
    }


def test_shows_continuations(prepared):
    split = TASK.load(prepared, ("test",))["test"]
    exhibits = TASK.exhibits(TASK.predict(Fixed(), split), split)
    [[sample]] = [shown.texts for shown in exhibits]  # of the window that is no shorter than the others
    assert (sample["given"], sample["expected"]) == ("aa", "[UNK]b")
    assert set(sample["said"]) <= set("abcd")
    assert len(sample["said"]) == 128
    assert exhibits == TASK.exhibits(TASK.predict(Fixed(), split), split)
    json.dumps(as_json(exhibits), allow_nan=False)


def test_the_models_own_generation_gives_the_same_text_as_its_logits():
    torch.manual_seed(0)
    module = GPT(vocabulary=9, shape=(16,), width=16, depth=2, heads=2, dropout=0.0).eval()
    for parameter in module.parameters():
        parameter.data *= 5
    own = ModulePredictor(module, ARTIFACT)

    class Logits:
        outputs = own.outputs

    prompts = torch.randint(2, 9, (3, 8))
    texts = [sample(predictor, prompts, 64, 16) for predictor in (own, Logits())]
    assert torch.equal(*texts)
    assert texts[0].shape == (3, 72)
