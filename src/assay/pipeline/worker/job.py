# SPDX-License-Identifier: Apache-2.0
"""The process of a job: starting it, running it, and waiting for its end; with a server or without."""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import importlib
import marshal
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, cast

SETTINGS = {
    # Libraries read these when they are imported, in the server before it knows any job.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # onnxruntime 1.29 and later otherwise starts a thread and a database that report to Microsoft
    # (microsoft/onnxruntime#27379); neither survives a fork.
    "ORT_DISABLE_TELEMETRY": "1",
    "GX_ANALYTICS_ENABLED": "false",
}
LIMIT = "ASSAY_LIMIT_SECONDS"
"""The variable with the time limit of a job; SIGALRM then kills its process, whatever it is doing."""
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class FromSource(SourceFileLoader):
    """Load from source text only: a .pyc is matched by second and size, and an edit can keep both.

    Compiled code is cached under the digest of its text in ``cache``, the server's private folder, if there is
    one: compiling takes 24 ms per 1000 lines.
    """

    def __init__(self, fullname: str, path: str, cache: Path | None) -> None:
        super().__init__(fullname, path)
        self.cache = cache

    def path_stats(self, path: str) -> dict[str, float]:
        """Report no modification time, which keeps importlib from reading or writing a .pyc."""
        raise OSError(path)

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        """Return the code of a module, compiled now or earlier in this run."""
        if self.cache is None:
            return super().source_to_code(data, path)
        kept = self.cache / hashlib.sha256(os.fsencode(path) + b"\0" + bytes(data)).hexdigest()
        with suppress(OSError):
            return cast(CodeType, marshal.loads(kept.read_bytes()))
        code = super().source_to_code(data, path)
        with suppress(OSError):  # a full disk, or a run that has just ended
            aside = kept.with_suffix(f".{os.getpid()}")
            aside.write_bytes(marshal.dumps(code))
            aside.replace(kept)
        return code


class Finder:
    """Find a package's modules with the other finders, and load them with ``FromSource``."""

    def __init__(self, package: str, cache: Path | None) -> None:
        self.package, self.cache = package, cache

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's spec; None for other packages."""
        if name.partition(".")[0] != self.package:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader = FromSource(name, spec.origin, self.cache)
        return spec


def perform(module: str, argv: list[str], cache: Path | None) -> int:
    """Import ``module`` and its package from the current source and run its ``main``; return the status."""
    package = module.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    sys.meta_path.insert(0, Finder(package, cache))
    importlib.invalidate_caches()
    sys.argv = [module, *argv]
    start_limit()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        return int(importlib.import_module(module).main(argv))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    return 1


def start_limit() -> None:
    """Give this process its time limit from now on, if jobs have one."""
    signal.setitimer(signal.ITIMER_REAL, float(os.environ.get(LIMIT, 0)))


def finish() -> None:
    """Do what the interpreter does at exit, except for the slow teardown of modules."""
    threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing does in its children
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()


def spawn(module: str, argv: list[str], enter: Callable[[], None], cache: Path | None) -> int:
    """Fork a child that leads its own session, calls ``enter`` and performs the job; return its process id.

    The child dies with its parent, and the kernel kills it first when memory runs out.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        follow(parent)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")
        enter()
        status = perform(module, argv, cache) & 0xFF
        finish()
    except BaseException:
        traceback.print_exc()
        status = status or 1
    finally:
        os._exit(status)


def follow(parent: int) -> None:
    """Make this process die when ``parent`` dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
    else:
        threading.Thread(target=watch, args=(parent,), daemon=True).start()


def watch(parent: int) -> None:
    """End this process's group once ``parent`` is gone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


def reap(pid: int, flags: int) -> int | None:
    """End the process group of a finished child; return its exit status (or minus its signal), None if it runs.

    Args:
        pid: the id of a process started by ``spawn``.
        flags: ``os.WNOHANG`` to look, 0 to wait.
    """
    if sys.platform == "linux":
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | flags) is None:
            return None
        end(pid)  # before it is reaped, so that no other process can have its id
    ended, status = os.waitpid(pid, flags)
    return os.waitstatus_to_exitcode(status) if ended else None


def end(pid: int) -> None:
    """Kill a child that was not reaped yet, and its process group."""
    for kill in (os.kill, os.killpg):  # by process id too: it may not lead its group yet
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
