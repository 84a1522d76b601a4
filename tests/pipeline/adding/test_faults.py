"""Files as the world has them: each fault ends with a remark, or with one line and nothing written."""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from assay.cli import app
from assay.config.params import load_params
from assay.data import expectations_file, loading
from assay.data.own import web
from assay.files import sha256
from assay.pipeline.adding import add as adding
from assay.pipeline.init import TEMPLATES

pytestmark = pytest.mark.filterwarnings(
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning"
)

Rows = list[list[str]]
Make = Callable[[Path], Path | str]
HEADER = ["age", "size", "town", "label"]
LABEL = ("--target", "label")


def rows(count: int = 100) -> Rows:
    """Return a header and rows that can be added without a question."""
    rng = random.Random(0)
    found = []
    for _ in range(count):
        age, size = rng.randint(18, 80), rng.uniform(1, 9)
        label = "yes" if age + 8 * size + rng.gauss(0, 9) > 89 else "no"
        found.append([str(age), f"{size:.2f}", rng.choice(["Ulm", "Köln", "Bonn"]), label])
    return [HEADER, *found]


def cells(column: str, cell: Callable[[int], str | None], count: int = 100) -> Rows:
    """Return rows with other cells in a column, which is new if need be and then last but one; None keeps a cell."""
    [header, *table] = rows(count)
    if column not in header:
        table = [[*row[:-1], "", row[-1]] for row in table]
        header = [*header[:-1], column, header[-1]]
    place = header.index(column)
    for number, row in enumerate(table):
        found = cell(number)
        row[place] = row[place] if found is None else found
    return [header, *table]


def text(table: Rows, separator: str = ",", end: str = "\n") -> str:
    def quoted(value: str) -> str:
        return f'"{value.replace(chr(34), chr(34) * 2)}"' if set(value) & {separator, '"', "\n"} else value

    return "".join(separator.join(map(quoted, row)) + end for row in table)


def file(content: str | bytes | Rows, name: str = "data.csv") -> Make:
    def make(folder: Path) -> Path:
        plain = text(content) if isinstance(content, list) else content
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain.encode() if isinstance(plain, str) else plain)
        return path

    return make


def link(target: str, name: str = "data.csv") -> Make:
    def make(folder: Path) -> Path:
        file(rows(), "real.csv")(folder)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(target)
        return folder / name if name == "data.csv" else (folder / name).parent

    return make


def pipe(name: str) -> Make:
    return lambda folder: os.mkfifo(folder / name) or folder / name


def parquet(*, damage: Callable[[bytes], bytes] = bytes, **columns: object) -> Make:
    def make(folder: Path) -> Path:
        pd.DataFrame(rows()[1:], columns=HEADER).assign(**columns).to_parquet(folder / "data.parquet")
        data = (folder / "data.parquet").read_bytes()
        (folder / "data.parquet").write_bytes(damage(data))
        return folder / "data.parquet"

    return make


OBJECTS = [json.dumps(dict(zip(HEADER, row, strict=True))) for row in rows()[1:]]


def json_lines(change: Callable[[int, str], str]) -> Make:
    lines = (change(number, line) for number, line in enumerate(OBJECTS, start=1))
    return file("".join(f"{line}\n" for line in lines), "data.jsonl")


class Trap:
    """Unpickled, it leaves a file."""

    def __reduce__(self):
        return os.system, ("touch unpickled",)


def zipped(name: str) -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("data.csv", text(rows()))
        return folder / name

    return make


def photo(seed: int, mode: str = "RGB") -> Image.Image:
    shade = 60 if seed < 100 else 200
    pixels = np.random.default_rng(seed).integers(shade - 40, shade + 40, (12, 16, 3))
    return Image.fromarray(pixels.astype(np.uint8)).convert(mode)


def photos(odd: Callable[[Path], object], name: str = "odd.png") -> Make:
    """Return a folder of two classes with one odd image."""

    def make(folder: Path) -> Path:
        for label, first in (("dark", 0), ("light", 100)):
            (folder / "photos" / label).mkdir(parents=True)
            for number in range(30):
                photo(first + number).save(folder / "photos" / label / f"{number}.png")
        odd(folder / "photos" / "dark" / name)
        return folder / "photos"

    return make


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(0).save(path, exif=exif)


def cut_all(path: Path) -> None:
    for each in path.parents[1].rglob("*.png"):
        each.write_bytes(each.read_bytes()[:200])


def deep(path: Path) -> None:
    Image.fromarray((np.arange(192).reshape(12, 16) * 300).astype(np.uint16)).save(path)


def project_with(change: Callable[[Path], object]) -> Make:
    """Return a table in a project that was changed before."""

    def make(folder: Path) -> Path:
        change(folder / "project")
        return file(rows())(folder)

    return make


def replaced(old: str, new: str) -> Callable[[Path], object]:
    def change(project: Path) -> None:
        before = (project / "params.yaml").read_text()
        assert old in before
        (project / "params.yaml").write_text(before.replace(old, new))

    return change


def holding(path: str, content: str = "mine") -> Callable[[Path], object]:
    return lambda project: file(content, path)(project)


def linked(path: str, target: str) -> Callable[[Path], object]:
    def change(project: Path) -> None:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).symlink_to(target)

    return change


def days(pattern: str) -> Rows:
    return cells("day", lambda i: pattern.format(i % 12 + 1, i * 5 % 12 + 1))


REMARKED: dict[str, tuple[Make, tuple[str, ...], str]] = {
    "byte-order mark": (file("\ufeff" + text(rows())), (), "begins with a byte-order mark (utf-8-sig)"),
    "UTF-16": (file(text(rows()).encode("utf-16")), (), "utf-16, separator ,"),
    "CRLF": (file(text(rows(), end="\r\n")), (), "line ends CRLF"),
    "CR": (file(text(rows(), end="\r")), (), "line ends CR"),
    "mixed line ends": (file(text(rows()[:50]) + text(rows()[50:], end="\r\n")), (), "mixed: 51 CRLF, 50 LF"),
    "Windows-1252, named": (
        file(text(cells("town", lambda i: "Ulm … €" if i % 3 else None)).encode("windows-1252")),
        ("--encoding", "windows-1252"),
        "windows-1252, separator ,",
    ),
    "quoted line break": (
        file(cells("town", lambda i: None if i % 3 else "Ulm\nam See")),
        (),
        "holds a line break (lines 2, 6,",
    ),
    "header twice": (
        file([*rows()[:50], HEADER, *rows()[50:]]),
        (),
        "the header stands again among the rows and is skipped (line 51)",
    ),
    "row too long": (file(text(rows()) + "1,2,3,4,5\n"), (), "do not have 4 cells are left out (line 102)"),
    "note below the rows": (file(text(rows()) + "Total,,,\n"), (), "101 rows"),
    "blank class": (file(cells("label", lambda i: None if i % 20 else "")), (), "rows have no label and are left out"),
    "NaN target": (file(cells("label", lambda i: None if i % 20 else "NaN")), (), "no value (NaN 5)"),
    "infinite target": (
        file(cells("size", lambda i: None if i % 20 else "inf")),
        ("--target", "size"),
        "words among numbers: inf",
    ),
    "equal rows": (file(rows() + rows()[1:10]), (), "Equal rows: 9 repeat an earlier one"),
    "class of one row": (
        file(cells("label", lambda i: "maybe" if i == 7 else None)),
        (),
        "classes of one row cannot be in every part of a split (line 9)",
    ),
    "numbers as text": (json_lines(lambda _, line: line), (), "age: numbers are written as text"),
    "dates": (file(days("2026-{:02}-{:02}")), (), "date"),
    "dates day first": (file(days("{:02}/{:02}/2026")), ("--day-first",), "date"),
    "leak": (
        file(cells("size", lambda i: {"yes": "1.5", "no": "2.5"}[rows()[i + 1][-1]] + str(i % 9))),
        LABEL,
        "Left out because they give the target away: size",
    ),
    "id": (file(cells("id", str)), (), "Left out: id (id: counts the rows)"),
    "id of letters": (file(cells("ref", lambda i: f"{i * 7919:08x}")), (), "Left out: ref (id: another value in every"),
    "semicolons": (file(text(rows(), separator=";")), (), "separator ;"),
    "decimal comma": (file(text(cells("size", lambda i: f"{i / 7:.2f}".replace(".", ",")), ";")), (), "decimal ,"),
    "thousands": (file(cells("size", lambda i: f"{i * 12345:,}")), (), "size   number"),
    "money": (file(cells("size", lambda i: f"${i * 3.5:.2f}")), (), "size   number"),
    "several currencies": (file(cells("size", lambda i: f"{'$€'[i % 2]}{i * 3.5:.2f}")), (), "the signs $ and € are"),
    "some per cent": (
        file(cells("size", lambda i: f"{i}.5%" if i % 2 else f"0.{i}")),
        (),
        "the sign % of some numbers is dropped",
    ),
    "infinite numbers": (file(cells("size", lambda i: None if i % 20 else "inf")), (), "words among numbers: inf"),
    "1e400": (file(cells("size", lambda i: None if i % 20 else "1e400")), (), "words among numbers: 1e400"),
    "formula": (file(cells("town", lambda i: "=cmd|' /C calc'!A0" if i % 2 else None)), (), "town   category"),
    "constant label": (file(cells("label", lambda _: "yes")), ("--target", "town"), "Left out: label (has one value)"),
    "split column with blanks": (
        file(cells("part", lambda i: ["train", "test", ""][i % 3])),
        ("--split", "column:part"),
        "part: no value (blank 33)",
    ),
    "time with blanks": (
        file(cells("day", lambda i: f"2026-01-{i % 28 + 1:02}" if i % 10 else "")),
        ("--split", "time:day"),
        "day: no value (blank 10)",
    ),
    "metric of the kind": (file(rows()), (*LABEL, "--metric", "macro_f1"), "models are compared by macro_f1"),
    "nested Parquet": (parquet(words=[["a", "b"]] * 100), LABEL, "words (holds lists or objects)"),
    "JSON of several shapes": (
        json_lines(lambda number, line: line if number % 2 else line[:-1] + ', "x": 1}'),
        (),
        "objects lack some of the 5 names: what they lack is missing (lines 1, 3,",
    ),
    "link to a file": (link("real.csv"), (), "100 rows"),
    "name with blanks": (file(rows(), "my data (final) v2.csv"), (), "suite my_data_final_v2"),
    "name with dashes": (file(rows(), "--my-data--.csv"), (), "suite my_data"),
    "name of no letters": (file(rows(), "数据.csv"), (), "suite own"),
    "name of 250 letters": (file(rows(), "a" * 250 + ".csv"), (), f"suite {'a' * 64},"),
    "name that is a number": (file(rows(), "123.csv"), (), "suite own_123"),
    "name that is a word of YAML": (file(rows(), "null.csv"), (), "suite null"),
    "no as a name": (file(rows()), ("--name", "no"), "suite no"),
    "path with ..": (lambda folder: file(rows())(folder) and "../data.csv", (), "100 rows"),
    "grey": (photos(lambda path: photo(0, "L").save(path)), (), "images are grey: dark/odd.png"),
    "palette": (photos(lambda path: photo(0, "P").save(path)), (), "palette of colours: dark/odd.png"),
    "16 bits": (photos(deep), (), "16 bits a channel: dark/odd.png"),
    "CMYK": (photos(lambda path: photo(0, "CMYK").save(path), "odd.jpg"), (), "(CMYK): dark/odd.jpg"),
    "rotated": (photos(turned, "odd.jpg"), (), "turned as their Exif data say: dark/odd.jpg"),
    "truncated": (
        photos(lambda path: path.write_bytes((path.parent / "1.png").read_bytes()[:300])),
        (),
        "cut off: the rest is missing: dark/odd.png",
    ),
    "20,000 pixels wide": (
        photos(lambda path: Image.new("RGB", (20000, 2)).save(path)),
        (),
        "very wide or high: dark/odd.png",
    ),
    "bomb": (photos(lambda path: Image.new("1", (20000, 20000)).save(path)), (), "20,000 x 20,000 pixels; at most"),
    "animated": (
        photos(lambda path: photo(0).save(path, save_all=True, append_images=[photo(1), photo(2)]), "odd.gif"),
        (),
        "several frames: the first is used: dark/odd.gif",
    ),
    "image of no bytes": (photos(lambda path: path.write_bytes(b"")), (), "cannot be read"),
    "pickle as image": (photos(lambda path: path.write_bytes(pickle.dumps(Trap()))), (), "cannot be read"),
    "pipe as image": (photos(os.mkfifo), (), "60 images"),
    "the same copy is there": (project_with(lambda its: file(rows(), "data/own/data/data.csv")(its)), (), "wrote"),
}  # fmt: skip

REFUSED: dict[str, tuple[Make, tuple[str, ...], str]] = {
    "Latin-1": (file(text(rows()).encode("latin-1")), (), "not UTF-8 (byte 0xf6 in line"),
    "Windows-1252": (
        file(text(cells("town", lambda i: "Ulm … €" if i % 3 else None)).encode("windows-1252")),
        (),
        "windows-1252 reads",
    ),
    "unknown encoding": (file(rows()), ("--encoding", "klingon"), "--encoding klingon: allowed are utf-8,"),
    "wrong encoding": (file(text(rows()).encode("latin-1")), ("--encoding", "utf-8"), "byte 0xf6 is not utf-8"),
    "UTF-16 without mark": (file(text(rows()).encode("utf-16-le")), (), "NUL characters"),
    "NUL": (file(text(rows()).replace("Ulm", "Ul\0m")), (), "NUL characters: it is no text file; CSV"),
    "ambiguous dates": (file(days("{:02}/{:02}/2026")), (), "column day: is 01/01/2026 day first or month first?"),
    "10,000 classes": (file(cells("label", lambda i: f"c{i % 10000}", 20000)), LABEL, "label: 0 classes have 5"),
    "empty": (file(""), (), "data.csv: is empty; rows are expected"),
    "blank": (file(" \n \n"), (), "data.csv: is empty; rows are expected"),
    "header only": (file(",".join(HEADER) + "\n"), (), "data.csv: a header and no rows"),
    "one column": (file("label\n" + "yes\nno\n" * 50), (), "no column can be predicted from the others"),
    "one column, the target": (file("label\n" + "yes\nno\n" * 50), LABEL, "no other column to predict it from"),
    "empty folder": (lambda folder: (folder / "data.csv").mkdir() or folder / "data.csv", (), "folder holds nothing"),
    "device": (lambda _: "/dev/zero", (), "/dev/zero: is a device; a file or folder is expected"),
    "link to a device": (link("/dev/zero"), (), "data.csv: is a device"),
    "pipe": (pipe("data.csv"), (), "data.csv: is a pipe; a file or folder is expected"),
    "pipe of Parquet": (pipe("data.parquet"), (), "data.parquet: is a pipe"),
    "pipe with the name of a row": (pipe("digits.csv"), (), "digits"),
    "broken link": (link("nowhere.csv"), (), "data.csv: a link to nowhere.csv, where nothing is"),
    "link to itself": (link("data.csv"), (), "data.csv: cannot be read"),
    "link out of a folder": (link("../real.csv", "mine/x.csv"), (), "leads out of the folder; only what is in"),
    "no such file": (lambda _: "nowhere.csv", (), "nowhere.csv: no such file or folder"),
    "path of 300 letters": (lambda _: "a" * 300 + ".csv", (), "File name too long"),
    "name of 300 letters": (file(rows()), ("--name", "a" * 300), "allowed are small letters, digits and _"),
    "name that leads up": (file(rows()), ("--name", "../up"), "--name ../up: allowed are small letters"),
    "1e200": (
        file(cells("size", lambda i: "1e200" if i == 20 else None)),
        (),
        "data.csv: line 22: size = 1e200; allowed are numbers up to 1e+30; correct it, or leave",
    ),
    "constant target": (file(cells("label", lambda _: "yes")), LABEL, "--target label: is a constant; a column of"),
    "equal rows only": (file([HEADER, *[["1", "2", "Ulm", "yes"]] * 100]), (), "no column can be predicted"),
    "another class in every row": (file(cells("label", lambda i: f"class{i}")), LABEL, "--target label: is an id"),
    "2 rows": (file(rows(2)), LABEL, "2 rows: too few to set some aside"),
    "unknown part of a split": (
        file(cells("part", lambda i: ["train", "test", "hold"][i % 3])),
        ("--split", "column:part"),
        "data.csv: line 4: part = 'hold' is no part of a split; allowed are train,",
    ),
    "no row to train on": (
        file(cells("part", lambda _: "test")),
        ("--split", "column:part"),
        "no item to train on; split the rows in another way",
    ),
    "words as time": (file(rows()), ("--split", "time:town"), "town holds no times; name a column of dates"),
    "one time": (file(cells("day", lambda _: "2026-01-01")), ("--split", "time:day"), "have the same time"),
    "one group": (file(cells("shop", lambda _: "one")), ("--split", "group:shop"), "shop holds 1 groups; at least 3"),
    "target as group": (file(rows()), (*LABEL, "--split", "group:label"), "label is the target; name another column"),
    "split 0": (file(rows()), ("--split", "0"), "--split 0: allowed are column:NAME"),
    "split 1": (file(rows()), ("--split", "1"), "--split 1: allowed are column:NAME"),
    "split nan": (file(rows()), ("--split", "nan"), "--split nan: allowed are column:NAME"),
    "split 0.99": (file(rows()), ("--split", "0.99"), "another way with --split, or add rows"),
    "split by no column": (file(rows()), ("--split", "time:day"), "no such column; there are age, size"),
    "two targets": (file(rows()), (*LABEL, "--target", "town"), "--target town: given twice"),
    "ignored target": (file(rows()), (*LABEL, "--ignore", "label"), "is also named by --ignore"),
    "everything ignored": (
        file(rows()),
        (*LABEL, *(word for name in HEADER[:3] for word in ("--ignore", name))),
        "no other column to predict it from",
    ),
    "metric of numbers": (file(rows()), (*LABEL, "--metric", "rmse"), "--metric rmse: does not fit label"),
    "unknown metric": (file(rows()), (*LABEL, "--metric", "speed"), "allowed are accuracy, auroc,"),
    "cut Parquet": (parquet(damage=lambda data: data[:-300]), LABEL, "not a whole Parquet file"),
    "damaged Parquet": (
        parquet(damage=lambda data: data[:100] + bytes(each ^ 0x55 for each in data[100:400]) + data[400:]),
        LABEL,
        "not a whole Parquet file",
    ),
    "nested target": (parquet(words=[["a", "b"]] * 100), ("--target", "words"), "--target words: is a nested"),
    "Parquet named CSV": (
        lambda folder: parquet()(folder).rename(folder / "data.csv"),
        (),
        "data.csv: is Parquet; give it the ending .parquet",
    ),
    "broken line of JSON": (json_lines(lambda number, line: line[:20] if number == 7 else line), (), "line 7: not"),
    "half a character in JSON": (
        json_lines(lambda _, line: line.replace("Ulm", "\\ud800")),
        (),
        "data.jsonl: line",
    ),
    "deep JSON": (file("[" * 100000, "data.json"), (), "nested too deeply"),
    "pickle": (file(pickle.dumps(Trap()), "data.pkl"), (), "is a pickle, which can run code when it is read"),
    "pickle named CSV": (file(pickle.dumps(Trap())), (), "no text file"),
    "pickle named Parquet": (file(pickle.dumps(Trap()), "data.parquet"), (), "not a whole Parquet file"),
    "ZIP": (zipped("data.zip"), (), "is an archive; unpack it first"),
    "ZIP named CSV": (zipped("data.csv"), (), "is an archive or a spreadsheet"),
    "spreadsheet": (zipped("data.xlsx"), (), "is a spreadsheet; save the sheet as CSV"),
    "no ending": (file(rows(), "data"), (), "files that end in nothing are not read"),
    "link out of images": (photos(lambda path: path.symlink_to("/etc/passwd")), (), "odd.png: leads out of the folder"),
    "no image can be read": (photos(cut_all), (), "photos: 0 classes have 5 rows or more"),
    "images by time": (photos(Path.touch), ("--split", "time:day"), "--split time:day: allowed is a fraction"),
    "target of images": (photos(Path.touch), ("--target", "day"), "whose folders are the classes; remove it"),
    "params.yaml is no YAML": (project_with(replaced("suite: first", "suite: [")), (), "params.yaml: line"),
    "params.yaml has an error": (
        project_with(replaced("seeds: [0, 1, 2]", "seeds: [a]")),
        (),
        "params.yaml: suites.first.seeds.0 = 'a': should be a whole number",
    ),
    "no params.yaml": (
        project_with(lambda project: (project / "params.yaml").unlink()),
        (),
        "params.yaml: there is no such file; run from the folder that contains it",
    ),
    "a row of the name": (file(rows(), "digits.csv"), (), "digits: params.yaml has a dataset of this name; choose"),
    "own data of the name": (project_with(holding("data/own/data/x.csv")), (), "data/own/data: already exists; choose"),
    "own data of other bytes": (project_with(holding("data/own/data/data.csv")), (), "data/own/data: already exists"),
    "own data is a link": (project_with(linked("data/own/data", "../../..")), (), "data/own/data: already exists"),
    "own data is a file": (project_with(holding("data/own")), (), "cannot be read or written: Not a directory"),
    "expectations of the name": (
        project_with(holding("data/expectations/data.yaml")),
        (),
        "data/expectations/data.yaml: already exists; choose another name",
    ),
    "expectations are a link": (
        project_with(linked("data/expectations/data.yaml", "../../../new")),
        (),
        "data/expectations/data.yaml: already exists",
    ),
    "file:": (lambda _: "file:///etc/passwd", (), "allowed are addresses that begin with http:// or https://"),
    "ftp:": (lambda _: "ftp://127.0.0.1/data.csv", (), "allowed are addresses that begin with http://"),
    "no address": (lambda _: "http://[::1/data.csv", (), "is no address"),
    "address without a file": (lambda _: "http://127.0.0.1:9/", (), "does not end with the name of a file"),
    "no server": (lambda _: "http://127.0.0.1:9/data.csv", (), "data.csv: cannot be downloaded"),
    "link to an address": (lambda _: "http://127.0.0.1:9/data.csv", ("--link",), "add it without --link"),
}  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a small params.yaml, in which commands run, and in which none takes longer than 30 s."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "params.yaml").write_bytes((TEMPLATES / "params.yaml.template").read_bytes())
    monkeypatch.chdir(folder)
    signal.alarm(30)  # ends the whole process: opening a pipe cannot be interrupted otherwise
    yield folder
    signal.alarm(0)


def everything(folder: Path) -> dict[str, str]:
    """Return all files, links and folders, with what they hold."""
    return {
        str(path): str(path.readlink()) if path.is_symlink() else sha256(path) if path.is_file() else ""
        for path in folder.rglob("*")
    }


def run(path: Path | str, *words: str, code: int) -> str:
    done = CliRunner().invoke(app, ["add", *words, "--", str(path)])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def refused(project: Path, path: Path | str, *words: str) -> str:
    """Return the one line with which a command ends that writes nothing."""
    before = everything(project.parent)
    last = run(path, *words, code=2).splitlines()[-1]
    assert everything(project.parent) == before
    return last


@pytest.mark.parametrize("fault", REMARKED)
def test_a_fault_that_can_be_lived_with_is_named(project, tmp_path, fault):
    make, words, remark = REMARKED[fault]
    output = run(make(tmp_path), *words, code=0)
    assert remark in output
    assert not (project / "unpickled").exists()
    params = load_params(project / "params.yaml")
    assert params.suite in params.datasets
    assert Path(params.datasets[params.suite].knobs["path"]).exists()


@pytest.mark.parametrize("fault", REFUSED)
def test_a_fault_that_cannot_is_one_line_and_nothing_is_written(project, tmp_path, fault):
    make, words, message = REFUSED[fault]
    assert message in refused(project, make(tmp_path), *words)


SPECIAL = [
    "no", "1:30", "a: b", "#x", "{x}", "", "line\nbreak", "x" * 500, "🙂", "item", "split", "label", "time", "group",
    "target", "sha256", "- a", "&a", "*a", "!!python/object:x", "'", '"', "\\", "%", "null", "~", "[a]", "a,b", "=cmd",
    "<script>alert(1)</script>", "{{x}}", "\x07", "\u2028", "1e5", "2026-01-01", "'; drop table", "--target", "e\u0301",
]  # fmt: skip


def test_columns_of_any_name_come_back_from_params_yaml_and_the_expectations(project, tmp_path):
    rng = random.Random(0)
    table = [[str(rng.randint(0, 99)) for _ in SPECIAL] + [rng.choice("ab")] for _ in range(100)]
    run(
        file([[*SPECIAL, "answer"], *table])(tmp_path),
        "--target",
        "answer",
        "--ignore",
        "line\nbreak",
        code=0,
    )
    row = load_params(project / "params.yaml").datasets["data"]
    assert "line\nbreak" in row.knobs["ignore"]
    dataset = loading.load(row.dataset, row.knobs)
    dataset.fetch(tmp_path / "raw", mirror=None)
    facts = dataset.prepare(tmp_path / "raw", tmp_path / "data", seed=0, validation_fraction=0.2)
    names = {name.strip() or f"column {place}" for place, name in enumerate(SPECIAL, start=1)}
    assert set(facts["columns"]) == names - {"line\nbreak", "no"}  # numbers named no are numbers of rows
    items = pd.read_parquet(tmp_path / "data" / "items.parquet")
    expected = {each.column for each in expectations_file.read(project / row.expectations)}
    assert expected - {"label"} == set(items) - expectations_file.NUMBERED - {"label"}


@pytest.mark.parametrize(
    "name", ["no", "1:30", "a: b", "line\nbreak", "x" * 500, "split", "<script>", "--target"]
)
def test_a_target_of_any_name_comes_back_from_params_yaml(project, tmp_path, name):
    run(file([[*HEADER[:3], name], *rows()[1:]])(tmp_path), f"--target={name}", code=0)
    assert load_params(project / "params.yaml").datasets["data"].knobs["target"] == name


@pytest.mark.parametrize(
    "name", ["no", "1:30", "a: b", "{x}", "line\nbreak", "x" * 500, "🙂", "<script>1</script>", "=cmd", "~", "\x07a"]
)  # fmt: skip
def test_classes_of_any_name_are_kept(project, tmp_path, name):
    run(file(cells("label", lambda i: None if i % 3 else name))(tmp_path), *LABEL, code=0)
    row = load_params(project / "params.yaml").datasets["data"]
    dataset = loading.load(row.dataset, row.knobs)
    dataset.fetch(tmp_path / "raw", mirror=None)
    assert set(dataset.read(tmp_path / "raw").classes) == {"yes", "no", name}


def test_a_column_named_label_is_no_class_of_a_target_of_numbers(project, tmp_path):
    run(file(rows())(tmp_path), "--target", "size", code=0)
    [_, entry] = [
        each
        for each in expectations_file.read(project / "data/expectations/data.yaml")
        if each.column == "label"
    ]
    assert entry.value_set == ["no", "yes"]


def test_params_yaml_behind_a_link_stays_behind_it(project, tmp_path):
    (project / "params.yaml").rename(tmp_path / "real.yaml")
    (project / "params.yaml").symlink_to(tmp_path / "real.yaml")
    run(file(rows())(tmp_path), code=0)
    assert (project / "params.yaml").is_symlink()
    assert load_params(tmp_path / "real.yaml").suite == "data"


@pytest.mark.parametrize("count", range(2))
def test_a_command_that_is_stopped_leaves_nothing_and_can_run_again(project, tmp_path, monkeypatch, count):
    data, before = file(rows())(tmp_path), everything(project)
    written = []

    def stop(path: Path, content: str) -> None:
        if len(written) == count:
            raise KeyboardInterrupt
        written.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    monkeypatch.setattr(adding, "write_text", stop)
    CliRunner().invoke(app, ["add", str(data)], standalone_mode=False)
    monkeypatch.undo()
    os.chdir(project)
    assert everything(project) == before
    run(data, code=0)


def test_a_full_disk_is_one_line(project, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "params.yaml")

    monkeypatch.setattr(adding, "write_text", full)
    assert "params.yaml: cannot be read or written: No space left" in refused(project, file(rows())(tmp_path))


@pytest.mark.parametrize("locked", ["params.yaml", "data", "../data.csv"])
def test_what_may_not_be_read_or_written_is_one_line(project, tmp_path, monkeypatch, locked):
    data = file(rows())(tmp_path)
    (project / "data").mkdir()
    path = (project / locked).resolve()

    def guarded(work: Callable) -> Callable:
        def guard(name: str | Path, *others: object, **more: object) -> object:
            if Path(name).resolve().is_relative_to(path):
                raise PermissionError(13, "Permission denied", str(name))
            return work(name, *others, **more)

        return guard

    if os.geteuid():
        path.chmod(0)
    else:  # who may do everything is told no
        monkeypatch.setattr(os, "access", lambda name, _: Path(name).resolve() != path)
        for place, name in ((os, "open"), (Path, "open"), (Path, "mkdir")):
            monkeypatch.setattr(place, name, guarded(getattr(place, name)))
    last = run(data, code=2).splitlines()[-1]
    monkeypatch.undo()
    assert "may not write" in last or "ermission denied" in last


def test_an_update_without_the_target_is_refused(project, tmp_path):
    data = file(rows())(tmp_path)
    run(data, code=0)
    data.write_text(text([row[:3] for row in rows()]))
    assert "no column 'label'; there are age, size, town" in refused(project, data, "--update")


def test_a_file_that_was_linked_and_is_gone_is_named(project, tmp_path):
    data = file(rows())(tmp_path)
    run(data, "--link", code=0)
    data.unlink()
    row = load_params(project / "params.yaml").datasets["data"]
    with pytest.raises(ValueError, match=r"data\.csv: is missing; bring it back"):
        loading.load(row.dataset, row.knobs).fetch(tmp_path / "raw", mirror=None)
    assert "no such file or folder" in refused(project, data)


class Handler(BaseHTTPRequestHandler):
    """A server on which everything goes wrong."""

    stopped = Event()

    def do_GET(self) -> None:
        if self.path == "/missing.csv":
            self.send_error(404)
            return
        if self.path == "/hangs.csv":
            self.stopped.wait(10)
            return
        self.send_response(302 if self.path == "/redirected.csv" else 200)
        if self.path == "/redirected.csv":
            self.send_header("Location", "file:///etc/passwd")
        if self.path == "/cut.csv":
            self.send_header("Content-Length", "1000000")
        self.end_headers()
        if self.path == "/slow.csv":
            while not self.stopped.wait(0.05):
                self.wfile.write(b"1,2,Ulm,yes\n" * 6000)
        elif self.path != "/redirected.csv":
            self.wfile.write(text(rows()).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    Handler.stopped.clear()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        Handler.stopped.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.csv", "missing.csv: cannot be downloaded: 404"),
        ("hangs.csv", "hangs.csv: cannot be downloaded"),
        ("redirected.csv", "redirected.csv: cannot be downloaded"),
        ("cut.csv", "cut.csv: cannot be downloaded"),
        ("slow.csv", "slow.csv: takes more than 0.3 s"),
        ("large.csv", "large.csv: more than 1,000 bytes; download a part of it"),
    ],
)
def test_a_server_on_which_something_goes_wrong(project, monkeypatch, name, message):
    monkeypatch.setattr(web, "_SECONDS", 0.3)
    if name == "slow.csv":
        monkeypatch.setattr(web, "MOST_SECONDS", 0.3)
    if name == "large.csv":
        monkeypatch.setattr(web, "LARGEST_BYTES", 1000)
    with served() as address:
        assert message in refused(project, f"{address}/{name}")


def test_a_file_on_the_web_is_added(project):
    with served() as address:
        run(f"{address}/good.csv?token=secret", code=0)
    assert load_params(project / "params.yaml").suite == "good"
    assert "secret" not in (project / "params.yaml").read_text()


def test_there_are_enough_faults():
    assert len(REMARKED) + len(REFUSED) >= 60
