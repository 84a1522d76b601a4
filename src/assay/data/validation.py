# SPDX-License-Identifier: Apache-2.0
"""Validation of a dataset's table of facts by its expectations, before any training.

Great Expectations, https://docs.greatexpectations.io, runs in memory: no project folder, no telemetry. It
takes seconds to import, so it is imported where it is used: in advance by the run's process, or once per dataset.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.preparation.cleaning import SPLITS
from assay.files import write_text

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.expectations import Expectation

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when great_expectations is imported, so it is set before

_SHOWN_ROWS = 5
_SHOWN_FAILURES = 3

_STYLE = """<style>
body { font: 15px/1.5 sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { border: 1px solid #ccc; padding: .3rem .6rem; text-align: left; vertical-align: top; }
.badge { background: #eee; border-radius: .3rem; padding: 0 .4rem; }
.sticky { display: none; } /* a menu that needs the scripts */
.text-success::before { content: "\\2713"; color: #080; }
.text-danger::before { content: "\\2717"; color: #b00; }
</style></head>"""


def with_derived(items: pd.DataFrame) -> pd.DataFrame:
    """Return ``items`` with derived columns, each if the columns that it needs are present.

    ``class_share``: the share of the item's split with its label. ``splits_with_hash``, ``splits_with_group``: the
    number of splits with the item's content, or group. ``held_out_before``: the number of items in later splits
    (validation and test after train, test after validation) whose time is not later.
    """
    facts = items.copy()
    if {"split", "label"} <= set(items):
        class_sizes = items.groupby(["split", "label"], dropna=False)["split"].transform("size")
        facts["class_share"] = class_sizes / items.groupby("split", dropna=False)["split"].transform("size")
    if {"split", "sha256"} <= set(items):
        facts["splits_with_hash"] = items.groupby("sha256", dropna=False)["split"].transform("nunique")
    if {"split", "group"} <= set(items):
        facts["splits_with_group"] = items.groupby("group", dropna=False)["split"].transform("nunique")
    if {"split", "time"} <= set(items):
        facts["held_out_before"] = _held_out_before(items["split"], items["time"])
    return facts


def _held_out_before(split: pd.Series, time: pd.Series) -> NDArray[np.int64]:
    """Return for each item the number of items in later splits whose time is not later, (N,)."""
    counts = np.zeros(len(split), np.int64)
    for place, name in enumerate(SPLITS):
        later = time[split.isin(SPLITS[place + 1 :])].dropna().sort_values()
        mine = (split == name) & time.notna()
        counts[mine] = later.searchsorted(time[mine], side="right")
    return counts


def validate(
    items: pd.DataFrame, expectations: list[Expectation], *, dataset: str, file: str, docs: Path | None
) -> dict[str, Any]:
    """Return whether ``items`` meets all ``expectations``, and the first bad rows of each that fails.

    Args:
        items: one row per item, the table that a module of :mod:`assay.data.preparation` writes.
        expectations: each with a hint ``meta["fix"]``.
        file: where they are declared.
        docs: folder for the Data Docs, index.html; None for none.

    Returns:
        ``{status: ok | failed, reason, dataset, expectations: [{expectation, column, allowed, success, observed,
        first_bad, fix}]}`` in the order of ``expectations``; ``reason`` is one line.
    """
    outcome, ids = _run(with_derived(items), expectations, dataset)
    # Great Expectations has no types for this method.
    found: dict[str, Any] = outcome.to_json_dict()  # type: ignore[no-untyped-call]
    results = {result["expectation_config"]["id"]: _describe(result) for result in found["results"]}
    ordered = [results[name] for name in ids]
    if docs:
        write_text(docs / "index.html", _render(outcome))
    failed = [result for result in ordered if not result["success"]]
    return {
        "status": "failed" if failed else "ok",
        "reason": _explain(dataset, file, failed, len(ordered)) if failed else "",
        "dataset": dataset,
        "expectations": ordered,
    }


def _run(
    facts: pd.DataFrame, expectations: list[Expectation], dataset: str
) -> tuple[ExpectationSuiteValidationResult, list[str | None]]:
    """Return Great Expectations' result, in its own order, and the expectations' ids in our order."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        ),
    )
    asset = context.data_sources.add_pandas("prepared").add_dataframe_asset("items")
    suite = context.suites.add(gx.ExpectationSuite(name=dataset, expectations=expectations))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=dataset, data=asset.add_batch_definition_whole_dataframe("all"), suite=suite
        )
    )
    outcome = definition.run(
        batch_parameters={"dataframe": facts},
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": [name for name in ("item",) if name in facts],
            "partial_unexpected_count": _SHOWN_ROWS,
        },
    )
    return outcome, [expectation.id for expectation in suite.expectations]


def _describe(result: dict[str, Any]) -> dict[str, Any]:
    config, found = result["expectation_config"], result["result"]
    return {
        "expectation": config["type"],
        "column": _name_column(config["kwargs"]),
        "allowed": _allow(config["type"], config["kwargs"]),
        "success": result["success"],
        "observed": _observe(config["type"], config["kwargs"], found)
        if found
        else _name_exception(result["exception_info"]),
        "first_bad": [_describe_row(row) for row in found.get("partial_unexpected_index_list") or []],
        "fix": config["meta"]["fix"],
    }


def _describe_row(row: dict[str, Any] | int) -> dict[str, Any]:
    """Return the item and its bad values, in a fixed order."""
    if isinstance(row, int):  # if the table has no column "item"
        return {"row": row}
    return {name: _plain(row[name]) for name in sorted(row, key=lambda name: (name != "item", name))}


def _plain(value: Any) -> Any:
    """Return a value of a table for JSON: no NumPy scalar, None for a missing value."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _name_column(kwargs: dict[str, Any]) -> str:
    """Return the columns of an expectation, and its condition on rows if it has one."""
    pair = [kwargs[key] for key in ("column_A", "column_B") if key in kwargs]
    columns = [kwargs["column"]] if "column" in kwargs else pair or kwargs.get("column_list", [])
    condition = kwargs.get("row_condition")
    where = f"{condition['column']['name']} = {condition['parameter']}" if condition else ""
    return " where ".join(part for part in (", ".join(columns), where) if part)


_ALLOWED = {
    "expect_table_columns_to_match_ordered_list": "these in this order: {column_list}",
    "expect_table_row_count_to_equal": "{value} rows",
    "expect_column_values_to_not_be_null": "any value",
    "expect_column_values_to_be_unique": "each value once",
    "expect_compound_columns_to_be_unique": "each pair of values once",
    "expect_column_values_to_be_in_set": "one of {value_set}",
    "expect_column_distinct_values_to_contain_set": "all of {value_set}",
    "expect_column_values_to_match_regex": "values that match {regex}",
    "expect_column_pair_values_a_to_be_greater_than_b": "{column_A} above {column_B}",
}
"""The allowed values of expectations; the others have a minimum, a maximum or both."""


_BROKEN = {
    "expect_column_values_to_not_be_null": "{column} is missing",
    "expect_column_values_to_be_unique": "{column} is repeated",
    "expect_compound_columns_to_be_unique": "a pair of {column_list} is repeated",
    "expect_column_values_to_be_in_set": "{column} is none of the allowed values",
    "expect_column_values_to_match_regex": "{column} does not match {regex}",
    "expect_column_pair_values_a_to_be_greater_than_b": "{column_A} is not above {column_B}",
    "expect_column_values_to_be_between": "{column} is not {limits}",
    "expect_column_value_lengths_to_be_between": "the length of {column} is not {limits}",
}
"""How a row fails each expectation, as messages say it."""


def _allow(expectation: str, kwargs: dict[str, Any]) -> str:
    """Return a description of the values that an expectation allows, and of how many rows must have them."""
    if expectation in _ALLOWED:
        words = _ALLOWED[expectation].format_map(kwargs)
    else:
        words = f"a mean of {_limits(kwargs)}" if "mean" in expectation else _limits(kwargs)
    if kwargs.get("mostly", 1) < 1:
        return f"{words}, in at least {100 * kwargs['mostly']:.4g}% of the rows"
    return f"{words}, in every row" if "null" in expectation else words


def _limits(kwargs: dict[str, Any]) -> str:
    limits = [kwargs.get("min_value"), kwargs.get("max_value")]
    least, greatest = ["" if limit is None else f"{limit:.6g}" for limit in limits]
    if least == greatest:
        return least
    if least and greatest:
        return f"{least} to {greatest}"
    return f"at least {least}" if least else f"at most {greatest}"


def _observe(expectation: str, kwargs: dict[str, Any], found: dict[str, Any]) -> str:
    """Return the observed values in words: what is wrong with how many rows, or a value of the whole column."""
    if found.get("partial_missing_list"):
        return f"missing {found['partial_missing_list']}"
    if found.get("observed_value") is not None:
        return str(found["observed_value"])
    if "element_count" not in found:
        return "as expected"
    if not found["unexpected_count"]:
        return f"as expected in all {found['element_count']:,} rows"
    words = _BROKEN.get(expectation, "{column} is not as expected").format_map(
        {"column": _name_column(kwargs), **kwargs, "limits": _limits(kwargs)}
    )
    return f"{words} in {found['unexpected_count']:,} of {found['element_count']:,} rows"


def _name_exception(exceptions: dict[str, Any]) -> str:
    messages = {info["exception_message"] for info in exceptions.values() if isinstance(info, dict)}
    return "; ".join(sorted(" ".join(message.split()) for message in messages))


def _explain(dataset: str, file: str, failed: list[dict[str, Any]], num_expectations: int) -> str:
    """Return one line about the first failures: the expectation, allowed values, first bad rows and the fix."""
    lines = [
        f"{result['expectation']} on {result['column']}: {result['observed']}, allowed: {result['allowed']}"
        + (f", first {'; '.join(map(_name_row, result['first_bad']))}" if result["first_bad"] else "")
        + f"; {result['fix']}"
        for result in failed[:_SHOWN_FAILURES]
    ]
    more = f" | and {len(failed) - _SHOWN_FAILURES} more" if len(failed) > _SHOWN_FAILURES else ""
    count = f"{len(failed)} of {num_expectations}"
    return f"{dataset}: {count} expectations in {file} failed: {' | '.join(lines)}{more}"


def _name_row(row: dict[str, Any]) -> str:
    """Return a bad row as text: the item's number in upstream's order, then its bad values."""
    (key, number), *values = row.items()
    shown = ", ".join(f"{name} {value!r}" for name, value in values)
    return f"{key} {number}{' with ' if shown else ''}{shown}"


def _render(outcome: ExpectationSuiteValidationResult) -> str:
    """Return the Data Docs page of ``outcome``, changed to work without a network.

    The original page loads scripts, styles, fonts and logos from nine other hosts.
    """
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(outcome)
    # Great Expectations has no types for this method.
    page: str = DefaultJinjaPageView().render(document)  # type: ignore[no-untyped-call]
    for foreign in (
        r"<(script|nav|footer)\b.*?</\1>",
        r"<(link|img)\b[^>]*>",
        r"<a href=\"\.\./[^>]*>",
        r"url\(['\"]?https?:[^)]*\)",
    ):
        page = re.sub(foreign, "", page, flags=re.DOTALL | re.IGNORECASE)
    return page.replace("</head>", _STYLE, 1)
