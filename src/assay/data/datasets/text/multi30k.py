# SPDX-License-Identifier: Apache-2.0
"""Multi30k: 31,000 English captions of photographs, with translations into German by professionals.

The task is German to English, with upstream's split: the test part is that of 2016 (Flickr).

Source: Elliott, Frank, Sima'an, Specia, "Multi30K: Multilingual English-German Image Descriptions", Workshop on
Vision and Language 2016, https://aclanthology.org/W16-3210.
"""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.download import remote_files
from assay.data.families.pairs import Pairs
from assay.data.preparation import pairs
from assay.data.synthetic import sentences
from assay.files import replacing

_SPLITS = {"train": "train", "validation": "val", "test": "test_2016_flickr"}  # ours: upstream's
_LANGUAGES = ("de", "en")
_TWIN_ITEMS = {"train": 160, "validation": 20, "test": 20}
_REPOSITORY = "https://raw.githubusercontent.com/multi30k/dataset"
_FOLDER = f"{_REPOSITORY}/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw"
_FILES = {
    "train.de.gz": (637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
    "train.en.gz": (568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
    "val.de.gz": (24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
    "val.en.gz": (21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
    "test_2016_flickr.de.gz": (22_890, "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8"),
    "test_2016_flickr.en.gz": (21_077, "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"),
}


class Multi30k(Pairs):
    """One file per language and split, with one caption per line."""

    def make_twin(self, raw: Path, seed: int) -> None:
        """Write generated pairs into ``raw``: each word has one translation, at the same position."""
        drawn, _ = sentences.draw_sentences(
            self.twin_rng(seed), num_classes=1, per_class=sum(_TWIN_ITEMS.values())
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

    def read(self, raw: Path) -> pairs.PairSet:
        """Return the pairs of upstream's files: train, validation, test."""
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


DATASET: Dataset = Multi30k(
    source=Source(
        name="multi30k",
        files=remote_files("multi30k", _FILES, _FOLDER),
        licence=(
            "unstated for the text; README on the images, which are not used: solely for researchers and educators"
            " who wish to use the dataset for non-commercial research and/or educational purposes"
        ),
        citation=(
            "Elliott, Frank, Sima'an, Specia (2016). Multi30K: Multilingual English-German Image Descriptions. 5th"
            " Workshop on Vision and Language."
        ),
        published="2016",
        homepage="https://github.com/multi30k/dataset",
        quirks=(
            "Captions of photographs: short, narrow in domain. The English captions are the originals of the German"
            " ones, so German to English translates back. Texts are untokenised and in true case; published values"
            " are mostly for lower-case tokenised text and therefore not comparable. Three pairs of train are"
            " repeated. Upstream's validation part is used, so validation_fraction is ignored."
        ),
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),
    build_tokenizer=partial(pairs.byte_pairs, size=6000),  # of both languages together
    longest=(48, 40),  # one pair in a thousand is longer
    source_characters=(2, 300),
    target_characters=(2, 300),
    max_oov_rate=0.01,
)
