# SPDX-License-Identifier: Apache-2.0
"""A file that a user names by its address in the web."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from urllib3.exceptions import LocationParseError

from assay.data.own.text_files import LARGEST_BYTES
from assay.provenance.urls import redacted

SCHEMES = ("http://", "https://")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_SECONDS = 30
"""Seconds without an answer after which a server is given up."""
MOST_SECONDS = 3600
"""Seconds for the whole file."""
_CHUNK = 1 << 16


def is_address(path: str) -> bool:
    """Return whether a text is the address of a file rather than its path."""
    return _SCHEME.match(path) is not None


@contextmanager
def fetched(path: str) -> Iterator[Path]:
    """Yield a path as it is, or the file that an address names, which is removed at the end.

    Raises:
        ValueError: it cannot be downloaded, or is too large; one line.
    """
    if not is_address(path):
        yield Path(path)
        return
    if not path.lower().startswith(SCHEMES):
        raise ValueError(f"{redacted(path)}: allowed are addresses that begin with {' or '.join(SCHEMES)}")
    try:
        name = unquote(Path(urlsplit(path).path).name)
    except ValueError as error:
        raise ValueError(f"{redacted(path)}: is no address: {error}") from None
    if not re.fullmatch(r"[\w][\w. -]{0,150}", name):
        raise ValueError(f"{redacted(path)}: the address does not end with the name of a file")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        _download(path, file)
        yield file


def _download(address: str, file: Path) -> None:
    size, end = 0, time.monotonic() + MOST_SECONDS
    try:
        with requests.get(address, stream=True, timeout=_SECONDS) as answer, file.open("wb") as out:
            answer.raise_for_status()
            for chunk in answer.iter_content(_CHUNK):
                size += len(chunk)
                if time.monotonic() > end:
                    raise ValueError(
                        f"{redacted(address)}: takes more than {MOST_SECONDS:,} s; download it by other means"
                    )
                if size > LARGEST_BYTES:
                    raise ValueError(
                        f"{redacted(address)}: more than {LARGEST_BYTES:,} bytes; download a part of it"
                    )
                out.write(chunk)
    except (requests.RequestException, LocationParseError) as error:
        reason = redacted(" ".join(str(error).split())[:200])
        raise ValueError(f"{redacted(address)}: cannot be downloaded: {reason}") from None
