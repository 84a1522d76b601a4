# SPDX-License-Identifier: Apache-2.0
"""Edits of params.yaml that keep its comments, its order and its form, which is the one that DVC writes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from assay.config import params, strict_yaml
from assay.files import write_text

SECTIONS = ("datasets", "tasks", "models", "methods", "suites")


class ParamsFile:
    """The text of params.yaml, to be edited and written once.

    Raises:
        ParamsError: the file has errors.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.params = params.load_params(path)
        self._tree = _yaml().load(path.read_text(encoding="utf-8"))

    def names(self, section: str) -> list[str]:
        """Return the rows of a section."""
        return list(self._tree[section])

    def row(self, section: str, name: str) -> Mapping[str, Any]:
        """Return a row as it stands in the file."""
        row: Mapping[str, Any] = self._tree[section][name]
        return row

    def add(
        self, section: str, name: str, row: Mapping[str, Any], comments: Mapping[str, str] | None = None
    ) -> None:
        """Add a row at the end of a section; ``comments`` stand above keys of its knobs."""
        built = _built(row, top=True)
        for key, text in (comments or {}).items():
            built["knobs"].yaml_set_comment_before_after_key(key, before=_line(text), indent=6)
        self._tree[section][name] = built

    def set(self, keys: list[str], value: Any) -> None:
        """Set a value, such as ``["suite"]`` or ``["datasets", "tickets", "knobs", "digest"]``."""
        place = self._tree
        for key in keys[:-1]:
            place = place.setdefault(key, _flow(CommentedMap()))
        place[keys[-1]] = _built(value, top=False)

    def text(self) -> str:
        """Return the file's new content.

        Raises:
            ParamsError: it has errors.
        """
        text = self.dump()
        try:
            params.check(strict_yaml.parse(text, self.path))
        except params.ParamsError as error:
            raise ValueError(f"{self.path}: {'; '.join(error.errors)}") from None
        return text

    def dump(self) -> str:
        """Return the file's new content, whether it is valid or not."""
        stream = io.StringIO()
        _yaml().dump(self._tree, stream)
        return stream.getvalue()

    def write(self) -> None:
        """Write the file."""
        write_text(self.path, self.text())


def _yaml() -> YAML:
    """Return the reader and writer that DVC uses, so that its own edits change nothing else."""
    yaml = YAML()
    yaml.default_flow_style = False
    return yaml


def _built(value: Any, *, top: bool) -> Any:
    """Return a value for ruamel.yaml.

    A row, its knobs and its ``about`` have a line for each key, other collections are in braces.
    """
    if isinstance(value, Mapping):
        built = CommentedMap(
            {key: _built(each, top=top and key in ("knobs", "about")) for key, each in value.items()}
        )
        return built if top else _flow(built)
    if isinstance(value, list):
        return _flow(CommentedSeq([_built(each, top=False) for each in value]))
    return value


def _flow(collection: Any) -> Any:
    collection.fa.set_flow_style()
    return collection


def _line(text: str) -> str:
    """Return a text of the user's data as one line of a comment."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain if len(plain) <= 300 else f"{plain[:299]}…"
