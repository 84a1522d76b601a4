# SPDX-License-Identifier: Apache-2.0
"""The server: python -P -m assay.pipeline.worker.server LISTENER FOLDER MODULES...

It imports MODULES, then forks a child for each client of the inherited socket LISTENER. It has one thread, imports
no Assay code outside this folder and computes nothing, so that a fork is safe and its code never stale.
It ends, with its jobs and its FOLDER, when its standard input closes: when the run that holds it is gone.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import inspect
import logging
import multiprocessing.util
import os
import select
import selectors
import shutil
import signal
import socket
import struct
import sys
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from assay.pipeline.worker import job


@dataclass(eq=False)
class Client:
    """A connection and its job."""

    connection: socket.socket
    message: bytearray = field(default_factory=bytearray)
    streams: list[int] = field(default_factory=list)
    pid: int = 0  # the id of the job's process; 0 before it started
    died: bool = False  # a signal killed its process; the one that runs now records that

    gone: bool = False  # it disconnected before its job ended

    def is_complete(self) -> bool:
        """Return whether the whole message, whose first 4 bytes hold its length, has arrived."""
        return len(self.message) >= 4 and len(self.message) - 4 >= int.from_bytes(self.message[:4], "big")

    def request(self) -> tuple[bytes, str, list[str], dict[bytes, bytes]]:
        """Return the job's folder, module, arguments and environment."""
        folder, number, *fields = bytes(self.message[4:]).split(b"\0")
        module, *argv = map(os.fsdecode, fields[: int(number)])
        environment = dict(item.split(b"=", 1) for item in fields[int(number) :])
        return folder, module, argv, environment

    def close(self, answer: bytes = b"") -> None:
        """Close the job's streams, then the connection."""
        while self.streams:
            os.close(self.streams.pop())
        with suppress(OSError):  # it disconnected while its job ended
            self.connection.send(answer)
        self.connection.close()


class Server:
    """The event loop: clients connect and disconnect, jobs end, the run ends."""

    def __init__(self, listener: socket.socket, folder: str) -> None:
        self.listener, self.folder = listener, folder
        self.clients: list[Client] = []
        self.selector = selectors.DefaultSelector()
        self.waker, self.alarm = socket.socketpair()
        for end in (self.listener, self.waker, self.alarm):
            end.setblocking(False)
        signal.set_wakeup_fd(self.alarm.fileno())
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        self.watch(self.listener, self.accept)
        self.watch(self.waker, self.signalled)
        self.selector.register(0, selectors.EVENT_READ, self.stop)

    def watch(self, end: socket.socket, call: Callable[[], None]) -> None:
        """Call ``call`` whenever ``end`` has something to read."""
        self.selector.register(end, selectors.EVENT_READ, call)

    def serve(self) -> NoReturn:
        """Handle events until ``stop``."""
        while True:
            for key, _ in self.selector.select():
                key.data()

    def stop(self) -> NoReturn:
        """End all jobs, this process and its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for client in self.clients:
            if client.pid:
                job.end(client.pid)
        os._exit(0)

    def accept(self) -> None:
        """Accept a new client, if it belongs to this user."""
        try:
            connection, _ = self.listener.accept()
        except OSError:  # it disconnected before it was accepted
            return
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != os.geteuid():
            connection.close()
            return
        connection.setblocking(False)
        client = Client(connection)
        self.clients.append(client)
        self.watch(connection, partial(self.hear, client))

    def hear(self, client: Client) -> None:
        """Read what a client sends: its job, and end of file once it is gone."""
        if client not in self.clients:  # its job has just ended
            return
        try:
            data, streams, _, _ = socket.recv_fds(client.connection, 1 << 16, 3, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            data, streams = b"", []
        client.streams += streams
        client.message += data
        try:
            if not data or client.pid:
                self.drop(client)
            elif client.is_complete():
                self.begin(client)
                client.connection.send(b"+")
        except (OSError, ValueError) as error:  # such as no free process: the client then runs its job alone
            print(f"assay worker: {error}", file=sys.stderr)
            self.drop(client)

    def begin(self, client: Client, extra: tuple[str, ...] = ()) -> None:
        """Fork the process for a client's job."""
        folder, module, argv, environment = client.request()
        enter = partial(self.become, client, folder, environment)
        client.pid = job.spawn(module, [*argv, *extra], enter, cache=Path(self.folder))

    def become(self, client: Client, folder: bytes, environment: dict[bytes, bytes]) -> None:
        """In the child: close what belongs to the server or another job, and take on the client's state.

        The connection stays open, so that the client sees it close only when this process is dead too; processes
        that the job itself forks do not hold it.
        """
        os.register_at_fork(after_in_child=client.connection.close)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for end in (self.listener, self.selector, self.waker, self.alarm):
            end.close()
        for other in self.clients:
            if other is not client:
                other.close()
        for target, stream in enumerate(client.streams):
            os.dup2(stream, target)
            os.close(stream)
        for output in (sys.stdout, sys.stderr):
            assert isinstance(output, TextIOWrapper)
            output.reconfigure(line_buffering=output is sys.stderr or output.isatty())
        os.chdir(folder)
        os.environb.clear()
        os.environb.update(environment)
        tempfile.tempdir = None  # TMPDIR may have changed

    def signalled(self) -> None:
        """Collect the jobs that have ended; stop on SIGTERM."""
        if signal.SIGTERM in self.waker.recv(4096):
            self.stop()
        for client in [client for client in self.clients if client.pid]:
            status = job.reap(client.pid, os.WNOHANG)
            if status is not None:
                client.pid = 0
                self.ended(client, status)

    def ended(self, client: Client, status: int) -> None:
        """Send a client the status of its job; after a death by signal, a new process first records that."""
        if status < 0 and not client.gone and not client.died:
            client.died = True
            with suppress(OSError):
                self.begin(client, ("--died", str(-status)))
                return
        self.forget(client, bytes([status if status >= 0 else 128 - status]))

    def drop(self, client: Client) -> None:
        """Forget a client that is gone; its job, if it has one, is killed first."""
        if client.pid:
            client.gone = True
            self.selector.unregister(client.connection)
            job.end(client.pid)
        else:
            self.forget(client)

    def forget(self, client: Client, answer: bytes = b"") -> None:
        """Close a client's streams and connection, the streams before it can read the answer."""
        self.clients.remove(client)
        if not client.gone:
            self.selector.unregister(client.connection)
        client.close(answer)


def preload(modules: list[str]) -> None:
    """Import what jobs will need, and freeze it, so that garbage collection in a child never copies its pages."""
    for name in modules:
        if select.select([0], [], [], 0)[0]:  # the run has ended already
            return
        try:
            importlib.import_module(name)
        except Exception as error:  # a job that needs it will report the error itself
            print(f"assay worker: {name} is not imported in advance: {error}", file=sys.stderr)
    # To locate unknown code, inspect caches the files of all modules, in 80 ms; otherwise pydantic would trigger that
    # in each job, for the first class that describes its fields.
    inspect.getmodule(compile("", "unknown", "exec"))
    disarm()
    gc.collect()
    gc.freeze()


def disarm() -> None:
    """Drop the exit handlers of the imports: they concern nothing that a job made, and take 0.1 s.

    Handlers that a job registers still run, including those of the standard library's modules named here.
    """
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    for call in (weakref.finalize._exitfunc, logging.shutdown, multiprocessing.util._exit_function):  # type: ignore[attr-defined]
        atexit.register(call)


def main(argv: list[str]) -> NoReturn:
    """Serve the socket whose file descriptor is the first argument until standard input closes."""
    number, folder, *modules = argv
    preload(modules)
    Server(socket.socket(fileno=int(number)), folder).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
