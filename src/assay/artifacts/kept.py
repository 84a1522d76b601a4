# SPDX-License-Identifier: Apache-2.0
"""Whether a job may use the caches of earlier jobs; `assay verify` reproduces results without them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_usable = ContextVar("_usable", default=True)


def usable() -> bool:
    """Return whether cached results may be used."""
    return _usable.get()


@contextlib.contextmanager
def unused() -> Iterator[None]:
    """Neither read nor write caches inside the block."""
    token = _usable.set(False)
    try:
        yield
    finally:
        _usable.reset(token)
