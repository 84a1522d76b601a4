# SPDX-License-Identifier: Apache-2.0
"""Look at a user's file or folder: what it is, what is wrong with it, and what can be learned from it.

Nothing is written, unpickled or unpacked, and no link is followed out of a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assay.data.own import (
    conll,
    delimited,
    folders,
    images,
    json_rows,
    parquet,
    plain_text,
    rows,
    separators,
    table_folders,
    text_files,
    text_folders,
)
from assay.data.own.found import Fault, Found, Options
from assay.data.own.table import Table

READS = "CSV, TSV, Parquet, JSON lines, folders of images or texts by class, plain text and CoNLL columns are"
JSON = frozenset({".json", ".jsonl", ".ndjson"})
PARQUET = frozenset({".parquet", ".pq"})
TABLES = frozenset({".csv", ".tsv", ".tab", ".psv", ".dat"})
TEXTS = plain_text.SUFFIXES
_NOTES = frozenset({"readme", "license", "licence", "changelog", "notes", "note", "citation"})
"""Names of texts that are about the data."""
_SHARE = 0.9
"""Part of the rows of a text file that must have the same number of cells for it to be a table."""
_REFUSED = {
    "audio": (".wav", ".mp3", ".flac", ".ogg", ".m4a"),
    "video": (".mp4", ".avi", ".mov", ".mkv", ".webm"),
    "an archive; unpack it first": (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"),
    "a spreadsheet; save the sheet as CSV": (".xlsx", ".xls", ".xlsm", ".ods"),
    "a pickle, which can run code when it is read; save the rows as CSV or Parquet": (
        ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".npy", ".npz", ".rds", ".rdata",
    ),
}  # fmt: skip
_BEGINS = {
    b"PK\x03\x04": "an archive or a spreadsheet; unpack it, or save the sheet as CSV",
    b"\x1f\x8b": "an archive; unpack it first",
    b"BZh": "an archive; unpack it first",
    b"\xfd7zXZ\x00": "an archive; unpack it first",
    b"%PDF": "a PDF document",
    b"PAR1": "Parquet; give it the ending .parquet",
    b"SQLite format 3": "a database; save the table as CSV",
    b"\x89HDF": "HDF5; save the rows as CSV or Parquet",
}


def look(path: Path, options: Options | None = None) -> Found:
    """Return what a file or folder holds.

    Raises:
        ValueError: it cannot be read, is of a kind that is not read, or an option does not fit; one line.
    """
    options = options or Options()
    folders.require(path)
    return _folder(path, options) if path.is_dir() else _file(path, options)


def _folder(path: Path, options: Options) -> Found:
    files = folders.files_of(path)
    suffixes = {file.suffix.lower() for file in files}
    if suffixes & images.SUFFIXES:
        return images.look(path, files, options)
    if tagged := conll.files_of(files):
        return conll.look(path, tagged, options)
    if tables := tables_of(files):
        texts = [file for file in plain_text.files_of(files) if file.stem.lower() not in _NOTES]
        if texts:
            raise ValueError(
                f"{path}: holds tables and texts; which is meant? Answer with the path of one, such as"
                f" {tables[0]} or {texts[0]}, or with a folder of one kind"
            )
        return _with_others_named(_tables(path, tables, options), files, tables)
    if texts := plain_text.files_of(files):
        if len(texts) == 1 and len(files) == 1:
            return _file(texts[0], options)
        return _with_others_named(_texts(path, files, texts, options), files, texts)
    if len(files) == 1:
        return _file(files[0], options)
    held = ", ".join(sorted(suffixes)[:5]) or "nothing"
    raise ValueError(f"{path}: the folder holds {held}; {READS} read: name one file of a table or text")


def tables_of(files: Sequence[Path]) -> list[Path]:
    """Return the files of tables."""
    return [file for file in files if file.suffix.lower() in PARQUET | JSON | TABLES]


def _tables(path: Path, tables: Sequence[Path], options: Options) -> Found:
    if len(tables) == 1:
        return _file(tables[0], options)
    return rows.find(path, table_of(path, options))


def _texts(path: Path, files: Sequence[Path], texts: Sequence[Path], options: Options) -> Found:
    by_class = text_folders.are_classes(path, files, options)
    if by_class and options.metric not in plain_text.METRICS:
        return text_folders.look(path, files, options)
    return plain_text.look(path, texts, options)


def _with_others_named(found: Found, files: Sequence[Path], used: Sequence[Path]) -> Found:
    others = [file.name for file in files if file not in used]
    if not others or found.form.kind == "texts by folder":
        return found
    shown = ", ".join(others[:3]) + (f" and {len(others) - 3:,} more" if len(others) > 3 else "")
    fault = Fault(kind="file left out", message=f"other files are not read: {shown}", count=len(others))
    return replace(found, faults=(*found.faults, fault))


def _file(path: Path, options: Options) -> Found:
    suffix = path.suffix.lower()
    _refuse(path, suffix)
    if suffix in conll.SUFFIXES or (suffix in conll.READ and conll.holds_sentences(path)):
        return conll.look(path, [path], options)
    if suffix in TEXTS:
        text = text_files.read(path, options)
        if not _is_table(text.text):
            return plain_text.look(path, [path], options)
    if suffix not in PARQUET | JSON | TABLES | TEXTS:
        raise ValueError(f"{path}: files that end in {suffix or 'nothing'} are not read; {READS} read")
    table = table_of(path, options)
    return images.named_in(path, table) or rows.find(path, table)


def table_of(path: Path, options: Options) -> Table:
    """Return the rows of a file of a table, or of those of a folder.

    Raises:
        ValueError: it cannot be read as one; one line.
    """
    if path.is_dir():
        files = tables_of(folders.files_of(path))
        return table_folders.read(path, files, options, lambda file: _table_of_folder(file, options))
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return parquet.read(path, options)
    return json_rows.read(path, options) if suffix in JSON else delimited.read(path, options)


def _table_of_folder(file: Path, options: Options) -> Table:
    return table_of(file, options if file.suffix.lower() in PARQUET else text_files.options_of(file, options))


def _is_table(text: str) -> bool:
    dialect = separators.sniff(text)
    return dialect.width > 1 and dialect.share >= _SHARE


def _refuse(path: Path, suffix: str) -> None:
    if suffix in images.SUFFIXES:
        raise ValueError(f"{path}: one image; a folder with a folder of images for each class is expected")
    for words, suffixes in _REFUSED.items():
        if suffix in suffixes:
            raise ValueError(f"{path}: is {words}; {READS} read")
    if suffix in PARQUET:
        return
    try:
        with path.open("rb") as stream:
            begin = stream.read(16)
    except OSError as fault:
        raise ValueError(f"{path}: cannot be read: {fault.strerror}") from None
    for mark, words in _BEGINS.items():
        if begin.startswith(mark):
            raise ValueError(f"{path}: is {words}; {READS} read")
