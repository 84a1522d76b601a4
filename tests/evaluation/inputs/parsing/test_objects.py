"""JSON lines, one JSON array and Parquet are the same values; what is damaged is one line."""

from __future__ import annotations

import gzip
import io
import json
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.data.own.json_values import Written
from assay.evaluation.inputs.parsing import objects
from assay.evaluation.inputs.parsing.encodings import Encoding
from assay.evaluation.inputs.parsing.items import Bad
from assay.evaluation.inputs.parsing.sources import Source

ROWS = [{"n": 1.5, "text": "a café", "flag": True}, {"n": None, "text": "ends", "flag": False}]


def saved(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(path, columns):
    pq.write_table(pa.table(columns), path)
    return path


def read(path, encoding="utf-8"):
    source = Source(path.name, path=path, encoding=Encoding(encoding))
    stream = source.open()
    try:
        assert objects.holds(source, stream)
        return [*objects.objects(source, stream)]
    finally:
        stream.close()


def forms(folder):
    lines = "".join(f"{json.dumps(row)}\n" for row in ROWS)
    yield saved(folder / "rows.jsonl", lines)
    yield saved(folder / "lines.json", "\n" + lines.replace("\n", "\n\n"))
    yield saved(folder / "rows.json", json.dumps(ROWS))
    yield saved(folder / "indented.json", "\ufeff\n" + json.dumps(ROWS, indent=2, ensure_ascii=False))
    yield saved(folder / "no_suffix", json.dumps(ROWS))
    yield parquet(folder / "rows.parquet", {name: [row[name] for row in ROWS] for name in ROWS[0]})


def test_every_form_holds_the_same_values(tmp_path):
    for path in forms(tmp_path):
        first, second = (each.value for each in read(path))
        assert [(type(each), each) for each in first.values()][:2] == [(Written, "1.5"), (str, "a café")], (
            path
        )
        assert (second["n"], second["text"]) == (None, "ends"), path


def test_rows_are_numbered_by_line_or_item(tmp_path):
    assert [each.row for each in read(saved(tmp_path / "a.jsonl", '{"a": 1}\n\n{"a": 2}\n'))] == [1, 3]
    assert [each.row for each in read(saved(tmp_path / "a.json", '[{"a": 1},\n\n{"a": 2}]'))] == [1, 2]
    assert [each.row for each in read(parquet(tmp_path / "a.parquet", {"a": range(3)}))] == [1, 2, 3]


def test_parquet_is_not_decoded_as_text(tmp_path):
    path = parquet(tmp_path / "rows.pq", {"a": ["é"] * 9})
    assert [each.value for each in read(path, "windows-1252")] == [{"a": "é"}] * 9


def test_standard_input_is_recognised_by_its_first_bytes(tmp_path, monkeypatch):
    for path in forms(tmp_path):
        monkeypatch.setattr(
            "sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes().lstrip(b"\xef\xbb\xbf\n")))
        )
        source = Source("standard input", encoding=Encoding())
        stream = source.open()
        assert objects.holds(source, stream), path
        assert len([*objects.objects(source, stream)]) == 2


@pytest.mark.parametrize("line", ["[Reuters] Stocks rose", "PARIS wins", "a {text}"])
def test_a_line_of_text_is_no_json(line, tmp_path):
    source = Source("lines", path=saved(tmp_path / "lines", line))
    stream = source.open()
    assert not objects.holds(source, stream)
    stream.close()


def test_nested_cells_and_types_of_parquet(tmp_path):
    path = parquet(
        tmp_path / "a.parquet", {"a": [[1]], "b": [{"c": 1}], "d": pa.array(["x"]).dictionary_encode()}
    )
    assert read(path)[0].value == {"a": [1], "b": {"c": 1}, "d": "x"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.json", '[{"a": 1}, {"a"', "cut.json: not a whole JSON array"),
        ("deep.json", "[" * 100_000, "deep.json: not a whole JSON array (nested too deeply)"),
        ("bytes.json", b'[{"a": "\xff"}]', "bytes.json: not a whole JSON array"),
        ("two.json", '[{"a": 1}]\n[{"a": 2}]', "two.json: not a whole JSON array"),
        ("none.json", "[]", "none.json: no objects; one object per row is expected"),
        ("one.json", '{\n  "a": 1\n}', "one.json: one object over several lines; an array of objects"),
        ("text.parquet", "a,b", "text.parquet: not a whole Parquet file"),
        ("packed.json", gzip.compress(b"[]", mtime=0), "packed.json: is packed with gzip; unpack it first"),
    ],
)
def test_what_cannot_be_read_is_one_line(name, content, words, tmp_path):
    with pytest.raises(ValueError, match=r"expected|whole|gzip") as caught:
        read(saved(tmp_path / name, content))
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_damaged_and_empty_parquet_is_one_line(tmp_path):
    path = parquet(tmp_path / "a.parquet", {"a": range(1000)})
    whole = path.read_bytes()
    for content in (whole[:-100], whole[: len(whole) // 2], whole[:4], whole[:100] + whole[200:]):
        with pytest.raises(ValueError, match=r"^a\.parquet: not a whole Parquet file \(.*\)$"):
            read(saved(path, content))
    with pytest.raises(ValueError, match=r"a\.parquet: no rows; rows are expected"):
        read(parquet(path, {"a": pa.array([], pa.int64())}))
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    with pytest.raises(ValueError, match=r"a\.parquet: two columns have the same name"):
        read(path)


def test_an_item_with_half_a_character_is_named_and_the_rest_is_read(tmp_path):
    items = read(saved(tmp_path / "a.json", '[{"a": "\\ud800"}, {"a": "\\ud83d\\ude00"}]'))
    assert isinstance(items[0], Bad)
    assert (items[0].row, items[1].value) == (1, {"a": "😀"})


def test_parquet_comes_from_a_pipe(tmp_path):
    pipe, path = tmp_path / "pipe.parquet", tmp_path / "a.parquet"
    pd.DataFrame({"a": [1, 2]}).to_parquet(path)
    os.mkfifo(pipe)
    if os.fork() == 0:
        pipe.write_bytes(path.read_bytes())
        os._exit(0)
    assert [each.value for each in read(pipe)] == [{"a": "1"}, {"a": "2"}]
    os.wait()
