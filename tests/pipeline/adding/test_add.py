"""From a user's file to rows of params.yaml: what is written, what is asked, what is refused."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.utils.serialize import modify_yaml
from PIL import Image
from typer.testing import CliRunner

from assay.cli import app
from assay.config.params import load_params
from assay.data import expectations_file, loading, validation
from assay.files import sha256

pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)

ROOT = Path(__file__).parents[3]
WORDS = {"praise": ["good", "fine", "kind", "warm"], "blame": ["bad", "poor", "cold", "rude"]}


def texts(count: int = 120) -> pd.DataFrame:
    rng = random.Random(0)
    rows = [
        {
            "id": number,
            "message": " ".join(rng.choices([*WORDS[label], "the", "house", "was"], k=9)),
            "label": label,
        }
        for number, label in enumerate(["praise", "blame"] * (count // 2))
    ]
    return pd.DataFrame(rows)


def table(count: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, count)
    town = rng.choice(["Ulm", "Köln", "Bonn"], count)
    price = np.round(age * 2.5 + (town == "Ulm") * 40 + rng.normal(0, 5, count), 2)
    ages = age.astype(object)
    ages[::10] = ""
    return pd.DataFrame(
        {"age": ages, "town": town, "bought": np.where(price > 120, "yes", "no"), "price": price}
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with params.yaml, in which commands run."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(folder)
    return folder


def run(*words: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["add", *map(str, words)])
    assert done.exit_code == code, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.output


def everything(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def prepared(name: str, tmp_path: Path) -> tuple[pd.DataFrame, dict[str, int], list[str]]:
    """Ingest and prepare a dataset by its row; return its items, their counts and the failed expectations."""
    params = load_params(Path("params.yaml"))
    row, split = params.datasets[name], params.split_of(name)
    dataset = loading.load(row.dataset, row.knobs, split.split_strategy)
    dataset.fetch(tmp_path / "raw", mirror=None)
    facts = dataset.prepare(
        tmp_path / "raw",
        tmp_path / name,
        seed=split.split_seed,
        validation_fraction=split.validation_fraction,
    )
    items = pd.read_parquet(tmp_path / name / "items.parquet")
    rules = [*dataset.expectations(facts["counts"]), *expectations_file.read(Path(row.expectations))]
    found = validation.validate(items, rules, dataset=name, file=row.expectations, docs=None)
    return items, facts["counts"], [each["column"] for each in found["expectations"] if not each["success"]]


def test_a_csv_of_texts_becomes_a_suite_that_can_run(project, tmp_path):
    texts().to_csv(tmp_path / "Support Tickets.csv", index=False)
    before = (project / "params.yaml").read_text()
    output = run(tmp_path / "Support Tickets.csv")
    assert output.splitlines()[-1] == "next: snakemake --cores all"
    params = load_params(project / "params.yaml")
    assert params.suite == "support_tickets"
    assert params.datasets["support_tickets"].dataset == "own_texts"
    knobs = params.datasets["support_tickets"].knobs
    assert (knobs["text"], knobs["target"], knobs["split"]) == ("message", "label", "stratified")
    assert knobs["digest"] == sha256(tmp_path / "Support Tickets.csv")
    assert Path(knobs["path"]).read_bytes() == (tmp_path / "Support Tickets.csv").read_bytes()
    assert params.tasks["support_tickets"].kind == "text_classification"
    suite = params.suites["support_tickets"]
    assert "majority" in suite.models
    assert "tfidf_logistic_regression" in suite.models
    assert "text_cnn" not in suite.models  # too few items
    items, counts, failed = prepared("support_tickets", tmp_path)
    assert failed == []
    assert counts == {"train": 86, "validation": 10, "test": 24}
    assert set(items["label"]) == {0, 1}
    after = (project / "params.yaml").read_text()
    lines = iter(after.splitlines())
    assert all(
        any(line == other for other in lines) for line in before.splitlines() if line != "suite: default"
    )


def test_params_yaml_stays_in_the_form_that_dvc_writes(project, tmp_path):
    table().to_csv(tmp_path / "sales.csv", index=False)
    run(tmp_path / "sales.csv", "--target", "bought", "--ignore", "price")
    written = (project / "params.yaml").read_text()
    with modify_yaml(str(project / "params.yaml")):
        pass
    assert (project / "params.yaml").read_text() == written


def test_run_twice_it_changes_nothing(project, tmp_path):
    texts().to_csv(tmp_path / "tickets.csv", index=False)
    run(tmp_path / "tickets.csv")
    before = everything(project)
    assert "nothing to do" in run(tmp_path / "tickets.csv")
    assert everything(project) == before


def test_changed_bytes_are_named_and_accepted_only_by_update(project, tmp_path):
    texts().to_csv(tmp_path / "tickets.csv", index=False)
    run(tmp_path / "tickets.csv")
    before = everything(project)
    texts(140).to_csv(tmp_path / "tickets.csv", index=False)
    assert "--update" in run(tmp_path / "tickets.csv", code=2)
    assert everything(project) == before
    run(tmp_path / "tickets.csv", "--update")
    knobs = load_params(project / "params.yaml").datasets["tickets"].knobs
    assert knobs["digest"] == sha256(tmp_path / "tickets.csv") == sha256(Path(knobs["path"]))
    assert prepared("tickets", tmp_path)[2] == []


@pytest.mark.usefixtures("project")
def test_bytes_that_changed_in_the_project_are_not_ingested(tmp_path):
    texts().to_csv(tmp_path / "tickets.csv", index=False)
    run(tmp_path / "tickets.csv")
    Path("data/own/tickets/tickets.csv").write_text("message,label\n")
    with pytest.raises(ValueError, match=r"data/own/tickets/tickets\.csv: has changed: .*--update"):
        prepared("tickets", tmp_path)


def test_a_table_with_missing_values_and_categories_is_learned_from(project, tmp_path):
    table().to_csv(tmp_path / "sales.csv", index=False)
    output = run(tmp_path / "sales.csv", "--target", "bought", "--ignore", "price")
    assert "price (" in output  # it gives the target away
    params = load_params(project / "params.yaml")
    assert params.tasks["sales"].kind == "table_classification"
    assert params.datasets["sales"].knobs["ignore"] == ["price"]
    items, _, failed = prepared("sales", tmp_path)
    assert failed == []
    assert list(items.columns[3:-1]) == ["age", "town"]
    assert items["age"].isna().sum() == 16


def test_a_table_with_a_target_of_numbers_is_a_regression(project, tmp_path):
    table().drop(columns="bought").to_json(tmp_path / "sales.jsonl", orient="records", lines=True)
    run(tmp_path / "sales.jsonl", "--target", "price", "--split", "0.3")
    params = load_params(project / "params.yaml")
    assert params.tasks["sales"].kind == "table_regression"
    assert params.datasets["sales"].knobs["test_fraction"] == 0.3
    items, counts, failed = prepared("sales", tmp_path)
    assert failed == []
    assert 44 <= counts["test"] <= 60  # equal rows stay together
    assert items["target"].dtype == float


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("split", "column"), [("group:town", "group"), ("time:day", "time"), ("column:part", "split")]
)
def test_rows_are_split_as_requested(tmp_path, split, column):
    data = table(400)
    data["day"] = pd.date_range("2025-01-01", periods=len(data)).strftime("%Y-%m-%d")
    data["part"] = np.where(np.arange(len(data)) % 4 == 0, "test", "train")
    data["town"] = np.array([f"town {number % 21}" for number in range(len(data))])
    data.to_csv(tmp_path / "sales.csv", index=False)
    run(tmp_path / "sales.csv", "--target", "price", "--ignore", "bought", "--split", split)
    items, _, failed = prepared("sales", tmp_path)
    assert failed == []
    train, test = items[items["split"] == "train"], items[items["split"] == "test"]
    if column == "group":
        assert not set(train["group"]) & set(test["group"])
    elif column == "time":
        assert train["time"].max() < test["time"].min()
    else:
        assert set(test["item"]) == set(range(2, 402, 4))  # lines of the file


def test_a_folder_of_images_is_read_at_one_size(project, tmp_path):
    rng = np.random.default_rng(0)
    for label, shade in (("dark", 60), ("light", 200)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(shade - 40, shade + 40, (20, 24 + number % 2, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    (tmp_path / "photos" / "dark" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    output = run(tmp_path / "photos")
    assert "cut.png" in output
    knobs = load_params(project / "params.yaml").datasets["photos"].knobs
    assert (knobs["channels"], knobs["height"], knobs["width"]) == (3, 32, 32)
    items, counts, failed = prepared("photos", tmp_path)
    assert failed == []
    assert sum(counts.values()) == len(items) == 60
    means = items.groupby("label")["mean"].mean()
    assert means[0] < 100 < means[1]  # classes are in the order of their names


def test_a_folder_may_have_a_dot_in_its_name(project, tmp_path):
    for label, shade in (("dark", 60), ("light", 200)):
        (tmp_path / "photos.v2" / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.full((8, 8), shade + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos.v2" / label / f"{number}.png")
    run(tmp_path / "photos.v2", "--name", "photos", "--link")
    assert load_params(project / "params.yaml").datasets["photos"].knobs["height"] == 8
    assert sum(prepared("photos", tmp_path)[1].values()) == 40


def test_a_question_is_asked_and_nothing_is_written(project, tmp_path):
    rows = pd.DataFrame(
        {
            "one": list("xyz") * 40,
            "two": list("pqr") * 40,
            "a": np.linspace(0, 1, 120),
            "three": list("xyzv") * 30,
        }
    )
    rows.to_csv(tmp_path / "unclear.csv", index=False)
    before = everything(project)
    output = run(tmp_path / "unclear.csv", code=2)
    assert "--target" in output.splitlines()[-1]
    assert everything(project) == before


def test_dry_run_writes_nothing(project, tmp_path):
    texts().to_csv(tmp_path / "tickets.csv", index=False)
    before = everything(project)
    assert "text -> class" in run(tmp_path / "tickets.csv", "--dry-run")
    assert everything(project) == before


@pytest.mark.usefixtures("project")
def test_linked_bytes_stay_where_they_are(tmp_path):
    texts().to_csv(tmp_path / "tickets.csv", index=False)
    run(tmp_path / "tickets.csv", "--link")
    assert not Path("data/own").exists()
    assert prepared("tickets", tmp_path)[2] == []


FAULTS = {
    "no such file": (lambda _: Path("nowhere.csv"), [], r"nowhere\.csv: no such file"),
    "a name that is none": (
        lambda folder: saved(texts(), folder),
        ["--name", "My Data"],
        r"--name My Data: allowed",
    ),
    "a name that is taken": (
        lambda folder: saved(texts(), folder),
        ["--name", "digits"],
        r"digits: .*--name",
    ),
    "the name of a task": (lambda folder: saved(texts(), folder), ["--name", "titles"], r"titles: .*--name"),
    "a target that is not there": (
        lambda folder: saved(texts(), folder),
        ["--target", "x"],
        r"--target x: no such",
    ),
    "one class": (lambda folder: saved(texts().assign(label="a"), folder), ["--target", "label"], r"label"),
    "too few rows": (lambda folder: saved(texts(20), folder), [], r"too few"),
    "rare classes only": (
        lambda folder: saved(texts(80).assign(label=[f"c{i // 2}" for i in range(80)]), folder),
        ["--target", "label"],
        r"5 rows or more",
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
    assert not Path("data/own").exists() or not list(Path("data/own").iterdir())


@pytest.mark.usefixtures("project")
def test_folds_are_a_key_of_the_row_and_a_seed_each(tmp_path):
    table(50).to_csv(tmp_path / "sales.csv", index=False)  # too few rows to set some aside once
    options = (tmp_path / "sales.csv", "--target", "price", "--ignore", "bought", "--split", "folds:5")
    assert "(random split, the first of 5 folds)" in run(*options)
    params = load_params(Path("params.yaml"))
    row = params.datasets["sales"]
    assert (row.folds, row.knobs["split"], row.knobs["test_fraction"]) == (5, "random", 0.2)
    assert params.suites["sales"].seeds == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("folds:1", "--split folds:1: allowed are folds:2 to folds:100"),
        ("folds:many", "--split folds:many: allowed are folds:2 to folds:100"),
        (
            "folds:5",
            "by time there are no folds, since models would learn from later items than those of test",
        ),
    ],
)
def test_folds_that_cannot_be_are_one_line_and_nothing_is_written(project, tmp_path, option, line):
    data = table(200)
    data["day"] = pd.date_range("2025-01-01", periods=len(data)).strftime("%Y-%m-%d")
    data.to_csv(tmp_path / "sales.csv", index=False)
    before = everything(project)
    assert line in run(tmp_path / "sales.csv", "--target", "price", "--split", option, code=2)
    assert everything(project) == before
