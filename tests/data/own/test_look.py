"""Files and folders of every kind, and those that are refused in one line."""

from __future__ import annotations

import gzip
import io
import pickle
import subprocess
import sys
import wave
import zipfile

import pytest

from assay.data.own.look import look
from tests.data.own.test_delimited import ROWS, fault, kinds, seen

TAGGED = "Jo B-PER\nReed I-PER\nran O\n\nhome O\n\n"


def packed(kind: str) -> bytes:
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w") as file:
            file.writestr("a.csv", ROWS)
    elif kind == "wav":
        with wave.open(stream, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(b"\0\0" * 100)
    return stream.getvalue()


class Harmful:
    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", packed("zip"), "is an archive; unpack it first"),
        ("a.csv", packed("zip"), "is an archive or a spreadsheet"),
        ("a.csv", gzip.compress(b"\0" * 10**6, mtime=0), "is an archive"),
        ("a.wav", packed("wav"), "is audio"),
        ("a.xlsx", packed("zip"), "is a spreadsheet; save the sheet as CSV"),
        ("a.pkl", pickle.dumps(Harmful()), "is a pickle, which can run code when it is read"),
        ("a.csv", pickle.dumps(Harmful()), "control characters|NUL characters"),
        ("a.png", b"\x89PNG", "one image; a folder"),
        ("a.xyz", b"a,b\n1,2\n", "files that end in .xyz are not read"),
        ("a.csv", b"PAR1....", "give it the ending .parquet"),
        ("a.json", b'{"images": [],\n "annotations": []}', "boxes in images .COCO. are not supported yet"),
        ("a.json", b'{"a": 1,\n "b": 2}', "one object over several lines"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(tmp_path, name, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        seen(tmp_path, content, name)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_and_other_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file or folder"):
        look(tmp_path / "absent")
    with pytest.raises(ValueError, match="the folder holds nothing"):
        look(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(ROWS)
    with pytest.raises(ValueError, match=r"2 files with the same columns: is one of them meant"):
        look(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("a.svg", "b.svg"):
        (tmp_path / "sub" / name).write_text("<svg/>")
    with pytest.raises(ValueError, match=r"the folder holds \.svg; .* name one file"):
        look(tmp_path / "sub")


def test_text_without_columns_is_plain_text(tmp_path):
    found = seen(
        tmp_path, "It was a night, dark and long.\nHe said: no.\n\nThen, she left.\n" * 20, "story.txt"
    )
    assert (found.form.kind, found.rows) == ("plain text", 60)
    assert (found.best.signature, found.best.inputs) == ("text -> next character", ("text",))
    assert "short text" in kinds(found)


def test_a_text_file_of_columns_is_a_table(tmp_path):
    assert seen(tmp_path, ROWS.replace(",", "\t"), "rows.txt").best.signature == "text -> class"


def test_reads_words_and_tags(tmp_path):
    found = seen(tmp_path, TAGGED * 40, "a.conll")
    assert (found.rows, found.best.signature, found.best.metric) == (80, "text -> tags", "entity_f1")
    assert dict(found.column("column 2").classes) == {"O": 80, "B-PER": 40, "I-PER": 40}
    assert dict(found.column("entities").classes) == {"PER": 40}
    assert found.duplicates.count == 78


@pytest.mark.parametrize("name", ["a.txt", "a.tsv"])
def test_words_and_tags_are_recognised_by_their_content(tmp_path, name):
    separator = "\t" if name.endswith("tsv") else " "
    found = seen(tmp_path, TAGGED.replace(" ", separator) * 40, name)
    assert (found.form.kind, found.rows, found.best.metric) == ("CoNLL columns", 80, "entity_f1")
    assert found.form.separator == ("tab" if name.endswith("tsv") else "blanks")
    parts = "the DT\nhouse NN\nis VB\n\n" * 40
    assert seen(tmp_path, parts, "b.txt").best.metric == "accuracy"
    poem = "".join(f"dark night{i}\nlong hours{i}\n\n" for i in range(40))
    assert seen(tmp_path, poem, "c.txt").form.kind == "plain text"
    table = "".join(f"a sentence of words {i}\t{i % 2}\n\n" for i in range(40))
    assert seen(tmp_path, table, "d.txt").form.kind == "delimited text"


def test_schemes_of_tags_are_said_and_entities_counted(tmp_path):
    found = seen(tmp_path, "Jo B-P\nLee E-P\nAl S-P\nran O\n\nUlm S-L\nfell O\n\n" * 20, "a.conll")
    assert dict(found.column("entities").classes) == {"P": 40, "L": 20}
    assert "read as IOB2" in fault(found, "tags are BIOES").message
    found = seen(tmp_path, "Jo I-P\nLee I-P\nAl B-P\nran O\n\n" * 20, "a.conll")
    assert dict(found.column("entities").classes) == {"P": 40}
    assert "IOB1" in fault(found, "tags are IOB1").message
    found = seen(tmp_path, "Jo B-P\nran O\nLee B-P\nAl E-P\n\n" * 20, "a.conll")
    message = fault(found, "not BIOES").message
    assert message.startswith(
        "20 tags do not follow the one before as BIOES has it, the first in a.conll, line 2"
    )


def test_a_tag_that_continues_nothing_and_a_short_line_are_named(tmp_path):
    found = seen(tmp_path, "a O\nb I-PER\n\nc B-LOC\nd I-PER\n", "a.conll")
    assert (
        fault(found, "I- without B-").message
        == "2 tags I- follow no tag of their kind, the first in a.conll, line 2; they are read as B-"
    )
    with pytest.raises(ValueError, match=r"a\.conll: line 2: 1 columns; 2 are expected"):
        seen(tmp_path, "a O\nb\n", "a.conll")


def test_several_columns_of_tags_are_asked_about(tmp_path):
    rows = "a DT B-NP O\nb NN I-NP B-LOC\n\n"
    (question,) = seen(tmp_path, rows, "a.conll").questions
    assert question.candidates == ("column 4", "column 3", "column 2")
    assert seen(tmp_path, rows, "a.conll", target="column 2").best.target == "column 2"
    with pytest.raises(ValueError, match="--target column 9: no column of tags"):
        seen(tmp_path, rows, "a.conll", target="column 9")


def test_conll_u_names_its_columns(tmp_path):
    words = "# text = don't\n1-2\tdon't" + "\t_" * 8 + "\n"
    words += "1\tdo\tdo\tAUX\tVB" + "\t_" * 5 + "\n2\tn't\tnot\tPART\tRB" + "\t_" * 5 + "\n\n"
    found = seen(tmp_path, words, "a.conllu")
    assert (found.best.target, dict(found.column("UPOS").classes)) == ("UPOS", {"AUX": 1, "PART": 1})
    assert (fault(found, "ranges").count, fault(found, "comments").count) == (1, 1)


def test_files_of_a_folder_are_kept_together(tmp_path):
    for i in range(3):
        (tmp_path / f"{i}.conll").write_text(TAGGED)
    found = look(tmp_path)
    assert (found.rows, found.split.strategy, found.split.column) == (6, "group", "file")


def test_torch_is_not_imported():
    code = "import assay.data.own.look, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
