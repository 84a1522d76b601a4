"""What a run says of itself: the command of a partial report, and what its jobs are expected to take."""

import logging
from pathlib import Path

import pytest

from assay import paths
from assay.config.matrix import select
from assay.config.params import load_params
from assay.files import sha256
from assay.pipeline import progress
from assay.pipeline.rule_functions import Graph
from assay.provenance import records
from tests.pipeline.test_trust import MEASURED


@pytest.fixture
def graph(tmp_path, monkeypatch):
    params = load_params(Path("params.yaml"))
    monkeypatch.chdir(tmp_path)
    return Graph(select(params, suite="default", tasks="digits", models="majority,mlp"))


def ran(job, seconds):
    """Leave a record of a job that took so long."""
    path = Path(job.record)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    records.write(path.with_name(paths.MEASURED), MEASURED | {"seconds": seconds, "record": sha256(path)})


def test_a_run_says_where_its_report_goes_and_how_to_build_a_partial_one(graph, caplog):
    caplog.set_level(logging.INFO)
    progress.introduce(graph)
    run = caplog.records[0].assay_run
    assert run["page"] == "reports/selection-default/index.html"
    assert run["partial"][-3:] == ["default", "--tasks=digits", "--models=majority,mlp"]
    assert Path(run["partial"][3]).name == "client.py"
    assert not caplog.records[0].msg  # other loggers print nothing


def test_a_job_is_expected_to_take_the_mean_of_its_row(graph, caplog):
    train = [job for job in graph.jobs if job.phase == "train" and job.name == "digits/mlp"]
    other = next(job for job in graph.jobs if job.phase == "train" and job.name == "digits/majority")
    for job, seconds in zip(train[:2], (10.0, 20.0), strict=True):
        ran(job, seconds)
    due = [train[1], train[2], other, next(job for job in graph.jobs if job.phase == "prepare")]
    caplog.set_level(logging.INFO)
    progress.expect(graph, {job.record for job in due})
    assert caplog.records[0].assay_expected == {
        train[1].record: ("train digits/mlp", 15.0),
        train[2].record: ("train digits/mlp", 15.0),
        other.record: ("train digits/majority", None),
    }
