# SPDX-License-Identifier: Apache-2.0
"""The checkpoint of a training run: written atomically, and used only by the run that wrote it."""

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
"""The minimum time between two checkpoints: a shorter run is cheaper to repeat."""
HASHED_ITEMS = 4096
"""The number of items in memory at a time while the data are hashed."""
CHECKPOINT, SEAL = "last.ckpt", "last.json"


class Checkpoint:
    """The file from which an interrupted run resumes, and its seal, a file with the hashes to check it against."""

    def __init__(self, folder: Path, model: nn.Module, settings: list[Any], splits: Sequence[Split]) -> None:
        self.path, self.seal = folder / CHECKPOINT, folder / SEAL
        self.initial_weights, self.settings, self.splits = _digest(model), settings, splits
        self.saved = time.monotonic()
        self.known_spec = ""
        self.known_bytes: list[str] = []  # SHA-256 of the current checkpoint, if this run wrote it

    def spec(self) -> str:
        """Return the digest of all that the final weights depend on; computed lazily, as short runs do not need it."""
        if not self.known_spec:
            code = digest(package())
            hashed = hashlib.sha256(
                f"{torch.__version__} {code} {self.initial_weights} {self.settings}".encode()
            )
            for split in self.splits:
                for batch in split.batches(HASHED_ITEMS):
                    for part in (batch.inputs, batch.targets, batch.weights):
                        hashed.update(b"" if part is None else _bytes(part))
            self.known_spec = hashed.hexdigest()
        return self.known_spec

    def is_due(self) -> bool:
        """Return whether the last checkpoint is old enough for a new one."""
        return time.monotonic() - self.saved >= CHECKPOINT_SECONDS

    def save(self, trainer: pl.Trainer) -> None:
        """Write the checkpoint; a run killed at any moment leaves one whose hash is in its seal."""
        with replacing(self.path) if trainer.is_global_zero else contextlib.nullcontext(self.path) as aside:
            trainer.save_checkpoint(aside)
            if trainer.is_global_zero:
                written = sha256(aside)
                write_json(self.seal, {"sha256": [*self.known_bytes, written], "spec": self.spec()})
                self.known_bytes = [written]
        self.saved = time.monotonic()

    def trusted(self) -> Path | None:
        """Return the path of the checkpoint if this run wrote it, else None."""
        if not (self.path.exists() and self.seal.exists()):
            return None
        seal, actual = read_json(self.seal), sha256(self.path)
        if actual not in seal["sha256"] or seal["spec"] != self.spec():
            return None
        self.known_bytes = [actual]
        return self.path

    def remove(self) -> None:
        """Remove the checkpoint of a finished run."""
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
