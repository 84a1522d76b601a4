"""The declared facts of the generated visits hold: the optimum, the correlation within patients, and their leakage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from assay.data.datasets.table.clinic_visits import (
    COLUMNS,
    DATASET,
    FEWEST,
    MOST,
    OF_PATIENT,
    OF_VISIT,
    OPTIMUM,
    expected_pressure,
)


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    DATASET.fetch(raw, mirror=None)
    return DATASET.read(raw)


def residuals(table):
    """Return the residuals of the function of the columns, (N,)."""
    return table.targets - [expected_pressure(*row) for row in table.features]


def test_every_patient_has_three_to_twelve_visits_in_order(visits):
    patients, counts = np.unique(visits.groups, return_counts=True)
    assert patients.tolist() == [*range(240)]
    assert (counts.min(), counts.max()) == (FEWEST, MOST)
    months = pd.Series(visits.features[:, [*COLUMNS].index("month")])
    assert (months.groupby(visits.groups).diff().dropna() >= 1).all()


def test_the_residuals_have_the_declared_variances(visits):
    left = pd.Series(residuals(visits)).groupby(visits.groups)
    within = np.sqrt(left.var().mul(left.size() - 1).sum() / (left.size() - 1).sum())
    assert within == pytest.approx(OF_VISIT, rel=0.05)
    between = left.mean().var() - (within**2 / left.size()).mean()
    assert np.sqrt(between) == pytest.approx(OF_PATIENT, rel=0.1)  # of 240 patients


def test_the_function_reaches_the_optimum_and_no_more():
    """Over 40 twins, whose patients are others."""
    from random import Random

    from assay.data.datasets.table import clinic_visits

    found = []
    for seed in range(40):
        rows = np.loadtxt(clinic_visits._draw(Random(seed), 60).splitlines(), delimiter=",")
        left = rows[:, -1] - [expected_pressure(*row) for row in rows[:, 1:-1]]
        found.append((left**2).mean())
    assert np.sqrt(np.mean(found)) == pytest.approx(OPTIMUM["rmse"], rel=0.02)


def test_items_split_at_random_would_leak_and_split_by_patient_do_not(visits, tmp_path):
    scores = {}
    for strategy in ("random", "group"):
        from assay.data.preparation import tables

        tables.prepare(
            visits,
            tmp_path / strategy,
            dataset="made",
            seed=0,
            validation_fraction=0.1,
            test_fraction=0.25,
            split_strategy=strategy,
        )
        items = pd.read_parquet(tmp_path / strategy / "items.parquet")
        train, test = items[items["split"] != "test"], items[items["split"] == "test"]
        model = HistGradientBoostingRegressor(max_leaf_nodes=63, max_iter=300, random_state=0)
        model.fit(train[[*COLUMNS]], train["target"])
        scores[strategy] = np.sqrt(((model.predict(test[[*COLUMNS]]) - test["target"]) ** 2).mean())
    assert scores["random"] < 0.95 * OPTIMUM["rmse"] < OPTIMUM["rmse"] < scores["group"]


def test_a_patient_that_is_no_whole_number_is_one_line(tmp_path):
    DATASET.make_twin(tmp_path, 0)
    path = tmp_path / "visits.csv"
    path.write_text("0.5" + path.read_text()[1:])
    with pytest.raises(
        ValueError, match=r"row 1: patient 0\.5 is not an integer; delete the file and run again$"
    ):
        DATASET.read(tmp_path)
