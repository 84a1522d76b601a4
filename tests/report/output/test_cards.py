"""Model cards: metadata that others' programs read, and a text that says what the records say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from assay.report.build import build
from assay.report.output import cards
from assay.report.results import searches
from assay.report.results.collect import Sheet, read_sheet
from assay.report.results.summaries import Summary
from assay.report.results.trials import Trial
from tests.report import made_up
from tests.report.test_build import HOSTILE, hostile_tree

SCORES = {
    ("majority", 0, "none"): 0.1,
    ("mlp", 0, "none"): 0.9,
    ("mlp", 1, "none"): 0.94,
    ("mlp", 2, "none"): None,
    ("mlp", 0, "prune"): 0.88,
    ("rbf_svm", 0, "none"): 0.05,
}


def sheet_of(root: Path, twin: bool = False) -> Sheet:
    made_up.write_data(root, "digits", twin)
    data = root / "data"
    return read_sheet(
        "digits", data / "raw/digits", data / "prepared/digits", data / "validated/digits.json", root
    )


def card_of(root: Path, model: str, twin: bool = False) -> str:
    summaries = made_up.summaries_of(root, SCORES)
    mine = next(each for each in summaries if (each.model.name, each.method) == (model, "none"))
    return cards.card("made_up", mine, summaries, sheet_of(root, twin))


def test_the_header_is_read_by_the_hubs_library(tmp_path: Path) -> None:
    data = ModelCard(card_of(tmp_path, "mlp")).data
    assert (data.license, data.datasets, data.model_name) == ("unknown", ["digits"], "mlp")
    assert data.tags == ["digits", "multi-layer perceptron", "assay"]
    assert data.metrics[0] == "accuracy"
    first = data.eval_results[0]
    assert (first.metric_type, first.dataset_split, first.dataset_type) == ("accuracy", "test", "digits")
    assert first.metric_value == pytest.approx(0.92)


def test_the_text_says_the_numbers_and_their_limits(tmp_path: Path) -> None:
    text = card_of(tmp_path, "mlp")
    assert "Each number is a mean over 2 seeds ± one standard deviation." in text
    assert "| accuracy | 92.00% ± 2.83% | 92.30% ± 2.83% |" in text  # 0.04 / sqrt(2)
    assert "The best control, majority, scores 10.00%." in text
    assert "| prune | 88.00% |" in text
    assert "- Licence of the data: made up for tests" in text
    assert "- Items: train 5,400, validation 600, test 1,000" in text
    assert "- 1 of 3 seeds ended as failed and are excluded." in text
    assert "    assay verify digits/mlp/0 --suite made_up\n" in text
    assert "twin" not in text


def test_what_is_weak_is_said(tmp_path: Path) -> None:
    text = card_of(tmp_path, "rbf_svm", twin=True)
    assert "It is not better than the control majority." in text
    assert "Its fit does not depend on a seed, so it was trained once." in text
    assert "say nothing about the real data" in text
    assert ModelCard(text).data.tags[-1] == "generated-twin"


def test_the_most_common_error_is_that_of_the_confusion(tmp_path: Path) -> None:
    matrix = [[10 if row == column else 0 for column in range(10)] for row in range(10)]
    matrix[3] = [0, 0, 0, 5, 0, 12, 0, 0, 0, 3]
    (mine,) = made_up.summaries_of(tmp_path, {("cnn", 0, "none"): 0.9})
    mine = replace(mine, variants=tuple(replace(each, confusion=matrix) for each in mine.variants))
    text = cards.card("made_up", mine, [mine], sheet_of(tmp_path))
    assert "Its most common error predicts 5 for 3: 12 times, 60.0% of all test items of class 3." in text


def written(root: Path, summaries: list[Summary]) -> set[str]:
    cards.write(root / "cards", "made_up", summaries, {"digits": sheet_of(root)})
    return {path.relative_to(root / "cards").as_posix() for path in (root / "cards").rglob("*")}


def test_each_trained_model_has_one_and_nothing_stale_stays(tmp_path: Path) -> None:
    (tmp_path / "cards/gone").mkdir(parents=True)
    (tmp_path / "cards/gone/old.md").touch()
    (tmp_path / "cards/old.md").touch()
    summaries = made_up.summaries_of(tmp_path, {**SCORES, ("cnn", 0, "none"): None})
    cards.write(tmp_path / "other", "made_up", summaries, {"digits": sheet_of(tmp_path)})
    assert written(tmp_path, summaries) == {"digits", "digits/mlp.md", "digits/rbf_svm.md"}
    for path in (tmp_path / "cards").rglob("*.md"):
        assert path.read_bytes() == (tmp_path / "other/digits" / path.name).read_bytes()
    assert written(tmp_path, []) == set()
    assert (tmp_path / "cards").is_dir()


def test_hostile_names_are_text(tmp_path: Path) -> None:
    asked = hostile_tree(tmp_path)
    spec = {"knobs": {HOSTILE: f"{HOSTILE}\n---\n# title\n```\n"}, "kind": HOSTILE}
    made_up.record(
        asked["variants"][0]["trained"] / "status.json", made_up.status("ok", "train", spec=spec, artifact={})
    )
    build(**asked)
    found = sorted((tmp_path / "reports/cards").rglob("*.md"))
    assert len(found) == 2
    for path in found:
        text = path.read_text(encoding="utf-8")
        header, body = text.removeprefix("---\n").split("\n---\n", 1)
        name = yaml.safe_load(header)["model-index"][0]["results"][0]["task"]["name"]
        assert name == HOSTILE
        shown = "\n".join(line for line in body.splitlines() if not line.startswith("    "))
        assert "<script" not in shown
        assert "<img" not in shown
        assert not [line for line in body.splitlines() if line.startswith(("# title", "```", "---"))]


def test_a_card_says_how_the_hyperparameters_were_chosen(tmp_path: Path) -> None:
    def trial(model: str, chosen: str) -> Trial:
        row = {"task": "digits", "model": model, "split": "test", "chosen": chosen, "test_seen": "yes"}
        return Trial.model_validate(row)

    tried = (searches.Trial({"dropout": 0.25}, 0.9, ""), searches.Trial({"dropout": 0.5}, 0.8, ""))
    found = searches.Search("digits", "digits", "cnn", "", "accuracy", "maximise", tried, 0)
    chosen = cards.choices([trial("mlp", "yes"), trial("rbf_svm", "no"), trial("cnn", "yes")], [found])
    assert set(chosen) == {("digits", "mlp"), ("digits", "cnn")}
    summaries = made_up.summaries_of(tmp_path, SCORES)
    cards.write(tmp_path / "cards", "made_up", summaries, {"digits": sheet_of(tmp_path)}, chosen)
    seen, plain = ((tmp_path / "cards" / "digits" / f"{name}.md").read_text() for name in ("mlp", "rbf_svm"))
    assert "a test score of this model had been seen before its hyperparameters were chosen" in seen
    assert "Choices were made on validation items." in plain
    assert chosen["digits", "cnn"] == (
        "Test items were used once, after training. Its hyperparameters (dropout = 0.25) were chosen among 2 trials on"
        " validation items."
    )
