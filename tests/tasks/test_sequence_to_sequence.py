"""Tasks that map texts to texts: packing, loss and metrics."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sacrebleu
import torch
from torch.nn import functional as F

from assay.data.datasets.text import dates
from assay.data.special_tokens import BEGIN, END
from assay.data.splits import first_items
from assay.tasks import transduction, translation
from assay.tasks.sequence_to_sequence import ITEMS, Answer, Pairs, SequenceToSequence, pack

TASK = SequenceToSequence()


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    folder = tmp_path_factory.mktemp("dates")
    dates.DATASET.make_twin(folder / "raw", 0)
    dates.DATASET.prepare(folder / "raw", folder / "out", seed=0, validation_fraction=0.1)
    return TASK.load(folder / "out", ("test",))["test"]


class Oracle:
    """Knows the targets of a split by their sources, and gives each word of them a probability of one half."""

    model = None
    arguments: dict[str, int] = {}

    def __init__(self, split: Pairs, vocabulary: int) -> None:
        self.source_length = split.inputs.shape[1] - split.target_length
        self.vocabulary = vocabulary
        sources = split.inputs[:, : self.source_length].tolist()
        self.known = dict(zip(map(tuple, sources), split.targets.tolist(), strict=True))

    def outputs(self, inputs: np.ndarray, *, batch_size: int = 256) -> np.ndarray:
        assert len(inputs) <= max(batch_size, ITEMS)
        targets = torch.tensor([self.known[tuple(row[: self.source_length].tolist())] for row in inputs])
        half = math.log(self.vocabulary - 1)  # as much as all the others together
        return (F.one_hot(targets, self.vocabulary) * half).float().numpy()


class Tempted(Oracle):
    """Slightly prefers an incorrect first word, and has uniform logits after it."""

    arguments = {"beam": 2}

    def outputs(self, inputs: np.ndarray, *, batch_size: int = 256) -> np.ndarray:
        logits = super().outputs(inputs, batch_size=batch_size)
        incorrect = logits[:, 0].argmax(axis=1) + 1
        logits[np.arange(len(logits)), 0, incorrect] = logits.max() + 0.5
        logits[inputs[:, self.source_length + 1] == incorrect, 1:] = 0
        return logits


def test_packs_begin_and_end() -> None:
    inputs, targets, lengths = pack(torch.tensor([[5, 6, 0], [7, 0, 0]]), torch.tensor([[8, 9], [8, 0]]))
    assert inputs.tolist() == [[5, 6, 0, BEGIN, 8, 9], [7, 0, 0, BEGIN, 8, 0]]
    assert targets.tolist() == [[8, 9, END], [8, END, 0]]
    assert lengths.tolist() == [2 * 6 + 2, 1 * 6 + 1]


def test_loss_and_sums_exclude_padding() -> None:
    outputs, targets = torch.randn(2, 2, 12), torch.tensor([[8, END, 0], [END, 0, 0]])
    rows = F.log_softmax(outputs, dim=2)
    expected = -(rows[0, 0, 8] + rows[0, 1, END] + rows[1, 0, END])
    torch.testing.assert_close(TASK.loss(outputs, targets), expected / 3)
    torch.testing.assert_close(
        TASK.metric_state(outputs, targets), torch.tensor([expected, 3.0]).double(), check_dtype=False
    )
    sums = TASK.metric_state(outputs[:1], targets[:1]) + TASK.metric_state(outputs[1:], targets[1:])
    assert TASK.compute_watched(sums) == pytest.approx((expected.item() / 3,) * 2)


def test_loads_texts_with_their_items(split: Pairs) -> None:
    for row in (0, 7):
        ids = [word for word in split.targets[row].tolist() if word > END]
        assert split.tokenizer.decode(ids) == split.references[row]
    taken = split.take(torch.tensor([3, 1]))
    assert taken.sources.tolist() == [split.sources[3], split.sources[1]]
    assert taken.items.tolist() == [split.items[3], split.items[1]]
    assert len(first_items(split, 5).references) == 5


def test_a_model_that_knows_all_targets_reaches_the_optimum(split: Pairs) -> None:
    answer = TASK.predict(Oracle(split, 200), split)
    assert answer.hypotheses == split.references.tolist()
    scores = transduction.TASK.compute_metrics(answer, split)
    assert scores["exact_match"] == dates.DATASET.optimum["exact_match"] == 1.0
    assert scores["cross_entropy"] == pytest.approx(math.log(2), rel=1e-5)
    assert scores["perplexity"] == pytest.approx(2, rel=1e-5)


def test_beam_search_finds_what_greedy_decoding_misses(split: Pairs) -> None:
    answer = TASK.predict(Tempted(split, 200), first_items(split, 20))
    scores = transduction.TASK.compute_metrics(answer, first_items(split, 20))
    assert (scores["exact_match"], scores["greedy_exact_match"]) == (1, 0)
    scores = translation.TASK.compute_metrics(answer, first_items(split, 20))
    assert scores["bleu"] == pytest.approx(100)
    assert scores["greedy_bleu"] < 50


def test_predictions_have_one_row_per_item(split: Pairs) -> None:
    answer = TASK.predict(Oracle(split, 200), split)
    for task in (transduction.TASK, translation.TASK):
        table = task.predictions(answer, split)
        assert table["item"].tolist() == split.items.tolist()
        assert table["exact_match"].mean() == 1
        assert table["surprise"].sum() / table["words"].sum() == pytest.approx(math.log(2), rel=1e-5)
    [samples] = transduction.TASK.exhibits(answer, split)
    first = samples.texts[0]
    assert first == {"given": split.sources[0], "expected": split.references[0], "said": split.references[0]}
    assert len(transduction.TASK.exhibits(answer, split)[0].texts) == 8


def test_outputs_that_are_not_finite_are_refused(split: Pairs) -> None:
    oracle = Oracle(split, 200)
    oracle.outputs = lambda inputs, **_: np.full((len(inputs), 11, 200), np.nan, np.float32)
    with pytest.raises(ValueError, match="not finite"):
        TASK.predict(oracle, split)


def some_answers() -> tuple[Answer, Pairs]:
    hypotheses = ["A man sleeps on a couch.", "Two dogs are running in the snow!", "", "a red car"]
    references = [
        "A man sleeping on a couch.",
        "Two dogs run in the snow.",
        "A boy.",
        "A red car parks here.",
    ]
    ones = torch.ones(4, 1, dtype=torch.int64)
    split = Pairs(ones, ones, np.arange(4), None, np.array(references, object), np.array(references, object))
    return Answer(hypotheses, references, np.ones(4), np.ones(4, np.int64)), split


def test_bleu_and_chrf_equal_sacrebleus() -> None:
    answer, split = some_answers()
    scores = translation.TASK.compute_metrics(answer, split)
    references = [split.references.tolist()]
    assert scores["bleu"] == pytest.approx(sacrebleu.corpus_bleu(answer.hypotheses, references).score)
    assert scores["chrf"] == pytest.approx(sacrebleu.corpus_chrf(answer.hypotheses, references).score)
    assert scores["greedy_bleu"] == pytest.approx(100)


def test_bleu_can_be_recomputed_from_the_table(tmp_path: Path) -> None:
    answer, split = some_answers()
    translation.TASK.predictions(answer, split).to_parquet(tmp_path / "table.parquet")
    table = pd.read_parquet(tmp_path / "table.parquet")
    found = translation.bleu(table[list(translation.STATISTICS)].to_numpy())
    assert found == pytest.approx(translation.TASK.compute_metrics(answer, split)["bleu"], rel=1e-12)
