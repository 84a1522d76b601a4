"""The expected best of some trials is that of all draws with replacement."""

import itertools

import pytest

from assay.report.inference.expected_best import expected_best

SCORES = [0.7, 0.9, 0.8, 0.9]


@pytest.mark.parametrize(("direction", "choose"), [("maximise", max), ("minimise", min)])
def test_it_is_the_mean_over_all_draws(direction, choose):
    for trials, value in enumerate(expected_best(SCORES, direction), 1):
        draws = [choose(draw) for draw in itertools.product(SCORES, repeat=trials)]
        assert value == pytest.approx(sum(draws) / len(draws))


def test_one_trial_is_expected_to_reach_the_mean():
    assert expected_best([1.0, 2.0, 6.0], "maximise")[0] == pytest.approx(3.0)
    assert expected_best([5.0], "minimise") == [5.0]
