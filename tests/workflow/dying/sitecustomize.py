"""Kills a program's process group just before its n-th change to the files of its folder.

Python imports this where this folder is on PYTHONPATH. DYING names the program, CHANGE says n, and without CHANGE the
program lives and leaves the number of its changes in the file that CHANGES names.
"""

import atexit
import os
import signal
import sys
from pathlib import Path

HERE = str(Path.cwd())
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.utime"}
WRITING = os.O_WRONLY | os.O_RDWR
count = 0


def watch(event, arguments):
    """Count a change; die at the n-th."""
    global count
    if event not in EVENTS and not (event == "open" and arguments[2] & WRITING):
        return
    if isinstance(arguments[0], int) or not os.path.abspath(os.fsdecode(arguments[0])).startswith(HERE):  # noqa: PTH100
        return
    count += 1
    if count == int(os.environ.get("CHANGE", 0)):
        os.killpg(0, signal.SIGKILL)


if Path("".join(sys.orig_argv[1:2])).name == os.environ.get("DYING"):
    if "CHANGES" in os.environ:
        atexit.register(lambda: Path(os.environ["CHANGES"]).write_text(str(count)))
    sys.addaudithook(watch)
