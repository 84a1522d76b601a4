"""What Vega draws, in a process of its own: the script for the page, and plots as SVG files.

Vega runs in a JavaScript engine that takes seconds to start and 150 MB; beside the report's own process it costs
the report neither. This file is also that process: it is run by its path, without importing the package.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import vl_convert

EMBED = "window.vegaEmbed = vegaEmbed;"


def script() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that sets ``window.vegaEmbed``."""
    return str(_asked("script", None))


def svgs(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return Vega-Lite specifications drawn as SVG on white, under the same keys."""
    return dict(_asked("svgs", specs)) if specs else {}


def _asked(what: str, given: Any) -> Any:
    """Return what a child process answers; -P keeps this folder's names from hiding the standard library's."""
    child = [sys.executable, "-P", __file__, what]
    done = subprocess.run(child, input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _drawn(what: str, given: Any) -> Any:
    if what == "script":
        return vl_convert.javascript_bundle(EMBED)
    return {key: vl_convert.vegalite_to_svg(spec) for key, spec in given.items()}


if __name__ == "__main__":
    json.dump(_drawn(sys.argv[1], json.load(sys.stdin)), sys.stdout)
