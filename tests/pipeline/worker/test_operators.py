"""The table of operators that is kept between exports gives what a fresh one gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXPORT = """
import hashlib, sys
{first}
import torch
from torch import nn
from torch.onnx._internal.exporter._registration import ONNXRegistry
from assay.artifacts.onnx.export import export
torch.manual_seed(0)
nets = [nn.Linear(4, 2), nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.GELU(), nn.LayerNorm(2))]
for net in nets:
    print(hashlib.sha256(export(net, torch.zeros(2, 4)).SerializeToString(deterministic=True)).hexdigest())
if hasattr(ONNXRegistry.from_torchlib, "cache_info"):
    print(ONNXRegistry.from_torchlib.cache_info().hits, file=sys.stderr)
"""


def exported(first: str, folder: Path) -> tuple[list[str], str]:
    """Return the digests of two exports after the line ``first``, and what was said; no graph is kept in ``folder``."""
    command = [sys.executable, "-c", EXPORT.format(first=first)]
    folder.mkdir()
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd=folder)
    return done.stdout.split(), done.stderr


def test_exports_are_the_same_bytes_and_read_no_table(tmp_path):
    fresh, said = exported("", tmp_path / "fresh")
    kept, hits = exported("import assay.pipeline.worker.operators", tmp_path / "kept")
    assert kept == fresh
    assert len(set(fresh)) == 2
    assert said == ""
    assert hits == "2\n"
