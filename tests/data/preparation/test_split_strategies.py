"""Each strategy holds out the items that it should, and impossible splits are an error in one line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit

from assay.data.expectations import apart, in_order
from assay.data.preparation.cleaning import SPLITS, ImpossibleSplitError, draw_split
from assay.data.preparation.split_strategies import (
    ByGroup,
    ByTime,
    Fold,
    Random,
    Stratified,
    Together,
    choose,
)
from assay.data.validation import with_derived

ROWS = np.arange(12)


def split(strategy, upstream=None, *, count=12, test=0.25, validation=0.25, seed=0):
    named = np.full(count, "") if upstream is None else np.array(upstream)
    return draw_split(named, strategy, seed, validation, test, dataset="made")


def test_the_latest_items_are_test_and_the_latest_of_the_rest_validation():
    times = np.array([5, 1, 9, 12, 2, 8, 3, 11, 4, 10, 7, 6])
    found = split(ByTime(times))
    assert sorted(times[found == "test"]) == [10, 11, 12]
    assert sorted(times[found == "validation"]) == [8, 9]  # 2 of 9 is nearest to a quarter


def test_dates_are_times():
    days = np.array(["2026-01-02", "2025-12-31", "2026-01-01", "2025-12-30"], dtype="datetime64[D]")
    assert split(ByTime(days), count=4).tolist() == ["test", "train", "validation", "train"]


def test_items_of_one_time_stay_together_on_the_side_that_is_nearer_to_the_fraction():
    stay, held = ByTime(np.repeat([1, 2, 3], [6, 5, 1])).hold_out(ROWS, 0.25, 0)
    assert (len(stay), len(held)) == (11, 1)  # 1 is nearer to 3 than 6
    stay, held = ByTime(np.repeat([1, 2, 3], [6, 3, 3])).hold_out(ROWS, 0.35, 0)
    assert (stay.tolist(), held.tolist()) == ([*range(9)], [9, 10, 11])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=40).filter(lambda found: len(set(found)) > 1),
    st.floats(0.01, 0.99),
)
def test_equal_times_never_straddle_a_border_and_no_other_border_is_nearer(times, fraction):
    at, rows = np.array(times), np.arange(len(times))
    stay, held = ByTime(at).hold_out(rows, fraction, 0)
    assert at[stay].max() < at[held].min()
    assert sorted([*stay, *held]) == rows.tolist()
    borders = [(at >= time).sum() for time in set(times) - {at.min()}]
    assert abs(len(held) - fraction * len(at)) == min(abs(each - fraction * len(at)) for each in borders)


def test_a_single_time_is_an_error():
    with pytest.raises(
        ValueError, match=r"^made: a split is not possible: all remaining items have the same time"
    ):
        split(ByTime(np.ones(12)))


def test_whole_groups_are_held_out_and_fractions_are_of_groups():
    groups = np.repeat([*"abcdefgh"], [1, 2, 3, 4, 5, 6, 7, 8])
    found = split(ByGroup(groups), count=36)
    by_split = {name: set(groups[found == name]) for name in SPLITS}
    assert [len(by_split[name]) for name in SPLITS] == [4, 2, 2]
    assert set.union(*by_split.values()) == {*"abcdefgh"}


def test_groups_are_those_of_scikit_learn():
    groups = np.random.default_rng(0).integers(0, 20, 100)
    _, held = ByGroup(groups).hold_out(np.arange(100), 0.3, 7)
    [(_, expected)] = GroupShuffleSplit(1, test_size=0.3, random_state=7).split(np.arange(100), groups=groups)
    np.testing.assert_array_equal(held, expected)


def test_a_single_group_is_one_line():
    with pytest.raises(ValueError, match=r"^made: a split is not possible: [^\n]+$"):
        split(ByGroup(np.zeros(12)))


@pytest.mark.parametrize("strategy", [Random(), ByTime(ROWS), ByGroup(ROWS // 2), Stratified(ROWS % 2)])
def test_upstreams_split_is_kept(strategy):
    upstream = ["test"] * 4 + [""] * 8
    found = split(strategy, upstream)
    assert (found[:4] == "test").all()
    assert set(found[4:]) == {"train", "validation"}
    whole = ["test"] * 4 + ["train"] * 4 + ["validation"] * 4
    assert split(strategy, whole).tolist() == whole


def test_equal_items_stay_together_and_count_as_one():
    kinds = np.array([0, 1, 2, 3, 0, 1, 0, 4])
    rows = np.array([0, 1, 2, 4, 5, 6, 7])  # 3 is held out already
    stay, held = Together(Random(), kinds).hold_out(rows, 0.5, 0)
    assert sorted([*stay, *held]) == rows.tolist()
    assert not set(kinds[stay]) & set(kinds[held])
    assert set(kinds[held]) == set(kinds[Random().hold_out(np.array([0, 1, 2, 7]), 0.5, 0)[1]])


def test_random_splits_depend_only_on_the_seed():
    for strategy in (Random(), ByGroup(ROWS // 2)):
        assert (split(strategy, seed=1) == split(strategy, seed=1)).all()
        assert any((split(strategy, seed=1) != split(strategy, seed=seed)).any() for seed in (2, 3))


@pytest.mark.parametrize(
    ("name", "facts", "line"),
    [
        ("time", {}, "split_strategy = 'time': its read() returns no times; allowed are random"),
        ("group", {"labels": ROWS}, "'group': its read() returns no groups; allowed are random, stratified"),
        (
            "stratified",
            {"times": ROWS, "groups": ROWS},
            "returns no classes; allowed are random, time, group",
        ),
    ],
)
def test_a_strategy_that_the_data_cannot_serve_is_one_line(name, facts, line):
    with pytest.raises(ValueError, match=r"^made: ") as error:
        choose(name, dataset="made", **facts)
    assert str(error.value).endswith(line)


def test_a_strategy_goes_by_its_name():
    facts = {"labels": ROWS % 2, "times": ROWS, "groups": ROWS}
    for name in ("stratified", "random", "time", "group"):
        assert choose(name, dataset="made", **facts).name == name
    assert Stratified(np.zeros(12, int)).name == "random"  # there is nothing to stratify by


def items(**columns):
    return with_derived(pd.DataFrame({"split": ["train", "train", "validation", "test", "test"], **columns}))


def test_validation_counts_the_splits_of_a_group():
    assert items(group=[1, 2, 3, 2, 2])["splits_with_group"].tolist() == [1, 2, 1, 2, 2]


def test_validation_counts_the_held_out_items_that_are_no_later():
    assert items(time=[1, 4, 3, 2, 5])["held_out_before"].tolist() == [0, 2, 1, 0, 0]
    assert items(time=[1, 2, 3, 4, 5])["held_out_before"].tolist() == [0] * 5
    assert items(time=[1, 3, 3, 4, 5])["held_out_before"].tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(("declare", "column"), [(apart, "group"), (in_order, "time")])
@pytest.mark.filterwarnings("ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning")
def test_each_expectation_is_seen_to_fail(declare, column):
    good = pd.DataFrame(
        {"item": range(5), "split": ["train", "train", "validation", "test", "test"], column: [1, 2, 3, 4, 4]}
    )
    from assay.data.validation import validate

    for table, status in ((good, "ok"), (declare().spoil(good), "failed")):
        found = validate(table, [declare().expectation], dataset="diabetes", file="diabetes.py", docs=None)
        assert found["status"] == status
    assert "check split_strategy" in found["reason"]
    assert found["expectations"][0]["first_bad"]


def folds(strategy, upstream=None, *, count=60, number=5):
    return [split(strategy, upstream, count=count, test=Fold(fold, number)) for fold in range(number)]


LABELS = np.repeat([0, 1, 2], [30, 20, 10])
PERSONS = np.arange(60) // 4


@pytest.mark.parametrize(
    "strategy",
    [
        Random(),
        Stratified(LABELS),
        ByGroup(PERSONS),
        Together(Random(), PERSONS),
        Together(Stratified(LABELS), LABELS * 100 + np.arange(60) // 2),
    ],
    ids=["random", "stratified", "group", "together", "together stratified"],
)
def test_each_item_is_test_in_exactly_one_fold(strategy):
    found = folds(strategy)
    assert (np.sum([each == "test" for each in found], axis=0) == 1).all()
    sizes = [(each == "test").sum() for each in found]
    assert max(sizes) - min(sizes) <= 4
    assert all((each == part).any() for each in found for part in SPLITS)
    assert [each.tolist() for each in folds(strategy)] == [each.tolist() for each in found]


def test_each_fold_has_nearly_as_many_items_of_a_class():
    for each in folds(Stratified(LABELS)):
        assert np.bincount(LABELS[each == "test"]).tolist() == [6, 4, 2]
        assert np.bincount(LABELS[each == "validation"]).tolist() == [6, 4, 2]  # a quarter of the rest


def test_a_group_is_in_one_fold_and_in_one_part():
    for each in folds(ByGroup(PERSONS)):
        assert all(len(set(each[person == PERSONS])) == 1 for person in set(PERSONS))


def test_equal_items_are_in_one_fold():
    for each in folds(Together(Random(), PERSONS)):
        assert all(len(set(each[kind == PERSONS])) == 1 for kind in set(PERSONS))


@pytest.mark.parametrize(
    ("strategy", "upstream", "message"),
    [
        (ByTime(np.arange(60)), None, "by time there are no folds"),
        (Random(), ["test"] * 10 + [""] * 50, "the items' own split names those of test"),
        (Stratified(np.repeat([0, 1], [57, 3])), None, "a class has 3 items, fewer than there are folds: 5"),
        (ByGroup(np.arange(60) // 20), None, "n_splits=5 greater than the number of groups: 3"),
    ],
    ids=["time", "named", "rare class", "few groups"],
)
def test_items_without_such_folds_are_an_error_in_one_line(strategy, upstream, message):
    with pytest.raises(ImpossibleSplitError, match=r"^made: a split is not possible: ") as error:
        split(strategy, upstream, count=60, test=Fold(0, 5))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
