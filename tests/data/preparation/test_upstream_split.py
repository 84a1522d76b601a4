"""Every kind of preparation uses upstream's splits, draws those that upstream does not have, and records which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from assay.data.datasets.text import ag_news, movie_reviews, reviews_and_news
from assay.data.preparation import characters, images, pairs, store, tagged, text
from assay.data.preparation.cleaning import SPLITS

DRAWN = {"seed": 0, "validation_fraction": 0.25, "test_fraction": 0.2}
WORDS = [f"word{row} and more" for row in range(90)]
CLASSES = ("calm", "loud")
LABELS = np.arange(90) % 2


def prepare_images(split: NDArray[np.str_], out: Path) -> dict[str, Any]:
    pixels = np.arange(90, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return images.prepare(images.ImageSet(pixels, LABELS, split, CLASSES), out, dataset="made", **DRAWN)


def prepare_texts(split: NDArray[np.str_], out: Path) -> dict[str, Any]:
    return text.prepare(text.TextSet(WORDS, LABELS, split, CLASSES), out, dataset="made", longest=9, **DRAWN)


def prepare_pairs(split: NDArray[np.str_], out: Path) -> dict[str, Any]:
    pair_set = pairs.PairSet(WORDS, WORDS, split)
    more = {"build_tokenizer": pairs.characters, "longest": (9, 9), **DRAWN}
    return pairs.prepare(pair_set, out, dataset="made", **more)


def prepare_tagged(split: NDArray[np.str_], out: Path) -> dict[str, Any]:
    words = [each.split() for each in WORDS]
    items = tagged.TaggedSet(words, [[0] * len(each) for each in words], split, tagged.tag_names(("a",)))
    return tagged.prepare(items, out, dataset="made", **DRAWN)


ITEMS = {
    "images": prepare_images,
    "texts": prepare_texts,
    "pairs": prepare_pairs,
    "tagged sentences": prepare_tagged,
}
NAMED = {
    "all": np.repeat(["validation", "train", "test"], 30),
    "validation alone": np.repeat(["validation", "train"], [30, 60]),
    "test alone": np.repeat(["train", "test"], [60, 30]),
    "none": np.full(90, ""),
}


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("prepare", ITEMS.values(), ids=list(ITEMS))
def test_upstreams_split_is_used(prepare: Callable, named: str, tmp_path: Path) -> None:
    upstream = NAMED[named]
    result = prepare(upstream, tmp_path)
    split = pd.read_parquet(tmp_path / "items.parquet")["split"].to_numpy(str)
    for name in ("validation", "test"):
        assert (split == name).any()
        if name in upstream:
            assert (split == name).tolist() == (upstream == name).tolist()
        assert result["split"][name] == ("upstream" if name in upstream else "drawn")
    strategy = "stratified" if prepare in (prepare_images, prepare_texts) else "random"
    assert result["split"]["strategy"] == ("upstream" if named == "all" else strategy)
    assert result["split"]["items"] == {
        name: {used: int(((upstream == name) & (split == used)).sum()) for used in SPLITS}
        for name in SPLITS
        if name in upstream
    }


@pytest.mark.parametrize("prepare", ITEMS.values(), ids=list(ITEMS))
def test_a_split_of_another_name_is_refused(prepare: Callable, tmp_path: Path) -> None:
    upstream = np.where(np.arange(90) == 7, "dev", "train")
    with pytest.raises(ValueError, match=r"^item 7, [^\n]+'dev'; allowed are train, validation, test or ''"):
        prepare(upstream, tmp_path)


@pytest.mark.parametrize("prepare", ITEMS.values(), ids=list(ITEMS))
def test_no_item_to_train_on_is_an_error(prepare: Callable, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^made: a split is not possible: upstream leaves no item to train on$"
    ):
        prepare(np.repeat(["validation", "test"], 45), tmp_path)


def long_text(seed: int, windows: int) -> str:
    letters = np.random.default_rng(seed).choice(list("abcdefgh \n"), max(0, windows * characters.WINDOW - 9))
    return "".join(letters)


@pytest.mark.parametrize("validation", [0, 3])
@pytest.mark.parametrize("test", [0, 2])
def test_a_long_texts_own_validation_and_test_are_used(validation: int, test: int, tmp_path: Path) -> None:
    whole = characters.LongText(
        *(long_text(seed, count) for seed, count in enumerate([10, validation, test]))
    )
    assert len(whole) == len(whole.windows()) == 10 + validation + test
    fractions = {"validation_fraction": 0.2, "test_fraction": 0.1}
    result = characters.prepare(whole, tmp_path, dataset="made", **fractions)
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert result["counts"] == {
        "train": 10 - (0 if validation else 2) - (0 if test else 1),
        "validation": validation or 2,
        "test": test or 1,
    }
    for name, own in {"validation": whole.validation, "test": whole.test}.items():
        shown = items.loc[items["split"] == name, "text"].tolist()
        assert shown[0][0] + "".join(each[1:] for each in shown) == own or not own
        assert result["split"][name] == ("upstream" if own else "drawn")
    assert result["split"]["strategy"] == ("upstream" if validation and test else "order")


def test_a_window_that_upstreams_validation_has_is_not_learned_from(tmp_path: Path) -> None:
    validation = long_text(1, 3)
    train = validation[: characters.WINDOW + 1] + long_text(0, 10)
    whole = characters.LongText(train, validation, long_text(2, 2))
    result = characters.prepare(whole, tmp_path, dataset="made", validation_fraction=0.2, test_fraction=0.1)
    assert result["counts"]["validation"] == 3
    assert [(each["reason"], each["split"], each["items"]) for each in result["dropped"]] == [
        ("also in validation", "train", [0])
    ]


@pytest.mark.parametrize("named", [False, True])
def test_a_dataset_of_parts_keeps_a_validation_that_upstream_names(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews_and_news.DATASET.make_twin(tmp_path / "raw", 0)
    own = movie_reviews.DATASET.read(tmp_path / "raw" / "movie_reviews")
    if named:
        split = np.where(np.arange(len(own)) % 5 == 0, "validation", "train")
        own = text.TextSet(own.texts, own.labels, split, own.classes)
        monkeypatch.setattr(movie_reviews.MovieReviews, "read", lambda *_: own)
    result = reviews_and_news.DATASET.prepare(
        tmp_path / "raw", tmp_path / "out", seed=0, validation_fraction=0.2
    )
    assert result["split"]["test"] == "parts"
    assert result["split"]["validation"] == ("parts" if named else "drawn")
    assert result["split"]["strategy"] == ("parts" if named else "stratified")
    items = pd.read_parquet(tmp_path / "out" / "items.parquet").set_index("text")
    held = items.index[items["split"] == "validation"]
    assert set(held) & {
        " ".join(article.split()) for article in ag_news.DATASET.read(tmp_path / "raw" / "ag_news").texts
    }
    if named:
        texts = [
            " ".join(each.split())
            for each, of in zip(own.texts, own.split, strict=True)
            if of == "validation"
        ]
        assert set(items.loc[texts, "split"]) == {"validation"}


def test_the_record_tells_items_that_were_moved(tmp_path: Path) -> None:
    for name in store.FILES:
        (tmp_path / name).write_bytes(b"")
    upstream, split = (
        np.array(["train", "validation", "test", "test"]),
        np.array(["train", "train", "test", "train"]),
    )
    result = store.seal(tmp_path, {"dataset": "made"}, upstream=upstream, split=split, strategy="random")
    assert result["split"]["items"] == {
        "train": {"train": 1, "validation": 0, "test": 0},
        "validation": {"train": 1, "validation": 0, "test": 0},
        "test": {"train": 1, "validation": 0, "test": 1},
    }
