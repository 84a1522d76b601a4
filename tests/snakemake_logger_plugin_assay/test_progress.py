"""The line of a run, worked out by hand."""

import json

import pytest

from snakemake_logger_plugin_assay.progress import Progress, duration

CELL = {"suite": "s", "task": "digits", "model": "cnn", "seed": "0"}


def record(path, **facts):
    path.write_text(json.dumps(facts))
    return [str(path)]


def test_the_line_says_what_is_done_failed_left_and_running(tmp_path):
    run = Progress(total=9, done=3)
    run.start(1, "train", CELL, [], 0.0)
    run.start(2, "evaluate", {**CELL, "method": "none"}, [], 0.0)
    run.start(3, "compress", {**CELL, "method": "int8"}, [], 0.0)
    run.start(4, "report", {}, [], 0.0)
    expected = (
        "3 of 9 jobs done; train digits/cnn/0, evaluate digits/cnn/0, compress digits/cnn/0/int8, report"
    )
    assert run.line(1.0) == expected
    run.start(
        5,
        "train",
        {**CELL, "seed": "1"},
        record(tmp_path / "a", phase="train", status="failed", reason="x"),
        0.0,
    )
    run.finish(5, 1.0)
    assert run.line(1.0).startswith("3 of 9 jobs done, 1 cell failed; train")


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"phase": "train", "status": "ok"}, None),
        ({"phase": "train", "status": "skipped", "reason": "too few"}, None),
        ({"phase": "train", "status": "failed", "reason": "bad shape"}, "failed: train digits/cnn/0: bad shape"),
        ({"phase": "train", "status": "diverged", "reason": "nan"}, "failed: train digits/cnn/0: diverged: nan"),
        ({"phase": "validate", "status": "failed", "reason": "named before"}, None),
    ],
)  # fmt: skip
def test_a_cell_that_failed_is_named_once_with_its_reason(tmp_path, facts, line):
    run = Progress()
    run.start(1, "train", CELL, record(tmp_path / "status.json", **facts), 0.0)
    assert run.finish(1, 1.0) == line
    assert run.failed == ({"digits/cnn/0"} if facts["status"] not in ("ok", "skipped") else set())


@pytest.mark.parametrize("text", ["", "{", "[3]", "null", "[" * 100_000, '{"status": 3}'])
def test_a_record_that_cannot_be_read_ends_no_run(tmp_path, text):
    (tmp_path / "status.json").write_text(text)
    run = Progress()
    run.start(1, "train", CELL, [str(tmp_path / "status.json")], 0.0)
    run.finish(1, 1.0)
    assert run.line(1.0) is not None


def test_a_job_that_left_no_record_is_named_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("Traceback\nKeyError: 'x'\n\n")
    run = Progress()
    run.start(1, "train", CELL, [], 0.0)
    assert run.fail(1, [str(log)]) == (
        f"failed: train digits/cnn/0: its job left no record; {log} ends with: KeyError: 'x'"
    )
    run.start(2, "verdict", {}, [], 0.0)
    assert run.fail(2, []) is None
    assert run.failed == {"digits/cnn/0"}


def test_there_is_no_estimate_without_ground_for_one():
    run = Progress(expected={"a": ("train digits/cnn", None), "b": ("evaluate digits/cnn", None)})
    assert run.seconds_left(0.0) is None
    run.start(1, "train", CELL, ["a"], 0.0)
    assert run.seconds_left(5.0) is None
    run.finish(1, 10.0)
    assert run.seconds_left(10.0) is None  # no evaluation has ended yet


def test_the_rest_takes_as_long_as_the_rows_other_seeds_did_at_as_many_at_a_time():
    rows = {
        "a": "train digits/cnn",
        "b": "train digits/cnn",
        "c": "train digits/mlp",
        "d": "train digits/mlp",
    }
    run = Progress(expected={name: (row, 40.0 if name == "d" else None) for name, row in rows.items()})
    run.start(1, "train", CELL, ["a"], 0.0)
    run.start(2, "train", CELL, ["c"], 0.0)
    run.finish(1, 10.0)
    run.finish(2, 10.0)
    # Two at a time so far; b takes 10 s as its row did, d 10 s as its row did in this run, not 40 s as once before.
    assert run.seconds_left(10.0) == pytest.approx(10.0)
    run.start(3, "train", CELL, ["b"], 10.0)
    run.start(4, "train", CELL, ["d"], 10.0)
    assert run.seconds_left(14.0) == pytest.approx(6.0)
    run.finish(3, 20.0)
    run.finish(4, 20.0)
    assert run.seconds_left(20.0) is None


def test_a_row_that_never_ran_takes_as_long_as_its_phase_and_one_that_ran_before_as_it_did():
    run = Progress(expected={"a": ("train x/a", None), "b": ("train x/b", None), "c": ("train x/c", 50.0)})
    run.start(1, "train", CELL, ["a"], 0.0)
    run.finish(1, 10.0)
    assert run.seconds_left(10.0) == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "10 s"),
        (11, "20 s"),
        (49.9, "50 s"),
        (50.1, "1 min"),
        (61, "2 min"),
        (7100, "119 min"),
        (9000, "2 h"),
    ],
)
def test_a_duration_is_as_precise_as_an_estimate_is(seconds, text):
    assert duration(seconds) == text
