"""Datasets made of others hold their texts, and no test item of a part is learned from."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from assay import catalogue
from assay.datasets import ag_news, english_texts, movie_reviews, reviews_and_news
from assay.datasets.cleaning import SPLITS
from assay.word_ids import MASK, PADDING

MADE = sorted(name for name, entry in catalogue.DATASETS.items() if entry.parts)


def prepared(module, folder: Path, seed: int) -> pd.DataFrame:
    module.make_twin(folder / "raw", 0)
    module.prepare(folder / "raw", folder / "out", seed=seed, validation_fraction=0.2)
    return pd.read_parquet(folder / "out" / "items.parquet")


def test_both_were_found():
    assert MADE == ["english_texts", "reviews_and_news"]


@pytest.mark.parametrize("name", MADE)
def test_the_catalogue_names_its_parts(name):
    assert catalogue.DATASETS[name].parts == tuple(catalogue.load(catalogue.DATASETS[name].module).PARTS)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("module", [english_texts, reviews_and_news])
def test_test_items_of_a_part_are_test_items_here(module, seed, tmp_path):
    whole = prepared(module, tmp_path / "whole", seed).set_index("text")["split"]
    texts = 0
    for part in (movie_reviews, ag_news):
        own = prepared(part, tmp_path / part.SOURCE.name, seed)
        for split in SPLITS if module is english_texts else ("test",):
            here = whole.reindex(own.loc[own["split"] == split, "text"]).dropna()
            assert set(here) == {split}
            texts += len(here)
    assert texts > 20


def test_one_known_word_is_missing_from_each_text(tmp_path):
    items = prepared(english_texts, tmp_path, 0)
    arrays = catalogue.load("assay.tasks.masked_words").load(tmp_path / "out", SPLITS)
    for name, split in arrays.items():
        texts = items.loc[items["split"] == name, "text"].tolist()
        assert (split.inputs == MASK).sum(dim=1).tolist() == [1] * len(texts)
        assert (split.targets > MASK).all()
        if name == "train":  # of which every word is known
            said = torch.where(split.inputs[0] == MASK, split.targets[0], split.inputs[0]).tolist()
            assert [split.words[number] for number in said if number != PADDING] == texts[0].split()


def test_the_same_word_is_missing_every_time(tmp_path):
    for turn in ("first", "second"):
        prepared(english_texts, tmp_path / turn, 3)
    for name in ("arrays.safetensors", "items.parquet", "tokenizer.json", "prepared.json"):
        first, second = ((tmp_path / turn / "out" / name).read_bytes() for turn in ("first", "second"))
        assert first == second


def test_held_out_texts_beyond_the_cap_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(english_texts, "HELD_OUT", 5)
    english_texts.make_twin(tmp_path / "raw", 0)
    result = english_texts.prepare(tmp_path / "raw", tmp_path / "out", seed=0, validation_fraction=0.2)
    assert (result["counts"]["validation"], result["counts"]["test"]) == (5, 5)
    told = [entry for entry in result["dropped"] if entry["reason"] == "held out beyond 5"]
    assert {entry["split"] for entry in told} == {"validation", "test"}
    assert sum(result["counts"].values()) + sum(entry["count"] for entry in told) == len(
        english_texts.read(tmp_path / "raw")
    )
