"""The main tables as Markdown, for a pull request or docs/results.md."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from assay.report import formats
from assay.report.summaries import Square


class Marked(str):
    """Text that is Markdown already."""


def render(view: Mapping[str, Any]) -> str:
    """Return the matrix, the published values, the compression and the failures as Markdown tables."""
    tally = view["tally"]
    parts = [
        f"# Assay: suite {text(view['suite'])}",
        f"{tally['ok']} of {tally['planned']} variants ok, {tally['failed']} failed,"
        f" {tally['not_run']} not run, {tally['skipped']} skipped. Commit {text(view['commit'] or 'not recorded')}"
        f"{' with uncommitted changes' if view['dirty'] else ''}."
        f" Last result: {text(view['finished'] or 'none')}.",
        *(f"> {text(notice)}" for notice in view["notices"]),
        "## Models by tasks",
        "Mean of the primary metric on the test set ± standard deviation over seeds. **Bold**: best mean of"
        " the column; no test of significance has been made.",
        _matrix(view),
    ]
    for section in view["sections"]:
        parts += _section(section)
    parts.append("## Failures")
    if view["failures"]:
        parts.append(
            table(
                ("Task", "Phase", "Status", "Reason", "Models (seeds)"),
                [
                    [
                        *(row[key] for key in ("task", "phase", "status", "reason")),
                        "; ".join(f"{model} ({', '.join(seeds)})" for model, seeds in row["cells"].items()),
                    ]
                    for row in view["failures"]
                ],
            )
        )
    else:
        parts.append("None.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _matrix(view: Mapping[str, Any]) -> str:
    sections = view["sections"]
    head = ["Model", "Family", "Parameters"]
    head += [f"{section.task.name}, {_named(section.task.primary)}" for section in sections]
    rows = []
    for row in view["matrix"]:
        name = row["model"].name
        cells = [_square(section.squares.get(name), section.task.primary) for section in sections]
        mark = " (control)" if row["control"] else ""
        rows.append([f"{name}{mark}", row["model"].family, row["parameters_text"], *cells])
    if any(section.task.optimum for section in sections):
        known = [formats.score(section.task.optimum, section.task.primary) for section in sections]
        rows.append(["known optimum (control)", "worked out", formats.NOTHING, *known])
    return table(head, rows) if rows else ""


def _square(square: Square | None, metric: str) -> str:
    if square is None:
        return formats.NOTHING
    if square.score is None:
        return square.summary.troubles[0][0]
    shown = formats.score(square.score.mean, metric)
    if square.score.deviation is not None:
        shown += f" ± {formats.deviation(square.score.deviation, metric)}"
    rest = f"({square.spread}{'; not above control' if square.beaten else ''})"
    return Marked(f"**{shown}** {rest}") if square.best else f"{shown} {rest}"


def _section(section: Any) -> list[str]:
    metric = section.task.primary
    parts = []
    if section.published:
        parts += [
            f"### {text(section.task.name)}: beside published values",
            table(
                (
                    "Model",
                    f"Measured, {_named(metric)}",
                    f"Published, {_named(metric)}",
                    "Difference",
                    "Comparable",
                    "Read at source",
                    "Source",
                ),
                [
                    [
                        row["model"],
                        formats.score(row["measured"], metric),
                        formats.score(row["published"], metric),
                        formats.difference(row["difference"], metric),
                        f"{'yes' if row['comparable'] else 'no'}: {row['why']}",
                        "yes" if row["read_at_source"] else "no",
                        Marked(f"[source]({row['source']})"),
                    ]
                    for row in section.published
                ],
            ),
        ]
    if section.compression:
        parts += [
            f"### {text(section.task.name)}: compression",
            table(
                ("Model", "Method", "Before", "After", "Change", "Size ratio", "Speed-up, batch 1", "Pairs"),
                [
                    [
                        row["model"],
                        row["method"],
                        formats.score(row["before"], metric),
                        formats.score(row["after"], metric),
                        formats.difference(row["difference"], metric),
                        formats.ratio(row["size_ratio"]),
                        formats.ratio(row["speed_batch1"]),
                        f"{row['seeds']} of {row['planned']}",
                    ]
                    for row in section.compression
                ],
            ),
        ]
    return parts


def _named(metric: str) -> str:
    unit = formats.metric_unit(metric)
    return f"{formats.metric_name(metric)}{', ' + unit if unit else ''}"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table; cells become text unless they are ``Marked``."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(text, line)) + " |" for line in lines)


def text(value: Any) -> str:
    """Return any value as Markdown that shows it as text, on one line."""
    if isinstance(value, Marked):
        return value
    escaped = html.escape(" ".join(str(value).split()), quote=False).replace("\\", "\\\\")
    for mark in "|*_`[]~#":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped
