"""Regression with the patient as the unit: each prediction names one, and data without patients are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from assay.data import loading
from assay.tasks import table_regression
from assay.tasks.repeated_visits import TASK


def prepared(dataset, folder):
    loading.load(dataset).make_twin(folder / "raw", 0)
    loading.load(dataset).prepare(folder / "raw", folder / dataset, seed=0, validation_fraction=0.2)
    return folder / dataset


def test_each_prediction_names_the_patient_of_its_visit(tmp_path):
    folder = prepared("clinic_visits", tmp_path)
    test = TASK.load(folder, ("train", "test"))["test"]
    rows = torch.tensor([5, 0, 3])
    for split in (test, test.take(rows), TASK.limit(test, 4)):
        table = TASK.predictions(split.targets, split)
        items = pd.read_parquet(folder / "items.parquet").set_index("item")
        assert table.columns.tolist() == ["item", "patient", "target", "prediction"]
        np.testing.assert_array_equal(table["patient"], items.loc[table["item"], "group"])
        np.testing.assert_allclose(table["target"], items.loc[table["item"], "target"], rtol=1e-5)


def test_the_metric_equals_that_of_regression_and_the_unit_is_the_patient(tmp_path):
    test = TASK.load(prepared("clinic_visits", tmp_path), ("test",))["test"]
    answers = test.targets + 0.1 * torch.randn(len(test), 1, generator=torch.Generator().manual_seed(0))
    table = TASK.predictions(answers, test)
    arrays = TASK.primary.arrays(table)
    assert TASK.compute_metrics(answers, test) == table_regression.TASK.compute_metrics(answers, test)
    assert TASK.primary.value(arrays) == pytest.approx(TASK.compute_metrics(answers, test)["rmse"])
    assert {len(each) for each in arrays} == {table["patient"].nunique()} == {10}
    assert (TASK.primary.unit, table_regression.TASK.primary.unit) == ("patient", "item")


def test_data_without_patients_are_an_error(tmp_path):
    folder = prepared("diabetes", tmp_path)
    with pytest.raises(
        ValueError, match=r"items.parquet: no column group, but the task's unit is patient; use"
    ):
        TASK.load(folder, ("test",))
