"""What no file that people edit should hold is one line, in seconds."""

import os
import time

import pytest
import yaml

from assay.config import strict_yaml

LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
)
CHAIN = "\n".join(["a0: &a0 [x]"] + [f"a{level}: &a{level} [*a{level - 1}]" for level in range(1, 900)])
MERGES = "\n".join(
    ["a0: &a0 {x: 1}"]
    + [f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}" for level in range(1, 10)]
)
WRONG = {
    "an empty file": ("", "empty"),
    "nothing but a comment": ("# suite: default\n", "empty"),
    "aliases nine levels deep": (LAUGHS, "more than 100,000 values, aliases expanded"),
    "merges nine levels deep": (MERGES, "more than 100,000 values, aliases expanded"),
    "a chain of aliases": (CHAIN, "nested deeper than 20 levels, aliases expanded"),
    "a list that holds itself": ("a: &a [*a]", "line 1: an alias that contains itself"),
    "a mapping merged into itself": ("a: &a {<<: *a}", "an alias that contains itself"),
    "a merge of a number": ("<<: 5", "not YAML: expected a mapping"),
    "an alias of nothing": ("a: *b", "line 1: not YAML: found undefined alias 'b'"),
    "nested lists": ("a: " + "[" * 900 + "]" * 900, "line 1: nested deeper than 20 levels"),
    "nested lists that do not end": ("a: " + "[" * 100_000, "nested deeper than 20 levels"),
    "nested mappings": ("a: " + "{a: " * 900 + "}" * 900, "nested deeper than 20 levels"),
    "5,000 digits": ("\na: " + "9" * 5000, "line 2: 99999999999999999999...: not a number"),
    "4,000 digits": ("a: " + "9" * 4000, "99999999999999999999...: a number may be 9223372036854775807"),
    "a number without digits": ("a: 0x_", "0x_...: not a number that can be read"),
    "a list as key": ("? [a]\n: 1", "line 1: a list or mapping is used as a key; keys must be text"),
    "a mapping as key": ("{a: b}: 1", "a list or mapping is used as a key"),
    "a number as key": ("a: 1\n2: 3", "line 2: 2 is used as a key; keys must be text"),
    "a bool as key": ("true: 3", "true is used as a key; keys must be text"),
    "no key": ("?\n: 3", "nothing is used as a key; keys must be text"),
    "a key given twice": ("a: 1\nb: 2\na: 3", "line 3: a: given twice; keep one"),
    "a key given twice below": ("a: {b: 1, b: 2}", "b: given twice; keep one"),
    "a tag": ("a: !!int abc", "line 1: !!int: a tag; remove it"),
    "a tag of Python": ("a: !!python/object/apply:os.system ['true']", "a tag; remove it"),
    "a NUL": ("a: \0", "unacceptable character #x0000"),
    "a control character": ("a: \x1b", "unacceptable character #x001b"),
    "an open bracket": ("a: [", "line 1: not YAML: "),
    "a tab": ("a:\n\tb: 1", "line 2: not YAML: "),
    "two documents": ("a: 1\n---\nb: 1", "line 2: not YAML: "),
    "Latin-1": ("a: é".encode("latin-1"), "not UTF-8 at byte 3; save it as UTF-8"),
    "UTF-16": ("a: b".encode("utf-16"), "not UTF-8 at byte 0; save it as UTF-8"),
    "a long file": ("# " + "x" * 600_000, "larger than 500,000 bytes"),
    "many values": ("a: &a [" + "1, " * 20_000 + "]\nb: [*a, *a, *a, *a, *a]", "more than 100,000 values"),
}


def error_of(path):
    with pytest.raises(ValueError, match=r".") as error:
        strict_yaml.read(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert len(line.splitlines()) == 1
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_is_one_line_at_once(tmp_path, case):
    text, message = WRONG[case]
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.process_time()
    assert message in error_of(path)
    assert time.process_time() - began < 5


def test_what_is_no_file_is_named(tmp_path):
    assert error_of(tmp_path) == "not a file"
    assert error_of(tmp_path / "none").startswith("there is no such file")
    os.mkfifo(tmp_path / "pipe")
    assert error_of(tmp_path / "pipe") == "not a file"  # nothing would ever be read from it


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "params.yaml"
    path.write_text("a: 1")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_text", refuse)  # root may read anything
    assert error_of(path) == "Permission denied"


def test_values_are_those_of_yaml_but_dates_which_are_text(tmp_path):
    text = "a: &a {b: [1, 0.5, true, null, '1', 1.0e-3]}\nc: *a\nd: {<<: *a, e: 2}\nf: {<<: *a, b: 3}\n"
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert strict_yaml.read(path) == yaml.safe_load(text)
    path.write_text("a: 2026-13-45\nb: 2026-01-01\n")
    assert strict_yaml.read(path) == {"a": "2026-13-45", "b": "2026-01-01"}
