"""The verdict on a run: fine, or which variants failed; then those are set aside, so that the next run tries them.

Its exit code is the run's: 0 fine, 1 some cells failed, 3 data failed validation.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from assay import layout, records
from assay.files import read_json, write_json, write_text
from assay.matrix import Matrix, select
from assay.params import load_params

FAILURES = layout.REPORTS / "failures.json"
SHOWN = 10


def exit_code(failures: Path = FAILURES) -> int:
    """Return what a run that did not end well exits with."""
    told = read_json(failures) if failures.exists() else []
    is_refused = any(failure["phase"] == "validate" and failure["status"] == "failed" for failure in told)
    return 3 if is_refused else 1


def forget(failures: Path = FAILURES) -> None:
    """Take away what the last run's verdict said."""
    failures.unlink(missing_ok=True)


def failed(matrix: Matrix) -> list[Path]:
    """Return the records, of every phase, that are neither ok nor skipped."""
    paths = [Path(layout.RAW.format(dataset=name)) / "source.json" for name in matrix.datasets]
    paths += [Path(layout.PREPARED.format(dataset=name)) / "prepared.json" for name in matrix.datasets]
    paths += [Path(layout.VALIDATED.format(dataset=name)) for name in matrix.datasets]
    paths += [Path(matrix.trained(cell)) / layout.STATUS for cell in matrix.cells]
    for variant in matrix.variants:
        folders = dict.fromkeys([matrix.compressed(variant), matrix.evaluated(variant)])
        paths += [Path(folder) / layout.STATUS for folder in folders]
    return [
        path
        for path in dict.fromkeys(paths)
        if read_json(path)["status"] not in (records.OK, records.SKIPPED)
    ]


def set_aside(path: Path) -> None:
    """Keep a failed record as evidence under another name, so that its job runs again next time."""
    path.replace(records.aside(path))


def told(failures: list[dict[str, Any]]) -> str:
    """Return the failures as text: the causes first, each once, not what merely depended on them."""
    causes = list(dict.fromkeys(f"{each['phase']}: {each['status']}: {each['reason']}" for each in failures))
    lines = [f"  {cause}" for cause in causes[:SHOWN]]
    if len(causes) > SHOWN:
        lines.append(f"  and {len(causes) - SHOWN} more")
    head = f"{len(failures)} records of this run are not fine; the report shows each, the next run tries them again:"
    return "\n".join([head, *lines]) + "\n"


def main(argv: list[str]) -> int:
    """Judge the run of the suite that ``argv`` names."""
    parser = argparse.ArgumentParser(prog="verdict", description=__doc__)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--models", default="")
    parser.add_argument("--out", type=Path, required=True, help="written if the run is fine")
    parser.add_argument("--log", type=Path, required=True)
    arguments = parser.parse_args(argv)
    matrix = select(
        load_params(layout.PARAMS), suite=arguments.suite, tasks=arguments.tasks, models=arguments.models
    )
    paths = failed(matrix)
    if not paths:
        write_json(
            arguments.out, {"suite": arguments.suite, "variants": len(matrix.variants), "verdict": "fine"}
        )
        write_text(arguments.log, "fine\n")
        return 0
    failures = [{**read_json(path), "record": str(path)} for path in paths]
    write_json(FAILURES, failures)
    for path in paths:
        set_aside(path)
    write_text(arguments.log, told(failures))
    print(told(failures), end="", file=sys.stderr)
    return exit_code()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
