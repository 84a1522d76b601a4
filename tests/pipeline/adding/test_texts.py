"""Sentences with tags, and pairs of texts: from a user's file to rows of params.yaml and prepared items."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from assay.config.params import load_params
from tests.data.own.real_files import FOLDER
from tests.pipeline.adding.test_add import everything, prepared, project, run

__all__ = ["project"]
pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def sentences(count: int = 100, seed: int = 0) -> list[list[tuple[str, str, str]]]:
    """Return sentences of words, each with its part of speech and its tag."""
    rng = random.Random(seed)
    names = [[("Ann", "B-who")], [("Bob", "B-who"), ("Lee", "I-who")], [("Ulm", "B-where")]]
    found = []
    for _ in range(count):
        words = [("the", "DET", "O"), (rng.choice(NUMBERS), "NUM", "O"), ("saw", "VERB", "O")]
        words += [(word, "PROPN", tag) for word, tag in rng.choice(names)]
        words += [(rng.choice(NUMBERS), "NUM", "O") for _ in range(rng.randint(1, 3))]
        found.append(words)
    return found


def conll(rows: list[list[tuple[str, ...]]], *places: int) -> str:
    return "".join(
        "".join("\t".join(cells[place] for place in (0, *places)) + "\n" for cells in row) + "\n"
        for row in rows
    )


def conllu(rows: list[list[tuple[str, ...]]]) -> str:
    lines = []
    for row in rows:
        lines += ["# a comment"] + [
            "\t".join([str(place), word, word, part, *"______"])
            for place, (word, part, _) in enumerate(row, 1)
        ]
        lines += [""]
    return "\n".join(lines) + "\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def pairs(count: int = 120) -> pd.DataFrame:
    rng = random.Random(0)
    drawn = {tuple(rng.choices(range(10), k=5)) for _ in range(2 * count)}
    rows = [(" ".join(NUMBERS[digit] for digit in row), "".join(map(str, row))) for row in sorted(drawn)]
    rng.shuffle(rows)
    return pd.DataFrame(rows[:count], columns=["source", "target"])


def test_sentences_with_tags_of_entities_are_tagged(project, tmp_path):
    run(written(tmp_path / "Names.conll", conll(sentences(), 2)))
    params = load_params(project / "params.yaml")
    assert params.tasks["names"].kind == "tagging"
    assert params.datasets["names"].dataset == "own_tagged"
    knobs = params.datasets["names"].knobs
    assert (knobs["target"], knobs["entities"], knobs["split"]) == ("column 2", True, "random")
    assert set(params.suites["names"].models) == {"most_frequent_tag", "bilstm_characters", "bilstm_crf"}
    items, counts, failed = prepared("names", tmp_path)
    assert failed == []
    assert sum(counts.values()) == len(items) <= 100
    classes = json.loads((tmp_path / "names" / "prepared.json").read_text())["classes"]
    assert classes == ["O", "B-where", "I-where", "B-who", "I-who"]
    tags = load_file(tmp_path / "names" / "arrays.safetensors")["tags"]
    for text, row in zip(items["text"], tags, strict=True):
        there = dict(zip(text.split(), row[row >= 0], strict=True))
        assert there.get("Bob", 3) == there.get("Ann", 3) == 3
        assert there.get("Lee", 4) == 4
        assert there["saw"] == 0


@pytest.mark.usefixtures("project")
def test_a_tag_that_continues_nothing_is_read_as_a_beginning(tmp_path):
    loose = conll(sentences(), 2).replace("B-who", "I-who")
    output = run(written(tmp_path / "loose.conll", loose))
    assert "tags I- follow no tag of their kind" in output
    assert "read as B-" in output
    items, _, failed = prepared("loose", tmp_path)
    assert failed == []
    assert (items["malformed"] == 0).all()
    assert (items["entities"] == 1).all()


def test_other_tags_are_classes_of_words(project, tmp_path):
    run(written(tmp_path / "parts.conllu", conllu(sentences())))
    params = load_params(project / "params.yaml")
    assert params.tasks["parts"].kind == "word_tagging"
    assert (params.datasets["parts"].knobs["target"], params.datasets["parts"].knobs["entities"]) == (
        "UPOS",
        False,
    )
    items, _, failed = prepared("parts", tmp_path)
    assert failed == []
    assert not {"entities", "malformed"} & set(items)
    classes = json.loads((tmp_path / "parts" / "prepared.json").read_text())["classes"]
    assert classes == ["DET", "NUM", "PROPN", "VERB"]


def test_entities_by_accuracy_are_classes_of_words(project, tmp_path):
    run(written(tmp_path / "names.conll", conll(sentences(), 2)), "--metric", "accuracy")
    params = load_params(project / "params.yaml")
    assert params.tasks["names"].kind == "word_tagging"
    assert prepared("names", tmp_path)[2] == []


def test_files_of_a_folder_stay_together(project, tmp_path):
    (tmp_path / "letters").mkdir()
    for number in range(12):
        written(tmp_path / "letters" / f"{number}.conll", conll(sentences(15, seed=number), 2))
    run(tmp_path / "letters")
    assert load_params(project / "params.yaml").datasets["letters"].knobs["split"] == "group:file"
    items, _, failed = prepared("letters", tmp_path)
    assert failed == []
    assert items.groupby("group")["split"].nunique().max() == 1
    assert set(items["split"]) == {"train", "validation", "test"}


def test_names_of_files_say_their_parts(project, tmp_path):
    (tmp_path / "corpus").mkdir()
    for seed, part in enumerate(("train", "dev", "test")):
        written(tmp_path / "corpus" / f"en-ud-{part}.conllu", conllu(sentences(40, seed=seed)))
    run(tmp_path / "corpus")
    assert load_params(project / "params.yaml").datasets["corpus"].knobs["split"] == "column:file"
    items, _, failed = prepared("corpus", tmp_path)
    assert failed == []
    bounds = {"validation": (0, 40), "test": (40, 80), "train": (80, 120)}  # dev, test, train
    for part, of_part in items.groupby("split"):
        assert of_part["item"].between(bounds[part][0], bounds[part][1] - 1).all()


def test_a_column_of_tags_is_asked_for(project, tmp_path):
    path = written(tmp_path / "both.conll", conll(sentences(), 1, 2))
    before = everything(project)
    assert "--target" in run(path, code=2).splitlines()[-1]
    assert everything(project) == before
    run(path, "--target", "column 2")
    assert load_params(project / "params.yaml").tasks["both"].kind == "word_tagging"


@pytest.mark.usefixtures("project")
def test_blanks_within_a_word_are_kept_as_one_word(tmp_path):
    text = conll(sentences(), 2).replace("saw\t", "10 000\t")
    run(written(tmp_path / "names.conll", text))
    items, _, failed = prepared("names", tmp_path)
    assert failed == []
    assert items["text"].str.contains("10\u00a0000").all()
    assert (items["text"].str.split(" ").str.len() == items["tokens"]).all()


def test_pairs_are_translated_by_default(project, tmp_path):
    pairs().rename(columns={"source": "en", "target": "de"}).assign(
        de=lambda rows: "das " + rows["en"].str.replace("one", "eins")
    ).to_json(tmp_path / "pairs.jsonl", orient="records", lines=True)
    run(tmp_path / "pairs.jsonl", "--target", "de")
    params = load_params(project / "params.yaml")
    assert params.tasks["pairs"].kind == "translation"
    knobs = params.datasets["pairs"].knobs
    assert (knobs["text"], knobs["target"], knobs["subwords"], knobs["split"]) == (
        "en",
        "de",
        300,
        "random",
    )
    assert {"copy_source", "word_by_word", "seq2seq_attention"} == set(params.suites["pairs"].models)
    items, counts, failed = prepared("pairs", tmp_path)
    assert failed == []
    assert counts == {"train": 86, "validation": 10, "test": 24}
    assert items["target"].str.startswith("das ").all()


@pytest.mark.parametrize(
    ("metric", "kind", "subwords"),
    [
        ("exact_match", "transduction", 0),
        ("rouge_1", "summarisation", 300),
        ("chrf", "translation", 300),
    ],
)
def test_the_metric_chooses_the_kind_of_task(project, tmp_path, metric, kind, subwords):
    pairs().to_csv(tmp_path / "digits_of.csv", index=False)
    output = run(tmp_path / "digits_of.csv", "--text", "source", "--target", "target", "--metric", metric)
    params = load_params(project / "params.yaml")
    assert params.tasks["digits_of"].kind == kind
    assert params.datasets["digits_of"].knobs["subwords"] == subwords
    assert params.tasks["digits_of"].metric == (None if metric == "exact_match" else metric)
    assert f"models are compared by {metric}\n" in output
    items, _, failed = prepared("digits_of", tmp_path)
    assert failed == []
    assert items["target"].str.fullmatch(r"\d{5}").all()


def test_pairs_of_a_group_stay_together_and_blank_texts_are_left_out(project, tmp_path):
    data = pairs(200).assign(book=[f"book {number % 20}" for number in range(200)])
    data.loc[::50, "target"] = ""
    data.loc[1, "source"] = " "
    data.to_csv(tmp_path / "books.csv", index=False)
    run(
        tmp_path / "books.csv",
        "--target",
        "target",
        "--metric",
        "bleu",
        "--text",
        "source",
        "--split",
        "group:book",
    )
    assert load_params(project / "params.yaml").datasets["books"].knobs["split"] == "group:book"
    items, _, failed = prepared("books", tmp_path)
    assert failed == []
    assert len(items) == 195
    assert items.groupby("group")["split"].nunique().max() == 1


def test_dates_that_are_written_do_not_order_the_pairs(project, tmp_path):
    days = pd.date_range("2020-01-01", periods=150)
    data = pd.DataFrame(
        {"said": [f"{day:the %d of %B in %Y}" for day in days], "iso": days.strftime("%Y-%m-%d")}
    )
    data.to_csv(tmp_path / "days.csv", index=False)
    assert "exact_match" in run(tmp_path / "days.csv", "--target", "iso", code=2).splitlines()[-1]
    run(tmp_path / "days.csv", "--target", "iso", "--metric", "exact_match")
    knobs = load_params(project / "params.yaml").datasets["days"].knobs
    assert (knobs["text"], knobs["split"], knobs["longest"]) == ("said", "random", [32, 16])
    assert prepared("days", tmp_path)[2] == []


def test_of_several_texts_the_source_is_asked_for(project, tmp_path):
    words = pd.Series([f"number {number} of many words" for number in range(100)])
    data = pd.DataFrame({"title": "short " + words, "body": "long " + words, "notes": "other " + words})
    data.to_csv(tmp_path / "news.csv", index=False)
    before = everything(project)
    assert "--text" in run(tmp_path / "news.csv", "--target", "title", code=2).splitlines()[-1]
    assert everything(project) == before
    run(tmp_path / "news.csv", "--target", "title", "--text", "body", "--metric", "rouge_l")
    params = load_params(project / "params.yaml")
    assert params.datasets["news"].knobs["text"] == "body"
    assert params.tasks["news"].kind == "summarisation"


FAULTS = {
    "a line with fewer columns": (
        lambda folder: written(folder / "a.conll", conll(sentences(), 2) + "saw\n"),
        [],
        r"a\.conll: line \d+: 1 columns; 2 are expected",
    ),
    "a word without a tag": (
        lambda folder: written(folder / "a.conll", "the\tO\nend\t\n\n" + conll(sentences(), 2)),
        ["--metric", "accuracy"],
        r"a\.conll: line 2: no tag in column 2",
    ),
    "a blank word": (
        lambda folder: written(folder / "a.conll", "the\tO\n \tO\n\n" + conll(sentences(), 2)),
        [],
        r"a\.conll: line 2: the word is blank",
    ),
    "a word without a tag in CoNLL-U": (
        lambda folder: written(folder / "a.conllu", conllu(sentences()).replace("DET", "_", 1)),
        [],
        r"a\.conllu: line 2: no tag in UPOS",
    ),
    "one tag": (
        lambda folder: written(folder / "a.conll", re.sub("\t.*", "\tO", conll(sentences(), 2))),
        [],
        r"every word has the tag O",
    ),
    "few sentences": (
        lambda folder: written(folder / "a.conll", conll(sentences(20), 2)),
        [],
        r"20 sentences: too few",
    ),
    "a metric of entities for other tags": (
        lambda folder: written(folder / "a.conllu", conllu(sentences())),
        ["--metric", "entity_f1"],
        r"--metric entity_f1: does not fit the tags of UPOS; allowed: accuracy",
    ),
    "a split by a column": (
        lambda folder: written(folder / "a.conll", conll(sentences(), 2)),
        ["--split", "time:day"],
        r"--split time:day: allowed are group:file, column:file and a fraction",
    ),
    "a metric that does not fit pairs": (
        lambda folder: saved(pairs().assign(target=lambda rows: "so " + rows["source"]), folder),
        ["--target", "target", "--metric", "accuracy"],
        r"--metric accuracy: does not fit text -> text; allowed are bleu",
    ),
    "pairs without a target": (
        lambda folder: saved(pairs().assign(target=""), folder),
        ["--target", "target", "--metric", "bleu"],
        r"target",
    ),
}


def saved(data: pd.DataFrame, folder: Path) -> Path:
    data.to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_added_is_one_line_and_leaves_everything_as_it_was(project, tmp_path, fault):
    make, words, message = FAULTS[fault]
    before = everything(project)
    last = run(make(tmp_path), *words, code=2).splitlines()[-1]
    assert re.search(message, last), last
    assert everything(project) == before


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the real files are not here")
@pytest.mark.parametrize(
    ("file", "kind", "classes", "words"),
    [("re3d-uk", "tagging", 21, None), ("pronouns.conllu", "word_tagging", 13, 1705)],
)
def test_real_files_are_added(project, tmp_path, file, kind, classes, words):
    run(FOLDER / file, "--name", "real")
    assert load_params(project / "params.yaml").tasks["real"].kind == kind
    items, _, failed = prepared("real", tmp_path)
    assert failed == []
    assert len(json.loads((tmp_path / "real" / "prepared.json").read_text())["classes"]) == classes
    assert words is None or np.sum(items["tokens"]) == words
