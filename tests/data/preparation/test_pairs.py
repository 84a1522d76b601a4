"""Pairs: tokenizers decode what they encoded, and are made from training texts only."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from assay.data.preparation import pairs
from assay.data.special_tokens import END, UNKNOWN
from assay.files import sha256

TEXTS = ['Ein Mann, der ein "Schild" hält.', "A man's dog é runs!", "Zwei Männer laufen (schnell)."]
TOKENIZERS = [partial(pairs.byte_pairs, size=200), pairs.characters]


@pytest.mark.parametrize("build", TOKENIZERS)
def test_a_text_comes_back(build) -> None:
    tokenizer = build(TEXTS)
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


@pytest.mark.parametrize("build", TOKENIZERS)
def test_equal_texts_give_equal_bytes(build) -> None:
    assert build(TEXTS).to_str() == build(TEXTS).to_str()


@pytest.mark.parametrize("build", TOKENIZERS)
def test_a_text_cannot_contain_special_tokens(build) -> None:
    ids = build([*TEXTS, "[END]"]).encode("[END] [PAD] @").ids
    assert END not in ids
    assert UNKNOWN in ids


FOUR = pairs.PairSet(
    ["a b", "c  d", "e f", "a x"],
    ["1 2", "3", "e f", "4 5 6"],
    np.array(["train"] * 2 + ["validation", "test"]),
)


def prepared(tmp_path: Path, pair_set: pairs.PairSet = FOUR, **changes) -> dict:
    arguments = {
        "build_tokenizer": pairs.characters,
        "longest": (9, 3),
        "seed": 0,
        "validation_fraction": 0.1,
        "test_fraction": 0.1,
    }
    return pairs.prepare(pair_set, tmp_path, dataset="made", **{**arguments, **changes})


def test_tokens_are_those_of_training_texts(tmp_path: Path) -> None:
    result = prepared(tmp_path)
    vocabulary = Tokenizer.from_file(str(tmp_path / "tokenizer.json")).get_vocab()
    assert set(vocabulary) == {"[PAD]", "[UNK]", "[BEGIN]", "[END]", *"abcd123", " "}
    assert result["vocabulary"] == len(vocabulary)
    assert pd.read_parquet(tmp_path / "items.parquet")["unknown"].tolist() == [0, 0, 4 / 6, 4 / 8]


def test_arrays_are_padded_and_cut(tmp_path: Path) -> None:
    assert prepared(tmp_path)["shape"] == [3, 3]
    arrays = load_file(tmp_path / "arrays.safetensors")
    assert arrays["source"].shape == (4, 3)
    assert arrays["target"][1].tolist()[1:] == [0, 0]
    assert arrays["target"][3].tolist() == [1, arrays["target"][0][1], 1]  # of "4 5 6" the first three


@pytest.mark.parametrize("build", TOKENIZERS)
def test_texts_of_one_token_of_unknown_ones_and_of_a_hundred_thousand_characters(
    build, tmp_path: Path
) -> None:
    texts = [*TEXTS, "a", "\u4e00\u4e8c", "a man " * 16_667, "x" * 100_000]
    split = np.array(["train"] * 2 + ["validation"] + ["test"] * 4)
    pair_set = pairs.PairSet(texts, texts[::-1], split)
    assert prepared(tmp_path, pair_set, build_tokenizer=build)["shape"] == [9, 3]
    items, arrays = pd.read_parquet(tmp_path / "items.parquet"), load_file(tmp_path / "arrays.safetensors")
    assert items["source_characters"].tolist()[3:] == [1, 2, 100_001, 100_000]
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for row, text in enumerate(items["source"]):
        ids = tokenizer.encode(text).ids
        assert items["source_tokens"][row] == len(ids)
        assert arrays["source"][row].tolist() == (ids + [0] * 9)[:9]
    assert UNKNOWN in arrays["source"][4]


def test_prepared_json_vouches_for_the_files(tmp_path: Path) -> None:
    result = prepared(tmp_path)
    assert json.loads((tmp_path / "prepared.json").read_text()) == result
    assert result["files"] == {name: sha256(tmp_path / name) for name in result["files"]}
    assert len(result["files"]) == 3
