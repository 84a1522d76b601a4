# SPDX-License-Identifier: Apache-2.0
"""Preparation of tagged sentences: cleaning, splitting, encoding, facts per item, and the files for tasks.

Items are numbered in upstream's order, before any are dropped; this number identifies the item in every
later table. Words are those of the file. The vocabulary has the lower-case words of the training items and of further
texts without tags. The alphabet has the characters of the training items, with their case. A word's first symbol is its
shape, which precedes its characters: names are often new words, which capitals reveal.

A sentence is one tensor, (T, 1 + SYMBOLS): column 0 has the words' ids, the others each word's shape and
characters. Tags are numbered ``O`` = 0, ``B-x`` = 2 i + 1, ``I-x`` = 2 i + 2 for the entity type number i.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer, models

from assay.data.preparation import store
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import StrategyName, TestPart, choose
from assay.data.preparation.text import SPECIAL, bad_row, read_lines, require_label
from assay.data.special_tokens import PADDING, UNKNOWN
from assay.files import write_text

NO_TAG = -1
"""The tag of padding."""
WORD_CHARACTERS = 16
"""The number of characters at which words are truncated."""
SYMBOLS = 1 + WORD_CHARACTERS
"""The number of symbols of a word: its shape and its characters."""
SHAPES = ("address", "number", "mark", "lower", "upper", "letter", "title", "mixed")
"""The shapes of words, see :func:`shape`."""
_SHAPES = {shape: f"[{shape}]" for shape in SHAPES}

SCHEMA = pa.schema(
    [
        ("item", pa.int64()),
        ("split", pa.string()),
        ("tokens", pa.int64()),
        ("longest", pa.int64()),
        ("entities", pa.int64()),
        ("lowest", pa.int64()),
        ("highest", pa.int64()),
        ("malformed", pa.int64()),
        ("unknown", pa.float64()),
        ("odd", pa.int64()),
        ("sha256", pa.string()),
        ("text", pa.string()),
    ]
)
OF_ENTITIES = ("entities", "malformed")
"""The columns that other tags than those of entities do not have."""


@dataclass(frozen=True)
class TaggedSet:
    """A dataset in upstream's form."""

    words: list[list[str]]
    """N sentences, none of them empty; words contain no spaces."""
    tags: list[list[int]]
    """N sentences' tags: one index into ``classes`` per word."""
    split: NDArray[np.str_]
    """(N,), upstream's split: ``train``, ``validation`` or ``test``, or ``""`` if upstream has none."""
    classes: tuple[str, ...]
    """The names of the tags."""
    origins: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """(N,) each: the ``group`` and the ``time`` of each sentence, if they are known."""
    numbers: NDArray[np.int64] | None = None
    """(N,) the number of each sentence in upstream's file; None for its place, from 0."""

    def __len__(self) -> int:
        return len(self.words)

    @property
    def of_entities(self) -> bool:
        """Return whether the tags are those of entities, as :func:`tag_names` numbers them."""
        return self.classes == tag_names(name[2:] for name in self.classes[1::2])


def tag_names(types: Iterable[str]) -> tuple[str, ...]:
    """Return the names of all tags of these entity types, in the order of their numbers."""
    return ("O", *(f"{part}-{name}" for name in types for part in "BI"))


def read_conll(path: Path, classes: tuple[str, ...]) -> tuple[list[list[str]], list[list[int]]]:
    """Return the sentences of a file with a word, a tab and its tag per line, and the tags' numbers.

    A blank line ends a sentence. Quotation marks are ordinary words.

    Raises:
        ValueError: the file is not UTF-8 or has no sentence, or a line does not have a word and a known tag.
    """
    words: list[list[str]] = [[]]
    tags: list[list[int]] = [[]]
    for row, line in enumerate(read_lines(path, encoding="utf-8"), start=1):
        if not line.strip():
            if words[-1]:
                words.append([])
                tags.append([])
            continue
        fields = line.removesuffix("\r").split("\t")
        if len(fields) != 2:
            raise bad_row(path, row, f"{len(fields)} columns, expected a word, a tab and its tag")
        if fields[0].split() != [fields[0]]:
            raise bad_row(path, row, f"word {fields[0]!r} is empty or contains a space")
        words[-1].append(fields[0])
        tags[-1].append(require_label(path, row, fields[1], classes))
    if not words[0]:
        raise ValueError(f"{path}: no sentence in it; delete the file and run again")
    return (words, tags) if words[-1] else (words[:-1], tags[:-1])


def conll(sentences: Iterable[tuple[Sequence[str], Sequence[str]]]) -> str:
    """Return the file contents of sentences (words and tags' names), in the format of :func:`read_conll`."""
    return "\n".join(
        "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))
        for words, tags in sentences
    )


def prepare(
    tagged: TaggedSet,
    out: Path,
    *,
    dataset: str,
    seed: int,
    validation_fraction: float,
    test_fraction: TestPart,
    optimum: Mapping[str, float] | None = None,
    further: Sequence[str] = (),
    split_strategy: StrategyName = "stratified",
) -> dict[str, Any]:
    """Clean, split and describe ``tagged``; write tokenizer.json and characters.json, which hold the
    vocabularies, arrays.safetensors, items.parquet and prepared.json.

    Row r of items.parquet describes sentence r of the arrays. No sentence is cut. Equal arguments give equal files.

    Args:
        validation_fraction: part of the items outside of test that goes to validation, in (0, 1), where
            upstream names no validation items.
        test_fraction: part of all items that goes to test, in (0, 1), where upstream names no test items.
        optimum: the best value that any model can reach, by metric, if it is known.
        further: distinct words in lower case from texts without tags. Those of them that training has are
            numbered first, then the others, then words that only training has: a network that starts from
            word vectors of those texts can leave out the last, for which it has no vectors.
        split_strategy: how items without a split in upstream are held out.

    Returns:
        The contents of prepared.json.
    """
    store.begin(out)
    digests = np.array([_digest(" ".join(words)) for words in tagged.words], dtype=object)
    answers = np.unique([_digest(str(tags)) for tags in tagged.tags], return_inverse=True)[1]
    kept, dropped = clean(digests, answers, tagged.split, noun="text", numbers=tagged.numbers)
    words = [tagged.words[item] for item in kept]
    tags = [tagged.tags[item] for item in kept]
    upstream = tagged.split[kept]
    origins = {fact: values[kept] for fact, values in tagged.origins.items()}
    strategy = choose(
        split_strategy,
        dataset=dataset,
        labels=np.zeros(len(kept), np.int64),  # sentences have no classes to stratify by
        groups=origins.get("group"),
        times=origins.get("time"),
    )
    split = draw_split(upstream, strategy, seed, validation_fraction, test_fraction, dataset=dataset)
    train = [words[row] for row in np.flatnonzero(split == "train")]
    trained = by_count(word.lower() for sentence in train for word in sentence)
    known_elsewhere = set(further)
    ordered = dict.fromkeys([*(word for word in trained if word in known_elsewhere), *further, *trained])
    characters = by_count(character for sentence in train for word in sentence for character in word)
    word_ids = {name: number for number, name in enumerate([*SPECIAL, *ordered])}
    character_ids = {name: number for number, name in enumerate([*SPECIAL, *_SHAPES.values(), *characters])}
    arrays = encode(words, tags, word_ids, character_ids)
    for name, ids in {"tokenizer.json": word_ids, "characters.json": character_ids}.items():
        write_text(out / name, _tokenizer(ids).to_str(pretty=True) + "\n")
    store.write_arrays(out, arrays)
    columns: dict[str, Sequence[Any] | NDArray[Any]] = {
        "item": kept if tagged.numbers is None else tagged.numbers[kept],
        "split": split,
        **origins,
        "tokens": [len(sentence) for sentence in words],
        "longest": [max(map(len, sentence)) for sentence in words],
        "entities": [sum(tag % 2 for tag in of_item) for of_item in tags],
        "lowest": [min(of_item) for of_item in tags],
        "highest": [max(of_item) for of_item in tags],
        "malformed": [count_malformed(of_item) for of_item in tags],
        "unknown": (arrays["words"] == UNKNOWN).sum(axis=1) / (arrays["words"] != PADDING).sum(axis=1),
        "odd": [sum(map(_is_odd, "".join(sentence))) for sentence in words],
        "sha256": digests[kept],
        "text": [" ".join(sentence) for sentence in words],
    }
    schema = SCHEMA
    if not tagged.of_entities:
        for name in OF_ENTITIES:
            schema = schema.remove(schema.get_field_index(name))
            del columns[name]
    store.write_items(out, store.with_origins(schema, origins), columns)
    facts = {
        "dataset": dataset,
        "classes": list(tagged.classes),
        "shape": [arrays["words"].shape[1], 1 + SYMBOLS],
        "axes": ["words", "word, shape and characters"],
        "vocabulary": len(word_ids),
        "alphabet": len(character_ids),
        "counts": {name: int((split == name).sum()) for name in SPLITS},
        "dropped": dropped,
    }
    return store.seal(
        out,
        facts,
        upstream=upstream,
        split=split,
        strategy=strategy.name,
        vocabularies=("tokenizer.json", "characters.json"),
        optimum=optimum,
    )


def by_count(things: Iterable[str]) -> list[str]:
    """Return the distinct things, most frequent first, ties in alphabetical order."""
    counts = Counter(things)
    return sorted(counts, key=lambda thing: (-counts[thing], thing))


def shape(word: str) -> str:
    """Return the shape of a word, one of ``SHAPES``.

    Addresses are URLs, people (``@``) and topics (``#``); a number has a digit, a mark no letter.

    Source: Collobert et al., "Natural Language Processing (Almost) from Scratch", JMLR 2011,
    https://jmlr.org/papers/v12/collobert11a.html, its capitalisation feature, extended by marks and addresses.
    """
    if word.startswith(("@", "#")) or "http" in word:
        return "address"
    if any(character.isdigit() for character in word):
        return "number"
    if not any(character.isalpha() for character in word):
        return "mark"
    if word.islower():
        return "lower"
    if word.isupper():
        return "upper" if len(word) > 1 else "letter"
    return "title" if word[0].isupper() and word[1:].islower() else "mixed"


def _tokenizer(ids: dict[str, int]) -> Tokenizer:
    """Return a tokenizer with these words, or characters; its inputs are single words, or characters."""
    return Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))


def encode(
    words: Sequence[Sequence[str]],
    tags: Sequence[Sequence[int]],
    word_ids: dict[str, int],
    character_ids: dict[str, int],
) -> dict[str, NDArray[np.int32]]:
    """Return the arrays that a task reads.

    Returns:
        words: (N, T), padded with 0.
        characters: (N, T, SYMBOLS), a word's shape and its characters, padded with 0.
        tags: (N, T), padded with NO_TAG.
    """
    size = (len(words), max(map(len, words)))
    arrays = {
        "words": np.full(size, PADDING, dtype=np.int32),
        "characters": np.full((*size, SYMBOLS), PADDING, dtype=np.int32),
        "tags": np.full(size, NO_TAG, dtype=np.int32),
    }
    for row, sentence in enumerate(words):
        arrays["words"][row, : len(sentence)] = [word_ids.get(word.lower(), UNKNOWN) for word in sentence]
        arrays["tags"][row, : len(sentence)] = tags[row]
        for place, word in enumerate(sentence):
            symbols = [_SHAPES[shape(word)], *word[:WORD_CHARACTERS]]
            ids = [character_ids.get(symbol, UNKNOWN) for symbol in symbols]
            arrays["characters"][row, place, : len(ids)] = ids
    return arrays


def count_malformed(tags: Sequence[int]) -> int:
    """Return the number of I- tags that follow neither B- nor I- of their type."""
    before = [0, *tags[:-1]]
    return sum(
        tag > 0 and tag % 2 == 0 and last not in (tag - 1, tag)
        for last, tag in zip(before, tags, strict=True)
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_odd(character: str) -> bool:
    """Return whether a character is a control character or U+FFFD: signs of an incorrect encoding."""
    return character == "\ufffd" or unicodedata.category(character) == "Cc"
