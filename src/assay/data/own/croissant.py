# SPDX-License-Identifier: Apache-2.0
"""The description of a dataset in the format Croissant 1.0 or 1.1: its files, its record sets and their fields.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html. It is parsed as plain JSON: a parser of JSON-LD,
such as the one that mlcroissant uses, opens every file and address that a description names as its context, and a
description may come from a stranger.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.data.own.found import Ambiguity

NAMES = ("croissant.json", "metadata.json")
"""The names of a description in a folder."""
ENDINGS = ("", ".json", ".jsonld")
LARGEST_BYTES = 1 << 24
_VERSION = re.compile(r"https?://mlcommons\.org/croissant/(\d+\.\d+)/?")
_READ = ("1.0", "1.1")
_PREFIX = re.compile(r"(?:[a-z]+:|https?://[^#]*[/#])(\w+)")
_YEAR = re.compile(r"(\d{4})\b.*", re.DOTALL)
_ADDRESS = re.compile(r"https?://\S+")
_LONGEST = 1000
"""The most characters of a text that is copied to params.yaml."""
_NO_ROWS = frozenset({"Split", "Enumeration"})
"""Types of the record sets that only list names."""
_JSON_PATH = re.compile(r"\$?(?:\.?\[\*\])?\.?([\w -]+)")
_PROPERTIES = frozenset({"content", "filename", "fullpath", "filepath"})


@dataclass(frozen=True, kw_only=True)
class File:
    """A FileObject, or a FileSet: files that match patterns."""

    key: str
    address: str
    """Its address, or its path from the folder of the description or in the archive that holds it."""
    formats: tuple[str, ...]
    sha256: str
    md5: str
    inside: tuple[str, ...]
    """The keys of the archives that hold it."""
    includes: tuple[str, ...]
    excludes: tuple[str, ...]
    is_set: bool


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column of a record set."""

    key: str
    name: str
    types: frozenset[str]
    source: str
    """The key of the file; "" for a constant."""
    column: str
    """The column of the file; "" if the field is a property of the file."""
    file_property: str
    regexes: tuple[str, ...]
    member: str
    """The member of a column of structures, such as the bytes of an image; "" for the column itself."""
    constant: Any


@dataclass(frozen=True)
class RecordSet:
    key: str
    name: str
    types: frozenset[str]
    data: list[Any] | None
    node: Mapping[str, Any] = field(repr=False)
    """Its JSON."""


@dataclass(frozen=True)
class Description:
    where: str
    """Its path or address, as the user knows it."""
    name: str
    about: Mapping[str, str]
    """Licence, citation, year, page and description, by the keys of ``about`` in params.yaml."""
    is_live: bool
    """Whether its files change, so that they may have no digest."""
    files: Mapping[str, File]
    record_sets: tuple[RecordSet, ...]

    @property
    def candidates(self) -> list[RecordSet]:
        """Return the record sets with rows to learn from."""
        return [each for each in self.record_sets if not each.types & _NO_ROWS]


def find(path: Path) -> Path | None:
    """Return the description that a path is, or that a folder holds; None if there is none."""
    for file in [path / name for name in NAMES] if path.is_dir() else [path]:
        if file.is_file() and file.suffix.lower() in ENDINGS and _is_description(_parsed(file)):
            return file
    return None


def read(path: Path, where: str) -> Description:
    """Return the description in a file.

    Raises:
        ValueError: it is of another version, or lacks what the format demands; one line.
    """
    raw = _parsed(path)
    assert isinstance(raw, dict)
    try:
        node = _plain(raw)
    except RecursionError:
        raise ValueError(f"{where}: nested too deeply") from None
    versions = [match[1] for each in _texts(node.get("conformsTo")) if (match := _VERSION.fullmatch(each))]
    if not set(versions) & set(_READ):
        found = ", ".join(versions) or "an earlier version"
        raise ValueError(f"{where}: is Croissant {found}; {' and '.join(_READ)} are read")
    return Description(
        where,
        _text(node.get("name")),
        _about(node),
        node.get("isLiveDataset") is True,
        {each.key: each for each in map(_file, _nodes(where, node, "distribution"))},
        tuple(map(_record_set, _nodes(where, node, "recordSet"))),
    )


def choose(description: Description, name: str | None) -> RecordSet | Ambiguity:
    """Return the record set to add, or the question which one it is.

    Args:
        name: the name or the key of a record set; None for the only one.

    Raises:
        ValueError: there is none, or none of this name; one line.
    """
    candidates = description.candidates
    names = tuple(each.name for each in candidates)
    if not candidates:
        raise ValueError(
            f"{description.where}: describes no record set; one with the fields of a row is expected"
        )
    if name is not None:
        for each in candidates:
            if name in (each.name, each.key):
                return each
        raise ValueError(f"--record-set {name}: no such record set; there are {', '.join(names)}")
    if len(candidates) == 1:
        return candidates[0]
    return Ambiguity(
        about="record set",
        question=f"which record set is to be added: {', '.join(names)}?",
        candidates=names,
        option="--record-set NAME",
    )


def fields_of(description: Description, record_set: RecordSet) -> list[Field]:
    """Return the fields of a record set.

    Raises:
        ValueError: one is nested, comes from another record set or is changed in a way that is not read; one line.
    """
    where = f"{description.where}: record set {record_set.name}"
    fields = [_field(where, record_set, each) for each in _nodes(where, record_set.node, "field")]
    if not fields:
        raise ValueError(f"{where}: has no field")
    names = [each.name for each in fields]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{where}: two fields have the name {min(twice)}; rename one")
    return fields


def _parsed(path: Path) -> Any:
    """Return the JSON of a file; None if it is none, or too large for a description."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # the look says what is wrong with it


def _is_description(raw: Any) -> bool:
    if not isinstance(raw, dict):
        return False
    said = [raw.get("@context"), *(value for key, value in raw.items() if _local(key) == "conformsTo")]
    return "mlcommons.org/" in json.dumps(said)


def _local(key: str) -> str:
    """Return a key without its prefix: ``cr:recordSet`` and its full address are ``recordSet``."""
    match = _PREFIX.fullmatch(key)
    return match[1] if match else key


def _plain(value: Any) -> Any:
    """Return JSON without the prefixes of its keys; those of inline records are keys of fields and stay."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        _local(key): each if _local(key) in ("data", "examples", "value") else _plain(each)
        for key, each in value.items()
        if key != "@context"
    }


def _nodes(where: str, node: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = _list(node.get(key))
    for number, each in enumerate(found, start=1):
        if not isinstance(each, dict) or not _key(each):
            raise ValueError(f"{where}: {key} {number}: is no object with an @id")
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> str:
    """Return a text, which may be given with its language or by languages; "" if it is none."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("@value", "en", "name", "url", "@id") if key in value), None)
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    return value.strip() if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [text for each in _list(value) if (text := _text(each))]


def _key(node: Mapping[str, Any]) -> str:
    key = node.get("@id")
    return key if isinstance(key, str) else ""


def _types(node: Mapping[str, Any], key: str) -> frozenset[str]:
    return frozenset(_local(each) for each in _texts(node.get(key)))


def _about(node: Mapping[str, Any]) -> dict[str, str]:
    year, page = _YEAR.fullmatch(_text(node.get("datePublished"))), _text(node.get("url"))
    said = {
        "licence": "; ".join(_texts(node.get("license"))),
        "citation": _text(node.get("citeAs")) or _text(node.get("citation")),
        "published": year[1] if year else "",
        "homepage": page if _ADDRESS.fullmatch(page) and len(page) <= _LONGEST else "",
        "quirks": _text(node.get("description")),
    }
    return {key: _short(value) for key, value in said.items() if value}


def _short(text: str) -> str:
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def _file(node: dict[str, Any]) -> File:
    return File(
        key=_key(node),
        address=_text(node.get("contentUrl")),
        formats=tuple(each.lower() for each in _texts(node.get("encodingFormat"))),
        sha256=_text(node.get("sha256")),
        md5=_text(node.get("md5")),
        inside=tuple(_text(each) for each in _list(node.get("containedIn"))),
        includes=tuple(_texts(node.get("includes"))),
        excludes=tuple(_texts(node.get("excludes"))),
        is_set="FileSet" in _types(node, "@type"),
    )


def _record_set(node: dict[str, Any]) -> RecordSet:
    data = node.get("data")
    return RecordSet(
        _key(node),
        _text(node.get("name")) or _key(node),
        _types(node, "dataType") | ({"Enumeration"} if node.get("isEnumeration") is True else set()),
        data if isinstance(data, list) else None,
        node,
    )


def _field(where: str, record_set: RecordSet, node: dict[str, Any]) -> Field:
    key = _key(node)
    name = (_text(node.get("name")) or key).removeprefix(f"{record_set.key}/")
    here = f"{where}: field {name}"
    for nested in ("subField", "parentField"):
        if node.get(nested):
            raise ValueError(f"{here}: has a {nested}, which is not read; fields that are columns are")
    source = node.get("source")
    file, column, file_property = "", "", ""
    regexes: tuple[str, ...] = ()
    member = ""
    if isinstance(source, dict):
        file = _source(here, source)
        column, file_property = _extract(here, source)
        regexes, member = _transforms(here, source)
    elif node.get("value") is None and record_set.data is None:
        raise ValueError(f"{here}: has no source and no value")
    return Field(
        key=key,
        name=name,
        types=_types(node, "dataType"),
        source=file,
        column=column,
        file_property=file_property,
        regexes=regexes,
        member=member,
        constant=node.get("value"),
    )


def _source(here: str, source: Mapping[str, Any]) -> str:
    if source.get("field") or source.get("recordSet"):
        raise ValueError(f"{here}: comes from another record set; fields that come from files are read")
    key = next((_text(source[key]) for key in ("fileObject", "fileSet", "distribution") if key in source), "")
    if not key:
        raise ValueError(f"{here}: its source names no fileObject and no fileSet")
    return key


def _extract(here: str, source: Mapping[str, Any]) -> tuple[str, str]:
    """Return the column of a file and the property of it, of which one is "".

    Raises:
        ValueError: it is neither; one line.
    """
    extract = source.get("extract")
    found = extract if isinstance(extract, dict) else {}
    column, path, file_property = (_text(found.get(key)) for key in ("column", "jsonPath", "fileProperty"))
    if path and not column:
        match = _JSON_PATH.fullmatch(path)
        if not match:
            raise ValueError(
                f"{here}: jsonPath {path[:80]}: paths to a key of each object are read, such as $[*].name"
            )
        column = match[1]
    if file_property and file_property not in _PROPERTIES:
        allowed = ", ".join(sorted(_PROPERTIES))
        raise ValueError(f"{here}: fileProperty {file_property[:80]}: is not read; {allowed} are")
    if bool(column) == bool(file_property):
        raise ValueError(f"{here}: extract names no column, jsonPath or fileProperty, or several")
    return column, file_property


def _transforms(here: str, source: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Return the regular expressions that cut out a part of a value, and the member of a structure."""
    regexes, members = [], []
    for transform in _list(source.get("transform")):
        made: Iterable[tuple[str, Any]] = transform.items() if isinstance(transform, dict) else [("?", "")]
        for kind, value in made:
            if kind == "regex":
                regexes.append(_text(value))
            elif kind == "jsonPath" and re.fullmatch(r"\$?\.?\w+", _text(value)):
                members.append(_text(value).lstrip("$."))
            elif kind not in ("@type", "@id"):
                raise ValueError(f"{here}: transform {kind[:80]}: is not read; regex and jsonPath NAME are")
    if len(members) > 1:
        raise ValueError(f"{here}: several transforms jsonPath: one is read")
    return tuple(regexes), members[0] if members else ""
