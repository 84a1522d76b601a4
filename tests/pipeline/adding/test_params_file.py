"""Edits of params.yaml keep comments and order, and what would not be valid is not written."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc.utils.serialize import modify_yaml

from assay.config.params import load_params
from assay.config.strict_yaml import parse
from assay.pipeline.adding.params_file import ParamsFile

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes((ROOT / "params.yaml").read_bytes())
    return path


def test_only_what_is_edited_changes(path):
    before = path.read_text().splitlines()
    file = ParamsFile(path)
    file.add("datasets", "again", {"dataset": "digits", "validation_fraction": 0.2})
    file.set(["suite"], "smoke")
    file.write()
    after = path.read_text().splitlines()
    added = [line for line in after if line not in before]
    assert added == ["suite: smoke", "  again:", "    dataset: digits", "    validation_fraction: 0.2"]
    assert len(after) == len(before) + 3  # the suite's line is changed
    with modify_yaml(str(path)):
        pass
    assert path.read_text().splitlines() == after


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "yes",
        "on",
        "12:30",
        "1e3",
        "010",
        "0x1f",
        "null",
        "~",
        "2026-01-31",
        "a: b",
        "#x",
        "{x}",
        "",
        " y ",
    ],
)
def test_a_text_is_read_as_the_same_text(path, text):
    file = ParamsFile(path)
    file.add("datasets", "again", {"dataset": "digits", "knobs": {"target": text, "ignore": [text]}})
    with pytest.raises(ValueError, match=r"datasets\.again\.knobs\.target"):
        file.text()  # digits have no knobs; what is written is looked at below
    stream = file.dump()
    assert parse(stream, path)["datasets"]["again"]["knobs"] == {"target": text, "ignore": [text]}


def test_a_comment_is_one_line_of_printable_characters(path):
    file = ParamsFile(path)
    comment = "first\nsecond: [x]\x1b[31m " + "long " * 100
    file.add("datasets", "again", {"dataset": "digits", "knobs": {}}, {})
    file.add(
        "datasets",
        "noted",
        {"dataset": "digits", "knobs": {"ignore": ["a"]}},
        {"ignore": comment},
    )
    lines = file.dump().splitlines()
    [line] = [each for each in lines if "# first second" in each]
    assert "\x1b" not in line
    assert len(line) < 330
    assert lines[lines.index(line) + 1].strip() == "ignore: [a]"


def test_what_would_not_be_valid_is_one_line_and_not_written(path):
    before = path.read_text()
    file = ParamsFile(path)
    file.set(["suite"], "nowhere")
    with pytest.raises(ValueError, match=r"params\.yaml: suite: nowhere: unknown"):
        file.write()
    assert path.read_text() == before
    assert load_params(path).suite == "default"
