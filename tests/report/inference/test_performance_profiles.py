"""Performance profiles, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from assay.report.inference import performance_profiles, task_scores
from assay.report.inference.normalised import Scale
from assay.report.inference.performance_profiles import THRESHOLDS, Profile, Profiles

TASKS = ("a", "b", "c", "d", "e")
SCALES = {task: Scale(0.5, 1.0, "control", "perfect score") for task in TASKS}
FAMILIES = {"one": ["one 1", "one 2"], "two": ["two 1", "two 2"]}


def of(
    scores: dict[str, dict[str, list[float]]],
    scales: dict[str, Scale] = SCALES,
    families: dict[str, list[str]] = FAMILIES,
) -> tuple[Profiles, ...]:
    runs = {name: {task: np.array(each) for task, each in tasks.items()} for name, tasks in scores.items()}
    return performance_profiles.profiles(runs, task_scores.draw_runs(runs, {}), families, scales)


def at(profile: Profile, threshold: float) -> tuple[float, float, float]:
    place = int(np.searchsorted(THRESHOLDS, threshold))
    assert THRESHOLDS[place] == pytest.approx(threshold)
    return profile.shares[place], profile.low[place], profile.high[place]


def test_the_share_is_over_runs_then_models_then_tasks() -> None:
    same = {key: [0.7] for key in TASKS}
    # normalised: 0.2 and 0.8 of the first model, 0.8 of the second, on a; then 0.4 everywhere
    scores = {"one 1": same | {"a": [0.6, 0.9]}, "one 2": same | {"a": [0.9]}, "two 1": same, "two 2": same}
    [found] = of(scores)
    assert found.tasks == TASKS
    one, two = found.families
    assert (one.family, one.models) == ("one", ("one 1", "one 2"))
    assert at(one, 0)[0] == 1
    assert at(one, 0.3)[0] == pytest.approx((0.75 + 4) / 5)
    assert at(one, 0.5)[0] == pytest.approx(0.75 / 5)
    assert at(one, 1)[0] == 0
    assert at(two, 0.5)[0] == 0
    assert list(one.shares) == sorted(one.shares, reverse=True)
    for curve in found.families:
        assert all(
            0 <= low <= share <= high <= 1
            for low, share, high in zip(curve.low, curve.shares, curve.high, strict=True)
        )


def test_less_may_be_better() -> None:
    runs = {key: [-2.0] for key in TASKS}  # a loss of 2, between a control's 4 and a published 1
    scales = {task: Scale(4.0, 1.0, "control", "published") for task in TASKS}
    [found] = of({name: runs for names in FAMILIES.values() for name in names}, scales)
    assert at(found.families[0], 0.65)[0] == 1
    assert at(found.families[0], 0.675)[0] == 0


def test_a_band_is_narrower_with_more_tasks_and_models() -> None:
    rng = np.random.default_rng(0)

    def width(tasks: int, models: int) -> float:
        families = {name: [f"{name} {place}" for place in range(models)] for name in ("one", "two")}
        names = [f"task {place}" for place in range(tasks)]
        scores = {
            model: {task: rng.uniform(0.5, 1, 3).tolist() for task in names}
            for models_ in families.values()
            for model in models_
        }
        [found] = of(scores, dict.fromkeys(names, SCALES["a"]), families)
        _, low, high = at(found.families[0], 0.5)
        return high - low

    assert width(20, 8) < width(6, 8) < width(6, 2)


def test_families_need_five_common_tasks_with_a_scale_and_two_models() -> None:
    runs = {key: [0.7] for key in TASKS}
    scores = {name: runs for names in FAMILIES.values() for name in names}
    assert of(scores, {task: SCALES[task] for task in TASKS[1:]}) == ()
    fewer = scores | {name: {task: [0.7] for task in TASKS[1:]} for name in FAMILIES["two"]}
    assert of(fewer) == ()
    assert of(scores, families={"one": FAMILIES["one"], "two": ["two 1"]}) == ()


def test_families_are_drawn_on_the_tasks_of_all_of_them() -> None:
    more = (*TASKS, "f")
    scales = dict.fromkeys(more, SCALES["a"])
    scores = {name: {key: [0.7] for key in more} for names in FAMILIES.values() for name in names}
    scores |= {name: {key: [0.7] for key in TASKS} for name in ("few 1", "few 2")}
    first, second = of(scores, scales, FAMILIES | {"few": ["few 1", "few 2"]})
    assert (first.tasks, [each.family for each in first.families]) == (more, ["one", "two"])
    assert (second.tasks, [each.family for each in second.families]) == (TASKS, ["one", "two", "few"])
