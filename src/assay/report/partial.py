# SPDX-License-Identifier: Apache-2.0
"""One page of what has finished at this moment, while a run is at work.

Files may appear, change and vanish while they are read; what cannot be read has not finished. Ranks, verdicts and
findings compare all models of a task, so the page makes them only for tasks of which every variant has finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.paths import STATUS, UNCOMPRESSED
from assay.provenance import records
from assay.report import page
from assay.report.build import Results, all_charts, read, sections_of, view_of
from assay.report.figures import drawing
from assay.report.results.collect import UNFINISHED, Variant
from assay.report.results.tables import failure_rows
from assay.report.sections.across import across_sections
from assay.report.sections.task import Section

NOT_COMPARED = "A partial report is not compared with an earlier run."


def build(
    out: Path,
    *,
    suite: str,
    variants: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
    raw: Mapping[str, Path],
    prepared: Mapping[str, Path],
    validated: Mapping[str, Path],
    provenance: Mapping[str, Any],
    errors: Mapping[Path, str],
    tuned: Sequence[Mapping[str, Any]] = (),
    scope: Sequence[str] = (),
) -> tuple[int, int]:
    """Write the page to ``out``; the other arguments are those of :func:`assay.report.build.build`.

    Returns:
        The number of variants that have finished, failed ones included, and of all that are planned.
    """
    found = read(variants, tasks, models, out.parent, raw, prepared, validated, errors, tuned)
    found = replace(
        found,
        variants=[
            each if has_ended(each, row, errors) else _unfinished(each)
            for each, row in zip(found.variants, variants, strict=True)
        ],
    )
    ended = [each for each in found.variants if each.status != UNFINISHED]
    sections = [each if not each.unfinished else unjudged(each) for each in sections_of(found)]
    view = _view(suite, found, sections, provenance)
    first = _first_line(suite, len(ended), len(found.variants), sections)
    page.write(out, view | {"scope": [first, *scope]}, all_charts(view), drawing.script())
    return len(ended), len(found.variants)


def has_ended(variant: Variant, row: Mapping[str, Any], errors: Mapping[Path, str]) -> bool:
    """Return whether a variant is ok or skipped, or its own records say that it failed."""
    if variant.status in records.ENDED_WELL:
        return True
    phases = (
        ("trained", "evaluated") if row["method"] == UNCOMPRESSED else ("trained", "compressed", "evaluated")
    )
    statuses = [row[phase] / STATUS for phase in phases]
    found = [record for path in statuses if path not in errors and (record := records.find(path))]
    return any(record["status"] not in records.ENDED_WELL for record in found)


def _unfinished(variant: Variant) -> Variant:
    return replace(variant, status=UNFINISHED, reason="", traceback="", metrics={}, history=())


def unjudged(section: Section) -> Section:
    """Return a task's section without what only all of its variants together can show."""
    return replace(
        section,
        analysis=replace(section.analysis, ranks={}, ties={}, neighbours=()),
        squares={name: replace(square, best=False) for name, square in section.squares.items()},
        scale=None,
        gaps={},
        verdicts={},
        scatters=[],
    )


def _view(
    suite: str, found: Results, sections: Sequence[Section], provenance: Mapping[str, Any]
) -> dict[str, Any]:
    judged = [each for each in sections if not each.unfinished]
    ended = [each for each in found.variants if each.status != UNFINISHED]
    view = view_of(suite, found, sections, provenance, ())
    of_judged = view_of(suite, found, judged, provenance, ())
    named = {key: of_judged[key] for key in ("findings", "marks", "pareto", "families", "tradeoff")}
    return view | named | {
        "partial": True,
        "notices": view["notices"] if any(each.ok for each in ended) else [],
        "failures": failure_rows(ended),
        "changed": NOT_COMPARED,
        "across": across_sections([each for section in judged for each in section.summaries], judged),
    }  # fmt: skip


def _first_line(suite: str, ended: int, planned: int, sections: Sequence[Section]) -> str:
    """Return the line that says how much the page holds, and when it was made."""
    judged = [each.task.name for each in sections if not each.unfinished]
    shown = (
        f"shown only for tasks of which all have finished: {', '.join(judged)}" if judged else "not shown yet"
    )
    return (
        f"This page is partial: {ended} of {planned} variants of the suite {suite} had finished at"
        f" {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC. Ranks, verdicts and findings compare all models of a task;"
        f" they are {shown}."
    )
