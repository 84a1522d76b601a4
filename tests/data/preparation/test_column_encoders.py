"""Each encoder against scikit-learn's, or worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import preprocessing
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer

from assay.data.preparation import column_encoders
from assay.data.preparation.column_encoders import (
    FREQUENT,
    MOST_CATEGORIES,
    PRIOR_ROWS,
    CategoryEncoder,
    DateEncoder,
    NumberEncoder,
    TargetEncoder,
    TextEncoder,
)


def objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def drawn(rng, *, count, categories, missing=0.1):
    """Return categories (count,), the first the most frequent, and missing ones."""
    places = np.minimum(rng.geometric(3 / categories, count), categories)
    names = objects([f"city {place}" for place in places])
    names[rng.random(count) < missing] = None
    return names


def test_numbers_are_filled_as_by_simple_imputer():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(2, 50))
    train[::7] = test[::3] = np.nan
    reference = SimpleImputer(strategy="median", add_indicator=True).fit(train[:, None])
    encoder = NumberEncoder.fit(train)
    np.testing.assert_array_equal(encoder.encode(test), reference.transform(test[:, None]))
    assert encoder.names("age") == ["age", "age is missing"]


def test_a_missing_number_that_training_has_not_seen_becomes_the_median():
    encoder = NumberEncoder.fit(np.array([1.0, 2.0, 9.0]))
    assert encoder.encode(np.array([np.nan, 5.0])).tolist() == [[2.0], [5.0]]
    assert NumberEncoder.fit(np.full(3, np.nan)).encode(np.array([np.nan, 5.0])).tolist() == [[0, 1], [5, 0]]


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("categories", [3, 25])
def test_categories_are_those_of_one_hot_encoder(categories, missing):
    rng = np.random.default_rng(1)
    train, test = (drawn(rng, count=200, categories=categories, missing=missing) for _ in range(2))
    test[:3] = "unseen"
    reference = preprocessing.OneHotEncoder(
        min_frequency=FREQUENT, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    expected = reference.fit_transform(train[:, None]), reference.transform(test[:, None])
    encoder = CategoryEncoder.fit(train)
    order = [name.partition("_")[2] for name in reference.get_feature_names_out()]
    ours = [name.partition(" = ")[2] or name for name in encoder.names("x")]
    renamed = {"x is rare": "infrequent_sklearn", "x is missing": "None"}
    places = [order.index(renamed.get(name, name)) for name in ours]
    assert len(places) == len(order)
    for values, reference_features in zip((train, test), expected, strict=True):
        np.testing.assert_array_equal(encoder.encode(values), reference_features[:, places])


def test_an_unseen_category_is_rare_and_without_rare_ones_nothing():
    common = objects(["a"] * 5 + ["b"] * 5)
    encoder = CategoryEncoder.fit(objects([*common, "c"]))
    assert encoder.names("x") == ["x = a", "x = b", "x is rare"]
    assert encoder.encode(objects(["a", "c", "z", None])).tolist() == [
        [1, 0, 0],
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 0],
    ]
    assert CategoryEncoder.fit(common).encode(objects(["b", "z", None])).tolist() == [[0, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("classes", [0, 2, 4])
def test_the_means_of_categories_are_those_of_target_encoder(classes):
    rng = np.random.default_rng(2)
    names = drawn(rng, count=500, categories=60)
    targets = rng.integers(classes, size=500) if classes else rng.normal(size=500)
    kind = {0: "continuous", 2: "binary"}.get(classes, "multiclass")
    reference = preprocessing.TargetEncoder(target_type=kind, smooth=PRIOR_ROWS).fit(names[:, None], targets)
    shares = np.eye(classes)[targets] if classes else targets[:, None]
    shares = shares[:, 1:] if classes == 2 else shares
    encoder = TargetEncoder.fit(names, shares, shares.mean(axis=0))
    rows = objects([*names[:40], "unseen"])
    np.testing.assert_allclose(encoder.encode(rows), reference.transform(rows[:, None]))


def test_a_training_row_gets_the_mean_of_the_other_folds():
    rng = np.random.default_rng(3)
    names = objects([f"city {row // 6}" for row in range(240)])  # 40 categories of 6 rows
    targets, folds = rng.normal(size=(240, 1)), np.arange(240) % 5
    _, features = column_encoders.fit("category", names, targets, folds)
    others = [7, 8, 9, 10]  # of the rows 6 to 11 of the category; 11 is in the fold of 6
    by_hand = (targets[others].sum() + PRIOR_ROWS * targets.mean()) / (4 + PRIOR_ROWS)
    assert features[[6, 11]] == pytest.approx(by_hand)


def test_a_category_that_says_nothing_gives_no_score_on_training_rows():
    """Without folds, the mean target of 5 rows a category would correlate with the target of each."""
    rng = np.random.default_rng(4)
    names, targets = objects([f"id {row // 5}" for row in range(1000)]), rng.normal(size=(1000, 1))
    encoder, features = column_encoders.fit("category", names, targets, rng.permutation(1000) % 5)
    leaky = np.corrcoef(encoder.encode(names)[:, 0], targets[:, 0])[0, 1]
    honest = np.corrcoef(features[:, 0], targets[:, 0])[0, 1]
    assert leaky > 0.4
    assert abs(honest) < 0.1


@pytest.mark.parametrize(
    ("categories", "form"), [(MOST_CATEGORIES, "category"), (MOST_CATEGORIES + 1, "target")]
)
def test_many_frequent_categories_are_encoded_by_their_targets(categories, form):
    names = objects([f"{place}" for place in range(categories)] * FREQUENT)
    encoder, _ = column_encoders.fit("category", names, np.ones((len(names), 1)), np.arange(len(names)) % 5)
    assert encoder.form == form


def iso(dates):
    return objects([*dates.strftime("%Y-%m-%dT%H:%M:%S")])


def test_a_date_is_its_days_and_its_position_in_the_periods_that_vary():
    hours = DateEncoder.fit(iso(pd.date_range("2020-01-01", "2022-01-01", freq="7h")))
    assert hours.periods == ("year", "week", "day")
    row = dict(zip(hours.names("at"), hours.encode(objects(["1970-01-01T06:00:00"]))[0], strict=True))
    assert row["at"] == 0.25
    assert (row["at: sine of the day"], row["at: cosine of the day"]) == pytest.approx((1, 0))
    assert row["at: sine of the week"] == pytest.approx(np.sin(2 * np.pi * 0.25 / 7))


@pytest.mark.parametrize(
    ("dates", "periods"),
    [
        (pd.date_range("2020-01-01", "2022-01-01"), ("year", "week")),
        (pd.date_range("2020-01-05", "2022-01-01", freq="7D"), ("year",)),
        (pd.date_range("2020-01-01", "2020-02-01"), ("week",)),
        (pd.date_range("2000-01-01", "2040-01-01", freq="YS"), ("week",)),
        (pd.date_range("2020-01-01", "2020-01-03"), ()),
    ],
)
def test_periods_that_the_training_rows_do_not_span_are_left_out(dates, periods):
    assert DateEncoder.fit(iso(dates)).periods == periods


def test_a_missing_date_becomes_the_median():
    encoder = DateEncoder.fit(objects(["2026-01-01", None, "2026-01-03"]))
    assert encoder.names("at") == ["at", "at is missing"]
    days = (np.datetime64("2026-01-02") - np.datetime64("1970-01-01")).astype(int)
    assert encoder.encode(objects([None])).tolist() == [[days, 1]]
    assert DateEncoder.fit(objects([None, None])).encode(objects([None, "1970-01-02"])).tolist() == [
        [0, 1],
        [1, 0],
    ]


def texts(rng, count):
    words = [f"word{number}" for number in range(40)]
    return objects([" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(count)])


def test_components_are_those_of_truncated_svd_of_tf_idf():
    rng = np.random.default_rng(5)
    train, test = texts(rng, 300), texts(rng, 50)
    counts = TfidfVectorizer(min_df=FREQUENT, token_pattern=r"\w+").fit(train)
    reference = TruncatedSVD(column_encoders.TOPICS, algorithm="arpack", random_state=0).fit(
        counts.transform(train)
    )
    encoder = TextEncoder.fit(train)
    assert [*encoder.words] == [*counts.get_feature_names_out()]
    features = encoder.encode(objects([*test, "Unseen", ""]))
    assert features[:, 0].tolist() == [*(len(text.split()) for text in test), 1, 0]
    assert not features[-2:, 1:].any()
    expected = reference.transform(counts.transform(test))
    signs = np.sign((features[:50, 1:] * expected).sum(axis=0))
    np.testing.assert_allclose(features[:50, 1:] * signs, expected, atol=1e-4)


def test_a_missing_text_and_texts_without_a_frequent_word_are_encoded():
    encoder = TextEncoder.fit(objects(["one", None, "two words"]))
    assert encoder.names("note") == ["words in note", "note is missing"]
    assert encoder.encode(objects([None, "three more words"])).tolist() == [[0, 1], [3, 0]]


def test_texts_are_encoded_in_blocks(monkeypatch):
    rng = np.random.default_rng(6)
    train = texts(rng, 100)
    whole = TextEncoder.fit(train)
    monkeypatch.setattr(column_encoders, "_BLOCK", 7)
    assert TextEncoder.fit(train).components == whole.components
    np.testing.assert_allclose(TextEncoder.fit(train).encode(train), whole.encode(train))
