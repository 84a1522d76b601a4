"""Labels, units and order of metrics, as the files of tasks declare them; how scores are shown."""

import pytest

from assay.config import registry
from assay.report.formatting import numbers


@pytest.mark.parametrize(
    ("metric", "label", "unit"),
    [
        ("macro_f1", "F1 (macro)", "%"),
        ("f1_person", "F1 of person", "%"),
        ("accuracy", "accuracy", "%"),
        ("accuracy_short_reviews", "accuracy on short reviews", "%"),
        ("rmse", "RMSE", ""),
        ("no_task_has_it", "no task has it", ""),
    ],
)
def test_labels_and_units(metric: str, label: str, unit: str) -> None:
    assert (numbers.metric_name(metric), numbers.metric_unit(metric)) == (label, unit)
    assert numbers.is_fraction(metric) == (unit == "%")


def test_metrics_of_every_task_are_found_once() -> None:
    assert {"accuracy", "auroc", "entity_f1", "bleu", "rmse", "bits_per_character"} <= set(registry.METRICS)
    assert all(label and unit in {"", "%"} for label, unit in registry.METRICS.values())


def test_metrics_are_read_in_the_order_of_their_declaration_and_then_by_name() -> None:
    names = ["unknown", "f1_person", "auroc", "f1_group", "accuracy", "also_unknown"]
    expected = ["accuracy", "auroc", "f1_group", "f1_person", "also_unknown", "unknown"]
    assert sorted(names, key=numbers.reading_order) == expected


@pytest.mark.parametrize(
    ("value", "metric", "shown"),
    [
        (0.98534, "accuracy", "98.53%"),
        (1.23456, "cross_entropy", "1.235"),
        (None, "accuracy", numbers.NOTHING),
    ],
)
def test_a_score_has_its_unit(value: float | None, metric: str, shown: str) -> None:
    assert numbers.score_with_unit(value, metric) == shown


@pytest.mark.parametrize(
    ("value", "metric", "shown"),
    [(-0.0123, "accuracy", "\N{MINUS SIGN}1.23"), (0.5, "rmse", "+0.5"), (None, "rmse", numbers.NOTHING)],
)
def test_a_difference_has_its_sign(value: float | None, metric: str, shown: str) -> None:
    assert numbers.difference(value, metric) == shown
