# SPDX-License-Identifier: Apache-2.0
"""Dates: 8,000 dates as twelve languages write them, each to be written as ISO 8601 (``1987-03-05``).

Nothing is downloaded: the pairs are drawn here, always the same ones, by Babel's tables of how languages
write dates. A date stands in one of three forms: long (``5 de marzo de 1987``), full (with its day of the week)
or medium, where that names the year with four digits. No two dates are written alike, so that one who knows the
twelve languages is always right: the optimum is 100%.

Source: of the task, the tutorials on attention that have had it since 2017, such as
https://github.com/datalogue/keras-attention; of the forms, the Unicode Common Locale Data Repository by way of
Babel, https://babel.pocoo.org.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.families.generated import Generated, generated_file
from assay.data.families.pairs import Pairs
from assay.data.preparation import pairs, text

LANGUAGES = ("de", "el", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr")
FORMS = ("medium", "long", "full")
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)


def write_date(date: datetime.date, form: str, language: str) -> str:
    """Return a date as a language writes it, with blanks where the language has narrow or unbreakable ones."""
    from babel.dates import format_date  # half a second, which only the making of dates needs

    return " ".join(format_date(date, form, locale=language).split())


def _require_date(path: Path, row: int, field: str) -> str:
    try:
        return datetime.date.fromisoformat(field).isoformat()
    except ValueError:
        raise text.bad_row(path, row, f"{field!r} is not a date as in 1987-03-05") from None


def _draw_table(rng: random.Random, num_items: int) -> str:
    """Return distinct pairs, one a line."""
    drawn: dict[str, str] = {}  # keeps its order
    while len(drawn) < num_items:
        date = FIRST + datetime.timedelta(days=rng.randrange((LAST - FIRST).days + 1))
        drawn.setdefault(write_date(date, rng.choice(FORMS), rng.choice(LANGUAGES)), date.isoformat())
    return "".join(f"{source}\t{target}\n" for source, target in drawn.items())


@dataclass(frozen=True, kw_only=True)
class Dates(Generated, Pairs):
    """A date, a tab and its ISO 8601 form a line."""

    def read(self, raw: Path) -> pairs.PairSet:
        """Return the dates as they are written, and in ISO 8601."""
        path = self.file(raw)
        sources, targets = [], []
        for row, (source, target) in text.read_columns(path, num_columns=2):
            sources.append(text.require_text(path, row, source))
            targets.append(_require_date(path, row, target))
        return pairs.PairSet(sources, targets, np.full(len(sources), ""))


DATASET: Dataset = Dates(
    source=Source(
        name="dates",
        files=generated_file(
            "dates", "dates.tsv", 247_763, "8d4a837f457a96570d7b504480b7e9d93b04ae89a225c0911b92f051bb3b7539"
        ),
        licence="Apache-2.0, as this project, which made it; the forms are those of the Unicode CLDR (Unicode-3.0)",
        citation="none: made by this project with Babel 2.18, which has its tables from the Unicode CLDR.",
        homepage="https://babel.pocoo.org",
        quirks=(
            "Made, so it says nothing about dates in the wild: no two-digit years, no misspelling, one form a"
            " language and length. Every date of 1900 to 2099 is as likely as any other. No repeated pairs."
        ),
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),  # either would turn one date into another
    draw=_draw_table,
    num_items=8000,
    num_twin_items=300,
    remedy="use the version of Babel that requirements.lock names",
    test_fraction=0.15,
    build_tokenizer=pairs.characters,
    longest=(48, 10),  # no date is longer
    source_characters=(8, 48),
    target_characters=(10, 10),
    most_unknown=0.02,
    optimum={"exact_match": 1.0},
)
