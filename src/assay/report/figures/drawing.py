# SPDX-License-Identifier: Apache-2.0
"""What Vega draws, in a process of its own: the script for the page, and plots as SVG files.

Vega runs in a JavaScript engine that takes seconds to start and 150 MB; beside the report's own process it costs
the report neither. This file is also that process: it is run by its path, without importing the rest of the report.
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
    return str(_asked("script", None))


def svgs(specs: Mapping[Path, Mapping[str, Any]]) -> None:
    """Draw Vega-Lite specifications as SVG to these paths."""
    if specs:
        _asked("svgs", {str(path): spec for path, spec in specs.items()})


def _asked(what: str, given: Any) -> Any:
    """Return what a child process answers; -P keeps this folder's names from hiding the standard library's."""
    child = [sys.executable, "-P", __file__, what]
    done = subprocess.run(child, input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _drawn(what: str, given: Any) -> Any:
    if what == "script":
        return vl_convert.javascript_bundle(EMBED)
    for path, spec in given.items():
        write_text(Path(path), vl_convert.vegalite_to_svg(spec))
    return None


if __name__ == "__main__":
    json.dump(_drawn(sys.argv[1], json.load(sys.stdin)), sys.stdout)
