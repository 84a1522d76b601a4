# SPDX-License-Identifier: Apache-2.0
"""Whether a job may use what earlier jobs kept to save time; a result that is verified is made from scratch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_usable = ContextVar("_usable", default=True)


def usable() -> bool:
    """Say whether kept results may be used."""
    return _usable.get()


@contextlib.contextmanager
def unused() -> Iterator[None]:
    """Use no kept result inside of the block, and keep none."""
    token = _usable.set(False)
    try:
        yield
    finally:
        _usable.reset(token)
