"""``assay predict`` as a user calls it, on a project that has run."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from assay.provenance import records
from tests.workflow.project import copy

ROW = "digits/mlp/0"


@pytest.fixture(scope="module")
def asked(tiny):
    """The project, its test images as upstream's scans have them, and their rows in predictions.parquet."""
    prepared = tiny.folder / "data/prepared/digits_twin"
    test = (pd.read_parquet(prepared / "items.parquet")["split"] == "test").to_numpy()
    levels = np.rint(load_file(prepared / "arrays.safetensors")["images"][test] * (16 / 255))
    np.save(tiny.folder / "scans.npy", levels.astype(np.uint8))
    return tiny


@pytest.mark.parametrize(("variant", "method"), [(ROW, "none"), (f"{ROW}/prune", "prune")])
def test_answers_are_those_of_evaluation(variant, method, asked):
    ran = asked.run(f"assay predict {variant} scans.npy --out answers.csv")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answers = pd.read_csv(asked.folder / "answers.csv")
    expected = pd.read_parquet(asked.folder / f"reports/cells/tiny/{ROW}/{method}/predictions.parquet")
    assert ran.stdout == f"answers.csv: {len(expected)} rows\n"
    assert answers["row"].tolist() == list(range(1, 1 + len(expected)))
    assert answers["prediction"].tolist() == expected["prediction"].tolist()
    np.testing.assert_allclose(answers["confidence"], expected["confidence"], rtol=1e-6)


def test_what_cannot_be_answered_is_one_line_and_exit_code_2(asked):
    np.save(asked.folder / "bright.npy", np.full((2, 8, 8), 200))
    for words, told in {
        f"{ROW} bright.npy": "bright.npy: row 1: value 200; allowed are whole numbers, 0 to 16",
        f"{ROW} none.npy": "none.npy: no such file",
        f"{ROW}/prun scans.npy": f"{ROW}/prun: not in the suite tiny; did you mean {ROW}/prune?"
        " assay list shows all",
    }.items():
        ran = asked.run(f"assay predict {words} --out no.csv")
        assert (ran.returncode, ran.stderr) == (2, f"{told}\n")
    assert not (asked.folder / "no.csv").exists()


def test_a_model_of_other_data_is_not_asked(asked, tmp_path):
    project = copy(tmp_path)  # no run yet
    ran = project.run(f"assay predict {ROW} scans.npy --out no.csv --suite smoke")
    assert ran.returncode == 2
    assert "status.json: not found; run the suite, or assay restore" in ran.stderr
    prepared = asked.folder / "data/prepared/digits_twin/prepared.json"
    kept = prepared.read_text()
    facts = records.read(prepared)
    facts["files"].pop("items.parquet")
    records.write(prepared, facts)
    ran = asked.run(f"assay predict {ROW} scans.npy --out no.csv")
    prepared.write_text(kept)
    assert ran.returncode == 2
    assert "made from other data than data/prepared/digits_twin; run the suite again" in ran.stderr
