# SPDX-License-Identifier: Apache-2.0
"""Preparation of pairs of source and target texts: cleaning, splitting, tokenisation and the files for tasks.

Items are numbered in upstream's order, before any are dropped; this number identifies the item in every
later table. Source and target share one tokenizer, made from the training items, so that a
token can be copied from one to the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from assay.data.preparation import store
from assay.data.preparation.characters import tokenizer_of
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import StrategyName, TestPart, choose
from assay.data.preparation.text import bad_row, count_odd, decode, pad
from assay.data.special_tokens import BEGIN, END, PADDING, UNKNOWN
from assay.data.tar_reader import gunzip
from assay.files import write_text

_SPECIAL = {"[PAD]": PADDING, "[UNK]": UNKNOWN, "[BEGIN]": BEGIN, "[END]": END}

SCHEMA = pa.schema(
    [
        ("item", pa.int64()),
        ("split", pa.string()),
        ("source_characters", pa.int64()),
        ("target_characters", pa.int64()),
        ("source_tokens", pa.int64()),
        ("target_tokens", pa.int64()),
        ("unknown", pa.float64()),
        ("odd", pa.int64()),
        ("sha256", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
    ]
)


@dataclass(frozen=True)
class PairSet:
    """A dataset in upstream's form."""

    sources: list[str]
    """N texts, none of them blank."""
    targets: list[str]
    """N texts."""
    split: NDArray[np.str_]
    """(N,), upstream's split: ``train``, ``validation`` or ``test``, or ``""`` if upstream has none."""
    origins: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """(N,) each: the ``group`` and the ``time`` of each pair, if they are known."""
    numbers: NDArray[np.int64] | None = None
    """(N,) the number of each pair in upstream's file; None for its place, from 0."""

    def __len__(self) -> int:
        return len(self.sources)


def prepare(
    pair_set: PairSet,
    out: Path,
    *,
    dataset: str,
    build_tokenizer: Callable[[Sequence[str]], Tokenizer],
    longest: tuple[int, int],
    seed: int,
    validation_fraction: float,
    test_fraction: TestPart,
    optimum: Mapping[str, float] | None = None,
    split_strategy: StrategyName = "stratified",
) -> dict[str, Any]:
    """Clean, split and describe ``pair_set``; write tokenizer.json, arrays.safetensors, items.parquet and
    prepared.json.

    Row r of items.parquet describes pair r of the arrays. Each run of whitespace becomes one space.
    Equal arguments give equal files.

    Args:
        build_tokenizer: makes the tokenizer from the training items' texts.
        longest: the numbers of tokens at which sources and targets are truncated.
        validation_fraction: part of the items outside of test that goes to validation, in (0, 1), where
            upstream names no validation items.
        test_fraction: part of all items that goes to test if upstream names no test items, in (0, 1).
        optimum: the best value that any model can reach, by metric, if it is known.
        split_strategy: how items without a split in upstream are held out.

    Returns:
        The contents of prepared.json.

    Raises:
        ValueError: there are too few items for every split.
    """
    store.begin(out)
    sources, targets = (
        [" ".join(text.split()) for text in of] for of in (pair_set.sources, pair_set.targets)
    )
    digests = np.array(
        [hashlib.sha256("\n".join(pair).encode()).hexdigest() for pair in zip(sources, targets, strict=True)],
        dtype=object,
    )
    no_labels = np.zeros(len(pair_set), np.int64)  # without labels, equal pairs never conflict
    kept, dropped = clean(digests, no_labels, pair_set.split, noun="pair", numbers=pair_set.numbers)
    upstream = pair_set.split[kept]
    origins = {fact: values[kept] for fact, values in pair_set.origins.items()}
    strategy = choose(
        split_strategy,
        dataset=dataset,
        labels=no_labels[kept],
        groups=origins.get("group"),
        times=origins.get("time"),
    )
    split = draw_split(upstream, strategy, seed, validation_fraction, test_fraction, dataset=dataset)
    texts = [[of[item] for item in kept] for of in (sources, targets)]
    train = np.flatnonzero(split == "train")
    tokenizer = build_tokenizer([of[row] for of in texts for row in train])
    tokens = [[encoding.ids for encoding in tokenizer.encode_batch(of)] for of in texts]
    lengths = [
        min(most, max(len(of[row]) for row in train)) for of, most in zip(tokens, longest, strict=True)
    ]
    write_text(out / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")
    store.write_arrays(out, {"source": pad(tokens[0], lengths[0]), "target": pad(tokens[1], lengths[1])})
    both = [[*source, *target] for source, target in zip(*tokens, strict=True)]
    columns: dict[str, Sequence[Any] | NDArray[Any]] = {
        "item": kept if pair_set.numbers is None else pair_set.numbers[kept],
        "split": split,
        **origins,
        "source_characters": [len(text) for text in texts[0]],
        "target_characters": [len(text) for text in texts[1]],
        "source_tokens": [len(ids) for ids in tokens[0]],
        "target_tokens": [len(ids) for ids in tokens[1]],
        "unknown": [ids.count(UNKNOWN) / max(1, len(ids)) for ids in both],
        "odd": [count_odd(pair_set.sources[item]) + count_odd(pair_set.targets[item]) for item in kept],
        "sha256": digests[kept],
        "source": texts[0],
        "target": texts[1],
    }
    store.write_items(out, store.with_origins(SCHEMA, origins), columns)
    facts = {
        "dataset": dataset,
        "shape": lengths,
        "axes": ["source tokens", "target tokens"],
        "vocabulary": tokenizer.get_vocab_size(),
        "counts": {name: int((split == name).sum()) for name in SPLITS},
        "dropped": dropped,
    }
    return store.seal(
        out,
        facts,
        upstream=upstream,
        split=split,
        strategy=strategy.name,
        vocabularies=("tokenizer.json",),
        optimum=optimum,
    )


def byte_pairs(texts: Sequence[str], *, size: int) -> Tokenizer:
    """Return a tokenizer of at most ``size`` subwords from byte-pair encoding; case-sensitive.

    Source: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016,
    https://aclanthology.org/P16-1162.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(_SPECIAL), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    plain = json.loads(tokenizer.to_str()) | {"added_tokens": []}  # otherwise a text could contain "[END]"
    return Tokenizer.from_str(json.dumps(plain))


def characters(texts: Sequence[str]) -> Tokenizer:
    """Return a tokenizer whose tokens are the characters of ``texts``."""
    alphabet = sorted({character for text in texts for character in text})
    return tokenizer_of(
        _SPECIAL | {character: number for number, character in enumerate(alphabet, start=len(_SPECIAL))}
    )


def read_gzip_lines(path: Path) -> list[str]:
    """Return the lines of a gzipped UTF-8 file; only LF ends a line.

    Raises:
        ValueError: it is empty, not gzip or not UTF-8, or a line is blank.
    """
    lines = decode(path, "utf-8", gunzip(path)).split("\n")
    lines = lines if lines[-1] else lines[:-1]
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            raise bad_row(path, row, "the text is empty")
    return lines
