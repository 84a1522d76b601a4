"""However a job ends, it leaves a record."""

import json

import pytest

from assay import records


def kept(tmp_path, work, **options):
    out = tmp_path / "status.json"
    records.keep(out, "train", work, spec={"seed": 1}, **options)
    return json.loads(out.read_text())


def raising(fault):
    def work():
        raise fault

    return work


def test_work_that_ends_well_adds_its_facts(tmp_path):
    record = kept(tmp_path, lambda: {"files": {"model": "abc"}})
    assert record == {
        "status": "ok", "phase": "train", "reason": "", "traceback": "", "made_from": [], "spec": {"seed": 1},
        "files": {"model": "abc"},
    }  # fmt: skip


def test_a_fault_is_kept_with_the_end_of_its_traceback(tmp_path, capsys):
    record = kept(tmp_path, raising(RuntimeError("shapes\ndiffer")))
    assert record["status"] == "failed"
    assert record["reason"] == "RuntimeError: shapes differ"
    assert "RuntimeError: shapes" in record["traceback"]
    assert "train: failed: RuntimeError" in capsys.readouterr().err


@pytest.mark.parametrize("work", [lambda: {}, raising(RuntimeError("no"))])
def test_what_it_was_made_from_stands_in_it_however_it_ends(tmp_path, work):
    (tmp_path / "earlier.json").write_text("abc")
    record = kept(tmp_path, work, made_from=[tmp_path / "earlier.json", tmp_path / "gone.json"])
    assert record["made_from"] == ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ""]


def test_two_equal_faults_leave_equal_bytes(tmp_path):
    def fail(folder):
        folder.mkdir()
        kept(folder, raising(KeyError("x")))
        return (folder / "status.json").read_bytes()

    assert fail(tmp_path / "a") == fail(tmp_path / "b")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (records.Skip("no int8 kernel"), "skipped"),
        (MemoryError(), "out of memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            "out of memory",
        ),
        (ValueError("params.yaml: wrong"), "failed"),
    ],
)
def test_the_kind_of_fault_decides_the_status(tmp_path, fault, status):
    record = kept(tmp_path, raising(fault))
    assert record["status"] == status
    assert record["traceback"] == ""


def test_what_an_earlier_phase_left_is_passed_on(tmp_path):
    earlier = tmp_path / "earlier.json"
    records.keep(earlier, "validate", raising(ValueError("mnist: label 11")))
    record = kept(tmp_path, lambda: records.require(earlier))
    assert (record["status"], record["phase"], record["reason"]) == ("failed", "validate", "mnist: label 11")
    assert record["spec"] == {"seed": 1}


def test_a_signal_that_ended_the_job_is_named(tmp_path):
    record = kept(tmp_path, raising(AssertionError("work must not run")), died=9)
    assert record["status"] == "killed"
    assert "signal 9" in record["reason"]


def test_a_job_ended_by_its_alarm_has_timed_out(tmp_path):
    record = kept(tmp_path, raising(AssertionError("work must not run")), died=14)
    assert (record["status"], record["reason"]) == (
        "timed out",
        "it took longer than limits.cell_minutes of params.yaml allows",
    )


def test_an_interrupt_leaves_no_record(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, raising(KeyboardInterrupt()))
    assert not (tmp_path / "status.json").exists()
