"""Schemes of tags: cases by hand, and entities that are written in each scheme and read again."""

from __future__ import annotations

import random

import pytest

from assay.data.own.entity_tags import as_iob2, breaks, is_tag, mark_entities, scheme_of

Span = tuple[int, int, str]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("I-a I-a O I-a", "B-a I-a O B-a"),
        ("B-a I-b I-b", "B-a B-b I-b"),
        ("I-a B-a I-a", "B-a B-a I-a"),
        ("O O", "O O"),
        ("B-a E-a O S-b", "B-a I-a O B-b"),
        ("S-a S-a B-a I-a E-a", "B-a B-a B-a I-a I-a"),
        ("B-a E-a E-a", "B-a I-a B-a"),
        ("E-a I-a", "B-a B-a"),
        ("U-a B-b L-b O", "B-a B-b I-b O"),
    ],
)
def test_an_entity_begins_where_conlleval_has_it_begin(tags, expected):
    assert as_iob2(tags.split()) == expected.split()


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        (["I-a I-a O", "I-a B-a O"], "IOB1"),
        (["I-a I-a O"], "IOB1"),
        (["B-a I-a O", "B-b"], "IOB2"),
        (["B-a I-a O", "O I-b"], "IOB2"),
        (["B-a E-a O S-a"], "BIOES"),
        (["S-a O"], "BIOES"),
        (["B-a L-a O U-a"], "BILOU"),
    ],
)
def test_the_letters_and_where_b_stands_tell_the_scheme(sentences, scheme):
    assert scheme_of([tags.split() for tags in sentences]) == scheme


@pytest.mark.parametrize(
    ("tags", "places", "scheme"),
    [
        ("O I-a I-a", [1], "IOB2"),
        ("O I-a I-a", [], "IOB1"),
        ("B-a I-a E-a S-b O", [], "BIOES"),
        ("B-a O", [1], "BIOES"),
        ("B-a", [1], "BIOES"),
        ("O E-a", [1], "BIOES"),
        ("B-a E-b", [1], "BIOES"),
        ("B-a L-a I-a L-a", [2], "BILOU"),
    ],
)
def test_tags_that_a_scheme_does_not_allow_are_found(tags, places, scheme):
    assert breaks(tags.split(), scheme) == places


def test_other_tags_mark_no_entities():
    assert mark_entities({"O", "B-a", "E-a"})
    assert not mark_entities({"O", "L-a", "S-a"})  # of two schemes
    assert not mark_entities({"O"})
    assert not mark_entities({"NOUN", "VERB"})
    assert not is_tag("B-")
    assert not is_tag("I_a")


def drawn(rng: random.Random, length: int) -> list[Span]:
    """Return spans that do not overlap, of which some touch."""
    spans, place = [], 0
    while place < length:
        if rng.random() < 0.5:
            end = min(length, place + rng.randint(1, 3))
            spans.append((place, end, rng.choice("ab")))
            place = end
        else:
            place += 1
    return spans


def written(spans: list[Span], length: int, scheme: str) -> list[str]:
    tags, before = ["O"] * length, (-1, -1, "")
    single, last = {"BIOES": "SE", "BILOU": "UL"}.get(scheme, "BI")
    for start, end, kind in spans:
        letters = ["B", *"I" * (end - start - 1)]
        if scheme == "IOB1" and (before[1], before[2]) != (start, kind):
            letters[0] = "I"
        if scheme in ("BIOES", "BILOU"):
            letters[-1] = single if end - start == 1 else last
        tags[start:end] = [f"{letter}-{kind}" for letter in letters]
        before = (start, end, kind)
    return tags


def spans_of(tags: list[str]) -> list[Span]:
    """Return the spans of IOB2 tags that are well formed."""
    starts = [place for place, tag in enumerate(tags) if tag.startswith("B-")]
    found = []
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end].startswith("I-"):
            assert tags[end][2:] == tags[start][2:]
            end += 1
        found.append((start, end, tags[start][2:]))
    return found


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES", "BILOU"])
def test_entities_written_in_a_scheme_are_read_as_they_were(scheme):
    rng = random.Random(0)
    for _ in range(500):
        spans = drawn(rng, 12)
        tags = written(spans, 12, scheme)
        assert spans_of(as_iob2(tags)) == spans
        assert breaks(tags, scheme) == []
