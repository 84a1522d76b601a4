"""The files of WNUT 2017."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from assay.data.datasets.text import english_texts, wnut17, wnut17_sentences


def test_tags_are_upstreams_thirteen() -> None:
    assert len(wnut17.DATASET.tags) == 13
    assert wnut17.DATASET.tags[:3] == ("O", "B-corporation", "I-corporation")


def test_a_bad_row_of_test_is_named(tmp_path: Path) -> None:
    wnut17_sentences.SENTENCES.make_twin(tmp_path, 0)
    with (tmp_path / "emerging.test.annotated").open("a") as file:
        file.write("\nParis\tB-city\n")
    rows = (tmp_path / "emerging.test.annotated").read_text().count("\n")
    with pytest.raises(
        ValueError, match=rf"emerging.test.annotated: row {rows}: label 'B-city', allowed are O, "
    ):
        wnut17_sentences.SENTENCES.read(tmp_path)


def test_the_twin_has_upstreams_splits(tmp_path: Path) -> None:
    wnut17.DATASET.make_twin(tmp_path, 0)
    result = wnut17.DATASET.prepare(tmp_path, tmp_path / "wnut17_twin", seed=0, validation_fraction=0.5)
    assert result["counts"] == {"train": 160, "validation": 40, "test": 40}


def test_the_vocabulary_has_common_words_of_the_other_training_texts_but_not_of_their_held_out_texts(
    tmp_path: Path,
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    wnut17.DATASET.make_twin(raw, 0)
    wnut17.DATASET.prepare(raw, out, seed=0, validation_fraction=0.1)
    words = set(Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab()) - {"[PAD]", "[UNK]"}
    tagged = wnut17.DATASET.read(raw)
    train = {word.lower() for row in np.flatnonzero(tagged.split == "train") for word in tagged.words[row]}
    common = english_texts.common_words(raw, seed=0, validation_fraction=0.1)
    assert words == train | set(common)
    assert len(words) > len(train) + 100
    with gzip.open(raw / "multi30k" / "val.en.gz", "at") as file:
        file.write("xyzzy\n")
    with gzip.open(raw / "multi30k" / "val.de.gz", "at") as file:
        file.write("yzzyx\n")
    assert english_texts.common_words(raw, seed=0, validation_fraction=0.1) == common
    with gzip.open(raw / "multi30k" / "train.en.gz", "at") as file:
        file.write("xyzzy\n")
    with gzip.open(raw / "multi30k" / "train.de.gz", "at") as file:
        file.write("yzzyx\n")
    assert set(english_texts.common_words(raw, seed=0, validation_fraction=0.1)) == set(common)


@pytest.mark.skipif("ASSAY_MIRROR" not in os.environ, reason="ASSAY_MIRROR names no mirror of the real files")
def test_the_mirror_holds_the_declared_bytes(tmp_path: Path) -> None:
    files = wnut17.DATASET.fetch(tmp_path, mirror=os.environ["ASSAY_MIRROR"])
    assert len(files) == len(wnut17.DATASET.source.files) == 3 + 2 + 2 + 6
    tagged = wnut17.DATASET.read(tmp_path)
    counts = pd.DataFrame(
        {
            "split": tagged.split,
            "sentences": 1,
            "words": [len(words) for words in tagged.words],
            "entities": [sum(tag % 2 for tag in tags) for tags in tagged.tags],
        }
    ).groupby("split")
    assert counts.sum().to_dict("index") == {
        "train": {"sentences": 3394, "words": 62730, "entities": 1975},
        "validation": {"sentences": 1009, "words": 15733, "entities": 836},
        "test": {"sentences": 1287, "words": 23394, "entities": 1079},
    }
    assert sum('"' in words for words in tagged.words) > 100
    result = wnut17.DATASET.prepare(tmp_path, tmp_path / "out", seed=0, validation_fraction=0.1)
    assert result["counts"] == {"train": 3280, "validation": 1005, "test": 1279}
    assert sum(drop["count"] for drop in result["dropped"]) == 126
