# SPDX-License-Identifier: Apache-2.0
"""Tagged sentences: cleaned, split, turned into numbers, described item by item, and written for the tasks to read.

Items are numbered in upstream's order, before anything is dropped; that number is the item's name in every
table that follows. Words are those of the file. A word is known by its lower case, and the words of the
training items have numbers, and those of further texts without tags; its characters keep their case, and those
alone that training has have numbers. Before a word's characters stands its shape, as if it were one more:
names are new words, whose capitals tell.

One tensor holds a sentence, (T, 1 + SYMBOLS): column 0 has the words' ids, the others each word's shape and
characters. Tags are numbered ``O`` = 0, ``B-x`` = 2 i + 1, ``I-x`` = 2 i + 2 for the entity type number i.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer, models

from assay.data.preparation import store
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import Stratified
from assay.data.preparation.text import SPECIAL, bad_row, read_lines, require_label
from assay.data.special_tokens import PADDING, UNKNOWN
from assay.files import write_text

NO_TAG = -1
"""Stands for the tag after a sentence's end."""
WORD_CHARACTERS = 16
"""Of a longer word only so many characters are kept, the first."""
SYMBOLS = 1 + WORD_CHARACTERS
"""A word's shape and its characters."""
SHAPES = ("address", "number", "mark", "lower", "upper", "letter", "title", "mixed")
"""What :func:`shape` tells apart."""
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


@dataclass(frozen=True)
class TaggedSet:
    """A dataset as upstream gives it."""

    words: list[list[str]]
    """N sentences, none of them empty; a word has no blank in it."""
    tags: list[list[int]]
    """Likewise, an index into ``classes`` a word."""
    split: NDArray[np.str_]
    """(N,), upstream's split: ``train``, ``validation`` or ``test``, or ``""`` where upstream names none."""
    classes: tuple[str, ...]
    """The tags' names."""

    def __len__(self) -> int:
        return len(self.words)


def tag_names(types: Iterable[str]) -> tuple[str, ...]:
    """Return the names of all tags of these entity types, by their numbers."""
    return ("O", *(f"{part}-{name}" for name in types for part in "BI"))


def read_conll(path: Path, classes: tuple[str, ...]) -> tuple[list[list[str]], list[list[int]]]:
    """Return the sentences of a file with a word, a tab and its tag a line, and the tags' numbers.

    A line of whitespace alone ends a sentence. Quotation marks are words like any other.

    Raises:
        ValueError: the file is not UTF-8 or holds no sentence, or a line of it has not a word and a known tag.
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
            raise bad_row(path, row, f"{len(fields)} columns, expected a word and its tag with a tab between")
        if fields[0].split() != [fields[0]]:
            raise bad_row(path, row, f"word {fields[0]!r} is empty or holds a blank")
        words[-1].append(fields[0])
        tags[-1].append(require_label(path, row, fields[1], classes))
    if not words[0]:
        raise ValueError(f"{path}: no sentence in it; delete the file and run again")
    return (words, tags) if words[-1] else (words[:-1], tags[:-1])


def conll(sentences: Iterable[tuple[Sequence[str], Sequence[str]]]) -> str:
    """Return the file of sentences, each its words and their tags' names, as :func:`read_conll` reads it."""
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
    test_fraction: float,
    optimum: Mapping[str, float] | None = None,
    further: Sequence[str] = (),
) -> dict[str, Any]:
    """Clean, split and describe ``tagged``; write tokenizer.json and characters.json, which hold the
    vocabularies, arrays.safetensors, items.parquet and prepared.json.

    Row r of the table describes sentence r of the arrays. No sentence is cut. Equal arguments give equal bytes.

    Args:
        validation_fraction: part of the items outside of test that goes to validation, in (0, 1), where
            upstream names no validation items.
        test_fraction: likewise part of all items that goes to test.
        optimum: the best value that any model can have, by metric, where it is known.
        further: words in lower case, each once, that texts without tags have. Those of them that training has
            are numbered first, then those that it has not, then what training alone has: a network that starts
            from what was learned on those texts can leave out the last, of which it would know nothing.

    Returns:
        What prepared.json holds.
    """
    store.begin(out)
    digests = np.array([_digest(" ".join(words)) for words in tagged.words], dtype=object)
    answers = np.unique([_digest(str(tags)) for tags in tagged.tags], return_inverse=True)[1]
    kept, dropped = clean(digests, answers, tagged.split, noun="text")
    words = [tagged.words[item] for item in kept]
    tags = [tagged.tags[item] for item in kept]
    upstream = tagged.split[kept]
    strategy = Stratified(np.zeros(len(kept), np.int64))  # sentences have no class that each part must have
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
    columns = {
        "item": kept,
        "split": split,
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
    store.write_items(out, SCHEMA, columns)
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
    """Return the distinct things, the commonest first, equally common ones by name."""
    counts = Counter(things)
    return sorted(counts, key=lambda thing: (-counts[thing], thing))


def shape(word: str) -> str:
    """Return which of ``SHAPES`` a word has.

    Addresses are of the web, of people (``@``) and of topics (``#``); a number has a digit in it, a mark no letter.

    Source: Collobert et al., "Natural Language Processing (Almost) from Scratch", JMLR 2011,
    https://jmlr.org/papers/v12/collobert11a.html, its capitalisation feature, with marks and addresses as well.
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
    """Return a tokenizer that knows these words, or these characters; it is given them one by one."""
    return Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))


def encode(
    words: Sequence[Sequence[str]],
    tags: Sequence[Sequence[int]],
    word_ids: dict[str, int],
    character_ids: dict[str, int],
) -> dict[str, NDArray[np.int32]]:
    """Return the arrays that a task reads.

    Returns:
        words: (N, T), 0 after a sentence's end.
        characters: (N, T, SYMBOLS), a word's shape and its characters, 0 after its end.
        tags: (N, T), NO_TAG after a sentence's end.
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
    """Return how many tags say that an entity goes on which the tag before is no part of."""
    before = [0, *tags[:-1]]
    return sum(
        tag > 0 and tag % 2 == 0 and last not in (tag - 1, tag)
        for last, tag in zip(before, tags, strict=True)
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_odd(character: str) -> bool:
    """Say whether a character is a control character or U+FFFD: signs of a wrong encoding."""
    return character == "\ufffd" or unicodedata.category(character) == "Cc"
