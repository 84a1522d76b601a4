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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.pipeline.worker.job import SETTINGS

VARIABLE = "ASSAY_WORKER"
PRELOAD = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    # Before torch: it asks every module for some 230 names, and torch.ops makes a namespace of each, which
    # each export then walks: 1 s.
    "skops.io",
    "torch",
    "torch._dynamo",  # the first optimiser imports it
    "pytorch_lightning",
    "torchmetrics.classification",
    "sklearn.datasets",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.svm",
    "sklearn.tree",
    "safetensors.numpy",
    "safetensors.torch",
    "onnx",
    "onnxruntime.quantization",
    "onnxruntime.tools.symbolic_shape_infer",
    # torch.onnx.export imports these when it is first called
    "torch.export._trace",
    "torch.onnx._internal.exporter._compat",
    "onnxscript._framework_apis.torch_2_9",
    "onnxscript.rewriter.onnx_fusions",
    "sympy.tensor.tensor",
    "assay.pipeline.worker.operators",
    # pydantic itself imports its parts when they are first used
    "pydantic.main",
    "pydantic.fields",
    "pydantic.json_schema",
    "psutil",
    "requests",
    "tenacity",
    "yaml",
)
"""Of Assay's own but what depends on third parties alone: jobs import the rest, so that none is ever stale."""
VALIDATION = (
    "great_expectations.core",
    "great_expectations.expectations",
    "great_expectations.expectations.conditions",
    "great_expectations.render.renderer",
    "great_expectations.render.view",
)
"""What validation needs besides: three seconds, which a run without it is spared."""
LONGEST_PATH = 100  # bytes; a Unix socket's address holds 108 with its end


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


def start(preload: Sequence[str] = PRELOAD) -> Server | None:
    """Start a server, point ASSAY_WORKER at it, return it at once: jobs queue while it imports.

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
