"""What a run shows while it is at work: on a terminal, piped, when a cell fails, and when it is ended."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workflow.project import Project

RUN = ("snakemake", "--cores", "2")
COLUMNS = 60
BROKEN = """

def _broken(self, images):
    raise RuntimeError("\\x1b[2J no such \\rkernel" + " of many" * 400)

MLP.forward = _broken
"""
NOW_AND_THEN = ("due: float = max(SHORTEST_RUN, FIRST / SHARE)", "due: float = 0.5")
CURSOR = re.compile(r"\r\x1b\[K")


@pytest.fixture
def project(tiny, tmp_path):
    """The finished project, in which mlp fails from now on, with a long reason full of control characters."""
    mine = Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))
    path = mine.folder / "src/assay/models/image/mlp.py"
    path.write_text(path.read_text() + BROKEN)
    return mine


class Terminal:
    """A run in a pseudo-terminal."""

    def __init__(self, folder: Path) -> None:
        self.printed = ""
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            programs = Path(sys.executable).parent
            environment = {
                **os.environ,
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(folder / "src"),
                "COLUMNS": str(COLUMNS),
                "TERM": "xterm",
            }
            os.execvpe(RUN[0], RUN, environment)

    def read(self, until: str = "\0", seconds: float = 300) -> None:
        """Read until the run prints ``until``, or ends."""
        end = time.monotonic() + seconds
        while until not in self.printed and time.monotonic() < end:
            if select.select([self.screen], [], [], 0.1)[0]:
                try:
                    data = os.read(self.screen, 1 << 16)
                except OSError:
                    return
                if not data:
                    return
                self.printed += data.decode()

    def code(self) -> int:
        """Read what is left; return the exit code."""
        self.read()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.screen)
        return os.waitstatus_to_exitcode(status)


def of_folder(folder: Path) -> list[str]:
    """Return the commands of this folder's processes that build a partial report."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_here = (entry / "cwd").resolve() == folder.resolve()
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if is_here and "assay.pipeline.partial" in command:
            found.append(command)
    return found


def test_on_a_terminal_one_line_is_redrawn_and_what_failed_is_named_above_it(project):
    terminal = Terminal(project.folder)
    assert terminal.code() == 1
    drawn = [part for part in CURSOR.split(terminal.printed) if "\n" not in part]
    assert any(re.match(r"\d of \d+ jobs done; train digits/mlp/0", line) for line in drawn)
    assert any(re.match(r"\d of \d+ jobs done, 1 cell failed", line) for line in drawn)
    assert all(len(line) < COLUMNS for line in drawn)
    assert "\x1b[2J" not in terminal.printed
    lines = [line for part in CURSOR.split(terminal.printed) for line in part.splitlines()]
    [failed] = [line for line in lines if line.startswith("failed:")]
    assert failed.startswith("failed: train digits/mlp/0: RuntimeError: no such kernel")
    assert len(failed) == COLUMNS - 1
    assert (
        lines[-1]
        == f"report: {project.folder.resolve()}/reports/index.html; 1 cell failed"[: COLUMNS - 2] + "…"
    )
    assert "CalledProcessError" not in terminal.printed
    assert "Finished jobid" not in terminal.printed


def test_piped_only_failures_and_the_last_line_are_written(project):
    ran = project.run(" ".join(RUN))
    assert ran.returncode == 1
    first, second, *rest, last = ran.stderr.splitlines()
    assert first.startswith("Using workflow specific profile")
    assert second.startswith("failed: train digits/mlp/0: RuntimeError: no such kernel of many of many")
    assert last == f"report: {project.folder.resolve()}/reports/index.html; 1 cell failed"
    assert rest[0].endswith("the report shows each, the next run retries them:")
    assert "\x1b" not in ran.stderr
    assert ran.stdout == ""


def test_a_run_with_nothing_to_do_says_so_and_where_the_report_is(tiny):
    ran = tiny.run(" ".join(RUN))
    assert ran.stderr.splitlines()[1:] == [
        "Nothing to be done (all requested files are present and up to date).",
        f"report: {tiny.folder.resolve()}/reports/index.html",
    ]
    dry = tiny.run("snakemake -n --quiet rules")
    assert "Nothing to be done" in dry.stdout
    assert "report:" not in dry.stdout + dry.stderr


def test_a_job_that_leaves_no_record_is_named_with_the_end_of_its_log(project):
    project.edit(
        "src/assay/pipeline/rules/evaluate.smk",
        '"cell assay',
        '"echo no such disk > {log}; exit 3; cell assay',
    )
    ran = project.run(f"{' '.join(RUN)} -- evaluated")
    assert ran.returncode == 1
    lines = ran.stderr.splitlines()
    assert any(
        line.startswith(
            "failed: evaluate digits/mlp/0: its job left no record; logs/evaluate/tiny/digits.mlp.0.none.log"
        )
        and line.endswith("ends with: no such disk")
        for line in lines
    )
    assert re.fullmatch(r"\d of \d+ jobs done; [12] cells? failed", lines[-1])


def test_snakemakes_own_errors_and_those_of_params_are_shown(project):
    for arguments, code, word in (("--config suite=nope", 2, "suite 'nope'"), ("-- nonsense", 1, "nonsense")):
        ran = project.run(f"{' '.join(RUN)} {arguments}")
        assert ran.returncode == code
        assert word in ran.stderr
        assert "jobs done" not in ran.stderr
    project.edit("Snakefile", "default_target: True", "default_target_of_mine: True")
    ran = project.run(" ".join(RUN))
    assert ran.returncode == 1
    assert "SyntaxError" in ran.stderr or "default_target_of_mine" in ran.stderr


def test_a_run_builds_a_partial_report_meanwhile_and_neither_engine_minds(project):
    project.edit("src/snakemake_logger_plugin_assay/partial.py", *NOW_AND_THEN)
    assert project.run(" ".join(RUN)).returncode == 1
    assert re.search(r"[0-3] of 3 variants have finished", (project.folder / "logs/partial.log").read_text())
    text = (project.folder / "reports/partial.html").read_text()
    assert re.search(r"This page is partial: [0-3] of 3 variants of the suite tiny had finished at ", text)
    assert of_folder(project.folder) == []
    assert (
        "partial.html"
        not in project.run("git status --short && dvc status && snakemake -n --quiet rules").stdout
    )


def test_ctrl_c_ends_the_run_and_the_line_says_so(project):
    project.edit(
        "src/assay/models/image/mlp.py", "raise Runtime", "import time; time.sleep(600); raise Runtime"
    )
    terminal = Terminal(project.folder)
    terminal.read(until="jobs done; train digits/mlp/0")
    terminal.read(seconds=3)  # interrupted inside a coroutine of its own, Snakemake prints a traceback
    os.write(terminal.screen, b"\x03")
    assert terminal.code() == 1
    assert "jobs done; " in terminal.printed.splitlines()[-1]


def test_a_run_that_is_killed_leaves_no_partial_report_behind(project):
    project.edit("src/snakemake_logger_plugin_assay/partial.py", *NOW_AND_THEN)
    with subprocess.Popen(
        [Path(sys.executable).with_name("snakemake"), *RUN[1:]],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.folder / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        while not of_folder(project.folder):
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while of_folder(project.folder):
        assert time.monotonic() < end
        time.sleep(0.2)
