"""The curated published values agree with what they quote."""

from __future__ import annotations

import math

import pytest

from assay.config import registry
from assay.report.results import published

ROWS = [(dataset, model) for dataset, rows in published.load().items() for model in rows]
SECOND_ROWS = {"mlp_sgd", "lenet_300_100", "text_cnn_static", "text_cnn_tuned", "text_cnn_multichannel"}
"""Rows of params.yaml that are a second set of knobs of a catalogued family."""


def test_datasets_and_models_exist() -> None:
    assert {dataset for dataset, _ in ROWS} <= set(registry.DATASETS)
    assert {model for _, model in ROWS} <= set(registry.MODELS) | SECOND_ROWS


@pytest.mark.parametrize(("dataset", "model"), ROWS)
def test_value_is_what_the_source_prints(dataset: str, model: str) -> None:
    row = published.load()[dataset][model]
    share = row.quoted_value / 100
    in_our_unit = {
        "test error, %": 1 - share,
        "accuracy, %": share,
        "entity F1, %": share,
        "validation loss, nats a character": row.quoted_value / math.log(2),
    }
    assert row.value == pytest.approx(in_our_unit.get(row.quoted_metric, row.quoted_value))
    assert row.source_url.startswith(("http://", "https://"))
    assert row.why


def test_unchecked_submissions_are_never_comparable() -> None:
    rows = [row for values in published.load().values() for row in values.values()]
    unchecked = [row for row in rows if "zalandoresearch" in row.source_url]
    assert unchecked
    assert not any(row.comparable for row in unchecked)


def test_rounding_is_half_a_step_of_the_last_digit_printed() -> None:
    rows = published.load()
    assert rows["mnist"]["mlp"].rounding == pytest.approx(0.00005)  # 1.53 % of errors
    assert rows["mnist"]["scratch_mlp"].rounding == pytest.approx(0.0005)  # 1.6 %
    assert rows["fashion_mnist"]["rbf_svm"].rounding == pytest.approx(0.0005)  # 0.897
    assert rows["tinyshakespeare"]["gpt"].rounding == pytest.approx(0.005 / math.log(2))  # 1.88 nats
    assert rows["multi30k"]["seq2seq_attention"].rounding == pytest.approx(0.005)
