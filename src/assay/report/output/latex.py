# SPDX-License-Identifier: Apache-2.0
"""The main tables as LaTeX: a file each, which a paper that uses booktabs, longtable and url reads with \\input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2

from assay.report.formatting.file_names import file_name
from assay.report.output.printed import Link, Strong, Table

MARKS: dict[str, str | int | None] = {
    "\\": r"\textbackslash{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after a line's end it would be read as an argument
    "]": "{]}",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
}
"""What LaTeX reads as a command, or pdfLaTeX cannot set, and what to write for it."""
TEMPLATE = r"""% Made by Assay. Needs \usepackage{booktabs,longtable,url}; names in other scripts need LuaLaTeX.
\begin{longtable}{(( 'l' * (table.head | length) ))}
\caption{(( table.title ))}\label{tab:(( table.name ))}\\
\toprule
((% for name in table.head %))(( name ))((% if not loop.last %)) & ((% endif %))((% endfor %)) \\
\midrule
\endhead
\bottomrule
\endfoot
((%- for row in table.rows %))
((% for cell in row %))(( cell ))((% if not loop.last %)) & ((% endif %))((% endfor %)) \\
((%- endfor %))
\end{longtable}
"""


def files(tables: Sequence[Table]) -> dict[str, str]:
    """Return the tables by the name of their file."""
    return {f"{file_name(table.name)}.tex": render(table) for table in tables}


def render(table: Table) -> str:
    """Return a table as LaTeX; whatever the template names is shown as text."""
    return _template().render(table=table)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        block_start_string="((%",
        block_end_string="%))",
        variable_start_string="((",
        variable_end_string="))",
        comment_start_string="((#",
        comment_end_string="#))",
        finalize=cell,
        undefined=jinja2.StrictUndefined,
    )
    return environment.from_string(TEMPLATE)


def cell(value: Any) -> str:
    if isinstance(value, Link):
        return rf"\url{{{text(value)}}}"
    return rf"\textbf{{{text(value)}}}" if isinstance(value, Strong) else text(value)


def text(value: Any) -> str:
    """Return any value as LaTeX that shows it as text, on one line."""
    return " ".join(str(value).split()).translate(str.maketrans(MARKS))
