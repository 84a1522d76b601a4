# SPDX-License-Identifier: Apache-2.0
"""The sections on the whole run: status counts, notices, the matrix, families, compression and cost."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.paths import UNCOMPRESSED
from assay.report.figures import diagrams, pareto
from assay.report.figures.plots import Chart
from assay.report.formatting import numbers
from assay.report.results import compression
from assay.report.results.collect import NOT_RUN, UNFINISHED, Model, Sheet, Variant
from assay.report.results.summaries import Summary
from assay.report.results.tables import Rows
from assay.report.sections.task import COSTS, Section

GAINS = (
    ("size_ratio", "times smaller on disk", "size"),
    ("speed_batch1", "times faster at batch 1", "speed"),
)
"""The axes of the compression figures: key in the rows, title of the axis, key of the figure."""
RATIOS = ("size_ratio", "zipped_ratio", "speed_batch1", "speed_batch64")


@dataclass(frozen=True)
class Family:
    """A model family across tasks, as the page shows it; tuned rows are a family of their own."""

    name: str
    anchor: str
    models: list[str]
    rows: Rows
    chart: Chart | None


def tally(variants: Sequence[Variant], tasks: int, models: int) -> dict[str, int]:
    """Return the number of variants by status."""
    ok = sum(each.ok for each in variants)
    skipped = sum(each.status == "skipped" for each in variants)
    not_run = sum(each.status in (NOT_RUN, UNFINISHED) for each in variants)
    return {
        "ok": ok,
        "skipped": skipped,
        "not_run": not_run,
        "failed": len(variants) - ok - skipped - not_run,
        "planned": len(variants),
        "tasks": tasks,
        "models": models,
    }


def notices(
    variants: Sequence[Variant],
    sheets: Sequence[Sheet],
    hosts: Sequence[tuple[str, int]],
    commits: Sequence[tuple[str, int]],
    provenance: Mapping[str, Any],
) -> list[str]:
    """Return the notices that a reader must see before trusting a number."""
    lines = []
    if not variants:
        lines.append("This suite plans no variants.")
    elif not any(each.ok for each in variants):
        lines.append("No variant has finished: this report holds no results, only the failures.")
    twins = [sheet.name for sheet in sheets if sheet.twin]
    if twins:
        lines.append(
            f"Synthetic twins replace {', '.join(twins)}: these numbers show that the pipeline works and"
            " say nothing about the models' quality on the real data."
        )
    if provenance.get("dirty"):
        lines.append("The working tree had uncommitted changes when this report was built.")
    if len(commits) > 1:
        lines.append(
            f"The variants were made at {len(commits)} different states of the code; see Provenance."
        )
    if len(hosts) > 1:
        lines.append(f"Costs were measured on {len(hosts)} different hosts and may not be comparable.")
    return lines


def counted(values: Iterable[str]) -> list[tuple[str, int]]:
    """Return distinct non-empty values with their counts, most common first, ties by name."""
    return sorted(Counter(value for value in values if value).items(), key=lambda item: (-item[1], item[0]))


def matrix_rows(sections: Sequence[Section], models: Mapping[str, Model]) -> Rows:
    """Return the matrix's rows, models of one family together in the order of their first member."""
    used = [name for name in models if any(name in section.squares for section in sections)]
    families = list(dict.fromkeys(models[name].family for name in used))
    rows = []
    for name in sorted(used, key=lambda name: families.index(models[name].family)):
        mine = [section.squares[name] for section in sections if name in section.squares]
        sizes = sorted(
            {round(number) for square in mine if (number := square.summary.cost("parameters")) is not None}
        )
        rows.append(
            {
                "model": models[name],
                "control": all(square.summary.control for square in mine),
                "parameters": sizes[-1] if sizes else None,
                "parameters_text": " to ".join(
                    numbers.count(number) for number in dict.fromkeys((sizes[0], sizes[-1]))
                )
                if sizes
                else numbers.NOTHING,
            }
        )
    return rows


def quality_and_cost(sections: Sequence[Section], families: Sequence[str]) -> list[Chart]:
    """Return the uncompressed models' quality against each cost, one small plot per task."""
    caption = (
        "Uncompressed models, mean over seeds, controls excluded. The cost axis is logarithmic; each task has its own"
        " scales. The line is the Pareto front: the models that no other model beats in both."
    )
    summaries = {section.task.name: section.summaries for section in sections}
    return [
        Chart(f"pareto-{key}", f"Quality against {title.split(',')[0]}", caption, plot)
        for cost, title, key in COSTS
        if (plot := pareto.of_all_tasks(summaries, cost, title, families)) is not None
    ]


def families(sections: Sequence[Section], models: Mapping[str, Model]) -> list[Family]:
    """Return the model families, controls excluded, each across the tasks for which it was planned."""
    found = []
    members: dict[tuple[str, bool], list[str]] = defaultdict(list)
    planned = [square for each in sections for square in each.squares.values() if not square.summary.control]
    for name, model in models.items():
        mine = [each for each in planned if each.summary.model.name == name]
        for tuned in dict.fromkeys(each.summary.tuned for each in mine):
            members[model.family, tuned].append(name)
    for number, ((family, tuned), names) in enumerate(members.items(), 1):
        anchor = f"family-{number}"
        points = [point for section in sections for point in _points(section, names, tuned)]
        plot = diagrams.family(points)
        caption = "One point per model of the family; scores far beyond the ends of the scale are drawn at its edge."
        chart = Chart(anchor, "Normalised scores", caption, plot) if plot and len(names) > 1 else None
        rows = [row for section in sections for row in _best_member(section, names, tuned)]
        found.append(Family(f"{family}, tuned" if tuned else family, anchor, names, rows, chart))
    return found


def _planned(section: Section, names: Sequence[str], tuned: bool) -> list[str]:
    """Return those of some models that were planned on a task, tuned or with fixed hyperparameters."""
    return [
        name
        for name in names
        if (square := section.squares.get(name)) is not None and square.summary.tuned == tuned
    ]


def _points(section: Section, names: Sequence[str], tuned: bool) -> Rows:
    metric, scale = section.task.primary, section.scale
    scored = [(name, section.squares[name].score) for name in _planned(section, names, tuned)]
    return [
        {
            "task": section.task.name,
            "model": name,
            "normalised": scale.of(score.mean) if scale and scale.fixed else None,
            "shown": numbers.score_with_unit(score.mean, metric),
        }
        for name, score in scored
        if score
    ]


def _best_member(section: Section, names: Sequence[str], tuned: bool) -> Rows:
    """Return the row of a family's best model on a task; empty if the family is not planned there."""
    planned = _planned(section, names, tuned)
    ranked = [each for each in section.ranked if not each.control and each.tuned == tuned]
    best = next((each for each in ranked if each.model.name in planned), None)
    task = {"task": section.task.name, "metric": section.task.primary, "model": None}
    if not planned:
        return []
    if best is None:
        troubles = [status for name in planned for status, _ in section.squares[name].summary.troubles]
        return [{**task, "status": ", ".join(dict.fromkeys(troubles))}]
    return [{**task, **_standing(section, best, ranked[0])}]


def _standing(section: Section, mine: Summary, top: Summary) -> dict[str, Any]:
    """Return a model's results on a task and its gap to the best of all models."""
    name, metric = mine.model.name, section.task.primary
    score, best = mine.score(metric), top.score(metric)
    assert score is not None
    assert best is not None
    estimate = section.analysis.estimates.get((name, mine.method))
    return {
        "model": name,
        "mean": score.mean,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "rank": section.rank_of(name),
        "place": section.place_of(name),
        "normalised": section.scale.of(score.mean) if section.scale and section.scale.fixed else None,
        "behind": abs(score.mean - best.mean),
        **{key: mine.cost(key) for key in ("size_bytes", "train_seconds", "latency_ms_batch1")},
    }


def trade_off(sections: Sequence[Section]) -> dict[str, Any]:
    """Return what each compression method gains and loses over all tasks, as table rows and plots."""
    rows = [row for section in sections for row in section.compression]
    caption = (
        "One point per model and method on a task. Score kept is the test score after compression as a share of"
        " the score before; points beyond 80% or 110% are drawn at the edge. The line is the Pareto front: the points"
        " that no other beats in both."
    )
    charts = [
        Chart(f"trade-off-{key}", f"Score kept against {title}", caption, plot)
        for gain, title, key in GAINS
        if (plot := pareto.trade_off(rows, gain, title)) is not None
    ]
    methods = dict.fromkeys(row["method"] for row in rows)
    return {"rows": [_method(name, rows, sections) for name in methods], "charts": charts}


def _method(method: str, rows: Rows, sections: Sequence[Section]) -> dict[str, Any]:
    mine = [row for row in rows if row["method"] == method]
    lost = [row["lost"] for row in mine if row["lost"] is not None]
    tested = [
        found
        for section in sections
        for (_, name), found in section.analysis.compressed.items()
        if name == method
    ]
    return {
        "method": method,
        "models": len(mine),
        **{key: _median(_like(row, key) for row in mine) for key in RATIOS},
        "lost": _median(lost),
        "most": max(lost, default=None),
        "worse": sum(found.separable and found.worse != UNCOMPRESSED for found in tested),
        **{name: sum(row["verdict"] == name for row in mine) for name in ("within", "beyond", "undecided")},
        "judged": sum(bool(row["gain"]) for row in mine),
        "gains": sum(row["gain"] not in ("", compression.NO_GAIN) for row in mine),
        "left_out": sum(
            sum(row["models"].values())
            for section in sections
            for row in section.not_compressed
            if row["method"] == method
        ),
    }


def _like(row: Mapping[str, Any], key: str) -> float | None:
    """Return a ratio over the same runtime at full precision if it is known, else over the uncompressed model."""
    same: float | None = row.get(f"{key}_same_runtime")
    ratio: float | None = row[key]
    return ratio if same is None else same


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def spent(variants: Sequence[Variant]) -> dict[str, Any]:
    """Return the cost of the run: seconds, peak memory, rows by task and a plot by family."""
    trainings = {(each.task, each.model, each.seed): each for each in variants}
    tasks: dict[str, list[Variant]] = defaultdict(list)
    for each in variants:
        tasks[each.task].append(each)
    by_family: dict[tuple[str, str], float] = defaultdict(float)
    for each in trainings.values():
        by_family[each.task, each.family] += each.train_seconds or 0.0
    for each in variants:
        by_family[each.task, each.family] += each.seconds - (each.train_seconds or 0.0)
    total = sum(by_family.values())
    rows = [_spent(name, mine, total) for name, mine in tasks.items()]
    plot = diagrams.spent(
        [
            {"task": task, "family": family, "seconds": seconds}
            for (task, family), seconds in by_family.items()
        ]
    )
    caption = "Seconds of training, compression and evaluation, by family."
    return {
        "seconds": total,
        "peak": max((row["peak"] for row in rows if row["peak"] is not None), default=None),
        "rows": rows if total else [],
        "chart": Chart("spent", "Time by task", caption, plot) if plot else None,
    }


def _spent(task: str, variants: Sequence[Variant], total: float) -> dict[str, Any]:
    cells = {(each.model, each.seed): each.train_seconds or 0.0 for each in variants}
    longest = max(cells, key=cells.__getitem__)
    training = sum(cells.values())
    rest = sum(each.seconds - (each.train_seconds or 0.0) for each in variants)
    peaks = [each.peak_memory_bytes for each in variants if each.peak_memory_bytes is not None]
    return {
        "task": task,
        "fine": sum(each.ok for each in variants),
        "planned": len(variants),
        "training": training,
        "rest": rest,
        "seconds": training + rest,
        "share": (training + rest) / total if total else 0.0,
        "peak": max(peaks, default=None),
        "longest": f"{longest[0]}, seed {longest[1]}" if cells[longest] else "",
        "longest_seconds": cells[longest],
    }
