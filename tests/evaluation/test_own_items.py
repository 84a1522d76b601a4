"""``assay predict``: what is read, what is written, and what is named."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.evaluation import kept_graphs, predict
from assay.evaluation.inputs.reader import Prepared
from assay.provenance import records
from tests.evaluation import own_project
from tests.evaluation.own_project import NETWORKS, no_matrix
from tests.models.knobs import TABLES

KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
TEXT = "ag_news/text_cnn/0"
TASKS = "reviews_and_news/text_recurrent/0"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a model of texts, one of texts of several tasks, and one of tables, whose graphs are kept."""
    folder = tmp_path_factory.mktemp("project")
    before = Path.cwd()
    try:
        for row in ("ag_news", "reviews_and_news", "breast_cancer"):
            own_project.make(folder, row, NETWORKS[row], KNOBS[NETWORKS[row]])
        os.chdir(folder)
        own_project.predict(TEXT, ["a text"], "first.csv")
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def at(project, monkeypatch, tmp_path):
    monkeypatch.chdir(project)
    return tmp_path


def answered(variant, *items, **options):
    """Return the exit status and the rows that predicting items writes."""
    Path("out.csv").unlink(missing_ok=True)
    bad = own_project.predict(variant, [str(item) for item in items], "out.csv", **options)
    return bad, [*csv.DictReader(io.StringIO(Path("out.csv").read_text()))]


def saved(path, content):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


LINES = ["Stocks rose on Monday", "The team won again", "A new chip, faster than ever"]


def forms(folder):
    """Yield files with the same three texts in every form that is read, and their column."""
    yield saved(folder / "lines.txt", "\n".join(LINES)), None
    yield saved(folder / "windows.txt", "\ufeff" + "\r\n".join(LINES) + "\r\n"), None
    yield saved(folder / "only.csv", "headline\n" + "".join(f'"{line}"\n' for line in LINES)), None
    yield saved(folder / "no_header.csv", "".join(f'"{line}"\n' for line in LINES)), None
    yield (
        saved(folder / "named.csv", "id,text,title\n" + "".join(f'7,"{line}",a b c\n' for line in LINES)),
        None,
    )
    yield saved(folder / "found.csv", "id,body\n" + "".join(f'7,"{line}"\n' for line in LINES)), None
    yield saved(folder / "chosen.csv", "a,b\n" + "".join(f'x y,"{line}"\n' for line in LINES)), "b"
    yield saved(folder / "tabs.tsv", "id\tbody\n" + "".join(f"7\t{line}\n" for line in LINES)), None
    yield saved(folder / "half.csv", "id;body\n" + "".join(f'7;"{line}"\n' for line in LINES)), None
    yield (
        saved(folder / "objects.jsonl", "".join(json.dumps({"n": 1, "s": line}) + "\n" for line in LINES)),
        None,
    )
    yield saved(folder / "strings.jsonl", "".join(json.dumps(line) + "\n" for line in LINES)), None
    yield saved(folder / "array.json", json.dumps([{"n": 1, "s": line} for line in LINES], indent=1)), None
    yield saved(folder / "strings.json", json.dumps(LINES)), None
    table = pd.DataFrame({"n": 1, "s": LINES, "other": "a b"})
    yield saved(folder / "rows.parquet", table.to_parquet()), "s"
    yield saved(folder / "named.pq", table.rename(columns={"s": "text"}).to_parquet()), None


def test_texts_are_read_in_every_form_that_they_come_in(at):
    bad, expected = answered(TEXT, *[saved(at / "each" / f"{n}.txt", line) for n, line in enumerate(LINES)])
    assert bad == 0
    for path, column in forms(at):
        bad, rows = answered(TEXT, path, column=column)
        assert bad == 0, path
        assert [row["row"] for row in rows] == ["1", "2", "3"], path
        for row, other in zip(rows, expected, strict=True):
            assert row["prediction"] == other["prediction"]
            assert float(row["confidence"]) == pytest.approx(float(other["confidence"]), rel=1e-5)


def test_a_text_may_be_in_the_command_and_a_folder_holds_a_text_per_file(at):
    _, (one,) = answered(TEXT, LINES[0])
    saved(at / "folder/b/2.txt", LINES[1] + "\nmore of it\n")
    saved(at / "folder/1.txt", LINES[0] + "\n")
    bad, rows = answered(TEXT, at / "folder")
    assert bad == 0
    assert [Path(row["file"]).name for row in rows] == ["1.txt", "2.txt"]
    assert rows[0]["prediction"] == one["prediction"]


def test_bad_texts_are_named_and_the_rest_is_answered(at, capsys):
    path = saved(at / "t.txt", b"a fine text\n\nbroken \xff here\n  \nanother\n")
    bad, rows = answered(TEXT, path)
    assert (bad, [row["row"] for row in rows]) == (3, ["1", "5"])
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: row 2: blank; a text is expected",
        f"{path}: row 3: byte 0xff is not UTF-8; save the file as UTF-8, or add --encoding windows-1252 if"
        " 'broken ÿ here' is right",
        f"{path}: row 4: blank; a text is expected",
    ]
    path = saved(at / "t.jsonl", '{"text": "a"}\n{"text": 3}\nno\n[1]\n{"text": "\\ud800"}\n')
    bad, rows = answered(TEXT, path)
    assert (bad, [row["row"] for row in rows]) == (4, ["1"])
    path = saved(at / "t.csv", 'text,n\n"a ""quoted"" text",1\nb\n"two\nlines",2\n')
    bad, rows = answered(TEXT, path)
    assert (bad, [row["row"] for row in rows]) == (1, ["1", "3"])
    assert "row 2: 1 values; the first line names 2 columns" in capsys.readouterr().err


def test_text_files_are_read_in_their_encoding(at, tmp_path, monkeypatch):
    lines = "Café prices rose\nThe naïve team won again €5\n"
    bad, expected = answered(TEXT, saved(at / "utf8.txt", lines))
    assert bad == 0
    western = saved(at / "western.txt", lines.encode("windows-1252"))
    assert answered(TEXT, western)[0] == 2
    assert answered(TEXT, western, encoding="windows-1252") == (0, expected)
    assert answered(TEXT, saved(at / "utf16.txt", lines.encode("utf-16"))) == (0, expected)
    own = tmp_path / "own"
    own_project.make(own, "ag_news", NETWORKS["ag_news"], KNOBS[NETWORKS["ag_news"]])
    monkeypatch.chdir(own)
    (prepared,) = Path("data/prepared").rglob("prepared.json")
    facts = records.read(prepared)
    facts["spec"]["knobs"] = {"encoding": "windows-1252"}
    with monkeypatch.context() as patched:  # the twin's family has no knobs
        patched.setattr(Prepared, "dataset", lambda _: None)
        records.write(prepared, facts)
        assert answered(TEXT, western) == (0, expected)
        assert answered(TEXT, at / "utf16.txt") == (0, expected)
        with pytest.raises(ValueError, match="reads as utf-8, and as windows-1252"):
            answered(TEXT, at / "utf8.txt")


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("empty.txt", "", None, "empty; items are expected"),
        ("empty.csv", "", None, "empty; a line with the names of the columns is expected"),
        ("header.csv", "text\n", None, "empty; items are expected"),
        ("two.csv", "a,b\nx y,z w\n", None, "which column holds the texts"),
        ("other.csv", "a,b\nx y,z w\n", "c", "the column c is missing; its columns are a, b"),
        ("open.csv", 'text\n"never closed\n', None, "not CSV"),
    ],
)
def test_a_file_without_texts_is_one_line(name, content, column, message, at):
    path = saved(at / name, content)
    with pytest.raises(ValueError, match=message) as error:
        answered(TEXT, path, column=column)
    assert "\n" not in str(error.value)
    assert not Path("out.csv").exists()
    assert not [*Path().glob(".out.csv*")]


def test_links_that_lead_out_of_a_folder_are_not_followed(at, capsys):
    secret = saved(at / "secret.txt", "a secret")
    saved(at / "folder/fine.txt", LINES[0])
    (at / "folder/inside.txt").symlink_to("fine.txt")
    (at / "folder/out.txt").symlink_to(secret)
    (at / "folder/up").symlink_to(at)
    bad, rows = answered(TEXT, at / "folder")
    assert (bad, len(rows)) == (2, 2)
    told = capsys.readouterr().err
    assert "out.txt: is a link that leads out of the folder; it is not followed" in told
    assert "up: is a link to a folder; it is not followed" in told


def test_a_task_comes_from_a_column_or_stands_before_a_tab(at):
    text = "a fine film"
    _, lines = answered(TASKS, saved(at / "t.txt", f"movie_reviews\t{text}\nag_news\t{text}\n"))
    _, table = answered(TASKS, saved(at / "t.csv", f"text,task\n{text},movie_reviews\n{text},ag_news\n"))
    keys = [{"task": task, "text": text} for task in ("movie_reviews", "ag_news")]
    _, objects = answered(TASKS, saved(at / "t.jsonl", "".join(f"{json.dumps(key)}\n" for key in keys)))
    assert lines == table == objects
    assert lines[0]["prediction"] in ("negative", "positive")


def test_rows_of_a_table_come_from_csv_json_and_parquet(at, capsys):
    table = pd.read_parquet("data/prepared/breast_cancer_twin/items.parquet").head(5)
    table.to_csv(at / "t.csv", index=False)
    _, expected = answered("breast_cancer/mlp/0", at / "t.csv")
    table.drop(columns="sha256").to_json(at / "t.jsonl", orient="records", lines=True, double_precision=15)
    _, found = answered("breast_cancer/mlp/0", at / "t.jsonl")
    assert [row["prediction"] for row in found] == [row["prediction"] for row in expected]
    table.drop(columns="sha256").to_json(at / "t.json", orient="records", double_precision=15)
    assert answered("breast_cancer/mlp/0", at / "t.json") == (0, found)
    table.to_parquet(at / "t.parquet")
    assert answered("breast_cancer/mlp/0", at / "t.parquet") == (0, expected)
    lines = (at / "t.csv").read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0]
    cells = lines[4].split(",")
    cells[table.columns.get_loc("mean_radius") if "mean_radius" in table else 5] = "wide"
    bad, rows = answered(
        "breast_cancer/mlp/0", saved(at / "b.csv", "\n".join([*lines[:4], ",".join(cells), lines[5]]))
    )
    assert (bad, [row["row"] for row in rows]) == (2, ["1", "2", "5"])
    told = capsys.readouterr().err
    assert "b.csv: row 3: " in told
    assert "b.csv: row 4: " in told
    assert "'wide'; a number is expected" in told


@pytest.mark.parametrize("name", ["bad.json", "bad.parquet"])
def test_bad_rows_of_json_and_parquet_are_named_and_the_rest_is_answered(name, at, capsys):
    table = pd.read_parquet("data/prepared/breast_cancer_twin/items.parquet").drop(columns="sha256").head(4)
    column = table.columns[5]
    table[column] = [1.0, "wide", None, "2"] if name.endswith("json") else ["1", "wide", None, "2"]
    table.to_json(at / name, orient="records") if name.endswith("json") else table.to_parquet(at / name)
    bad, rows = answered("breast_cancer/mlp/0", at / name)
    assert (bad, [row["row"] for row in rows]) == (1, ["1", "3", "4"])
    assert capsys.readouterr().err == f"{at / name}: row 2: {column} = 'wide'; a number is expected\n"
    table.drop(columns=column).to_parquet(at / "less.parquet")
    with pytest.raises(ValueError, match=rf"less\.parquet: the column {column} is missing; needed are"):
        answered("breast_cancer/mlp/0", at / "less.parquet")
    whole = (at / "less.parquet").read_bytes()
    with pytest.raises(ValueError, match=r"cut\.parquet: not a whole Parquet file"):
        answered("breast_cancer/mlp/0", saved(at / "cut.parquet", whole[:-50]))
    assert not Path("out.csv").exists()


def test_a_table_is_answered_without_pandas_and_pyarrow(at):
    pd.read_parquet("data/prepared/breast_cancer_twin/items.parquet").head(2).to_csv(
        at / "t.csv", index=False
    )
    own_project.predict("breast_cancer/mlp/0", [str(at / "t.csv")], "out.csv")
    code = (
        "import sys; from pathlib import Path; from assay.evaluation import own_items;"
        f"own_items.predict('breast_cancer/mlp/0', [{str(at / 't.csv')!r}], Path('out.csv'), column=None,"
        " encoding=None, suite=None, matrix=None, safe=str);"
        "print({'torch', 'pandas', 'pyarrow', 'sklearn'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["out.csv: 2 rows", "set()"]


COMMAND = """
import os, sys
from tests.evaluation import own_project
os.chdir({!r})
sys.exit(bool(own_project.predict({!r}, ["-"])))
"""


def started(project, variant, **options):
    """Start the command with standard input, as in a shell."""
    root = Path(own_project.__file__).parents[2]
    path = os.pathsep.join(map(str, (root / "src", root)))
    code = f"import os; os.chdir({str(root)!r})" + COMMAND.format(str(project), variant)
    return subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, text=True, **options
    )


def test_standard_input_is_answered_as_it_comes(project):
    pipe = subprocess.PIPE
    with started(project, TEXT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        for number in (1, 2):
            process.stdin.write("a text\n" * 2)
            process.stdin.flush()
            if number == 1:
                assert process.stdout.readline() == "row,prediction,confidence\n"
            rows = [process.stdout.readline().split(",")[0] for _ in range(2)]
            assert rows == [str(2 * number - 1), str(2 * number)]
        process.stdin.close()
        assert process.wait() == 0


def test_standard_input_that_is_closed_or_empty_is_one_line(project):
    pipe = subprocess.PIPE
    with started(project, TEXT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as process:
        told = process.communicate()[1].splitlines()
        assert told[-1] == "ValueError: standard input: empty; items are expected"


def test_the_suite_is_that_which_has_run_the_variant(tmp_path, monkeypatch):
    variant = own_project.make(tmp_path, "digits", "mlp", KNOBS["mlp"], suite="one")
    own_project.make(tmp_path, "digits", "mlp", KNOBS["mlp"], suite="two")
    monkeypatch.chdir(tmp_path)
    assert predict.choose(variant, "two", no_matrix).folder.parts[2] == "two"

    class Two:
        class params:  # noqa: N801 (the name of the matrix's attribute)
            suite = "two"

    assert predict.choose(variant, None, Two).folder.parts[2] == "two"
    Two.params.suite = "three"
    with pytest.raises(ValueError, match="the suites one, two have run it; name one with --suite"):
        predict.choose(variant, None, Two)


def test_a_graph_is_kept_until_a_record_changes(tmp_path, monkeypatch, capsys):
    variant = own_project.make(tmp_path, "digits", "mlp", KNOBS["mlp"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys.stderr, "isatty", lambda: True
    )  # on a terminal, a line says that the first call takes long
    np.save("digits.npy", np.arange(128).reshape(2, 8, 8) % 17)
    first = answered(variant, "digits.npy")
    assert "first call" in capsys.readouterr().err
    assert answered(variant, "digits.npy") == first
    assert capsys.readouterr().err == ""
    (graph,) = kept_graphs.FOLDER.rglob("model.onnx")
    graph.write_bytes(graph.read_bytes()[:-1])
    assert answered(variant, "digits.npy") == first
    assert "first call" in capsys.readouterr().err
    (status,) = Path("artifacts").rglob("status.json")
    records.write(status, records.read(status) | {"code": "another"})
    assert answered(variant, "digits.npy") == first
    assert "first call" in capsys.readouterr().err


def test_a_changed_vocabulary_is_refused(tmp_path, monkeypatch):
    variant = own_project.make(tmp_path, "ag_news", "text_cnn", KNOBS["text_cnn"])
    monkeypatch.chdir(tmp_path)
    (vocabulary,) = Path("data/prepared").rglob("tokenizer.json")
    vocabulary.write_text(vocabulary.read_text().replace("the", "eth"))
    with pytest.raises(ValueError, match=r"tokenizer\.json: does not have the digest in .*prepared\.json"):
        answered(variant, "a text")
