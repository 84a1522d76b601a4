# SPDX-License-Identifier: Apache-2.0
"""Pass a job to the run's server: python -S -E src/assay/pipeline/worker/client.py MODULE ARGS...

The job gets this process's working folder, environment and standard streams, and this process exits with the
job's status. If no trusted server can be reached, this process runs the job itself.
It imports only C modules of the standard library (those beneath ``socket``): others cost more than the whole job.
"""

from __future__ import annotations

import _socket
import os
import stat
import sys

POLL_SECONDS = 1.0  # a client whose shell was killed ends its job within this time


class UnusableError(Exception):
    """There is no server for this job; the message says why."""


def check(path: str) -> None:
    """Refuse a socket that another user could have created or could reach.

    Raises:
        UnusableError: the socket or its folder is missing, not ours, open to other users, or not of that type.
    """
    try:
        folder, entry = os.lstat(os.path.dirname(path)), os.lstat(path)  # noqa: PTH120 (no pathlib here)
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None
    if not stat.S_ISDIR(folder.st_mode) or not stat.S_ISSOCK(entry.st_mode):
        raise UnusableError(f"{path}: not a socket in a folder")
    if folder.st_uid != os.geteuid() or entry.st_uid != os.geteuid():
        raise UnusableError(f"{path}: owned by another user")
    if stat.S_IMODE(folder.st_mode) != 0o700 or entry.st_mode & 0o077:
        raise UnusableError(f"{path}: open to other users")


def check_peer(connection: _socket.socket) -> None:
    """Refuse a server that another user runs.

    Raises:
        UnusableError: the kernel names another user, or none.
    """
    peer = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)  # struct ucred: pid, uid, gid
    if int.from_bytes(peer[4:8], sys.byteorder) != os.geteuid():
        raise UnusableError("the server is run by another user")


def connect(path: str) -> _socket.socket:
    """Return a connection to the server at ``path``.

    Raises:
        UnusableError: it may not be ours, or it does not answer.
    """
    check(path)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None
    check_peer(connection)
    return connection


def send(connection: _socket.socket, argv: list[str]) -> None:
    """Send the job: its length (4 bytes, with the standard streams), then fields separated by NUL."""
    words = [os.fsencode(word) for word in argv]
    environment = [name + b"=" + value for name, value in os.environb.items()]
    folder = os.getcwdb()  # noqa: PTH109
    message = b"\0".join([folder, b"%d" % len(words), *words, *environment])
    streams = b"".join(stream.to_bytes(4, sys.byteorder) for stream in (0, 1, 2))
    header = len(message).to_bytes(4, "big")
    connection.sendmsg([header], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    connection.sendall(message)


def receive(connection: _socket.socket, shell: int) -> bytes:
    """Return the next byte; b"" once the server or the shell that started this process is gone."""
    connection.settimeout(POLL_SECONDS)
    while os.getppid() == shell:
        try:
            return connection.recv(1)
        except TimeoutError:
            continue
        except OSError:
            break
    return b""


def serve(path: str, argv: list[str], shell: int) -> int:
    """Run the job on the server; return its exit status.

    Raises:
        UnusableError: the job was not started.
    """
    if os.environ.get("OMP_NUM_THREADS", "1") != "1":
        raise UnusableError("the job needs several threads, but the server's libraries were loaded for one")
    connection = connect(path)
    try:
        send(connection, argv)
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None
    if receive(connection, shell):
        # The job holds a copy of the server's end, so no answer means that both server and job are dead. The job
        # is not rerun here: a server that dies in the middle of a job usually does so because its whole run ended.
        status = receive(connection, shell)
        return status[0] if status else give_up(f"the server ended while {argv[0]} ran, and the job with it")
    if os.getppid() != shell or not os.path.exists(path):  # noqa: PTH110 (pathlib takes time to import)
        return give_up(f"the run ended before {argv[0]} began")
    raise UnusableError(f"{path}: the server ended before {argv[0]} began")


def give_up(reason: str) -> int:
    """Print in one line why the job has no result; return the exit status."""
    print(f"assay worker: {reason}; run again", file=sys.stderr)
    return 1


def main(argv: list[str]) -> int:
    """Run ``MODULE ARGS...`` on the server that ASSAY_WORKER names, or without one."""
    path = os.environ.get("ASSAY_WORKER")
    try:
        if path:
            return serve(path, argv, os.getppid())
    except UnusableError as reason:
        print(f"assay worker: {reason}; {argv[0]} runs alone", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        return 130
    # The server hashes strings with the same seed, so that sets have the same order in both.
    environment = {"PYTHONHASHSEED": "0", **os.environ}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "assay.pipeline.worker.alone", *argv], environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
