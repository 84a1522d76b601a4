"""Runs from scratch give equal bytes, however many jobs run at a time and in whatever order the rows stand."""

import pytest
import yaml

from tests.workflow.project import copy

NOT_EQUAL = ("measured.json", "made.json")


def results(project):
    """Return the bytes of weights, predictions, metrics, histories and the table of results."""
    paths = [path for name in ("artifacts", "reports/cells") for path in (project.folder / name).rglob("*")]
    paths += [project.folder / "reports/results.csv", *(project.folder / "data/prepared").rglob("*")]
    return {
        str(path.relative_to(project.folder)): path.read_bytes()
        for path in paths
        if path.is_file() and path.name not in NOT_EQUAL and not path.name.startswith(".")
    }


def turned(tree):
    """Return the tree with the keys of each mapping, and the rows that a suite names, in the other order."""
    if isinstance(tree, dict):
        named = {
            key: value[::-1] if key in ("tasks", "models", "methods") and isinstance(value, list) else value
            for key, value in tree.items()
        }
        return {key: turned(named[key]) for key in reversed(named)}
    return tree


@pytest.mark.parametrize("jobs", [1, pytest.param(4, marks=pytest.mark.long)])
def test_other_numbers_of_jobs_and_another_order_of_rows_give_the_same_bytes(tiny, tmp_path, jobs):
    """The project of ``tiny`` ran two jobs at a time, under DVC."""
    project = copy(tmp_path)
    params = yaml.safe_load((tiny.folder / "params.yaml").read_text())
    (project.folder / "params.yaml").write_text(yaml.safe_dump(turned(params), sort_keys=False))
    ran = project.run(f"snakemake --cores {jobs} --quiet all")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    expected = results(tiny)
    assert any(name.endswith(".safetensors") for name in expected)
    assert any(name.endswith(".parquet") for name in expected)
    assert results(project) == expected
