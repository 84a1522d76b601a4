# SPDX-License-Identifier: Apache-2.0
"""One self-contained HTML page: Jinja2 with autoescape, tables by DataTables, plots by Vega-Embed.

The style sheets and scripts are embedded. A content security policy lets the browser run only those scripts
(by their digest) and fetch nothing, so that no text from a result can ever become code.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from assay.files import replacing
from assay.report.figures.plots import Chart
from assay.report.formatting import numbers
from assay.report.formatting.splits import origins
from assay.report.inference.analysis import Compared
from assay.report.inference.normalised import Scale
from assay.report.judgement.published_verdicts import Verdict
from assay.report.output import embedded
from assay.report.output.compare_text import COST_FORMATS
from assay.report.results.collect import Task

HERE = Path(__file__).parent / "output" / "templates"
LEAST = 0.0001
"""Smaller p-values are printed as "< 0.0001": their exact size is not meaningful."""


def write(path: Path, view: Mapping[str, Any], charts: Sequence[Chart], vega: str) -> None:
    """Write the page, piece by piece: as one string it would take four bytes per character.

    Args:
        view: the variables of page.html.
        charts: for the elements that carry ``data-chart="key"``.
        vega: the script that sets ``window.vegaEmbed``.
    """
    scripts = [_inline(text) for text in (vega, _tables(), (HERE / "page.js").read_text("utf-8"))]
    pieces = _template().generate(
        **view,
        embedded=embedded.data(view["suite"], view["variants"], view["tasks"], charts),
        proof_of=embedded.places(view["variants"]),
        table_css=Markup(_style(_bundled("dt_bundle.css"))),
        page_css=Markup(_style((HERE / "page.css").read_text("utf-8"))),
        scripts=[Markup(script) for script in scripts],
        script_hashes=Markup(" ".join(map(_digest, scripts))),
    )
    with replacing(path) as aside, aside.open("w", encoding="utf-8") as stream:
        stream.writelines(pieces)


def _tables() -> str:
    """Return DataTables as a script that sets ``window.jQuery``."""
    tables = _bundled("dt_bundle.js")
    exported = re.search(r"export\s*\{[^}]*?([\w$]+) as jQuery[^}]*\};?", tables)
    if exported is None:
        raise ValueError("itables' dt_bundle.js exports no jQuery; pin itables to a version that does")
    return tables.replace(exported.group(0), f"window.jQuery={exported.group(1)};")


def _bundled(name: str) -> str:
    """Return a file of DataTables as bundled with itables, without importing itables or pandas."""
    spec = find_spec("itables")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "html" / name).read_text("utf-8")


def _inline(script: str) -> str:
    """Return a script escaped so that it cannot close the script element that contains it."""
    return script.replace("</script", r"<\/script").replace("<!--", r"\x3C!--")


def _style(sheet: str) -> str:
    return sheet.replace("</style", r"<\/style")


def _digest(script: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"


def _link(url: Any) -> Markup | str:
    """Return a web address as a link, anything else as text."""
    text = str(url or "")
    if not _is_web(text):
        return text
    return Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>').format(escape(text))


def _name(name: Any) -> Markup:
    """Return a name that may break after an underscore."""
    return Markup(escape(str(name)).replace("_", Markup("_<wbr>")))


def _source(url: Any) -> Markup | str:
    """Return a web address as a link with the text "source"."""
    return (
        Markup('<a href="{}" rel="noopener noreferrer">source</a>').format(url) if _is_web(url) else str(url)
    )


def _is_web(url: Any) -> bool:
    return re.match(r"https?://", str(url or "")) is not None


def _link_of(section: Any) -> tuple[str, str]:
    """Return a section's anchor and its title in the menu."""
    return section.anchor, section.name if hasattr(section, "name") else section.task.name


def _scale_title(scale: Scale | None, metric: str) -> str:
    """Describe the ends of a task's scale."""
    if scale is None:
        return "no colour scale"
    zero, one = (numbers.score_with_unit(end, metric) for end in (scale.zero, scale.one))
    return f"0 is {zero}, {scale.zero_is}; 1 is {one}, {scale.one_is}"


def _shade(value: float) -> str:
    """A normalised score in [0, 1] as a colour intensity, stretched near 1, where good models are close together."""
    return f"{value**3:.3f}"


def _share(value: float | None) -> str:
    """Format a share: ``0.0123`` is ``1.23%``."""
    return numbers.NOTHING if value is None else f"{100 * value:.2f}%".replace("-", "\N{MINUS SIGN}")


def _cost(value: float, column: str) -> str:
    """Format a cost with the unit of its column of costs.csv."""
    return COST_FORMATS[column](value)


def _chance(p: float) -> str:
    """Format a p-value with two digits."""
    return f"< {LEAST}" if p < LEAST else f"{p:.2g}"


def _p_value(p: float) -> str:
    return f"p < {LEAST}" if p < LEAST else f"p = {p:.2g}"


SIGNS = {
    "reproduced": ("\N{CHECK MARK}", "good"),
    "above": ("\N{UPWARDS ARROW}", ""),
    "below": ("\N{DOWNWARDS ARROW}", "warn"),
    "undecided": ("?", "warn"),
}
"""Verdicts are drawn as a sign and a colour; "not comparable" is a dot."""


def _change_interval(found: Compared, method: str, task: Task) -> str:
    """Format the interval of a compressed model's change, in the direction of the change that stands beside it."""
    assert found.low is not None
    assert found.high is not None
    is_higher = (found.better == method) == (task.direction == "maximise")
    ends = (found.low, found.high) if is_higher else (-found.high, -found.low)
    return " to ".join(numbers.difference(end, task.primary) for end in ends)


def _verdict_sign(verdict: Verdict) -> str:
    return SIGNS.get(verdict.name, ("\N{MIDDLE DOT}", ""))[0]


def _verdict_colour(verdict: Verdict) -> str:
    return SIGNS.get(verdict.name, ("", ""))[1]


def _splits(record: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Return what a record says of each split: train, validation, test, then any other."""
    order = dict.fromkeys(("train", "validation", "test", *sorted(record or {})))
    return [(split, record[split]) for split in order if record and split in record]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    for name in ("score", "deviation", "difference", "count", "size", "seconds", "milliseconds", "ratio"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters |= {
        "metric_name": numbers.metric_name,
        "metric_unit": numbers.metric_unit,
        "link": _link,
        "name": _name,
        "splits": _splits,
        "origins": origins,
        "source": _source,
        "link_of": _link_of,
        "scale_title": _scale_title,
        "shade": _shade,
        "share": _share,
        "chance": _chance,
        "p_value": _p_value,
        "cost": _cost,
        "change_interval": _change_interval,
        "verdict_sign": _verdict_sign,
        "verdict_colour": _verdict_colour,
    }
    return environment.get_template("page.html")
