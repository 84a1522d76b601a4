"""A primary metric that is no sum over items: its intervals, its tests, and the report of a task that has one.

AUROC stands for such metrics. On real answers it is compared with DeLong's variance, which is written out here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from assay.report.build import build
from assay.report.inference import statistics
from assay.report.inference.analysis import JACKKNIFE, Analysis, analyse
from assay.report.inference.statistics import Spread
from assay.report.judgement.published_verdicts import gap
from assay.report.results.collect import Model
from assay.report.results.published import Published
from assay.report.results.summaries import Summary
from assay.tasks.metric import PrimaryMetric, RecomputedMetric
from tests.report import made_up
from tests.report.inference.simulation import interval, pairs
from tests.report.made_up import AUROC

TASK = replace(made_up.TASK, primary="auroc", metric=AUROC)
SEEDS = (0, 1, 2)
FEATURES = {"logistic_regression": range(10, 20), "mlp": (1, 4), "cnn": (4, 8)}
"""Of scikit-learn's breast cancer data: some that tell the tumours apart well, and some that do not."""
CELLS = [
    ("majority", 0),
    ("logistic_regression", 0),
    *((name, seed) for name in ("mlp", "cnn") for seed in SEEDS),
]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, int], pd.DataFrame]:
    """Predictions of logistic regressions, each seed of which learns from other items; majority's are a constant."""
    inputs, targets = load_breast_cancer(return_X_y=True)
    order = rng().permutation(len(targets))
    learned, tested = order[:269], np.sort(order[269:])
    found = {}
    for name, seed in CELLS:
        score = np.full(len(tested), 0.6)
        if name in FEATURES:
            columns = list(FEATURES[name])
            rows = rng(seed).choice(learned, 200, replace=False)
            model = make_pipeline(StandardScaler(), LogisticRegression()).fit(
                inputs[rows][:, columns], targets[rows]
            )
            score = model.predict_proba(inputs[tested][:, columns])[:, 1]
        found[name, seed] = pd.DataFrame({"item": tested, "target": targets[tested], "score": score})
    return found


def spread_of(tables: Iterable[pd.DataFrame], runs: list[int], metric: PrimaryMetric = AUROC) -> Spread:
    arrays = [np.stack(each) for each in zip(*(metric.arrays(table) for table in tables), strict=True)]
    values, drawn = statistics.jackknife(arrays, metric.value, rng())
    return statistics.spread(values, drawn, np.array(runs), arrays[0].shape[1])


def delong(target: np.ndarray, scores: list[np.ndarray]) -> np.ndarray:
    """The covariance of the AUROCs of several scores of the same items (DeLong et al., Biometrics 1988)."""
    wins = np.array([np.heaviside(np.subtract.outer(s[target == 1], s[target == 0]), 0.5) for s in scores])
    return np.cov(wins.mean(axis=2)) / wins.shape[1] + np.cov(wins.mean(axis=1)) / wins.shape[2]


def test_intervals_and_differences_are_those_of_delong(answers: dict[tuple[str, int], pd.DataFrame]) -> None:
    tables = [answers[name, 0] for name in FEATURES]
    found = spread_of(tables, [1, 1, 1])
    target = tables[0]["target"].to_numpy()
    expected = delong(target, [each["score"].to_numpy() for each in tables])
    assert found.mean == pytest.approx([roc_auc_score(target, each["score"]) for each in tables])
    low, high = interval(found, 1, summed=False)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(np.diag(expected)), rel=0.1)
    first, second = np.triu_indices(3, 1)
    apart = expected[first, first] + expected[second, second] - 2 * expected[first, second]
    assert np.sqrt(pairs(found, first, second).items) == pytest.approx(np.sqrt(apart), rel=0.1)


def test_leaving_out_single_items_is_delong_to_a_percent(
    answers: dict[tuple[str, int], pd.DataFrame],
) -> None:
    table = answers["cnn", 0][:150]
    expected = delong(table["target"].to_numpy(), [table["score"].to_numpy()] * 2)[0, 0]
    assert np.sqrt(spread_of([table], [1]).items) == pytest.approx([np.sqrt(expected)], rel=0.01)


@pytest.mark.parametrize(("num_items", "within"), [(200, 0.01), (4000, 0.1)])
def test_the_jackknife_of_a_ratio_of_sums_is_its_linearisation(num_items: int, within: float) -> None:
    weights = rng().gamma(2, 10, num_items)
    table = pd.DataFrame({"found": rng(1).binomial(weights.astype(int), 0.3), "said": weights})
    metric = RecomputedMetric(
        "precision", "maximise", ("found", "said"), lambda found, said: found.sum() / said.sum()
    )
    ratio = table["found"].sum() / table["said"].sum()
    parts = (table["found"] - ratio * table["said"]) / table["said"].mean()
    assert np.sqrt(spread_of([table], [1], metric).items) == pytest.approx([stats.sem(parts)], rel=within)


TABLES, ITEMS, GROUPS = 300, 150, 50


def simulate(runs: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return of many tables whether the interval of a model's AUROC holds the true one, and the p-values of its
    difference from another model that is as good. Half the items are alike hard for both; runs differ a little."""
    random = rng(runs)
    target = (random.random((TABLES, 1, 1, ITEMS)) < 0.35).astype(int)
    hard = random.standard_normal((TABLES, 1, 1, ITEMS)) + random.standard_normal((TABLES, 2, 1, ITEMS))
    score = shift * target + hard + 0.5 * random.standard_normal((TABLES, 2, runs, ITEMS))
    truth = stats.norm.cdf(shift / np.sqrt(2 * 2.25))
    arrays = [np.broadcast_to(each, score.shape).reshape(-1, ITEMS) for each in (target, score)]
    values, drawn = statistics.jackknife(arrays, AUROC.value, random, GROUPS)
    found = statistics.spread(values, drawn, np.full(2 * TABLES, runs), ITEMS)
    low, high = interval(found, 1, summed=False)
    first = np.arange(0, 2 * TABLES, 2)
    return (low <= truth) & (truth <= high), pairs(found, first, first + 1).p


@pytest.mark.parametrize(("runs", "shift"), [(1, 1.5), (1, 3.0), (2, 2.0)])
def test_intervals_and_tests_are_as_sure_as_they_say(runs: int, shift: float) -> None:
    holds, p = simulate(runs, shift)
    assert 0.92 < holds.mean() < 0.98
    assert (0.02 if runs == 1 else 0) < (p <= 0.05).mean() < 0.08


def test_twelve_models_of_three_seeds_take_seconds() -> None:
    target = np.tile(rng().integers(0, 2, 5000), (36, 1))
    started = time.process_time()
    statistics.jackknife([target, target + rng().standard_normal(target.shape)], AUROC.value, rng())
    assert time.process_time() - started < 5


def test_a_single_item_breaks_nothing() -> None:
    found = spread_of(
        [pd.DataFrame({"right": [1.0]})] * 2, [2], RecomputedMetric("x", "maximise", ("right",), np.mean)
    )
    assert np.isnan(interval(found, 1, summed=False)).all()


def written(root: Path, answers: dict[tuple[str, int], pd.DataFrame]) -> list[Summary]:
    """Write the predictions, and scikit-learn's AUROC as metrics, beside made-up records; return the summaries."""
    scores = {(name, seed, "none"): 0.5 for name, seed in answers}
    made_up.summaries_of(root, scores)
    for (name, seed), table in answers.items():
        folder = made_up.folders(root, "digits", name, seed, "none")["evaluated"]
        table.to_parquet(folder / "predictions.parquet", index=False)
        score = roc_auc_score(table["target"], table["score"])
        made_up.write(folder / "metrics.json", {"test": {"auroc": score}, "validation": {"auroc": score}})
    return read(root, answers)


def read(root: Path, cells: Iterable[tuple[str, int]]) -> list[Summary]:
    rows = [
        {"task": "digits", "model": name, "family": "", "seed": seed, "method": "none"}
        | made_up.folders(root, "digits", name, seed, "none")
        for name, seed in cells
    ]
    models = {name: Model(name, "", seeded=name in ("mlp", "cnn")) for name, _ in cells}
    return made_up.summarise(made_up.read_variants(rows, {"digits": TASK}), {"digits": TASK}, models)


@pytest.fixture(scope="module")
def finished(
    answers: dict[tuple[str, int], pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Summary], Analysis]:
    summaries = written(tmp_path_factory.mktemp("finished"), answers)
    return summaries, analyse(summaries, TASK)


def test_models_have_intervals_ranks_and_tests(finished: tuple[list[Summary], Analysis]) -> None:
    _, found = finished
    assert found.reasons == {}
    assert found.ranks == {
        "logistic_regression": (1, 1), "mlp": (2, 2), "cnn": (3, 3), "majority": (4, 4),
    }  # fmt: skip
    assert {name: found.estimates[name, "none"].over for name in FEATURES} == {
        "logistic_regression": "items", "mlp": "seeds and items", "cnn": "seeds and items",
    }  # fmt: skip
    for name in FEATURES:
        estimate = found.estimates[name, "none"]
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0.5 < estimate.low < estimate.mean < estimate.high < 1
    assert {each.test for each in found.neighbours} == {JACKKNIFE}


def test_a_control_that_says_the_same_of_all_items_has_a_rank_but_no_interval(
    finished: tuple[list[Summary], Analysis],
) -> None:
    summaries, found = finished
    control = found.estimates["majority", "none"]
    assert (control.mean, control.low, control.high, control.over) == (0.5, None, None, "nothing")
    quoted = Published(
        value=0.6, metric="auroc", quoted_metric="AUROC", quoted_value=0.6, model="m", protocol="p",
        source_url="u", seen_at_source=True, comparable=True, margin=0.005, why="w",
    )  # fmt: skip
    assert "does not vary with the test items" in gap(summaries[0], found, quoted).reason
    beaten = found.neighbours[-1]
    assert (beaten.worse, beaten.separable) == ("majority", True)
    assert beaten.low is not None  # how far the difference may be off is known from the other model
    two = [
        replace(each, model=replace(each.model, name=name)) for each in summaries[:1] for name in ("a", "b")
    ]
    two = [replace(e, variants=tuple(replace(v, model=e.model.name) for v in e.variants)) for e in two]
    [same] = analyse(two, TASK).neighbours
    assert (same.difference, same.low, same.high, same.p, same.separable) == (0, None, None, 1, False)
    assert (same.needed_items, same.needed_seeds) == (None, None)


def test_predictions_must_give_the_score_that_was_recorded(
    answers: dict[tuple[str, int], pd.DataFrame], tmp_path: Path
) -> None:
    summaries = written(tmp_path, answers)
    metrics = summaries[1].variants[0].predictions.parent / "metrics.json"
    kept = json.loads(metrics.read_text())
    kept["test"]["auroc"] -= 0.001
    metrics.write_text(json.dumps(kept))
    found = analyse(read(tmp_path, answers), TASK)
    [(key, reason)] = found.reasons.items()
    assert key == ("logistic_regression", "none", "0")
    assert "their auroc is 0." in reason
    assert f"metrics.json has {kept['test']['auroc']}" in reason
    assert found.ranks == {"mlp": (1, 1), "cnn": (2, 2), "majority": (3, 3)}


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda t: t.assign(score=t["score"].where(t["item"] != t["item"].max())), "empty or not finite"),
        (lambda t: t.drop(columns="score"), "score"),
        (
            lambda t: t.assign(target=t["item"] == t["item"].min()),
            "auroc is undefined on some samples of the test",
        ),
    ],
    ids=["no number", "no column", "one positive"],
)
def test_a_run_without_an_interval_says_why_and_leaves_the_others_theirs(
    answers: dict[tuple[str, int], pd.DataFrame],
    tmp_path: Path,
    how: Callable[[pd.DataFrame], pd.DataFrame],
    reason: str,
) -> None:
    summaries = written(tmp_path, answers)
    path = summaries[1].variants[0].predictions
    table = how(answers["logistic_regression", 0])
    table.to_parquet(path, index=False)
    if "score" in table and table["score"].notna().all():
        score = roc_auc_score(table["target"], table["score"])
        made_up.write(path.parent / "metrics.json", {"test": {"auroc": score}})
    found = analyse(read(tmp_path, answers), TASK)
    assert list(found.reasons) == [("logistic_regression", "none", "0")]
    assert reason in found.reasons["logistic_regression", "none", "0"]
    assert found.ranks == {"mlp": (1, 1), "cnn": (2, 2), "majority": (3, 3)}


def test_the_report_shows_intervals_and_ranks(
    answers: dict[tuple[str, int], pd.DataFrame], tmp_path: Path
) -> None:
    written(tmp_path, answers)
    made_up.write_data(tmp_path, "digits")
    row = {"primary": "auroc", "watched": "auroc", "metric": AUROC}
    tasks = [{**made_up.TASKS[0], **row}]
    models = [each for each in made_up.MODELS if each["name"] in ("majority", *FEATURES)]
    variants = made_up.plan(tmp_path, tasks, models, methods=("none",))
    build(**made_up.inputs(tmp_path, tasks=tasks, models=models, variants=variants))
    markdown = (tmp_path / "reports/results.md").read_text(encoding="utf-8")
    [control] = [line for line in markdown.splitlines() if line.startswith("| 4 |")]
    [best] = [line for line in markdown.splitlines() if line.startswith("| 1 |")]
    assert "majority (control)" in control
    assert " to " not in control
    assert r"logistic\_regression" in best
    assert " to " in best
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "paired jackknife" in page
    assert 'data-order="None"' not in page
