# SPDX-License-Identifier: Apache-2.0
"""A file that a user names by its address in the web."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from assay.data.own.text_files import LARGEST_BYTES
from assay.provenance.urls import redacted

SCHEMES = ("http://", "https://")
_SECONDS = 30
_CHUNK = 1 << 16


@contextmanager
def fetched(path: str) -> Iterator[Path]:
    """Yield a path as it is, or the file that an address names, which is removed at the end.

    Raises:
        ValueError: it cannot be downloaded, or is too large; one line.
    """
    if not path.startswith(SCHEMES):
        yield Path(path)
        return
    name = unquote(Path(urlsplit(path).path).name)
    if not re.fullmatch(r"[\w][\w. -]{0,150}", name):
        raise ValueError(f"{redacted(path)}: the address does not end with the name of a file")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        _download(path, file)
        yield file


def _download(address: str, file: Path) -> None:
    size = 0
    try:
        with requests.get(address, stream=True, timeout=_SECONDS) as answer, file.open("wb") as out:
            answer.raise_for_status()
            for chunk in answer.iter_content(_CHUNK):
                size += len(chunk)
                if size > LARGEST_BYTES:
                    raise ValueError(
                        f"{redacted(address)}: more than {LARGEST_BYTES:,} bytes; download a part of it"
                    )
                out.write(chunk)
    except requests.RequestException as error:
        reason = redacted(" ".join(str(error).split())[:200])
        raise ValueError(f"{redacted(address)}: cannot be downloaded: {reason}") from None
