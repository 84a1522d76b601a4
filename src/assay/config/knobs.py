# SPDX-License-Identifier: Apache-2.0
"""The knobs of a model or method: the keyword-only arguments of its signature, read without importing it.

Snakemake builds its graph from params.yaml, and importing a model would import torch, which takes seconds;
so the signature is read from the source's syntax tree and turned into a pydantic type with the same ranges.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from assay.config.section import Strict
from assay.provenance.code_digest import ROOT

NAMES = {
    "Annotated": Annotated,
    "Any": Any,
    "Field": Field,
    "Literal": Literal,
    **{kind.__name__: kind for kind in (int, float, bool, str, list, tuple, dict)},
}


@cache
def knobs(target: str, provided: tuple[str, ...]) -> type[BaseModel]:
    """Return the type of the knobs of ``module:class`` or ``module:function``.

    Args:
        target: a function, or a class with an ``__init__``.
        provided: arguments that the pipeline provides, not the user.

    Raises:
        ValueError: there is no such class or function, or an argument has a default or no annotation.
    """
    module, _, name = target.partition(":")
    path = ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")
    arguments = _signature(path, name)
    fields: dict[str, Any] = {}
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if argument.arg in provided:
            continue
        if default is not None or argument.annotation is None:
            raise ValueError(
                f"{path}: {name}({argument.arg}): a knob needs an annotation and must not have a default"
            )
        fields[argument.arg] = (_evaluate(argument.annotation, path), ...)
    return create_model(f"{name} knobs", __base__=Strict, **fields)


def _signature(path: Path, name: str) -> ast.arguments:
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path}: {error}; correct the file, or remove it") from None
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node.args
        if isinstance(node, ast.ClassDef) and node.name == name:
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                    return member.args
    raise ValueError(f"{path}: no function {name} and no class {name} with an __init__")


def _evaluate(annotation: ast.expr, path: Path) -> Any:
    try:
        return eval(  # our own source, and only the names above
            compile(ast.Expression(annotation), str(path), "eval"), {"__builtins__": {}}, NAMES
        )
    except NameError as error:
        raise ValueError(f"{path}:{annotation.lineno}: {error}; a knob may use {', '.join(NAMES)}") from None
