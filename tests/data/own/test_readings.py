"""What a table can be used for: targets, leaks, questions and splits, each by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.own.test_columns import table
from tests.data.own.test_delimited import fault, kinds, seen

NUM_ROWS = 120
RNG = np.random.default_rng(0)
A, B = (RNG.normal(size=NUM_ROWS).round(3).tolist() for _ in range(2))
LABELS = RNG.choice(["good", "bad"], NUM_ROWS).tolist()


def test_a_column_named_label_is_the_target(tmp_path):
    found = seen(tmp_path, table(("label", LABELS), ("a", A), ("b", B)))
    assert (found.best.signature, found.best.target, found.best.inputs) == (
        "table -> class",
        "label",
        ("a", "b"),
    )
    assert found.questions == ()


def test_a_number_in_the_last_column_is_the_target(tmp_path):
    found = seen(tmp_path, table(("colour", RNG.choice(list("rgb"), NUM_ROWS)), ("a", A), ("b", B)))
    assert found.best is not None
    asked = seen(
        tmp_path, table(("colour", RNG.choice(list("rgb"), NUM_ROWS)), ("size", LABELS), ("a", A), ("b", B))
    )
    assert (asked.best.signature, asked.best.target, asked.questions) == ("table -> number", "b", ())


def test_the_target_is_asked_for_where_nothing_speaks_for_one(tmp_path):
    columns = [(name, RNG.choice(list("rgb"), NUM_ROWS)) for name in ("one", "two", "three")]
    found = seen(tmp_path, table(*columns, ("a", A), ("four", RNG.choice(list("rgb"), NUM_ROWS))))
    (question,) = found.questions
    assert (question.about, question.option) == ("target", "--target NAME")
    assert set(question.candidates) >= {"one", "two", "three", "four"}
    answered = seen(tmp_path, table(*columns, ("a", A)), target="two")
    assert (answered.questions, answered.best.target) == ((), "two")


def test_a_target_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="--target c: no such column; there are a, b"):
        seen(tmp_path, table(("a", A), ("b", B)), target="c")


def test_a_target_must_be_numbers_or_classes(tmp_path):
    with pytest.raises(ValueError, match="--target id: is an id; a column of numbers or classes is expected"):
        seen(tmp_path, table(("id", list(range(NUM_ROWS))), ("a", A), ("b", B)), target="id")


def test_few_whole_numbers_are_asked_about(tmp_path):
    rows = table(("a", A), ("b", B), ("quality", [3 + i % 6 for i in range(NUM_ROWS)]))
    (question,) = seen(tmp_path, rows).questions
    assert (question.about, question.option) == ("kind of target", "--metric rmse or --metric accuracy")
    as_classes = seen(tmp_path, rows, metric="accuracy")
    assert (as_classes.best.signature, as_classes.questions) == ("table -> class", ())
    assert seen(tmp_path, rows, metric="rmse").best.signature == "table -> number"


def test_a_column_that_says_the_target_in_other_words_leaks(tmp_path):
    found = seen(
        tmp_path,
        table(("label", LABELS), ("a", A), ("alive", ["yes" if x == "good" else "no" for x in LABELS])),
    )
    assert dict(found.best.leaks) == {"alive": "is label in other words"}
    assert found.column("alive").kind == "leak"
    assert found.best.inputs == ("a",)


def test_a_column_whose_values_determine_the_target_leaks(tmp_path):
    detail = [f"{label}-{i % 3}" for i, label in enumerate(LABELS)]
    found = seen(tmp_path, table(("label", LABELS), ("a", A), ("detail", detail)))
    assert dict(found.best.leaks) == {"detail": "its values determine label"}


def test_a_number_that_separates_the_classes_leaks(tmp_path):
    score = [abs(x) + 0.01 if label == "good" else -abs(x) - 0.01 for x, label in zip(A, LABELS, strict=True)]
    found = seen(tmp_path, table(("label", LABELS), ("score", score), ("b", B)))
    assert list(found.best.leaks) == ["score"]


def test_many_values_do_not_leak_by_chance(tmp_path):
    found = seen(
        tmp_path, table(("label", LABELS), ("a", A), ("town", [f"t{i // 2}" for i in range(NUM_ROWS)]))
    )
    assert found.best.leaks == {}


def test_the_target_in_other_units_leaks_and_a_close_number_is_named(tmp_path):
    pounds = [f"{2.2 * b:.6f}" for b in B]
    near = [f"{b + 0.3 * a:.4f}" for a, b in zip(A, B, strict=True)]
    found = seen(tmp_path, table(("pounds", pounds), ("near", near), ("a", A), ("target", B)))
    assert list(found.best.leaks) == ["pounds"]
    assert list(found.best.close) == ["near"]


def test_a_sum_of_the_other_columns_is_no_target(tmp_path):
    total = [f"{a + b + a * b:.9f}" for a, b in zip(A, B, strict=True)]
    product = [f"{a * b:.9f}" for a, b in zip(A, B, strict=True)]
    found = seen(tmp_path, table(("a", A), ("b", B), ("c", product), ("total", total)))
    assert fault(found, "sum").column == "total"
    assert "total" not in {each.target for each in found.readings}


def test_the_later_of_two_dates_leaks_their_difference(tmp_path):
    begin = [np.datetime64("2020-01-01") + int(i * 17 % 400) for i in range(NUM_ROWS)]
    length = [int(5 + i * 13 % 91) for i in range(NUM_ROWS)]
    end = [b + n for b, n in zip(begin, length, strict=True)]
    found = seen(
        tmp_path, table(("begin", begin), ("end", end), ("a", A), ("length", length)), target="length"
    )
    assert list(found.best.leaks) == ["end"]


def test_columns_that_no_model_should_read_are_left_out_with_a_reason(tmp_path):
    columns = [
        ("id", list(range(NUM_ROWS))),
        ("nothing", [""] * NUM_ROWS),
        ("same", ["x"] * NUM_ROWS),
        ("a", A),
        ("colour", ["red" if x > 0 else "blue" for x in B]),
        ("farbe", ["rot" if x > 0 else "blau" for x in B]),
        ("mine", B),
        ("label", LABELS),
    ]
    found = seen(tmp_path, table(*columns), ignore=("mine",))
    assert dict(found.best.left_out) == {
        "id": "id: counts the rows",
        "nothing": "has no value",
        "same": "has one value",
        "farbe": "says the same as colour in every row",
        "mine": "by --ignore",
    }
    assert found.best.inputs == ("a", "colour")


def test_equal_rows_are_counted_and_named(tmp_path):
    found = seen(tmp_path, "a,label\n1.5,x\n2.5,y\n1.5,x\n2.5,y \n1.5,x\n")
    assert (found.duplicates.count, found.duplicates.lines) == (2, (4, 6))
    assert found.split.keep_equal_together or found.split.strategy == "none"


def test_rows_without_a_target_and_classes_of_one_row_are_named(tmp_path):
    labels = [*LABELS[:-4], "", "once", "twice", "twice"]
    found = seen(tmp_path, table(("a", A), ("label", labels)))
    assert fault(found, "target missing").lines == (NUM_ROWS - 2,)
    assert fault(found, "class of one row").lines == (NUM_ROWS - 1,)
    assert fault(found, "class of two rows").lines == (NUM_ROWS, NUM_ROWS + 1)


def test_ten_thousand_classes_are_named(tmp_path):
    labels = [f"c{i % 10_000}" for i in range(30_000)]
    found = seen(
        tmp_path, table(("text", [f"some words about it {i}" for i in range(30_000)]), ("label", labels))
    )
    assert found.best.signature == "text -> class"
    assert fault(found, "many classes").count == 10_000


def test_imbalance_few_rows_and_equal_texts_of_two_classes_are_named(tmp_path):
    texts = [f"some words about it {i}" for i in range(98)] + [
        "one and the same text",
        "one and the same text",
    ]
    found = seen(tmp_path, table(("text", texts), ("label", ["yes"] * 95 + ["no"] * 4 + ["yes"])))
    assert {"imbalance", "few rows"} <= kinds(found)
    assert fault(found, "equal texts of two classes").lines == (100, 101)


def test_two_columns_of_texts_are_source_and_target(tmp_path):
    columns = [
        (name, [f"{word} number {i} of many" for i in range(60)])
        for name, word in (("source", "ein"), ("target", "a"))
    ]
    found = seen(tmp_path, table(*columns))
    assert (found.best.signature, found.best.inputs, found.best.target) == (
        "text -> text",
        ("source",),
        "target",
    )
    assert found.questions == ()


def test_a_text_may_be_named_as_the_target(tmp_path):
    columns = [(name, [f"{name} number {i} of many" for i in range(60)]) for name in ("title", "body")]
    (question,) = seen(tmp_path, table(*columns)).questions
    assert (question.about, question.candidates) == ("target", ("title", "body"))
    best = seen(tmp_path, table(*columns), target="title").best
    assert (best.signature, best.inputs, best.target) == ("text -> text", ("body",), "title")
    with pytest.raises(ValueError, match="--target title: there is no other column to predict it from"):
        seen(tmp_path, table(columns[0]), target="title")


def test_a_metric_must_fit_the_target(tmp_path):
    rows = table(("a", A), ("label", LABELS))
    with pytest.raises(ValueError, match="--metric rmse: does not fit label, which is a category"):
        seen(tmp_path, rows, target="label", metric="rmse")


def test_which_of_two_texts_is_asked_for(tmp_path):
    columns = [(name, [f"{name} number {i} of many" for i in range(60)]) for name in ("title", "body")]
    found = seen(tmp_path, table(*columns, ("label", ["x", "y"] * 30)))
    assert [(each.about, each.option) for each in found.questions] == [
        ("text", "--text NAME; or, to join several, --text title --text body")
    ]
    assert seen(tmp_path, table(*columns, ("label", ["x", "y"] * 30)), text=("body",)).questions == ()


@pytest.mark.parametrize(
    ("extra", "strategy", "column"),
    [
        (("split", ["train", "train", "test"] * 40), "column", "split"),
        (("patient_id", [i // 4 for i in range(NUM_ROWS)]), "group", "patient_id"),
        (("day", [np.datetime64("2020-01-01") + i for i in range(NUM_ROWS)]), "time", "day"),
        (("c", [i % 7 for i in range(NUM_ROWS)]), "stratified", None),
    ],
)
def test_advises_a_split(tmp_path, extra, strategy, column):
    found = seen(tmp_path, table(extra, ("a", A), ("label", LABELS)))
    assert (found.split.strategy, found.split.column) == (strategy, column)


def test_years_in_order_are_a_time(tmp_path):
    found = seen(tmp_path, table(("year", list(range(1900, 1900 + NUM_ROWS))), ("a", A), ("b", B)))
    assert (found.split.strategy, found.split.column) == ("time", "year")
    assert "time series" in kinds(found)


def test_a_few_firms_at_all_times_are_a_panel(tmp_path):
    firm, year = [i // 20 for i in range(NUM_ROWS)], [1935 + i % 20 for i in range(NUM_ROWS)]
    found = seen(tmp_path, table(("a", A), ("firm", [f"firm {f}" for f in firm]), ("year", year)))
    assert (found.split.strategy, found.split.column) == ("group", "firm")


def test_digits_in_the_middle_of_numbers_are_not_taken_for_the_target_in_silence(tmp_path):
    found = seen(tmp_path, table(("a", A), ("flag", [int(x == "good") for x in LABELS]), ("b", B)))
    assert [each.about for each in found.questions] == ["target"]


def test_rows_of_a_panel_are_split_by_its_members(tmp_path):
    country, year = [f"land {i // 5}" for i in range(NUM_ROWS)], [2000 + i % 5 for i in range(NUM_ROWS)]
    found = seen(tmp_path, table(("country", country), ("year", year), ("a", A), ("target", B)))
    assert (found.split.strategy, found.split.column) == ("group", "country")


@pytest.mark.parametrize(
    ("option", "strategy"),
    [("column:a", "column"), ("time:a", "time"), ("group:a", "group"), ("0.3", "random")],
)
def test_the_split_may_be_given(tmp_path, option, strategy):
    assert seen(tmp_path, table(("a", A), ("label", LABELS)), split=option).split.strategy == strategy


@pytest.mark.parametrize("option", ["group:c", "1.5", "people"])
def test_a_wrong_split_is_refused(tmp_path, option):
    with pytest.raises(ValueError, match=f"--split {option}: "):
        seen(tmp_path, table(("a", A), ("label", LABELS)), split=option)
