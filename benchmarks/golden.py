"""Digests of what suites made, to show that a change of the code changes no result: kept before it, compared after it.

    python benchmarks/golden.py keep golden.json [--project FOLDER]
    python benchmarks/golden.py compare golden.json [--project FOLDER]

The project has run the suites: ``smoke`` for every row, ``default`` for real training. Weights, arrays, predictions and
metrics are compared by SHA-256; measurements and records, which name times and digests of code, are not. Runs on one
kind of processor are equal bit for bit; on another they are not. The exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path

TOPS = ("data/prepared", "artifacts", "reports/cells")
UNCOMPARED = {"status.json", "prepared.json", "measured.json", "made.json", "records.sha256"}
MODULE = re.compile(rb'"__module__": "assay\.[a-z0-9_.]+"')
"""Where a class of ours lies: a move changes it in a kept estimator, and nothing else."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file; of an estimator, of its members without the modules of our classes."""
    if path.suffix != ".skops":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    with zipfile.ZipFile(path) as members:
        for name in sorted(members.namelist()):
            whole.update(name.encode() + MODULE.sub(b"ours", members.read(name)))
    return whole.hexdigest()


def digests(project: Path) -> dict[str, str]:
    """Return the digest of each compared file of a project, by its path in it."""
    found = (path for top in TOPS for path in sorted((project / top).rglob("*")))
    return {
        str(path.relative_to(project)): digest(path)
        for path in found
        if path.is_file() and path.name not in UNCOMPARED and not path.name.startswith(".")
    }


def compare(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return a line for each file that differs, is missing or is new."""
    lines = []
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            lines.append(f"missing  {path}")
        elif path not in before:
            lines.append(f"new      {path}")
        elif before[path] != after[path]:
            lines.append(f"differs  {path}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["keep", "compare"])
    parser.add_argument("golden", type=Path, help="file of the digests")
    parser.add_argument(
        "--project", type=Path, default=Path(), help="folder that has run; this one if left out"
    )
    given = parser.parse_args()
    found = digests(given.project)
    if not found:
        parser.error(f"{given.project}: has no results; run the suites first")
    if given.command == "keep":
        given.golden.write_text(json.dumps(found, indent=1))
        print(f"{given.golden}: {len(found)} files")
        return 0
    lines = compare(json.loads(given.golden.read_text()), found)
    print("\n".join(lines or [f"{len(found)} files: equal"]))
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
