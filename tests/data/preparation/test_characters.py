"""Windows of a long text, on cases small enough to work out by hand."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from assay.data.preparation.characters import (
    WINDOW,
    Documents,
    LongText,
    build_tokenizer,
    cut,
    prepare,
    read_text,
)
from assay.data.preparation.split_strategies import Fold

SOME = "".join(random.Random(0).choices("abcdef \n\u00e9", k=20 * WINDOW + 1))


def run(text: str, out: Path, ignored_targets: int = 0) -> dict[str, object]:
    fractions = {"validation_fraction": 0.2, "test_fraction": 0.25}
    return prepare(LongText(text), out, dataset="notes", ignored_targets=ignored_targets, **fractions)


def table(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "items.parquet")


def test_windows_overlap_by_one_character_that_is_a_target_and_then_an_input() -> None:
    windows = LongText(SOME).windows()
    assert [len(window) for window in windows] == [WINDOW + 1] * 20
    assert SOME[0] + "".join(window[1:] for window in windows) == SOME


@pytest.mark.parametrize(
    ("characters", "windows"), [(1, 0), (2, 1), (WINDOW + 1, 1), (WINDOW + 2, 2), (3 * WINDOW, 3)]
)
def test_the_last_window_may_be_shorter(characters: int, windows: int) -> None:
    text = LongText(SOME[:characters])
    assert len(text) == len(text.windows()) == windows


def test_characters_are_numbered_by_frequency_then_by_code_point_and_are_not_changed() -> None:
    tokenizer = build_tokenizer(["bB b\n", "a \u00e9e\u0301"])
    assert tokenizer.get_vocab() == (
        {"[PAD]": 0, "[UNK]": 1, " ": 2, "b": 3, "\n": 4, "B": 5, "a": 6, "e": 7, "\u00e9": 8, "\u0301": 9}
    )
    assert tokenizer.encode("b\n\u00e9z[PAD]").ids == [3, 4, 8, 1, *[1] * 5]
    assert tokenizer.decode(tokenizer.encode("bB b\n  a").ids) == "bB b\n  a"


def test_writes_rows_that_describe_the_arrays(tmp_path: Path) -> None:
    result = run(SOME[:-10] + "\x07", tmp_path)
    assert result["counts"] == {"train": 12, "validation": 3, "test": 5}
    assert result["dropped"] == []
    arrays, items = load_file(tmp_path / "arrays.safetensors"), table(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert items["split"].tolist() == ["train"] * 12 + ["validation"] * 3 + ["test"] * 5
    for row, text in enumerate(LongText(SOME[:-10] + "\x07").windows()):
        ids, num_targets = tokenizer.encode(text).ids, len(text) - 1
        assert arrays["inputs"][row].tolist() == ids[:-1] + [0] * (WINDOW - num_targets)
        assert arrays["targets"][row].tolist() == ids[1:] + [-100] * (WINDOW - num_targets)
        facts = items.loc[row]
        assert (facts["item"], facts["text"], facts["characters"]) == (row, text, num_targets)
        assert facts["distinct"] == len(set(text))
        assert facts["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert facts["odd"] == text.count("\x07")
        assert facts["unknown"] == text.count("\x07") / len(text)
    assert items["characters"].tolist() == [WINDOW] * 19 + [WINDOW - 9]


def test_ignored_targets_do_not_count(tmp_path: Path) -> None:
    run(SOME, tmp_path / "all")
    run(SOME, tmp_path / "some", ignored_targets=2)
    whole, some = (load_file(tmp_path / name / "arrays.safetensors") for name in ("all", "some"))
    np.testing.assert_array_equal(some["inputs"], whole["inputs"])
    np.testing.assert_array_equal(some["targets"][:, 2:], whole["targets"][:, 2:])
    assert (some["targets"][:, :2] == -100).all()
    assert set(table(tmp_path / "some")["characters"]) == {WINDOW - 2}


def test_equal_texts_give_equal_bytes(tmp_path: Path) -> None:
    assert run(SOME, tmp_path / "a")["files"] == run(SOME, tmp_path / "b")["files"]


@pytest.mark.parametrize(("count", "parts"), [(100, [72, 18, 10]), (3, [1, 1, 1]), (1000, [720, 180, 100])])
def test_splits_follow_one_another_and_none_is_empty(count: int, parts: list[int]) -> None:
    split = cut(np.full(count, ""), 0.2, 0.1)
    assert split.tolist() == ["train"] * parts[0] + ["validation"] * parts[1] + ["test"] * parts[2]


def test_the_vocabulary_is_that_of_training_windows(tmp_path: Path) -> None:
    run(SOME[: 15 * WINDOW].replace("f", "e") + SOME[15 * WINDOW :], tmp_path)  # f is only in test
    items, tokenizer = table(tmp_path), Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert "f" not in tokenizer.get_vocab()
    unknown = items.groupby("split")["unknown"].mean()
    assert (unknown["train"], unknown["validation"]) == (0, 0)
    assert unknown["test"] == pytest.approx(items["text"][15:].map(lambda text: text.count("f") / 65).mean())
    targets = load_file(tmp_path / "arrays.safetensors")["targets"]
    assert (targets[15:] == 1).sum() == sum(text[1:].count("f") for text in items["text"][15:])


def test_repeats_are_kept_once_and_test_stays_whole(tmp_path: Path) -> None:
    # Each block of 64 is a window with the "!" that begins the next block: equal blocks are equal windows.
    blocks = ["!" + SOME[row * WINDOW + 1 : (row + 1) * WINDOW] for row in range(20)]
    for copy, first in {
        4: 2,
        13: 2,
        17: 6,
        18: 6,
    }.items():  # 12, 13 and 14 are validation, from 15 on is test
        blocks[copy] = blocks[first]
    result = run("".join(blocks) + "!", tmp_path)
    items = table(tmp_path)
    assert items["item"].tolist() == [item for item in range(20) if item not in (4, 6, 13, 18)]
    assert [(record["split"], record["reason"], record["items"]) for record in result["dropped"]] == [
        ("test", "same characters as an earlier item of the split", [18]),
        ("train and validation", "same characters as an earlier item of the split", [4, 13]),
        ("train and validation", "also in test", [6]),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "row 1: the file is empty"),
        (b"a", "row 1: 1 characters, at least 130 are needed"),
        (b"ab" * 30, "row 1: 60 characters, at least 130 are needed"),
        (b"a\nb\xff" * 100, "row 2: byte 0xff is not utf-8"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"input.txt: {words}[^\n]*; delete the file and run again$"):
        read_text(path)


def test_a_text_of_one_character_over_and_over_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^notes: no window is left for train: 1 of 20 differ;[^\n]+$"):
        run("a" * (20 * WINDOW + 1), tmp_path)
    assert not (tmp_path / "prepared.json").exists()


def test_line_ends_are_as_upstream_has_them(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(b"a\r\nb\n" * 100)
    assert read_text(path).text == "a\r\nb\n" * 100


def test_windows_of_several_texts_hold_characters_of_one() -> None:
    texts = ["a" * 100, "b", "c" * 65]
    documents = Documents(texts, ["train", "", "test"])
    assert documents.windows() == ["a" * 65, "a" * 36, "c" * 65]
    assert documents.split.tolist() == ["train", "train", "test"]
    assert len(documents) == 3


def test_groups_are_drawn_whole(tmp_path: Path) -> None:
    texts = [f"{number}{number * 7 % 10}" * 300 + str(number) for number in range(10)]
    documents = Documents(texts, [""] * 10)
    groups = np.repeat(np.array([f"{number}.txt" for number in range(10)]), documents.counts)
    facts = prepare(
        documents, tmp_path, dataset="d", validation_fraction=0.1, test_fraction=0.3, groups=groups
    )
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert facts["split"]["strategy"] == "group"
    assert items.groupby("group")["split"].nunique().max() == 1
    assert items.groupby("split")["group"].nunique().to_dict() == {"test": 3, "train": 6, "validation": 1}


def test_a_text_that_is_split_by_position_has_no_folds(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^notes: a text that is split by position has no folds; remove folds$"
    ):
        prepare(LongText(SOME), tmp_path, dataset="notes", validation_fraction=0.1, test_fraction=Fold(0, 5))
