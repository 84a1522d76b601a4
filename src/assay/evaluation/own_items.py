# SPDX-License-Identifier: Apache-2.0
"""The command ``assay predict``: from a user's files to a file of answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from assay import paths
from assay.evaluation import answer_files
from assay.evaluation.answer_files import AsCsv, AsJsonLines, Writer
from assay.evaluation.inputs.parsing import encodings, sources
from assay.evaluation.inputs.parsing.items import Bad
from assay.evaluation.predict import Answered, answers, choose, load
from assay.files import STDOUT, check_output, replacing

if TYPE_CHECKING:
    from assay.config.matrix import Matrix


def predict(
    variant: str,
    items: Sequence[str],
    out: Path | None,
    *,
    column: str | None,
    encoding: str | None,
    suite: str | None,
    matrix: Callable[[], Matrix],
    safe: Callable[[Any], Any],
) -> int:
    """Write the answers for a user's items, and name those that have none on standard error.

    Args:
        items: files, folders, ``-`` for standard input, or a text.
        out: the file to write; None for standard output.
        column: the column of the texts in tables; None to find it.
        encoding: of text files without a mark; None for that of the dataset's own file.
        suite: the suite; None to find it.
        matrix: returns the matrix of the suite.
        safe: returns a value as a spreadsheet may open it.

    Returns:
        The number of items without an answer.

    Raises:
        ValueError: nothing can be predicted or written; one line.
    """
    out = None if out == STDOUT else out
    if out is not None:
        check_output(out, paths.PARAMS, *(Path(item) for item in items if _is_file(item)))
    model = load(choose(variant, suite, matrix), say)
    reader = model.reader
    found, bad, others = sources.found(
        items, reader.suffixes, texts=reader.takes_text, encoding=encodings.chosen(encoding, reader.encoding)
    )
    if out is not None:
        check_output(out, *(source.path for source in found if source.path))
    if others:
        named = "1 other file is" if len(others) == 1 else f"{len(others)} other files are"
        say(f"{named} not read, such as {others[0]}")
    for each in bad:
        say(str(each))
    with_files = len(found) > 1 or any(source.in_folder for source in found)
    with _opened(out) as stream:
        writer: Writer
        if out is not None and out.suffix.lower() in answer_files.JSON_LINES:
            writer = AsJsonLines(stream, reader.columns, with_files=with_files)
        else:
            writer = AsCsv(stream, reader.columns, safe, with_files=with_files)
        written, wrong = _write(writer, stream, answers(model, found, column))
    if out is not None:
        print(f"{out}: {written} {'row' if written == 1 else 'rows'}")
    return wrong + len(bad)


def _write(writer: Writer, stream: TextIO, blocks: Iterable[list[Answered | Bad]]) -> tuple[int, int]:
    """Write the answers, and return the numbers of items with and without one."""
    written = wrong = 0
    for block in blocks:
        fine = [each for each in block if isinstance(each, Answered)]
        writer.write(fine)
        stream.flush()
        for each in block:
            if isinstance(each, Bad):
                say(str(each))
        written, wrong = written + len(fine), wrong + len(block) - len(fine)
    return written, wrong


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    """Yield a stream to standard output, or to a file that is complete or absent."""
    if out is None:
        yield sys.stdout
        return
    try:
        with replacing(out) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise ValueError(f"{out}: cannot be written: {error.strerror}") from None


def _is_file(item: str) -> bool:
    return item != sources.STDIN and os.path.lexists(item[:4096])


def say(line: str) -> None:
    """Print a line on standard error."""
    print(line, file=sys.stderr, flush=True)
