# SPDX-License-Identifier: Apache-2.0
"""Preparation of labelled texts: cleaning, splitting, tokenisation, facts per item, and the files for tasks.

Items are numbered in upstream's order, before any are dropped; this number identifies the item in every
later table. A token is a word or a run of punctuation, in lower case; the vocabulary is that of
the training items.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from assay.data import csv_rows
from assay.data.preparation import store
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import StrategyName, TestPart, choose
from assay.data.special_tokens import PADDING, UNKNOWN
from assay.files import write_text

SPECIAL = {
    "[PAD]": PADDING,
    "[UNK]": UNKNOWN,
}  # no word equals one of them, since brackets are separate tokens
_LAYOUT = "\t\n\r"  # control characters that belong in a text

SCHEMA = pa.schema(
    [
        ("item", pa.int64()),
        ("split", pa.string()),
        ("label", pa.int64()),
        ("characters", pa.int64()),
        ("tokens", pa.int64()),
        ("unknown", pa.float64()),
        ("odd", pa.int64()),
        ("sha256", pa.string()),
        ("text", pa.string()),
    ]
)


@dataclass(frozen=True)
class TextSet:
    """A dataset in upstream's form."""

    texts: list[str]
    """N texts, none of them blank."""
    labels: NDArray[np.int64]
    """(N,), an index into ``classes``."""
    split: NDArray[np.str_]
    """(N,), upstream's split: ``train``, ``validation`` or ``test``, or ``""`` if upstream has none."""
    classes: tuple[str, ...]
    origins: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """(N,) each: the ``group`` and the ``time`` of each text, if they are known."""
    numbers: NDArray[np.int64] | None = None
    """(N,) the number of each text in upstream's file; None for its place, from 0."""

    def __len__(self) -> int:
        return len(self.labels)


def prepare(
    text_set: TextSet,
    out: Path,
    *,
    dataset: str,
    seed: int,
    validation_fraction: float,
    test_fraction: TestPart,
    longest: int,
    optimum: Mapping[str, float] | None = None,
    given: str = "upstream",
    split_strategy: StrategyName = "stratified",
) -> dict[str, Any]:
    """Clean, split and describe ``text_set``; write tokenizer.json, arrays.safetensors, items.parquet and
    prepared.json.

    Row r of items.parquet describes text r of the arrays. Each run of whitespace becomes one space.
    Equal arguments give equal files.

    Args:
        validation_fraction: part of the items outside of test that goes to validation if upstream names no
            validation items, in (0, 1).
        test_fraction: part of all items that goes to test if upstream names no test items, in (0, 1).
        longest: the number of tokens at which texts are truncated.
        optimum: the best value that any model can reach, by metric, if it is known.
        given: the origin of the split of ``text_set``, for prepared.json.
        split_strategy: how the items without a split are held out.

    Returns:
        The contents of prepared.json.

    Raises:
        ValueError: a class has too few items for every split, or the items lack the strategy's fact.
    """
    store.begin(out)
    cleaned = clean_and_split(
        text_set,
        dataset=dataset,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        split_strategy=split_strategy,
    )
    kept, texts, split = cleaned.kept, cleaned.texts, cleaned.split
    labels = text_set.labels[kept]
    train = np.flatnonzero(split == "train")
    tokenizer = build_tokenizer([texts[row] for row in train])
    tokens = [tokenizer.encode(text).ids for text in texts]
    length = min(longest, max(len(tokens[row]) for row in train))
    write_text(out / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")
    store.write_arrays(out, {"tokens": pad(tokens, length), "labels": labels})
    columns: dict[str, Sequence[Any] | NDArray[Any]] = {
        "item": kept if text_set.numbers is None else text_set.numbers[kept],
        "split": split,
        **(origins := {fact: values[kept] for fact, values in text_set.origins.items()}),
        "label": labels,
        **facts(texts, tokens),
        "odd": [count_odd(text_set.texts[item]) for item in kept],
        "sha256": cleaned.digests,
        "text": texts,
    }
    store.write_items(out, store.with_origins(SCHEMA, origins), columns)
    prepared = {
        "dataset": dataset,
        "classes": list(text_set.classes),
        "shape": [length],
        "axes": ["tokens"],
        "vocabulary": tokenizer.get_vocab_size(),
        "counts": {name: int((split == name).sum()) for name in SPLITS},
        "class_counts": {
            name: [int((labels[split == name] == label).sum()) for label in range(len(text_set.classes))]
            for name in SPLITS
        },
        "dropped": cleaned.dropped,
    }
    return store.seal(
        out,
        prepared,
        upstream=cleaned.upstream,
        split=split,
        strategy=cleaned.strategy,
        given=given,
        vocabularies=("tokenizer.json",),
        optimum=optimum,
    )


@dataclass(frozen=True)
class Cleaned:
    """The remaining texts, with each run of whitespace as one space."""

    kept: NDArray[np.int64]
    """(M,) the places of texts in the set, ascending."""
    texts: list[str]
    digests: NDArray[np.object_]
    """(M,) SHA-256 of each text."""
    upstream: NDArray[np.str_]
    """(M,) upstream's split, as in :class:`TextSet`."""
    split: NDArray[np.str_]
    strategy: str
    """How the items without a split in upstream were held out."""
    dropped: list[dict[str, Any]]
    """The dropped items with reasons, from :func:`assay.data.preparation.cleaning.clean`."""


def clean_and_split(
    text_set: TextSet,
    *,
    dataset: str,
    seed: int,
    validation_fraction: float,
    test_fraction: TestPart,
    split_strategy: StrategyName = "stratified",
) -> Cleaned:
    """Drop repeated texts and draw the split; deterministic.

    Raises:
        ValueError: a class has too few items for every split, or the items lack the strategy's fact.
    """
    whole = [" ".join(text.split()) for text in text_set.texts]
    digests = np.array([hashlib.sha256(text.encode()).hexdigest() for text in whole], dtype=object)
    kept, dropped = clean(digests, text_set.labels, text_set.split, noun="text", numbers=text_set.numbers)
    upstream, labels = text_set.split[kept], text_set.labels[kept]
    origins = {fact: values[kept] for fact, values in text_set.origins.items()}
    strategy = choose(
        split_strategy,
        dataset=dataset,
        labels=labels,
        groups=origins.get("group"),
        times=origins.get("time"),
    )
    split = draw_split(upstream, strategy, seed, validation_fraction, test_fraction, dataset=dataset)
    texts = [whole[item] for item in kept]
    return Cleaned(kept, texts, digests[kept], upstream, split, strategy.name, dropped)


def build_tokenizer(texts: Sequence[str], special: Mapping[str, int] = SPECIAL) -> Tokenizer:
    """Return a tokenizer with the words of ``texts``, most frequent first, ties in alphabetical order.

    Args:
        special: the names of special tokens, and their ids, counted from 0.
    """
    tokenizer = Tokenizer(models.WordLevel(dict(special), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    counts = Counter(
        word
        for text in texts
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
    )
    words = sorted(counts, key=lambda word: (-counts[word], word))
    vocabulary = dict(special) | {word: number for number, word in enumerate(words, start=len(special))}
    tokenizer.model = models.WordLevel(vocabulary, unk_token="[UNK]")
    return tokenizer


def read_lines(path: Path, *, encoding: str) -> list[str]:
    """Return the lines of a file; only LF ends a line.

    str.splitlines would also split at U+0085, U+2028 and others, which may be part of a text.

    Raises:
        ValueError: the file is empty, or cannot be decoded.
    """
    lines = decode(path, encoding).split("\n")
    return lines if lines[-1] else lines[:-1]


def read_table(path: Path, *, encoding: str, num_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV file (fields in double quotes, a quote in a field doubled) and its line.

    Raises:
        ValueError: the file is empty or cannot be decoded, or a record has another number of fields.
    """
    rows = csv_rows.reader(io.StringIO(decode(path, encoding), newline=""), strict=True)
    try:
        for fields in rows:
            if len(fields) != num_columns:
                raise bad_row(path, rows.line_num, f"{len(fields)} columns, expected {num_columns}")
            yield rows.line_num, fields
    except csv.Error as broken:
        raise bad_row(path, rows.line_num, f"not CSV ({broken})") from None


def read_columns(path: Path, *, num_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the tab-separated fields of each line of a UTF-8 file, and the line's number from 1.

    Raises:
        ValueError: the file is empty or not UTF-8, or a line has another number of fields.
    """
    for row, line in enumerate(read_lines(path, encoding="utf-8"), start=1):
        fields = line.split("\t")
        if len(fields) != num_columns:
            raise bad_row(path, row, f"{len(fields)} columns, expected {num_columns}")
        yield row, fields


def require_text(path: Path, row: int, text: str) -> str:
    """Return ``text`` if it is not blank.

    Raises:
        ValueError: it is blank.
    """
    if not text.strip():
        raise bad_row(path, row, "the text is empty")
    return text


def require_label(path: Path, row: int, name: str, names: Sequence[str]) -> int:
    """Return the number of the label ``name``.

    Raises:
        ValueError: it is not one of ``names``.
    """
    if name not in names:
        raise bad_row(path, row, f"label {name[:60]!r}, allowed are {', '.join(names)}")
    return names.index(name)


def bad_row(path: Path, row: int, what: str) -> ValueError:
    """Return the error about a file's bad row, counted from 1."""
    return ValueError(f"{path}: row {row}: {what}; delete the file and run again")


def decode(path: Path, encoding: str, data: bytes | None = None) -> str:
    """Return the text of a file.

    Args:
        data: the file's contents if they were compressed; None to read the file.

    Raises:
        ValueError: it is empty, or cannot be decoded.
    """
    data = path.read_bytes() if data is None else data
    if not data:
        raise bad_row(path, 1, "the file is empty")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as broken:
        row = data.count(b"\n", 0, broken.start) + 1
        raise bad_row(path, row, f"byte 0x{data[broken.start]:02x} is not {encoding}") from None


def pad(tokens: Sequence[Sequence[int]], length: int) -> NDArray[np.int32]:
    """Return the tokens as (N, length), truncated or padded on the right."""
    padded = np.full((len(tokens), length), PADDING, dtype=np.int32)
    for row, ids in enumerate(tokens):
        padded[row, : len(ids)] = ids[:length]
    return padded


def count_odd(text: str) -> int:
    """Return the number of control characters and of U+FFFD: signs of an incorrect encoding."""
    return sum(
        char == "\ufffd" or (unicodedata.category(char) == "Cc" and char not in _LAYOUT) for char in text
    )


def facts(texts: Sequence[str], tokens: Sequence[Sequence[int]]) -> dict[str, list[Any]]:
    """Return the facts of texts and their ids for validation: lengths, share of unknown words, odd characters."""
    return {
        "characters": [len(text) for text in texts],
        "tokens": [len(ids) for ids in tokens],
        "unknown": [ids.count(UNKNOWN) / len(ids) for ids in tokens],
        "odd": [count_odd(text) for text in texts],
    }
