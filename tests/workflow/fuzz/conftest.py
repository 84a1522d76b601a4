"""One finished project a process; each test damages a file of it and puts it back."""

import pytest

from tests.workflow.fuzz.running import Finished


@pytest.fixture(scope="session")
def _finished(tiny, tmp_path_factory):
    return Finished(tiny.folder, tmp_path_factory.mktemp("fuzz"))


@pytest.fixture
def finished(_finished, monkeypatch):
    """The project, as it was left, as the current folder."""
    monkeypatch.chdir(_finished.folder)
    return _finished
