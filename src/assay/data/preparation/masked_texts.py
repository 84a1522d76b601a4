# SPDX-License-Identifier: Apache-2.0
"""Preparation of texts with one missing word each: cleaning, facts per item, and the files for tasks.

A text in two sources is kept once, held out if one of them holds it out. The missing word is chosen among the text's
known words by the text's digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.preparation import store, text
from assay.data.preparation.cleaning import SPLITS, clean
from assay.data.special_tokens import MASK
from assay.files import replacing, write_text

FACTS = ("item", "split", "source", "characters", "tokens", "unknown", "odd", "sha256", "text")
_SPECIAL = {**text.SPECIAL, "[MASK]": MASK}


@dataclass(frozen=True)
class MaskedSet:
    """The texts of several sources."""

    texts: list[str]
    split: NDArray[np.str_]
    """(N,): ``train``, ``validation`` or ``test``."""
    source: list[str]
    """The dataset of each text."""

    def __len__(self) -> int:
        return len(self.texts)


def prepare(found: MaskedSet, out: Path, *, dataset: str, longest: int, held_out: int) -> dict[str, Any]:
    """Mask one word of each text and write tokenizer.json, arrays.safetensors, items.parquet and prepared.json.

    Args:
        longest: the number of tokens at which texts are truncated.
        held_out: the largest number of items of validation, and of test: those with the lowest digests.

    Returns:
        The contents of prepared.json.
    """
    store.begin(out)
    items, dropped = _kept(found, held_out)
    tokenizer = text.build_tokenizer(items.loc[items["split"] == "train", "text"].tolist(), _SPECIAL)
    tokens = [tokenizer.encode(each).ids for each in items["text"]]
    places = np.array(
        [_place(ids[:longest], digest) for ids, digest in zip(tokens, items["sha256"], strict=True)]
    )
    arrays = text.pad(tokens, longest)  # (N, T)
    rows = np.flatnonzero(places >= 0)
    dropped += _dropped(items[places < 0], "no known word")
    items, tokens = items.iloc[rows], [tokens[row] for row in rows]
    arrays, places = arrays[rows], places[rows]
    missing = arrays[np.arange(len(rows)), places].astype(np.int64)  # (N,)
    arrays[np.arange(len(rows)), places] = MASK
    write_text(out / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")
    store.write_arrays(out, {"tokens": arrays, "labels": missing})
    with replacing(out / "items.parquet") as aside:
        items.assign(**text.facts(items["text"].tolist(), tokens))[list(FACTS)].to_parquet(aside, index=False)
    counts = items["split"].value_counts()
    facts = {
        "dataset": dataset,
        "shape": [longest],
        "axes": ["tokens"],
        "vocabulary": tokenizer.get_vocab_size(),
        "counts": {name: int(counts[name]) for name in SPLITS},
        "dropped": dropped,
    }
    return store.seal(
        out,
        facts,
        upstream=found.split[items["item"]],
        split=items["split"].to_numpy(str),
        strategy="parts",
        given="parts",
        vocabularies=("tokenizer.json",),
    )


def common_words(found: MaskedSet, *, held_out: int) -> list[str]:
    """Return the words of the training texts, in lower case, most frequent first."""
    items, _ = _kept(found, held_out)
    ids = text.build_tokenizer(items.loc[items["split"] == "train", "text"].tolist(), _SPECIAL).get_vocab()
    return sorted(set(ids) - set(_SPECIAL), key=lambda word: ids[word])


def _kept(found: MaskedSet, held_out: int) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the remaining items, and records of the dropped ones with reasons."""
    digests = np.array([hashlib.sha256(each.encode()).hexdigest() for each in found.texts], dtype=object)
    split = np.where(found.split == "train", "train", "test")
    kept, dropped = clean(digests, np.zeros(len(found), dtype=np.int64), split, noun="text")
    items = pd.DataFrame(
        {"text": found.texts, "source": found.source, "split": found.split, "sha256": digests}
    )
    items = items.iloc[kept].assign(item=kept)
    rank = items.groupby("split")["sha256"].rank()
    beyond = (items["split"] != "train") & (rank > held_out)
    return items[~beyond], dropped + _dropped(items[beyond], f"held out beyond {held_out:,}")


def _dropped(items: pd.DataFrame, reason: str) -> list[dict[str, Any]]:
    """Return one record per split of dropped items."""
    return [
        {"reason": reason, "split": name, "count": len(lost), "items": lost["item"][:20].tolist()}
        for name, lost in items.groupby("split")
    ]


def _place(ids: list[int], digest: str) -> int:
    """Return the position of the word to mask, a known one; -1 if the text has none."""
    places = [place for place, number in enumerate(ids) if number > MASK]
    return places[int(digest[:8], 16) % len(places)] if places else -1
