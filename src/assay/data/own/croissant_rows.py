# SPDX-License-Identifier: Apache-2.0
"""The records of a Croissant record set, as the file or folder that ``assay add`` reads: a table, or images."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import regex

from assay.data import tar_reader
from assay.data.own import delimited, images, json_rows, parquet
from assay.data.own.croissant import Description, Field, RecordSet, fields_of
from assay.data.own.croissant_files import Files
from assay.data.own.found import Options
from assay.data.own.table import MISSING, Table
from assay.files import replacing

IMAGES = "images"
ITEMS = "items.csv"
_SECONDS = 1.0
"""The longest time for one regular expression on one value: a stranger's expression may never end."""
_LONGEST_PATTERN = 500
_JSON = ("json", "jsonl", "jsonlines", "json-lines", "ndjson")
_INTEGERS = frozenset({"Integer", *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))})
_NUMBERS = _INTEGERS | {"Float", "Number", "Float16", "Float32", "Float64"}
_REFUSED = frozenset({"AudioObject", "VideoObject"})
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp", b"RIFF": ".webp",
}  # fmt: skip
_NESTED = pa.list_(pa.string())


@dataclass(frozen=True)
class Written:
    """What a record set became."""

    path: Path
    """A file of a table, or a folder of images with their table."""
    remarks: tuple[str, ...]
    """What was unusual about the files, one line each."""


def write(
    description: Description, record_set: RecordSet, files: Files, folder: Path, name: str, options: Options
) -> Written:
    """Write the records of a record set into a folder.

    A file of which the record set is simply all columns is used as it is.

    Raises:
        ValueError: fields are not as they are described, or their files cannot be had; one line.
    """
    where = f"{description.where}: record set {record_set.name}"
    fields = fields_of(description, record_set)
    for each in fields:
        if refused := each.types & _REFUSED:
            raise ValueError(f"{where}: field {each.name}: holds {min(refused)}, which is not read")
    if record_set.data is not None:
        return _table(_inline(where, record_set.data, fields), folder, name, [])
    made = _Records(where, fields, folder, options)
    sources = sorted({each.source for each in fields if each.source})
    if len(sources) != 1:
        named = ", ".join(sources) or "no file"
        raise ValueError(
            f"{where}: its fields come from {named}; record sets of one file or one set of files are read"
        )
    found = files.of(sources[0], f"a field of {record_set.name}")
    formats = description.files[sources[0]].formats
    if len(found) == 1 and (whole := made.whole(found[0][1], formats)):
        return Written(whole, ())
    parts = [made.part(known, path, formats) for known, path in found]
    table = pa.concat_tables(parts, promote_options="permissive")
    table = pa.table(
        [_typed(table[each.name], each.types) for each in fields], names=[each.name for each in fields]
    )
    if image := made.image:
        return _images(table, image.name, folder, made.remarks)
    return _table(table, folder, name, made.remarks)


def _table(table: pa.Table, folder: Path, name: str, remarks: Sequence[str]) -> Written:
    path = folder / f"{name}.parquet"
    with replacing(path) as aside:
        pq.write_table(table, aside)
    return Written(path, tuple(remarks))


def _images(table: pa.Table, image: str, folder: Path, remarks: Sequence[str]) -> Written:
    """Write the table that names the images, which are there already."""
    first = [image, *(each for each in table.column_names if each != image)]
    with (folder / ITEMS).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(first)
        columns = [table[each].cast(pa.string()).to_pylist() for each in first]
        writer.writerows(zip(*columns, strict=True))
    return Written(folder, tuple(remarks))


def _inline(where: str, data: Sequence[Any], fields: Sequence[Field]) -> pa.Table:
    """Return records that stand in the description itself."""
    if not data or not all(isinstance(row, dict) for row in data):
        raise ValueError(f"{where}: data holds no objects; one for each record is expected")
    return pa.table(
        {each.name: _array([row.get(each.key, row.get(each.name)) for row in data]) for each in fields}
    )


def _array(values: Sequence[Any]) -> pa.Array:
    if any(isinstance(value, (list, dict)) for value in values):
        return pa.array([[] for _ in values], _NESTED)
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])


class _Records:
    """Reads the fields of a record set from one file after the other."""

    def __init__(self, where: str, fields: Sequence[Field], folder: Path, options: Options) -> None:
        self.where, self.fields, self.folder = where, fields, folder
        self.options = Options(encoding=options.encoding, header=True)
        self.remarks: list[str] = []
        self.num_images, self.num_bytes, self.num_unpacked = 0, 0, 0
        pictures = [each for each in fields if "ImageObject" in each.types]
        if len(pictures) > 1:
            names = ", ".join(each.name for each in pictures)
            raise ValueError(f"{where}: several fields of images ({names}); one is read")
        self.image = pictures[0] if pictures else None

    def whole(self, path: Path, formats: Sequence[str]) -> Path | None:
        """Return the file itself if the fields are its columns, unchanged."""
        if self.image or any(each.name != each.column or each.regexes or each.member for each in self.fields):
            return None
        kind = _kind(path, formats)
        if path.suffix.lower() not in _ENDINGS.get(kind, ()):
            return None
        names = set(self._read(path, kind).column_names)
        return path if names == {each.name for each in self.fields} else None

    def part(self, known: str, path: Path, formats: Sequence[str]) -> pa.Table:
        """Return the records of one file; ``known`` is its path as the description knows it."""
        table, length = None, 1
        if any(each.column for each in self.fields):
            plain = self._gunzipped(path)
            table = self._read(plain, _kind(path, formats))
            length = table.num_rows
        columns = [self._column(each, table, length, known, path) for each in self.fields]
        found = pa.table(columns, names=[each.name for each in self.fields])
        self.num_bytes += found.nbytes
        if self.num_bytes > parquet.LARGEST_UNPACKED:
            raise ValueError(
                f"{self.where}: more than {parquet.LARGEST_UNPACKED:,} bytes of rows; add a part of them"
            )
        return found

    def _gunzipped(self, path: Path) -> Path:
        with path.open("rb") as stream:
            if stream.read(len(tar_reader.GZIP)) != tar_reader.GZIP:
                return path
        self.num_unpacked += 1
        plain = (
            self.folder.parent / f"{self.folder.name}-{self.num_unpacked}{PurePosixPath(path.stem).suffix}"
        )
        plain.write_bytes(tar_reader.gunzip(path))
        return plain

    def _read(self, path: Path, kind: str) -> pa.Table:
        if kind == "parquet":
            return parquet.unpacked(path)
        table = _READERS[kind](path, self.options)
        for question in table.questions:
            raise ValueError(f"{path}: {question.question} Answer with {question.option}")
        self.remarks += [f"{path.name}: {fault.message}" for fault in table.faults]
        return pa.table([_texts(table, place) for place in range(len(table.names))], names=list(table.names))

    def _column(self, each: Field, table: pa.Table | None, length: int, known: str, path: Path) -> pa.Array:
        if not each.source:
            return _array([each.constant] * length)
        if each.column:
            assert table is not None
            if each.column not in table.column_names:
                listed = ", ".join(table.column_names[:20])
                raise ValueError(
                    f"{self.where}: field {each.name}: {known} has no column {each.column}; it has {listed}"
                )
            values = _combined(table[each.column])
            if each.member:
                values = self._member(each, values)
        elif each.file_property == "content":
            data = path.read_bytes()
            values = pa.array([data if each is self.image else self._text(each, known, data)] * length)
        else:
            value = PurePosixPath(known).name if each.file_property == "filename" else known
            values = pa.array([value] * length)
        if each is self.image:
            return self._pictures(each, values)
        return self._cut(each, values)

    def _text(self, each: Field, known: str, data: bytes) -> str:
        try:
            return data.decode(self.options.encoding or "utf-8")
        except UnicodeDecodeError as broken:
            raise ValueError(
                f"{self.where}: field {each.name}: {known}: byte {broken.start:,} is no text; name it with --encoding"
            ) from None

    def _member(self, each: Field, values: pa.Array) -> pa.Array:
        kind = values.type
        if not pa.types.is_struct(kind) or kind.get_field_index(each.member) < 0:
            raise ValueError(
                f"{self.where}: field {each.name}: column {each.column} has no member {each.member}"
            )
        return pc.struct_field(values, each.member)

    def _pictures(self, each: Field, values: pa.Array) -> pa.Array:
        """Write images; return their paths from the folder."""
        paths = []
        for value in values:
            data = value.as_py()
            if data is not None and not isinstance(data, bytes):
                raise ValueError(f"{self.where}: field {each.name}: holds no bytes of images")
            paths.append("" if data is None else self._picture(each, data))
        return pa.array(paths, pa.string())

    def _picture(self, each: Field, data: bytes) -> str:
        self.num_images += 1
        ending = next((ending for magic, ending in _MAGIC.items() if data.startswith(magic)), "")
        if ending not in images.SUFFIXES:
            raise ValueError(
                f"{self.where}: field {each.name}: image {self.num_images:,} is no PNG, JPEG, GIF, BMP or WebP"
            )
        path = self.folder / IMAGES / f"{self.num_images:07d}{ending}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path.relative_to(self.folder).as_posix()

    def _cut(self, each: Field, values: pa.Array) -> pa.Array:
        """Return the part of each value that the first group of each regular expression matches."""
        for pattern in each.regexes:
            try:
                if len(pattern) > _LONGEST_PATTERN:
                    raise ValueError(f"longer than {_LONGEST_PATTERN} characters")
                compiled = regex.compile(pattern)
                coded = values.cast(pa.string()).dictionary_encode()
                cut = [_group(compiled, value) for value in coded.dictionary.to_pylist()]
            except (regex.error, ValueError, TimeoutError, pa.ArrowException) as error:
                reason = "takes too long" if isinstance(error, TimeoutError) else str(error)
                raise ValueError(
                    f"{self.where}: field {each.name}: regex {pattern[:80]!r}: {reason}"
                ) from None
            values = pa.array(cut, pa.string()).take(coded.indices)
        return values


def _group(pattern: Any, value: str | None) -> str | None:
    """Return the first group that matches; None if the expression does not match."""
    match = pattern.match(value, timeout=_SECONDS) if value is not None else None
    if match is None:
        return None
    return next((group for group in match.groups() if group is not None), value)


_READERS: Mapping[str, Callable[[Path, Options], Table]] = {"csv": delimited.read, "json": json_rows.read}
_ENDINGS = {
    "csv": (".csv", ".tsv", ".tab"),
    "json": (".json", *(f".{each}" for each in _JSON)),
    "parquet": (".parquet",),
}


def _kind(path: Path, formats: Sequence[str]) -> str:
    """Return how a file is written, by its described format, else by its ending."""
    said = [*(each.rpartition("/")[2].removeprefix("x-") for each in formats)]
    ending = PurePosixPath(path.name.removesuffix(".gz")).suffix.lower().lstrip(".")
    for word in (*said, ending):
        if "parquet" in word:
            return "parquet"
        if word in _JSON:
            return "json"
        if word in ("csv", "tsv", "tab", "tab-separated-values"):
            return "csv"
    raise ValueError(
        f"{path.name}: {', '.join(formats) or 'no format'}: CSV, TSV, JSON lines, JSON and Parquet are read"
    )


def _texts(table: Table, place: int) -> pa.Array:
    cells = table.cells[place]
    if cells.declared == "nested":
        return pa.array([[] for _ in range(len(table))], _NESTED)
    return pa.array(list(cells.values), pa.string()).take(pa.array(cells.codes))


def _combined(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _typed(column: pa.ChunkedArray, types: frozenset[str]) -> pa.ChunkedArray:
    """Return texts as the numbers that they are described as, if all of them are."""
    if not types & _NUMBERS or not pa.types.is_string(column.type):
        return column
    plain = pc.if_else(pc.is_in(column, pa.array(sorted(MISSING))), None, column)
    for kind in (pa.int64(), pa.float64()):
        try:
            return pc.cast(plain, kind)
        except pa.ArrowInvalid:
            continue
    return column
