"""Ratings, against the closed form of two models, a general optimiser and simulated strengths."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_expit

from assay.report.inference import bradley_terry, task_scores
from assay.report.inference.bradley_terry import Ratings


def rated(scores: dict[str, dict[str, np.ndarray]]) -> tuple[Ratings, ...]:
    return bradley_terry.rate(scores, task_scores.draw_runs(scores, {}))


def of_wins(wins: int, losses: int) -> dict[str, dict[str, np.ndarray]]:
    """Return one run of two models on each task."""
    outcomes = [1.0] * wins + [0.0] * losses
    return {
        "one": {f"task {place}": np.array([outcome]) for place, outcome in enumerate(outcomes)},
        "other": {f"task {place}": np.array([0.5]) for place in range(len(outcomes))},
    }


def test_two_models_have_the_odds_of_their_wins() -> None:
    [found] = rated(of_wins(6, 2))
    first, second = found.models
    assert (first.model, second.model, first.tasks) == ("one", "other", 8)
    assert first.rating - second.rating == pytest.approx(400 * np.log10(6.05 / 2.05))
    assert first.rating + second.rating == pytest.approx(2000)
    assert first.low < 1000 < first.high  # six of eight may be chance


def test_a_model_that_always_wins_has_a_finite_rating_and_a_bar() -> None:
    [found] = rated(of_wins(5, 0))
    first, second = found.models
    assert first.rating - second.rating == pytest.approx(400 * np.log10(5.05 / 0.05))
    assert first.low < 1000  # the sign test of five wins has a p-value of 0.06
    assert first.low < first.rating <= first.high
    [more] = rated(of_wins(30, 0))
    assert more.models[0].low > 1000


def test_ties_are_half_a_win() -> None:
    scores = {name: {f"task {place}": np.array([0.5, 0.5]) for place in range(5)} for name in "ab"}
    [found] = rated(scores)
    assert [each.rating for each in found.models] == pytest.approx([1000, 1000])


def test_strengths_maximise_the_likelihood() -> None:
    wins = np.random.default_rng(0).random((3, 5, 5)) * 6  # three tables at once
    found = bradley_terry.strengths(wins)
    for table, mine in zip(wins, found, strict=True):

        def loss(strengths: np.ndarray, table: np.ndarray = table) -> float:
            pairs = permutations(range(5), 2)
            return -float(
                sum(table[one, other] * log_expit(strengths[one] - strengths[other]) for one, other in pairs)
            )

        reference = minimize(loss, np.zeros(5), method="BFGS").x
        assert mine == pytest.approx(reference - reference.mean(), abs=1e-4)


def test_models_without_five_common_tasks_have_ratings_of_their_own_or_none() -> None:
    def runs(tasks: str, score: float) -> dict[str, np.ndarray]:
        return {task: np.array([score]) for task in tasks}

    scores = {
        "a": runs("pqrst", 0.1),
        "b": runs("pqrstu", 0.2),
        "c": runs("vwxyzu", 0.3),
        "d": runs("vwxyz", 0.4),
        "e": runs("pqrs", 0.5),
    }
    first, second = rated(scores)
    assert [each.model for each in first.models] == ["b", "a"]
    assert first.tasks == tuple("pqrst")  # on u, b only met c
    assert [each.model for each in second.models] == ["d", "c"]
    assert rated({"a": scores["a"], "e": scores["e"]}) == ()


def test_bars_contain_the_strengths_that_made_the_scores() -> None:
    """The difference of two standard Gumbel variables is logistic, so that these runs follow the model."""
    rng = np.random.default_rng(0)
    strengths = {"a": -1.0, "b": 0.0, "c": 1.0}
    covered = []
    for _ in range(25):
        scores = {
            name: {
                f"task {place}": np.array([value])
                for place, value in enumerate(strength + rng.gumbel(size=8))
            }
            for name, strength in strengths.items()
        }
        [found] = rated(scores)
        truth = {name: 1000 + 400 / np.log(10) * strength for name, strength in strengths.items()}
        covered += [each.low <= truth[each.model] <= each.high for each in found.models]
    assert np.mean(covered) > 0.93
