"""The separator of rows whose texts hold HTML entities, each of which ends with a semicolon."""

from __future__ import annotations

import csv
import io

import pytest

from assay.data.own.separators import sniff

TEXTS = ["Tom &amp; Ann", "x &lt; y", "it&#39;s &#x27;so&#x27;", "A&nbsp;B &eacute;t&eacute;"]


def rows_in(separator: str, quoting: int) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerow(["text", "price", "label"])
    writer.writerows([TEXTS[i % 4], i, "yes" if i % 2 else "no"] for i in range(40))
    return stream.getvalue()


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("separator", [",", "\t", "|", ";"])
def test_an_entity_separates_nothing(separator, quoting):
    dialect = sniff(rows_in(separator, quoting))
    assert (dialect.separator, dialect.width, dialect.share) == (separator, 3, 1.0)


def test_one_entity_in_every_row_does_not_make_two_columns():
    assert sniff("".join(f"A&amp;B {i},{i}\n" for i in range(40))).separator == ","
    alone = sniff("".join(f"A&amp;B {i}\n" for i in range(40)))
    assert (alone.width, alone.separator) == (1, ",")


def test_what_is_no_entity_may_end_with_the_separator():
    dialect = sniff("".join(f"B&unknownname;{i};x\n" for i in range(40)))
    assert (dialect.separator, dialect.width) == (";", 3)
