# SPDX-License-Identifier: Apache-2.0
"""Redact URLs: no user, password or token is shown."""

from __future__ import annotations

import logging
import re
from urllib.parse import quote, unquote

HIDDEN = "***"

# Each match begins at the start of a word and is bounded or ends with it, so that a long text takes linear time.
_SCHEME = re.compile(r"((?<![\w+.-])[\w+.-]+:/+)")  # pathlib turns two slashes into one
_ENCODED = re.compile(r"(?<![\w+.-])[\w+.-]+%(?:25){0,4}3A\S*", re.IGNORECASE)
_NO_USER = r"\s/@,;'\"=()\[\]{}"
_BARE_USER = re.compile(rf"(?<![^{_NO_USER}])[^{_NO_USER}:]{{1,256}}:[^\s/@]{{1,2048}}@(?=[\w\[])")
_QUERY = re.compile(r"\?(\S+)")
_PORT = re.compile(r"(?::\d*\W*)?")


def redacted(text: str) -> str:
    """Return ``text`` with ``***`` in place of the user info and the query values of each URL.

    Every value is replaced, since any of them may be a token. A URL may be truncated, percent-encoded or without
    scheme. ``git@host:path`` is kept, since its user is not secret. Redacting twice changes nothing.
    """
    first, *rest = _SCHEME.split(text)
    addresses = zip(rest[::2], rest[1::2], strict=True)
    shown = first + "".join(scheme + _redact_address(address) for scheme, address in addresses)
    shown = _ENCODED.sub(lambda found: _redact_encoded(found[0]), shown)
    shown = _BARE_USER.sub(f"{HIDDEN}@", shown)
    return _QUERY.sub(lambda found: f"?{_redact_query(found[1], bare=False)}", shown)


class Redacting(logging.Filter):
    """Redacts the messages of a library: without a handler, Python prints its warnings to standard error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message of ``record``; never drop it."""
        record.msg, record.args = redacted(record.getMessage()), ()
        return True


def _redact_address(text: str) -> str:
    """Return a URL without its scheme, and the text that follows it, without secrets."""
    address, *_ = re.split(r"\s", text, maxsplit=1)
    place, mark, query = address.partition("?")
    return _redact_user(place) + mark + _redact_query(query, bare=True) + text[len(address) :]


def _redact_user(place: str) -> str:
    authority = re.split(r"[/#]", place, maxsplit=1)[0]
    if "@" in authority:
        return f"{HIDDEN}@{authority.rpartition('@')[2]}{place[len(authority) :]}"
    if authority.startswith("[") or _PORT.fullmatch(authority[len(authority.partition(":")[0]) :]):
        return place
    # This is not a port but a password, which may continue after a slash.
    return f"{HIDDEN}@{place.rpartition('@')[2]}" if "@" in place else HIDDEN + place[len(authority) :]


def _redact_encoded(encoded: str) -> str:
    plain = unquote(encoded)
    shown = redacted(plain)
    return encoded if shown == plain else quote(shown, safe="*")


def _redact_query(query: str, *, bare: bool) -> str:
    """Return a query without its values; ``bare`` says whether a part without a name is also a value."""
    body = query.rstrip(")]}>'\",.;:")  # punctuation of the sentence around the URL
    parts = [
        re.sub(r"=.+", f"={HIDDEN}", part) if "=" in part else HIDDEN if bare and part else part
        for part in body.split("&")
    ]
    return "&".join(parts) + query[len(body) :]
