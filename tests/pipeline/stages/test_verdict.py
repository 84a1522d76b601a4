"""What the run's exit code says, and what the next run tries again."""

import json

import pytest

from assay.pipeline.stages import verdict


def failures(tmp_path, *phases):
    path = tmp_path / "failures.json"
    path.write_text(json.dumps([{"phase": phase, "status": "failed", "reason": "x"} for phase in phases]))
    return path


@pytest.mark.parametrize(("phases", "code"), [(["train"], 1), (["train", "validate"], 3), ([], 1)])
def test_data_that_failed_validation_outranks_cells_that_failed(tmp_path, phases, code):
    assert verdict.exit_code(failures(tmp_path, *phases)) == code


def test_a_validation_that_was_killed_refused_no_data(tmp_path):
    path = tmp_path / "failures.json"
    path.write_text(json.dumps([{"phase": "validate", "status": "killed", "reason": "x"}]))
    assert verdict.exit_code(path) == 1


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[3]", '[{"phase": "validate"}]', '{"a'])
def test_a_verdict_that_cannot_be_read_is_that_of_a_run_that_failed_by_itself(tmp_path, text):
    (tmp_path / "failures.json").write_text(text)
    assert verdict.exit_code(tmp_path / "failures.json") == 1


def test_without_a_verdict_the_run_failed_by_itself(tmp_path):
    assert verdict.exit_code(tmp_path / "failures.json") == 1


def test_what_the_last_run_said_is_forgotten(tmp_path):
    path = failures(tmp_path, "validate")
    verdict.forget(path)
    verdict.forget(path)
    assert verdict.exit_code(path) == 1


def test_a_record_set_aside_is_kept_as_evidence(tmp_path):
    path = tmp_path / "status.json"
    path.write_text("{}")
    verdict.set_aside(path)
    assert [each.name for each in tmp_path.iterdir()] == ["status.failed.json"]


def test_causes_are_told_once_each_and_not_all_of_hundreds():
    same = [{"phase": "validate", "status": "failed", "reason": "mnist: label 11"}] * 40
    others = [{"phase": "train", "status": "diverged", "reason": f"at step {step}"} for step in range(12)]
    lines = verdict.summary(same + others).splitlines()
    assert lines[0].startswith("52 records of this run are not ok")
    assert lines[1] == "  validate: failed: mnist: label 11"
    assert lines[-1] == "  and 3 more"


def test_a_reason_cannot_steer_the_terminal_or_fill_it():
    reason = "\x1b[2J\x1b]0;x\x07 no\u202e such\nkernel" + " of many" * 1000
    _, line = verdict.summary([{"phase": "train", "status": "failed", "reason": reason}]).splitlines()
    assert line.startswith("  train: failed: [2J ]0;x no such kernel of many")
    assert line.isprintable()
    assert len(line) == len("  ") + verdict.LONGEST


def test_a_fine_run_says_so_and_leaves_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(verdict, "failed", lambda _: [])
    out = tmp_path / "verdict.json"
    assert (
        verdict.main(
            ["--params", "params.yaml", "--suite", "smoke", "--out", str(out), "--log", str(tmp_path / "log")]
        )
        == 0
    )
    assert json.loads(out.read_text())["verdict"] == "fine"


def test_a_failed_run_sets_its_records_aside_and_exits_with_its_code(tmp_path, monkeypatch, capsys):
    record = tmp_path / "status.json"
    record.write_text(json.dumps({"phase": "train", "status": "failed", "reason": "shapes differ"}))
    monkeypatch.setattr(verdict, "FAILURES", tmp_path / "failures.json")
    monkeypatch.setattr(verdict, "exit_code", lambda: 1)
    monkeypatch.setattr(
        verdict,
        "failed",
        lambda _: [{"phase": "train", "status": "failed", "reason": "shapes differ", "record": str(record)}],
    )
    out = tmp_path / "verdict.json"
    assert (
        verdict.main(
            ["--params", "params.yaml", "--suite", "smoke", "--out", str(out), "--log", str(tmp_path / "log")]
        )
        == 1
    )
    assert not out.exists()
    assert not record.exists()
    assert "train: failed: shapes differ" in capsys.readouterr().err
