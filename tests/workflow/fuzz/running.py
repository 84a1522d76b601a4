"""Commands on a finished project: in this process, by the same entry, without a second of imports; or in their own."""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assay import cli, paths
from assay.config.params import load_params
from assay.pipeline import rule_functions
from assay.provenance import proven_files, run_lock
from tests.workflow.fuzz.damages import Damage, remove

ROOT = Path(__file__).parents[3]
MOST_SECONDS = 5
"""Of processor time: other work on the machine does not lengthen it."""
COUNTS = [60, pytest.param(2000, marks=pytest.mark.long)]
"""Damages a target, in ``make test`` and in ``make test-long``."""
FEWEST_RANDOM = 1000


def tries(count: int, check: Callable[..., None], *drawn: st.SearchStrategy[Any]) -> None:
    """Call ``check`` with what is drawn, ``count`` times."""
    chosen = settings(
        max_examples=count,
        derandomize=count < FEWEST_RANDOM,  # each change is tested with the same damages
        deadline=None,
        database=None,
        phases=[Phase.generate],  # what is drawn is small; to make it smaller takes minutes
        suppress_health_check=list(HealthCheck),
    )

    @chosen
    @given(st.tuples(*drawn))
    def each(values: tuple[Any, ...]) -> None:
        check(*values)

    each()


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float
    """Of processor time, children included."""

    def told(self, *codes: int, after: float = 0) -> Ran:
        """Check that it ended by one of these codes, soon, with one line if the user's input is wrong.

        Args:
            after: seconds that it takes whatever it reads.
        """
        assert self.code in codes, self
        assert self.seconds < after + MOST_SECONDS, self
        assert all(line.isprintable() for line in f"{self.out}{self.err}".replace("\t", "").split("\n")), self
        if self.code == 2:
            assert self.out == "", self
            assert self.err.endswith("\n"), self
            assert self.err.count("\n") == 1, self
        return self


class Finished:
    """A project that has run; the current folder while a test looks at it."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source, self.folder = source, folder
        self.reset()

    def reset(self) -> None:
        """Copy the project again, without its code (the installed code is what runs) and its history."""
        for path in self.folder.iterdir():
            remove(path)
        left_out = shutil.ignore_patterns("src", ".git", "tmp")
        shutil.copytree(self.source, self.folder, symlinks=True, ignore=left_out, dirs_exist_ok=True)
        self.known = (self.folder / paths.PARAMS).read_bytes()

    @cached_property
    def params(self) -> Any:
        return load_params(paths.PARAMS)

    def load_params(self, path: Path) -> Any:
        """Read params.yaml, once as long as it is the same."""
        if path.is_file() and path.read_bytes() == self.known:
            return self.params
        return load_params(path)

    def stamps(self) -> dict[str, tuple[int, ...]]:
        """Return what the file system says of each file, but for the lock and what is kept to save time."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            if folder == str(self.folder / proven_files.FOLDER):
                continue
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118 (pathlib takes ten times as long)
                stat = os.lstat(path)
                found[path] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ino)
        found.pop(str(self.folder / run_lock.PLACE), None)
        return found

    def digests(self) -> set[str]:
        """Return the digest of each file's bytes, wherever it lies."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        left_out = {run_lock.PLACE, proven_files.FOLDER, Path(".dvc")}
        return {_sha256(path) for path in found if left_out.isdisjoint([path, *path.parents])}

    @contextmanager
    def damaged(self, path: Path, damage: Damage, *, writes: bool = False) -> Iterator[None]:
        """Damage a file for the block; check that all that lay here besides lies here as it did.

        Args:
            writes: the block may move files, or put others here; then no bytes may be lost.
        """
        whole = path.read_bytes()
        try:
            damage.do(path)
            before = self.stamps()
            lay_here = self.digests() if writes else set()
            yield
            changed = {*self.stamps().items()} ^ {*before.items()}
            if writes:
                assert lay_here <= self.digests()
            else:
                assert not changed, sorted(changed)
        except BaseException:
            self.reset()
            raise
        if changed:
            self.reset()
        else:
            remove(path)
            path.write_bytes(whole)

    def run(self, *words: str) -> Ran:
        """Run ``assay`` in this process."""
        out, err = (
            io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace")
        )
        began = _seconds()
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            mock.patch.object(sys, "argv", ["assay", *words]),
            mock.patch("assay.config.params.load_params", self.load_params),
            mock.patch.object(rule_functions, "load_params", self.load_params),
        ):
            try:
                cli.main()
            except SystemExit as ended:
                code = ended.code
        while run_lock._held:
            run_lock._held.pop().close()
        took = _seconds() - began
        return Ran(words, int(code or 0), _text(out), _text(err), took)

    def process(self, *words: str) -> Ran:
        """Run ``assay`` as a user does."""
        began = _seconds()
        command = [sys.executable, "-P", "-c", "from assay.cli import main; main()", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
        )
        return Ran(words, done.returncode, done.stdout, done.stderr, _seconds() - began)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
