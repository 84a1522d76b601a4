"""Entity grammar: the types of names, checked by an independent parser, and the number of incorrect types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from assay.data.datasets.text import entity_grammar
from assay.data.download import DownloadError
from assay.tasks.entity_spans import f1, shared

RULES = " ".join((*entity_grammar.FORMS, *entity_grammar.OPENERS, *entity_grammar.CUES.values())).split()


def judge(words: Iterable[str]) -> list[str]:
    """Return the correct tags of a sentence from its words."""
    words = list(words)
    named = [word not in RULES and words[place - 1 : place] != ["the"] for place, word in enumerate(words)]
    tags, start, found = ["O"] * len(words), 0, 0
    while start < len(words):
        end = start + 1
        if named[start]:
            while named[end]:
                end += 1
            kind = judge_type(words[:start], words[end:], found)
            tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
            found += 1
        start = end
    return tags


def judge_type(before: Sequence[str], after: Sequence[str], place: int) -> str:
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
    return next(kind for kind, cues in entity_grammar.CUES.items() if cue in cues.split())


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    entity_grammar.DATASET.fetch(folder, mirror=None)
    return folder


@pytest.mark.parametrize(
    ("sentence", "entities"),
    [
        ("rose was born in apple bush .", {"rose": "person", "apple bush": "location"}),
        ("well , kent works for paris .", {"kent": "person", "paris": "corporation"}),
        ("tulopi opened a shop in ford .", {"tulopi": "corporation", "ford": "location"}),
        ("i heard that shell hired jordan .", {"shell": "corporation", "jordan": "person"}),
        ("mark ate the mark near apple .", {"mark": "person", "apple": "location"}),
        ("everybody talks about jordan rose , the river .", {"jordan rose": "location"}),
        ("jordan , which is a bank , was on the radio .", {"jordan": "corporation"}),
        ("jordan is not the singer but the river .", {"jordan": "location"}),
        (
            "kent and troy are in the news : the pilot and the bank .",
            {"kent": "person", "troy": "corporation"},
        ),
        (
            "the apple is from apple and rose , the judge , likes it .",
            {"apple": "location", "rose": "person"},
        ),
    ],
)
def test_judges_by_context(sentence: str, entities: dict[str, str]) -> None:
    words = sentence.split()
    tags = judge(words)
    found: dict[str, str] = {}
    for word, tag in zip(words, tags, strict=True):
        if tag[0] == "B":
            found[word] = tag[2:]
        elif tag[0] == "I":
            before = list(found)[-1]
            found[f"{before} {word}"] = found.pop(before)
    assert found == entities


def test_writes_the_declared_bytes(raw: Path) -> None:
    [declared] = entity_grammar.DATASET.source.files
    assert entity_grammar.DATASET.fetch(raw, mirror=None) == {
        "entities.conll": {"url": declared.urls[0], "size": declared.size, "sha256": declared.sha256}
    }


def test_other_draws_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DownloadError, match=r"^entity_grammar/entities.conll: generated with other bytes: [^\n]+$"
    ):
        replace(entity_grammar.DATASET, seed=1).fetch(tmp_path, mirror=None)
    assert list(tmp_path.iterdir()) == []


def test_one_type_of_twenty_is_incorrect_and_nothing_else(raw: Path) -> None:
    tagged = entity_grammar.DATASET.read(raw)
    entities = incorrect = 0
    for words, numbers in zip(tagged.words, tagged.tags, strict=True):
        given, judged = [tagged.classes[number] for number in numbers], judge(words)
        assert [tag[0] for tag in given] == [tag[0] for tag in judged]
        begins = [place for place, tag in enumerate(given) if tag[0] == "B"]
        entities += len(begins)
        incorrect += sum(given[place] != judged[place] for place in begins)
    assert len({tuple(words) for words in tagged.words}) == 6000
    assert incorrect == round(0.05 * entities)


def test_the_rules_reach_the_optimum_in_every_split(raw: Path, tmp_path: Path) -> None:
    result = entity_grammar.DATASET.prepare(raw, tmp_path, seed=0, validation_fraction=0.1)
    items, gold = (
        pd.read_parquet(tmp_path / "items.parquet"),
        load_file(tmp_path / "arrays.safetensors")["tags"],
    )
    judged = torch.full_like(gold, 0)
    for row, text in enumerate(items["text"]):
        tags = [result["classes"].index(tag) for tag in judge(text.split())]
        judged[row, : len(tags)] = torch.tensor(tags)
    assert result["optimum"] == {"entity_f1": 0.95}
    for _, rows in items.groupby("split").indices.items():
        counts = [int((types > 0).sum()) for types in shared(judged[rows], gold[rows].clamp(min=0))]
        assert abs(f1(*counts) - 0.95) < 3 * (0.95 * 0.05 / counts[2]) ** 0.5


def test_a_name_tells_nothing(raw: Path) -> None:
    """Each type has a fair share of every common name."""
    tagged = entity_grammar.DATASET.read(raw)
    rows = [
        (word, tag)
        for words, tags in zip(tagged.words, tagged.tags, strict=True)
        for word, tag in zip(words, tags, strict=True)
        if tag % 2
    ]
    table = pd.crosstab(*map(list, zip(*rows, strict=True)))
    common = table[table.sum(axis=1) > 60]
    assert len(common) > 50
    assert (common.max(axis=1) / common.sum(axis=1)).max() < 0.6
