# SPDX-License-Identifier: Apache-2.0
"""Markov text: 256,001 made characters, each drawn by the two before it; ten different ones.

Nothing is downloaded: the text is drawn here, always the same one. After each pair of characters two to five
are possible, some much likelier than others. The first pair is drawn from the stationary distribution, so that every
pair has the same chances at every place, and what a model can reach at best is known exactly: a character whose
last two are seen costs the entropy rate of the source, the mean over pairs of the entropy of what comes after them.
The first target of a window, of which one character alone is seen, does not count.

Source: Shannon, "A Mathematical Theory of Communication", Bell System Technical Journal 1948, sections 4 to 7,
https://doi.org/10.1002/j.1538-7305.1948.tb01338.x.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.data.declarations import Dataset, Source, TextAugmentation
from assay.data.families.characters import LongText
from assay.data.families.generated import Generated, generated_file
from assay.data.preparation.characters import WINDOW

ALPHABET = " .aeinorst"
_WEIGHTS = ((10, 6), (12, 3, 1), (8, 6, 2), (9, 4, 2, 1), (6, 4, 3, 2, 1))
"""Of the characters that can follow a pair, sixteenths."""


def draw_chances(rng: random.Random) -> NDArray[np.float64]:
    """Return how likely each character is after each pair: (10, 10, 10), the last dimension sums to 1."""
    size = len(ALPHABET)
    chances = np.zeros((size, size, size))
    for pair in np.ndindex(size, size):
        weights = rng.choice(_WEIGHTS)
        chances[(*pair, rng.sample(range(size), len(weights)))] = np.array(weights) / sum(weights)
    return chances


def stationary(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely each pair is at any place, (10, 10), from the chances after each."""
    size = len(ALPHABET)
    steps = np.zeros((size, size, size, size))  # from the pair (a, b) to the pair (b, c)
    for first, second in np.ndindex(size, size):
        steps[first, second, second] = chances[first, second]
    flow = steps.reshape(size**2, size**2).T - np.eye(size**2)
    equations = np.vstack([flow, np.ones(size**2)])
    solution: NDArray[np.float64] = np.linalg.lstsq(equations, np.eye(size**2 + 1)[-1], rcond=None)[0]
    pairs: NDArray[np.float64] = solution.reshape(size, size).clip(0)
    return pairs


def entropy_rate(chances: NDArray[np.float64]) -> float:
    """Return the bits of a character of which the two before it are seen."""
    logarithms = np.log2(chances, out=np.zeros_like(chances), where=chances > 0)
    bits = -(chances * logarithms).sum(axis=2)  # (10, 10), after each pair
    return float((stationary(chances) * bits).sum())


CHANCES = draw_chances(random.Random("chances"))
OPTIMUM = {"bits_per_character": entropy_rate(CHANCES)}


def _draw_text(rng: random.Random, windows: int) -> str:
    """Return a text of so many windows, and the character before the first."""
    size, length = len(ALPHABET), windows * WINDOW + 1
    # Rounded, so that no processor's last digit can change what is drawn.
    [start] = rng.choices(
        range(size**2), [round(chance, 9) for chance in stationary(CHANCES).ravel().tolist()]
    )
    places = [*divmod(start, size)]
    followers = [[chances.tolist() for chances in row] for row in CHANCES]
    while len(places) < length:
        places += rng.choices(range(size), followers[places[-2]][places[-1]])
    return "".join(ALPHABET[place] for place in places)


@dataclass(frozen=True, kw_only=True)
class MarkovText(Generated, LongText):
    """A text of the source."""


DATASET: Dataset = MarkovText(
    source=Source(
        name="markov_text",
        files=generated_file(
            "markov_text",
            "text.txt",
            256_001,
            "93208ca7dba1747e05e95ad021717d84e6bfd04afd737ddcf29e3181dc0b8276",
        ),
        licence="Apache-2.0, as this project, which made it",
        citation="none: made by this project; the idea is Shannon (1948), A Mathematical Theory of Communication.",
        homepage="https://doi.org/10.1002/j.1538-7305.1948.tb01338.x",
        quirks=(
            "Made by a source that looks two characters back, so it says nothing about real language, and a model that"
            " looks further back gains nothing. The known optimum is an expectation: on the test windows the source's"
            " own chances may do a little better or worse."
        ),
    ),
    augmentation=TextAugmentation(drop=0.0, swap=0.0),  # a changed character would be learned
    draw=_draw_text,
    num_items=4000,
    num_twin_items=300,
    test_fraction=0.1,
    distinct=(4, len(ALPHABET)),
    most_unknown=0.001,
    untold=1,
    optimum=OPTIMUM,
)
