"""Croissant descriptions as the world has them: each is read, asks a question, or is refused in one line."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from assay.data import zip_reader
from assay.data.own import croissant, croissant_rows
from assay.data.own.croissant_files import Files
from assay.data.own.found import Ambiguity, Options
from assay.data.preparation.croissant import CONTEXT
from assay.files import sha256

# mlcroissant calls what rdflib and pandas have deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning",
    "ignore:The inplace keyword in DataFrame.reset_index:DeprecationWarning",
)

Json = dict[str, Any]
TABLE = "text,label,size\ngood,yes,1\nbad,no,2\nfine,yes,?\n"


def column(name: str, source: Json, kind: str = "sc:Text", **facts: Any) -> Json:
    return {
        "@type": "cr:Field", "@id": f"rows/{name}", "name": name, "dataType": kind, "source": source, **facts,
    }  # fmt: skip


def of_file(name: str, file: str = "table", **facts: Any) -> Json:
    return {"fileObject": {"@id": file}, "extract": {"column": name}, **facts}


def of_set(file_property: str, **facts: Any) -> Json:
    return {"fileSet": {"@id": "set"}, "extract": {"fileProperty": file_property}, **facts}


def file(path: Path, kind: str = "text/csv", key: str = "table", **facts: Any) -> Json:
    return {
        "@type": "cr:FileObject", "@id": key, "name": path.name, "contentUrl": path.name, "encodingFormat": kind,
        "sha256": sha256(path) if path.is_file() else "0" * 64, **facts,
    }  # fmt: skip


def file_set(includes: str, inside: str | None = "archive") -> Json:
    held = {"containedIn": {"@id": inside}} if inside else {}
    return {
        "@type": "cr:FileSet", "@id": "set", "encodingFormat": "image/png", "includes": includes, **held,
    }  # fmt: skip


def described(folder: Path, files: list[Json], fields: list[Json], **facts: Any) -> Path:
    """Write a description that mlcroissant accepts; return its path."""
    record_set = {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}
    whole = {
        "@context": dict(CONTEXT), "@type": "sc:Dataset", "name": "Some rows",
        "conformsTo": "http://mlcommons.org/croissant/1.0", "distribution": files, "recordSet": [record_set], **facts,
    }  # fmt: skip
    path = folder / "croissant.json"
    path.write_text(json.dumps(whole))
    return path


def table(folder: Path) -> Path:
    path = folder / "table.csv"
    path.write_text(TABLE)
    return path


def written(path: Path, tmp_path: Path, name: str | None = None) -> croissant_rows.Written:
    """Return what the records of a description become."""
    description = croissant.read(path, "here")
    chosen = croissant.choose(description, name)
    assert isinstance(chosen, croissant.RecordSet)
    (tmp_path / "out" / "archives").mkdir(parents=True)
    (tmp_path / "out" / "some").mkdir()
    with closing(Files(description, path.parent, tmp_path / "out" / "archives")) as files:
        return croissant_rows.write(description, chosen, files, tmp_path / "out" / "some", "some", Options())


def by_mlcroissant(path: Path) -> list[Json]:
    import mlcroissant

    def plain(value: Any) -> Any:
        return value.decode() if isinstance(value, bytes) else value

    records = mlcroissant.Dataset(jsonld=path).records("rows")
    return [{key.removeprefix("rows/"): plain(value) for key, value in each.items()} for each in records]


def test_renamed_columns_become_the_table_that_mlcroissant_reads(tmp_path: Path) -> None:
    fields = [column("message", of_file("text")), column("class", of_file("label"))]
    path = described(tmp_path, [file(table(tmp_path))], fields)
    found = written(path, tmp_path)
    assert found.path.name == "some.parquet"
    assert pd.read_parquet(found.path).to_dict("records") == by_mlcroissant(path)


def test_numbers_are_those_that_the_description_says(tmp_path: Path) -> None:
    fields = [column("n", of_file("size"), "sc:Integer"), column("t", of_file("text"), "sc:Integer")]
    found = pd.read_parquet(written(described(tmp_path, [file(table(tmp_path))], fields), tmp_path).path)
    assert found["n"].dropna().tolist() == [1, 2]
    assert found["t"].tolist() == ["good", "bad", "fine"]  # not numbers, whatever it says


def test_a_file_with_just_these_columns_is_used_as_it_is(tmp_path: Path) -> None:
    fields = [column(name, of_file(name)) for name in ("text", "label", "size")]
    path = table(tmp_path)
    assert written(described(tmp_path, [file(path)], fields), tmp_path).path == path


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv.gz"])
def test_other_formats_give_the_same_rows(kind: str, tmp_path: Path) -> None:
    path, rows = tmp_path / f"table.{kind}", pd.read_csv(table(tmp_path))
    formats = {"jsonl": "application/jsonlines", "parquet": "application/x-parquet", "csv.gz": "text/csv"}
    if kind == "jsonl":
        rows.to_json(path, orient="records", lines=True)
    elif kind == "parquet":
        rows.to_parquet(path)
    else:
        path.write_bytes(gzip.compress(TABLE.encode()))
    fields = [column("message", of_file("text")), column("class", of_file("label"))]
    made = described(tmp_path, [file(path, formats[kind])], fields)
    assert pd.read_parquet(written(made, tmp_path).path).to_dict("records") == by_mlcroissant(made)


def test_records_in_the_description_are_rows(tmp_path: Path) -> None:
    made = described(tmp_path, [], [])
    whole = json.loads(made.read_text())
    fields = [{"@type": "cr:Field", "@id": f"rows/{each}", "dataType": "sc:Text"} for each in ("a", "b")]
    data = [{"rows/a": "x", "rows/b": 1}, {"rows/a": "y", "rows/b": 2}]
    whole["recordSet"][0] |= {"field": fields, "data": data}
    made.write_text(json.dumps(whole))
    found = pd.read_parquet(written(made, tmp_path).path)
    assert found.to_dict("list") == {"a": ["x", "y"], "b": [1, 2]}


def png(colour: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, "PNG")
    return stream.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_images_of_an_archive_become_a_folder_with_a_table(tmp_path: Path) -> None:
    images = {f"photos/{name}/{n}.png": png(name) for name in ("red", "blue") for n in range(2)}
    path = zipped(tmp_path / "photos.zip", {**images, "readme.txt": b"hello"})
    fields = [
        column("image", of_set("content"), "sc:ImageObject"),
        column("colour", of_set("fullpath", transform={"regex": ".*/([a-z]+)/[0-9]+"})),
    ]
    files = [file(path, "application/zip", "archive"), file_set("photos/*/*.png")]
    found = written(described(tmp_path, files, fields), tmp_path).path
    rows = pd.read_csv(found / croissant_rows.ITEMS)
    assert rows["colour"].tolist() == ["blue", "blue", "red", "red"]
    for name, colour in zip(rows["image"], rows["colour"], strict=True):
        assert (found / name).read_bytes() == png(colour)


def test_the_part_that_a_path_names_is_a_column_of_the_rows(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "rows.csv").write_text(TABLE)
    fields = [
        column("text", {"fileSet": {"@id": "set"}, "extract": {"column": "text"}}),
        column("part", of_set("fullpath", transform=[{"regex": "(train|test)/"}])),
    ]
    files = [{**file_set("*/rows.csv", inside=None), "encodingFormat": "text/csv"}]
    found = pd.read_parquet(written(described(tmp_path, files, fields), tmp_path).path)
    assert found["part"].tolist() == ["test"] * 3 + ["train"] * 3


def test_several_record_sets_are_a_question_and_lists_of_names_are_none(tmp_path: Path) -> None:
    path = described(tmp_path, [file(table(tmp_path))], [column("text", of_file("text"))])
    whole = json.loads(path.read_text())
    [rows] = whole["recordSet"]
    whole["recordSet"] += [{**rows, "@id": "more", "name": "more"}, {"@id": "s", "dataType": "cr:Split"}]
    path.write_text(json.dumps(whole))
    description = croissant.read(path, "here")
    asked = croissant.choose(description, None)
    assert isinstance(asked, Ambiguity)
    assert asked.candidates == ("rows", "more")
    chosen = croissant.choose(description, "more")
    assert isinstance(chosen, croissant.RecordSet)
    assert chosen.key == "more"
    with pytest.raises(ValueError, match="--record-set s: no such record set; there are rows, more"):
        croissant.choose(description, "s")


def test_prefixes_and_languages_do_not_matter(tmp_path: Path) -> None:
    path = described(
        tmp_path, [], [], **{"sc:license": ["MIT", {"@type": "sc:CreativeWork", "name": "x"}], "cr:citeAs": "Doe"},
        description={"@value": "A\nline", "@language": "en"}, url="javascript:alert(1)", datePublished="2020-01-01",
    )  # fmt: skip
    about = croissant.read(path, "here").about
    assert about == {"licence": "MIT; x", "citation": "Doe", "quirks": "A line", "published": "2020"}


def change(path: Path, edit: Callable[[Json], Any]) -> Path:
    whole = json.loads(path.read_text())
    edit(whole)
    path.write_text(json.dumps(whole))
    return path


def first_file(**facts: Any) -> Callable[[Json], Any]:
    return lambda whole: whole["distribution"][0].update(facts)


def first_field(**facts: Any) -> Callable[[Json], Any]:
    return lambda whole: whole["recordSet"][0]["field"][0].update(facts)


REFUSED: dict[str, tuple[Callable[[Json], Any], str]] = {
    "wrong sha256": (first_file(sha256="0" * 64), "file table: sha256 .* expected 0{64}; the file is not the one"),
    "wrong md5": (first_file(sha256=None, md5="0" * 32), "file table: md5 .* expected 0{32}"),
    "no digest": (first_file(sha256=None), "has no sha256"),
    "missing file": (first_file(contentUrl="gone.csv"), "file table: .*gone.csv: no such file or folder"),
    "out of the folder": (first_file(contentUrl="../table.csv"), "leads out of the folder of the description"),
    "hidden way out": (first_file(contentUrl="a/../../table.csv"), "leads out of the folder"),
    "absolute": (first_file(contentUrl="/etc/passwd"), "/etc/passwd leads out of the folder"),
    "address of a file": (first_file(contentUrl="file:///etc/passwd"), "file table: file:///etc/passwd: allowed are"),
    "repository": (first_file(encodingFormat="git+https"), "is a Git repository"),
    "unknown archive": (first_file(containedIn={"@id": "x"}), "names x, which is not in distribution"),
    "no address": (first_file(contentUrl=None), "has no contentUrl"),
    "unknown format": (
        lambda whole: whole["distribution"][0].update(contentUrl="table.bin", encodingFormat="application/x-arff"),
        "application/x-arff: CSV, TSV, JSON lines, JSON and Parquet are read",
    ),
    "nested": (first_field(subField=[{"@id": "x"}]), "record set rows: field text: has a subField, which is not read"),
    "parent": (first_field(parentField={"source": {}}), "field text: has a parentField, which is not read"),
    "joined": (first_field(source={"field": {"@id": "x"}}), "comes from another record set"),
    "no source": (first_field(source=None), "field text: has no source and no value"),
    "no such column": (first_field(source=of_file("x")), "table.csv has no column x; it has text, label, size"),
    "no such file": (
        lambda whole: [each.update(source=of_file("text", "x")) for each in whole["recordSet"][0]["field"]],
        "names x, which is not in distribution",
    ),
    "two files": (first_field(source=of_file("text", "x")), "its fields come from table, x; record sets of one file"),
    "transform": (first_field(source=of_file("text", transform={"replace": "a/b"})), "transform replace: is not read"),
    "endless regex": (
        first_field(source=of_file("text", transform={"regex": "(a|a)*[bc]"})), "takes too long",
    ),
    "broken regex": (first_field(source=of_file("text", transform={"regex": "("})), "regex '\\('"),
    "deep path": (
        first_field(source={"fileObject": {"@id": "table"}, "extract": {"jsonPath": "$.a[?(@.b>1)].c"}}), "jsonPath",
    ),
    "sound": (first_field(dataType="sc:AudioObject"), "holds AudioObject, which is not read"),
    "earlier version": (lambda whole: whole.pop("conformsTo"), "is Croissant an earlier version; 1.0 and 1.1 are read"),
    "no record set": (lambda whole: whole.pop("recordSet"), "describes no record set"),
    "no field": (lambda whole: whole["recordSet"][0].pop("field"), "has no field"),
    "equal names": (first_field(name="label"), "two fields have the name label"),
    "no objects": (lambda whole: whole.update(distribution=["x"]), "distribution 1: is no object with an @id"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    edit, message = REFUSED[case]
    folder = tmp_path / "given"
    folder.mkdir()
    table(tmp_path)  # what a path out of the folder would reach
    (folder / "table.bin").write_bytes(table(folder).read_bytes())
    fields = [column(name, of_file(name)) for name in ("text", "label")]
    path = change(described(folder, [file(folder / "table.csv")], fields), edit)
    if case == "endless regex":
        (folder / "table.csv").write_text(f"text,label\n{'a' * 60},yes\n")
        change(path, first_file(sha256=sha256(folder / "table.csv")))
    with pytest.raises(ValueError, match=message) as refused:
        written(path, tmp_path)
    assert "\n" not in str(refused.value)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    outside = table(tmp_path)
    (folder / "table.csv").symlink_to(outside)
    path = described(folder, [file(outside)], [column("t", of_file("text"))])
    with pytest.raises(ValueError, match="leads out of the folder"):
        written(path, tmp_path)


def test_hostile_archives_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"0" * 100_000)
    cases = {
        zipped(tmp_path / "out.zip", {"../x.png": b""}): "leads out of the archive",
        zipped(tmp_path / "abs.zip", {"/x.png": b""}): "leads out of the archive",
        tmp_path / "link.zip": "a link or a device",
        bomb: "holds more than 1,000 bytes",
    }
    for path, message in cases.items():
        with pytest.raises(ValueError, match=message):
            list(zip_reader.members(path, limit=1000))
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(bomb.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"damaged\.zip"):
        list(zip_reader.members(damaged, limit=1000))


def test_a_tar_with_a_way_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("../x.png"), io.BytesIO())
    files = [file(path, "application/x-tar", "archive"), file_set("*.png")]
    made = described(tmp_path, files, [column("image", of_set("content"), "sc:ImageObject")])
    with pytest.raises(ValueError, match="leads out of the archive"):
        written(made, tmp_path)


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"a": 1}\n{"a": 2}', "x", '{"@context": "https://schema.org"}']
)
def test_other_json_is_no_description(text: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text(text)
    assert croissant.find(tmp_path) is None
    assert croissant.find(tmp_path / "metadata.json") is None


def test_a_context_on_the_web_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket", lambda *_: pytest.fail("opened a connection"))
    fields = [column("t", of_file("text"))]
    path = described(tmp_path, [file(table(tmp_path))], fields)
    change(
        path, lambda whole: whole.update({"@context": ["https://mlcommons.org/evil", "file:///etc/passwd"]})
    )
    assert croissant.find(tmp_path) == path
    assert len(pd.read_parquet(written(path, tmp_path).path)) == 3
