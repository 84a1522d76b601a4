"""reports/partial.html: from any state of a project, without a lock, and never after endless tries."""

from pathlib import Path

import pytest

from assay import paths
from assay.config.matrix import select
from assay.config.params import load_params
from assay.pipeline import partial
from assay.provenance import run_lock

PARAMS = Path("params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def matrix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(PARAMS, encoding="utf-8")
    return select(load_params(paths.PARAMS), suite="smoke", tasks="digits", models="majority,mlp")


def test_an_empty_project_has_a_page_even_while_a_run_holds_the_lock(matrix, tmp_path):
    with run_lock.held_if_free() as is_free:
        assert is_free
        line = partial.build(matrix)
    assert line == f"reports/partial.html: 0 of {len(matrix.variants)} variants have finished"
    text = paths.PARTIAL.read_text()
    assert "A selection of the suite smoke: tasks digits; models majority, mlp." in text
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {"params.yaml", "reports/partial.html", ".snakemake/assay.lock"}


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_files_that_change_while_they_are_read_are_read_again_and_not_for_ever(matrix, monkeypatch, failures):
    calls = []

    def build(*_, **__):
        calls.append(1)
        if len(calls) <= failures:
            raise FileNotFoundError("gone")
        return 1, 2

    monkeypatch.setattr(partial.partial, "build", build)
    monkeypatch.setattr(partial, "inputs_of", lambda *_: {})
    if failures < partial.ATTEMPTS:
        assert partial.build(matrix) == "reports/partial.html: 1 of 2 variants have finished"
    else:
        with pytest.raises(ValueError, match=r"not built, the results changed while they were read: gone"):
            partial.build(matrix)
    assert len(calls) == min(failures + 1, partial.ATTEMPTS)
