"""Dates: one reading each, always the same bytes, and a bad row is named."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from assay.data.datasets.text import dates
from assay.data.download import DownloadError
from assay.files import sha256


@pytest.mark.parametrize(
    ("language", "form", "written"),
    [
        ("en", "medium", "Mar 5, 1987"),
        ("de", "medium", "05.03.1987"),
        ("fr", "full", "jeudi 5 mars 1987"),
        ("es", "long", "5 de marzo de 1987"),
        ("ja", "long", "1987年3月5日"),
        ("pl", "long", "5 marca 1987"),
    ],
)
def test_writes_as_the_language_does(language: str, form: str, written: str) -> None:
    assert dates.write_date(datetime.date(1987, 3, 5), form, language) == written


def test_all_written_dates_are_distinct() -> None:
    """Over one leap year: each date has the year with four digits, and no other number with four."""
    days = [datetime.date(2012, 1, 1) + datetime.timedelta(days=day) for day in range(366)]
    read: dict[str, datetime.date] = {}
    for date in days:
        for language in dates.LANGUAGES:
            for form in dates.FORMS:
                written = dates.write_date(date, form, language)
                assert "2012" in written
                assert read.setdefault(written, date) == date
                assert len(written) <= dates.DATASET.longest[0]


def test_writes_the_declared_bytes(tmp_path: Path) -> None:
    [declared] = dates.DATASET.source.files
    dates.DATASET.fetch(tmp_path, mirror=None)
    assert sha256(tmp_path / "dates.tsv") == declared.sha256
    pair_set = dates.DATASET.read(tmp_path)
    assert len(set(pair_set.sources)) == len(pair_set) == 8000


def test_other_draws_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"^dates/dates.tsv: generated with other bytes: [^\n]+$"):
        replace(dates.DATASET, seed=1).fetch(tmp_path, mirror=None)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("5 mars 1987", "1 columns, expected 2"),
        (" \t1987-03-05", "the text is empty"),
        ("5 mars 1987\t5.3.1987", "'5.3.1987' is not a date"),
    ],
)
def test_names_a_bad_row(line: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "dates.tsv").write_text(f"5 mars 1987\t1987-03-05\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"dates.tsv: row 2: {found}[^\n]*delete the file"):
        dates.DATASET.read(tmp_path)
