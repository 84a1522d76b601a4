"""A seal says what the records of a phase are, until one of them changes or a run begins."""

import subprocess
from pathlib import Path

import pytest
import yaml

from assay.files import replacing, write_json
from assay.pipeline import phase_digests
from assay.provenance import snakemake_metadata
from tests.workflow.project import ROOT

TRAINED = Path("artifacts/trained/smoke/digits/mlp")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        (TRAINED / str(seed)).mkdir(parents=True)
        (TRAINED / str(seed) / "status.json").write_text(f"{seed}\n")
    (TRAINED / "1" / "status.failed.json").write_text("evidence\n")


def test_a_seal_is_what_sha256sum_checks_and_holds_every_record():
    phase_digests.seal()
    message = subprocess.run(
        ["sha256sum", "--check", "--strict", phase_digests.SEAL],
        cwd="artifacts/trained",
        capture_output=True,
        text=True,
    )
    assert message.returncode == 0
    assert message.stdout == "smoke/digits/mlp/0/status.json: OK\nsmoke/digits/mlp/1/status.json: OK\n"
    assert Path("artifacts/compressed", phase_digests.SEAL).read_text() == ""


def test_a_seal_changes_with_the_records_alone():
    phase_digests.seal()
    path = Path("artifacts/trained", phase_digests.SEAL)
    before = path.read_text(), path.stat().st_mtime_ns
    (TRAINED / "0" / "measured.json").write_text("{}\n")
    phase_digests.seal()
    assert (path.read_text(), path.stat().st_mtime_ns) == before
    (TRAINED / "0" / "status.json").write_text("other\n")
    phase_digests.seal()
    changed = path.read_text()
    assert changed != before[0]
    (TRAINED / "0" / "status.json").unlink()
    phase_digests.seal()
    assert path.read_text() == changed.splitlines(keepends=True)[1]


def test_a_run_breaks_the_seals_and_what_comes_next_mends_them():
    phase_digests.seal()
    whole = {path: path.read_text() for path in Path().glob(f"*/*/{phase_digests.SEAL}")}
    assert len(whole) == len(phase_digests.SEALED) == 4
    phase_digests.unseal()
    assert not any(path.exists() for path in whole)
    Path("artifacts/compressed").rmdir()
    phase_digests.heal()
    assert whole == {path: path.read_text() for path in whole}
    (TRAINED / "0" / "status.json").write_text("changed by hand\n")
    phase_digests.heal()
    assert whole == {path: path.read_text() for path in whole}


def test_what_a_killed_run_left_undone_is_done_before_its_folders_are_sealed():
    record = TRAINED / "0" / "status.json"
    unfinished = replacing(record.with_name("model.safetensors"))
    unfinished.__enter__()  # and the process is killed
    for path in (record, TRAINED / "1" / "status.json"):
        write_json(snakemake_metadata.place(str(path)), {"rule": "train"})
    phase_digests.heal([str(record)])
    assert sorted(path.name for path in record.parent.iterdir()) == ["made.json", "status.json"]
    assert snakemake_metadata.packed(record.with_name("made.json")) == {str(record): {"rule": "train"}}
    assert not (TRAINED / "1" / "made.json").exists()  # nobody said that this is what Snakemake remembers


def test_the_stages_of_dvc_depend_on_seals_and_each_lies_in_an_out():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    deps = {dep for stage in stages.values() for dep in stage["deps"] if dep.endswith(phase_digests.SEAL)}
    assert deps == {str(folder / phase_digests.SEAL) for folder in phase_digests.SEALED}
    outs = {name for stage in stages.values() for out in stage["outs"] for name in out}
    assert {str(folder) for folder in phase_digests.SEALED} <= outs
