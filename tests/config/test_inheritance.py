"""Rows that are like others, by hand-worked cases; and that nothing that YAML holds breaks it."""

from hypothesis import given
from hypothesis import strategies as st

from assay.config import inheritance


def test_a_row_takes_over_what_it_does_not_say_itself():
    rows = {
        "a": {"knobs": {"x": 1, "y": [1, 2]}, "training": {"epochs": 3}, "tasks": ["t"]},
        "b": {"like": "a", "knobs": {"y": [3]}, "per_task": {"t": {"knobs": {"x": 5}}}},
        "c": {"like": "b", "model": "z", "per_task": {"t": {"training": {"epochs": 1}}}, "tasks": "all"},
    }
    whole, errors = inheritance.expanded({"models": rows, "suite": "s"})
    assert errors == []
    assert whole["suite"] == "s"
    found = whole["models"]
    assert found["a"] == {"model": "a", **rows["a"]}
    assert found["b"] == {
        "model": "a", "like": "a", "knobs": {"x": 1, "y": [3]}, "training": {"epochs": 3}, "tasks": ["t"],
        "per_task": {"t": {"knobs": {"x": 5}}},
    }  # fmt: skip
    assert found["c"] == {
        "model": "z", "like": "b", "knobs": {"x": 1, "y": [3]}, "training": {"epochs": 3}, "tasks": "all",
        "per_task": {"t": {"knobs": {"x": 5}, "training": {"epochs": 1}}},
    }  # fmt: skip


def test_a_family_that_is_named_is_taken_over():
    rows = {"a": {"method": "onnx"}, "b": {"like": "a", "after": "c"}}
    whole, _ = inheritance.expanded({"methods": rows})
    assert whole["methods"]["b"] == {"method": "onnx", "like": "a", "after": "c"}


def test_what_leads_nowhere_is_one_line_each():
    rows = {"a": {"like": "z"}, "b": {"like": "a"}, "c": {"like": "d"}, "d": {"like": "c"}, "e": {"like": 3}}
    _, errors = inheritance.expanded({"models": rows})
    assert errors == [
        "models.a.like: z: unknown row; name a row of models",
        "models.d.like: c like d like c: circular; remove one `like`",
        "models.c.like: d like c like d: circular; remove one `like`",
        "models.e.like: 3: unknown row; name a row of models",
    ]


def test_an_error_that_was_taken_over_is_named_where_it_stands():
    knobs = {"x": 1, "y": [1, 2]}
    raw = {"models": {"a": {"knobs": knobs}, "b": {"like": "a", "knobs": {"y": [3]}}, "c": {"like": "b"}}}
    errors = [
        f"models.{name}.knobs.{error}"
        for name in "abc"
        for error in ("x = 1: low", "y.0 = 3: high", "z: missing")
    ]
    assert inheritance.own(errors, raw) == [*errors[:3], errors[4]]
    assert inheritance.own(["the file = 5: wrong", "suite: x"], raw) == ["the file = 5: wrong", "suite: x"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "b", "like", "models"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "like", "knobs", "models", "methods"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(VALUES)
def test_any_value_is_expanded(value):
    whole, errors = inheritance.expanded(value)
    assert type(whole) is type(value)
    assert inheritance.own(errors, value) is not None
