"""Kinds of columns and what is wrong with their values, each by hand."""

from __future__ import annotations

import pytest

from tests.data.own.test_delimited import fault, kinds, seen

LETTERS = "abcde"


def table(*columns: tuple[str, list[object]]) -> str:
    names, values = zip(*columns, strict=True)
    return "\n".join(",".join(map(str, row)) for row in (names, *zip(*values, strict=True))) + "\n"


def kind_of(tmp_path, name: str, values: list[object]) -> str:
    return (
        seen(tmp_path, table((name, values), ("other", [f"{i * 7 % 13}.5" for i in range(len(values))])))
        .columns[0]
        .kind
    )


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("width", [f"{i / 7:.3f}" for i in range(60)], "number"),
        ("price", [f"${i * 31}" for i in range(60)], "number"),
        ("share", [f"{i}%" for i in range(60)], "number"),
        ("price", [f"{i + 1}\u00a0{i:03}.5 €" for i in range(60)], "number"),
        ("balance", [f"({i}.25)" for i in range(60)], "number"),
        ("change", [f"\u2212{i}" for i in range(60)], "number"),
        ("评论", [f"这是一个很好的产品我很喜欢{chr(0x4E00 + i)}" for i in range(60)], "text"),
        ("count", [i % 9 for i in range(60)], "number"),
        ("flag", [i % 2 for i in range(60)], "category"),
        ("stage", [i % 4 + 1 for i in range(60)], "category"),
        ("colour", ["red", "green", "blue"] * 20, "category"),
        ("member", ["True", "False"] * 30, "category"),
        ("zip", [f"{i % 30:05}" for i in range(60)], "category"),
        ("day", [f"2026-01-{i % 28 + 1:02}" for i in range(60)], "date"),
        ("day", [f"{i % 28 + 1}.1.2026" for i in range(60)], "date"),
        ("day", [f"Jan {i % 28 + 1} 2026" for i in range(60)], "date"),
        ("day", [f"{['Jan', 'Feb', 'Mar'][i % 3]}-{1990 + i // 3}" for i in range(60)], "date"),
        ("quarter", [f"{1990 + i // 4}Q{i % 4 + 1}" for i in range(60)], "date"),
        ("date", [f"202601{i % 28 + 1:02}" for i in range(60)], "date"),
        ("year", list(range(1950, 2010)), "number"),
        ("at", [f"{i % 24}:{i % 60:02}:00" for i in range(60)], "time of day"),
        ("id", [i * 13 for i in range(60)], "id"),
        ("rownames", list(range(1, 61)), "id"),
        ("code", [f"tt{i}x" for i in range(60)], "id"),
        ("patient_id", [i // 3 for i in range(60)], "group"),
        ("label_id", [i % 3 for i in range(60)], "category"),
        ("note", [f"this is the note number {i}" for i in range(60)], "text"),
        ("same", ["x"] * 60, "constant"),
        ("nothing", [""] * 60, "blank"),
    ],
)
def test_kinds(tmp_path, name, values, kind):
    assert kind_of(tmp_path, name, values) == kind


def test_missing_values_are_counted_by_their_marks(tmp_path):
    found = seen(tmp_path, table(("a", ["1.5", "NA", "", "?", "2.5", "NA"] * 10), ("b", list("xyxyxy") * 10)))
    column = found.column("a")
    assert (column.kind, column.missing, column.distinct) == ("number", 40, 2)
    assert dict(column.markers) == {"NA": 20, "": 10, "?": 10}
    assert fault(found, "missing").lines[:3] == (3, 4, 5)
    assert "several marks of missing" in kinds(found)


def test_words_among_numbers_and_dates_are_named_by_line(tmp_path):
    numbers: list[object] = [f"{i}.5" for i in range(60)]
    days: list[object] = [f"2026-01-{i % 28 + 1:02}" for i in range(60)]
    numbers[5], days[7] = "about 7", "last year"
    found = seen(tmp_path, table(("a", numbers), ("b", days)))
    assert (found.column("a").kind, found.column("b").kind) == ("number", "date")
    assert fault(found, "no numbers").lines == (7,)
    assert fault(found, "no dates").lines == (9,)


def test_the_order_of_day_and_month_is_found_or_asked_for(tmp_path):
    settled = seen(tmp_path, table(("a", ["03/02/2026", "13/02/2026"] * 20), ("b", list("xy") * 20)))
    assert fault(settled, "day first").lines == (3,)
    rows = table(("a", ["03/02/2026", "04/05/2026"] * 20), ("b", list("xy") * 20))
    assert [each.about for each in seen(tmp_path, rows).questions] == ["dates"]
    assert seen(tmp_path, rows, day_first=True).questions == ()


def test_a_lone_negative_number_may_stand_for_a_missing_one(tmp_path):
    values = [i % 20 + 1 if i % 10 else -999 for i in range(100)]
    found = seen(tmp_path, table(("a", values), ("b", list("xy") * 50)))
    assert fault(found, "may be missing").count == 10
    assert found.column("a").missing == 0


def test_blanks_around_a_value_are_stripped_and_named(tmp_path):
    found = seen(tmp_path, table(("a", [f"{i}.5" for i in range(20)]), ("label", ["yes", " no "] * 10)))
    assert dict(found.column("label").classes) == {"yes": 10, "no": 10}
    assert fault(found, "blanks around").count == 10


def test_a_column_that_hardly_varies_is_named(tmp_path):
    found = seen(tmp_path, table(("a", ["x"] * 59 + ["y"]), ("label", ["yes", "no"] * 30)))
    assert fault(found, "near constant").lines == (61,)


def test_a_series_of_columns_is_measured_alike(tmp_path):
    pixels = [(f"pixel_{j}", [i * j % 2 for i in range(30)]) for j in range(1, 12)]
    found = seen(tmp_path, table(*pixels, ("label", ["yes", "no"] * 15)))
    assert {each.kind for each in found.columns if each.name.startswith("pixel")} == {"number", "constant"}
