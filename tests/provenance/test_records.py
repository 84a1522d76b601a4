"""However a job ends, it leaves a record."""

import hashlib
import json

import pytest

from assay.files import sha256
from assay.provenance import records

ARTIFACT = {"format": "skops", "target": "a:B", "arguments": {}, "parameters": 3}
FACTS = {
    "ingest": {"dataset": "d", "twin": True, "files": {"a": {"url": None, "size": 3, "sha256": "0"}}},
    "prepare": {"dataset": "d", "spec": {"seed": 1}, "files": {"a": "0"}, "counts": {"train": 3}},
    "validate": {"dataset": "d", "data": "0"},
    "train": {
        "spec": {"seed": 1}, "artifact": ARTIFACT, "data": {"a": "0"}, "files": {"a": "0"}, "train_items": None,
        "best_epoch": 1, "epochs": 2,
    },
    "compress": {
        "spec": {"seed": 1}, "artifact": ARTIFACT, "cell": {"seed": 1}, "data": {"a": "0"}, "files": {"a": "0"},
        "trials": [{"lost": 0.1}],
    },
    "evaluate": {"spec": {"seed": 1}, "data": {"a": "0"}, "files": {"a": "0"}},
}  # fmt: skip


def kept(tmp_path, work, **options):
    out = tmp_path / "status.json"
    records.keep(out, "evaluate", work, code="c0de", spec={"seed": 1}, **options)
    return json.loads(out.read_text())


def raising(error):
    def work():
        raise error

    return work


def test_work_that_ends_well_adds_its_facts(tmp_path):
    record = kept(tmp_path, lambda: {"data": {}, "files": {"model": "abc"}})
    assert record.pop("sha256") == hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    assert record == {
        "status": "ok", "phase": "evaluate", "reason": "", "traceback": "", "code": "c0de", "made_from": [],
        "spec": {"seed": 1}, "data": {}, "files": {"model": "abc"},
    }  # fmt: skip


def test_an_error_is_kept_with_the_end_of_its_traceback(tmp_path, capsys):
    record = kept(tmp_path, raising(RuntimeError("shapes\ndiffer")))
    assert record["status"] == "failed"
    assert record["reason"] == "RuntimeError: shapes differ"
    assert "RuntimeError: shapes" in record["traceback"]
    assert "evaluate: failed: RuntimeError" in capsys.readouterr().err


@pytest.mark.parametrize("work", [lambda: {}, raising(RuntimeError("no"))])
def test_what_it_was_made_from_stands_in_it_however_it_ends(tmp_path, work):
    (tmp_path / "earlier.json").write_text("abc")
    record = kept(tmp_path, work, made_from=[tmp_path / "earlier.json", tmp_path / "gone.json"])
    assert record["made_from"] == ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ""]


def test_two_equal_errors_leave_equal_bytes(tmp_path):
    def fail(folder):
        folder.mkdir()
        kept(folder, raising(KeyError("x")))
        return (folder / "status.json").read_bytes()

    assert fail(tmp_path / "a") == fail(tmp_path / "b")


@pytest.mark.parametrize(
    ("error", "status"),
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
def test_the_kind_of_error_decides_the_status(tmp_path, error, status):
    record = kept(tmp_path, raising(error))
    assert record["status"] == status
    assert record["traceback"] == ""


def test_what_an_earlier_phase_left_is_passed_on(tmp_path):
    earlier = tmp_path / "earlier.json"
    records.keep(earlier, "validate", raising(ValueError("mnist: label 11")), code="c0de")
    record = kept(tmp_path, lambda: records.require(earlier, "validate"))
    assert (record["status"], record["phase"], record["reason"]) == ("failed", "validate", "mnist: label 11")
    assert record["spec"] == {"seed": 1}


def test_a_record_of_another_phase_is_not_read(tmp_path):
    path = tmp_path / "data.json"
    facts = {
        "status": "ok",
        "reason": "",
        "traceback": "",
        "code": "",
        "made_from": [],
        "dataset": "d",
        "data": "",
    }
    records.write(path, facts | {"phase": "validate"})
    assert records.require(path, "prepare", "validate")["phase"] == "validate"
    with pytest.raises(ValueError, match=r"data.json: not a valid record \(it is of the phase validate\)"):
        records.require(path, "prepare")


def test_a_signal_that_ended_the_job_is_named(tmp_path):
    record = kept(tmp_path, raising(AssertionError("work must not run")), died=9)
    assert record["status"] == "killed"
    assert "signal 9" in record["reason"]


def test_a_job_ended_by_its_alarm_has_timed_out(tmp_path):
    record = kept(tmp_path, raising(AssertionError("work must not run")), died=14)
    assert (record["status"], record["reason"]) == (
        "timed out",
        "it took longer than limits.cell_minutes in params.yaml allows",
    )


def test_an_interrupt_leaves_no_record(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, raising(KeyboardInterrupt()))
    assert not (tmp_path / "status.json").exists()


@pytest.mark.parametrize("fact", [float("nan"), float("inf"), {1, 2}, object()])
def test_a_fact_that_json_cannot_hold_leaves_a_record_all_the_same(tmp_path, fact):
    for record in (kept(tmp_path, lambda: {"files": {}, "fact": fact}), kept(tmp_path, dict, knob=fact)):
        assert record["status"] == "failed"
        assert records.read(tmp_path / "status.json")["reason"]


def test_a_secret_of_an_address_is_in_no_record(tmp_path, capsys):
    kept(tmp_path, raising(RuntimeError("no answer from https://user:hunter2@example.org/a?token=hunter2")))
    assert "hunter2" not in (tmp_path / "status.json").read_text() + capsys.readouterr().err


def test_what_was_kept_of_an_earlier_failure_is_gone_after_success(tmp_path):
    kept(tmp_path, raising(ValueError("no")))
    aside = records.aside(tmp_path / "status.json")
    (tmp_path / "status.json").rename(aside)
    kept(tmp_path, raising(ValueError("no")))
    assert aside.exists()
    kept(tmp_path, lambda: {"data": {}, "files": {}})
    assert not aside.exists()


BAD = [
    "",
    "[]",
    "null",
    "{}",
    '{"status": "ok"',
    '"x"',
    "3",
    "[" * 100_000,
    "\ud800",
    '{"phase": 1}',
    "1e999",
    "\0",
]


@pytest.mark.parametrize("text", BAD)
def test_a_bad_record_is_as_good_as_none_and_named_in_one_line(tmp_path, text):
    path = tmp_path / "status.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    assert records.find(path) is None
    with pytest.raises(ValueError, match=r"not a valid record .*; the next run makes it again$") as error:
        records.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert len(str(error.value).splitlines()) == 1


def ok(phase):
    """Return the least record of a phase that ended well."""
    return {
        "status": "ok",
        "phase": phase,
        "reason": "",
        "traceback": "",
        "code": "",
        "made_from": [],
        **FACTS[phase],
    }


@pytest.mark.parametrize("phase", [*FACTS])
def test_a_record_without_one_of_its_facts_or_with_one_of_another_kind_is_bad(tmp_path, phase):
    path = tmp_path / "status.json"
    records.write(path, ok(phase))
    assert records.read(path)["phase"] == phase
    for name in ok(phase):
        for damaged in ({k: v for k, v in ok(phase).items() if k != name}, ok(phase) | {name: 7.5}):
            records.write(path, damaged)
            assert records.find(path) is None, name


@pytest.mark.parametrize("fact", ["code", "spec", "files", "reason"])
def test_a_record_that_was_edited_by_hand_is_bad(tmp_path, fact):
    path = tmp_path / "status.json"
    records.write(path, ok("train"))
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {fact: {} if fact in ("spec", "files") else "other"})
    )
    with pytest.raises(ValueError, match="edited after its job wrote it"):
        records.read(path)


def test_files_with_other_bytes_than_a_record_names_are_found(tmp_path):
    (tmp_path / "a").write_text("abc")
    record = {"files": {"a": sha256(tmp_path / "a"), "b": {"sha256": "0"}}}
    assert records.changed(tmp_path, record) == [tmp_path / "b"]
    (tmp_path / "a").write_text("abd")
    assert records.changed(tmp_path, record) == [tmp_path / "a", tmp_path / "b"]
