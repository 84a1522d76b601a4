"""Plain text, folders of texts, joined columns, files of one table, and tags of other schemes: from files to items."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from assay.config.params import load_params
from assay.data.datasets.own.own_texts import own_texts
from assay.data.preparation.characters import WINDOW
from tests.pipeline.adding.test_add import prepared, project, run, texts

__all__ = ["project"]
pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)
WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "ran",
    "off",
    "to",
    "an",
    "old",
    "town",
    "where",
    "many",
]


def prose(count: int, seed: int = 0) -> str:
    """Return a text of about this many characters, in lines."""
    rng = random.Random(seed)
    lines: list[str] = []
    while sum(map(len, lines)) < count:
        lines.append(f"{' '.join(rng.choices(WORDS, k=rng.randint(4, 9)))}.\n")
    return "".join(lines)


def knobs_of(name: str) -> dict[str, object]:
    return load_params(Path("params.yaml")).datasets[name].knobs


def test_a_text_file_is_learned_to_be_written(project, tmp_path):
    text = prose(20_000)
    (tmp_path / "Story.txt").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    run(tmp_path / "Story.txt")
    params = load_params(project / "params.yaml")
    assert params.tasks["story"].kind == "language_modelling"
    assert params.datasets["story"].dataset == "own_plain_text"
    assert set(params.suites["story"].models) == {
        "unigram",
        "bigram",
        "ngram",
        "lstm_lm",
    }  # too short for a GPT
    items, counts, failed = prepared("story", tmp_path)
    assert failed == []
    assert len(items) == -(-(len(text) - 1) // WINDOW)
    assert items["split"].tolist() == [
        *["train"] * counts["train"], *["validation"] * counts["validation"], *["test"] * counts["test"],
    ]  # fmt: skip
    assert "".join(window[:-1] for window in items["text"][:-1]) + items["text"].iloc[-1] == text
    tokenizer = Tokenizer.from_file(str(tmp_path / "story" / "tokenizer.json"))
    train = items[items["split"] == "train"]["text"]
    assert set(tokenizer.get_vocab()) - {"[PAD]", "[UNK]"} == set("".join(train))


def test_whole_files_are_drawn_and_no_window_is_of_two_files(project, tmp_path):
    (tmp_path / "letters").mkdir()
    contents = {f"{number}.txt": f"{number}: {prose(3000, seed=number)}" for number in range(12)}
    for name, text in contents.items():
        (tmp_path / "letters" / name).write_text(text)
    run(tmp_path / "letters")
    assert load_params(project / "params.yaml").datasets["letters"].knobs["split"] == "group:file"
    items, _, failed = prepared("letters", tmp_path)
    assert failed == []
    assert items.groupby("group")["split"].nunique().max() == 1
    assert set(items["split"]) == {"train", "validation", "test"}
    assert all(window in contents[name] for name, window in zip(items["group"], items["text"], strict=True))


@pytest.mark.usefixtures("project")
def test_names_of_text_files_say_their_parts(tmp_path):
    (tmp_path / "corpus").mkdir()
    contents = {part: prose(6000, seed=place) for place, part in enumerate(("train", "valid", "test"))}
    for part, text in contents.items():
        (tmp_path / "corpus" / f"wiki.{part}.txt").write_text(text)
    run(tmp_path / "corpus")
    items, _, failed = prepared("corpus", tmp_path)
    assert failed == []
    parts = {"train": "train", "valid": "validation", "test": "test"}
    for part, text in contents.items():
        assert all(window in text for window in items[items["split"] == parts[part]]["text"])


def test_a_folder_of_texts_for_each_class(project, tmp_path):
    rows = texts(120)
    for number, row in rows.iterrows():
        file = tmp_path / "mails" / row["label"] / f"{number:03}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(row["message"])
    run(tmp_path / "mails")
    params = load_params(project / "params.yaml")
    assert params.tasks["mails"].kind == "text_classification"
    assert params.datasets["mails"].dataset == "own_text_files"
    items, counts, failed = prepared("mails", tmp_path)
    assert failed == []
    assert counts == {"train": 86, "validation": 10, "test": 24}
    by_path = rows.sort_values(["label", "id"], ignore_index=True)
    assert items["text"].tolist() == by_path["message"].tolist()
    assert items["label"].tolist() == (by_path["label"] == "praise").astype(int).tolist()
    assert items["item"].tolist() == [*range(1, 121)]


def test_texts_of_several_columns_are_joined(project, tmp_path):
    rows = texts(120).assign(title=lambda each: "about number " + each["id"].astype(str))
    rows.loc[3, "title"] = ""
    rows.to_csv(tmp_path / "mails.csv", index=False)
    output = run(tmp_path / "mails.csv", "--text", "title", "--text", "message")
    assert "from: title, message, joined in this order with '|' between them" in output
    assert knobs_of("mails")["text"] == ["title", "message"]
    items, _, failed = prepared("mails", tmp_path)
    assert failed == []
    assert items["text"].tolist()[:2] == [f"about number {i} | {rows['message'][i]}" for i in range(2)]
    assert items["text"][3] == f"| {rows['message'][3]}"
    assert project.is_dir()


def test_one_column_is_written_as_before(tmp_path):
    known = {"header": None, "split": "random", "test_fraction": 0.2, "min_per_class": 5, "longest": 16}
    read = own_texts(path=str(tmp_path), digest="", encoding=None, text="body", target="label", **known)
    assert read.text_columns == ("body",)


@pytest.mark.usefixtures("project")
def test_rows_of_several_files_keep_their_parts_and_are_numbered_on(tmp_path):
    rows = texts(160)
    (tmp_path / "mails").mkdir()
    rows[:120].to_csv(tmp_path / "mails" / "train.csv", index=False)
    rows[120:].to_csv(tmp_path / "mails" / "test.csv", index=False)
    run(tmp_path / "mails")
    assert knobs_of("mails")["split"] == "column:file"
    items, counts, failed = prepared("mails", tmp_path)
    assert failed == []
    assert counts["test"] == 40
    test = items[items["split"] == "test"]
    assert test["text"].tolist() == rows["message"][120:].tolist()
    assert test["item"].tolist() == [*range(2, 42)]
    assert items[items["split"] != "test"]["item"].tolist() == [*range(43, 163)]  # test.csv has 41 lines


def tagged(scheme: str) -> str:
    """Return sentences with the same entities, of one, two and three words, in a scheme."""
    of_length = {
        "IOB1": (["I"], ["I", "I"], ["I", "I", "I"]),
        "IOB2": (["B"], ["B", "I"], ["B", "I", "I"]),
        "BIOES": (["S"], ["B", "E"], ["B", "I", "E"]),
        "BILOU": (["U"], ["B", "L"], ["B", "I", "L"]),
    }[scheme]
    rng = random.Random(0)
    lines: list[str] = []
    for number in range(100):
        length = rng.randint(1, 3)
        names = [
            f"{word.title()}{number} {letter}-who"
            for word, letter in zip(rng.choices(WORDS, k=length), of_length[length - 1], strict=True)
        ]
        after = [f"Sam{number} {'B' if scheme == 'IOB1' else of_length[0][0]}-who"] if number % 4 == 0 else []
        lines += [f"{rng.choice(WORDS)} O", *names, *after, f"{rng.choice(WORDS)} O", ""]
    return "\n".join(lines)


@pytest.mark.usefixtures("project")
def test_entities_are_the_same_in_every_scheme(tmp_path):
    arrays = {}
    for scheme in ("IOB2", "IOB1", "BIOES", "BILOU"):
        path = tmp_path / f"{scheme.lower()}.txt"
        path.write_text(tagged(scheme))
        run(path)
        items, _, failed = prepared(path.stem, tmp_path)
        assert failed == []
        assert (items["malformed"] == 0).all()
        assert items["item"][0] == 1  # the line of the first word
        arrays[scheme] = load_file(tmp_path / path.stem / "arrays.safetensors")["tags"]
    assert all((tags == arrays["IOB2"]).all() for tags in arrays.values())


@pytest.mark.usefixtures("project")
def test_items_have_the_lines_of_the_file(tmp_path):
    rows = texts(120)
    rows.loc[4, "label"] = ""
    rows.loc[7, "message"] = rows["message"][7].replace(" ", "\n", 1)
    rows.to_csv(tmp_path / "mails.csv", index=False)
    run(tmp_path / "mails.csv", "--target", "label", "--text", "message")
    items, _, _ = prepared("mails", tmp_path)
    numbers = [
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        *range(11, 123),
    ]  # line 6 has no label, the row in line 9 goes on in line 10
    assert items["item"].tolist() == numbers
    lines = (tmp_path / "mails.csv").read_text().splitlines()
    assert all(
        text in lines[item - 1] for item, text in zip(items["item"], items["text"], strict=True) if item != 9
    )


@pytest.mark.usefixtures("project")
def test_rows_of_a_table_have_the_lines_of_the_file_also_after_one_without_a_target(tmp_path):
    age = [7 * number % 100 for number in range(100)]
    rows = pd.DataFrame({"age": age, "town": list("ab") * 50, "price": [i * 1.5 for i in range(100)]})
    rows["price"] = rows["price"].astype(object)
    rows.loc[::10, "price"] = ""
    rows.to_csv(tmp_path / "sales.csv", index=False)
    run(tmp_path / "sales.csv", "--target", "price")
    items, _, _ = prepared("sales", tmp_path)
    assert (items["age"] == (items["item"] - 2).map(rows["age"])).all()
    rows.to_json(tmp_path / "rows.json", orient="records")
    run(tmp_path / "rows.json", "--target", "price")
    items, _, _ = prepared("rows", tmp_path)
    assert (items["age"] == (items["item"] - 1).map(rows["age"])).all()


@pytest.mark.usefixtures("project")
def test_rare_classes_are_named_and_the_advice_about_them_can_be_followed(tmp_path):
    rows = texts(90).assign(label=[f"c{number // 3}" for number in range(90)])
    rows.to_csv(tmp_path / "rare.csv", index=False)
    last = run(tmp_path / "rare.csv", "--target", "label", "--text", "message", code=2).splitlines()[-1]
    assert "0 classes have 5 rows or more" in last
    assert "--min-per-class" in last
    output = run(
        tmp_path / "rare.csv", "--target", "label", "--text", "message", "--min-per-class", "3", code=2
    )
    assert "classes have 3 rows or more" not in output
    mixed = texts(120).assign(label=["rare" if i in (5, 9) else "ab"[i % 2] for i in range(120)])
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    output = run(tmp_path / "mixed.csv", "--target", "label", "--text", "message")
    assert (
        "classes with fewer than 5 rows are left out, or kept with --min-per-class: rare (lines 7, 11)"
        in output
    )
    assert len(prepared("mixed", tmp_path)[0]) == 118


@pytest.mark.usefixtures("project")
def test_a_share_is_set_aside_where_the_advice_says_so(tmp_path):
    (tmp_path / "short.txt").write_text(prose(3000))
    assert "--split 0.2" in run(tmp_path / "short.txt", code=2).splitlines()[-1]
    run(tmp_path / "short.txt", "--split", "0.2")
    assert knobs_of("short")["split"] == "order"


FAULTS = {
    "two sources of pairs": (
        ["--text", "title", "--text", "message", "--target", "label", "--metric", "bleu"],
        r"--text message: pairs of texts have one source; name one column",
    ),
    "a text twice": (["--text", "message", "--text", "message"], r"--text: names a column twice"),
    "the target as a text": (["--text", "label", "--target", "label"], r"--text label: is also the target"),
    "no such text": (["--text", "title", "--text", "x"], r"--text x: no such column"),
}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("fault", FAULTS)
def test_texts_that_do_not_fit_are_refused_in_one_line(tmp_path, fault):
    words, message = FAULTS[fault]
    texts(120).assign(title=lambda each: "about number " + each["id"].astype(str)).to_csv(
        tmp_path / "mails.csv", index=False
    )
    assert re.search(message, run(tmp_path / "mails.csv", *words, code=2).splitlines()[-1])


@pytest.mark.usefixtures("project")
def test_texts_alone_are_to_be_saved_as_plain_text(tmp_path):
    texts(120)[["message"]].to_csv(tmp_path / "mails.csv", index=False)
    assert "save the column as a .txt file" in run(tmp_path / "mails.csv", code=2).splitlines()[-1]
