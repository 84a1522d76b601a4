# SPDX-License-Identifier: Apache-2.0
"""croissant.json: a prepared dataset as other programs read it, by the format Croissant 1.0.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html. The file is written here rather than by
mlcroissant, whose import takes longer than most datasets take to prepare; the tests read it with mlcroissant. It holds
names, addresses and digests of files, and the names and types of columns, but no value of any item.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.data.preparation.cleaning import SPLITS
from assay.files import sha256, write_json

NAME = "croissant.json"
ITEMS = "items.parquet"
VERSION = "1.0.0"
"""Digests fix the bytes, so that each dataset has one version."""
MOST_FILES = 1000
"""The number of raw files above which the file that lists them is described instead."""
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context of the specification's appendix."""
_FORMATS: Mapping[str, str] = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".ndjson": "application/jsonlines",
    ".parquet": "application/x-parquet",
    ".png": "image/png",
    ".tar": "application/x-tar",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".zip": "application/zip",
}
"""The encoding format of a file by its ending; bytes of no known format otherwise."""
_BYTES = "application/octet-stream"


def add(raw: Path, out: Path, source: Mapping[str, Any], prepared: Mapping[str, Any]) -> dict[str, Any]:
    """Write croissant.json and return what prepared.json holds, with its digest.

    Args:
        raw: the folder of the raw files.
        out: the folder of the prepared files.
        source: the record of ingestion.
        prepared: what prepared.json holds without this file.
    """
    write_json(out / NAME, describe(raw, out, source, prepared))
    return {**prepared, "files": {**prepared["files"], NAME: sha256(out / NAME)}}


def describe(raw: Path, out: Path, source: Mapping[str, Any], prepared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a prepared dataset as JSON-LD; the arguments are those of :func:`add`."""
    name = prepared["dataset"]
    about = "A synthetic twin, generated for tests. " if source["twin"] else ""
    facts = {
        "citeAs": source["citation"],
        "datePublished": source["published"],
        "license": source["licence"],
        "url": source["homepage"],
    }
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": about + source["quirks"] or name,
        "version": VERSION,
        **{key: value for key, value in facts.items() if value},
        "distribution": [*_raw_files(raw, out, source["files"]), *_prepared_files(out, prepared["files"])],
        "recordSet": [_splits(prepared["counts"]), _items(pq.read_schema(out / ITEMS))],
    }


def _raw_files(raw: Path, out: Path, files: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the raw files; one without an address on the web is named by its path from croissant.json."""
    folder = Path(os.path.relpath(raw, out)).as_posix()
    if len(files) > MOST_FILES:
        digest = sha256(raw / "source.json")
        about = f"address, size and SHA-256 of {len(files):,} raw files"
        return [_file("raw", "source.json", f"{folder}/source.json", digest, description=about)]
    return [
        _file(
            f"raw-{number}",
            name,
            fact["url"] if fact["url"].startswith(("https://", "http://")) else f"{folder}/{name}",
            fact["sha256"],
            contentSize=f"{fact['size']} B",
        )
        for number, (name, fact) in enumerate(files.items(), start=1)
    ]


def _prepared_files(out: Path, files: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        _file(name, name, name, digest, contentSize=f"{(out / name).stat().st_size} B")
        for name, digest in files.items()
    ]


def _file(key: str, name: str, url: str, digest: str, **facts: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": key,
        "name": name,
        "contentUrl": url,
        "encodingFormat": _FORMATS.get(PurePosixPath(name).suffix.lower(), _BYTES),
        "sha256": digest,
        **facts,
    }


def _splits(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record set of the splits, as the specification has it."""
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/items", "name": "items", "dataType": "sc:Integer"},
        ],
        "data": [{"splits/name": name, "splits/items": counts[name]} for name in SPLITS],
    }


def _items(schema: pa.Schema) -> dict[str, Any]:
    """Return the record set of the items: a field for each column of items.parquet."""
    keys = _keys(schema.names)
    return {
        "@type": "cr:RecordSet",
        "@id": "items",
        "name": "items",
        "description": "One record per item, in the order of the arrays in arrays.safetensors.",
        "key": {"@id": f"items/{keys[schema.get_field_index('item')]}"},
        "field": [_field(key, column) for key, column in zip(keys, schema, strict=True)],
    }


def _keys(names: Iterable[str]) -> list[str]:
    """Return a key for each column: its name without the characters that an identifier cannot have."""
    keys: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name) or "_"
        number = 1
        while (key := plain if number == 1 else f"{plain}-{number}") in keys:
            number += 1
        keys.append(key)
    return keys


def _field(key: str, column: pa.Field) -> dict[str, Any]:
    kind, facts = column.type, {}
    if pa.types.is_list(kind):
        kind, facts = kind.value_type, {"repeated": True}
    return {
        "@type": "cr:Field",
        "@id": f"items/{key}",
        "name": column.name,
        "dataType": _data_type(kind),
        **facts,
        **({"references": {"field": {"@id": "splits/name"}}} if column.name == "split" else {}),
        "source": {"fileObject": {"@id": ITEMS}, "extract": {"column": column.name}},
    }


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    return "sc:DateTime" if pa.types.is_temporal(kind) else "sc:Text"
