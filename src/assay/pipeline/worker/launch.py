# SPDX-License-Identifier: Apache-2.0
"""Start and stop the server beside a run. The workflow engine imports this file, so it imports little."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.pipeline.worker.job import SETTINGS

VARIABLE = "ASSAY_WORKER"
SERVED = ("train", "compress", "evaluate", "report")
"""Rules for whose jobs a server is started; if one runs, it serves validation too."""
OF_MODELS, OF_GRAPHS, LEARNING = SERVED[:3], SERVED[1:3], SERVED[:2]
COMPRESSING, VALIDATING = ("compress",), ("validate",)
PRELOAD = {
    "numpy": SERVED,
    "pandas": SERVED,
    "pyarrow.parquet": SERVED,
    "pyarrow.dataset": SERVED,
    # Before torch: it asks every module for some 230 names, and torch.ops makes a namespace of each, which
    # each export then walks: 1 s.
    "skops.io": OF_MODELS,
    "torch": SERVED,
    "torch._dynamo": LEARNING,  # the first optimiser imports it
    "pytorch_lightning": LEARNING,
    "torchmetrics.classification": SERVED,
    "sklearn.datasets": OF_MODELS,
    "sklearn.ensemble": OF_MODELS,
    "sklearn.linear_model": OF_MODELS,
    "sklearn.svm": OF_MODELS,
    "sklearn.tree": OF_MODELS,
    "safetensors.numpy": OF_MODELS,
    "safetensors.torch": SERVED,
    "onnx": OF_GRAPHS,
    "onnxruntime": SERVED,
    "onnxruntime.quantization": COMPRESSING,
    "onnxruntime.tools.symbolic_shape_infer": COMPRESSING,
    # torch.onnx.export imports these when it is first called
    "torch.export._trace": COMPRESSING,
    "torch.onnx._internal.exporter._compat": COMPRESSING,
    "onnxscript._framework_apis.torch_2_9": COMPRESSING,
    "onnxscript.rewriter.onnx_fusions": COMPRESSING,
    "sympy.tensor.tensor": COMPRESSING,
    "assay.pipeline.worker.operators": COMPRESSING,
    # pydantic itself imports its parts when they are first used
    "pydantic.main": SERVED,
    "pydantic.fields": SERVED,
    "pydantic.json_schema": SERVED,
    "psutil": SERVED,
    "requests": SERVED,
    "tenacity": SERVED,
    "yaml": SERVED,
    "great_expectations.core": VALIDATING,
    "great_expectations.expectations": VALIDATING,
    "great_expectations.expectations.conditions": VALIDATING,
    "great_expectations.render.renderer": VALIDATING,
    "great_expectations.render.view": VALIDATING,
}
"""The modules that the server imports, in this order, each with the rules whose jobs need it.

Of Assay's own but what depends on third parties alone: jobs import the rest, so that none is ever stale.
"""
LONGEST_PATH = 100  # bytes; a Unix socket's address holds 108 with its end


def needed(rules: Collection[str]) -> list[str]:
    """Return what jobs of these rules import."""
    return [module for module, needing in PRELOAD.items() if not set(needing).isdisjoint(rules)]


@dataclass(frozen=True)
class Server:
    """A server of this process's run; it ends when this process does, however that is."""

    process: subprocess.Popen[bytes]
    path: Path

    def stop(self) -> None:
        """End the server and its jobs, remove its folder."""
        if os.environ.get(VARIABLE) == str(self.path):
            del os.environ[VARIABLE]
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.path.parent, ignore_errors=True)


def start(preload: Sequence[str]) -> Server | None:
    """Start a server that imports ``preload``, point ASSAY_WORKER at it, return it at once: jobs queue meanwhile.

    Returns None off Linux, where no server can be told from a stranger's; jobs then run alone.
    """
    if sys.platform != "linux":
        return None
    folder = tempfile.mkdtemp(prefix="assay-")  # mode 0700
    if len(os.fsencode(folder)) > LONGEST_PATH - len("/socket"):
        Path(folder).rmdir()
        folder = tempfile.mkdtemp(prefix="assay-", dir="/tmp")
    path = Path(folder, "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(1024)
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "assay.pipeline.worker.server",
                str(listener.fileno()),
                folder,
                *preload,
            ],
            env={"PYTHONHASHSEED": "0", **os.environ, **SETTINGS},
            stdin=subprocess.PIPE,  # never written to: its end is this process's end
            pass_fds=(listener.fileno(),),
            start_new_session=True,  # Ctrl-C is for the jobs' clients
        )
    os.environ[VARIABLE] = str(path)
    server = Server(process, path)
    atexit.register(server.stop)
    return server
