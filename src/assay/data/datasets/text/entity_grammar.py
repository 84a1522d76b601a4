"""Entity grammar: 6,000 made sentences with names of people, places and firms, where context alone tells which.

Nothing is downloaded: :func:`fetch` writes the sentences, always the same ones. The same names, some of them
made up for one sentence and some common words too, are drawn for all three types, so that a name tells nothing;
its neighbours do, or a word that may stand far off: ``everybody talks about jordan rose , the river .``

One entity of twenty, drawn at random, has a wrong type in the data. A model cannot know which: whatever it says
to an entity is right with probability 0.95 at best, so that of n entities 0.95 n are found by n answers. Fewer
answers would lose more in recall than they gain in precision. The best entity F1 is 0.95, and that of
:func:`judge`, which reads each sentence by the grammar's rules, varies about it by chance alone.

Source: of the idea, Derczynski, Nichols, van Erp, Limsopatham, "Results of the WNUT2017 Shared Task on Novel and
Emerging Entity Recognition", W-NUT 2017, https://aclanthology.org/W17-4418, where names are new and context
must tell.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assay.data.declarations import Source, TextAugmentation
from assay.data.download import DownloadError, RemoteFile, check_bytes
from assay.data.expectations import tagged as tagging_expectations
from assay.data.preparation import tagged
from assay.files import replacing

TYPES = ("corporation", "location", "person")
TAGS = tagged.tag_names(TYPES)
TEST_FRACTION = 0.15
WRONG = 0.05
"""Part of the entities whose type is a wrong one."""
OPTIMUM = {"entity_f1": 1 - WRONG}
_ITEMS, _TWIN_ITEMS = 6000, 300
_SEED = 0

_THINGS = "apple rose shell bush ford target amazon mark will orange robin olive"
_NAMES = (
    f"{_THINGS} jordan austin chelsea victoria madison florence washington lincoln sydney carolina charlotte dallas"
    " denver phoenix israel kent lorraine milan montana paris savannah troy virginia wells boeing disney dell morgan"
    " stanley hilton cooper baker taylor mason parker hunter fisher sterling chase bentley lloyd mercedes siemens"
)
_CUES = {
    "corporation": "bank brewery airline publisher bakery insurer",
    "location": "river island valley city harbour village",
    "person": "singer doctor judge painter nurse pilot",
}
_OPENERS = ("", "", "well ,", "i heard that", "they say", "as you know ,", "honestly ,")
_FORMS = (  # {1} and {2} are of any type, which cue{1} and cue{2} tell
    "{person} was born in {location} .",
    "{person} works for {corporation} .",
    "{corporation} opened a shop in {location} .",
    "{corporation} hired {person} .",
    "{person} ate the {thing} near {location} .",
    "everybody talks about {1} , the {cue1} .",
    "{1} , which is a {cue1} , was on the radio .",
    "{1} is not the {cue2} but the {cue1} .",
    "{1} and {2} are in the news : the {cue1} and the {cue2} .",
    "the {thing} is from {location} and {1} , the {cue1} , likes it .",
)
_RULES = " ".join((*_FORMS, *_OPENERS, *_CUES.values())).split()
_MADE_UP, _SECOND = 0.3, 0.4
"""How often a name's word is made up, and how often a name has a second word."""

_FILE = RemoteFile(
    "entity_grammar",
    "entities.conll",
    ("package:assay/assay/data/datasets/text/entity_grammar.py",),
    589_117,
    "e2225d329af0e6134a985a3de2bff0225049d172fc108a39bab788df3acb291f",
)

SOURCE = Source(
    name="entity_grammar",
    files=(_FILE,),
    licence="Apache-2.0, as this project, which made it",
    citation="none: made by this project; the idea is Derczynski et al. (2017), WNUT 2017.",
    homepage="https://aclanthology.org/W17-4418",
    quirks=(
        "Made by a grammar, so it says nothing about real language. One entity of twenty has a wrong type, in test"
        " too: no model can have an entity F1 above 95% but by luck. No repeated sentences. All in lower case."
    ),
)

AUGMENTATION = TextAugmentation(drop=0.0, swap=0.0)  # a word that is lost may be the one that tells


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG001 (no mirror is needed)
    """Write the sentences into ``raw``; return their address, size and sha256.

    Raises:
        DownloadError: this Python draws other numbers.
    """
    with replacing(raw / _FILE.name) as aside:
        tagged.write_conll(aside, draw_sentences(str(_SEED), _ITEMS))
        wrong = check_bytes(aside, _FILE)
        if wrong:
            raise DownloadError(
                f"entity_grammar/{_FILE.name}: made with other bytes: {wrong}, expected {_FILE.size} bytes with"
                f" sha256 {_FILE.sha256}; use a version of Python that this project names"
            )
    return {_FILE.name: {"url": _FILE.urls[0], "size": _FILE.size, "sha256": _FILE.sha256}}


def make_twin(raw: Path, seed: int) -> None:
    """Write fewer sentences of the same grammar into ``raw``."""
    tagged.write_conll(raw / _FILE.name, draw_sentences(f"twin {seed}", _TWIN_ITEMS))


def draw_sentences(seed: str, num_items: int) -> list[tuple[list[str], list[str]]]:
    """Return distinct sentences, each its words and their tags' names; some entities have a wrong type."""
    rng = random.Random(seed)
    drawn: dict[str, list[tuple[str, str]]] = {}  # keeps its order
    while len(drawn) < num_items:
        parts = _draw_parts(rng)
        drawn.setdefault(" ".join(words for words, _ in parts), parts)
    entities = [
        (item, place)
        for item, parts in enumerate(drawn.values())
        for place, (_, kind) in enumerate(parts)
        if kind
    ]
    wrong = set(rng.sample(entities, round(WRONG * len(entities))))
    return [
        _tag(
            (
                words,
                rng.choice([other for other in TYPES if other != kind]) if (item, place) in wrong else kind,
            )
            for place, (words, kind) in enumerate(parts)
        )
        for item, parts in enumerate(drawn.values())
    ]


def judge(words: Iterable[str]) -> list[str]:
    """Return the tags that a sentence has where no type is a wrong one, from its words alone."""
    words = list(words)
    named = [word not in _RULES and words[place - 1 : place] != ["the"] for place, word in enumerate(words)]
    tags, start, found = ["O"] * len(words), 0, 0
    while start < len(words):
        end = start + 1
        if named[start]:
            while named[end]:
                end += 1
            kind = _judge_type(words[:start], words[end:], found)
            tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
            found += 1
        start = end
    return tags


def read(raw: Path) -> tagged.TaggedSet:
    """Return the sentences with their tags.

    Raises:
        ValueError: the file is not UTF-8 or empty, or a line of it has not a word and a known tag.
    """
    words, tags = tagged.read_conll(raw / _FILE.name, TAGS)
    return tagged.TaggedSet(words, tags, np.full(len(words), ""), TAGS)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return tagged.prepare(
        read(raw),
        out,
        dataset=out.name,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
        optimum=OPTIMUM,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return tagging_expectations.build(
        counts,
        num_tags=len(TAGS),
        tokens=(4, 32),
        longest=12,
        entities=(1.2, 2.0),
        most_unknown=0.2,
    )


def _draw_parts(rng: random.Random) -> list[tuple[str, str]]:
    """Return a sentence in parts, each some words and the type that they name, "" if none."""
    kinds = {"1": rng.choice(TYPES), "2": rng.choice(TYPES)}
    template = f"{rng.choice(_OPENERS)} {rng.choice(_FORMS)}"
    if "not the" in template:  # what it is not
        kinds["2"] = rng.choice([kind for kind in TYPES if kind != kinds["1"]])
    parts = []
    for part in template.split():
        slot = part.strip("{}")
        if slot == part:
            parts.append((part, ""))
        elif slot == "thing":
            parts.append((rng.choice(_THINGS.split()), ""))
        elif slot.startswith("cue"):
            parts.append((rng.choice(_CUES[kinds[slot[-1]]].split()), ""))
        else:
            parts.append((_draw_name(rng), kinds.get(slot, slot)))
    return parts


def _draw_name(rng: random.Random) -> str:
    return " ".join(
        "".join(rng.choice("bdfglmnprstv") + rng.choice("aeiou") for _ in range(3))
        if rng.random() < _MADE_UP
        else rng.choice(_NAMES.split())
        for _ in range(2 if rng.random() < _SECOND else 1)
    )


def _tag(parts: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Return the words of a sentence and their tags."""
    words, tags = [], []
    for phrase, kind in parts:
        for place, word in enumerate(phrase.split()):
            words.append(word)
            tags.append(f"{'I' if place else 'B'}-{kind}" if kind else "O")
    return words, tags


def _judge_type(before: Sequence[str], after: Sequence[str], place: int) -> str:
    """Return the type of a sentence's entity number ``place`` from the words on either side of it."""
    if ":" in after:
        cue = after[after.index(":") + 2 + 3 * place]
    elif "not" in after[:2]:
        cue = after[after.index("but") + 2]
    elif after[:2] == [",", "the"]:
        cue = after[2]
    elif after[:2] == [",", "which"]:
        cue = after[4]
    elif before[-1:] in (["in"], ["near"], ["from"]):
        return "location"
    elif before[-1:] == ["for"] or after[0] in ("opened", "hired"):
        return "corporation"
    else:
        return "person"
    return next(kind for kind, cues in _CUES.items() if cue in cues.split())
