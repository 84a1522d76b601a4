"""The contract that every network that reads texts keeps, and what makes each of them itself.

The models without layers are in test_text_classical.py.
"""

import inspect

import pytest
import torch
from torch import nn

from assay.models.layers import recurrent
from assay.models.layers.text_encoder import Attention, attention_mask
from assay.models.layers.word_embedding import WordEmbedding, cut, mean_over_words
from assay.models.text.bag_of_embeddings import BagOfEmbeddings
from assay.models.text.text_cnn import TextCNN
from assay.models.text.text_recurrent import TextRecurrent
from assay.models.text.text_transformer import TextTransformer
from tests.models.knobs import CELLS, NEURAL_TEXT

VOCABULARY, LENGTH, NUM_CLASSES = 60, 20, 7
GIVEN = {"vocabulary": VOCABULARY, "shape": (LENGTH,), "num_classes": NUM_CLASSES}
# A row of its own for each cell in each direction: they are networks of their own.
NEURAL = {name: (name, knobs) for name, knobs in NEURAL_TEXT.items() if name != "text_recurrent"} | {
    f"{cell}{'_both_ways' * both}": (
        "text_recurrent",
        {**NEURAL_TEXT["text_recurrent"], "cell": cell, "bidirectional": both},
    )
    for cell in CELLS
    for both in (False, True)
}

neural = pytest.mark.parametrize("row", sorted(NEURAL))


def provided(kind):
    """Return those of the task's arguments that a model names, as the pipeline gives them."""
    return {name: GIVEN[name] for name in GIVEN if name in inspect.signature(kind).parameters}


@pytest.fixture
def build(model_class):
    def make(row, seed=0, **changed):
        name, knobs = NEURAL[row]
        torch.manual_seed(seed)
        return model_class(name)(**provided(model_class(name)), **{**knobs, **changed})

    return make


def some_texts(count, seed=0, shortest=1):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, VOCABULARY, (count, LENGTH), generator=generator)
    lengths = torch.randint(shortest, LENGTH + 1, (count, 1), generator=generator)
    return ids * (torch.arange(LENGTH) < lengths)


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@neural
def test_gives_one_finite_logit_a_class(row, build):
    logits = build(row)(some_texts(5))
    assert logits.shape == (5, NUM_CLASSES)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


@neural
def test_gradient_reaches_every_parameter_but_the_padding(row, build):
    model = build(row)
    texts = some_texts(64, shortest=LENGTH)
    nn.functional.cross_entropy(model(texts), torch.arange(64) % NUM_CLASSES).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []
    reached = model.embedding.table.weight.grad.abs().sum(dim=1) > 0
    assert not reached[0]
    assert reached[1:].all()


@neural
def test_learns_sixteen_texts_by_heart(row, build):
    model = build(row)
    texts, targets = some_texts(16, shortest=4), torch.arange(16) % NUM_CLASSES
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(200):
        logits = model(texts)
        loss = nn.functional.cross_entropy(logits, targets)
        if loss < 0.1:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1
    assert (logits.argmax(1) == targets).all()


@neural
def test_padding_does_not_matter(row, build):
    model = build(row).eval()
    for words in range(1, 11):
        text = some_texts(1, shortest=LENGTH)[:, :words]
        padded = nn.functional.pad(text, (0, 5))
        # Beside a longer text, so that the padding is not cut off.
        beside = torch.cat([padded, torch.ones(1, words + 5, dtype=torch.int64)])
        assert_close(model(beside)[:1], model(text))
        assert_close(model(padded), model(text))


@neural
def test_a_text_of_padding_alone_is_no_nan(row, build):
    model = build(row)
    empty = torch.zeros(2, LENGTH, dtype=torch.int64)
    beside = torch.cat([empty, some_texts(1, shortest=LENGTH)])
    assert torch.isfinite(model(empty)).all()
    nn.functional.cross_entropy(model(beside), torch.arange(3)).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    assert_close(model(beside)[:2], model(empty))


@neural
def test_one_text_does_not_change_anothers_logits(row, build):
    model, texts = build(row).eval(), some_texts(8)
    for item in range(8):
        assert_close(model(texts)[item : item + 1], model(texts[item : item + 1]))


@neural
def test_words_beyond_the_knob_are_unknown(row, build):
    model, texts = build(row).eval(), some_texts(16)
    unknown = torch.where(texts < 50, texts, 1)
    assert not torch.equal(texts, unknown)
    assert torch.equal(model(texts), model(unknown))
    assert model.embedding.table.num_embeddings == 50
    assert build(row, words=1000).embedding.table.num_embeddings == VOCABULARY


@neural
def test_the_memory_format_changes_nothing(row, build):
    model, texts = build(row).eval(), some_texts(4)
    expected = model(texts)
    assert torch.equal(model.to(memory_format=torch.channels_last)(texts), expected)


@neural
def test_trains_in_bfloat16(row, build):
    model = build(row)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(some_texts(4))
    logits.float().sum().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@neural
def test_weights_make_the_same_model_again(row, build):
    first, second = build(row, seed=1).eval(), build(row, seed=2).eval()
    texts = some_texts(4)
    assert not torch.equal(first(texts), second(texts))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(texts), second(texts))


@neural
def test_the_seed_decides_the_initial_weights(row, build):
    first, second = build(row, seed=3), build(row, seed=3)
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key


@neural
def test_dropout_acts_in_training_only(row, build):
    model, texts = build(row, dropout=0.5), some_texts(4)
    assert not torch.equal(model(texts), model(texts))
    model.eval()
    assert torch.equal(model(texts), model(texts))


@pytest.mark.parametrize("row", ["tanh_both_ways", "lstm", "text_transformer"])
def test_only_the_first_words_are_read(row, build):
    model, texts = build(row, length=6).eval(), some_texts(4, shortest=LENGTH)
    assert torch.equal(model(texts), model(texts[:, :6]))
    assert not torch.equal(model(texts), model(texts[:, :5]))


def test_the_padding_cut_off_is_what_no_text_needs():
    ids = torch.tensor([[3, 0, 0, 0, 0], [4, 5, 0, 0, 0]])
    assert cut(ids).tolist() == [[3, 0], [4, 5]]
    assert cut(ids[:, [0, 1, 1, 2, 3]]).tolist() == [[3, 0, 0, 0], [4, 5, 5, 0]]  # two at a time
    assert cut(ids[:, [0, 1, 1]]).tolist() == [[3, 0, 0], [4, 5, 5]]
    assert cut(ids * 0).tolist() == [[0, 0], [0, 0]]


def test_the_padding_vector_is_zero():
    table = WordEmbedding(5, 3).table.weight
    assert not table[0].any()
    assert table[1:].all()


def test_the_mean_is_over_words():
    vectors = torch.tensor([[[1.0], [3.0], [100.0]], [[1.0], [2.0], [3.0]]])
    real = torch.tensor([[True, True, False], [False, False, False]])
    assert mean_over_words(vectors, real).tolist() == [[2.0], [0.0]]


def test_a_bag_has_no_order():
    model = BagOfEmbeddings(vocabulary=9, num_classes=3, words=9, width=4, dropout=0.0).eval()
    assert_close(model(torch.tensor([[2, 3, 4, 0]])), model(torch.tensor([[4, 2, 3, 0]])))


def test_text_cnn_is_the_best_of_every_phrase():
    torch.manual_seed(0)
    knobs = {"words": 9, "width": 4, "kernels": [2, 3], "filters": 5, "dropout": 0.0, "vectors": "tuned"}
    model, text = TextCNN(vocabulary=9, num_classes=3, **knobs), torch.tensor([[5, 2, 8, 3, 0, 0]])
    maxima = []
    for convolution, kernel in zip(model.convolutions, [2, 3], strict=True):
        phrases = [text[:, start : start + kernel] for start in range(4 - kernel + 1)]
        answers = [convolution(model.embedding(phrase).transpose(1, 2)).relu() for phrase in phrases]
        maxima.append(torch.cat(answers, dim=2).amax(dim=2))
    assert_close(model(text), model.head(torch.cat(maxima, dim=1)))


def test_text_cnn_with_two_channels_adds_each_filters_answers(build):
    model, texts = build("text_cnn", vectors="both").eval(), some_texts(4, shortest=LENGTH)
    single = build("text_cnn", vectors="tuned").eval()
    single.load_state_dict({name: value for name, value in model.state_dict().items() if "fixed" not in name})
    with torch.no_grad():
        single.embedding.table.weight += model.fixed.table.weight
    assert_close(model(texts), single(texts))
    assert model.STARTS == {"embedding": "embedding", "fixed": "embedding"}


@pytest.mark.parametrize("row", ["text_cnn", "lstm"])
@pytest.mark.parametrize("vectors", ["tuned", "static"])
def test_static_vectors_stay_as_they_begin(row, vectors, build):
    model = build(row, vectors=vectors)
    model(some_texts(8)).square().sum().backward()
    assert (model.embedding.table.weight.grad is None) == (vectors == "static")
    assert model.head.weight.grad is not None


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_text_recurrent_is_torchs_on_packed_texts(cell, bidirectional):
    torch.manual_seed(0)
    knobs = {"words": VOCABULARY, "width": 6, "hidden": 5, "layers": 2, "dropout": 0.0, "length": LENGTH}
    knobs["vectors"] = "tuned"
    model = TextRecurrent(
        vocabulary=VOCABULARY, num_classes=3, cell=cell, bidirectional=bidirectional, **knobs
    )
    theirs = recurrent.CELLS[cell](6, 5, num_layers=2, batch_first=True, bidirectional=bidirectional)
    state = {
        key.replace("_l0", f"_l{number}{suffix}"): value
        for number, layer in enumerate(model.layers)
        for part, suffix in ((layer.onward, ""), (layer.back, "_reverse"))
        if part is not None
        for key, value in part.state_dict().items()
    }
    theirs.load_state_dict(state)
    texts = some_texts(8)
    packed = nn.utils.rnn.pack_padded_sequence(
        model.embedding(texts), (texts != 0).sum(1), batch_first=True, enforce_sorted=False
    )
    _, last = theirs(packed)
    last = last[0] if cell == "lstm" else last
    ends = torch.cat([*last[-2 if bidirectional else -1 :]], dim=1)
    assert_close(model(texts), model.head(ends))


def test_attention_is_torchs():
    torch.manual_seed(0)
    ours, states = Attention(12, 3), torch.randn(2, 5, 12)
    real = torch.tensor([[True] * 5, [True, True, True, False, False]])
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.queries_keys_values.weight,
            "in_proj_bias": ours.queries_keys_values.bias,
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    assert_close(
        ours(states, attention_mask(real)), theirs(states, states, states, key_padding_mask=~real)[0]
    )


def test_text_transformer_heeds_the_order_by_its_positions_alone(build):
    model = build("text_transformer").eval()
    text = some_texts(1, shortest=LENGTH)[:, :6]
    assert not torch.allclose(model(text), model(text.flip(1)), atol=1e-5)
    nn.init.zeros_(model.encoder.positions)
    assert_close(model(text), model(text.flip(1)))


def test_text_transformer_refuses_what_does_not_divide():
    with pytest.raises(ValueError, match="not a multiple of heads = 3"):
        TextTransformer(vocabulary=9, num_classes=2, **{**NEURAL_TEXT["text_transformer"], "heads": 3})
