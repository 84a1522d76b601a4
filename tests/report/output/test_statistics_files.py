"""What other programs read of the report's conclusions, and that no two of them contradict each other."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from assay.report.build import build
from assay.report.output.statistics_files import ESTIMATES, TESTS
from tests.report import made_up

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of the whole made-up tree."""
    root = tmp_path_factory.mktemp("whole")
    build(**made_up.write_tree(root))
    return root / "reports"


def test_there_is_one_estimate_for_each_model_and_method_with_its_ranks(whole: Path) -> None:
    table = pd.read_csv(whole / "estimates.csv")
    assert tuple(table) == ESTIMATES
    assert not table.duplicated(["task", "model", "method"]).any()
    assert (table["low"] <= table["mean"]).all()
    assert (table["mean"] <= table["high"]).all()
    plain = table[table["method"] == "none"]
    assert (plain["rank_low"] <= plain["rank_high"]).all()
    assert plain.groupby("task")["rank_high"].max().to_dict() == plain.groupby("task").size().to_dict()
    assert table[table["method"] != "none"]["rank_low"].isna().all()
    matrix = pd.read_csv(whole / "tables/matrix.csv")
    joined = plain.merge(matrix, on=["task", "model"])
    assert len(joined) == len(plain)
    assert joined["mean_x"].tolist() == pytest.approx(joined["mean_y"].tolist())


def test_each_test_has_its_difference_p_and_correction(whole: Path) -> None:
    table = pd.read_csv(whole / "tests.csv")
    assert tuple(table) == TESTS
    assert {"ranks", "compression", "budget"} <= set(table["question"])
    tested = table[table["p"].notna()]
    assert (tested["p"] <= tested["p_corrected"] + 1e-12).all()
    assert (tested["comparisons"] >= 1).all()
    of_task = table[(table["question"] == "compression") & (table["task"] == "digits")]
    assert set(of_task["comparisons"]) == {len(of_task)}


def test_no_interval_excludes_0_beside_a_test_that_finds_no_difference(whole: Path) -> None:
    table = pd.read_csv(whole / "tests.csv")
    compared = table[table["question"].isin(["ranks", "compression"])]
    assert set(compared["verdict"]) == {"different", "not significantly different"}
    excludes = (compared["low"] > 0) | (compared["high"] < 0)
    assert not (excludes & (compared["verdict"] == "not significantly different")).any()
    inside = (compared["low"] < 0) & (compared["high"] > 0)
    assert not (inside & (compared["verdict"] == "different")).any()


def test_nothing_is_beyond_its_budget_beside_a_test_that_finds_no_difference(whole: Path) -> None:
    table = pd.read_csv(whole / "tests.csv").set_index(["task", "first"])
    budget = table[table["question"] == "budget"]["verdict"]
    change = table[table["question"] == "compression"]["verdict"]
    assert set(budget) <= {"within", "beyond", "undecided"}
    assert not ((budget == "beyond") & (change == "not significantly different")).any()


def test_no_row_of_the_page_contradicts_itself(whole: Path) -> None:
    page = (whole / "index.html").read_text(encoding="utf-8")
    rows = [re.sub(r"<[^>]+>", " ", row) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    beside = [row for row in rows if "not significantly different" in row]
    assert beside
    for row in beside:
        assert "over budget" not in row
        assert not re.search(r"\bbeyond\b", row)
        for low, high in re.findall(r"([+-]\d[\d.]*) to ([+-]\d[\d.]*)", row.replace(MINUS, "-")):
            assert float(low) <= 0 <= float(high)
