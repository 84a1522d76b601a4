"""Every test runs in the project's folder, with one thread, and never sees a mirror or a GPU it did not ask for."""

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
if "ASSAY_TEST_GPU" not in os.environ:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    collect_ignore = ["training/test_training_gpu.py"]
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a shell's background job would hand on that it is ignored
ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items):
    """Begin with what takes minutes, so that pytest's processes end at about the same time."""
    items.sort(key=lambda item: (item.path.parent.name != "workflow", item.path.name != "test_kill.py"))


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)
