"""Generated sentences: the requested number, all distinct, reproducible, with words of their class."""

from __future__ import annotations

import numpy as np

from assay.data.synthetic.sentences import draw_sentences


def draw(seed: int = 0, num_classes: int = 3) -> tuple[list[list[str]], list[int]]:
    return draw_sentences(np.random.default_rng(seed), num_classes=num_classes, per_class=40)


def test_the_requested_number_in_random_order() -> None:
    sentences, labels = draw()
    assert np.bincount(labels).tolist() == [40] * 3
    assert labels != sorted(labels)
    assert {len(words) for words in sentences} <= set(range(7, 19))


def test_all_sentences_are_distinct() -> None:
    sentences, _ = draw()
    assert len({" ".join(words) for words in sentences}) == 120


def test_the_first_word_belongs_to_the_class() -> None:
    sentences, labels = draw()
    first = [{words[0] for words, of in zip(sentences, labels, strict=True) if of == k} for k in range(3)]
    assert sum(len(words) for words in first) == len(set.union(*first))


def test_some_words_are_not_ascii_and_all_are_in_windows_1252() -> None:
    text = " ".join(" ".join(words) for words in draw()[0])
    assert not text.isascii()
    assert b"\x85" in text.encode("windows-1252")


def test_the_generator_decides() -> None:
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
