"""English texts: all texts of the English datasets without their labels, in each of which one word is missing.

Nothing is downloaded twice: :func:`fetch` brings the files of the datasets named in ``PARTS``, each into a folder of
its own. Texts that are validation or test items there, by the same drawing, are validation or test items here, so
that whoever starts from what was learned here has not read the items it will be judged on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.datasets.text import ag_news, movie_reviews, multi30k, wnut17_sentences
from assay.data.declarations import TextAugmentation
from assay.data.expectations import common as item_expectations
from assay.data.expectations import text as text_expectations
from assay.data.preparation import composite, store, text
from assay.data.preparation.cleaning import SPLITS, clean
from assay.data.special_tokens import MASK
from assay.files import replacing, write_text

LONGEST = 48  # tokens; of a longer text the first are read
HELD_OUT = 1500
"""Items of validation, and of test, at most: each is asked about a vocabulary of thousands."""
COMMON = 20_000
"""Words that others may know from here: those beyond stand once or twice, too rarely for a vector to be learned."""
_SPECIAL = {**text.SPECIAL, "[MASK]": MASK}
FACTS = ("item", "split", "source", "characters", "tokens", "unknown", "odd", "sha256", "text")


@dataclass(frozen=True)
class Texts:
    """The texts of one dataset, or of all."""

    texts: list[str]
    split: NDArray[np.str_]
    """(N,): ``train``, ``validation`` or ``test``."""
    source: list[str]
    """The dataset of each."""

    def __len__(self) -> int:
        return len(self.texts)


def _of_labelled(module: Any) -> Callable[[Path, int, float], Texts]:
    """Return how the texts of a labelled dataset are read and split: as that dataset itself does."""

    def read(raw: Path, seed: int, validation_fraction: float) -> Texts:
        cleaned = composite.clean_and_split(module, raw, seed, validation_fraction)
        return Texts(cleaned.texts, cleaned.split, [module.SOURCE.name] * len(cleaned.texts))

    return read


def _of_tagged(raw: Path, seed: int, validation_fraction: float) -> Texts:
    """Return the sentences of wnut17, whose split is upstream's."""
    del seed, validation_fraction
    found = wnut17_sentences.read(raw)
    return Texts([" ".join(words) for words in found.words], found.split, ["wnut17"] * len(found))


def _of_translated(raw: Path, seed: int, validation_fraction: float) -> Texts:
    """Return the English captions of multi30k, each run of whitespace one blank; the split is upstream's."""
    del seed, validation_fraction
    found = multi30k.read(raw)
    return Texts([" ".join(each.split()) for each in found.targets], found.split, ["multi30k"] * len(found))


PARTS = {
    "movie_reviews": movie_reviews,
    "ag_news": ag_news,
    "wnut17": wnut17_sentences,
    "multi30k": multi30k,
}
_READ = {
    "movie_reviews": _of_labelled(movie_reviews),
    "ag_news": _of_labelled(ag_news),
    "wnut17": _of_tagged,
    "multi30k": _of_translated,
}

SOURCE = composite.source(
    "english_texts",
    PARTS,
    f"The texts of {', '.join(PARTS)} without their labels. An item's missing word is drawn from its known words by"
    f" its digest. Validation and test are those of the parts, at most {HELD_OUT:,} texts each.",
)

AUGMENTATION = TextAugmentation(drop=0.0, swap=0.0)  # the models draw other missing words themselves


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring the files of every part into ``raw/<part>``; return their addresses, sizes and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    return composite.fetch(PARTS, raw, mirror=mirror)


def make_twin(raw: Path, seed: int) -> None:
    """Write the twin of every part into ``raw/<part>``."""
    composite.make_twins(PARTS, raw, seed)


def read(raw: Path, *, seed: int = 0, validation_fraction: float = 0.1) -> Texts:
    """Return the texts of every part with the split that they have there.

    Raises:
        ValueError: a file of a part is not as it should be.
    """
    found = [read_part(raw / name, seed, validation_fraction) for name, read_part in _READ.items()]
    return Texts(
        [each for part in found for each in part.texts],
        np.concatenate([part.split for part in found]),
        [name for part in found for name in part.source],
    )


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Take one word out of each text and write ``raw`` into the folder ``out``, named for the dataset or its twin.

    A text that stands in two parts is kept once, held out if one of them holds it out. Of the held-out ones
    ``HELD_OUT`` a split are kept, those with the lowest digests.
    """
    store.begin(out)
    found = read(raw, seed=seed, validation_fraction=validation_fraction)
    items, dropped = _kept(found)
    tokenizer = text.build_tokenizer(items.loc[items["split"] == "train", "text"].tolist(), _SPECIAL)
    tokens = [tokenizer.encode(each).ids for each in items["text"]]
    places = np.array([_place(ids, digest) for ids, digest in zip(tokens, items["sha256"], strict=True)])
    arrays = text.pad(tokens, LONGEST)  # (N, T)
    rows = np.flatnonzero(places >= 0)
    for name, lost in items[places < 0].groupby("split"):
        told = {"reason": "no word that training knows", "split": name, "count": len(lost)}
        dropped.append({**told, "items": lost["item"][:20].tolist()})
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
        "dataset": out.name,
        "shape": [LONGEST],
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
        given="parts",
        vocabularies=("tokenizer.json",),
    )


def common_words(raw: Path, *, seed: int, validation_fraction: float) -> list[str]:
    """Return the commonest words of the training texts, in lower case, the commonest first.

    Raises:
        ValueError: a file of a part is not as it should be.
    """
    items, _ = _kept(read(raw, seed=seed, validation_fraction=validation_fraction))
    ids = text.build_tokenizer(items.loc[items["split"] == "train", "text"].tolist(), _SPECIAL).get_vocab()
    return sorted(set(ids) - set(_SPECIAL), key=lambda word: ids[word])[:COMMON]


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    import great_expectations.expectations as gxe

    own = [
        gxe.ExpectColumnValuesToBeInSet(
            column="source", value_set=list(PARTS), meta={"fix": "check PARTS in the dataset's file"}
        ),
        *text_expectations.of_texts(counts, characters=(1, 1200), most_unknown=0.1),
    ]
    return item_expectations.build(counts, facts=FACTS, nouns=("a text", "texts"), own=own)


def _kept(found: Texts) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the items that stay, and what was dropped and why."""
    digests = np.array([hashlib.sha256(each.encode()).hexdigest() for each in found.texts], dtype=object)
    held_out = np.where(found.split == "train", "train", "test")
    kept, dropped = clean(digests, np.zeros(len(found), dtype=np.int64), held_out, noun="text")
    items = pd.DataFrame(
        {"text": found.texts, "source": found.source, "split": found.split, "sha256": digests}
    )
    items = items.iloc[kept].assign(item=kept)
    rank = items.groupby("split")["sha256"].rank()
    beyond = (items["split"] != "train") & (rank > HELD_OUT)
    for name, lost in items[beyond].groupby("split"):
        told = {"reason": f"held out beyond {HELD_OUT:,}", "split": name, "count": len(lost)}
        dropped.append({**told, "items": lost["item"][:20].tolist()})
    return items[~beyond], dropped


def _place(ids: list[int], digest: str) -> int:
    """Return the place of the word that a text is to miss, one that is known; -1 if it has none."""
    places = [place for place, number in enumerate(ids[:LONGEST]) if number > MASK]
    return places[int(digest[:8], 16) % len(places)] if places else -1
