"""AG News: 7,600 titles and first sentences of news articles, four topics; upstream's test file alone.

Source: Zhang, Zhao, LeCun, "Character-level Convolutional Networks for Text Classification", NIPS 2015,
https://arxiv.org/abs/1509.01626.

Upstream lost something on its way from HTML, and ``mend`` puts it right. A backslash stands for a line
break, or before a dollar sign; it becomes a blank. The ampersand of an entity became a blank, as in
``doesn #39;t`` or `` quot;Yes, quot; he said``; it is put back in that blank's place, and the entities, these
and the whole ones such as ``&lt;``, become the characters that they name. Tags that come to light so, such as
``<B>``, are replaced by a blank; ``<TXN.N>`` is a share and stays.
"""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.data import download
from assay.data.declarations import Source, TextAugmentation
from assay.data.download import RemoteFile
from assay.data.expectations import text as text_expectations
from assay.data.preparation import text
from assay.data.synthetic import sentences
from assay.files import write_text

CLASSES = ("World", "Sports", "Business", "Sci/Tech")
TEST_FRACTION = 0.15
LONGEST = 64  # tokens; one text in twenty-five is longer
_FILE = "test.csv"
_LABELS = ("1", "2", "3", "4")  # in the order of CLASSES
_TWIN_ITEMS = 50  # of each class
_TITLE_WORDS = 4  # of the twin
_CUT_ENTITY = re.compile(r"(?:^| )(?=(?:#\d{2,4}|quot|amp|lt|gt|nbsp|hellip);)")
_TAG = re.compile(r"</?(?:a|b|br|em|font|i|img|nobr|p|strong)\b[^<>]*>", re.IGNORECASE)


def _remote(name: str, size: int, sha256: str) -> RemoteFile:
    host = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras"
    commit = "555590db4219b1243abb1918effd6a7425a2d75f"
    return RemoteFile("ag_news", name, (f"{host}/{commit}/data/ag_news_csv/{name}",), size, sha256)


SOURCE = Source(
    name="ag_news",
    files=(
        _remote(_FILE, 1_857_427, "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699"),
        _remote("readme.txt", 1_795, "779c2e6bbf93dd810d9c7b318006daef7a4bfc34062002461d251dc10fb9f58c"),
    ),
    licence=(
        'none; readme.txt: "provided by the academic comunity for research purposes in data mining, [...] and'
        ' any other non-commercial activity"'
    ),
    citation=(
        "Zhang, Zhao, LeCun (2015). Character-level Convolutional Networks for Text Classification. NIPS"
        " 2015. Source corpus: A. Gulli, AG corpus of news articles."
    ),
    homepage="http://www.di.unipi.it/~gulli/AG_corpus_of_news_articles.html",
    quirks=(
        "Upstream's test file alone, 7600 of its 127,600 items: train, validation and test are drawn from it,"
        " so that published values, which train on 120,000 items and test on all of these, are not comparable."
        " Upstream's train file is left out because no sha256 of it is known. Exactly balanced (1900 a class)."
        " No repeated items. HTML remnants and backslashes are mended in reading."
    ),
)

AUGMENTATION = TextAugmentation(drop=0.1, swap=0.05)


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring upstream's files into ``raw``; return their addresses, sizes and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    return download.describe(download.fetch(SOURCE.files, raw, mirror=mirror))


def make_twin(raw: Path, seed: int) -> None:
    """Write a made dataset of the same shape into ``raw``, in upstream's file and with its remnants."""
    drawn, labels = sentences.draw_sentences(
        np.random.default_rng([seed, *SOURCE.name.encode()]), num_classes=len(CLASSES), per_class=_TWIN_ITEMS
    )
    table = io.StringIO()
    writer = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for words, label in zip(drawn, labels, strict=True):
        title, first, rest = words[:_TITLE_WORDS], words[_TITLE_WORDS], words[_TITLE_WORDS + 1 :]
        description = f'"{first}" #39;s\\{" ".join(rest)} quot;.&lt;b&gt;'
        writer.writerow([_LABELS[label], " ".join(title), description])
    write_text(raw / _FILE, table.getvalue())


@dataclass(frozen=True)
class Article:
    """What upstream's file says of an article, mended."""

    label: int
    title: str
    description: str


def read_articles(raw: Path) -> list[Article]:
    """Return what upstream's file holds.

    Raises:
        ValueError: the file is not UTF-8 or not CSV, or a row has not a topic, a title and a description.
    """
    path = raw / _FILE
    return [
        Article(
            text.require_label(path, row, topic, _LABELS),
            text.require_text(path, row, mend(title)),
            text.require_text(path, row, mend(description)),
        )
        for row, (topic, title, description) in text.read_table(path, encoding="utf-8", num_columns=3)
    ]


def read(raw: Path) -> text.TextSet:
    """Return what upstream's file holds, title and description in one.

    Raises:
        ValueError: as :func:`read_articles`.
    """
    found = read_articles(raw)
    labels = np.array([article.label for article in found], dtype=np.int64)
    texts = [f"{article.title} {article.description}" for article in found]
    return text.TextSet(texts, labels, np.full(len(texts), ""), CLASSES)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return text.prepare(
        read(raw),
        out,
        dataset=out.name,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
        longest=LONGEST,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return text_expectations.build(
        counts,
        num_classes=len(CLASSES),
        class_share=(0.22, 0.28),
        characters=(30, 1200),
        most_unknown=0.1,
    )


def mend(field: str) -> str:
    """Return the field as it was before backslashes and HTML came into it."""
    return _TAG.sub(" ", html.unescape(_CUT_ENTITY.sub("&", field.replace("\\", " "))))
