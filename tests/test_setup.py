"""The environment: which Pythons make it, how it recovers, and what the locks pin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-cpu.lock", "requirements-cuda.lock")
PYTHON = """#!/bin/sh
# A Python that says its version, makes environments of itself, and logs what it is to install.
case "$*" in
    -c*) echo {version} ;;
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *) cat >/dev/null; echo "$*" >> installed; [ ! -e offline ] ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what ``make`` reads, and Pythons of several versions in ``bin``."""
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for each in ("3.10", "3.11", "3.12", "3.14"):
        program = tmp_path / "bin" / f"python{each}"
        program.write_text(PYTHON.format(version=each))
        program.chmod(0o755)
    return tmp_path


def make(folder: Path, python: str = "") -> subprocess.CompletedProcess[str]:
    words = [f"PYTHON={folder / 'bin' / python}"] if python else []
    return subprocess.run(
        ["make", *words, ".venv/ready"],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin"},
    )


@pytest.mark.parametrize(
    ("python", "found"),
    [("python3.10", "is Python 3.10"), ("python3.14", "is Python 3.14"), ("nowhere", "no such program")],
)
@pytest.mark.parametrize("made_before", [False, True])
def test_a_python_that_the_lock_does_not_support_is_one_line_at_once(
    folder: Path, python: str, found: str, made_before: bool
) -> None:
    if made_before:
        assert make(folder, "python3.11").returncode == 0
    log = folder / "installed"
    before = log.read_text() if made_before else None
    done = make(folder, python)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert f"PYTHON={folder}/bin/{python}: {found}; Assay runs on Python 3.11 3.12 3.13: make PYTHON=" in line
    assert (log.read_text() if made_before else None) == before
    assert (folder / ".venv").exists() == made_before


def test_a_half_made_environment_is_made_again(folder: Path) -> None:
    (folder / "offline").touch()
    assert make(folder, "python3.11").returncode == 2
    assert not (folder / ".venv/ready").exists()
    (folder / ".venv/leftover").touch()
    (folder / "offline").unlink()
    assert make(folder, "python3.11").returncode == 0
    assert (folder / ".venv/ready").read_text() == "3.11\n"
    assert not (folder / ".venv/leftover").exists()


def test_an_environment_is_kept_until_a_lock_or_its_python_changes(folder: Path) -> None:
    assert make(folder, "python3.11").returncode == 0
    (folder / ".venv/kept").touch()
    installed = (folder / "installed").read_text()
    for python in ("python3.11", ""):
        assert "up to date" in make(folder, python).stdout
    assert (folder / "installed").read_text() == installed
    os.utime(folder / ".venv/ready", (1, 1))
    assert make(folder, "python3.11").returncode == 0
    assert (folder / "installed").read_text() == installed * 2
    assert (folder / ".venv/kept").exists()
    assert make(folder, "python3.12").returncode == 0
    assert (folder / ".venv/ready").read_text() == "3.12\n"
    assert not (folder / ".venv/kept").exists()


def test_all_that_is_installed_is_checked_against_a_lock(folder: Path) -> None:
    make(folder, "python3.11")
    installs = [line for line in (folder / "installed").read_text().splitlines() if "pip install" in line]
    assert len(installs) == 4
    own = [line for line in installs if "--editable ." in line]
    assert own == [line for line in installs if "--require-hashes" not in line]
    assert all("--no-deps" in line and "--no-build-isolation" in line for line in own)


def pinned(lock: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Yield each requirement of a lock with its digests."""
    text = "".join(line for line in (ROOT / lock).read_text().splitlines(True) if not line.startswith("#"))
    for line in text.replace("\\\n", "").splitlines():
        requirement, *digests = line.split(" --hash=")
        yield Requirement(requirement.strip()), [each.strip() for each in digests]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_to_one_version_with_digests_and_no_address(lock: str) -> None:
    found = list(pinned(lock))
    assert found
    for requirement, digests in found:
        [specifier] = requirement.specifier
        assert specifier.operator == "=="
        assert digests, requirement
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for digest in digests), requirement
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", re.sub(r"^    --hash=", "", text, flags=re.MULTILINE), re.MULTILINE)


def test_the_lock_names_torch_and_all_that_is_required_in_the_versions_installed() -> None:
    found = {
        requirement.name: str(next(iter(requirement.specifier))).removeprefix("==")
        for requirement, _ in pinned("requirements.lock")
        if requirement.marker is None or requirement.marker.evaluate()
    }
    assert found == {name: Version(version(name)).public for name in found}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {Requirement(each).name.lower() for each in required} <= set(found)
    [(cpu, _)] = pinned("requirements-cpu.lock")
    assert str(cpu) == f"torch=={found['torch']}+cpu"


def test_make_and_pip_refuse_the_same_pythons() -> None:
    [line] = re.findall("^SUPPORTED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = SpecifierSet(project["requires-python"])
    assert line.split() == [each for each in (f"3.{minor}" for minor in range(30)) if each in allowed]
