# SPDX-License-Identifier: Apache-2.0
"""The Vega script for the page, and plots drawn as SVG files, in a child process.

Vega runs in a JavaScript engine that takes seconds to start and 150 MB of memory; a child process saves the report
both. This file is also the program of that process: it is run by its path, without importing the rest of the report.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vl_convert

from assay.files import write_text

EMBED = "window.vegaEmbed = vegaEmbed;"


def script() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that sets ``window.vegaEmbed``."""
    return str(_in_child("script", None))


def svgs(specs: Mapping[Path, Mapping[str, Any]]) -> None:
    """Draw Vega-Lite specifications as SVG to these paths."""
    if specs:
        _in_child("svgs", {str(path): spec for path, spec in specs.items()})


def _in_child(command: str, argument: Any) -> Any:
    """Return the result of a child process; -P keeps this folder's modules from hiding the standard library's."""
    child = [sys.executable, "-P", __file__, command]
    done = subprocess.run(child, input=json.dumps(argument), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _run(command: str, argument: Any) -> Any:
    if command == "script":
        return vl_convert.javascript_bundle(EMBED)
    for path, spec in argument.items():
        write_text(Path(path), vl_convert.vegalite_to_svg(spec))
    return None


if __name__ == "__main__":
    json.dump(_run(sys.argv[1], json.load(sys.stdin)), sys.stdout)
