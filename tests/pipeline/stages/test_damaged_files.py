"""A file that was cut or changed after it was made is named in one line, and nothing is computed from it."""

import json
import signal

import pytest

from assay.pipeline.stages import compress, evaluate, ingest, prepare, train, validate
from assay.provenance import records

CODE = ("--code", "c0de")
DATA = "prepared/digits_twin"
CELL = {
    "task": "digits", "model": "majority", "seed": 0, "kind": "image_classification", "dataset": "digits_twin",
    "target": "assay.models.baselines.majority:Majority", "loop": "estimator",
    "knobs": {}, "train_items": None, "train_fraction": 1.0, "metric": "accuracy",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which a twin is prepared and a model trained on it."""
    monkeypatch.chdir(tmp_path)
    made = {"family": "digits", "knobs": {}}
    words = ["digits_twin", "--spec", json.dumps(made), *CODE, "--out", "raw/source.json", "--log", "log"]
    assert ingest.main(words) == 0
    split = {"split_seed": 0, "validation_fraction": 0.2, "split_strategy": "declared"}
    spec = json.dumps({**made, **split})
    words = [
        "digits_twin",
        "--spec",
        spec,
        "--source",
        "raw/source.json",
        *CODE,
        "--out",
        f"{DATA}/prepared.json",
    ]
    assert prepare.main(words) == 0
    fine = {
        "phase": "validate",
        "status": "ok",
        "reason": "",
        "traceback": "",
        "code": "c0de",
        "made_from": [],
    }
    records.write(tmp_path / "validated.json", fine | {"dataset": "digits_twin", "data": ""})
    assert ended(tmp_path, "trained") == ("ok", "")
    return tmp_path


def ended(folder, phase, *more):
    """Run a phase and return its record's status and reason."""
    spec = json.dumps(CELL)
    data = ["--spec", spec, "--prepared", f"{DATA}/prepared.json"]
    out = folder / phase / "status.json"
    stage, words = {
        "prepared": (prepare, ["digits_twin", "--spec", spec, "--source", "raw/source.json"]),
        "validated": (validate, ["digits_twin", "--prepared", f"{DATA}/prepared.json", "--docs", "docs"]),
        "trained": (train, [*data, "--validated", "validated.json"]),
        "compressed": (compress, [*data, "--source", "trained/status.json"]),
        "evaluated": (evaluate, [*data, "--artifact", "trained/status.json"]),
    }[phase]
    assert stage.main([*words, *CODE, "--out", str(out), *more]) == 0
    record = json.loads(out.read_text())
    return record["status"], record["reason"]


@pytest.mark.parametrize("phase", ["validated", "trained", "compressed", "evaluated"])
@pytest.mark.parametrize("name", ["arrays.safetensors", "items.parquet"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_damaged_data_is_named_and_not_used(folder, phase, name, damage):
    path = folder / DATA / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else whole[:-1] + bytes([whole[-1] ^ 1]))
    assert ended(folder, phase) == (
        "failed",
        f"{DATA}/{name}: does not have the digest in prepared.json; the next run makes it again",
    )


def test_damaged_raw_data_is_named_and_not_prepared(folder):
    path = folder / "raw" / "digits.csv.gz"
    path.write_bytes(path.read_bytes()[:-5])
    status, reason = ended(folder, "prepared")
    assert status == "failed"
    assert reason == "raw/digits.csv.gz: does not have the digest in source.json; the next run makes it again"


def test_damaged_weights_are_named_and_not_evaluated(folder):
    path = folder / "trained" / "model.skops"
    path.write_bytes(path.read_bytes()[:-5])
    status, reason = ended(folder, "evaluated")
    assert status == "failed"
    assert reason.startswith("trained/model.skops: ")
    assert len(reason.splitlines()) == 1


@pytest.mark.parametrize("phase", ["validated", "trained", "compressed", "evaluated"])
def test_a_record_that_was_cut_is_named(folder, phase):
    path = folder / DATA / "prepared.json"
    path.write_text(path.read_text()[:100])
    status, reason = ended(folder, phase)
    assert status == "failed"
    assert reason.startswith(f"{DATA}/prepared.json: not a valid record (not valid JSON: ")
    assert reason.endswith("; the next run makes it again")


def test_a_fact_that_changes_in_prepared_json_changes_every_later_record(folder):
    phases = ("validated", "trained", "compressed", "evaluated")
    for phase in phases:
        ended(folder, phase)
    before = {phase: (folder / phase / "status.json").read_bytes() for phase in phases}
    path = folder / DATA / "prepared.json"
    records.write(path, records.read(path) | {"a fact": "that nobody reads"})
    for phase in phases:
        ended(folder, phase)
        assert (folder / phase / "status.json").read_bytes() != before[phase], phase


@pytest.mark.parametrize("phase", ["validated", "trained", "compressed", "evaluated"])
def test_a_job_that_was_ended_leaves_a_record(folder, phase):
    status, reason = ended(folder, phase, "--died", str(signal.SIGKILL.value))
    assert status == "killed"
    assert "memory" in reason
    assert ended(folder, phase, "--died", str(signal.SIGALRM.value))[0] == "timed out"
