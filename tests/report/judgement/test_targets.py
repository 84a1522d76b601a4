"""What targets.yaml may hold; what each target makes of scores, test_publish.py says."""

import re

import pandas as pd
import pytest

from assay.report.judgement import targets

GOOD = "{task: a, model: best, metric: accuracy, at_least: 0.9}"


def test_the_project_s_own_targets_are_read(tmp_path):
    path = tmp_path / "targets.yaml"
    assert targets.load(path) == []
    path.write_text(f"- {GOOD}\n- {{suite: default, task: b, model: c, metric: bleu, better_than: d}}\n")
    first, second = targets.load(path)
    assert (first.suite, first.at_least, second.suite, second.better_than) == ("public", 0.9, "default", "d")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{a: b}", "Input should be a valid list"),
        (
            f"- {GOOD}\n- {{task: a, model: b, metric: c, at_leest: 1}}",
            "target 2.at_leest: Extra inputs are not permitted",
        ),
        ("- {task: a, model: b, at_least: 1}", "target 1.metric: Field required"),
        (
            "- {task: a, model: b, metric: c, at_least: high}",
            "target 1.at_least: Input should be a valid number, unable to parse string as a number",
        ),
        (
            "- {task: a, model: b, metric: c}",
            "target 1: Value error, give one of at_least, at_most and better_than",
        ),
        (
            "- {task: a, model: b, metric: c, at_least: 1, at_most: 2}",
            "target 1: Value error, give one of at_least, at_most and better_than",
        ),
        ("- !!python/object:x {}", "line 1: !!python/object:x: a tag; remove it"),
        ("- [", "line 1: not YAML: expected the node content, but found '<stream end>'"),
    ],
)
def test_an_error_is_one_line_that_names_the_target_and_the_key(tmp_path, text, line):
    path = tmp_path / "targets.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {line}')}$"):
        targets.load(path)


def published(**ends: tuple[float, float]) -> pd.DataFrame:
    """Return published accuracies of models with these intervals."""
    rows = [
        {"model": name, "method": "none", "metric": "accuracy", "direction": "maximise"}
        | {"mean": (low + high) / 2, "low": low, "high": high}
        for name, (low, high) in ends.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [
        ({"at_least": 0.9}, "reached"),
        ({"at_least": 0.91}, "undecided"),
        ({"at_least": 0.93}, "**not reached**"),
        ({"at_most": 0.92}, "reached"),
        ({"at_most": 0.91}, "undecided"),
        ({"at_most": 0.89}, "**not reached**"),
        ({"better_than": "below"}, "reached"),
        ({"better_than": "beside"}, "undecided"),
        ({"better_than": "above"}, "**not reached**"),
        ({"better_than": "m"}, "**not reached**"),
        ({"better_than": "gone"}, "**not reached**"),
    ],
)
def test_a_target_is_reached_only_if_the_whole_interval_says_so(bound, verdict):
    table = published(m=(0.9, 0.92), below=(0.8, 0.85), beside=(0.88, 0.91), above=(0.95, 0.96))
    target = targets.Target(task="a", model="m", metric="accuracy", **bound)
    assert target.row(table)[-1] == verdict
