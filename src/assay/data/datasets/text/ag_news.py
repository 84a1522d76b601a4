# SPDX-License-Identifier: Apache-2.0
"""AG News: 7,600 titles and first sentences of news articles, four topics; only upstream's test file.

Source: Zhang, Zhao, LeCun, "Character-level Convolutional Networks for Text Classification", NIPS 2015,
https://arxiv.org/abs/1509.01626.

Upstream's conversion from HTML left errors, which ``mend`` fixes. A backslash (a line break, or before a dollar sign)
is replaced by a space. The ampersands of some entities were replaced by spaces, as in ``doesn #39;t`` or
`` quot;Yes, quot; he said``; they are restored, and all entities, including intact ones such as ``&lt;``, are replaced
by their characters. The resulting tags, such as ``<B>``, are replaced by spaces; ``<TXN.N>`` is a stock symbol and is
kept.
"""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.download import remote_files
from assay.data.families.texts import LabelledTexts
from assay.data.preparation import text
from assay.data.synthetic import sentences
from assay.files import write_text

_REPOSITORY = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras"
_FOLDER = f"{_REPOSITORY}/555590db4219b1243abb1918effd6a7425a2d75f/data/ag_news_csv"
_FILE = "test.csv"
_FILES = {
    _FILE: (1_857_427, "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699"),
    "readme.txt": (1_795, "779c2e6bbf93dd810d9c7b318006daef7a4bfc34062002461d251dc10fb9f58c"),
}
_LABELS = ("1", "2", "3", "4")  # in the order of the classes
_TWIN_ITEMS = 50  # of each class
_TITLE_WORDS = 4  # of the twin
_CUT_ENTITY = re.compile(r"(?:^| )(?=(?:#\d{2,4}|quot|amp|lt|gt|nbsp|hellip);)")
_TAG = re.compile(r"</?(?:a|b|br|em|font|i|img|nobr|p|strong)\b[^<>]*>", re.IGNORECASE)


def mend(field: str) -> str:
    """Return the field without backslashes and remnants of HTML."""
    return _TAG.sub(" ", html.unescape(_CUT_ENTITY.sub("&", field.replace("\\", " "))))


@dataclass(frozen=True)
class Article:
    """An article of upstream's file, fixed by ``mend``."""

    label: int
    title: str
    description: str


def read_articles(raw: Path) -> list[Article]:
    """Return the articles of upstream's file.

    Raises:
        ValueError: the file is not UTF-8 or not CSV, or a row does not have a topic, a title and a description.
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


class AgNews(LabelledTexts):
    """Articles with their topics."""

    mend = staticmethod(mend)

    def make_twin(self, raw: Path, seed: int) -> None:
        """Write generated articles into ``raw``, with remnants like upstream's."""
        drawn, labels = sentences.draw_sentences(
            self.twin_rng(seed), num_classes=len(self.classes), per_class=_TWIN_ITEMS
        )
        table = io.StringIO()
        writer = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for words, label in zip(drawn, labels, strict=True):
            title, first, rest = words[:_TITLE_WORDS], words[_TITLE_WORDS], words[_TITLE_WORDS + 1 :]
            description = f'"{first}" #39;s\\{" ".join(rest)} quot;.&lt;b&gt;'
            writer.writerow([_LABELS[label], " ".join(title), description])
        write_text(raw / _FILE, table.getvalue())

    def read(self, raw: Path) -> text.TextSet:
        """Return titles and descriptions, joined."""
        articles = read_articles(raw)
        labels = np.array([article.label for article in articles], dtype=np.int64)
        texts = [f"{article.title} {article.description}" for article in articles]
        return text.TextSet(texts, labels, np.full(len(texts), ""), self.classes)


DATASET: Dataset = AgNews(
    source=Source(
        name="ag_news",
        files=remote_files("ag_news", _FILES, _FOLDER),
        licence=(
            'none; readme.txt: "provided by the academic comunity for research purposes in data mining, [...] and'
            ' any other non-commercial activity"'
        ),
        citation=(
            "Zhang, Zhao, LeCun (2015). Character-level Convolutional Networks for Text Classification. NIPS"
            " 2015. Source corpus: A. Gulli, AG corpus of news articles."
        ),
        published="2015",
        homepage="http://www.di.unipi.it/~gulli/AG_corpus_of_news_articles.html",
        quirks=(
            "Only upstream's test file, 7600 of its 127,600 items: train, validation and test are drawn from it,"
            " so published values, which are trained on 120,000 items and tested on all of these, are not comparable."
            " Upstream's train file is left out because no sha256 of it is known. Exactly balanced (1900 per class)."
            " No repeated items. HTML remnants and backslashes are removed in reading."
        ),
    ),
    augmentation=TextAugmentation(drop=0.1, swap=0.05),
    classes=("World", "Sports", "Business", "Sci/Tech"),
    test_fraction=0.15,
    longest=64,  # one text in twenty-five is longer
    class_share=(0.22, 0.28),
    characters=(30, 1200),
    max_oov_rate=0.1,
)
