"""Records, data, models and results, whatever lies there: named, not computed from, and not called fine."""

from __future__ import annotations

import json
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import strategies as st

from assay import paths
from assay.pipeline import phase_digests, trust
from assay.pipeline.rule_functions import Graph, Job, matrix_or_exit
from assay.pipeline.stages import compress, evaluate, prepare, report, train, validate
from assay.provenance import snakemake_metadata
from tests.workflow.fuzz.damages import Damage, of_bytes, of_place, of_tree, remove
from tests.workflow.fuzz.running import COUNTS, Finished, tries

STAGES: dict[str, tuple[ModuleType, tuple[str, ...]]] = {
    "prepare": (prepare, ("--source",)),
    "validate": (validate, ("--prepared",)),
    "train": (train, ("--prepared", "--validated")),
    "compress": (compress, ("--prepared", "--source")),
    "evaluate": (evaluate, ("--prepared", "--artifact", "--uncompressed")),
}
"""By phase: what runs, and by which words it is given each of ``Job.made_from``."""
KEPT = (Path(".snakemake/metadata"), trust.PROVEN, paths.VERDICT)
"""What is believed of Snakemake's and of our own memory changes no answer."""
UNREAD = (snakemake_metadata.MADE, paths.MEASURED, "history.csv")
"""Files of a folder that later jobs do not read."""
CELLS = Path(paths.EVALUATED.partition("/{")[0])
SCRATCH = Path("scratch")
REPORTS = 40
"""Damages of which a report is built: seconds each."""
CELL = ["task", "model", "seed", "method"]


def jobs() -> list[Job]:
    graph = Graph(matrix_or_exit({}))
    return [*graph.jobs, graph.report_job]


def files(*, records: bool) -> list[Path]:
    """Return the records, or all other files that records name, and what we remember of them."""
    named = {Path(job.record) for job in jobs()}
    found = {
        path for top in ("data", "artifacts", "reports") for path in Path(top).rglob("*") if path.is_file()
    }
    found = {path for path in found if not path.name.startswith(".") and "validation" not in path.parts}
    if not records:
        return sorted(path for path in found if path not in named and path.suffix != ".json")
    kept = {path for each in KEPT for path in (each, *each.rglob("*")) if path.is_file()}
    return sorted(
        {path for path in found if path.suffix == ".json" or path.name == phase_digests.SEAL} | kept
    )


def damages(path: Path, others: list[Path]) -> st.SearchStrategy[tuple[Path, Damage]]:
    whole = path.read_bytes()
    others = [each for each in others if each != path]
    alike = [each for each in others if each.name == path.name]
    ways = [of_bytes(whole), of_place(alike or others), of_place(others)]
    if whole.startswith(b"{"):
        ways += [of_tree(json.loads(whole))] * 3
    return st.tuples(st.just(path), st.one_of(ways))


def content(path: Path) -> Any:
    """Return what a file says, so that other bytes of the same meaning are equal."""
    try:
        text = path.read_bytes()
        return json.dumps(json.loads(text), sort_keys=True) if path.suffix == ".json" else text
    except (OSError, ValueError, RecursionError):
        return None


def is_named(path: Path) -> bool:
    """Return whether a record names a file, or is one."""
    beside = {Path(job.record).parent for job in jobs()}
    is_part = any(path.is_relative_to(each) for each in beside) or path.parent == Path("data/validated")
    return (
        is_part and path.name not in (snakemake_metadata.MADE, phase_digests.SEAL) and path != paths.VERDICT
    )


def is_published(path: Path) -> bool:
    """Return whether ``assay publish`` must not pass over what is wrong with a file."""
    return path.name == paths.MEASURED or not path.is_relative_to(CELLS)


def readers(path: Path) -> list[Job]:
    """Return the jobs that read a file."""
    if path.name in UNREAD:
        return []
    return [
        job
        for job in jobs()
        if job.phase in STAGES
        for record in map(Path, job.made_from)
        if path == record or (path.parent == record.parent and path.suffix != ".json")
    ]


def ended(job: Job) -> dict[str, Any]:
    """Run a job into a folder of its own and return its record."""
    stage, words = STAGES[job.phase]
    given = [text for word, record in zip(words, job.made_from, strict=False) for text in (word, record)]
    given += ["--code", job.request["code"], "--out", str(SCRATCH / "record.json")]
    if job.phase in ("prepare", "validate"):
        given.insert(0, job.name)
    if job.phase == "validate":
        given += ["--docs", str(SCRATCH / "docs")]
    if "spec" in job.request:
        given += ["--spec", job.request["spec"]]
    with redirect_stderr(StringIO()):
        assert stage.main(given) == 0
    record: dict[str, Any] = json.loads((SCRATCH / "record.json").read_bytes())
    remove(SCRATCH)
    return record


def follows(variant: str, path: Path) -> bool:
    """Return whether a variant, as ``assay list`` prints it, is made from a file."""
    task, model, seed, method = variant.split("\t")[:4]
    cell = Path(task, model, seed)
    return (
        path.is_relative_to("data")
        or path.is_relative_to(Path("artifacts/trained/tiny") / cell)
        or path.is_relative_to(Path("artifacts/compressed/tiny") / cell / method)
        or path.is_relative_to(Path("reports/cells/tiny") / cell / method)
    )


def check(finished: Finished, damaged: tuple[Path, Damage], choice: int) -> None:
    path, damage = damaged
    before = content(path)
    with finished.damaged(path, damage):
        is_other = content(path) != before
        verified = finished.run("verify", "--files").told(0, 1)
        listed = finished.run("list").told(0)
        planned = finished.run("plan").told(0)
        if is_named(path) and is_other:
            assert str(path) in verified.out, (verified, damage)
            for variant in listed.out.splitlines():
                assert not (follows(variant, path) and variant.endswith("\tok")), (listed, damage)
            if not path.is_relative_to(paths.REPORTS) or path.is_relative_to(CELLS):
                assert "nothing to do" not in planned.out, (planned, damage)
            if reading := readers(path):
                record = ended(reading[choice % len(reading)])
                assert record["status"] == "failed", (record, damage)
                assert record["traceback"] == "", (record, damage)
                assert record["reason"].isprintable(), (record, damage)
            if path.is_relative_to(paths.REPORTS) and is_published(path):
                assert str(path) in finished.run("publish").told(2).err, damage
        elif not is_named(path):
            assert verified.code == 0, (verified, damage)
            assert "nothing to do" in planned.out, (planned, damage)


def in_report(path: Path) -> dict[str, str]:
    """Build the report elsewhere; return the status of each variant that follows from a file."""
    job = jobs()[-1]
    words = ["--spec", job.request["spec"], "--params", str(paths.PARAMS), "--code", job.request["code"]]
    with redirect_stderr(StringIO()):
        assert report.main([*words, "--out", str(SCRATCH / "index.html")]) == 0
    table = pd.read_csv(SCRATCH / "results.csv", dtype=str)
    remove(SCRATCH)
    rows = {"\t".join(row): status for *row, status in table[[*CELL, "status"]].itertuples(index=False)}
    return {row: status for row, status in rows.items() if follows(row, path)}


@pytest.mark.long
def test_the_report_ranks_nothing_that_was_damaged(finished: Finished) -> None:
    others = files(records=True)
    cells = [path for path in others + files(records=False) if is_named(path) and path.name == paths.STATUS]
    cells += [path for path in files(records=True) if path.name in ("metrics.json", paths.MEASURED)]

    def check(damaged: tuple[Path, Damage]) -> None:
        path, damage = damaged
        before = content(path)
        with finished.damaged(path, damage):
            if content(path) != before:
                assert "ok" not in in_report(path).values(), damage

    tries(REPORTS, check, st.sampled_from(cells).flatmap(lambda path: damages(path, others)))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("records", [True, False], ids=["records", "data"])
def test_a_damaged_file_is_named_and_not_computed_from(finished: Finished, records: bool, count: int) -> None:
    others = files(records=True) + files(records=False)
    drawn = {path: damages(path, others) for path in files(records=records)}
    tries(
        count,
        lambda damaged, choice: check(finished, damaged, choice),
        st.sampled_from(list(drawn)).flatmap(drawn.__getitem__),
        st.integers(0, 9),
    )
