"""Beam search against every text that could be written, greedy choice against a plain loop, both paths alike."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from assay.artifacts.predictors import EstimatorPredictor, ModulePredictor
from assay.data.special_tokens import BEGIN, END, PADDING
from assay.models.generation.beam_search import NEVER, Rereading, search, words_of, writer
from tests.models.knobs import CLASSICAL_PAIRS, NEURAL_PAIRS

VOCABULARY, SOURCE, TARGET = 9, 6, 5
WRITTEN = [word for word in range(VOCABULARY) if word not in NEVER]


@pytest.fixture
def sources() -> torch.Tensor:
    ids = torch.randint(4, VOCABULARY, (7, SOURCE), generator=torch.Generator().manual_seed(0))
    ids[torch.arange(SOURCE) >= torch.tensor([6, 2, 3, 4, 5, 6, 1])[:, None]] = PADDING
    return ids


def network(model_class, name: str, **changes):
    torch.manual_seed(1)
    given = {"source_length": SOURCE, "vocabulary": VOCABULARY}
    if name == "seq2seq_transformer":
        given["target_length"] = TARGET
    module = model_class(name)(**given, **{**NEURAL_PAIRS[name], **changes}).eval()
    with torch.no_grad():  # at first all words are nearly as likely; the END must have its chance
        for weight in module.parameters():
            weight.mul_(1.7)
        module.vectors.bias[END] += 0.5
    return module


def predictor(model_class, name: str, sources: torch.Tensor, **changes):
    record = {"format": "", "parameters": 0, "arguments": {}}
    if name in NEURAL_PAIRS:
        return ModulePredictor(network(model_class, name, **changes), record)
    estimator = model_class(name)(
        source_length=SOURCE, vocabulary=VOCABULARY, seed=0, **CLASSICAL_PAIRS[name]
    )
    inputs = torch.cat([sources, torch.full((7, 1), BEGIN), sources[:, : TARGET - 1]], dim=1).numpy()
    targets = torch.cat([sources[:, : TARGET - 1], torch.full((7, 1), END)], dim=1).numpy()
    estimator.fit(inputs, targets)
    return EstimatorPredictor(estimator, record)


def surprise(module, source: torch.Tensor, text: tuple[int, ...]) -> float:
    """Return the log-probability of a whole text, its END included if it has one, in one pass."""
    inputs = torch.cat([source, torch.tensor([BEGIN, *text[:-1]])])[None]
    with torch.inference_mode():
        rows = torch.log_softmax(module(inputs)[0], dim=-1)
    return sum(float(rows[place, word]) for place, word in enumerate(text))


def every_text(longest: int) -> list[tuple[int, ...]]:
    """Return all texts that end, and those of the greatest length that do not."""
    words = [word for word in WRITTEN if word != END]
    ended = [(*text, END) for length in range(longest) for text in itertools.product(words, repeat=length)]
    return ended + list(itertools.product(words, repeat=longest))


@pytest.mark.parametrize("name", sorted(NEURAL_PAIRS))
def test_a_beam_wide_enough_finds_the_best_of_all_texts(name, model_class, sources) -> None:
    module, longest = network(model_class, name), 3
    found = search(module, sources, beam=500, longest=longest)
    for source, ids in zip(sources, found, strict=True):
        texts = every_text(longest)
        values = {text: surprise(module, source, text) / len(text) for text in texts}
        best = max(texts, key=values.__getitem__)
        assert tuple(word for word in ids.tolist() if word != PADDING) == best


@pytest.mark.parametrize("name", sorted(NEURAL_PAIRS))
def test_a_beam_of_one_is_the_greedy_choice(name, model_class, sources) -> None:
    module = network(model_class, name)
    found = search(module, sources, beam=1, longest=TARGET)
    for source, ids in zip(sources, found, strict=True):
        text: list[int] = []
        while len(text) < TARGET and text[-1:] != [END]:
            with torch.inference_mode():
                logits = module(torch.cat([source, torch.tensor([BEGIN, *text])])[None])[0, -1].clone()
                logits[list(NEVER)] = -torch.inf
            text.append(int(logits.argmax()))
        assert ids[: len(text)].tolist() == text
        assert not ids[len(text) :].any()


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("name", sorted([*NEURAL_PAIRS, *CLASSICAL_PAIRS]))
def test_keeping_states_and_reading_anew_write_the_same(name, beam, model_class, sources) -> None:
    of = predictor(model_class, name, sources)
    kept, anew = writer(of, TARGET), Rereading(of, TARGET)
    assert kept is not anew
    assert not isinstance(kept, Rereading)
    texts = [search(each, sources, beam=beam, longest=TARGET) for each in (kept, anew)]
    np.testing.assert_array_equal(*texts)


class Graphs:
    """A predictor that can be asked for words itself, as that of two graphs can."""

    model = None

    def start(self, source):
        """Not called here."""

    def step(self, words, memory):
        """Not called here."""


def test_a_predictor_that_writes_itself_is_asked_itself() -> None:
    graphs = Graphs()
    assert writer(graphs, TARGET) is graphs


@pytest.mark.parametrize("name", ["seq2seq_attention", "seq2seq_transformer"])
def test_copying_writes_the_same_either_way(name, model_class, sources) -> None:
    of = predictor(model_class, name, sources, copying=True)
    texts = [
        search(each, sources, beam=2, longest=TARGET) for each in (writer(of, TARGET), Rereading(of, TARGET))
    ]
    np.testing.assert_array_equal(*texts)


@pytest.mark.parametrize("name", sorted(NEURAL_PAIRS))
def test_a_text_does_not_depend_on_its_neighbours(name, model_class, sources) -> None:
    module = network(model_class, name)
    together = search(module, sources, beam=2, longest=TARGET)
    for number, source in enumerate(sources):
        alone = search(module, source[None], beam=2, longest=TARGET)
        np.testing.assert_array_equal(alone[0], together[number])


def test_what_is_not_finite_is_refused(model_class, sources) -> None:
    module = network(model_class, "seq2seq_lstm")
    module.vectors.bias.data[4] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        search(module, sources, beam=2, longest=TARGET)


def test_words_end_before_the_end() -> None:
    ids = np.array([[5, 6, END, 0], [5, 6, 7, 8], [END, 0, 0, 0]])
    assert words_of(ids) == [[5, 6], [5, 6, 7, 8], []]
