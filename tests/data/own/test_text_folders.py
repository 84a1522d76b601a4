"""Folders of texts by class."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.data.own.found import Options
from assay.data.own.look import look
from tests.data.own.test_delimited import fault


def texts(path: Path, *folders: str, count: int = 40) -> Path:
    for name in folders:
        (path / name).mkdir(parents=True)
        for number in range(count):
            (path / name / f"{number}.txt").write_text(f"a text of {name}, number {number}\n")
    return path


def test_a_folder_is_a_class(tmp_path):
    found = look(texts(tmp_path / "mails", "ham", "spam"))
    best = found.best
    assert (found.form.kind, found.rows) == ("texts by folder", 80)
    assert (best.signature, best.target, best.metric) == ("text -> class", "folder name", "accuracy")
    assert dict(found.column("folder name").classes) == {"ham": 40, "spam": 40}
    assert found.split.strategy == "stratified"
    assert look(tmp_path / "mails", Options(split="0.3")).split.strategy == "random"


def test_the_same_folders_may_be_one_corpus(tmp_path):
    path = texts(tmp_path / "books", "novels", "plays", count=200)
    assert look(path).readings[1].signature == "text -> next character"
    assert look(path, Options(metric="bits_per_character")).best.signature == "text -> next character"


def test_folders_above_the_classes_say_the_parts(tmp_path):
    names = ("train/pos", "train/neg", "test/pos", "test/neg")
    path = texts(tmp_path / "reviews", *names)
    (path / "imdb.txt").write_text("about the data")
    found = look(path)
    assert dict(found.column("folder name").classes) == {"neg": 80, "pos": 80}
    assert found.split.strategy == "column"
    assert fault(found, "not in a class").message.endswith("imdb.txt")


def test_a_class_may_be_left_out(tmp_path):
    path = texts(tmp_path / "reviews", "pos", "neg", "unsup")
    found = look(path, Options(ignore=("unsup",)))
    assert set(found.column("folder name").classes) == {"neg", "pos"}
    with pytest.raises(
        ValueError, match="--ignore other: no such folder of a class; there are neg, pos, unsup"
    ):
        look(path, Options(ignore=("other",)))


def test_options_about_columns_do_not_fit(tmp_path):
    path = texts(tmp_path / "mails", "ham", "spam")
    with pytest.raises(ValueError, match="--text: does not fit"):
        look(path, Options(text=("body",)))


def test_folders_of_one_text_each_are_no_classes(tmp_path):
    found = look(texts(tmp_path / "books", "one", "two", "three", count=1))
    assert found.form.kind == "folder of texts"
