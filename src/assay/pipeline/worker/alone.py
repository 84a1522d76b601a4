# SPDX-License-Identifier: Apache-2.0
"""Run one job without a server, with the same result: python -P -m assay.pipeline.worker.alone MODULE ARGS..."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from assay.pipeline.worker import job


def run(module: str, argv: list[str]) -> int:
    """Run one child to its end; return its exit status, or minus the signal's number if a signal killed it."""
    pid = 0

    def stop(number: int, _frame: FrameType | None) -> None:
        if pid:
            job.end(pid)
        os._exit(128 + number)

    def enter() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
    pid = job.spawn(module, argv, enter, cache=None)
    status = job.reap(pid, 0)
    assert status is not None  # reap waited
    return status


def main(argv: list[str]) -> int:
    """Run ``MODULE ARGS...``; if signal N kills it, run it with ``--died N`` added and return that status."""
    module, *arguments = argv
    status = run(module, arguments)
    if status < 0:
        status = run(module, [*arguments, "--died", str(-status)])
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
