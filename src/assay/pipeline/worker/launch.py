# SPDX-License-Identifier: Apache-2.0
"""Start and stop the server of a run. Snakemake imports this file, so it imports little."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.pipeline.worker.job import LIMIT, SETTINGS
from assay.provenance import code_digest

VARIABLE = "ASSAY_WORKER"
TUNING, COMPRESSING, VALIDATING = ("tune", "tune_fold"), ("compress",), ("validate",)
OF_GRAPHS = (*COMPRESSING, "evaluate")
LEARNING = (*TUNING, "train", *COMPRESSING)
OF_MODELS = (*LEARNING, "evaluate")
SERVED = (*OF_MODELS, "report")
"""The rules whose jobs need a server; a running one also serves validation."""
PRELOAD = {
    "numpy": SERVED,
    "pandas": SERVED,
    "pyarrow.parquet": SERVED,
    "pyarrow.dataset": SERVED,
    # Before torch: it looks up some 230 names in every module, and torch.ops creates a namespace for each, which
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
    "optuna": TUNING,
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

The only modules of Assay among them depend on nothing else in Assay; jobs import the rest, so that none is stale.
"""
LONGEST_PATH = 100  # bytes; the address of a Unix socket has at most 108, including the terminator
CLIENT = Path(__file__).with_name("client.py")


def prefix(cell_minutes: float) -> str:
    """Return what precedes the command of each rule, in the shell and with braces doubled, as Snakemake formats it.

    ``python`` is the one that runs Snakemake; it imports the code that Snakemake imported and no file from the
    project's folder. ``cell MODULE ARGS...`` passes a job to the server.
    """
    lines = [
        f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH",
        "export PYTHONSAFEPATH=1",
        f"export {LIMIT}={cell_minutes * 60}",
        f'cell() {{ python -S -E {shlex.quote(str(CLIENT))} "$@"; }}',
    ]
    if code_digest.OWN.is_dir():
        lines.append(f'export PYTHONPATH="$PWD/{code_digest.OWN.parent}${{PYTHONPATH:+:$PYTHONPATH}}"')
    return "".join(f"{line}; " for line in lines).replace("{", "{{").replace("}", "}}")


def needed(rules: Collection[str]) -> list[str]:
    """Return the modules that jobs of these rules import."""
    return [module for module, needing in PRELOAD.items() if not set(needing).isdisjoint(rules)]


@dataclass(frozen=True)
class Server:
    """The server of this process's run; it ends when this process ends, however that happens."""

    process: subprocess.Popen[bytes]
    path: Path

    def stop(self) -> None:
        """End the server and its jobs and remove its folder."""
        if os.environ.get(VARIABLE) == str(self.path):
            del os.environ[VARIABLE]
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.path.parent, ignore_errors=True)


def start(preload: Sequence[str]) -> Server | None:
    """Start a server that imports ``preload``, point ASSAY_WORKER at it and return at once; jobs queue meanwhile.

    Returns None on other systems than Linux, where the owner of a server cannot be checked; jobs then run alone.
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
            stdin=subprocess.PIPE,  # never written to; it closes when this process ends
            pass_fds=(listener.fileno(),),
            start_new_session=True,  # Ctrl-C must reach only the jobs' clients
        )
    os.environ[VARIABLE] = str(path)
    server = Server(process, path)
    atexit.register(server.stop)
    return server
