# SPDX-License-Identifier: Apache-2.0
"""Preparation of a long text as windows of characters: split by position, facts per window, the files for tasks.

A window is 64 characters and the next one; each but the first is predicted from those before it. The next window
begins with the last character of this one, so that each character of the text but the first is a target exactly once.
The last window may be shorter.

If upstream has one text, training, validation and test are consecutive parts of it, so that no window of test is
between two of training. Equal windows, such as those of a chorus, are kept once: the first of them or, if one is in
test, that one, so that no window of test is also in training. The same applies to a validation text of upstream.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from assay.data.preparation import store
from assay.data.preparation.cleaning import SPLITS, clean, draw_split
from assay.data.preparation.split_strategies import ByGroup, Fold, TestPart
from assay.data.preparation.text import SPECIAL, bad_row, count_odd, decode
from assay.data.special_tokens import PADDING, UNKNOWN
from assay.files import write_text

WINDOW = 64
"""The number of characters of a window."""
IGNORED = -100
"""The target of positions without one; PyTorch's default ``ignore_index``."""

SCHEMA = pa.schema(
    [
        ("item", pa.int64()),
        ("split", pa.string()),
        ("characters", pa.int64()),
        ("unknown", pa.float64()),
        ("distinct", pa.int64()),
        ("odd", pa.int64()),
        ("sha256", pa.string()),
        ("text", pa.string()),
    ]
)


@dataclass(frozen=True)
class LongText:
    """A text in upstream's form, or separate texts for training, validation and test."""

    text: str
    validation: str = ""
    """"" if upstream has none."""
    test: str = ""
    """"" if upstream has none."""

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.split)

    @property
    def split(self) -> NDArray[np.str_]:
        """Return upstream's split of each window, or ``""``."""
        texts = {"": self.text, "validation": self.validation, "test": self.test}
        counts = [max(0, math.ceil((len(text) - 1) / WINDOW)) for text in texts.values()]
        return np.repeat(np.array(list(texts)), counts)

    def windows(self) -> list[str]:
        """Return each window with the next character."""
        return [
            text[start : start + WINDOW + 1]
            for text in (self.text, self.validation, self.test)
            for start in range(0, len(text) - 1, WINDOW)
        ]


@dataclass(frozen=True)
class Documents:
    """Several texts, none of whose windows holds characters of two."""

    texts: list[str]
    parts: list[str]
    """Upstream's split of each text: ``train``, ``validation`` or ``test``, or ``""`` if upstream has none."""

    def __len__(self) -> int:
        """Return the number of windows."""
        return int(self.counts.sum())

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return the number of windows of each text."""
        return np.array([max(0, math.ceil((len(text) - 1) / WINDOW)) for text in self.texts], dtype=np.int64)

    @property
    def split(self) -> NDArray[np.str_]:
        """Return upstream's split of each window, or ``""``."""
        return np.repeat(np.array(self.parts, dtype="<U10"), self.counts)

    def windows(self) -> list[str]:
        """Return each window with the next character."""
        return [window for text in self.texts for window in LongText(text).windows()]


def read_text(path: Path) -> LongText:
    """Return the text of a UTF-8 file, unchanged.

    Raises:
        ValueError: it is not UTF-8, or too short for a window in each split.
    """
    text = LongText(decode(path, "utf-8"))
    if len(text) < len(SPLITS):
        raise bad_row(
            path,
            1,
            f"{len(text.text)} characters, at least {(len(SPLITS) - 1) * WINDOW + 2} are needed for a window in"
            " each split",
        )
    return text


def prepare(
    text: LongText | Documents,
    out: Path,
    *,
    dataset: str,
    validation_fraction: float,
    test_fraction: TestPart,
    seed: int = 0,
    groups: NDArray[np.str_] | None = None,
    ignored_targets: int = 0,
    optimum: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Prepare the windows of ``text``: write tokenizer.json, arrays.safetensors, items.parquet and prepared.json.

    Row r of items.parquet describes window r of the arrays: ``inputs`` (N, 64), the ids of its characters, padded on
    the right, and ``targets`` (N, 64), the next id or -100. Deterministic.

    Args:
        validation_fraction: part of the windows before test, the last, that goes to validation where upstream
            names no validation text, in (0, 1).
        test_fraction: part of the windows outside of upstream's validation, the last, that goes to test where
            upstream names no test text, in (0, 1).
        seed: draws groups; by position nothing is drawn.
        groups: (number of windows,) what each window belongs to, such as a file: groups are drawn, and the fractions
            are of groups. None to split by position.
        ignored_targets: the number of targets at each window's beginning that are ignored for lack of context.
        optimum: the best value that any model can reach, by metric, if it is known.

    Returns:
        The contents of prepared.json.

    Raises:
        ValueError: a split has no window, or a fold is requested of a text that is split by position.
    """
    store.begin(out)
    windows = text.windows()
    upstream = text.split
    if groups is None:
        if isinstance(test_fraction, Fold):
            raise ValueError(f"{dataset}: a text that is split by position has no folds; remove folds")
        split = cut(upstream, validation_fraction, test_fraction)
    else:
        split = draw_split(
            upstream, ByGroup(groups), seed, validation_fraction, test_fraction, dataset=dataset
        )
    origins = {} if groups is None else {"group": groups}
    digests = np.array([hashlib.sha256(window.encode()).hexdigest() for window in windows], dtype=object)
    # If a validation part that is not upstream's repeats a window of train, the one in train is kept.
    before = np.where((split == "test") | (upstream != ""), split, "train")
    kept, dropped = clean(digests, np.zeros(len(windows), dtype=np.int64), before, noun="characters")
    counts = {name: int((split[kept] == name).sum()) for name in SPLITS}
    empty = [name for name in SPLITS if not counts[name]]
    if empty:
        raise ValueError(
            f"{dataset}: no window is left for {empty[0]}: {len(kept)} of {len(windows)} differ;"
            " the text is too short or repeats itself"
        )
    texts, split, upstream = [windows[item] for item in kept], split[kept], upstream[kept]
    tokenizer = build_tokenizer([texts[row] for row in np.flatnonzero(split == "train")])
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    write_text(out / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")
    inputs, targets = pair(ids, ignored_targets)
    store.write_arrays(out, {"inputs": inputs, "targets": targets})
    columns = {
        "item": kept,
        "split": split,
        **{fact: values[kept] for fact, values in origins.items()},
        "characters": (targets != IGNORED).sum(axis=1),
        "unknown": [row.count(UNKNOWN) / len(row) for row in ids],
        "distinct": [len(set(text)) for text in texts],
        "odd": [count_odd(text) for text in texts],
        "sha256": digests[kept],
        "text": texts,
    }
    store.write_items(out, store.with_origins(SCHEMA, origins), columns)
    facts = {
        "dataset": dataset,
        "shape": [WINDOW],
        "axes": ["characters"],
        "vocabulary": tokenizer.get_vocab_size(),
        "counts": counts,
        "dropped": [{**record, "split": _where(record["split"], upstream)} for record in dropped],
    }
    return store.seal(
        out,
        facts,
        upstream=upstream,
        split=split,
        strategy="order" if groups is None else ByGroup.name,
        vocabularies=("tokenizer.json",),
        optimum=optimum,
    )


def cut(upstream: NDArray[np.str_], validation_fraction: float, test_fraction: float) -> NDArray[np.str_]:
    """Return the split of each window: upstream's, or else training, then validation and test in a row if upstream has
    none, each of at least one window."""
    split = upstream.astype("<U10")
    rest = np.flatnonzero(upstream == "")
    split[rest] = "train"
    for name, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if name not in upstream:
            count = max(1, round(len(rest) * fraction))
            split[rest[-count:]] = name
            rest = rest[:-count]
    return split


def build_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """Return a tokenizer with the characters of ``texts``, most frequent first, ties by code point, without
    normalisation, so that there are as many ids as characters."""
    counts = Counter(character for text in texts for character in text)
    characters = sorted(counts, key=lambda character: (-counts[character], character))
    vocabulary = SPECIAL | {character: number for number, character in enumerate(characters, len(SPECIAL))}
    return tokenizer_of(vocabulary)


def tokenizer_of(vocabulary: dict[str, int]) -> Tokenizer:
    """Return a tokenizer whose tokens are the single characters of the vocabulary."""
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def pair(ids: Sequence[Sequence[int]], ignored_targets: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return inputs and targets (N, 64) from the ids of windows; the last id of each is only a target."""
    padded = np.array([[*row, *[PADDING] * (WINDOW + 1 - len(row))] for row in ids], dtype=np.int32)
    inputs, targets = padded[:, :-1].copy(), padded[:, 1:].copy()
    inputs[targets == PADDING] = PADDING
    targets[targets == PADDING] = IGNORED
    targets[:, :ignored_targets] = IGNORED
    return inputs, targets


def _where(split: str, upstream: NDArray[np.str_]) -> str:
    return "train and validation" if split == "train" and "validation" not in upstream else split
