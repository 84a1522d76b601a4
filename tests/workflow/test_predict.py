"""``assay predict`` as a user calls it, on a project that has run."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from assay.provenance import records
from tests.evaluation.own_project import some_images
from tests.workflow.project import ROOT, copy

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
    for words, told in {
        f"{ROW} none.npy": "none.npy: no such file",
        f"{ROW}/prun scans.npy": f"{ROW}/prun: not in the suite tiny; did you mean {ROW}/prune?"
        " assay list shows all",
        f"{ROW} scans.npy --suite small": f"{ROW}: not in the suite small; add --suite tiny",
        "../../x/y/0 scans.npy": "../../x/y/0: not in the suite tiny",
    }.items():
        ran = asked.run(f"assay predict {words} --out no.csv")
        assert ran.returncode == 2
        assert ran.stderr.startswith(told)
        assert ran.stderr.count("\n") == 1
    assert not (asked.folder / "no.csv").exists()


def test_bad_items_are_named_and_the_rest_is_answered(asked):
    levels = np.full((3, 8, 8), 7)
    levels[1, 2, 3] = 200
    np.save(asked.folder / "bright.npy", levels)
    ran = asked.run(f"assay predict {ROW} bright.npy")
    assert ran.returncode == 1
    assert "bright.npy: row 2: value 200; allowed are whole numbers, 0 to 16\n" in ran.stderr
    assert [line.split(",")[0] for line in ran.stdout.splitlines()] == ["row", "1", "3"]


def test_images_come_from_files_folders_and_standard_input_and_torch_is_not_imported(asked):
    folder = asked.folder / "pictures"
    paths = some_images(folder)
    (folder / "notes.txt").write_text("no image")
    (folder / "cut.png").write_bytes((folder / "grey.png").read_bytes()[:70])
    listed = asked.run(f"assay predict {ROW} {' '.join(paths)} --out listed.jsonl")
    assert listed.returncode == 0, listed.stderr
    rows = [json.loads(line) for line in (asked.folder / "listed.jsonl").read_text().splitlines()]
    assert [row["file"] for row in rows] == paths
    ran = asked.run(f"assay predict {ROW} pictures --out folder.csv")
    assert ran.returncode == 1
    assert "pictures/cut.png: damaged: " in ran.stderr
    assert "1 other file is not read, such as pictures/notes.txt" in ran.stderr
    answers = pd.read_csv(asked.folder / "folder.csv", dtype={"prediction": str}).set_index("file")
    for row in rows:
        same = answers.loc[f"pictures/{Path(row['file']).name}"]
        assert same["prediction"] == row["prediction"]
        assert same["confidence"] == pytest.approx(row["confidence"], rel=1e-5)
    code = (
        "import assay.cli, sys; assay.cli.app(sys.argv[1:], standalone_mode=False);"
        " print({'torch', 'pandas', 'sklearn'} & {*sys.modules})"
    )
    ran = asked.run(f'python -c "{code}" predict {ROW} - < pictures/grey.png')
    header, answer, imported = ran.stdout.splitlines()
    assert (header, imported) == ("row,prediction,confidence", "set()")
    assert answer.split(",")[1] == rows[0]["prediction"]


def test_standard_input_may_be_closed(asked):
    ran = asked.run(f"assay predict {ROW} - <&-")
    assert (ran.returncode, ran.stderr) == (2, "standard input is closed; name a file\n")


def test_the_output_may_not_be_an_input(asked):
    paths = some_images(asked.folder / "pictures")
    ran = asked.run(f"assay predict {ROW} scans.npy --out scans.npy")
    assert (ran.returncode, ran.stderr) == (
        2,
        "scans.npy: is read by this command and would be lost; name another file\n",
    )
    (asked.folder / "link.csv").symlink_to(paths[0])
    ran = asked.run(f"assay predict {ROW} {paths[0]} --out link.csv")
    assert (ran.returncode, ran.stderr) == (
        2,
        "link.csv: is read by this command and would be lost; name another file\n",
    )


def test_it_is_exported(asked):
    ran = asked.run(f"assay export {ROW} exported")
    assert ran.returncode == 0, ran.stderr
    assert "exported/model.onnx" in ran.stdout.splitlines()
    assert "exported/card.md" in ran.stdout.splitlines()


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


def test_the_page_about_it_is_followed_to_the_letter(asked):
    paths = some_images(asked.folder / "pictures")
    (asked.folder / "seven.png").write_bytes(Path(paths[0]).read_bytes())
    (asked.folder / "pictures/cut.png").unlink(missing_ok=True)
    page = (ROOT / "docs/predict-and-export.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) == 6
    for command in commands:
        ran = asked.run(command)
        assert ran.returncode == 0, ran.stderr
    found = ran.stdout.splitlines()[1].split(",")
    expected = asked.run("assay predict digits/mlp/0 seven.png").stdout.splitlines()[1].split(",")
    assert found[1:] == expected[1:]
