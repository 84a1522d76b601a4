# SPDX-License-Identifier: Apache-2.0
"""Downloads of files with known size and SHA-256, from a mirror or from the web.

A download is written to ``.<name>.part`` in the same folder, resumed from there after an interruption, and renamed
only when its bytes are the declared ones. After a source that fails permanently, is too slow or sends other bytes, the
next one is tried; if all fail, one ``DownloadError`` lists the errors of each. Addresses are shown and stored without
user, password and query, which may contain a token.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from urllib.parse import urlsplit, urlunsplit

import requests
import tenacity
import urllib3
from tqdm import tqdm

from assay.files import replacing, sha256
from assay.provenance.urls import Redacting, redacted

_log = logging.getLogger(__name__)
for _module in (
    urllib3.connection,
    urllib3.connectionpool,
    urllib3.util.retry,
):  # their warnings contain addresses
    logging.getLogger(_module.__name__).addFilter(Redacting())
_CHUNK_BYTES = 1 << 16
_MAX_REDIRECTS = 5
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class DownloadError(ValueError):
    """A file could not be downloaded with its declared bytes; one line with the sources, their errors and a hint."""


class _TransientError(Exception):
    """An error that another attempt at the same address may not have: an interruption, a time-out, a 5xx status."""


class _LastingError(Exception):
    """An error that the same address will have again: 404, too many redirects, no attempts left."""


class _WrongBytesError(_LastingError):
    """Other bytes than the declared ones. If ``resumed``, the earlier part may be the cause."""

    def __init__(self, what: str, *, resumed: bool) -> None:
        super().__init__(what)
        self.resumed = resumed


@dataclass(frozen=True)
class RemoteFile:
    """One file of a dataset; in a mirror it is ``<mirror>/<dataset>/<name>``."""

    dataset: str
    name: str
    urls: tuple[str, ...]
    """Upstream's addresses; none if the file is only in mirrors."""
    size: int
    sha256: str

    @property
    def address(self) -> str:
        """Return its address, the same on every machine: upstream's first, or its path in any mirror."""
        return self.urls[0] if self.urls else f"mirror:{self.dataset}/{self.name}"

    def __post_init__(self) -> None:
        for part in (self.dataset, self.name):
            if not _NAME.fullmatch(part):
                raise ValueError(f"remote file {part!r}: a name is letters, digits, '_', '.' and '-' only")


@dataclass(frozen=True)
class Fetched:
    """A complete file with its declared bytes."""

    name: str
    url: str
    """Its address: the same on every machine."""
    size: int
    sha256: str
    came_from: str
    """The source of the bytes: a redacted address, a path in the mirror, or the file itself if it already existed."""


@dataclass(frozen=True)
class Patience:
    """Time-outs and the number of attempts."""

    connect_seconds: float
    read_seconds: float
    """The longest pause within a response."""
    whole_seconds: float
    """The longest time for one response; the received part is kept, and the next attempt resumes from there."""
    least_bytes_per_second: float
    """The minimum speed over ``slow_seconds``; for a slower address the next one is tried."""
    slow_seconds: float
    """Also the longest wait for the complete header of a response."""
    attempts: int
    """The number of attempts at one address."""
    backoff_seconds: float
    """The wait before the second attempt; doubled for each later one, up to ``longest_backoff_seconds``."""
    longest_backoff_seconds: float


PATIENCE = Patience(
    connect_seconds=10,
    read_seconds=30,
    whole_seconds=3600,
    least_bytes_per_second=1000,
    slow_seconds=60,
    attempts=5,
    backoff_seconds=1,
    longest_backoff_seconds=30,
)


def fetch(
    files: Sequence[RemoteFile], folder: Path, *, mirror: str | None, patience: Patience = PATIENCE
) -> list[Fetched]:
    """Download ``files`` into ``folder``, except for those that are already there with their declared bytes.

    Args:
        mirror: folder or http(s) address to try before upstream's own; None for none.

    Raises:
        DownloadError: no source has the declared bytes of a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with requests.Session() as session:
        session.max_redirects = _MAX_REDIRECTS
        session.hooks["response"].append(_drop_redirects_body)
        return [_fetch_one(file, folder, mirror, patience, session) for file in files]


def describe(fetched: Sequence[Fetched]) -> dict[str, dict[str, Any]]:
    """Return address, size and sha256 of each file by its name; independent of the machine."""
    return {file.name: {"url": file.url, "size": file.size, "sha256": file.sha256} for file in fetched}


def remote_files(dataset: str, files: Mapping[str, tuple[int, str]], *folders: str) -> tuple[RemoteFile, ...]:
    """Return files that are in each of the web folders ``folders``.

    Args:
        files: size and sha256 of each by its name.
    """
    return tuple(
        RemoteFile(dataset, name, tuple(f"{folder}/{name}" for folder in folders), size, sha256)
        for name, (size, sha256) in files.items()
    )


def write_declared(
    file: RemoteFile, raw: Path, data: bytes, *, problem: str, remedy: str
) -> dict[str, dict[str, Any]]:
    """Write a file that needs no download into ``raw``; return its address, size and sha256.

    Args:
        problem: the error message for ``data`` that are not the declared bytes.
        remedy: the hint of that message.

    Raises:
        DownloadError: ``data`` are not the declared bytes.
    """
    with replacing(raw / file.name) as aside:
        aside.write_bytes(data)
        difference = check_bytes(aside, file)
        if difference:
            raise DownloadError(
                f"{file.dataset}/{file.name}: {problem}: {difference}, expected {file.size} bytes with sha256"
                f" {file.sha256}; {remedy}"
            )
    return {file.name: {"url": file.address, "size": file.size, "sha256": file.sha256}}


def check_bytes(path: Path, file: RemoteFile) -> str | None:
    """Return the size and digest of the bytes at ``path`` as a message, or None if they are the declared ones."""
    size, digest = path.stat().st_size, sha256(path)
    return None if (size, digest) == (file.size, file.sha256) else f"{size} bytes with sha256 {digest} came"


def _fetch_one(
    file: RemoteFile, folder: Path, mirror: str | None, patience: Patience, session: requests.Session
) -> Fetched:
    target = folder / file.name
    if target.is_file():
        if check_bytes(target, file) is None:
            return Fetched(file.name, file.address, file.size, file.sha256, str(target))
        target.unlink()
    errors, other_bytes = [], False
    for source in _sources(file, mirror):
        try:
            if _is_web(source):
                _download(file, source, target, patience, session)
            else:
                _copy(file, Path(source), target)
        except _LastingError as error:
            errors.append(redacted(f"{source}: {error}"))
            other_bytes |= isinstance(error, _WrongBytesError)
            _log.warning("%s/%s: %s", file.dataset, file.name, errors[-1])
        except OSError as error:
            raise DownloadError(f"{target}: cannot be written: {error.strerror or error}") from None
        else:
            came_from = redacted(source)
            _log.info("%s/%s: %d bytes from %s", file.dataset, file.name, file.size, came_from)
            return Fetched(file.name, file.address, file.size, file.sha256, came_from)
    what = f"{file.size} bytes with sha256 {file.sha256}"
    hint = f"put the file into a folder as {file.dataset}/{file.name} and set ASSAY_MIRROR to that folder"
    if not errors:
        raise DownloadError(
            f"{file.dataset}/{file.name}: has no address, and no mirror is set ({what}); {hint}"
        )
    raise DownloadError(
        f"{file.dataset}/{file.name}: no source has its {what} [{'; '.join(errors)}];"
        f" {_OTHER_BYTES if other_bytes else _UNREACHED}, or {hint}"
    )


_UNREACHED = "check the network and run again"
_OTHER_BYTES = "if these are the correct bytes, correct size and sha256 in the dataset's file"


def _sources(file: RemoteFile, mirror: str | None) -> list[str]:
    return [*([_in_mirror(mirror, file)] if mirror else []), *file.urls]


def _in_mirror(mirror: str, file: RemoteFile) -> str:
    """Return the path or address of a file in a mirror: a folder, or an address, possibly with a query.

    Raises:
        DownloadError: the mirror is neither.
    """
    if "://" not in mirror:
        return str(Path(mirror) / file.dataset / file.name)
    try:
        parts = urlsplit(mirror)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https"):
        raise DownloadError(
            f"ASSAY_MIRROR {redacted(mirror)}: neither a folder nor an http(s) address; set it again"
        )
    path = f"{parts.path.rstrip('/')}/{file.dataset}/{file.name}"
    return urlunsplit(parts._replace(path=path, fragment=""))


def _is_web(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _copy(file: RemoteFile, source: Path, target: Path) -> None:
    """Copy a mirror's file to ``target``."""
    try:
        stream = source.open("rb")
    except OSError as error:
        raise _LastingError(error.strerror) from None
    with stream, replacing(target) as aside:
        with aside.open("wb") as out:
            _write(iter(lambda: stream.read(_CHUNK_BYTES), b""), out, file.size, resumed=False)
        _require_bytes(aside, file, resumed=False)
    _part(target).unlink(missing_ok=True)


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _download(
    file: RemoteFile, url: str, target: Path, patience: Patience, session: requests.Session
) -> None:
    """Download ``target`` from one address, resuming an earlier partial download."""
    part = _part(target)
    for resume in (True, False):
        try:
            _persist(file, url, part, patience, session, resume=resume)
            part.replace(target)
            return
        except _WrongBytesError as error:
            part.unlink(missing_ok=True)
            if not error.resumed:
                raise


def _require_bytes(path: Path, file: RemoteFile, *, resumed: bool) -> None:
    difference = check_bytes(path, file)
    if difference:
        raise _WrongBytesError(difference, resumed=resumed)


def _persist(
    file: RemoteFile, url: str, part: Path, patience: Patience, session: requests.Session, *, resume: bool
) -> None:
    """Request one address until ``part`` is complete, at most ``patience.attempts`` times."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_TransientError),
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=tenacity.wait_exponential(patience.backoff_seconds, max=patience.longest_backoff_seconds),
        reraise=True,
    )
    with _progress(file) as bar:
        try:
            retrying(_receive, file, url, part, patience, session, bar, resume=resume)
        except _TransientError as error:
            raise _LastingError(f"{error} ({patience.attempts} attempts)") from None


def _progress(file: RemoteFile) -> tqdm[NoReturn]:
    return tqdm(
        desc=f"{file.dataset}/{file.name}",
        total=file.size,
        unit="B",
        unit_scale=True,
        disable=not sys.stderr.isatty(),
    )


def _receive(
    file: RemoteFile,
    url: str,
    part: Path,
    patience: Patience,
    session: requests.Session,
    bar: tqdm[NoReturn],
    *,
    resume: bool,
) -> None:
    """Make one request and append the response to ``part``, or restart it if the server does not resume."""
    have = part.stat().st_size if resume and part.exists() else 0
    if have >= file.size:
        return _require_bytes(part, file, resumed=True)
    # Otherwise a server may compress the response, and neither size nor digest would be the file's.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    timeout = (patience.connect_seconds, patience.read_seconds)
    request = partial(session.get, url, headers=headers, timeout=timeout, stream=True)
    with _named_errors(), _within(patience.slow_seconds, request) as answer:
        start = _start(answer, have)
        _require_length(answer, start, file)
        bar.update(start - bar.n)
        with part.open("ab" if start else "wb") as out:
            _write(_pieces(answer.raw, patience, bar), out, file.size - start, resumed=start > 0)
    came = part.stat().st_size
    if came < file.size:
        raise _TransientError(f"interrupted after {came} of {file.size} bytes")
    _require_bytes(part, file, resumed=start > 0)


def _within(seconds: float, request: Callable[[], requests.Response]) -> requests.Response:
    """Return the response to ``request`` once its header is complete, within a total time.

    A socket's time-out restarts with each byte, so another thread waits; after the time it is abandoned.
    """
    answer: Future[requests.Response] = Future()

    def wait() -> None:
        try:
            answer.set_result(request())
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:  # what _named_errors expects
            answer.set_exception(error)

    threading.Thread(target=wait, daemon=True).start()
    done, _ = futures.wait([answer], seconds)
    if not done:
        answer.add_done_callback(lambda late: None if late.exception() else late.result().close())
        raise _LastingError(f"too slow, no answer in {seconds:g} s")
    return answer.result()


def _drop_redirects_body(answer: requests.Response, **_: Any) -> None:
    """Close a response that only redirects: requests would read its whole body, even an endless one."""
    if answer.is_redirect:
        answer.close()


@contextmanager
def _named_errors() -> Iterator[None]:
    """Convert the errors of requests and urllib3 to ours, with short messages."""
    try:
        yield
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise _TransientError("no answer in time") from None
    except requests.TooManyRedirects:
        raise _LastingError(f"more than {_MAX_REDIRECTS} redirects") from None
    except ValueError:  # InvalidSchema and InvalidURL of requests, and what urlsplit raises
        raise _LastingError("the address, or one that it redirects to, is not http or https") from None
    except requests.ConnectionError:
        raise _TransientError("no connection") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _TransientError(f"interrupted ({type(error).__name__})") from None


def _start(answer: requests.Response, have: int) -> int:
    """Return the offset at which the response's body begins."""
    status = answer.status_code
    if status == 200:
        return 0
    if status == 206 and have:
        span = answer.headers.get("Content-Range", "none named")
        if not span.startswith(f"bytes {have}-"):
            raise _WrongBytesError(f"HTTP 206 with another range ({span})", resumed=True)
        return have
    if status == 416 and have:
        raise _WrongBytesError("HTTP 416", resumed=True)
    if status >= 500 or status in (408, 429):
        raise _TransientError(f"HTTP {status}")
    raise _LastingError(f"HTTP {status}")


def _require_length(answer: requests.Response, start: int, file: RemoteFile) -> None:
    announced = answer.headers.get("Content-Length", "")
    if announced.isdigit() and start + int(announced) != file.size:
        raise _WrongBytesError(f"{start + int(announced)} bytes announced", resumed=start > 0)


def _pieces(raw: urllib3.HTTPResponse, patience: Patience, bar: tqdm[NoReturn]) -> Iterator[bytes]:
    """Yield bytes as they arrive; ``read`` would wait for a whole chunk."""
    began = since = time.monotonic()
    came = 0
    try:
        while piece := raw.read1(_CHUNK_BYTES, decode_content=False):
            yield piece
            bar.update(len(piece))
            came += len(piece)
            now = time.monotonic()
            if now - since >= patience.slow_seconds:
                if came < patience.least_bytes_per_second * (now - since):
                    raise _LastingError(f"too slow, {came} bytes in {now - since:.0f} s")
                since, came = now, 0
            if now - began > patience.whole_seconds:
                raise _TransientError("too slow, not done in time")
    except urllib3.exceptions.ProtocolError:
        return  # the caller notices that bytes are missing


def _write(pieces: Iterable[bytes], out: BinaryIO, limit: int, *, resumed: bool) -> None:
    """Write ``pieces``, at most ``limit`` bytes, and sync them to disk."""
    left = limit
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise _WrongBytesError("more bytes than declared came", resumed=resumed)
        out.write(piece)
    out.flush()
    os.fsync(out.fileno())
