# SPDX-License-Identifier: Apache-2.0
"""Schemes of tags that mark entities, and their tags as IOB2: B- begins each entity, I- continues it, O is outside.

IOB1 writes B- only where an entity directly follows another of its kind. BIOES and BILOU also mark the last word of an
entity (E- or L-) and entities of one word (S- or U-).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

Scheme = Literal["IOB1", "IOB2", "BIOES", "BILOU"]
_LETTERS: dict[Scheme, str] = {"IOB2": "BI", "BIOES": "BIES", "BILOU": "BILU"}
_ALONE, _LAST = frozenset("SU"), frozenset("ESLU")
SAID: dict[Scheme, str] = {
    "IOB1": "tags are IOB1: B- stands only where an entity follows another of its kind",
    "BIOES": "tags are BIOES: E- is the last word of an entity, S- an entity of one word",
    "BILOU": "tags are BILOU: L- is the last word of an entity, U- an entity of one word",
}
"""The note that `assay add` prints about each scheme that is converted to IOB2."""


def is_tag(tag: str) -> bool:
    """Return whether a tag is O, or one of the letters of a scheme with the kind of an entity, such as ``B-person``."""
    return tag == "O" or (tag[:1] in "BIESLU" and tag[1:2] == "-" and len(tag) > 2)


def mark_entities(tags: Collection[str]) -> bool:
    """Return whether different tags are those of a scheme."""
    return len(tags) > 1 and all(map(is_tag, tags)) and _by_letters(tags) is not None


def scheme_of(sentences: Sequence[Sequence[str]]) -> Scheme:
    """Return the scheme of the tags of sentences, which :func:`mark_entities` of some."""
    scheme: Scheme = _by_letters({tag for tags in sentences for tag in tags}) or "IOB2"
    if scheme != "IOB2":
        return scheme
    pairs = [pair for tags in sentences for pair in _pairs(tags)]
    begun_by_b = any(tag[0] == "B" and _kind(last) != _kind(tag) for last, tag in pairs)
    begun_by_i = any(tag[0] == "I" and _kind(last) != _kind(tag) for last, tag in pairs)
    return "IOB1" if begun_by_i and not begun_by_b else "IOB2"


def as_iob2(tags: Sequence[str]) -> list[str]:
    """Return the tags of a sentence as IOB2, with the same entities.

    An entity begins where conlleval has it begin: at B-, S- and U-, and at any tag that continues none of its kind.
    """
    return [
        tag if tag == "O" else f"{'B' if _begins(last, tag) else 'I'}-{_kind(tag)}"
        for last, tag in _pairs(tags)
    ]


def breaks(tags: Sequence[str], scheme: Scheme) -> list[int]:
    """Return the places of the tags of a sentence that the scheme does not allow after, or before, their neighbour."""
    if scheme in ("IOB1", "IOB2"):
        return [
            place
            for place, (last, tag) in enumerate(_pairs(tags))
            if scheme == "IOB2" and tag[0] == "I" and _kind(last) != _kind(tag)
        ]
    return [
        place
        for place, (last, tag) in enumerate(_pairs([*tags, "O"]))
        if _is_open(last) != (tag[0] in "IEL") or (_is_open(last) and _kind(last) != _kind(tag))
    ]


def _by_letters(tags: Collection[str]) -> Scheme | None:
    letters = {tag[0] for tag in tags if tag != "O"}
    return next((scheme for scheme, known in _LETTERS.items() if letters <= set(known)), None)


def _pairs(tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(["O", *tags[:-1]], tags, strict=True)


def _kind(tag: str) -> str:
    return tag[2:]


def _begins(last: str, tag: str) -> bool:
    return tag[0] == "B" or tag[0] in _ALONE or _kind(last) != _kind(tag) or last[0] in _LAST


def _is_open(tag: str) -> bool:
    """Return whether BIOES or BILOU expects the entity to go on after a tag."""
    return tag[0] in "BI" and tag != "O"
