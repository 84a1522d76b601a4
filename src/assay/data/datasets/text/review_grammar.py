"""Review grammar: 6,000 made sentences about films, for or against, where word order decides; two classes.

Nothing is downloaded: :func:`fetch` writes the sentences, always the same ones. A clause such as ``the plot is
not very dull`` is for or against by its adjective, turned round by a negation. Of two clauses in contrast,
which always contradict each other, one decides: the one after ``but`` or ``yet``, or the one without
``although``. The label is the deciding clause's, but wrong in one item of twenty, drawn at random; no model can
do better than be right in the other nineteen, and :func:`judge` is.

Source: of the idea, Polanyi, Zaenen, "Contextual Valence Shifters", in Computing Attitude and Affect in Text,
Springer 2006, https://doi.org/10.1007/1-4020-4102-0_1.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.declarations import Source, TextAugmentation
from assay.data.download import DownloadError, RemoteFile, check_bytes
from assay.data.expectations import text as text_expectations
from assay.data.preparation import text
from assay.files import replacing, write_text

CLASSES = ("negative", "positive")
TEST_FRACTION = 0.15
LONGEST = 32  # tokens; no sentence is as long
WRONG = 0.05
"""Part of the items whose label is the wrong one."""
OPTIMUM = {"accuracy": 1 - WRONG}
_ITEMS, _TWIN_ITEMS = 6000, 1200
_SEED = 0

_OPENERS = ("", "honestly", "overall", "in short", "for me", "i think", "they say", "once again")
_ASPECTS = (
    "plot acting script music ending dialogue cast pace story direction humour photography hero villain"
)
_INTENSIFIERS = ("", "", "very", "really", "truly", "so", "quite", "utterly")
_NEGATIONS = ("not", "never", "hardly", "far from")
_ADJECTIVES = (
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

_FILE = RemoteFile(
    "review_grammar",
    "reviews.tsv",
    ("package:assay/assay/data/datasets/text/review_grammar.py",),
    404_609,
    "792466e34a6052fe574f88909eaee1cfaf450d843fbbef0e052a1277771d5188",
)

SOURCE = Source(
    name="review_grammar",
    files=(_FILE,),
    licence="Apache-2.0, as this project, which made it",
    citation="none: made by this project; the idea is Polanyi, Zaenen (2006), Contextual Valence Shifters.",
    homepage="https://doi.org/10.1007/1-4020-4102-0_1",
    quirks=(
        "Made by a grammar, so it says nothing about real language. One label of twenty is wrong, in test too:"
        " no model can be right in more than 95% but by luck, and a model that learns the wrong labels by heart"
        " is worse. No repeated sentences. Balanced before labels were turned round."
    ),
)

AUGMENTATION = TextAugmentation(drop=0.0, swap=0.0)  # either could turn what a sentence says


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG001 (no mirror is needed)
    """Write the sentences into ``raw``; return their address, size and sha256.

    Raises:
        DownloadError: this Python draws other numbers.
    """
    with replacing(raw / _FILE.name) as aside:
        aside.write_text(_draw_table(random.Random(_SEED), _ITEMS), encoding="utf-8")
        wrong = check_bytes(aside, _FILE)
        if wrong:
            raise DownloadError(
                f"review_grammar/{_FILE.name}: made with other bytes: {wrong}, expected {_FILE.size} bytes with"
                f" sha256 {_FILE.sha256}; use a version of Python that this project names"
            )
    return {_FILE.name: {"url": _FILE.urls[0], "size": _FILE.size, "sha256": _FILE.sha256}}


def make_twin(raw: Path, seed: int) -> None:
    """Write fewer sentences of the same grammar into ``raw``."""
    write_text(raw / _FILE.name, _draw_table(random.Random(f"twin {seed}"), _TWIN_ITEMS))


def judge(sentence: str) -> int:
    """Return the label that a sentence has where it is not a wrong one, from the sentence alone."""
    words = sentence.removesuffix(" .").split()
    for contrast in ("but", "yet"):
        if contrast in words:
            words = words[words.index(contrast) + 1 :]
    if "although" in words:
        start = words.index("although")
        end = words.index(",") if "," in words else len(words)
        words = words[:start] + words[end:]
    words = words[words.index("and") + 1 :] if "and" in words else words
    bad, good = (adjectives.split() for adjectives in _ADJECTIVES)
    [positive] = [word in good for word in words if word in bad + good]
    negated = any(word in ("not", "never", "hardly", "far") for word in words)
    return int(positive != negated)


def read(raw: Path) -> text.TextSet:
    """Return the sentences with their labels.

    Raises:
        ValueError: the file is not UTF-8, or a row has not a label and a sentence.
    """
    path = raw / _FILE.name
    texts, labels = [], []
    for row, line in enumerate(text.read_lines(path, encoding="utf-8"), start=1):
        fields = line.split("\t")
        if len(fields) != 2:
            raise text.bad_row(path, row, f"{len(fields)} columns, expected 2")
        labels.append(text.require_label(path, row, fields[0], CLASSES))
        texts.append(text.require_text(path, row, fields[1]))
    return text.TextSet(texts, np.array(labels, dtype=np.int64), np.full(len(texts), ""), CLASSES)


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
        optimum=OPTIMUM,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return text_expectations.build(
        counts,
        num_classes=len(CLASSES),
        class_share=(0.45, 0.55),
        characters=(15, 120),
        most_unknown=0.01,
    )


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
    adjective = rng.choice(_ADJECTIVES[1 - label if negation else label].split())
    words = ("the", aspect, "is", negation, rng.choice(_INTENSIFIERS), adjective)
    return " ".join(word for word in words if word)
