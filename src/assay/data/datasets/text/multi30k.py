"""Multi30k: 31,000 captions of photographs in German, and in English as professionals translated them into it.

German to English, upstream's split: its test part is that of 2016 (Flickr).

Source: Elliott, Frank, Sima'an, Specia, "Multi30K: Multilingual English-German Image Descriptions", Workshop on
Vision and Language 2016, https://aclanthology.org/W16-3210.
"""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from assay.data import download
from assay.data.declarations import Source, TextAugmentation
from assay.data.download import RemoteFile
from assay.data.expectations import pairs as pair_expectations
from assay.data.preparation import pairs
from assay.data.synthetic import sentences
from assay.files import replacing

LONGEST = (48, 40)  # tokens; one pair in a thousand is longer
SIZE = 6000
"""Parts of words, of both languages together."""
_SPLITS = {"train": "train", "validation": "val", "test": "test_2016_flickr"}  # ours: upstream's
_LANGUAGES = ("de", "en")
_TWIN_ITEMS = {"train": 160, "validation": 20, "test": 20}
_FILES = {
    "train.de": (637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
    "train.en": (568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
    "val.de": (24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
    "val.en": (21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
    "test_2016_flickr.de": (22_890, "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8"),
    "test_2016_flickr.en": (21_077, "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"),
}


def _remote(stem: str, size: int, sha256: str) -> RemoteFile:
    host = "https://raw.githubusercontent.com/multi30k/dataset"
    address = f"{host}/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/{stem}.gz"
    return RemoteFile("multi30k", f"{stem}.gz", (address,), size, sha256)


SOURCE = Source(
    name="multi30k",
    files=tuple(_remote(stem, size, sha256) for stem, (size, sha256) in _FILES.items()),
    licence=(
        "unstated for the text; README on the images, which are not used: solely for researchers and educators"
        " who wish to use the dataset for non-commercial research and/or educational purposes"
    ),
    citation=(
        "Elliott, Frank, Sima'an, Specia (2016). Multi30K: Multilingual English-German Image Descriptions. 5th"
        " Workshop on Vision and Language."
    ),
    homepage="https://github.com/multi30k/dataset",
    quirks=(
        "Captions of photographs: short, narrow in domain. The English came first and was translated, so that"
        " German to English goes back to the original. Untokenised, true case, and kept so; published values"
        " are mostly of lower-case tokenised text and therefore not comparable. Three pairs of train are"
        " repeated. Upstream's validation part is used, so validation_fraction is not read."
    ),
)

AUGMENTATION = TextAugmentation(drop=0.0, swap=0.0)


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:
    """Bring upstream's files into ``raw``; return their addresses, sizes and sha256.

    Raises:
        DownloadError: no source gave the declared bytes.
    """
    return download.describe(download.fetch(SOURCE.files, raw, mirror=mirror))


def make_twin(raw: Path, seed: int) -> None:
    """Write made pairs into ``raw``, in upstream's files: each word has one translation, and keeps its place."""
    drawn, _ = sentences.draw_sentences(
        np.random.default_rng([seed, *SOURCE.name.encode()]),
        num_classes=1,
        per_class=sum(_TWIN_ITEMS.values()),
    )
    start = 0
    for split, count in _TWIN_ITEMS.items():
        part = drawn[start : start + count]
        start += count
        texts = (
            [" ".join(words) for words in part],
            [" ".join(word[::-1] for word in words) for words in part],
        )
        for language, lines in zip(_LANGUAGES, texts, strict=True):
            with replacing(raw / f"{_SPLITS[split]}.{language}.gz") as aside:
                aside.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))


def read(raw: Path) -> pairs.PairSet:
    """Return what upstream's files hold: train, validation, test.

    Raises:
        ValueError: a file is not gzip or not UTF-8, a line of it is blank, or the two languages differ in lines.
    """
    texts: dict[str, list[str]] = {language: [] for language in _LANGUAGES}
    split: list[str] = []
    for ours, theirs in _SPLITS.items():
        paths = [raw / f"{theirs}.{language}.gz" for language in _LANGUAGES]
        of = [pairs.read_gzip_lines(path) for path in paths]
        if len(of[0]) != len(of[1]):
            raise ValueError(
                f"{paths[1]}: {len(of[1])} lines, {paths[0].name} has {len(of[0])}; delete both and run again"
            )
        split += [ours] * len(of[0])
        for language, lines in zip(_LANGUAGES, of, strict=True):
            texts[language] += lines
    return pairs.PairSet(texts["de"], texts["en"], np.array(split))


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Clean, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    return pairs.prepare(
        read(raw),
        out,
        dataset=out.name,
        build_tokenizer=partial(pairs.byte_pairs, size=SIZE),
        longest=LONGEST,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=0.1,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared items; ``counts`` are the items of each split."""
    return pair_expectations.build(
        counts, source_characters=(2, 300), target_characters=(2, 300), most_unknown=0.01
    )
