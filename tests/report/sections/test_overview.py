"""The sections on the whole run: families whose rows are partly tuned."""

from __future__ import annotations

from pathlib import Path

from assay.report.build import read, sections_of
from assay.report.sections import overview
from tests.report import made_up

TASKS = made_up.TASKS[:1]
MODELS = [made_up.NAMES[name] for name in ("majority", "mlp", "cnn")]


def test_tuned_rows_are_families_of_their_own_even_before_their_search_has_finished(tmp_path: Path) -> None:
    models = [
        {
            "name": model.name,
            "family": "control" if model.name == "majority" else "neural",
            "seeded": model.seeded,
        }
        for model in MODELS
    ]
    variants = made_up.plan(tmp_path, TASKS, models, methods=("none",))
    made_up.write_cells(variants)
    given = made_up.inputs(tmp_path, variants=variants, tasks=TASKS, models=models)
    for name in given["raw"]:
        made_up.write_data(tmp_path, name)
    search = {"task": TASKS[0]["name"], "dataset": TASKS[0]["dataset"], "model": "cnn", "fixed": "mlp"}
    found = read(
        **{
            key: given[key]
            for key in ("variants", "tasks", "models", "reports", "raw", "prepared", "validated")
        },
        errors={},
        tuned=[{**search, "tuned": tmp_path / "absent"}],
    )
    assert {each.model.name for each in found.summaries if each.tuned} == {"cnn"}
    fixed, tuned = overview.families(sections_of(found), found.models)
    assert (fixed.name, fixed.models, tuned.name, tuned.models) == (
        "neural",
        ["mlp"],
        "neural, tuned",
        ["cnn"],
    )
    assert [row["model"] for row in (*fixed.rows, *tuned.rows)] == ["mlp", "cnn"]
    assert [row["behind"] for row in (*fixed.rows, *tuned.rows)] == [0, 0]  # each is the best of its kind
