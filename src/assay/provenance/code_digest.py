# SPDX-License-Identifier: Apache-2.0
"""The source files that a module runs: itself and its imports from this package, found without importing them.

Their digest is one of a rule's params, so that an edit reruns only the cells that use the file.
As inputs they would cost Snakemake 5 ms per job, five times the rest of its graph.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from assay.files import sha256

PACKAGE = "assay"
ROOT = Path(__file__).parents[1]
OWN = Path("src") / PACKAGE
"""The package's code in a project that contains it."""
LEFT_OUT = frozenset({f"{PACKAGE}.config.registry"})
"""A table of names: see its docstring."""


def is_own() -> bool:
    """Return whether the imported code is that of the current folder, if the folder contains Assay's code."""
    return not OWN.is_dir() or OWN.resolve() == ROOT.resolve()


def other_code() -> str:
    """Return the error, in one line, that the imported code belongs to another folder."""
    return f"{OWN}: the code of this folder would not run, but {ROOT}; set PYTHONPATH={OWN.parent} to run this folder's"


@cache
def closure(*modules: str) -> tuple[str, ...]:
    """Return the files of ``modules`` and of everything of this package that they import, sorted.

    A file has the name that it has in a clone, ``src/assay/...``, wherever the package is installed: records made by
    an installed package and by a clone of the same version hold the same digest.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in LEFT_OUT:
            found.add(name)
            waiting += imports(name)
    return named(map(_file, found))


@cache
def package() -> tuple[str, ...]:
    """Return every file of this package, with names as in ``closure``, for results that depend on all of them."""
    return named(ROOT.rglob("*.py"))


def named(files: Iterable[Path]) -> tuple[str, ...]:
    """Return the names, as in ``closure``, of files of this package, sorted."""
    return tuple(sorted(str(OWN / path.relative_to(ROOT)) for path in files))


@cache
def digest(files: tuple[str, ...]) -> str:
    """Return one SHA-256 digest of the names, as in ``closure``, and the contents of files."""
    lines = (f"{name} {_sha256(name)}\n" for name in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def _sha256(name: str) -> str:
    return sha256(ROOT / Path(name).relative_to(OWN))


@cache
def imports(module: str) -> tuple[str, ...]:
    """Return the modules of this package that the file of ``module`` imports, anywhere in it.

    A file with a syntax error imports nothing: only the cells that run it fail, and they report the error.
    """
    try:
        tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    except SyntaxError:
        return ()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(sorted(name for name in names if _is_module(name)))


def _is_module(name: str) -> bool:
    return (name == PACKAGE or name.startswith(f"{PACKAGE}.")) and _path(name) is not None


def _path(module: str) -> Path | None:
    stem = ROOT.joinpath(*module.split(".")[1:])
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _file(module: str) -> Path:
    path = _path(module)
    if path is None:
        raise ValueError(f"{module}: no such module of {PACKAGE}")
    return path
