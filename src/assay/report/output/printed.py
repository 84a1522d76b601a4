# SPDX-License-Identifier: Apache-2.0
"""The report's main tables as text, for Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.report.formatting import numbers
from assay.report.results.tables import Rows
from assay.report.sections.task import Section
from assay.tasks.metric import ITEM


class Strong(str):
    """A cell in bold."""


class Link(str):
    """A cell that is a web address."""


@dataclass(frozen=True)
class Table:
    """A table of plain text; a cell may be ``Strong`` or a ``Link``."""

    name: str
    title: str
    head: list[str]
    rows: list[list[str]]


def tables_of(view: Mapping[str, Any]) -> list[Table]:
    """Return the matrix, each task's ranks, published values and compression, the findings and the failures."""
    sections = view["sections"]
    found = [_matrix(view)]
    for section in sections:
        found += [_ranks(section), _published(section), _compression(section)]
    found += [_findings(view), _failures(view["failures"])]
    return [table for table in found if table.rows]


def _matrix(view: Mapping[str, Any]) -> Table:
    sections = view["sections"]
    head = ["Model", "Family", "Parameters", *(f"{each.task.name}, {_named(each)}" for each in sections)]
    rows = []
    for row in view["matrix"]:
        name = row["model"].name
        mark = " (control)" if row["control"] else ""
        cells = [_square(section, name) for section in sections]
        rows.append([f"{name}{mark}", row["model"].family, row["parameters_text"], *cells])
    if any(section.task.optimum for section in sections):
        known = [numbers.score(section.task.optimum, section.task.primary) for section in sections]
        rows.append(["known optimum (control)", "computed", numbers.NOTHING, *known])
    return Table("matrix", "Models by tasks", head, rows)


def _square(section: Section, model: str) -> str:
    square, metric = section.squares.get(model), section.task.primary
    if square is None:
        return numbers.NOTHING
    if square.score is None:
        return square.summary.troubles[0][0]
    rank = f", rank {section.rank_of(model)}" if model in section.analysis.ranks else ""
    rank = ", one run" if model in section.analysis.single else rank
    beaten = ", not above control" if square.beaten else ""
    shown = f"{numbers.score(square.score.mean, metric)} ({_interval(section, model) or square.spread}{rank}{beaten})"
    return Strong(shown) if square.best else shown


def _interval(section: Section, model: str) -> str:
    estimate, metric = section.analysis.estimates.get((model, "none")), section.task.primary
    if estimate is None or estimate.low is None:
        return ""
    return f"{numbers.score(estimate.low, metric)} to {numbers.score(estimate.high, metric)}"


def _rank(section: Section, model: str) -> str:
    return "one run" if model in section.analysis.single else section.rank_of(model) or numbers.NOTHING


def _ranks(section: Section) -> Table:
    metric, task = section.task.primary, section.task.name
    head = [
        "Rank",
        "Model",
        f"Score, {_named(section)}",
        "95% interval",
        f"{section.task.run.capitalize()}s",
        "Against the next",
        "p",
    ]
    rows = []
    for each in section.ranked:
        name = each.model.name
        after = section.next_of(name)
        against = (
            f"{numbers.difference(after.difference, metric)} over {after.worse}" if after else numbers.NOTHING
        )
        score = section.squares[name].score
        assert score is not None
        rows.append(
            [
                _rank(section, name),
                f"{name}{' (control)' if each.control else ''}",
                numbers.score(score.mean, metric),
                _interval(section, name) or numbers.NOTHING,
                section.squares[name].spread,
                against,
                f"{after.p_holm:.2g}" if after else numbers.NOTHING,
            ]
        )
    unit, number = section.task.unit, section.analysis.num_units
    over = "" if unit == ITEM or section.analysis.folds else f", over {numbers.count(number)} {unit}s"
    return Table(f"ranks-{task}", f"{task}: ranks of uncompressed models{over}", head, rows)


def _published(section: Section) -> Table:
    metric = section.task.primary
    head = ["Model", f"Measured, {_named(section)}", f"Published, {_named(section)}", "Difference", "Verdict"]
    head += ["Checked at the source", "Source"]
    rows = []
    for row in section.published:
        verdict = section.verdicts.get(row["model"])
        rows.append(
            [
                row["model"],
                numbers.score(row["measured"], metric),
                numbers.score(row["published"], metric),
                numbers.difference(row["difference"], metric),
                f"{verdict.name}: {verdict.why}" if verdict else numbers.NOTHING,
                "yes" if row["read_at_source"] else "no",
                Link(row["source"]),
            ]
        )
    return Table(
        f"published-{section.task.name}", f"{section.task.name}: comparison with published values", head, rows
    )


def _compression(section: Section) -> Table:
    metric = section.task.primary
    head = [
        "Model",
        "Method",
        "Before",
        "After",
        "Change",
        "p",
        "Budget",
        "Gain",
        "Size ratio",
        "Speedup, batch 1",
    ]
    head += ["Speedup, same runtime", "Pairs"]
    rows = []
    for row in section.compression:
        tested = section.analysis.compressed.get((row["model"], row["method"]))
        rows.append(
            [
                row["model"],
                row["method"],
                numbers.score(row["before"], metric),
                numbers.score(row["after"], metric),
                numbers.difference(row["difference"], metric),
                f"{tested.p_holm:.2g}" if tested else numbers.NOTHING,
                row["verdict"] or numbers.NOTHING,
                row["gain"] or numbers.NOTHING,
                numbers.ratio(row["size_ratio"]),
                numbers.ratio(row["speed_batch1"]),
                numbers.ratio(row["speed_batch1_same_runtime"]),
                f"{row['seeds']} of {row['planned']}",
            ]
        )
    return Table(f"compression-{section.task.name}", f"{section.task.name}: compression", head, rows)


def _findings(view: Mapping[str, Any]) -> Table:
    rows = [[each.severity, each.code, each.kind, each.task, each.text] for each in view["findings"]]
    return Table("quality", "Quality findings", ["Severity", "Code", "Kind", "Task", "Finding"], rows)


def _failures(failures: Rows) -> Table:
    rows = [
        [
            *(row[key] for key in ("task", "phase", "status", "reason")),
            "; ".join(f"{model} ({', '.join(seeds)})" for model, seeds in row["cells"].items()),
        ]
        for row in failures
    ]
    return Table("failures", "Failures", ["Task", "Phase", "Status", "Reason", "Models (seeds)"], rows)


def _named(section: Section) -> str:
    metric = section.task.primary
    unit = numbers.metric_unit(metric)
    return f"{numbers.metric_name(metric)}{', ' + unit if unit else ''}"
