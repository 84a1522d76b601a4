"""A clone has what DVC recorded, proven by content, and neither engine has anything to do."""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.workflow.project import Project

COMMIT = "git add -A . && git -c user.name=t -c user.email=t@t commit -qm done"
WEIGHTS = "artifacts/trained/tiny/digits/mlp/0/model.safetensors"


@pytest.fixture(scope="module")
def origin(tiny, tmp_path_factory):
    """A project whose results were pushed to the folder ``../store``."""
    folder = tmp_path_factory.mktemp("origin") / "origin"
    project = Project(shutil.copytree(tiny.folder, folder, symlinks=True))
    pushed = project.run(f"dvc remote add -d store ../store && dvc push && {COMMIT}")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    return project


@pytest.fixture
def clone(origin, tmp_path):
    """A clone of it, beside a store of its own."""
    shutil.copytree(origin.folder.parent / "store", tmp_path / "store")
    assert origin.run(f"git clone -q . {tmp_path}/clone").returncode == 0
    return Project(tmp_path / "clone")


def files(project):
    return sorted(
        str(path) for path in project.folder.rglob("*") if not {".dvc", ".snakemake"} & set(path.parts)
    )


def nothing_to_do(project):
    """Say whether both engines find everything as it should be."""
    snakemake = project.run("snakemake -n --quiet rules")
    repro = project.run("dvc repro")
    assert (snakemake.returncode, repro.returncode) == (0, 0), snakemake.stderr + repro.stderr
    return (
        "Nothing to be done" in snakemake.stdout + snakemake.stderr
        and "Running stage" not in repro.stdout
        and "up to date" in project.run("dvc status").stdout
    )


def test_a_clone_that_was_restored_runs_zero_jobs_and_then_exactly_what_changes(clone):
    restored = clone.run("assay restore")
    assert (restored.returncode, restored.stderr) == (0, "")
    assert "files match dvc.lock" in restored.stdout
    times = random.Random(0)
    for path in clone.folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts and ".dvc" not in path.parts:
            os.utime(path, (times.randint(10**9, 2 * 10**9),) * 2)
    assert nothing_to_do(clone)
    again = clone.run("assay restore")
    assert again.stdout.endswith("; 0 of them were missing and were restored\n")
    clone.edit(
        "params.yaml",
        "knobs: {hidden: [128, 128], dropout: 0.15}",
        "knobs: {hidden: [64, 64], dropout: 0.15}",
    )
    assert clone.jobs("suite=tiny") == {
        "train": 1,
        "compress": 1,
        "evaluate": 2,
        "report": 1,
        "verdict": 1,
        "all": 1,
        "total": 7,
    }


def test_what_was_changed_or_cut_is_named_and_put_back(clone):
    assert clone.run("assay restore").returncode == 0
    weights, table = clone.folder / WEIGHTS, clone.folder / "data/prepared/digits_twin/items.parquet"
    whole = weights.read_bytes(), table.read_bytes()
    weights.write_bytes(whole[0][:-1] + b"?")
    table.write_bytes(whole[1][: len(whole[1]) // 2])
    (clone.folder / "reports/index.html").unlink()
    restored = clone.run("assay restore")
    assert (restored.returncode, restored.stderr) == (0, "")
    said = "differed from dvc.lock; restored, the other version is in .assay/replaced/"
    for path in (WEIGHTS, "data/prepared/digits_twin/items.parquet"):
        assert f"{path}: {said}" in restored.stdout
    assert "; 1 of them were missing and were restored" in restored.stdout
    assert (weights.read_bytes(), table.read_bytes()) == whole
    [kept] = clone.folder.glob(f".assay/replaced/*/{WEIGHTS}")
    assert kept.read_bytes() == whole[0][:-1] + b"?"
    assert nothing_to_do(clone)


def test_what_cannot_be_proven_is_named_and_made_again(clone):
    assert clone.run("assay restore").returncode == 0
    poisoned = next(
        path
        for path in (clone.folder / ".dvc/cache").rglob("*")
        if path.is_file() and path.read_bytes() == (clone.folder / WEIGHTS).read_bytes()
    )
    whole = (clone.folder / WEIGHTS).read_bytes()
    for path, bytes_ in ((poisoned, b"poison"), (clone.folder / WEIGHTS, b"made after the last dvc commit")):
        path.unlink()
        path.write_bytes(bytes_)
    restored = clone.run("assay restore")
    assert restored.returncode == 1
    [line] = restored.stderr.splitlines()
    assert line.startswith(f"{WEIGHTS}: DVC's cache is corrupt: ")
    assert line.endswith("; the next run makes it again")
    [kept] = clone.folder.glob(f".assay/replaced/*/{WEIGHTS}")
    assert kept.read_bytes() == b"made after the last dvc commit"
    ran = clone.run("snakemake --cores 2 --quiet all")
    assert ran.returncode == 0, ran.stderr
    assert (clone.folder / WEIGHTS).read_bytes() == whole


def test_a_remote_that_cannot_be_reached_is_one_line_and_changes_nothing(clone):
    shutil.rmtree(clone.folder.parent / "store")
    before = files(clone)
    restored = clone.run("assay restore")
    assert (restored.returncode, restored.stdout) == (2, "")
    assert len(restored.stderr.splitlines()) == 1
    assert restored.stderr == "data/raw: neither in DVC's cache nor on its remote; nothing was changed\n"
    assert before == files(clone)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "dvc.lock: not found; dvc repro or dvc commit --force writes it"),
        ("stages: 3", "dvc.lock: not as DVC"),
        ("stages: {a: {outs: [{path: ../../x, md5: 00}]}}", "dvc.lock: '../../x' leads out of its folder"),
        ("stages: {a: {outs: [{path: /x, md5: 00}]}}", "dvc.lock: '/x' leads out of its folder"),
    ],
)
def test_a_lock_that_is_not_there_or_not_dvcs_is_one_line(clone, text, words):
    lock = Path(clone.folder / "dvc.lock")
    lock.unlink()
    if text:
        lock.write_text(text)
    restored = clone.run("assay restore")
    assert (restored.returncode, restored.stdout) == (2, "")
    assert restored.stderr.startswith(words)
    assert restored.stderr.count("\n") == 1
