"""Ways in which a file may be other than what its reader expects, drawn by hypothesis."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

LARGE = 300_000
"""Bytes that are inserted where much is inserted."""
NESTED = 100_000
PIECES = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xed\xa0\x80",
    b"\x1b[2J",
    b'"',
    b"{",
    b"]",
    b"-1",
]
RAW = {
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a float too large": "1e999",
    "5,000 digits": "9" * 5000,
    "a lone surrogate": r'"\ud800"',
    "deep lists": "[" * NESTED + "]" * NESTED,
    "deep mappings": '{"a":' * NESTED + "0" + "}" * NESTED,
}
"""What stands in JSON and cannot be written by json.dumps, or not well."""
MARK = "the value that is replaced"
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, 10**30, 0.5, -0.0, 1e300, "", "ok", "a\nb", "../../x", "/etc/passwd", "\x00",
    "é\u2028", [], {}, [[]], ["a"], {"": {}},
]  # fmt: skip
YAML = [
    "&a [*a]", "*missing", "&a [x, x]", "!!python/object:os.system {}", "!!int abc", "0x_", "1_000_000", "1e999",
    ".nan", ".inf", "2026-13-45", "2026-01-01", "yes", "~", "'", '"\\ud800"', "{", "[", "]", "- - -", "? [a]", "<<: *a",
    "%YAML 9", "---", "...", "|", ">", "@", "`", "\t", "\x1b[2J", "é", "a: b: c", "[" * 900, "{a: " * 900, "9" * 5000,
    "null", "[]", "{}", "''", "-1", "0", "1", "2", "0.5", "3.5", "[1, 1]", "mlp", "#",
]  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """What is done to a file."""

    how: str
    """Printed where it shows a fault; the bytes would be too long."""
    do: Callable[[Path], object]

    def __repr__(self) -> str:
        return self.how


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def replaced(how: str, content: bytes) -> Damage:
    """Return the damage that leaves other bytes."""
    return Damage(how, lambda path: path.write_bytes(content))


@st.composite
def of_bytes(draw: st.DrawFn, whole: bytes) -> Damage:
    """Draw a file that was cut, mixed up, overwritten or extended."""
    at = draw(st.integers(0, max(0, len(whole) - 1)), label="at")
    upto = at + draw(st.integers(0, 64), label="length")
    how = draw(st.sampled_from(["cut", "flip", "insert", "delete", "repeat", "overwrite", "empty", "large"]))
    piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(min_size=1, max_size=8)))
    content = {
        "cut": whole[:at],
        "flip": whole[:at] + bytes([whole[at] ^ 1 << upto % 8] if whole else []) + whole[at + 1 :],
        "insert": whole[:at] + piece + whole[at:],
        "delete": whole[:at] + whole[upto:],
        "repeat": whole[:upto] + whole[at:],
        "overwrite": whole[:at] + piece + whole[at + len(piece) :],
        "empty": b"",
        "large": whole[:at] + piece * (LARGE // len(piece)) + whole[at:],
    }[how]
    return replaced(f"{how} at {at} to {upto}, {piece!r}", content)


@st.composite
def of_tree(draw: st.DrawFn, whole: Any) -> Damage:
    """Draw a file of JSON, which YAML is too, in which one value, key or item is another."""
    whole = json.loads(json.dumps(whole))
    parents = list(_parents(whole))
    parent = draw(st.sampled_from(parents), label="in")
    key = draw(st.sampled_from(list(parent) if isinstance(parent, dict) else range(len(parent))))
    how = draw(st.sampled_from(["other", "raw", "delete", "rename", "move", "twice", "like a number"]))
    raw, shown = "", ""
    if how == "other":
        parent[key] = draw(st.sampled_from(VALUES))
    elif how == "raw":
        shown = draw(st.sampled_from(list(RAW)))
        raw, parent[key] = RAW[shown], MARK
    elif how == "delete":
        del parent[key]
    elif how == "move":
        other = draw(st.sampled_from(parents))
        taken = json.loads(json.dumps(parent[key]))
        if isinstance(other, list):
            other.append(taken)
        else:
            other["moved"] = taken
    elif how == "rename" and isinstance(parent, dict):
        parent[draw(st.sampled_from(["", "status", "files", "x\ny", "../x", "\ud800", "\x1b", *parent]))] = (
            parent.pop(key)
        )
    elif how == "like a number":
        parent[key] = draw(st.sampled_from([str(parent[key])[:50], [parent[key]], {"value": parent[key]}]))
    text = json.dumps(whole).replace(json.dumps(MARK), raw)
    if how == "twice" and isinstance(parent, dict):
        name = json.dumps(key)
        text = text.replace(f"{name}: ", f"{name}: null, {name}: ", 1)
    return replaced(f"{how} {shown} {key!r} = {str(parent)[:80]!r}", text.encode("utf-8", "surrogatepass"))


def _parents(value: Any) -> Iterator[Any]:
    """Yield the mappings and lists of a tree that hold something."""
    if isinstance(value, dict | list) and value:
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from _parents(child)


@st.composite
def of_lines(draw: st.DrawFn, text: str) -> Damage:
    """Draw a file of YAML in which one line is another."""
    lines = text.split("\n")
    at = draw(st.sampled_from([number for number, line in enumerate(lines) if line.strip()]), label="line")
    key, colon, value = lines[at].partition(":")
    odd = draw(st.one_of(st.sampled_from(YAML), st.text(max_size=12)))
    how = draw(st.sampled_from(["value", "item", "key", "delete", "twice", "indent", "outdent", "swap"]))
    other = draw(st.integers(0, len(lines) - 1))
    lines[at : at + 1] = {
        "value": [f"{key}{colon} {odd}"],
        "item": [f"{key}{colon} {value[:-1].rpartition(' ')[0]} {odd}{value[-1:]}"],
        "key": [f"{odd}: {value}"],
        "delete": [],
        "twice": [lines[at]] * 2,
        "indent": [f"  {lines[at]}"],
        "outdent": [lines[at].removeprefix("  ")],
        "swap": [lines[other]],
    }[how]
    told = f"line {at + 1}, {how}: {lines[at : at + 1]!r:.80}"
    return replaced(told, "\n".join(lines).encode("utf-8", "surrogatepass"))


def of_place(others: list[Path]) -> st.SearchStrategy[Damage]:
    """Draw something else in the file's place: another file, a folder, a link."""
    copies = [
        Damage(f"copy of {each}", lambda path, each=each: shutil.copyfile(each, path)) for each in others
    ]
    links = [
        Damage(f"link to {each}", lambda path, each=each: _link(path, each.resolve())) for each in others
    ]
    return st.sampled_from([GONE, FOLDER, FULL_FOLDER, BROKEN_LINK, LINK_TO_ITSELF, *copies, *links])


def _link(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


def _folder(path: Path, *names: str) -> None:
    path.unlink()
    path.mkdir()
    for name in names:
        (path / name).write_text("{}")


GONE = Damage("gone", Path.unlink)
FOLDER = Damage("a folder", _folder)
FULL_FOLDER = Damage("a folder with files", lambda path: _folder(path, path.name, "status.json"))
BROKEN_LINK = Damage("a link to nothing", lambda path: _link(path, Path("nothing")))
LINK_TO_ITSELF = Damage("a link to itself", lambda path: _link(path, Path(path.name)))
