# SPDX-License-Identifier: Apache-2.0
"""Images with their classes: a folder for each class, or a table that names each image's class."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assay.data.own import delimited, folders, image_headers
from assay.data.own.found import (
    Column,
    Duplicates,
    Fault,
    Form,
    FormKind,
    Found,
    Options,
    Reading,
    SplitAdvice,
)
from assay.data.own.image_headers import MOST_PIXELS, Header
from assay.data.own.split_advice import SPLIT_VALUES, by_fraction
from assay.data.own.table import MISSING, Cells, Table

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"})
TABLES = frozenset({".csv", ".tsv", ".tab"})
CLASS = "folder name"
"""Name of the target where each class has a folder."""
LARGE_SIDE, SMALL_SIDE = 10_000, 256
"""Pixels from which a side is named as very large, and from which images should be made smaller."""
_FEW_IMAGES = 200
_FEWEST = 10
"""With fewer images none can be set aside to test on."""


_NAMED: dict[str, tuple[str, Callable[[Header], bool]]] = {
    "truncated": ("images are cut off: the rest is missing", lambda header: header.truncated),
    "rotated": ("images are to be turned as their Exif data say", lambda header: header.orientation != 1),
    "animated": ("images have several frames: the first is used", lambda header: header.animated),
    "very large": (
        "images are very wide or high",
        lambda header: max(header.width, header.height) >= LARGE_SIDE,
    ),
    "16 bits": ("images have 16 bits a channel", lambda header: header.bits == 16),
    "palette": ("images have a palette of colours", lambda header: header.mode == "palette"),
    "CMYK": ("images have colours for print (CMYK)", lambda header: header.mode == "CMYK"),
    "grey": ("images are grey", lambda header: header.mode.startswith("grey")),
    "transparency": ("images have transparent pixels", lambda header: header.mode.endswith("transparency")),
}
"""Kind of fault -> what is said of the images that have it, and which they are."""


@dataclass(frozen=True)
class Item:
    path: Path
    label: str
    part: str = ""
    """train, test or another part, where folders name it."""
    line: int = 0
    """The line of the table that names it."""


def look(folder: Path, files: Sequence[Path], options: Options) -> Found:
    """Return what a folder of images holds.

    Raises:
        ValueError: images have no classes, or a table names one outside of the folder; one line.
    """
    collected = _collect(folder, files, options)
    found = _found(folder, collected, options.split)
    if collected.table is None:
        return found
    form = replace(collected.table.form, kind="images by table")
    return replace(found, form=form, questions=collected.table.questions)


def items_of(path: Path, options: Options) -> list[Item]:
    """Return the images of a folder with their classes.

    Raises:
        ValueError: as in :func:`look`.
    """
    return _collect(path, folders.files_of(path), options).items


@dataclass(frozen=True)
class _Collected:
    kind: FormKind
    target: str
    items: list[Item]
    faults: list[Fault]
    image: str = "image"
    """The column of a table that names the images."""
    table: Table | None = None


def _collect(folder: Path, files: Sequence[Path], options: Options) -> _Collected:
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    tables = [path for path in files if path.suffix.lower() in TABLES and path.parent == folder]
    if len(tables) == 1:
        table, names = delimited.read(tables[0], options), _names(folder, images)
        if _share_named(table, names) >= 0.5:
            return _by_table(folder, names, tables[0].name, table)
    if loose := [path for path in images if path.parent == folder]:
        raise ValueError(
            f"{folder}: {loose[0].name} is in no folder of a class ({len(loose):,} such);"
            " a folder for each class is expected, or a table of names and classes beside the images"
        )
    others = [path for path in files if path not in set(images)]
    faults = (
        [_of_files("not an image", "files that are no images are skipped", folder, others)] if others else []
    )
    return _Collected("images by folder", CLASS, _by_folder(folder, images), faults)


def _by_folder(folder: Path, images: Iterable[Path]) -> list[Item]:
    """Return each image with its class: the name of the folder, below folders such as train and test."""
    parts = [path.relative_to(folder).parts[:-1] for path in images]
    is_split = all(len(each) > 1 and each[0].lower() in SPLIT_VALUES for each in parts)
    return [
        Item(path, each[1], each[0]) if is_split else Item(path, each[0])
        for path, each in zip(images, parts, strict=True)
    ]


def named_in(path: Path, table: Table) -> Found | None:
    """Return the images that a table names, by their paths from its folder; None if it names none."""
    values = {value for cells in table.cells if _names_images(cells) for value in cells.values}
    if not values:
        return None
    root = path.parent.resolve()
    for value in values:
        folders.check_inside(path.parent / value, root)
    names = {value: path.parent / value for value in values if (path.parent / value).is_file()}
    if not names:
        return None
    found = _found(path.parent, _by_table(path.parent, names, path.name, table), table.options.split)
    return replace(found, form=replace(table.form, kind="images by table"), questions=table.questions)


def _names_images(cells: Cells) -> bool:
    return all(value.lower().endswith(tuple(SUFFIXES)) for value in cells.values) and cells.distinct > 1


def _names(folder: Path, images: Sequence[Path]) -> dict[str, Path]:
    """Return the images by their path in the folder, and by name with and without ending where only one has it."""
    names, stems = Counter(path.name for path in images), Counter(path.stem for path in images)
    return {
        **{path.stem: path for path in images if stems[path.stem] == 1},
        **{path.name: path for path in images if names[path.name] == 1},
        **{path.relative_to(folder).as_posix(): path for path in images},
    }


def _share_named(table: Table, names: Mapping[str, Path]) -> float:
    """Return the part of the values of a column, that with the most, that name images."""
    cells = table.cells[_column_of_images(table, names)]
    return sum(value in names for value in cells.values) / max(1, len(cells.values))


def _by_table(folder: Path, names: Mapping[str, Path], place: str, table: Table) -> _Collected:
    image = _column_of_images(table, names)
    label = _column_of_labels(place, table, image)
    root = folder.resolve()
    items, absent = [], []
    for row in range(len(table)):
        name = table.cells[image].values[table.cells[image].codes[row]]
        folders.check_inside(folder / name, root)
        item = Item(names.get(name, folder / name), _value(table, label, row), line=int(table.lines[row]))
        items.append(item)
        if name not in names:
            absent.append(item)
    faults = list(table.faults)
    if absent:
        lines = tuple(item.line for item in absent)
        message = f"images that {place} names are not there: {_some(item.path.name for item in absent)}"
        faults.append(Fault(kind="image absent", message=message, lines=lines, count=len(lines)))
    unnamed = sorted(set(names.values()) - {item.path for item in items})
    if unnamed:
        message = f"images are not named in {place} and left out"
        faults.append(_of_files("image not named", message, folder, unnamed))
    return _Collected("images by table", table.names[label], items, faults, table.names[image], table)


def _value(table: Table, column: int, row: int) -> str:
    cells = table.cells[column]
    value = cells.values[cells.codes[row]]
    return "" if value in MISSING else value


def _column_of_images(table: Table, names: Mapping[str, Path]) -> int:
    known = [sum(value in names for value in cells.values) for cells in table.cells]
    return int(np.argmax(known))


def _column_of_labels(place: str, table: Table, image: int) -> int:
    others = [column for column in range(len(table.names)) if column != image]
    if target := table.options.target:
        if target not in table.names:
            raise ValueError(f"--target {target}: no such column; there are {table.listed()}")
        return table.names.index(target)
    if len(others) != 1:
        raise ValueError(
            f"{place}: {len(table.names)} columns; name that of the classes with --target: "
            + ", ".join(table.names[column] for column in others)
        )
    return others[0]


def _found(folder: Path, collected: _Collected, wanted: str | None) -> Found:
    items, faults, target = collected.items, list(collected.faults), collected.target
    headers, broken = _headers(items)
    duplicates = _equal_files([item.path for item in items if item.path in headers])
    counts = Counter(item.label for item in items if item.label)
    readable = Counter(item.label for item in items if item.path in headers and item.label)
    faults += _of_headers(folder, headers, broken)
    faults += _of_classes(counts, len(items))
    faults += _of_equal(folder, items, duplicates)
    able = sum(count > 1 for count in readable.values()) > 1
    if not able:
        message = "fewer than two classes have two images that can be read: nothing can be learned"
        faults.append(Fault(kind="no target", message=message))
    classes = dict(counts.most_common())
    missing = sum(not item.label for item in items)
    column = Column(name=target, kind="category", missing=missing, distinct=len(classes), classes=classes)
    reading = Reading(signature="image -> class", target=target, inputs=(collected.image,), metric="accuracy")
    return Found(
        path=folder,
        form=Form(kind=collected.kind),
        rows=len(items),
        columns=(column,),
        duplicates=Duplicates(count=sum(len(each) - 1 for each in duplicates)),
        faults=tuple(faults),
        readings=(reading,) if able else (),
        split=_split(items, able=able, equal=bool(duplicates), wanted=wanted),
    )


def _headers(items: Iterable[Item]) -> tuple[dict[Path, Header], dict[Path, str]]:
    """Return the headers of the images that can be read, and why the others cannot."""
    headers, broken = {}, {}
    for item in items:
        if not item.path.is_file():
            continue  # named as absent
        try:
            header = image_headers.read(item.path)
            if header.width * header.height > MOST_PIXELS or not header.width * header.height:
                raise ValueError(
                    f"has {header.width:,} x {header.height:,} pixels; at most {MOST_PIXELS:,} are read"
                )
            headers[item.path] = header
        except (ValueError, OSError) as fault:
            broken[item.path] = str(fault)
    return headers, broken


def _equal_files(paths: Iterable[Path]) -> list[list[Path]]:
    """Return the groups of files with equal bytes; only those of one size are read."""
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        by_size[path.stat().st_size].append(path)
    by_digest: dict[str, list[Path]] = defaultdict(list)
    for same in by_size.values():
        for path in same if len(same) > 1 else ():
            by_digest[hashlib.sha256(path.read_bytes()).hexdigest()].append(path)
    return [same for same in by_digest.values() if len(same) > 1]


def _of_headers(folder: Path, headers: Mapping[Path, Header], broken: Mapping[Path, str]) -> list[Fault]:
    found = []
    if broken:
        reason = next(iter(broken.values()))
        found.append(
            _of_files(
                "image cannot be read", f"images cannot be read: the first {reason}", folder, list(broken)
            )
        )
    for kind, (message, chosen) in _NAMED.items():
        paths = [path for path, header in headers.items() if chosen(header)]
        if paths:
            found.append(_of_files(kind, message, folder, paths))
    return found + _of_sizes(headers)


def _of_sizes(headers: Mapping[Path, Header]) -> list[Fault]:
    sizes = Counter((header.width, header.height) for header in headers.values())
    if not sizes:
        return []
    found = []
    width, height = sizes.most_common(1)[0][0]
    if len(sizes) > 1:
        message = f"images are of {len(sizes):,} sizes, most often {width} x {height}"
        found.append(Fault(kind="sizes differ", message=message, count=len(sizes)))
    large = sum(count for size, count in sizes.items() if max(size) > SMALL_SIDE)
    if large > len(headers) / 2:
        message = f"images of {width} x {height} pixels must be made smaller"
        found.append(Fault(kind="large images", message=message, count=large))
    return found


def _of_classes(counts: Mapping[str, int], num_images: int) -> list[Fault]:
    found = []
    if num_images <= _FEW_IMAGES:
        message = f"{num_images} images: too few to learn from scratch, and a score would be uncertain"
        found.append(Fault(kind="few images", message=message, count=num_images))
    alone = [name for name, count in counts.items() if count == 1]
    if alone:
        message = f"classes of one image cannot be in every part of a split: {_some(alone)}"
        found.append(Fault(kind="class of one row", message=message, count=len(alone)))
    return found


def _of_equal(folder: Path, items: Iterable[Item], equal: Iterable[Sequence[Path]]) -> list[Fault]:
    labels = {item.path: item.label for item in items}
    crossing = [path for same in equal if len({labels[path] for path in same}) > 1 for path in same]
    return (
        [_of_files("equal images of two classes", "equal images are of different classes", folder, crossing)]
        if crossing
        else []
    )


def _of_files(kind: str, message: str, folder: Path, paths: Sequence[Path]) -> Fault:
    shown = _some(path.relative_to(folder).as_posix() for path in paths)
    return Fault(kind=kind, message=f"{message}: {shown}", count=len(paths))


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:3]) + (f" and {len(every) - 3:,} more" if len(every) > 3 else "")


def _split(items: Sequence[Item], *, able: bool, equal: bool, wanted: str | None) -> SplitAdvice:
    if all(item.part for item in items):
        return SplitAdvice(strategy="column", column="folder", why="folders name each image's part")
    if able and wanted:
        return by_fraction(wanted)
    if not able or len(items) < _FEWEST:
        return SplitAdvice(strategy="none", why=f"{len(items)} images: too few to set some aside")
    return SplitAdvice(strategy="stratified", why="images are independent", keep_equal_together=equal)
