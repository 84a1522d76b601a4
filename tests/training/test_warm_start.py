"""Weights of another network are copied as the class declares, word vectors word by word."""

import pytest
import torch
from torch import nn

from assay.artifacts import store
from assay.data.preparation.text import build_tokenizer
from assay.files import sha256
from assay.models.layers.word_embedding import WordEmbedding
from assay.models.text.bag_of_embeddings import BagOfEmbeddings
from assay.provenance import records
from assay.training import warm_start

TARGET = "assay.models.text.bag_of_embeddings:BagOfEmbeddings"
KNOBS = {"num_classes": 2, "words": 100, "width": 4, "dropout": 0.0}
THERE, HERE = "good films are good", "a good Film"


class Starts(BagOfEmbeddings):
    """Starts with the word vectors of the other network."""

    STARTS = {"embedding": "embedding"}


@pytest.fixture
def start(tmp_path):
    """Return the weights of a network trained on other texts, read for the texts of HERE."""
    for name, texts in (("there", [THERE]), ("here", [HERE])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_text(build_tokenizer(texts).to_str())
    torch.manual_seed(0)
    model = BagOfEmbeddings(vocabulary=5, **KNOBS)
    folder = tmp_path / "model"
    folder.mkdir()
    record = store.save(folder, model, target=TARGET, arguments={"vocabulary": 5, **KNOBS})
    records.write(
        folder / "status.json",
        {
            "phase": "train",
            "status": "ok",
            "reason": "",
            "traceback": "",
            "code": "c0de",
            "made_from": [],
            "data": {},
            "train_items": None,
            "best_epoch": 1,
            "epochs": 1,
            "spec": {"task": "words", "model": "bag", "seed": 3},
            "artifact": record,
            "files": {"model.safetensors": sha256(folder / "model.safetensors")},
        },
    )
    paths = (folder / "status.json", tmp_path / "there/prepared.json", tmp_path / "here/prepared.json")
    return warm_start.read(*paths), model


def test_words_are_matched_by_name_and_unknown_ones_keep_their_initial_vectors(start):
    found, source = start
    # Ids are by frequency, then by name. Here: a, film, good. There: good, are, films.
    assert found.name == "words/bag/3"
    assert found.rows.tolist() == [0, 1, -1, -1, 2]
    torch.manual_seed(1)
    model = Starts(vocabulary=5, **KNOBS)
    drawn = model.embedding.table.weight.detach().clone()
    head = model.head.weight.detach().clone()
    found.into(model)
    table, there = model.embedding.table.weight.detach(), source.embedding.table.weight.detach()
    assert torch.equal(table[[0, 1, 4]], there[[0, 1, 2]])
    assert torch.equal(table[[2, 3]], drawn[[2, 3]])
    assert torch.equal(model.head.weight, head)


def test_a_smaller_table_gets_the_rows_it_has(start):
    found, source = start
    model = Starts(vocabulary=5, **{**KNOBS, "words": 3})
    found.into(model)
    assert torch.equal(model.embedding.table.weight[:2], source.embedding.table.weight[:2])


def test_a_part_that_is_not_a_table_is_copied_whole(start):
    found, source = start
    model = Starts(vocabulary=5, **KNOBS)
    model.STARTS = {"head": "head"}
    found.into(model)
    assert torch.equal(model.head.weight, source.head.weight)
    assert torch.equal(model.head.bias, source.head.bias)


def test_errors_about_parts_that_do_not_fit(start):
    found, _ = start
    with pytest.raises(ValueError, match="BagOfEmbeddings cannot start from another network"):
        found.into(BagOfEmbeddings(vocabulary=5, **KNOBS))
    wider = Starts(vocabulary=5, **{**KNOBS, "width": 6})
    with pytest.raises(
        ValueError, match=r"words/bag/3 has shape \(5, 4\) for embedding.table.weight of shape"
    ):
        found.into(wider)
    other = nn.Module()
    other.STARTS, other.encoder = {"encoder": "encoder"}, WordEmbedding(5, 4)
    with pytest.raises(ValueError, match=r"has nothing for encoder\.table\.weight"):
        found.into(other)


@pytest.mark.usefixtures("start")
def test_data_without_words_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer\.json: not found; only models of text can start"):
        warm_start.read(
            tmp_path / "model/status.json", tmp_path / "there/prepared.json", tmp_path / "none/p.json"
        )
