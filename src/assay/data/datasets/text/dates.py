"""Dates: 8,000 dates as twelve languages write them, each to be written as ISO 8601 (``1987-03-05``).

Nothing is downloaded: :func:`fetch` writes the pairs, always the same ones, by Babel's tables of how languages
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
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.declarations import Source, TextAugmentation
from assay.data.download import DownloadError, RemoteFile, check_bytes
from assay.data.expectations import pairs as pair_expectations
from assay.data.preparation import pairs, text
from assay.files import replacing, write_text

LANGUAGES = ("de", "el", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr")
FORMS = ("medium", "long", "full")
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
TEST_FRACTION = 0.15
LONGEST = (48, 10)  # characters; no date is longer
OPTIMUM = {"exact_match": 1.0}
_ITEMS, _TWIN_ITEMS = 8000, 300
_SEED = 0

_FILE = RemoteFile(
    "dates",
    "dates.tsv",
    ("package:assay/assay/data/datasets/text/dates.py",),
    247_763,
    "8d4a837f457a96570d7b504480b7e9d93b04ae89a225c0911b92f051bb3b7539",
)

SOURCE = Source(
    name="dates",
    files=(_FILE,),
    licence="Apache-2.0, as this project, which made it; the forms are those of the Unicode CLDR (Unicode-3.0)",
    citation="none: made by this project with Babel 2.18, which has its tables from the Unicode CLDR.",
    homepage="https://babel.pocoo.org",
    quirks=(
        "Made, so it says nothing about dates in the wild: no two-digit years, no misspelling, one form a"
        " language and length. Every date of 1900 to 2099 is as likely as any other. No repeated pairs."
    ),
)

AUGMENTATION = TextAugmentation(drop=0.0, swap=0.0)  # either would turn one date into another


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG001 (no mirror is needed)
    """Write the pairs into ``raw``; return their address, size and sha256.

    Raises:
        DownloadError: this Python or this Babel writes other dates.
    """
    with replacing(raw / _FILE.name) as aside:
        aside.write_text(_draw_table(random.Random(_SEED), _ITEMS), encoding="utf-8")
        wrong = check_bytes(aside, _FILE)
        if wrong:
            raise DownloadError(
                f"dates/{_FILE.name}: made with other bytes: {wrong}, expected {_FILE.size} bytes with sha256"
                f" {_FILE.sha256}; use the version of Babel that requirements.lock names"
            )
    return {_FILE.name: {"url": _FILE.urls[0], "size": _FILE.size, "sha256": _FILE.sha256}}


def make_twin(raw: Path, seed: int) -> None:
    """Write fewer dates of the same forms into ``raw``."""
    write_text(raw / _FILE.name, _draw_table(random.Random(f"twin {seed}"), _TWIN_ITEMS))


def read(raw: Path) -> pairs.PairSet:
    """Return the dates as they are written, and in ISO 8601.

    Raises:
        ValueError: the file is not UTF-8, or a row has not two columns or not a date in the second.
    """
    path = raw / _FILE.name
    sources, targets = [], []
    for row, line in enumerate(text.read_lines(path, encoding="utf-8"), start=1):
        fields = line.split("\t")
        if len(fields) != 2:
            raise text.bad_row(path, row, f"{len(fields)} columns, expected 2")
        sources.append(text.require_text(path, row, fields[0]))
        targets.append(_require_date(path, row, fields[1]))
    return pairs.PairSet(sources, targets, np.full(len(sources), ""))


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return pairs.prepare(
        read(raw),
        out,
        dataset=out.name,
        build_tokenizer=pairs.characters,
        longest=LONGEST,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
        optimum=OPTIMUM,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return pair_expectations.build(
        counts, source_characters=(8, 48), target_characters=(10, 10), most_unknown=0.02
    )


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
