"""Review grammar: the labels of sentences, checked by an independent parser, and the number of incorrect ones."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.datasets.text import review_grammar
from assay.data.download import DownloadError
from assay.files import sha256


def judge(sentence: str) -> int:
    """Return the correct label of a sentence."""
    words = sentence.removesuffix(" .").split()
    for contrast in ("but", "yet"):
        if contrast in words:
            words = words[words.index(contrast) + 1 :]
    if "although" in words:
        start = words.index("although")
        end = words.index(",") if "," in words else len(words)
        words = words[:start] + words[end:]
    words = words[words.index("and") + 1 :] if "and" in words else words
    bad, good = (adjectives.split() for adjectives in review_grammar.ADJECTIVES)
    [positive] = [word in good for word in words if word in bad + good]
    negated = any(word in ("not", "never", "hardly", "far") for word in words)
    return int(positive != negated)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    review_grammar.DATASET.fetch(folder, mirror=None)
    return folder


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("the plot is superb .", 1),
        ("honestly the plot is utterly dull .", 0),
        ("the plot is not very good .", 0),
        ("the plot is never dull .", 1),
        ("the plot is hardly charming .", 0),
        ("the plot is far from boring .", 1),
        ("the plot is good and the cast is not dull .", 1),
        ("the plot is dull but the acting is superb .", 1),
        ("the plot is not dull yet the acting is not superb .", 0),
        ("overall although the plot is dull , the acting is superb .", 1),
        ("the acting is superb although the plot is dull .", 1),
        ("i think the acting is not superb although the plot is not dull .", 0),
    ],
)
def test_judges_by_the_clause_that_decides(sentence: str, label: int) -> None:
    assert judge(sentence) == label


def test_writes_the_declared_bytes(raw: Path) -> None:
    [declared] = review_grammar.DATASET.source.files
    assert review_grammar.DATASET.fetch(raw, mirror=None) == {
        "reviews.tsv": {"url": declared.urls[0], "size": declared.size, "sha256": declared.sha256}
    }
    assert sha256(raw / "reviews.tsv") == declared.sha256


def test_other_draws_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DownloadError, match=r"^review_grammar/reviews.tsv: generated with other bytes: [^\n]+$"
    ):
        replace(review_grammar.DATASET, seed=1).fetch(tmp_path, mirror=None)
    assert list(tmp_path.iterdir()) == []


def test_one_label_of_twenty_is_wrong_in_either_class(raw: Path) -> None:
    text_set = review_grammar.DATASET.read(raw)
    judged = np.array([judge(text) for text in text_set.texts])
    assert len(set(text_set.texts)) == len(judged) == 6000
    assert judged.sum() == 3000
    assert (judged != text_set.labels).sum() == 300
    assert 115 <= (judged[text_set.labels == 1] == 0).sum() <= 185  # four standard deviations about 150


def test_the_rule_reaches_the_optimum_in_every_split(raw: Path, tmp_path: Path) -> None:
    result = review_grammar.DATASET.prepare(raw, tmp_path, seed=0, validation_fraction=0.1)
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert result["optimum"] == {"accuracy": 0.95}
    correct = items["text"].map(judge) == items["label"]
    for accuracy, count in correct.groupby(items["split"]).agg(["mean", "size"]).to_numpy():
        assert abs(accuracy - 0.95) < 3 * math.sqrt(0.95 * 0.05 / count)


def test_no_single_word_determines_the_label(raw: Path) -> None:
    """The best rule that asks for one word stays far below the optimum: order must be read."""
    text_set = review_grammar.DATASET.read(raw)
    sentences = [set(text.split()) for text in text_set.texts]
    accuracies = []
    for word in set.union(*sentences) - {"the", "is", "."}:  # these are in all sentences
        table = pd.crosstab([word in words for words in sentences], text_set.labels)
        accuracies.append(table.max(axis=1).sum() / len(sentences))
    assert 0.5 < max(accuracies) < 0.6


def test_no_sentence_is_cut_and_no_test_word_is_unknown(raw: Path, tmp_path: Path) -> None:
    result = review_grammar.DATASET.prepare(raw, tmp_path, seed=0, validation_fraction=0.1)
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert result["shape"] == [items["tokens"].max()]
    assert items["unknown"].max() == 0


def test_every_form_is_drawn() -> None:
    sentences = [review_grammar._draw_sentence(random.Random(seed), seed % 2) for seed in range(300)]
    for contrast in (" and ", " but ", " yet ", " , "):
        assert any(contrast in sentence for sentence in sentences)
    assert any(" although " in sentence and "," not in sentence for sentence in sentences)
    assert all(judge(sentence) == seed % 2 for seed, sentence in enumerate(sentences))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("neutral\tthe plot is good .", "row 2: label 'neutral', allowed are negative, positive"),
        ("positive", "row 2: 1 columns, expected 2"),
        ("positive\t ", "row 2: the text is empty"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "reviews.tsv").write_text(f"negative\tthe plot is dull .\n{line}\n")
    with pytest.raises(ValueError, match=rf"reviews.tsv: {words}; delete[^\n]+$"):
        review_grammar.DATASET.read(tmp_path)
