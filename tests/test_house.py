"""The rooms of src/assay, and that every import points down their list or stays in its room."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "src" / "assay"
ROOMS = (
    "cli", "pipeline", "report", "compression", "training", "evaluation", "tasks", "artifacts", "models", "data",
    "config", "provenance", "files", "paths",
)  # fmt: skip
"""From the top down: a room may import those after it."""
MOST_ARROWS = 70
LICENCE = "# SPDX-License-Identifier: Apache-2.0\n"


def name_of(path: Path) -> str:
    parts = ("assay", *path.relative_to(HOUSE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> dict[str, frozenset[str]]:
    """Return what each module imports of this package, inside of functions too."""
    files = {name_of(path): path for path in HOUSE.rglob("*.py")}
    found = {}
    for name, path in files.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports of this package are absolute"
                assert node.module
                members = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
                names |= {each for each in members.values() if each in files}
                if any(each not in files for each in members.values()):
                    names.add(node.module)
        found[name] = frozenset(names & files.keys() - {name})
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def arrows() -> dict[tuple[str, str], list[str]]:
    """Return (room, room) -> the imports between them."""
    found: dict[tuple[str, str], list[str]] = {}
    for module, imported in imports().items():
        for other in imported:
            if module != "assay" and room(module) != room(other):
                found.setdefault((room(module), room(other)), []).append(f"{module} imports {other}")
    return found


def test_the_root_holds_the_rooms_and_nothing_else():
    entries = {path.stem for path in HOUSE.iterdir() if path.name != "__pycache__"}
    assert entries - {"__init__", "py"} == set(ROOMS)
    assert (HOUSE / "py.typed").is_file()


def test_every_import_points_down():
    up = [
        each
        for (one, other), found in arrows().items()
        for each in found
        if ROOMS.index(one) > ROOMS.index(other)
    ]
    assert up == []
    assert len(arrows()) <= MOST_ARROWS


@pytest.mark.parametrize("level", [None, 3, 2], ids=["modules", "folders of rooms", "rooms"])
def test_there_is_no_circle(level: int | None):
    """``level`` words of a module's name say in which folder it lies; a file beside folders is one of its own."""
    graph: dict[str, set[str]] = {}
    for module, imported in imports().items():
        mine = ".".join(module.split(".")[:level])
        graph.setdefault(mine, set()).update(
            {".".join(each.split(".")[:level]) for each in imported} - {mine}
        )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_package_imports_nothing():
    """To import a module imports the packages that it lies in: what those import would be an arrow of its own."""
    assert [path for path in HOUSE.rglob("__init__.py") if imports()[name_of(path)]] == []


def test_every_file_says_its_licence():
    files = [path for path in HOUSE.rglob("*.py") if path.stat().st_size]
    without = [path for path in files if not path.read_text(encoding="utf-8").startswith(LICENCE)]
    assert without == []


def test_the_picture_is_current():
    from tests import draw_house  # it reads the graph from here

    assert draw_house.PLACE.read_text(encoding="utf-8") == draw_house.drawing(), "run: make house"
