"""JSON lines and arrays, each fault by hand."""

from __future__ import annotations

import json

import pytest

from tests.data.own.test_delimited import fault, seen

ITEMS = [
    {"text": f"a text of some words {i}", "label": "yes" if i % 2 else "no", "n": i / 2} for i in range(80)
]
LINES = "".join(json.dumps(item) + "\n" for item in ITEMS)


def test_reads_an_object_a_line(tmp_path):
    found = seen(tmp_path, LINES, "rows.jsonl")
    assert (found.form.kind, found.rows, found.best.signature, found.best.target) == (
        "JSON lines", 80, "text -> class", "label",
    )  # fmt: skip
    assert [each.kind for each in found.columns] == ["text", "category", "number"]


def test_reads_one_array(tmp_path):
    found = seen(tmp_path, json.dumps(ITEMS, indent=2), "rows.json")
    assert (found.form.kind, found.rows) == ("JSON array", 80)
    assert "JSON array" in {each.kind for each in found.faults}


def test_the_order_of_keys_does_not_choose_a_target(tmp_path):
    items = [{"b": i % 3, "a": i * 7 % 11 + 0.5, "c": i * 3 % 7 + 0.25} for i in range(80)]
    found = seen(tmp_path, "\n".join(map(json.dumps, items)), "rows.jsonl")
    assert [each.about for each in found.questions] == ["target"]


def test_null_and_names_that_are_absent_are_missing(tmp_path):
    found = seen(tmp_path, LINES + '{"text": null, "label": "yes"}\n', "rows.jsonl")
    assert (found.column("text").missing, found.column("n").missing) == (1, 1)
    assert fault(found, "names differ").lines == (81,)


def test_numbers_as_text_lists_and_line_breaks_are_named(tmp_path):
    items = [{"n": str(i / 3), "words": ["a"], "text": f"first\nsecond {i} and more"} for i in range(80)]
    found = seen(tmp_path, "\n".join(map(json.dumps, items)), "rows.jsonl")
    assert fault(found, "numbers as text").column == "n"
    assert found.column("words").kind == "nested"
    assert fault(found, "line break in a text").count == 80


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"a": \n', "line 2: not JSON"),
        ('{"a": 1}\n[1, 2]\n', "line 2: is no object"),
        ("[1, 2]", "item 1: is no object"),
        ("[", "not JSON"),
        ("[]", "no objects"),
        ('{"a": ' + "[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_row_is_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        seen(tmp_path, content, "rows.jsonl")
    assert "\n" not in str(caught.value)


def test_a_number_of_any_length_is_read(tmp_path):
    found = seen(tmp_path, LINES + '{"text": "x", "label": "no", "n": ' + "9" * 10_000 + "}\n", "rows.jsonl")
    assert fault(found, "no numbers").lines == (81,)
