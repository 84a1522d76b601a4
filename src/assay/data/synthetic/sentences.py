# SPDX-License-Identifier: Apache-2.0
"""Generated sentences of known classes: each class has its own words among neutral ones.

The twins of the text datasets are made of them: the whole graph runs without a network on data that a linear model
learns well and a majority vote does not.
"""

from __future__ import annotations

import numpy as np

_NEUTRAL = (
    "the a an of in with and to from for this that it its on by as at one two many some first last year day"
    " people city time way part café naïve façade … — , ' film news place thing word work house world"
)
_CLASS_WORDS = 12
_WORDS = (7, 18)  # the smallest and largest number of words of a sentence
_CLASS_SHARE = 0.35  # the share of words of a class
_ANY_CLASS_SHARE = 0.1  # the share of these that are of a random class


def draw_sentences(
    rng: np.random.Generator, *, num_classes: int, per_class: int
) -> tuple[list[list[str]], list[int]]:
    """Return distinct sentences as lists of words, and their labels, in random order.

    The first word is one of the class. Some words are not ASCII; all are in Windows-1252.
    """
    lexicon = _draw_lexicon(rng, num_classes)
    drawn: set[str] = set()
    sentences, labels = [], []
    for label in rng.permutation(np.repeat(np.arange(num_classes), per_class)).tolist():
        while (text := " ".join(words := _draw_words(rng, lexicon, label))) in drawn:
            pass
        drawn.add(text)
        sentences.append(words)
        labels.append(label)
    return sentences, labels


def _draw_words(rng: np.random.Generator, lexicon: list[list[str]], label: int) -> list[str]:
    words = [str(rng.choice(lexicon[label]))]
    for _ in range(int(rng.integers(_WORDS[0], _WORDS[1] + 1)) - 1):
        if rng.random() >= _CLASS_SHARE:
            words.append(str(rng.choice(_NEUTRAL.split())))
        else:
            of = int(rng.integers(len(lexicon))) if rng.random() < _ANY_CLASS_SHARE else label
            words.append(str(rng.choice(lexicon[of])))
    return words


def _draw_lexicon(rng: np.random.Generator, num_classes: int) -> list[list[str]]:
    """Return distinct generated words of three syllables, the same number for each class."""
    syllables = [first + second for first in "bdfglmnprstv" for second in "aeiou"]
    words: dict[str, None] = {}  # an ordered set
    while len(words) < num_classes * _CLASS_WORDS:
        words["".join(rng.choice(syllables, 3))] = None
    return np.array(list(words)).reshape(num_classes, _CLASS_WORDS).tolist()
