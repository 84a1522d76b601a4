"""Delimited text as users bring it: each fault by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.data.own.found import Fault, Found, Options
from assay.data.own.look import look

ROWS = "text,label\n" + "".join(
    f"a sentence of some words {i},{'yes' if i % 2 else 'no'}\n" for i in range(80)
)


def seen(tmp_path: Path, content: str | bytes, name: str = "rows.csv", **options) -> Found:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return look(path, Options(**options))


def fault(found: Found, kind: str) -> Fault:
    return next(each for each in found.faults if each.kind == kind)


def kinds(found: Found) -> set[str]:
    return {each.kind for each in found.faults}


def test_reads_texts_and_their_classes(tmp_path):
    found = seen(tmp_path, ROWS)
    assert found.rows == 80
    assert found.questions == ()
    best = found.best
    assert (best.signature, best.target, best.inputs) == ("text -> class", "label", ("text",))
    assert dict(found.column("label").classes) == {"no": 40, "yes": 40}
    assert found.split.strategy == "stratified"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_finds_the_separator(tmp_path, separator):
    found = seen(tmp_path, "a,b,c\n1,x,2\n3,y,4\n".replace(",", separator))
    assert [each.name for each in found.columns] == ["a", "b", "c"]
    assert found.form.separator == {"\t": "tab"}.get(separator, separator)


def test_blanks_may_align_columns_of_numbers(tmp_path):
    found = seen(
        tmp_path, "OBS   GPA  TUCE\n" + "".join(f"{i:3}  {i / 7:.2f}   {i % 5:2}\n" for i in range(60))
    )
    assert (found.form.separator, [each.name for each in found.columns]) == ("blanks", ["OBS", "GPA", "TUCE"])
    assert seen(tmp_path, "one two three\nfour five six\nand so on\n" * 9, "a.txt").form.kind == "plain text"


def test_years_may_be_names(tmp_path):
    rows = "".join(f"land {i},{i}.5,{i}.25,{i}.125\n" for i in range(60))
    found = seen(tmp_path, f"country,1960,1961,1962\n{rows}")
    assert (found.rows, [each.name for each in found.columns][1:]) == (60, ["1960", "1961", "1962"])


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    found = seen(tmp_path, b"\xef\xbb\xbf" + ROWS.encode())
    assert found.columns[0].name == "text"
    assert (found.form.encoding, found.form.bom) == ("utf-8-sig", True)
    assert fault(found, "byte-order mark").lines == (1,)


def test_utf_16_is_read_by_its_mark(tmp_path):
    assert seen(tmp_path, ROWS.encode("utf-16")).rows == 80


@pytest.mark.parametrize(("end", "name"), [("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")])
def test_names_the_line_ends(tmp_path, end, name):
    found = seen(tmp_path, ROWS.replace("\n", end))
    assert (found.form.line_ends, found.rows) == (name, 80)


def test_other_encodings_are_offered_and_asked_for(tmp_path):
    content = "text,label\n" + "über die Brücke gehört,schön\nnach Köln führt,böse\n" * 20
    found = seen(tmp_path, content.encode("windows-1252"))
    (question,) = [each for each in found.questions if each.about == "encoding"]
    assert question.candidates[0] == "windows-1252"
    assert question.option == "--encoding NAME"
    assert fault(found, "not UTF-8").lines == (2,)
    answered = seen(tmp_path, content.encode("windows-1252"), encoding="windows-1252")
    assert "encoding" not in {each.about for each in answered.questions}
    assert set(answered.column("label").classes) == {"schön", "böse"}


def test_a_wrong_encoding_is_named_with_its_line(tmp_path):
    with pytest.raises(ValueError, match=r"line 2: byte 0xfc is not utf-8; allowed are utf-8, utf-16,"):
        seen(tmp_path, "a,b\nü,1\n".encode("windows-1252"), encoding="utf-8")


@pytest.mark.parametrize("codec", ["zip", "bz2", "unicode_escape", "rot13"])
def test_only_encodings_of_text_are_allowed(tmp_path, codec):
    with pytest.raises(ValueError, match=f"--encoding {codec}: allowed are"):
        seen(tmp_path, ROWS, encoding=codec)


def test_a_row_over_several_lines_is_named_by_its_first(tmp_path):
    found = seen(tmp_path, 'a,b\n1,x\n2,"first\nsecond\nthird"\n3,y\n4,\n')
    assert found.rows == 4
    assert fault(found, "quoted line break").lines == (3,)
    assert fault(found, "missing").lines == (7,)


def test_a_quotation_mark_that_is_not_closed_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"line 3: a quotation mark is opened and not closed"):
        seen(tmp_path, 'a,b\n1,"x"\n2,"y\n3,z\n4,z\n')


def test_quotation_marks_may_be_part_of_a_text(tmp_path):
    found = seen(tmp_path, 'he said "no" to it\t1\nand then "yes"\t0\n' * 20, "rows.txt")
    assert found.rows == 40
    assert not found.form.quotes
    assert len(fault(found, "quotation marks in text").lines) == 40


def test_without_a_header_the_first_row_is_kept(tmp_path):
    found = seen(tmp_path, "1.5,2,a\n2.5,3,b\n" * 10)
    assert (found.rows, found.form.header_line) == (20, None)
    assert [each.name for each in found.columns] == ["column 1", "column 2", "column 3"]


def test_whether_there_is_a_header_is_asked_where_the_rows_leave_it_open(tmp_path):
    rows = "alpha,beta\n" + "".join(f"w{i}q,v{i}z\n" for i in range(10))
    assert "header" in {each.about for each in seen(tmp_path, rows).questions}
    assert seen(tmp_path, rows, header=False).rows == 11
    assert seen(tmp_path, rows, header=True).rows == 10


def test_a_header_among_the_rows_is_skipped_and_named(tmp_path):
    found = seen(tmp_path, "a,b\n1,x\n2,y\na,b\n7,x\n")
    assert found.rows == 3
    assert fault(found, "header again").lines == (4,)
    assert found.column("a").kind == "number"


def test_rows_with_too_few_or_too_many_cells_are_left_out_by_line(tmp_path):
    found = seen(tmp_path, "a,b,c\n1,x,2\n3,y\n4,z,5,6\n7,x,8\n")
    assert found.rows == 2
    assert fault(found, "wrong number of cells").lines == (3, 4)


def test_blank_last_cells_may_be_cut(tmp_path):
    found = seen(tmp_path, "a,b,c\n1,x,\n2,y,\n3,z\n")
    assert found.rows == 3
    assert fault(found, "blank last cells cut").lines == (4,)


def test_a_separator_at_the_end_of_each_row_adds_no_column(tmp_path):
    found = seen(tmp_path, "a,b\n1,x,\n2,y,\n")
    assert [each.name for each in found.columns] == ["a", "b"]


def test_a_header_that_does_not_fit_is_asked_about(tmp_path):
    found = seen(tmp_path, "a,b\n1,2,3\n4,5,6\n")
    assert [each.name for each in found.columns] == ["column 1", "column 2", "column 3"]
    assert fault(found, "header does not fit").lines == (1,)
    assert found.questions[0].about == "header"


def test_titles_comments_and_notes_are_not_rows(tmp_path):
    found = seen(
        tmp_path,
        "# made\n# today\n,,\nBeautiful numbers,,\na,b,c\n1,x,2\n3,y,4\nNote: from several sources,,\n",
    )
    assert (found.rows, found.form.header_line) == (2, 5)
    assert fault(found, "comments").lines == (1, 2)
    assert fault(found, "title above the header").lines == (3, 4)
    assert fault(found, "note below the rows").lines == (8,)


def test_a_line_that_names_the_separator_is_no_row(tmp_path):
    found = seen(tmp_path, "sep=;\na;b\n1;x\n2;y\n")
    assert (found.rows, found.form.separator, found.form.header_line) == (2, ";", 2)


def test_two_columns_of_one_name_are_told_apart(tmp_path):
    found = seen(tmp_path, "a,a,\n1,2,x\n3,4,y\n")
    assert [each.name for each in found.columns] == ["a", "a (column 2)", "column 3"]
    assert {"name twice", "column without a name"} <= kinds(found)


def test_a_decimal_comma_is_told_from_thousands(tmp_path):
    found = seen(tmp_path, "a;b\n" + "".join(f"{i},5;{i}\n" for i in range(20)))
    assert (found.form.decimal, found.column("a").kind) == (",", "number")
    found = seen(tmp_path, "a;b\n" + "".join(f"{i + 1},500;{i}\n" for i in range(20)))
    assert (found.form.decimal, found.column("a").kind) == (".", "number")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,b\n", "a header and no rows|no rows"),
        (b"a\0b,c\n1,2\n", "NUL characters"),
        (b"\xff\xfe\x00", "begins as utf-16"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        seen(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_file_may_not_be_larger_than_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr("assay.data.own.text_files.LARGEST_BYTES", 100)
    with pytest.raises(ValueError, match="allowed are 100: split the file"):
        seen(tmp_path, ROWS)
