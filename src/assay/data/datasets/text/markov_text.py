"""Markov text: 256,001 made characters, each drawn by the two before it; ten different ones.

Nothing is downloaded: :func:`fetch` writes the text, always the same one. After each pair of characters two to five
are possible, some much likelier than others. The first pair is drawn from the stationary distribution, so that every
pair has the same chances at every place, and what a model can reach at best is known exactly: a character whose
last two are seen costs the entropy rate of the source, the mean over pairs of the entropy of what comes after them.
The first target of a window, of which one character alone is seen, does not count.

Source: Shannon, "A Mathematical Theory of Communication", Bell System Technical Journal 1948, sections 4 to 7,
https://doi.org/10.1002/j.1538-7305.1948.tb01338.x.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.declarations import Source, TextAugmentation
from assay.data.download import DownloadError, RemoteFile, check_bytes
from assay.data.expectations import characters as character_expectations
from assay.data.preparation import characters
from assay.data.preparation.characters import WINDOW
from assay.files import replacing, write_text

ALPHABET = " .aeinorst"
TEST_FRACTION = 0.1
_WINDOWS, _TWIN_WINDOWS = 4000, 300
_SEED = 0
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

_FILE = RemoteFile(
    "markov_text",
    "text.txt",
    ("package:assay/assay/data/datasets/text/markov_text.py",),
    _WINDOWS * WINDOW + 1,
    "93208ca7dba1747e05e95ad021717d84e6bfd04afd737ddcf29e3181dc0b8276",
)

SOURCE = Source(
    name="markov_text",
    files=(_FILE,),
    licence="Apache-2.0, as this project, which made it",
    citation="none: made by this project; the idea is Shannon (1948), A Mathematical Theory of Communication.",
    homepage="https://doi.org/10.1002/j.1538-7305.1948.tb01338.x",
    quirks=(
        "Made by a source that looks two characters back, so it says nothing about real language, and a model that"
        " looks further back gains nothing. The known optimum is an expectation: on the test windows the source's"
        " own chances may do a little better or worse."
    ),
)

AUGMENTATION = TextAugmentation(
    drop=0.0, swap=0.0
)  # each character is a target: a changed one would be learned


def fetch(raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG001 (no mirror is needed)
    """Write the text into ``raw``; return its address, size and sha256.

    Raises:
        DownloadError: this Python draws other numbers.
    """
    with replacing(raw / _FILE.name) as aside:
        aside.write_text(_draw_text(random.Random(_SEED), _FILE.size), encoding="utf-8")
        wrong = check_bytes(aside, _FILE)
        if wrong:
            raise DownloadError(
                f"markov_text/{_FILE.name}: made with other bytes: {wrong}, expected {_FILE.size} bytes with"
                f" sha256 {_FILE.sha256}; use a version of Python that this project names"
            )
    return {_FILE.name: {"url": _FILE.urls[0], "size": _FILE.size, "sha256": _FILE.sha256}}


def make_twin(raw: Path, seed: int) -> None:
    """Write a shorter text of the same source into ``raw``."""
    text = _draw_text(random.Random(f"twin {seed}"), _TWIN_WINDOWS * WINDOW + 1)
    write_text(raw / _FILE.name, text)


def read(raw: Path) -> characters.LongText:
    """Return the text.

    Raises:
        ValueError: the file is not UTF-8, or too short.
    """
    return characters.read_text(raw / _FILE.name)


def prepare(raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
    """Cut, split and write ``raw`` into the folder ``out``, which is named for the dataset or its twin."""
    del seed  # the split goes by position
    return characters.prepare(
        read(raw),
        out,
        dataset=out.name,
        validation_fraction=validation_fraction,
        test_fraction=TEST_FRACTION,
        untold=1,
        optimum=OPTIMUM,
    )


def expectations(counts: dict[str, int]) -> list[Any]:
    """Return what must hold of the prepared windows; ``counts`` are those of each split."""
    return character_expectations.build(counts, distinct=(4, len(ALPHABET)), most_unknown=0.001)


def _draw_text(rng: random.Random, length: int) -> str:
    size = len(ALPHABET)
    # Rounded, so that no processor's last digit can change what is drawn.
    [start] = rng.choices(
        range(size**2), [round(chance, 9) for chance in stationary(CHANCES).ravel().tolist()]
    )
    places = [*divmod(start, size)]
    followers = [[chances.tolist() for chances in row] for row in CHANCES]
    while len(places) < length:
        places += rng.choices(range(size), followers[places[-2]][places[-1]])
    return "".join(ALPHABET[place] for place in places)
