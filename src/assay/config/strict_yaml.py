# SPDX-License-Identifier: Apache-2.0
"""The subset of YAML that a hand-edited file needs: text keys, each given once, no tags, no alias bombs.

Every error is reported in one line, before anything large is built.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 500_000
"""PyYAML reads 300 kB a second."""
MOST_DEPTH = 20
MOST_VALUES = 100_000
"""With aliases expanded: nine lines of ten aliases each are a billion values."""
LARGEST = 2**63 - 1
TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


def read(path: Path) -> Any:
    """Return the content of a YAML file.

    Raises:
        ValueError: it cannot be read, or its content is not allowed; one line that begins with the path.
    """
    try:
        if path.exists() and not path.is_file():
            raise yaml.YAMLError("not a file")
        if path.stat().st_size > MOST_BYTES:
            raise yaml.YAMLError(f"larger than {MOST_BYTES:,} bytes; is it the right file?")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file; run from the folder that contains it") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return parse(text, path)


def parse(text: str, path: Path) -> Any:
    """Return the content of a YAML file from its text.

    Raises:
        ValueError: its content is not allowed; one line that begins with the path.
    """
    try:
        value = yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"{path}: line {line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    if value is None:
        raise ValueError(f"{path}: empty")
    return value


_TEXTS = frozenset({"tag:yaml.org,2002:timestamp"})
_PLAIN = {
    "tag:yaml.org,2002:bool": re.compile(r"(true|True|TRUE|false|False|FALSE)$"),
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(0b[01_]+|0[0-7_]*|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
}
"""PyYAML's patterns of YAML 1.1 without words and numbers that are texts in YAML 1.2."""


class _Loader(yaml.SafeLoader):
    """A SafeLoader that checks the tree of nodes before it builds values.

    As in YAML 1.2, which DVC and ``assay add`` write, dates are text, and so are yes, no, on, off and 12:30.
    """

    yaml_implicit_resolvers = {
        first: [(tag, _PLAIN.get(tag, pattern)) for tag, pattern in pairs if tag not in _TEXTS]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if self.depth == MOST_DEPTH:
            raise _error(event, f"nested deeper than {MOST_DEPTH} levels")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise _error(event, f"{event.tag.replace('tag:yaml.org,2002:', '!!')}: a tag; remove it")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _measure(node, {}, set())
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except ValueError:  # 0x_, or more digits than Python reads
            raise _error(node, f"{str(node.value)[:20]}...: not a number that can be read") from None
        if type(value) is int and abs(value) > LARGEST:
            raise _error(node, f"{str(value)[:20]}...: a number may be {LARGEST} at most")
        return value


def _measure(
    node: yaml.Node, sizes: dict[yaml.Node, tuple[int, int]], above: set[yaml.Node]
) -> tuple[int, int]:
    """Return the number of values of a node and their depth, with aliases expanded.

    Raises:
        yaml.YAMLError: too many values, too deep or endless, or a mapping has a key that is not text or is repeated.
    """
    if node in above:
        raise _error(node, "an alias that contains itself")
    if node not in sizes:
        children = node.value if isinstance(node, yaml.CollectionNode) else []
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
            children = [value for _, value in children]
        found = [_measure(child, sizes, above | {node}) for child in children]
        sizes[node] = 1 + sum(size for size, _ in found), 1 + max((depth for _, depth in found), default=0)
        if sizes[node][0] > MOST_VALUES:
            raise _error(node, f"more than {MOST_VALUES:,} values, aliases expanded")
        if sizes[node][1] > MOST_DEPTH:
            raise _error(node, f"nested deeper than {MOST_DEPTH} levels, aliases expanded")
    return sizes[node]


def _check_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag not in (TEXT, MERGE):
            shown = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            raise _error(key, f"{shown or 'nothing'} is used as a key; keys must be text")
        if key.value in seen:
            raise _error(key, f"{key.value}: given twice; keep one")
        seen.add(key.value)


def _error(where: yaml.Node | yaml.Event, text: str) -> yaml.YAMLError:
    line = where.start_mark.line + 1 if where.start_mark else 1
    return yaml.YAMLError(f"line {line}: {text}")
