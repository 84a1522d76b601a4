"""The sentences that a user reads."""

from __future__ import annotations

from assay.data.own.describe import describe
from tests.data.own.test_columns import table
from tests.data.own.test_delimited import seen
from tests.data.own.test_readings import LABELS, A, B


def test_says_what_was_found_in_plain_sentences(tmp_path):
    found = seen(tmp_path, table(("id", list(range(1, len(A) + 1))), ("a", A), ("b", B), ("label", LABELS)))
    lines = describe(found).splitlines()
    good, bad = LABELS.count("good"), LABELS.count("bad")
    classes = f"good {good}, bad {bad}" if good > bad else f"bad {bad}, good {good}"
    assert lines[0].endswith(
        "rows.csv: 120 rows of 4 columns, delimited text, utf-8, separator ,, decimal ., header in line 1,"
        " line ends LF."
    )
    assert lines[2:5] == [
        f"Reading: table -> class; target: label (2 classes: {classes}); from 2 columns: a, b; metric: auroc.",
        "Left out: id (id: counts the rows).",
        "It could also be: table -> number (a), table -> number (b).",
    ]
    assert lines[5] == "Split: stratified, because rows are independent."


def test_names_lines_and_how_to_answer_a_question(tmp_path):
    rows = table(
        ("a", A[:60]), ("one", list("xyz") * 20), ("two", list("pqr") * 20), ("three", list("xyzv") * 15)
    )
    text = describe(seen(tmp_path, rows.replace(",x,", ",,", 7)))
    assert "one: no value (blank 7) (lines 2, 5, 8, 11, 14 and 2 more)" in text
    assert "  Answer with: --target NAME" in text


def test_control_characters_in_names_are_not_printed(tmp_path):
    text = describe(seen(tmp_path, "a\x1b[31m,b\n" + "1.5,x\n2.5,y\n" * 40))
    assert "\x1b" not in text
