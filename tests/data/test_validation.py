"""The gate: every expectation of every dataset is seen to pass on the twin and to fail on a bad table.

Great Expectations is imported by this module's tests alone; the import costs seconds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest

from assay.config import registry
from assay.data import loading
from assay.data.expectations import Check, put
from assay.data.validation import validate, with_derived

# Great Expectations imports them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)

DATASETS = sorted(registry.DATASETS)


@cache
def prepared(dataset: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the twin's table of facts, and its counts."""
    declared = loading.load(dataset)
    with TemporaryDirectory() as folder:
        declared.make_twin(Path(folder) / "raw", 0)
        result = declared.prepare(Path(folder) / "raw", Path(folder) / "out", seed=0, validation_fraction=0.1)
        return pd.read_parquet(Path(folder) / "out" / "items.parquet"), result["counts"]


def checks(dataset: str) -> list[Check]:
    return loading.load(dataset).checks(prepared(dataset)[1])


def check(dataset: str, items: pd.DataFrame, docs: Path | None = None) -> dict[str, Any]:
    expectations = loading.load(dataset).expectations(prepared(dataset)[1])
    return validate(items, expectations, dataset=dataset, file=registry.file_of(dataset), docs=docs)


def spoiled(dataset: str, name: str, column: str) -> pd.DataFrame:
    """Return the bad table of an expectation."""
    items, _ = prepared(dataset)
    named = [(each["expectation"], each["column"]) for each in check(dataset, items)["expectations"]]
    return checks(dataset)[named.index((name, column))].spoil(items)


def limits(expectation: Any) -> list[float]:
    """Return the numbers that limit an expectation."""
    values = [getattr(expectation, name, None) for name in ("min_value", "max_value", "value")]
    return [value for value in values if value is not None]


def lose_class(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda items: items[(items["split"] != split) | (items["label"] != items["label"].max())]


BETWEEN, IN_SET = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_twin_passes_and_no_expectation_is_duplicated(dataset: str) -> None:
    result = check(dataset, prepared(dataset)[0])
    assert (result["status"], result["reason"], result["dataset"]) == ("ok", "", dataset)
    names = [(entry["expectation"], entry["column"]) for entry in result["expectations"]]
    assert len(set(names)) == len(names) == len(checks(dataset)) > 20
    assert all(
        entry["success"] and entry["fix"] and not entry["first_bad"] for entry in result["expectations"]
    )


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_expectation_fails_on_its_bad_table(dataset: str) -> None:
    items, _ = prepared(dataset)
    seen = set()
    for one in checks(dataset):
        result = validate(
            one.spoil(items), [one.expectation], dataset=dataset, file=registry.file_of(dataset), docs=None
        )
        [found] = result["expectations"]
        name = found["expectation"], found["column"]
        assert (result["status"], found["success"]) == ("failed", False), name
        assert re.fullmatch(
            rf"{dataset}: 1 of 1 expectations in assay/data/datasets/\w+/{dataset}.py failed: "
            rf"{name[0]} on {re.escape(name[1])}: [^\n]+; [^\n]+",
            result["reason"],
        )
        assert f", allowed: {found['allowed']}" in result["reason"]
        assert all(f"{limit:.6g}" in found["allowed"] for limit in limits(one.expectation))
        json.dumps(result, allow_nan=False)
        seen.add(name)
    whole = check(dataset, items)["expectations"]
    assert seen == {(entry["expectation"], entry["column"]) for entry in whole}


@pytest.mark.parametrize("dataset", DATASETS)
def test_expectations_hold_every_column_and_every_split(dataset: str) -> None:
    items, counts = prepared(dataset)
    found = check(dataset, items)["expectations"]
    for column in items:
        assert ("expect_column_values_to_not_be_null", column) in [
            (entry["expectation"], entry["column"]) for entry in found
        ]
    for split in counts:
        assert [entry["expectation"] for entry in found if entry["column"] == f"split = {split}"] == [
            "expect_table_row_count_to_equal"
        ]


def test_the_message_names_expectation_column_rows_and_fix() -> None:
    items, _ = prepared("digits")
    result = check("digits", items.assign(minimum=items["minimum"].mask(items["item"].isin([4, 9]), 3)))
    [failure] = [entry for entry in result["expectations"] if not entry["success"]]
    assert failure["expectation"] == "expect_column_values_to_be_between"
    assert failure["column"] == "minimum"
    assert failure["observed"] == "minimum is not 0 in 2 of 350 rows"
    assert failure["first_bad"] == [{"item": 4, "minimum": 3}, {"item": 9, "minimum": 3}]
    assert "is the image inverted?" in failure["fix"]
    assert result["reason"] == (
        f"digits: 1 of {len(checks('digits'))} expectations in assay/data/datasets/image/digits.py failed:"
        " expect_column_values_to_be_between on minimum: minimum is not 0 in 2 of 350 rows, allowed: 0,"
        f" first item 4 with minimum 3; item 9 with minimum 3; {failure['fix']}"
    )


def test_a_text_that_is_too_short_is_reported_with_its_limits_and_a_fix() -> None:
    items, _ = prepared("movie_reviews")
    result = check("movie_reviews", items.assign(characters=items["characters"].mask(items["item"] == 7, 2)))
    assert (
        "expect_column_values_to_be_between on characters: characters is not 3 to 300 in 1 of 120 rows,"
        " allowed: 3 to 300, first item 7 with characters 2; " in result["reason"]
    )
    assert "in assay/data/datasets/text/movie_reviews.py failed" in result["reason"]
    assert result["reason"].endswith("if the data are correct, widen characters in the dataset's file")


def test_a_twin_names_the_file_of_its_dataset() -> None:
    items, counts = prepared("digits")
    expectations = loading.load("digits_twin").expectations(counts)
    result = validate(
        put("item", 0)(items), expectations, dataset="digits_twin", file=registry.file_of("digits"), docs=None
    )
    assert result["reason"].startswith("digits_twin: 1 of ")
    assert "in assay/data/datasets/image/digits.py failed" in result["reason"]


@pytest.mark.parametrize(
    ("least", "greatest", "allowed"),
    [
        (3, 300, "3 to 300"),
        (1, None, "at least 1"),
        (None, 7, "at most 7"),
        (0, 0, "0"),
        (1 / 3, 0.5, "0.333333 to 0.5"),
    ],
)
def test_describes_the_allowed_values(least: float | None, greatest: float | None, allowed: str) -> None:
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValuesToBeBetween(
        column="label", min_value=least, max_value=greatest, meta={"fix": "a"}
    )
    mean = gxe.ExpectColumnMeanToBeBetween(
        column="label", min_value=least, max_value=greatest, meta={"fix": "a"}
    )
    result = validate(
        prepared("digits")[0], [rule, mean], dataset="digits", file=registry.file_of("digits"), docs=None
    )
    assert [each["allowed"] for each in result["expectations"]] == [allowed, f"a mean of {allowed}"]


@pytest.mark.parametrize(
    ("kind", "kwargs", "observed", "allowed"),
    [
        (
            "values_to_not_be_null",
            {"mostly": 0.7},
            "age is missing in 1 of 4 rows",
            "any value, in at least 70% of the rows",
        ),
        ("values_to_not_be_null", {}, "age is missing in 1 of 4 rows", "any value, in every row"),
        ("values_to_be_unique", {}, "age is repeated in 2 of 4 rows", "each value once"),
        ("values_to_be_in_set", {"value_set": [7]}, "age is none of the allowed values in 1 of 4 rows", "one of [7]"),
        ("values_to_be_between", {"min_value": 8}, "age is not at least 8 in 2 of 4 rows", "at least 8"),
        ("values_to_be_between", {"max_value": 9}, "as expected in all 4 rows", "at most 9"),
        ("mean_to_be_between", {"max_value": 9}, "7.666666666666667", "a mean of at most 9"),
    ],
)  # fmt: skip
def test_says_in_words_what_is_wrong_with_which_column(kind, kwargs, observed, allowed) -> None:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    rule = ExpectationConfiguration(
        type=f"expect_column_{kind}", kwargs={"column": "age", **kwargs}, meta={"fix": "a"}
    )
    items = pd.DataFrame({"item": [1, 2, 3, 4], "age": [7, 7, None, 9]})
    [found] = validate(items, [rule.to_domain_obj()], dataset="d", file="f", docs=None)["expectations"]
    assert (found["observed"], found["allowed"]) == (observed, allowed)


@pytest.mark.parametrize(
    ("kind", "kwargs", "observed"),
    [
        ("column_value_lengths_to_be_between", {"column": "a", "min_value": 2}, "the length of a is not at least 2"),
        ("column_values_to_match_regex", {"column": "a", "regex": "^y"}, "a does not match ^y"),
        ("column_values_to_not_be_in_set", {"column": "a", "value_set": ["x"]}, "a is not as expected"),
        ("compound_columns_to_be_unique", {"column_list": ["a", "b"]}, "a pair of ['a', 'b'] is repeated"),
        ("column_pair_values_a_to_be_greater_than_b", {"column_A": "c", "column_B": "b"}, "c is not above b"),
    ],
)  # fmt: skip
def test_says_in_words_what_is_wrong_with_texts_and_pairs(kind, kwargs, observed) -> None:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    rule = ExpectationConfiguration(type=f"expect_{kind}", kwargs=kwargs, meta={"fix": "a"})
    items = pd.DataFrame({"item": [1, 2], "a": ["x", "x"], "b": [3, 3], "c": [1, 2]})
    [found] = validate(items, [rule.to_domain_obj()], dataset="d", file="f", docs=None)["expectations"]
    assert found["observed"] == f"{observed} in 2 of 2 rows"


def test_reports_the_classes_that_a_split_lacks() -> None:
    result = check("digits", lose_class("test")(prepared("digits")[0]))
    assert [entry["observed"] for entry in result["expectations"] if "test" in entry["column"]] == [
        "63",
        "missing [9]",
        "as expected in all 63 rows",
    ]


@pytest.mark.parametrize("column", ["item", "split", "label", "sha256"])
def test_a_missing_column_is_named(column: str) -> None:
    result = check("digits", prepared("digits")[0].drop(columns=column))
    assert result["status"] == "failed"
    assert result["reason"].count("\n") == 0
    assert result["expectations"][0]["success"] is False
    assert any(f'The column "{column}"' in entry["observed"] for entry in result["expectations"])


def test_equal_tables_give_equal_results() -> None:
    bad = spoiled("digits", BETWEEN, "minimum")
    assert check("digits", bad) == check("digits", bad)


def test_the_data_docs_open_with_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check("digits", spoiled("digits", IN_SET, "label"), docs=tmp_path / "docs")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["docs", "docs/index.html"]
    page = (tmp_path / "docs" / "index.html").read_text()
    assert not re.search(r"https?://|<script|<link|src=|\.\./", page)
    assert "values must belong to this set" in page
    assert "Unsuccessful Expectations" in page


def test_derives_class_shares_and_splits_of_a_hash() -> None:
    items = pd.DataFrame(
        {
            "split": ["train", "train", "train", "train", "test"],
            "label": [0, 0, 0, 1, 1],
            "sha256": ["a", "b", "b", "c", "c"],
        }
    )
    facts = with_derived(items)
    assert facts["class_share"].tolist() == [0.75, 0.75, 0.75, 0.25, 1.0]
    assert facts["splits_with_hash"].tolist() == [1, 1, 1, 2, 2]
    assert list(items) == ["split", "label", "sha256"]


def passes(dataset: str, folder: Path, mirror: str | None) -> bool:
    declared = loading.load(dataset)
    declared.fetch(folder / "raw", mirror=mirror)
    result = declared.prepare(folder / "raw", folder / "out", seed=0, validation_fraction=0.1)
    items = pd.read_parquet(folder / "out" / "items.parquet")
    found = validate(
        items,
        declared.expectations(result["counts"]),
        dataset=dataset,
        file=registry.file_of(dataset),
        docs=None,
    )
    assert found["reason"] == ""
    return found["status"] == "ok"


@pytest.mark.parametrize("dataset", ["digits", "review_grammar", "entity_grammar", "markov_text", "dates"])
def test_datasets_without_a_download_pass(dataset: str, tmp_path: Path) -> None:
    assert passes(dataset, tmp_path, None)


@pytest.mark.skipif("ASSAY_MIRROR" not in os.environ, reason="ASSAY_MIRROR names no mirror of the real files")
@pytest.mark.parametrize(
    "dataset",
    [
        "movie_reviews",
        "ag_news",
        "wnut17",
        "tinyshakespeare",
        "multi30k",
        "english_texts",
        "reviews_and_news",
    ],
)
def test_the_real_texts_pass(dataset: str, tmp_path: Path) -> None:
    assert passes(dataset, tmp_path, os.environ["ASSAY_MIRROR"])
