"""Restore in folders where it cannot work: one line that says why, and nothing changed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from assay.pipeline.restore import restore
from assay.provenance import dvc_lock


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder under DVC whose cache lacks the file ``r.csv`` and the folder ``cells`` that dvc.lock names."""
    monkeypatch.chdir(tmp_path)
    for command in ("git init -q", "dvc init -q"):
        subprocess.run(command.split(), check=True)
    dvc_lock.cache_folder.cache_clear()
    outs = [{"path": "r.csv", "md5": "0" * 32}]
    Path("dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"a": {"cmd": "", "outs": outs}}}))
    return tmp_path


@pytest.mark.usefixtures("project")
def test_without_the_cache_and_without_a_remote_the_reason_says_so() -> None:
    found = restore()
    assert found.proven == 0
    assert found.unproven == {
        Path("r.csv"): "not in DVC's cache, and no remote is set: dvc remote add --default NAME URL"
    }


@pytest.mark.usefixtures("project")
def test_without_the_list_of_a_folder_nothing_is_changed() -> None:
    Path("dvc.lock").write_text(Path("dvc.lock").read_text().replace("0" * 32, "0" * 32 + ".dir"))
    with pytest.raises(
        ValueError, match=r"^r\.csv: not in DVC's cache, and no remote is set: .*; nothing was"
    ):
        restore()


def test_a_folder_that_cannot_be_written_to_is_one_line(project: Path) -> None:
    (project / ".snakemake").write_text("no folder")
    with pytest.raises(ValueError, match=r"^\.snakemake: .*; restore writes to this folder$"):
        restore()
