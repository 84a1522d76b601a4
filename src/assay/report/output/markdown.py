# SPDX-License-Identifier: Apache-2.0
"""The main tables as Markdown, for a pull request or docs/results.md."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from assay.report.output.printed import Link, Strong, Table


def render(view: Mapping[str, Any], tables: Sequence[Table]) -> str:
    """Return the status of the run and the tables as Markdown."""
    tally = view["tally"]
    parts = [
        f"# Assay: suite {text(view['suite'])}",
        f"{tally['ok']} of {tally['planned'] - tally['skipped']} variants ok, {tally['failed']} failed,"
        f" {tally['not_run']} not run, {tally['skipped']} skipped. Commit {text(view['commit'] or 'not recorded')}"
        f"{' with uncommitted changes' if view['dirty'] else ''}."
        f" Last result: {text(view['finished'] or 'none')}.",
        *(f"> {text(line)}" for line in (*view["scope"], *view["notices"])),
        "Means of the primary metric on the test set, with 95% intervals over seeds and test items, or over the task's"
        " unit of independence, such as patients. A rank such as 2-4 is the range that paired tests of all pairs allow,"
        " at 5% together; a model with one seed, if it depends on the seed, is one run and has no rank. **Bold**: best"
        " mean of the column, which need not be the best model.",
    ]
    for each in tables:
        parts += [f"## {text(each.title)}", table(each.head, each.rows)]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def cell(value: Any) -> str:
    if isinstance(value, Strong):
        return f"**{text(value)}**"
    return f"[source]({value})" if isinstance(value, Link) else text(value)


def text(value: Any) -> str:
    """Return any value as Markdown that shows it as text, on one line."""
    escaped = html.escape(" ".join(str(value).split()), quote=False).replace("\\", "\\\\")
    for mark in "|*_`[]~#":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped
