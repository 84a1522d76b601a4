# SPDX-License-Identifier: Apache-2.0
"""The verdict on a run: fine, or the records that failed, which are then set aside, so that the next run retries them.

Its exit code is the run's: 0 success, 1 some cells failed, 3 data failed validation.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from assay import paths
from assay.config.matrix import Matrix, select
from assay.config.params import load_params
from assay.files import write_json, write_text
from assay.pipeline import trust
from assay.pipeline.rule_functions import Graph
from assay.pipeline.stages.arguments import parse
from assay.provenance import records

FAILURES = paths.REPORTS / "failures.json"
SHOWN = 10
LONGEST = 300
"""Characters of a cause that are printed."""


class Failure(TypedDict):
    """The fields of a failed record that are used."""

    __pydantic_config__ = records.FORM  # type: ignore[misc]
    phase: str
    status: str
    reason: str


_FAILURES = TypeAdapter(list[Failure])


def exit_code(failures: Path = FAILURES) -> int:
    """Return the exit code of a run that did not succeed."""
    try:
        found = _FAILURES.validate_json(failures.read_bytes())
    except (OSError, ValidationError):
        return 1  # the run failed before its verdict
    is_refused = any(each["phase"] == "validate" and each["status"] == records.FAILED for each in found)
    return 3 if is_refused else 1


def forget(failures: Path = FAILURES) -> None:
    """Delete the failures of the last run's verdict."""
    failures.unlink(missing_ok=True)


def failed(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the records of every phase that are neither ok nor skipped or cannot be trusted, with their paths."""
    proofs, found = trust.Proofs(), []
    for job in Graph(matrix).jobs:
        problems = proofs.problems(job)
        record = records.find(Path(job.record))
        if record is None or (problems and record["status"] in records.ENDED_WELL):
            reason = problems[0].text if problems else "left no record"
            record = {"phase": job.phase, "status": records.FAILED, "reason": reason}
        if record["status"] not in records.ENDED_WELL:
            found.append({**record, "record": job.record})
    return found


def set_aside(path: Path) -> None:
    """Keep a failed record under another name, so that its job runs again next time."""
    if path.exists():
        path.replace(records.aside(path))


def summary(failures: list[dict[str, Any]]) -> str:
    """Return the failures as text: each distinct cause once."""
    causes = list(dict.fromkeys(f"{each['phase']}: {each['status']}: {each['reason']}" for each in failures))
    lines = [f"  {_printable(cause)}" for cause in causes[:SHOWN]]
    if len(causes) > SHOWN:
        lines.append(f"  and {len(causes) - SHOWN} more")
    head = (
        f"{len(failures)} records of this run are not ok; the report shows each, the next run retries them:"
    )
    return "\n".join([head, *lines]) + "\n"


def _printable(text: str) -> str:
    """Return a text that may come from outside on one line, without control characters and not too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def main(argv: list[str]) -> int:
    """Judge the run of the suite that ``argv`` names."""
    arguments = parse(
        argv, "verdict", __doc__, "--params", "--suite", "--tasks", "--models", "--out", "--log"
    )
    matrix = select(
        load_params(arguments.params), suite=arguments.suite, tasks=arguments.tasks, models=arguments.models
    )
    failures = failed(matrix)
    if not failures:
        fine = {"suite": arguments.suite, "variants": len(matrix.variants), "verdict": "fine"}
        records.write(arguments.out, fine)
        write_text(arguments.log, "fine\n")
        return 0
    write_json(FAILURES, failures)
    for failure in failures:
        set_aside(Path(failure["record"]))
    write_text(arguments.log, summary(failures))
    print(summary(failures), end="", file=sys.stderr)
    return exit_code()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
