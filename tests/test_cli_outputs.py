"""Commands that write a file for the user: where they may, and one line with exit code 2 where they may not."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.cli import app
from assay.config.json_schema import schema
from assay.evaluation import own_items, predict
from assay.evaluation.inputs.parsing.items import Item

ROW = "digits/mlp/0"
PARAMS = Path("params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")
    return tmp_path


class Formula:
    """A reader of one item whose answer is a formula."""

    columns = ("prediction", "confidence")
    suffixes = (".txt",)
    takes_text = True
    encoding = "utf-8"

    def items(self, source, _stream, _column):
        return [Item(source.name, 1, "an item")]

    def answer(self, _predictor, items):
        return [("=1+1", -0.5) for _ in items]


@pytest.fixture
def answered(project, monkeypatch):
    """A project whose models answer one text with a formula."""
    monkeypatch.setattr(own_items, "choose", lambda *_: None)
    monkeypatch.setattr(own_items, "load", lambda *_: predict.Model(Formula(), None, None, None, ""))
    Path("items.txt").write_text("an item")
    return project


def call(*words):
    ran = CliRunner().invoke(app, words)
    return ran.exit_code, ran.stdout, ran.stderr


def refused(message, *words):
    code, out, error = call(*words)
    assert (code, out) == (2, "")
    assert error.startswith(message)
    assert error.count("\n") == 1


COMMANDS = {
    "predict": ("predict", ROW, "items.txt", "--suite", "smoke", "--out"),
    "schema": ("schema", "--out"),
}
every = pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)


@every
@pytest.mark.usefixtures("answered")
def test_an_output_that_cannot_be_written_is_refused_and_nothing_is_lost(words):
    os.mkfifo("pipe")
    for out, message in {
        ".": ".: is a folder; a file is expected",
        "pipe": "pipe: is a pipe; a file is expected",
        "/dev/null": "/dev/null: is a device; a file is expected",
        "none/out": "none/out: there is no folder none; create it first",
        "params.yaml": "params.yaml: is read by this command and would be lost; name another file",
        "a" * 300: f"{'a' * 300}: cannot be written: File name too long",
    }.items():
        refused(message, *words, out)
    assert Path("params.yaml").read_text(encoding="utf-8") == PARAMS
    assert Path("pipe").is_fifo()
    assert Path("/dev/null").is_char_device()


@pytest.mark.usefixtures("answered")
def test_the_items_own_file_is_refused():
    refused("items.txt: is read by this command", *COMMANDS["predict"], "items.txt")
    assert Path("items.txt").read_text() == "an item"


@every
@pytest.mark.usefixtures("answered")
def test_a_link_is_written_through_and_a_dash_is_standard_output(words):
    Path("link").symlink_to("real")
    assert call(*words, "link")[0] == 0
    assert Path("link").is_symlink()
    code, out, _ = call(*words, "-")
    assert (code, out) == (0, Path("real").read_text(encoding="utf-8"))
    assert not Path("-").exists()


@pytest.mark.usefixtures("answered")
def test_answers_that_would_be_formulas_are_defused():
    assert call(*COMMANDS["predict"], "out.csv") == (0, "out.csv: 1 row\n", "")
    assert Path("out.csv").read_text() == "row,prediction,confidence\n1,'=1+1,-0.5\n"
    _, _, error = call(*COMMANDS["predict"], "-")
    assert error == ""


@pytest.mark.usefixtures("project")
def test_the_schema_goes_beside_params_yaml_or_where_it_is_told():
    assert call("schema") == (0, "", "")
    assert json.loads(Path("params.schema.json").read_text(encoding="utf-8")) == schema()
    Path("params.yaml").unlink()
    assert call("schema", "--out", "elsewhere.json") == (0, "", "")
    assert Path("elsewhere.json").read_bytes() == Path("params.schema.json").read_bytes()


def test_a_folder_that_is_no_project_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused("params.yaml: not found; go to a project's folder, or name a file with --out", "schema")
    refused("reports/report.json: not found; run the suite, or assay restore", "publish")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("project")
def test_a_report_is_built_by_the_run_and_the_command_says_so():
    refused(
        "assay report: a run builds reports/index.html (snakemake --cores all); --partial builds", "report"
    )
    assert not Path("reports").exists()


@pytest.mark.usefixtures("project")
def test_a_partial_report_of_a_suite_that_is_not_there_is_refused():
    refused("suite 'nope': not in params.yaml; allowed: ", "report", "--partial", "--suite", "nope")


@pytest.mark.usefixtures("project")
def test_a_list_names_its_columns_on_a_terminal_only(monkeypatch):
    code, out, _ = call("list", "--suite", "smoke")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, {len(row) for row in rows}, {row[-1] for row in rows}) == (0, {5}, {"not run"})
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    code, out, _ = call("list", "--suite", "smoke")
    header, *lines = out.splitlines()
    assert (code, header.split()) == (0, ["task", "model", "seed", "method", "state"])
    places = [header.index(name) for name in header.split()]
    cells = [[line[a:b].strip() for a, b in zip(places, [*places[1:], None], strict=True)] for line in lines]
    assert cells == rows
