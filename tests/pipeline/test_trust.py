"""A record is believed only if it is what params.yaml requests, of this code, from and with the files that lie here."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from assay import paths
from assay.config.matrix import select
from assay.config.params import load_params
from assay.files import sha256, write_json
from assay.pipeline import trust
from assay.pipeline.rule_functions import Graph, Job
from assay.provenance import records, snakemake_metadata

ROOT = Path(__file__).parents[2]
ARTIFACT = {"format": "skops", "target": "a:B", "arguments": {}, "parameters": 3}
FACTS = {
    "ingest": {"twin": True},
    "prepare": {"counts": {}},
    "validate": {"data": ""},
    "tune": {"chosen": {}, "trials": 8, "data": {}, "train_items": None},
    "train": {"artifact": ARTIFACT, "data": {}, "train_items": None, "best_epoch": 1, "epochs": 1},
    "compress": {"artifact": ARTIFACT, "cell": {}, "data": {}, "trials": []},
    "evaluate": {"data": {}},
    "report": {},
}
SEARCHED = (
    "\n  searched: {tasks: [digits], models: [majority, mlp_searched], synthetic_twins: true, seeds: [0]}"
)
DATA = ("ingest", "prepare", "validate")
MEASURED = {
    "seconds": 1.0, "peak_memory_bytes": 1, "host": {}, "python": "3.11", "versions": {}, "finished": "",
    "commit": None, "dirty": None,
}  # fmt: skip


def leave(job: Job) -> None:
    """Leave what a job would: a file with a line, its record, and what it cost."""
    path = Path(job.record)
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "file").write_text(job.name)
    digest = sha256(path.parent / "file")
    files = {"file": {"url": None, "size": 1, "sha256": digest} if job.phase == "ingest" else digest}
    records.write(
        path,
        {
            "phase": job.phase, "status": "ok", "reason": "", "traceback": "", "code": job.request["code"],
            "made_from": [sha256(Path(name)) for name in job.made_from],
            "spec": json.loads(job.request.get("spec", "{}")), "files": files, **FACTS[job.phase],
            **({"dataset": job.name} if job.phase in DATA else {}),
        },
    )  # fmt: skip
    measure(job)
    if "docs" in job.request:
        Path(job.request["docs"]).mkdir(parents=True, exist_ok=True)
        Path(job.request["docs"], "index.html").touch()


def measure(job: Job) -> None:
    """Leave what the job cost."""
    path = Path(job.record)
    if job.phase in trust.COMPUTED:
        records.write(path.with_name(paths.MEASURED), MEASURED | {"record": sha256(path)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every job of a small suite has left a record that is what it says."""
    folder = tmp_path_factory.mktemp("made")
    params = (ROOT / paths.PARAMS).read_text()
    (folder / paths.PARAMS).write_text(params.replace("\nsuites:", f"\nsuites:{SEARCHED}"))
    before = Path.cwd()
    os.chdir(folder)
    graph = graph_of()
    for job in [*graph.jobs, graph.report_job]:
        leave(job)
    os.chdir(before)
    return folder


@pytest.fixture
def graph(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "project"))
    return graph_of()


def graph_of() -> Graph:
    params = load_params(paths.PARAMS)
    return Graph(select(params, suite="searched"))


def job_of(graph: Graph, phase: str) -> Job:
    jobs = [job for job in [*graph.jobs, graph.report_job] if job.phase == phase]
    return next((job for job in jobs if "mlp" in job.name), jobs[0])


def texts(problems: list[trust.Problem]) -> list[str]:
    return [problem.text for problem in problems]


def test_every_phase_is_believed_as_its_job_left_it(graph: Graph) -> None:
    jobs = [*graph.jobs, graph.report_job]
    assert {job.phase for job in jobs} == set(FACTS)
    assert [texts(trust.problems(job)) for job in jobs] == [[]] * len(jobs)


def test_a_record_that_is_not_there_has_no_problem(graph: Graph) -> None:
    job = job_of(graph, "train")
    Path(job.record).unlink()
    assert trust.problems(job) == []


def edited(job: Job, **facts: Any) -> None:
    path = Path(job.record)
    records.write(path, records.read(path) | facts)
    measure(job)


@pytest.mark.parametrize("phase", [*FACTS])
def test_what_was_made_otherwise_than_requested_is_not_believed(graph: Graph, phase: str) -> None:
    job = job_of(graph, phase)
    whole = Path(job.record).read_bytes()
    edited(job, code="of another branch")
    assert texts(trust.problems(job)) == ["its code changed"]
    if job.made_from:
        Path(job.record).write_bytes(whole)
        edited(job, made_from=["0" * 64, *records.read(Path(job.record))["made_from"][1:]])
        assert texts(trust.problems(job)) == [f"{job.made_from[0]} changed"]
        edited(job, made_from=[])
        assert texts(trust.problems(job)) == ["it was made from other records"]
    if "spec" in job.request:
        Path(job.record).write_bytes(whole)
        key = next(iter(json.loads(job.request["spec"])))
        edited(job, spec=json.loads(job.request["spec"]) | {key: "other"})
        [problem] = trust.problems(job) if key not in ("knobs", "tasks") else trust.problems(job)[:1]
        assert problem.text.startswith(f"{key}")
        assert problem.kind == "differs"


@pytest.mark.parametrize("phase", DATA)
def test_a_record_of_another_dataset_is_not_believed(graph: Graph, phase: str) -> None:
    job = job_of(graph, phase)
    edited(job, dataset="another")
    assert texts(trust.problems(job)) == ["it belongs to another"]


@pytest.mark.parametrize("phase", trust.COMPUTED)
def test_what_another_cell_cost_is_not_believed(graph: Graph, phase: str) -> None:
    job = job_of(graph, phase)
    other = next(each for each in graph.jobs if each.phase in trust.COMPUTED and each != job)
    path = Path(job.record).with_name(paths.MEASURED)
    path.write_bytes(Path(other.record).with_name(paths.MEASURED).read_bytes())
    message = f"{path}: not written by the job that wrote status.json; the next run makes it again"
    assert trust.problems(job) == [trust.Problem(message, "damaged")]


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
@pytest.mark.parametrize("phase", [phase for phase in FACTS if phase != "validate"])
def test_a_file_that_is_not_what_its_record_names_is_named(graph: Graph, phase: str, damage: str) -> None:
    job = job_of(graph, phase)
    path = Path(job.record).with_name("file")
    size = path.stat().st_size
    path.unlink()
    if damage != "gone":
        path.write_bytes(b"?" * (size if damage == "changed" else size - 1))
    [problem] = trust.problems(job)
    assert problem == trust.Problem(f"{path}: does not have the digest in {Path(job.record).name}", "damaged")


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"phase": "train"}', '{"sta'])
@pytest.mark.parametrize("phase", [*FACTS])
def test_a_record_that_cannot_be_read_is_damage(graph: Graph, phase: str, text: str) -> None:
    job = job_of(graph, phase)
    for path in [
        Path(job.record),
        *[Path(job.record).with_name(paths.MEASURED)] * (phase in trust.COMPUTED),
    ]:
        whole = path.read_bytes()
        path.write_text(text)
        [problem] = trust.problems(job)
        assert (problem.text.startswith(f"{path}: "), problem.kind) == (True, "damaged")
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {}),
        ({"a": {}}, {}),
        ({"a": []}, {"a": {}}),
    ],
)
def test_values_that_are_equal_to_python_alone_are_changes(
    before: dict[str, Any], now: dict[str, Any]
) -> None:
    assert len([*trust.changes(before, now)]) == len([*trust.changes(now, before)]) == 1
    assert [*trust.changes(before, before)] == []


def test_a_report_of_other_cells_is_not_believed(graph: Graph) -> None:
    job = job_of(graph, "evaluate")
    edited(job, data={"items.parquet": "other"})
    assert texts(trust.problems(graph.report_job)) == [f"{job.record} changed"]


def test_another_cells_folder_in_the_place_of_a_cells_is_not_believed(graph: Graph) -> None:
    one, other = (job for job in graph.jobs if job.phase == "train")
    shutil.rmtree(Path(other.record).parent)
    shutil.copytree(Path(one.record).parent, Path(other.record).parent)
    assert "model: majority is now mlp_searched" in texts(trust.problems(other))


def settled(monkeypatch: pytest.MonkeyPatch, after_seconds: int = -1000) -> None:
    """Let files count as settled some seconds after their change; unless given, at once."""
    monkeypatch.setattr(trust, "SETTLED_NS", after_seconds * 10**9)


def test_what_was_proven_is_not_read_again_until_it_changes(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(monkeypatch)
    assert trust.invalidate(graph) == []
    proofs, job = trust.Proofs(), job_of(graph, "train")
    path = Path(job.record).with_name("file")
    assert proofs.problems(job) == []
    assert proofs.fresh == []
    before = path.stat()
    path.write_text(job.name[:-1] + "?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as an attacker would, or `cp --preserve`
    assert texts(trust.Proofs().problems(job)) == [f"{path}: does not have the digest in status.json"]


def test_what_changed_a_moment_ago_is_read_again(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(monkeypatch, after_seconds=3600)  # a busy machine may take more than a second to get here
    assert trust.invalidate(graph) == []
    proofs = trust.Proofs()
    assert proofs.problems(job_of(graph, "train")) == []
    assert len(proofs.fresh) == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"a": 3}', '{"a": ["b"]}', '{"a": [null]}', "{", "[" * 100_000]
)
def test_proofs_that_cannot_be_read_are_made_again(graph: Graph, text: str) -> None:
    trust.PROVEN.parent.mkdir(exist_ok=True)
    trust.PROVEN.write_text(text)
    assert trust.invalidate(graph) == []


def test_a_forged_proof_of_another_request_proves_nothing(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(monkeypatch)
    trust.invalidate(graph)
    job = job_of(graph, "train")
    request = {**job.request, "spec": json.dumps(json.loads(job.request["spec"]) | {"seed": 7})}
    changed = Job(job.phase, job.name, job.record, job.made_from, request)
    assert texts(trust.Proofs().problems(changed)) == ["seed: 0 is now 7"]


def test_what_is_not_believed_is_incomplete_to_snakemake_until_it_is(graph: Graph) -> None:
    job = job_of(graph, "evaluate")
    mark, path = (
        snakemake_metadata.place(job.record, snakemake_metadata.INCOMPLETE),
        Path(job.record).with_name("file"),
    )
    path.write_text("forged")
    assert trust.invalidate(graph) == [f"{path}: does not have the digest in status.json"]
    assert mark.exists()
    path.write_text(job.name)
    assert trust.invalidate(graph) == []
    assert not mark.exists()


def test_a_cell_that_failed_last_time_and_a_verdict_that_was_edited_are_made_again(graph: Graph) -> None:
    job = job_of(graph, "train")
    edited(job, status="failed")
    assert trust.problems(job) == [trust.Problem("failed last time", "ended")]
    write_json(graph.verdict, {"verdict": "fine"})
    [line] = trust.invalidate(graph)
    assert line.startswith(f"{graph.verdict}: not a valid record")
    for record in (job.record, str(graph.verdict)):
        assert snakemake_metadata.place(record, snakemake_metadata.INCOMPLETE).exists()
