"""Plain text of a file or a folder: its split, its encoding, and what does not fit it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.data.own.found import Options
from assay.data.own.look import look
from tests.data.own.test_delimited import fault, kinds, seen

LINE = "It was night number {} of the long voyage.\n"
TEXT = "".join(LINE.format(number) for number in range(300))


def folder(path: Path, count: int, names: str = "letter {}.txt") -> Path:
    path.mkdir()
    for number in range(count):
        (path / names.format(number)).write_text(f"letter {number}\n{TEXT}")
    return path


def test_a_file_is_split_by_position(tmp_path):
    found = seen(tmp_path, TEXT, "a.txt")
    assert (found.rows, found.split.strategy, found.questions) == (300, "order", ())
    assert found.columns[0].note == f"{len(TEXT):,} characters, {len(set(TEXT))} different"
    assert seen(tmp_path, TEXT, "a.txt", split="0.3").split.strategy == "order"


def test_of_many_files_whole_ones_are_drawn_and_of_few_the_text_is_cut(tmp_path):
    split = look(folder(tmp_path / "many", 12)).split
    assert (split.strategy, split.column) == ("group", "file")
    assert look(folder(tmp_path / "few", 3)).split.strategy == "order"
    assert look(tmp_path / "few", Options(split="group:file")).split.strategy == "group"


@pytest.mark.parametrize("names", [("train.txt", "test.txt"), ("train/a.txt", "test/a.txt")])
def test_names_of_files_or_folders_say_the_parts(tmp_path, names):
    for name in names:
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / name).write_text(name + TEXT)
    split = look(tmp_path / "corpus").split
    assert (split.strategy, split.column) == ("column", "file")


def test_a_text_of_few_characters_cannot_be_split_unless_the_user_says_so(tmp_path):
    assert seen(tmp_path, TEXT[:2000], "a.txt").split.strategy == "none"
    assert seen(tmp_path, TEXT[:2000], "a.txt", split="0.2").split.strategy == "order"


def test_blank_files_and_other_files_are_named(tmp_path):
    path = folder(tmp_path / "letters", 12)
    (path / "blank.txt").write_text(" \n")
    (path / "empty.txt").write_text("")
    (path / "map.svg").write_text("<svg/>")
    found = look(path)
    assert found.rows == 12
    assert fault(found, "blank file").count == 2
    assert "map.svg" in fault(found, "file left out").message


def test_any_file_of_a_folder_that_is_not_utf_8_is_asked_about(tmp_path):
    path = folder(tmp_path / "letters", 12)
    (path / "a.txt").write_text("Grüße\n" * 9, encoding="utf-8")
    (path / "z.txt").write_bytes(("Grüße aus Köln\n" + TEXT).encode("windows-1252"))
    (question,) = look(path).questions
    assert question.question.startswith("z.txt: the file is not UTF-8")
    found = look(path, Options(encoding="windows-1252"))
    assert found.questions == ()
    assert set(found.columns[0].note.split()[2:]) == {str(len(set(TEXT + "Grüße aus Kölntr"))), "different"}


@pytest.mark.parametrize("option", [{"target": "a"}, {"text": ("a",)}, {"ignore": ("a",)}])
def test_options_about_columns_do_not_fit(tmp_path, option):
    with pytest.raises(ValueError, match="which is plain text without columns; remove it"):
        seen(tmp_path, TEXT, "a.txt", **option)


def test_tables_and_texts_in_one_folder_are_asked_about(tmp_path):
    path = folder(tmp_path / "both", 2)
    (path / "facts.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="holds tables and texts; which is meant") as caught:
        look(path)
    assert "facts.csv" in str(caught.value)
    (path / "letter 0.txt").unlink()
    (path / "letter 1.txt").rename(path / "README.txt")
    assert kinds(look(path)) >= {"file left out"}
