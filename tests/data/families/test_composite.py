"""Datasets made of others have their texts, and no test item of a part is used in training."""

import gzip
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from assay.config import registry
from assay.data import loading
from assay.data.datasets.text import (
    ag_news,
    english_texts,
    movie_reviews,
    multi30k,
    wnut17_sentences,
)
from assay.data.preparation.cleaning import SPLITS
from assay.data.special_tokens import MASK, PADDING
from assay.tasks.loading import load as load_task

MADE = sorted(name for name, entry in registry.DATASETS.items() if entry.parts)


def prepared(dataset, folder: Path, seed: int) -> pd.DataFrame:
    dataset.make_twin(folder / "raw", 0)
    dataset.prepare(folder / "raw", folder / "out", seed=seed, validation_fraction=0.2)
    return pd.read_parquet(folder / "out" / "items.parquet")


def test_all_were_found():
    assert MADE == ["english_texts", "reviews_and_news", "wnut17"]


@pytest.mark.parametrize("name", MADE)
def test_the_catalogue_names_its_parts(name):
    assert registry.DATASETS[name].parts == tuple(loading.load(name).parts)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("name", ["english_texts", "reviews_and_news"])
def test_test_items_of_a_part_are_test_items_here(name, seed, tmp_path):
    whole = prepared(loading.load(name), tmp_path / "whole", seed).set_index("text")["split"]
    texts = 0
    for part in (movie_reviews.DATASET, ag_news.DATASET):
        own = prepared(part, tmp_path / part.source.name, seed)
        for split in SPLITS if name == "english_texts" else ("test",):
            here = whole.reindex(own.loc[own["split"] == split, "text"]).dropna()
            assert set(here) == {split}
            texts += len(here)
    assert texts > 20


def test_captions_and_tagged_sentences_are_split_as_upstream_has_them(tmp_path):
    here = prepared(english_texts.DATASET, tmp_path, 0).set_index("text")
    captions = multi30k.DATASET.read(tmp_path / "raw" / "multi30k")
    sentences = wnut17_sentences.SENTENCES.read(tmp_path / "raw" / "wnut17")
    texts = {
        "multi30k": (captions.targets, captions.split),
        "wnut17": ([" ".join(words) for words in sentences.words], sentences.split),
    }
    for name, (of_part, split) in texts.items():
        expected = pd.Series(split, of_part).groupby(level=0).first()
        found = here.loc[here["source"] == name, "split"]
        assert len(found) > 150
        assert found.to_dict() == expected[found.index].to_dict()


def test_a_text_that_one_part_holds_out_is_not_learned_from_another(tmp_path):
    english_texts.DATASET.make_twin(tmp_path / "raw", 0)
    found = english_texts.DATASET.read(tmp_path / "raw", seed=0, validation_fraction=0.2)
    review = found.texts[found.split.tolist().index("train")]
    held = tmp_path / "raw" / "multi30k" / "val.en.gz"
    captions = gzip.decompress(held.read_bytes()).decode().split("\n")
    held.write_bytes(gzip.compress("\n".join([review, *captions[1:]]).encode()))
    english_texts.DATASET.prepare(tmp_path / "raw", tmp_path / "out", seed=0, validation_fraction=0.2)
    items = pd.read_parquet(tmp_path / "out" / "items.parquet").set_index("text")
    assert items.loc[[review], "split"].tolist() == ["validation"]


def test_a_text_of_only_unknown_words_is_dropped_and_counted(tmp_path):
    english_texts.DATASET.make_twin(tmp_path / "raw", 0)
    with (tmp_path / "raw" / "wnut17" / "emerging.test.annotated").open("a") as file:
        file.write("\nxyzzy\tO\n")
    result = english_texts.DATASET.prepare(
        tmp_path / "raw", tmp_path / "out", seed=0, validation_fraction=0.2
    )
    dropped = [entry for entry in result["dropped"] if entry["reason"] == "no known word"]
    assert [(entry["split"], entry["count"]) for entry in dropped] == [("test", 1)]


def test_one_known_word_is_missing_from_each_text(tmp_path):
    items = prepared(english_texts.DATASET, tmp_path, 0)
    arrays = load_task("masked_words").load(tmp_path / "out", SPLITS)
    for name, split in arrays.items():
        texts = items.loc[items["split"] == name, "text"].tolist()
        assert (split.inputs == MASK).sum(dim=1).tolist() == [1] * len(texts)
        assert (split.targets > MASK).all()
        if name == "train":  # of which every word is known
            ids = torch.where(split.inputs[0] == MASK, split.targets[0], split.inputs[0]).tolist()
            assert [split.words[number] for number in ids if number != PADDING] == texts[0].split()


def test_the_same_word_is_missing_every_time(tmp_path):
    for turn in ("first", "second"):
        prepared(english_texts.DATASET, tmp_path / turn, 3)
    for name in ("arrays.safetensors", "items.parquet", "tokenizer.json", "prepared.json"):
        first, second = ((tmp_path / turn / "out" / name).read_bytes() for turn in ("first", "second"))
        assert first == second


def test_held_out_texts_beyond_the_cap_are_counted(tmp_path):
    dataset = replace(english_texts.DATASET, held_out=5)
    dataset.make_twin(tmp_path / "raw", 0)
    result = dataset.prepare(tmp_path / "raw", tmp_path / "out", seed=0, validation_fraction=0.2)
    assert (result["counts"]["validation"], result["counts"]["test"]) == (5, 5)
    dropped = [entry for entry in result["dropped"] if entry["reason"] == "held out beyond 5"]
    assert {entry["split"] for entry in dropped} == {"validation", "test"}
    assert sum(result["counts"].values()) + sum(entry["count"] for entry in dropped) == len(
        english_texts.DATASET.read(tmp_path / "raw")
    )
