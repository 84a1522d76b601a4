# SPDX-License-Identifier: Apache-2.0
"""Entity grammar: 6,000 generated sentences with names of people, places and firms, identifiable only by context.

Nothing is downloaded: the sentences are generated from a seed. The names of all three types come from the same
distribution, some of them random words and some also common words, so that a name has no information about its type;
its neighbours do, or a word that may be further away: ``everybody talks about jordan rose , the river .``

One entity in twenty, chosen at random, has an incorrect type in the data. A model cannot know which: each of its
predictions is correct with probability 0.95 at best, so that 0.95 n of n entities are found with n predictions. Fewer
predictions would lose more recall than they gain precision. The best expected entity F1 is 0.95, and that of the
grammar's own rules varies around it by chance.

Source of the idea: Derczynski, Nichols, van Erp, Limsopatham, "Results of the WNUT2017 Shared Task on Novel and
Emerging Entity Recognition", W-NUT 2017, https://aclanthology.org/W17-4418, where names are new and their types must
be inferred from context.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.families.generated import Generated, generated_file
from assay.data.families.tagged import TaggedSentences
from assay.data.preparation import tagged

TYPES = ("corporation", "location", "person")
WRONG = 0.05
"""The share of entities with an incorrect type."""
_THINGS = "apple rose shell bush ford target amazon mark will orange robin olive"
_NAMES = (
    f"{_THINGS} jordan austin chelsea victoria madison florence washington lincoln sydney carolina charlotte dallas"
    " denver phoenix israel kent lorraine milan montana paris savannah troy virginia wells boeing disney dell morgan"
    " stanley hilton cooper baker taylor mason parker hunter fisher sterling chase bentley lloyd mercedes siemens"
)
CUES = {
    "corporation": "bank brewery airline publisher bakery insurer",
    "location": "river island valley city harbour village",
    "person": "singer doctor judge painter nurse pilot",
}
OPENERS = ("", "", "well ,", "i heard that", "they say", "as you know ,", "honestly ,")
FORMS = (  # {1} and {2} have any type, identified by {cue1} and {cue2}
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
_MADE_UP, _SECOND = 0.3, 0.4
"""The probabilities that a name's word is random, and that a name has a second word."""


def draw_sentences(rng: random.Random, num_items: int) -> list[tuple[list[str], list[str]]]:
    """Return distinct sentences as words and their tags' names; some entities have an incorrect type."""
    drawn: dict[str, list[tuple[str, str]]] = {}  # ordered
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


def _draw_parts(rng: random.Random) -> list[tuple[str, str]]:
    """Return the parts of a sentence: words, and their entity type, "" if they are not a name."""
    kinds = {"1": rng.choice(TYPES), "2": rng.choice(TYPES)}
    template = f"{rng.choice(OPENERS)} {rng.choice(FORMS)}"
    if "not the" in template:  # of another type than {1}
        kinds["2"] = rng.choice([kind for kind in TYPES if kind != kinds["1"]])
    parts = []
    for part in template.split():
        slot = part.strip("{}")
        if slot == part:
            parts.append((part, ""))
        elif slot == "thing":
            parts.append((rng.choice(_THINGS.split()), ""))
        elif slot.startswith("cue"):
            parts.append((rng.choice(CUES[kinds[slot[-1]]].split()), ""))
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


@dataclass(frozen=True, kw_only=True)
class EntityGrammar(Generated, TaggedSentences):
    """A file of tagged sentences."""

    def read(self, raw: Path) -> tagged.TaggedSet:
        """Return the sentences with their tags."""
        words, tags = tagged.read_conll(self.file(raw), self.tags)
        return tagged.TaggedSet(words, tags, np.full(len(words), ""), self.tags)


DATASET: Dataset = EntityGrammar(
    source=Source(
        name="entity_grammar",
        files=generated_file(
            "entity_grammar",
            "entities.conll",
            589_117,
            "e2225d329af0e6134a985a3de2bff0225049d172fc108a39bab788df3acb291f",
        ),
        licence="Apache-2.0, like this project, which generated it",
        citation="none: generated by this project; the idea is Derczynski et al. (2017), WNUT 2017.",
        published="2026",
        homepage="https://aclanthology.org/W17-4418",
        quirks=(
            "Generated by a grammar, so it says nothing about real language. One entity in twenty has an incorrect"
            " type, also in test: an entity F1 above 95% is only possible by chance. No repeated sentences. All in"
            " lower case."
        ),
    ),
    augmentation=TextAugmentation(
        drop=0.0, swap=0.0
    ),  # a dropped word may be the one that identifies the type
    draw=lambda rng, num_items: tagged.conll(draw_sentences(rng, num_items)),
    num_items=6000,
    num_twin_items=300,
    seed="0",
    tags=tagged.tag_names(TYPES),
    test_fraction=0.15,
    tokens=(4, 32),
    longest=12,
    entities=(1.2, 2.0),
    max_oov_rate=0.2,
    optimum={"entity_f1": 1 - WRONG},
)
