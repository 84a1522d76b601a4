"""How often the report's tests and intervals are right, on simulated tables: nice python benchmarks/power.py

Prints the table of docs/statistics.md. Tables have 12 models (18 for the winner's interval), 3 seeds and 1,000 items
unless the row says otherwise; tests/report/inference/simulation.py says how they are drawn. --tables 5000 is the full
simulation (some 10 minutes of one quiet core); a share of 5% of them has a standard error of 0.3 points.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.report.inference.simulation import Case, coverage, plan, power, winners

TWO_GROUPS, EQUAL = (0.96,) * 6 + (0.91,) * 6, (0.94,) * 12
SEEDS = {"0.4": (0.004, 0.004), "1": (0.01, 0.01), "2": (0.02, 0.02), "1 and 2": (0.01, 0.02)}
SCORES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
BY_SCORE = tuple(0.18 * score * (1 - score) for score in SCORES)
"""Deviations over seeds: 2.9 points at 80%, 0.5 at 97%."""


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def tell_apart(tables: int) -> None:
    """Print power and false calls."""
    for name, pair in SEEDS.items():
        found, false = power(Case(TWO_GROUPS, pair * 6), max(tables // 10, 20))
        row(f"power per pair, 96 and 91%, seed SD {name} points", percent(found))
        row("... false calls per table between equal models of these", percent(false))
    for name, pair in SEEDS.items():
        row(f"12 equal models, seed SD {name} points", percent(power(Case(EQUAL, pair * 6), tables, 1)[1]))
    hard = Case(EQUAL, SEEDS["1 and 2"] * 6)
    others = {
        "F1": replace(hard, kind="f1"),
        "real values": replace(hard, kind="real"),
        "grouped items": replace(hard, grouped=True),
        "5 seeds": replace(hard, runs=5),
        "half of them without a seed": replace(hard, deviations=(0.0, 0.01) * 6),
    }
    for name, case in others.items():
        row(f"12 equal models, {name}", percent(power(case, tables, 2)[1]))


def cover(tables: int) -> None:
    """Print the coverage of intervals."""
    for runs in (3, 5):
        for grouped in (False, True):
            found = coverage(Case(SCORES, BY_SCORE, runs=runs, grouped=grouped), max(tables // 5, 20))
            by_score = ", ".join(
                f"{100 * score:g}%: {100 * share:.1f}" for score, share in zip(SCORES, found, strict=True)
            )
            items = "grouped" if grouped else "independent"
            row(f"coverage, {runs} seeds, {items} items ({by_score})", percent(float(found.mean())))


def win(tables: int) -> None:
    """Print the coverage of the winner's interval."""
    for items in (300, 1000):
        covered, error, measured = winners(
            Case((0.94,) * 18, (0.01,) * 18, items=items), max(tables // 10, 20)
        )
        row(
            f"winner's interval, 18 equal models, {items:,} items (mean error of the estimate"
            f" {100 * error:.2f} points, of the measured mean {100 * measured:.2f})",
            percent(covered),
        )


def decide(tables: int) -> None:
    """Print the power at the numbers that are planned."""
    case = Case((0.94, 0.94, 0.94, 0.92), (0.008,) * 4, items=500)
    planned = plan(case, 200)
    at = {}
    if planned.items is not None:
        at[f"{planned.items:,} items"] = replace(case, items=planned.items)
    if planned.seeds is not None:
        at[f"{planned.seeds} seeds"] = replace(case, runs=planned.seeds)
    if planned.both is not None:
        items, runs = planned.both
        at[f"{items:,} items and {runs} seeds"] = replace(case, items=items, runs=runs)
    for name, bigger in at.items():
        row(f"power at the planned {name}", percent(power(bigger, max(tables // 10, 20))[0]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=5000)
    tables = parser.parse_args().tables
    np.seterr(all="raise", under="ignore")
    row(f"simulated, {tables:,} tables for false calls", "")
    row("---", "---")
    for part in (tell_apart, cover, win, decide):
        part(tables)


if __name__ == "__main__":
    main()
