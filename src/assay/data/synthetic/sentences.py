# SPDX-License-Identifier: Apache-2.0
"""Made sentences with a known answer: each class has words of its own among neutral ones.

The twins of the text datasets are drawn here, so that the whole graph runs with no network on data that a
linear model learns well and a majority vote does not.
"""

from __future__ import annotations

import numpy as np

_NEUTRAL = (
    "the a an of in with and to from for this that it its on by as at one two many some first last year day"
    " people city time way part café naïve façade … — , ' film news place thing word work house world"
)
_CLASS_WORDS = 12
_WORDS = (7, 18)  # fewest and most words of a sentence
_TELLING = 0.35  # of the words
_MISLEADING = 0.1  # of the telling words: those of any class


def draw_sentences(
    rng: np.random.Generator, *, num_classes: int, per_class: int
) -> tuple[list[list[str]], list[int]]:
    """Return sentences as lists of words, and their labels, in random order; no two sentences are alike.

    The first word is one of the class's own. Some words are not ASCII; all of them are in Windows-1252.
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
        if rng.random() >= _TELLING:
            words.append(str(rng.choice(_NEUTRAL.split())))
        else:
            of = int(rng.integers(len(lexicon))) if rng.random() < _MISLEADING else label
            words.append(str(rng.choice(lexicon[of])))
    return words


def _draw_lexicon(rng: np.random.Generator, num_classes: int) -> list[list[str]]:
    """Return made words of three syllables, as many for each class, none of them twice."""
    syllables = [first + second for first in "bdfglmnprstv" for second in "aeiou"]
    words: dict[str, None] = {}  # a set that keeps its order
    while len(words) < num_classes * _CLASS_WORDS:
        words["".join(rng.choice(syllables, 3))] = None
    return np.array(list(words)).reshape(num_classes, _CLASS_WORDS).tolist()
