"""Tagged sentences: the file format, the numbers of words and tags, dropped sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from assay.data.preparation import tagged

TAGS = tagged.tag_names(("place", "who"))


def write(folder: Path, data: bytes) -> Path:
    path = folder / "a.conll"
    path.write_bytes(data)
    return path


def test_tags_are_numbered_by_type_and_part() -> None:
    assert TAGS == ("O", "B-place", "I-place", "B-who", "I-who")


def test_reads_words_and_tags(tmp_path: Path) -> None:
    data = 'Ann\tB-who\nLee\tI-who\n\t\n"\tO\n"\tO\nà\tB-place\r\n\n\n.\tO\n'.encode()
    words, tags = tagged.read_conll(write(tmp_path, data), TAGS)
    assert words == [["Ann", "Lee"], ['"', '"', "à"], ["."]]
    assert tags == [[3, 4], [0, 0, 1], [0]]


def test_reads_what_it_writes(tmp_path: Path) -> None:
    sentences = [(["Ann", "ran"], ["B-who", "O"]), (["."], ["O"])]
    (tmp_path / "a.conll").write_text(tagged.conll(sentences))
    assert (tmp_path / "a.conll").read_text() == "Ann\tB-who\nran\tO\n\n.\tO\n"
    assert tagged.read_conll(tmp_path / "a.conll", TAGS) == ([["Ann", "ran"], ["."]], [[3, 0], [0]])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "row 1: the file is empty; delete the file and run again"),
        (b"\n\t\n", "no sentence in it; delete the file and run again"),
        (
            b"a\tO\nb\tB-thing\n",
            "row 2: label 'B-thing', allowed are O, B-place, I-place, B-who, I-who; delete",
        ),
        (b"a\tO\n\nb\n", "row 3: 1 columns, expected a word, a tab and its tag; delete"),
        (b"a\tO\tO\n", "row 1: 3 columns, expected a word"),
        (b"a\tO\nb\xff\tO\n", "row 2: byte 0xff is not utf-8; delete"),
        (b"\tO\n", "row 1: word '' is empty or contains a space; delete"),
        (b"a b\tO\n", "row 1: word 'a b' is empty or contains a space; delete"),
    ],
)
def test_a_bad_file_is_named_with_its_row(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=rf"^[^\n]+a\.conll: {words}[^\n]*$"):
        tagged.read_conll(write(tmp_path, data), TAGS)


@pytest.mark.parametrize(
    ("tags", "count"),
    [([0, 1, 2, 2], 0), ([2, 2], 1), ([1, 4, 4], 1), ([0, 4, 3, 2], 2), ([1, 3, 4], 0), ([0], 0)],
)
def test_counts_tags_that_go_on_with_nothing(tags: list[int], count: int) -> None:
    assert tagged.count_malformed(tags) == count


def a_set(rows: list[tuple[str, str, list[int]]]) -> tagged.TaggedSet:
    """A set of sentences from their split, words and tags."""
    splits, texts, tags = zip(*rows, strict=True)
    return tagged.TaggedSet([text.split() for text in texts], list(tags), np.array(splits), TAGS)


ROWS = [
    ("train", "Ann likes ann", [3, 0, 3]),
    ("train", "Hi", [0]),
    ("validation", "Bob likes Rome", [3, 0, 1]),
    ("test", "ann of antidisestablishmentarianism", [3, 4, 4]),
]


def prepare(rows: list[tuple[str, str, list[int]]], out: Path) -> tuple[dict, dict, pd.DataFrame]:
    result = tagged.prepare(
        a_set(rows), out, dataset="x", seed=0, validation_fraction=0.5, test_fraction=0.25
    )
    return result, load_file(out / "arrays.safetensors"), pd.read_parquet(out / "items.parquet")


def vocabulary(path: Path) -> list[str]:
    """Return a tokenizer's vocabulary, by number."""
    known = Tokenizer.from_file(str(path)).get_vocab()
    return sorted(known, key=lambda thing: known[thing])


def test_only_words_of_training_have_numbers(tmp_path: Path) -> None:
    result, arrays, items = prepare(ROWS, tmp_path)
    assert vocabulary(tmp_path / "tokenizer.json") == ["[PAD]", "[UNK]", "ann", "hi", "likes"]
    assert arrays["words"].tolist() == [[2, 4, 2], [3, 0, 0], [1, 4, 1], [2, 1, 1]]
    assert arrays["tags"].tolist() == [[3, 0, 3], [0, -1, -1], [3, 0, 1], [3, 4, 4]]
    assert (result["vocabulary"], result["shape"]) == (5, [3, 18])
    assert items["unknown"].tolist() == [0, 0, 2 / 3, 2 / 3]
    assert items["split"].tolist() == ["train", "train", "validation", "test"]
    assert result["counts"] == {"train": 2, "validation": 1, "test": 1}


def test_sentences_of_one_word_of_unknown_ones_and_of_a_hundred_thousand_characters(tmp_path: Path) -> None:
    rows = [
        *ROWS[:3],
        ("test", "Rome", [1]),
        ("test", "no\u00e9 \u4e00", [3, 0]),
        ("test", "x" * 100_000, [0]),
        ("test", "ann " * 25_000, [0] * 25_000),
    ]
    result, arrays, items = prepare(rows, tmp_path)
    assert result["shape"] == [25_000, 18]
    assert items["tokens"].tolist()[3:] == [1, 2, 1, 25_000]
    assert items["longest"].tolist()[3:] == [4, 3, 100_000, 3]
    assert items["unknown"].tolist()[3:] == [1, 1, 1, 0]
    assert arrays["words"][3:6, :3].tolist() == [[1, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert arrays["characters"][5, 0, 1:].tolist() == [1] * 16


def test_characters_keep_their_case_and_long_words_are_cut(tmp_path: Path) -> None:
    result, arrays, _ = prepare(ROWS, tmp_path)
    characters = vocabulary(tmp_path / "characters.json")
    assert result["alphabet"] == len(characters)
    spelt = [characters[number] for number in arrays["characters"][0, 0] if number]
    assert spelt == ["[title]", *"Ann"]
    assert (arrays["characters"][2, 0] == 1).sum() == 3  # training has neither B nor o nor b
    assert (arrays["characters"][3, 2] > 0).all()
    assert not arrays["characters"][1, 1:].any()


def test_words_of_further_texts_have_numbers_too(tmp_path: Path) -> None:
    arguments = {"dataset": "x", "seed": 0, "validation_fraction": 0.5, "test_fraction": 0.25}
    result = tagged.prepare(a_set(ROWS), tmp_path, further=("of", "likes", "rome", "ann"), **arguments)
    assert vocabulary(tmp_path / "tokenizer.json")[2:] == ["ann", "likes", "of", "rome", "hi"]
    assert result["vocabulary"] == 7
    arrays = load_file(tmp_path / "arrays.safetensors")
    assert arrays["words"].tolist() == [[2, 3, 2], [6, 0, 0], [1, 3, 5], [2, 4, 1]]


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        ("@Ann #nlp http://x.y", "address"),
        ("2nd 50% 7", "number"),
        ("... :) 😀 '", "mark"),
        ("ann é don't", "lower"),
        ("USA É.U.", "upper"),
        ("A I", "letter"),
        ("Ann Don't Étienne", "title"),
        ("iPhone McCain CamelCase", "mixed"),
    ],
)
def test_shapes(words: str, shape: str) -> None:
    assert {tagged.shape(word) for word in words.split()} == {shape}


def test_describes_each_sentence(tmp_path: Path) -> None:
    _, _, items = prepare([*ROWS, ("train", "bad \x07", [0, 4])], tmp_path)
    assert items["entities"].tolist() == [2, 0, 2, 1, 0]
    assert items["malformed"].tolist() == [0, 0, 0, 0, 1]
    assert items["odd"].tolist() == [0, 0, 0, 0, 1]
    assert items["longest"].tolist()[3] == 28
    assert (items["lowest"].min(), items["highest"].max()) == (0, 4)
    assert items["text"][3] == "ann of antidisestablishmentarianism"


def test_repeated_sentences_are_dropped_and_counted(tmp_path: Path) -> None:
    again = [
        ("train", "Ann likes ann", [3, 0, 3]),  # as the first
        ("train", "ann of antidisestablishmentarianism", [3, 0, 0]),  # is in test
        ("test", "Oh Ann", [0, 3]),
        ("test", "Oh Ann", [0, 0]),  # the correct one is unknown
    ]
    result, _, items = prepare([*ROWS, *again], tmp_path)
    assert items["item"].tolist() == [0, 1, 2, 3]
    assert [(drop["reason"], drop["split"], drop["items"]) for drop in result["dropped"]] == [
        ("same text as an earlier item of the split", "train", [4]),
        ("same text with different labels in the split", "test", [6, 7]),
        ("also in test, with another label", "train", [5]),
    ]


def test_draws_the_splits_if_upstream_has_none(tmp_path: Path) -> None:
    result, _, _ = prepare([("", f"word{number}", [0]) for number in range(40)], tmp_path)
    assert result["counts"] == {"train": 15, "validation": 15, "test": 10}


def test_a_sentence_of_one_word_is_a_sentence(tmp_path: Path) -> None:
    _, arrays, _ = prepare([(split, f"a{split}", [1]) for split in ("train", "validation", "test")], tmp_path)
    assert arrays["words"].tolist() == [[2], [1], [1]]


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (prepare(ROWS, tmp_path / name)[0] for name in "ab")
    assert first["files"] == second["files"]
