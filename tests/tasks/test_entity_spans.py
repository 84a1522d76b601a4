"""Entities: hand-worked tags, and the counts of a slow reference that reads the tags' names."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.tasks.entity_spans import f1, listed, shared, spans

OUT, B_A, I_A, B_B, I_B = range(5)
NAMES = ["O", "B-a", "I-a", "B-b", "I-b"]


def read_slowly(tags: list[int]) -> set[tuple[int, int, int]]:
    """Return the entities of a sentence by the rules of conlleval, word by word."""
    entities, start, kind = set(), 0, ""
    for place, name in enumerate([*(NAMES[tag] for tag in tags), "O"]):
        part, _, of = name.partition("-")
        if kind and (part in "BO" or of != kind):
            entities.add(("ab".index(kind), start, place))
            kind = ""
        if part == "B" or (part == "I" and not kind):
            start, kind = place, of
    return entities


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ([OUT, OUT], []),
        ([B_A], [(0, 0, 1)]),
        ([B_A, I_A, OUT, B_B], [(0, 0, 2), (1, 3, 4)]),
        ([B_A, B_A], [(0, 0, 1), (0, 1, 2)]),
        ([OUT, I_A, I_A], [(0, 1, 3)]),  # an I- with nothing before it begins an entity
        ([B_A, I_B, I_B], [(0, 0, 1), (1, 1, 3)]),
        ([I_B, B_B, OUT, I_A], [(1, 0, 1), (1, 1, 2), (0, 3, 4)]),
    ],
)
def test_reads_the_entities(tags: list[int], entities: list[tuple[int, int, int]]) -> None:
    assert listed(torch.tensor([tags])) == [entities]
    assert read_slowly(tags) == set(entities)


TAGGINGS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=9)


@settings(deadline=None, max_examples=200)
@given(TAGGINGS)
def test_counts_equal_those_of_the_slow_reference(pairs: list[tuple[int, int]]) -> None:
    predicted, gold = ([pair[side] for pair in pairs] for side in (0, 1))
    sets = [read_slowly(tags) for tags in (predicted, gold)]
    expected = [sets[0] & sets[1], *sets]
    for types, entities in zip(
        shared(torch.tensor([predicted]), torch.tensor([gold])), expected, strict=True
    ):
        for number in (0, 1):
            assert (types == number + 1).sum() == sum(entity[0] == number for entity in entities)


def test_an_entity_is_correct_if_its_words_and_its_type_are() -> None:
    gold = torch.tensor([[B_A, I_A, OUT, B_B, OUT]])
    found = {
        (B_A, I_A, OUT, B_B, OUT): 2,
        (B_A, OUT, OUT, B_B, OUT): 1,  # too short
        (B_A, I_A, I_A, B_B, OUT): 1,  # too long
        (B_B, I_B, OUT, B_B, OUT): 1,  # another type
        (I_A, I_A, OUT, I_B, OUT): 2,  # only the begin is marked wrongly
        (OUT, OUT, OUT, OUT, B_B): 0,
    }
    for tags, count in found.items():
        assert (shared(torch.tensor([tags]), gold)[0] > 0).sum() == count


def test_sentences_do_not_touch() -> None:
    types, ends = spans(torch.tensor([[OUT, B_A], [I_A, OUT]]))
    assert types.tolist() == [[0, 1], [1, 0]]
    assert (ends[0, 1], ends[1, 0]) == (1, 0)


def test_f1_is_the_harmonic_mean() -> None:
    assert f1(3, 4, 6) == pytest.approx(2 / (4 / 3 + 6 / 3))
    assert f1(0, 0, 0) == 0
