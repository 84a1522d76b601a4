# SPDX-License-Identifier: Apache-2.0
"""The checkpoint of a training run: written whole or not at all, and trusted only by the run that wrote it."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from assay.data.splits import Split
from assay.files import read_json, replacing, sha256, write_json
from assay.provenance.code_digest import digest, package

CHECKPOINT_SECONDS = 5.0
"""Least time between two checkpoints: a shorter run is cheaper to run again."""
HASHED_ITEMS = 4096
"""Items in memory at once while the data are hashed."""
CHECKPOINT, SEAL = "last.ckpt", "last.json"


class Checkpoint:
    """The file from which an interrupted run goes on, and the seal beside it that says when to trust it."""

    def __init__(self, folder: Path, model: nn.Module, asked: list[Any], splits: Sequence[Split]) -> None:
        self.path, self.seal = folder / CHECKPOINT, folder / SEAL
        self.first_weights, self.asked, self.splits = _digest(model), asked, splits
        self.saved = time.monotonic()
        self.known_spec = ""
        self.known_bytes: list[str] = []  # SHA-256 of the checkpoint in place, if this run wrote it

    def spec(self) -> str:
        """Return the digest of all that the final weights depend on; only long runs come to pay for it."""
        if not self.known_spec:
            code = digest(package())
            hashed = hashlib.sha256(f"{torch.__version__} {code} {self.first_weights} {self.asked}".encode())
            for split in self.splits:
                for batch in split.batches(HASHED_ITEMS):
                    for part in (batch.inputs, batch.targets, batch.weights):
                        hashed.update(b"" if part is None else _bytes(part))
            self.known_spec = hashed.hexdigest()
        return self.known_spec

    def is_due(self) -> bool:
        """Say whether the last one is old enough."""
        return time.monotonic() - self.saved >= CHECKPOINT_SECONDS

    def save(self, trainer: pl.Trainer) -> None:
        """Write the checkpoint; a run killed at any moment leaves one that its seal knows."""
        with replacing(self.path) if trainer.is_global_zero else contextlib.nullcontext(self.path) as aside:
            trainer.save_checkpoint(aside)
            if trainer.is_global_zero:
                written = sha256(aside)
                write_json(self.seal, {"sha256": [*self.known_bytes, written], "spec": self.spec()})
                self.known_bytes = [written]
        self.saved = time.monotonic()

    def trusted(self) -> Path | None:
        """Return the checkpoint if this very run wrote it."""
        if not (self.path.exists() and self.seal.exists()):
            return None
        seal, found = read_json(self.seal), sha256(self.path)
        if found not in seal["sha256"] or seal["spec"] != self.spec():
            return None
        self.known_bytes = [found]
        return self.path

    def remove(self) -> None:
        """Forget the run, which has ended."""
        self.path.unlink(missing_ok=True)
        self.seal.unlink(missing_ok=True)


def _digest(model: nn.Module) -> str:
    """Return the SHA-256 of a model's class, layout and weights."""
    hashed = hashlib.sha256(f"{type(model).__qualname__} {model}".encode())
    for value in model.state_dict().values():
        hashed.update(_bytes(value))
    return hashed.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data
