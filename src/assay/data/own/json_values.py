# SPDX-License-Identifier: Apache-2.0
"""The values of JSON, in which a number stays as it is written."""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Written(str):
    """A value that is not a text, such as a number, as it is written: Python's own may be too long to convert."""


def parse(text: str) -> Any:
    """Return the value of a JSON text; its numbers are :class:`Written`, NaN and Infinity are None.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return json.loads(text, parse_int=Written, parse_float=Written, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def check_text(text: str) -> None:
    """Check that JSON does not hold half of a character, which no file can: a lone surrogate such as ``\\ud800``.

    Raises:
        ValueError: it does.
    """
    if _SURROGATE.search(text):
        try:
            json.dumps(json.loads(text), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("\\ud800 to \\udfff are characters in pairs only") from None
