"""The gate: every expectation of every dataset is seen to pass on the twin and to fail on a bad table.

Great Expectations is imported by this module's tests alone; the import costs seconds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from inspect import ismodule
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest

from assay.config import registry
from assay.data.datasets.text import english_texts
from assay.data.expectations import characters as character_expectations
from assay.data.expectations import common as item_expectations
from assay.data.expectations import images as image_expectations
from assay.data.expectations import pairs as pair_expectations
from assay.data.expectations import tagged as tagging_expectations
from assay.data.expectations import text as text_expectations
from assay.data.preparation.cleaning import SPLITS
from assay.data.validation import validate, with_derived

# Great Expectations imports them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)

DATASETS = sorted(registry.DATASETS)


@cache
def prepared(dataset: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the twin's table of facts, and its counts."""
    module = registry.load(registry.DATASETS[dataset].module)
    with TemporaryDirectory() as folder:
        module.make_twin(Path(folder) / "raw", 0)
        result = module.prepare(Path(folder) / "raw", Path(folder) / "out", seed=0, validation_fraction=0.1)
        return pd.read_parquet(Path(folder) / "out" / "items.parquet"), result["counts"]


def check(dataset: str, items: pd.DataFrame, docs: Path | None = None) -> dict[str, Any]:
    module = registry.load(registry.DATASETS[dataset].module)
    return validate(items, module.expectations(prepared(dataset)[1]), dataset=dataset, docs=docs)


def limits(expectation: Any) -> list[float]:
    """Return the numbers that limit an expectation."""
    values = [getattr(expectation, name, None) for name in ("min_value", "max_value", "value")]
    return [value for value in values if value is not None]


def put(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a table whose third row has another value."""

    def spoil(items: pd.DataFrame) -> pd.DataFrame:
        items = items.astype({column: object})
        items.loc[2, column] = value
        return items.infer_objects()

    return spoil


def lose(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda items: items.drop(index=items.index[items["split"] == split][0])


def lose_class(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda items: items[(items["split"] != split) | (items["label"] != items["label"].max())]


def merge_classes(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a table where the first three classes of a split, or both, count as one."""
    return lambda items: items.assign(
        label=items["label"].mask((items["split"] == split) & items["label"].isin([0, 2]), 1)
    )


def forget(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a table where every word of a split is unknown."""
    return lambda items: items.assign(unknown=items["unknown"].mask(items["split"] == split, 1.0))


def no_entities(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a table where no sentence of a split has an entity."""
    return lambda items: items.assign(entities=items["entities"].mask(items["split"] == split, 0))


def blank(items: pd.DataFrame) -> pd.DataFrame:
    return items.assign(maximum=items["maximum"].mask(items.index == 2, 0))


def repeat_hash(first: str, second: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a table where an item of one split has the pixels of one of the other split."""

    def spoil(items: pd.DataFrame) -> pd.DataFrame:
        here, there = items.index[items["split"] == first][0], items.index[items["split"] == second][-1]
        return items.assign(sha256=items["sha256"].mask(items.index == there, items["sha256"][here]))

    return spoil


BETWEEN, IN_SET = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"
MEAN_BETWEEN = "expect_column_mean_to_be_between"
Bad = dict[tuple[str, str], Callable[[pd.DataFrame], pd.DataFrame]]


def bad_in_general(facts: tuple[str, ...]) -> Bad:
    """Return the bad tables of the expectations with which those of any kind of item begin."""
    return {
        (
            "expect_table_columns_to_match_ordered_list",
            ", ".join([*facts, *item_expectations.derived(facts)]),
        ): lambda items: items[["split", "item", *items.columns[2:]]],
        **{("expect_column_values_to_not_be_null", column): put(column, None) for column in facts},
        ("expect_column_values_to_be_unique", "item"): put("item", 0),
        (IN_SET, "split"): put("split", "holdout"),
        **{("expect_table_row_count_to_equal", f"split = {split}"): lose(split) for split in SPLITS},
    }


BAD_LABELS: Bad = {
    (IN_SET, "label"): put("label", 10),
    **{
        ("expect_column_distinct_values_to_contain_set", f"label where split = {split}"): lose_class(split)
        for split in SPLITS
    },
    **{(BETWEEN, f"class_share where split = {split}"): merge_classes(split) for split in SPLITS},
}
BAD_HASHES: Bad = {
    ("expect_column_values_to_match_regex", "sha256"): put("sha256", "A" * 64),
    ("expect_compound_columns_to_be_unique", "split, sha256"): repeat_hash("train", "train"),
    (IN_SET, "splits_with_hash"): repeat_hash("train", "test"),
}
BAD_IMAGES: Bad = {
    **bad_in_general(image_expectations.FACTS),
    **BAD_LABELS,
    (IN_SET, "channels"): put("channels", 3),
    (IN_SET, "height"): put("height", 27),
    (IN_SET, "width"): put("width", 29),
    (BETWEEN, "minimum"): put("minimum", 1),
    (BETWEEN, "maximum"): put("maximum", 20),
    ("expect_column_pair_values_a_to_be_greater_than_b", "maximum, minimum"): blank,
    (BETWEEN, "mean"): put("mean", 250.0),
    **BAD_HASHES,
}
OF_TEXTS: Bad = {
    (BETWEEN, "characters"): put("characters", 100_000),
    (BETWEEN, "tokens"): put("tokens", 0),
    (BETWEEN, "unknown"): put("unknown", 1.5),
    **{(MEAN_BETWEEN, f"unknown where split = {split}"): forget(split) for split in SPLITS},
    (IN_SET, "odd"): put("odd", 1),
}
BAD_TEXTS: Bad = {**bad_in_general(text_expectations.FACTS), **BAD_LABELS, **OF_TEXTS, **BAD_HASHES}
BAD_ENGLISH: Bad = {
    **bad_in_general(english_texts.FACTS),
    (IN_SET, "source"): put("source", "elsewhere"),
    **OF_TEXTS,
    **BAD_HASHES,
}

BAD_SENTENCES: Bad = {
    **bad_in_general(tagging_expectations.FACTS),
    (BETWEEN, "tokens"): put("tokens", 0),
    (BETWEEN, "longest"): put("longest", 0),
    (BETWEEN, "lowest"): put("lowest", -1),
    (BETWEEN, "highest"): put("highest", 99),
    (IN_SET, "malformed"): put("malformed", 1),
    **{(MEAN_BETWEEN, f"entities where split = {split}"): no_entities(split) for split in SPLITS},
    (BETWEEN, "unknown"): put("unknown", 1.5),
    **{(MEAN_BETWEEN, f"unknown where split = {split}"): forget(split) for split in SPLITS},
    (IN_SET, "odd"): put("odd", 1),
    **BAD_HASHES,
}
BAD_WINDOWS: Bad = {
    **bad_in_general(character_expectations.FACTS),
    (BETWEEN, "characters"): put("characters", 65),
    (BETWEEN, "unknown"): put("unknown", 1.5),
    **{(MEAN_BETWEEN, f"unknown where split = {split}"): forget(split) for split in SPLITS},
    (BETWEEN, "distinct"): put("distinct", 1),
    (IN_SET, "odd"): put("odd", 1),
    **BAD_HASHES,
}

BAD_PAIRS: Bad = {
    **bad_in_general(pair_expectations.FACTS),
    (BETWEEN, "source_characters"): put("source_characters", 100_000),
    (BETWEEN, "target_characters"): put("target_characters", 0),
    (BETWEEN, "source_tokens"): put("source_tokens", 0),
    (BETWEEN, "target_tokens"): put("target_tokens", 0),
    (BETWEEN, "unknown"): put("unknown", 1.5),
    **{(MEAN_BETWEEN, f"unknown where split = {split}"): forget(split) for split in SPLITS},
    (IN_SET, "odd"): put("odd", 1),
    **BAD_HASHES,
}


BAD_TABLES = {
    image_expectations.FACTS: BAD_IMAGES,
    text_expectations.FACTS: BAD_TEXTS,
    english_texts.FACTS: BAD_ENGLISH,
    tagging_expectations.FACTS: BAD_SENTENCES,
    character_expectations.FACTS: BAD_WINDOWS,
    pair_expectations.FACTS: BAD_PAIRS,
}
"""By the columns of the table of facts: what makes each of its expectations fail."""


def bad_tables(dataset: str) -> Bad:
    """Return a bad table for each expectation of a dataset, in their order."""
    module = registry.load(registry.DATASETS[dataset].module)
    used = [each for each in vars(module).values() if ismodule(each) and "expectations" in each.__name__]
    declared = [vars(each).get("FACTS") for each in (module, *used)]
    return next(BAD_TABLES[facts] for facts in declared if facts)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_twin_passes_and_every_expectation_has_its_bad_table(dataset: str) -> None:
    result = check(dataset, prepared(dataset)[0])
    assert (result["status"], result["reason"], result["dataset"]) == ("ok", "", dataset)
    assert [(entry["expectation"], entry["column"]) for entry in result["expectations"]] == list(
        bad_tables(dataset)
    )
    assert all(
        entry["success"] and entry["fix"] and not entry["first_bad"] for entry in result["expectations"]
    )


@pytest.mark.parametrize(
    ("dataset", "bad"),
    [(dataset, bad) for dataset in DATASETS for bad in bad_tables(dataset)],
    ids=lambda value: value if isinstance(value, str) else "-".join(value)[:80],
)
def test_a_bad_table_fails(dataset: str, bad: tuple[str, str]) -> None:
    items, counts = prepared(dataset)
    module = registry.load(registry.DATASETS[dataset].module)
    expectation = module.expectations(counts)[list(bad_tables(dataset)).index(bad)]
    result = validate(bad_tables(dataset)[bad](items), [expectation], dataset=dataset, docs=None)
    assert result["status"] == "failed"
    [found] = result["expectations"]
    assert (found["expectation"], found["column"], found["success"]) == (*bad, False)
    assert re.fullmatch(
        rf"{dataset}: 1 of 1 expectations in assay/data/datasets/\w+/{dataset}.py failed: "
        rf"{bad[0]} on [^\n]+; [^\n]+",
        result["reason"],
    )
    assert f", allowed: {found['allowed']}" in result["reason"]
    assert all(f"{limit:.6g}" in found["allowed"] for limit in limits(expectation))
    json.dumps(result, allow_nan=False)


def test_the_message_names_expectation_column_rows_and_fix() -> None:
    items, _ = prepared("digits")
    result = check("digits", items.assign(minimum=items["minimum"].mask(items["item"].isin([4, 9]), 3)))
    [failure] = [entry for entry in result["expectations"] if not entry["success"]]
    assert failure["expectation"] == "expect_column_values_to_be_between"
    assert failure["column"] == "minimum"
    assert failure["observed"] == "2 of 350 rows are bad"
    assert failure["first_bad"] == [{"item": 4, "minimum": 3}, {"item": 9, "minimum": 3}]
    assert "is the image inverted?" in failure["fix"]
    assert result["reason"] == (
        f"digits: 1 of {len(BAD_IMAGES)} expectations in assay/data/datasets/image/digits.py failed:"
        " expect_column_values_to_be_between on minimum: 2 of 350 rows are bad, allowed: 0,"
        f" first item 4 with minimum 3; item 9 with minimum 3; {failure['fix']}"
    )


def test_a_text_that_is_too_short_is_named_with_its_limits_and_what_to_edit() -> None:
    items, _ = prepared("movie_reviews")
    result = check("movie_reviews", items.assign(characters=items["characters"].mask(items["item"] == 7, 2)))
    assert (
        "expect_column_values_to_be_between on characters: 1 of 120 rows are bad, allowed: 3 to 300,"
        " first item 7 with characters 2; " in result["reason"]
    )
    assert "in assay/data/datasets/text/movie_reviews.py failed" in result["reason"]
    assert result["reason"].endswith(
        "if the data are right, widen characters in the dataset's expectations()"
    )


def test_a_twin_names_the_file_of_its_dataset() -> None:
    items, counts = prepared("digits")
    module = registry.load(registry.DATASETS["digits"].module)
    result = validate(put("item", 0)(items), module.expectations(counts), dataset="digits_twin", docs=None)
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
def test_says_what_is_allowed(least: float | None, greatest: float | None, allowed: str) -> None:
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValuesToBeBetween(
        column="label", min_value=least, max_value=greatest, meta={"fix": "a"}
    )
    mean = gxe.ExpectColumnMeanToBeBetween(
        column="label", min_value=least, max_value=greatest, meta={"fix": "a"}
    )
    result = validate(prepared("digits")[0], [rule, mean], dataset="digits", docs=None)
    assert [each["allowed"] for each in result["expectations"]] == [allowed, f"a mean of {allowed}"]


def test_says_which_classes_a_split_lacks() -> None:
    result = check("digits", lose_class("test")(prepared("digits")[0]))
    assert [entry["observed"] for entry in result["expectations"] if "test" in entry["column"]] == [
        "63",
        "missing [9]",
        "0 of 63 rows are bad",
    ]


@pytest.mark.parametrize("column", ["item", "split", "label", "sha256"])
def test_a_missing_column_is_named(column: str) -> None:
    result = check("digits", prepared("digits")[0].drop(columns=column))
    assert result["status"] == "failed"
    assert result["reason"].count("\n") == 0
    assert result["expectations"][0]["success"] is False
    assert any(f'The column "{column}"' in entry["observed"] for entry in result["expectations"])


def test_equal_tables_give_equal_results() -> None:
    items, _ = prepared("digits")
    bad = BAD_IMAGES[BETWEEN, "minimum"](items)
    assert check("digits", bad) == check("digits", bad)


def test_the_data_docs_open_with_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check("digits", BAD_IMAGES[IN_SET, "label"](prepared("digits")[0]), docs=tmp_path / "docs")
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
    module = registry.load(registry.DATASETS[dataset].module)
    module.fetch(folder / "raw", mirror=mirror)
    result = module.prepare(folder / "raw", folder / "out", seed=0, validation_fraction=0.1)
    items = pd.read_parquet(folder / "out" / "items.parquet")
    found = validate(items, module.expectations(result["counts"]), dataset=dataset, docs=None)
    assert found["reason"] == ""
    return found["status"] == "ok"


@pytest.mark.parametrize("dataset", ["digits", "review_grammar", "entity_grammar", "markov_text", "dates"])
def test_what_needs_no_download_passes(dataset: str, tmp_path: Path) -> None:
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
