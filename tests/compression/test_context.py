"""Scores are those of validation, the budget is a share of them, and the strongest setting within it is chosen."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from assay.compression.context import search, trained
from assay.tasks import translation
from assay.tasks.image_classification import TASK
from tests.compression.conftest import context

INPUTS = torch.eye(4)[:, None, None, :]
TARGETS = torch.tensor([0, 1, 2, 2])


class Scaled(nn.Module):
    """Says the place of the largest input, but for the last ``wrong`` classes."""

    def __init__(self, wrong=0):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))
        self.wrong = wrong

    def forward(self, images):
        scores = images.flatten(1) * self.weight
        return scores.roll(1, dims=1) if self.wrong > 1 else scores


def test_the_score_is_the_primary_metric_on_validation_items():
    of = context(Scaled(), INPUTS, TARGETS, validation=(INPUTS[:2], TARGETS[:2]))
    assert of.score(of.model) == 1.0
    assert context(Scaled(), INPUTS, TARGETS).score(of.model) == 0.75
    balanced = context(Scaled(), INPUTS, TARGETS, task=TASK.with_primary("balanced_accuracy"))
    assert balanced.score(of.model) == pytest.approx((1 + 1 + 0.5) / 3)


def test_where_texts_would_be_generated_the_score_is_what_training_watches():
    of = replace(context(Scaled(), INPUTS, TARGETS), task=translation.TASK)
    assert of.metric.name == "cross_entropy"


@pytest.mark.parametrize(
    ("metric", "before", "after", "lost"),
    [("accuracy", 0.8, 0.6, 0.25), ("accuracy", 0.8, 0.9, -0.125), ("cross_entropy", 2.0, 2.5, 0.25)],
)
def test_what_is_lost_is_a_share_of_the_score_whichever_way_is_better(metric, before, after, lost):
    of = context(Scaled(), INPUTS, TARGETS, task=TASK.with_primary(metric))
    assert of.lost(before, after) == pytest.approx(lost)


def test_the_strongest_within_the_budget_is_chosen_and_every_trial_is_kept():
    of = context(Scaled(), INPUTS, TARGETS, max_relative_drop=0.1)
    tried = [0.0, 1.0, 2.0, 3.0]
    chosen, trials = search(of, "wrong", tried, lambda wrong: Scaled(wrong))
    assert chosen == 1.0
    assert [trial["wrong"] for trial in trials] == tried
    assert [trial["lost"] for trial in trials] == pytest.approx([0.0, 0.0, 1.0, 1.0])
    assert search(of, "wrong", [2.0, 3.0], lambda wrong: Scaled(wrong))[0] == 2.0


def test_a_setting_beyond_one_that_leaves_the_budget_is_not_chosen():
    of = context(Scaled(), INPUTS, TARGETS, max_relative_drop=0.1)
    chosen, trials = search(of, "wrong", [0.0, 2.0, 1.0], lambda wrong: Scaled(wrong))
    assert [trial["lost"] <= 0.1 for trial in trials] == [True, False, True]
    assert chosen == 0.0


def test_a_score_that_is_not_a_number_is_not_within_the_budget(monkeypatch):
    of = context(Scaled(), INPUTS, TARGETS, max_relative_drop=0.1)
    monkeypatch.setattr(type(of), "score", lambda _, model: float("nan") if model.wrong else 1.0)
    chosen, trials = search(of, "wrong", [0.0, 1.0], lambda wrong: Scaled(wrong))
    assert math.isnan(trials[1]["lost"])
    assert chosen == 0.0


class Losing:
    """A context of which a network, a number here, loses what it says once it was tuned."""

    model, max_relative_drop = 0.0, 0.1

    def score(self, network):
        return 1 - network

    def lost(self, before, after):
        return before - after


def test_training_goes_on_until_twice_the_budget_is_lost_from_what_the_setting_before_left():
    trials = [{"setting": number, "lost": lost} for number, lost in enumerate([0.05, 0.3, 0.0, 0.4, 0.5])]
    losses, given, tuned = iter([0.15, 0.08, 0.25]), [], []

    def make(network, setting):
        given.append(network)
        return next(losses) if setting else 0.05

    assert trained(Losing(), "setting", trials, make, tuned.append) == 0.08
    assert tuned == [0.15, 0.08, 0.25]
    assert given == [0.0, 0.05, 0.15, 0.08]
    assert [trial.get("tuned_lost") for trial in trials] == [None, *map(pytest.approx, tuned), None]


def test_fine_tuning_takes_its_share_of_steps_and_learns(digits, tmp_path):
    (images, targets), (others, theirs) = digits
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    of = context(model, images, targets, validation=(others, theirs), folder=tmp_path)
    tuned = [copy.deepcopy(model) for _ in range(3)]
    for network, share in zip(tuned, (0.1, 0.1, 1.0), strict=True):
        of.fine_tune(network, share=share, rate=1.0)
    scores = [of.score(network) for network in (model, *tuned)]
    assert scores[0] < 0.3 < scores[1] < scores[3]
    assert torch.equal(tuned[0][1].weight, tuned[1][1].weight)
    assert list(tmp_path.iterdir()) == []
    assert not np.isnan(scores).any()
