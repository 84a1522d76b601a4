"""A copy of the project in a folder of its own, in which a test may change files and run commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = (
    "Snakefile",
    "data/expectations",
    "data/own",
    "dvc.yaml",
    "docs/tuning.csv",
    "params.yaml",
    "requirements.lock",
    "src",
    "workflow",
    "profiles",
    ".dvc",
    ".dvcignore",
)


@dataclass(frozen=True)
class Project:
    """The copy. Its ``src`` comes before the installed package, so that edits in it are what runs."""

    folder: Path

    def run(
        self, command: str, *, timeout: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the copy as a user would, with the project's own programs on the path."""
        programs = Path(sys.executable).parent
        variables = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "src"),
            **environment,
        }
        return subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text that stands in a file once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, (path, old, text.count(old))
        (self.folder / path).write_text(text.replace(old, new))

    def jobs(self, config: str) -> dict[str, int]:
        """Return how many jobs of each rule a run would have, as ``snakemake -n`` says."""
        told = self.run(f"snakemake -n --quiet rules --config {config}")
        assert told.returncode == 0, told.stdout + told.stderr
        lines = [line.split() for line in (told.stdout + told.stderr).splitlines()]
        return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}


def copy(folder: Path) -> Project:
    """Copy what a clone holds, as it stands in the working tree."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "tmp")
            )
        elif source.exists():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy2(source, folder / name)
    return Project(folder)
