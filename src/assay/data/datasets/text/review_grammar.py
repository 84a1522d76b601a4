# SPDX-License-Identifier: Apache-2.0
"""Review grammar: 6,000 made sentences about films, for or against, where word order decides; two classes.

Nothing is downloaded: the sentences are drawn here, always the same ones. A clause such as ``the plot is
not very dull`` is for or against by its adjective, turned round by a negation. Of two clauses in contrast,
which always contradict each other, one decides: the one after ``but`` or ``yet``, or the one without
``although``. The label is the deciding clause's, but wrong in one item of twenty, drawn at random; no model can
do better than be right in the other nineteen, as one who knows these rules is.

Source: of the idea, Polanyi, Zaenen, "Contextual Valence Shifters", in Computing Attitude and Affect in Text,
Springer 2006, https://doi.org/10.1007/1-4020-4102-0_1.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.families.generated import Generated, generated_file
from assay.data.families.texts import LabelledTexts
from assay.data.preparation import text

CLASSES = ("negative", "positive")
WRONG = 0.05
"""Part of the items whose label is the wrong one."""
_OPENERS = ("", "honestly", "overall", "in short", "for me", "i think", "they say", "once again")
_ASPECTS = (
    "plot acting script music ending dialogue cast pace story direction humour photography hero villain"
)
_INTENSIFIERS = ("", "", "very", "really", "truly", "so", "quite", "utterly")
_NEGATIONS = ("not", "never", "hardly", "far from")
ADJECTIVES = (
    "dull boring clumsy tired awful weak messy silly flat hollow stale bland",
    "superb brilliant moving clever charming gripping funny fresh warm elegant sharp good",
)
_NEGATED = 0.2  # of the clauses
_FORMS = {  # how often of ten; {a} always contradicts {b} where a word of contrast stands between them
    "{b} .": 3,
    "{same} and {b} .": 3,
    "{a} but {b} .": 1,
    "{a} yet {b} .": 1,
    "although {a} , {b} .": 1,
    "{b} although {a} .": 1,
}


def _draw_table(rng: random.Random, num_items: int) -> str:
    """Return distinct sentences, as many for as against, each behind its label; of some the label is wrong."""
    drawn: dict[str, int] = {}  # keeps its order
    while len(drawn) < num_items:
        label = len(drawn) % 2
        drawn.setdefault(_draw_sentence(rng, label), label)
    wrong = set(rng.sample(range(num_items), round(WRONG * num_items)))
    rows = [(CLASSES[label ^ (item in wrong)], words) for item, (words, label) in enumerate(drawn.items())]
    return "".join(f"{label}\t{words}\n" for label, words in rows)


def _draw_sentence(rng: random.Random, label: int) -> str:
    [form] = rng.choices(list(_FORMS), list(_FORMS.values()))
    first, second = rng.sample(_ASPECTS.split(), 2)
    body = form.format(
        a=_draw_clause(rng, first, 1 - label),
        same=_draw_clause(rng, first, label),
        b=_draw_clause(rng, second, label),
    )
    return f"{rng.choice(_OPENERS)} {body}".strip()


def _draw_clause(rng: random.Random, aspect: str, label: int) -> str:
    negation = rng.choice(_NEGATIONS) if rng.random() < _NEGATED else ""
    adjective = rng.choice(ADJECTIVES[1 - label if negation else label].split())
    words = ("the", aspect, "is", negation, rng.choice(_INTENSIFIERS), adjective)
    return " ".join(word for word in words if word)


@dataclass(frozen=True, kw_only=True)
class ReviewGrammar(Generated, LabelledTexts):
    """A label, a tab and a sentence a line."""

    def read(self, raw: Path) -> text.TextSet:
        """Return the sentences with their labels."""
        path = self.file(raw)
        texts, labels = [], []
        for row, (label, sentence) in text.read_columns(path, num_columns=2):
            labels.append(text.require_label(path, row, label, self.classes))
            texts.append(text.require_text(path, row, sentence))
        return text.TextSet(texts, np.array(labels, dtype=np.int64), np.full(len(texts), ""), self.classes)


DATASET: Dataset = ReviewGrammar(
    source=Source(
        name="review_grammar",
        files=generated_file(
            "review_grammar",
            "reviews.tsv",
            404_609,
            "792466e34a6052fe574f88909eaee1cfaf450d843fbbef0e052a1277771d5188",
        ),
        licence="Apache-2.0, as this project, which made it",
        citation="none: made by this project; the idea is Polanyi, Zaenen (2006), Contextual Valence Shifters.",
        homepage="https://doi.org/10.1007/1-4020-4102-0_1",
        quirks=(
            "Made by a grammar, so it says nothing about real language. One label of twenty is wrong, in test too:"
            " no model can be right in more than 95% but by luck, and a model that learns the wrong labels by heart"
            " is worse. No repeated sentences. Balanced before labels were turned round."
        ),
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),  # either could turn what a sentence says
    draw=_draw_table,
    num_items=6000,
    num_twin_items=1200,
    classes=CLASSES,
    test_fraction=0.15,
    longest=32,  # no sentence is as long
    class_share=(0.45, 0.55),
    characters=(15, 120),
    most_unknown=0.01,
    optimum={"accuracy": 1 - WRONG},
)
