"""One self-contained HTML page: Jinja2 with autoescape, tables by DataTables, plots by Vega-Embed.

The style sheets and scripts are embedded, and a content security policy lets the browser run those scripts
alone (by their digest) and fetch nothing, so that no text from a result can ever become code.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup, escape

from assay.report import formats

HERE = Path(__file__).parent


def render(view: Mapping[str, Any], charts: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        view: what page.html names.
        charts: key -> Vega-Lite specification, for the places that carry ``data-chart="key"``.
    """
    embedded = scripts()
    return _template().render(
        **view,
        charts=charts,
        table_css=Markup(_style(_bundled("dt_bundle.css"))),
        page_css=Markup(_style((HERE / "page.css").read_text("utf-8"))),
        scripts=[Markup(script) for script in embedded],
        script_hashes=Markup(" ".join(map(_digest, embedded))),
    )


@cache
def scripts() -> tuple[str, ...]:
    """Return the page's scripts in the order in which they run: Vega-Embed, DataTables, ours."""
    tables = _bundled("dt_bundle.js")
    exported = re.search(r"export\s*\{[^}]*?([\w$]+) as jQuery[^}]*\};?", tables)
    if exported is None:
        raise ValueError("itables' dt_bundle.js exports no jQuery; pin itables to a version that does")
    tables = tables.replace(exported.group(0), f"window.jQuery={exported.group(1)};")
    plots = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    ours = (HERE / "page.js").read_text("utf-8")
    return tuple(_inline(text) for text in (plots, tables, ours))


def _bundled(name: str) -> str:
    """Return a file of the DataTables that itables carries; itables itself, and pandas, are not imported."""
    spec = find_spec("itables")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "html" / name).read_text("utf-8")


def _inline(script: str) -> str:
    """Return a script that cannot end or confuse the script element that holds it."""
    return script.replace("</script", r"<\/script").replace("<!--", r"\x3C!--")


def _style(sheet: str) -> str:
    return sheet.replace("</style", r"<\/style")


def _digest(script: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"


def _link(url: Any) -> Markup | str:
    """Return a web address as a link, anything else as text."""
    text = str(url or "")
    if not re.match(r"https?://", text):
        return text
    return Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>').format(escape(text))


def _name(name: Any) -> Markup:
    """Return a name that may break after an underscore."""
    return Markup(escape(str(name)).replace("_", Markup("_<wbr>")))


def _splits(record: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Return what a record says of each split: train, validation, test, then any other."""
    order = dict.fromkeys(("train", "validation", "test", *sorted(record or {})))
    return [(split, record[split]) for split in order if record and split in record]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    for name in ("score", "deviation", "difference", "count", "size", "seconds", "milliseconds", "ratio"):
        environment.filters[name] = getattr(formats, name)
    environment.filters |= {
        "metric_name": formats.metric_name,
        "metric_unit": formats.metric_unit,
        "link": _link,
        "name": _name,
        "splits": _splits,
    }
    return environment.get_template("page.html")
