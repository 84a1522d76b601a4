"""Cleaning, splitting, tokens and writing of texts, on cases small enough to work out by hand."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from assay.data.preparation.text import (
    TextSet,
    build_tokenizer,
    prepare,
    read_lines,
    read_table,
    require_label,
    require_text,
)
from assay.files import read_json, sha256

CLASSES = ("calm", "loud")
WRITTEN = ["arrays.safetensors", "items.parquet", "prepared.json", "tokenizer.json"]


def of(texts: list[str], labels: list[int] | None = None, split: list[str] | None = None) -> TextSet:
    numbers = np.array(labels or [row % 2 for row in range(len(texts))])
    return TextSet(texts, numbers, np.array(split or [""] * len(texts)), CLASSES)


def many(num: int = 100) -> TextSet:
    return of([f"Text number {row} ." for row in range(num)])


def run(text_set: TextSet, out: Path, seed: int = 0, longest: int = 6) -> dict[str, object]:
    return prepare(
        text_set,
        out,
        dataset="notes",
        seed=seed,
        validation_fraction=0.25,
        test_fraction=0.2,
        longest=longest,
    )


def table(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "items.parquet")


def test_words_are_numbered_by_frequency_then_by_name() -> None:
    tokenizer = build_tokenizer(["b B a", "C é a"])
    assert tokenizer.get_vocab() == {"[PAD]": 0, "[UNK]": 1, "a": 2, "b": 3, "c": 4, "é": 5}


def test_tokens_are_words_and_runs_of_punctuation_in_lower_case() -> None:
    tokenizer = build_tokenizer(["it's GOOD ... [UNK] e\u0301"])
    assert tokenizer.encode("It's good ... nothing é [pad]").tokens == (
        ["it", "'", "s", "good", "...", "[UNK]", "é", "[", "[UNK]", "]"]
    )


def test_equal_texts_give_the_same_tokenizer_in_any_process() -> None:
    code = "from assay.data.preparation.text import build_tokenizer as b; print(b(['d c b a e f', 'a']).to_str())"
    shown = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(shown) == 1


def test_writes_rows_that_describe_the_arrays(tmp_path: Path) -> None:
    text_set = of([f"word{row} is  \tLOUD\x85\x07 ?" for row in range(40)])
    run(text_set, tmp_path)
    arrays, items = load_file(tmp_path / "arrays.safetensors"), table(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert " ".join(items) == "item split label characters tokens unknown odd sha256 text"
    assert (arrays["tokens"].dtype, arrays["labels"].dtype) == (np.int32, np.int64)
    for row, item in enumerate(items["item"]):
        whole = f"word{item} is LOUD \x07 ?"
        assert items["text"][row] == whole
        assert arrays["labels"][row] == items["label"][row] == item % 2
        assert items["sha256"][row] == hashlib.sha256(whole.encode()).hexdigest()
        assert (items["characters"][row], items["tokens"][row], items["odd"][row]) == (len(whole), 5, 2)
        assert arrays["tokens"][row].tolist() == tokenizer.encode(whole).ids
        assert items["unknown"][row] == (0 if items["split"][row] == "train" else 1 / 5)


def test_pads_on_the_right_and_cuts_at_the_longest_training_text(tmp_path: Path) -> None:
    texts = [f"a b w{row}" for row in range(10)] + ["a", "b", "a b c d e f", "b a x y z"]
    split = ["train"] * 10 + ["test"] * 4
    result = run(of(texts, split=split), tmp_path)
    tokens = load_file(tmp_path / "arrays.safetensors")["tokens"]
    assert result["shape"] == [3]
    assert tokens[-4:].tolist() == [[2, 0, 0], [3, 0, 0], [2, 3, 1], [3, 2, 1]]
    assert table(tmp_path)["tokens"].tolist()[-4:] == [1, 1, 6, 5]


def test_truncates_at_the_requested_length(tmp_path: Path) -> None:
    assert run(many(), tmp_path, longest=2)["shape"] == [2]
    assert load_file(tmp_path / "arrays.safetensors")["tokens"].shape == (100, 2)
    assert set(table(tmp_path)["tokens"]) == {4}


def test_the_vocabulary_is_that_of_training_items(tmp_path: Path) -> None:
    texts = [f"same w{row}" for row in range(20)] + [f"other v{row}" for row in range(10)]
    result = run(of(texts, split=["train"] * 20 + ["test"] * 10), tmp_path)
    items = table(tmp_path)
    assert result["vocabulary"] == 2 + 1 + (items["split"] == "train").sum()
    assert items.groupby("split")["unknown"].unique().to_dict() == {
        "train": [0],
        "validation": [0.5],
        "test": [1],
    }


def test_a_text_of_a_hundred_thousand_characters_is_cut(tmp_path: Path) -> None:
    texts = [*many().texts, "x" * 100_000, "y " * 50_000]
    result = run(of(texts), tmp_path)
    items = table(tmp_path).set_index("item")
    assert items["characters"][[100, 101]].tolist() == [100_000, 99_999]
    assert items["tokens"][[100, 101]].tolist() == [1, 50_000]
    assert result["shape"] in ([4], [6])


def test_texts_that_differ_only_in_whitespace_are_equal(tmp_path: Path) -> None:
    text_set = of([*many().texts, " Text  number\t1 .\n", "text number 1 ."], [*([0, 1] * 50), 1, 1])
    result = run(text_set, tmp_path)
    reason = "same text as an earlier item of the split"
    assert result["dropped"] == [{"reason": reason, "split": "all", "count": 1, "items": [100]}]
    assert table(tmp_path)["item"].tolist() == [*range(100), 101]


def test_layout_is_not_odd_but_control_characters_are(tmp_path: Path) -> None:
    text_set = many()
    text_set.texts[0] = "\tone\r\n"
    text_set.texts[1] = "\ufffdtwo\x00\x96\x85"
    run(text_set, tmp_path)
    assert table(tmp_path)["odd"].tolist() == [0, 4] + [0] * 98


def test_returns_the_contents_of_prepared_json(tmp_path: Path) -> None:
    result = run(many(), tmp_path)
    assert result == read_json(tmp_path / "prepared.json")
    assert (result["status"], result["dataset"], result["classes"]) == ("ok", "notes", ["calm", "loud"])
    assert (result["shape"], result["vocabulary"], result["dropped"]) == ([4], 2 + 3 + 60, [])
    assert result["counts"] == {"train": 60, "validation": 20, "test": 20}
    assert result["class_counts"] == {"train": [30, 30], "validation": [10, 10], "test": [10, 10]}
    names = ("arrays.safetensors", "items.parquet", "tokenizer.json")
    assert result["files"] == {name: sha256(tmp_path / name) for name in names}
    assert "optimum" not in result


def test_keeps_a_known_optimum(tmp_path: Path) -> None:
    prepare(
        many(),
        tmp_path,
        dataset="notes",
        seed=0,
        validation_fraction=0.25,
        test_fraction=0.2,
        longest=6,
        optimum={"accuracy": 0.9},
    )
    assert read_json(tmp_path / "prepared.json")["optimum"] == {"accuracy": 0.9}


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for name, seed in {"a": 0, "b": 0, "c": 1}.items():
        run(many(), tmp_path / name, seed)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == WRITTEN
    for name in WRITTEN:
        first, again, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert first == again
        assert first != other


def test_a_split_that_cannot_be_stratified_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "prepared.json").write_text("of an earlier run")
    with pytest.raises(ValueError, match=r"^notes: a split is not possible: [^\n]+$"):
        run(of(["a", "b", "c"], [0, 0, 1]), tmp_path)
    assert not (tmp_path / "prepared.json").exists()


def test_only_lf_ends_a_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\x85two\rthree\n\nfour")
    assert read_lines(tmp_path / "a", encoding="windows-1252") == ["one…two\rthree", "", "four"]
    (tmp_path / "b").write_bytes(b"one\n")
    assert read_lines(tmp_path / "b", encoding="utf-8") == ["one"]


def test_reads_records_with_quotes_and_line_breaks(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'"1","say ""hi"", you"\n"2","two\nlines"\n')
    rows = list(read_table(tmp_path / "a", encoding="utf-8", num_columns=2))
    assert rows == [(1, ["1", 'say "hi", you']), (3, ["2", "two\nlines"])]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'"1","a"\n"2"\n', "row 2: 1 columns, expected 2"),
        (b'"1","a"\n\n', "row 2: 0 columns, expected 2"),
        (b'"1","a"\n"2","a","b"\n', "row 2: 3 columns, expected 2"),
        (b'"1","a"\n"2","\xe9"\n', "row 2: byte 0xe9 is not utf-8"),
        (b'"1","a"\n"2","b"c\n', "row 2: not CSV"),
        (b'"1","a"\n"2","b', "row 2: not CSV"),
    ],
)
def test_a_bad_row_is_one_line_that_names_it(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(ValueError, match=rf"^{re.escape(f'{tmp_path}/a.csv: {words}')}[^\n]*run again$"):
        list(read_table(tmp_path / "a.csv", encoding="utf-8", num_columns=2))


def test_bytes_that_the_encoding_lacks_are_named_with_their_row(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo \x81\n")
    with pytest.raises(ValueError, match=r"a: row 2: byte 0x81 is not windows-1252; delete[^\n]+$"):
        read_lines(tmp_path / "a", encoding="windows-1252")


def test_reads_a_field_of_any_length(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('1,"' + "ab\n" * 100_000 + f'"\n2,{"c" * 131_073}\n')
    fields = [each for _, (_, each) in read_table(tmp_path / "a", encoding="utf-8", num_columns=2)]
    assert [len(each) for each in fields] == [300_000, 131_073]


def test_refuses_blank_texts_and_unknown_labels() -> None:
    assert require_text(Path("a"), 3, " b ") == " b "
    assert require_label(Path("a"), 3, "loud", CLASSES) == 1
    with pytest.raises(ValueError, match=r"^a: row 3: the text is empty; delete the file and run again$"):
        require_text(Path("a"), 3, " \t\x85")
    with pytest.raises(ValueError, match=r"^a: row 3: label 'mad', allowed are calm, loud; [^\n]+$"):
        require_label(Path("a"), 3, "mad", CLASSES)
