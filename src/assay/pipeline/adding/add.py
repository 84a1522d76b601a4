# SPDX-License-Identifier: Apache-2.0
"""``assay add``: look at a user's files, and write the rows of params.yaml that train models on them.

The bytes are copied to ``data/own/<name>/``, the expectations of the items are inferred, and params.yaml is written
last, so that an error leaves everything as it was.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from assay import paths
from assay.data import expectations_file, loading
from assay.data.families import own_files
from assay.data.families.own_columns import OwnRows
from assay.data.own import describe, look
from assay.data.own.found import Found, Options, Reading
from assay.data.preparation.cleaning import ImpossibleSplitError
from assay.data.preparation.split_strategies import Fold
from assay.files import check_output, write_text
from assay.pipeline.adding import own_rows, starters
from assay.pipeline.adding.own_rows import OwnRow
from assay.pipeline.adding.params_file import ParamsFile
from assay.pipeline.adding.starters import Starter
from assay.provenance import dvc_lock

OWN = Path("data/own")
EXPECTATIONS = Path("data/expectations")
SEEDS = [0, 1, 2]
NEXT = "next: snakemake --cores all"
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class UnclearError(ValueError):
    """What the files hold can be read in several ways; the text has the questions and the options that answer them."""


@dataclass(frozen=True)
class Request:
    """What the user wants."""

    path: Path
    options: Options
    name: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    """Licence, citation and so on, as far as the source states them, for the row's ``about``."""
    link: bool = False
    """Refer to the bytes where they are instead of copying them."""
    update: bool = False
    """Accept bytes that have changed."""


def add(request: Request) -> Iterator[str]:
    """Add a user's files to the project; yield what is found and done, line by line.

    Raises:
        UnclearError: the user must answer a question; nothing is written.
        ValueError: the files cannot be added; one line. Nothing is written.
    """
    file = ParamsFile(paths.PARAMS)
    check_output(paths.PARAMS)
    name = request.name or name_of(request.path)
    if not NAME.fullmatch(name):
        raise ValueError(f"--name {name}: allowed are small letters, digits and _, a letter first")
    if name in file.names("datasets"):
        yield from _again(request, name, file)
        return
    found = look.look(request.path, request.options)
    yield describe.describe(found).rstrip()
    reading = clear(found)
    row = own_rows.row_of(found, reading, request.options)
    if name in file.names("tasks") or name in file.names("suites"):
        raise ValueError(f"{name}: params.yaml has a task or suite of this name; choose another with --name")
    source, digest = found.path, own_files.digest_of(found.path)
    folds, knobs = request.options.folds, {**row.knobs, **_bytes(found.path, digest)}
    prepared, items = _prepared(file, name, row.family, knobs, folds, found)
    num_classes = len(prepared.get("classes", ()))
    metric = row.metric or request.options.metric
    starter = starters.choose(reading.signature, num_classes, metric)
    path = source.resolve() if request.link else _place(source, name)
    row = replace(row, knobs={**_bytes(path, digest), **row.knobs}, metric=metric)
    write_rows(file, name, row, starter, items, request.about, folds)
    expectations = EXPECTATIONS / f"{name}.yaml"
    _write(request, file, source, {expectations: expectations_file.infer(items, name)}, name)
    yield ""
    yield from _said(request, name, starter, prepared, expectations)
    yield from _track(request, name)
    yield NEXT


def look_only(request: Request) -> Iterator[str]:
    """Yield what is found, without writing anything.

    Raises:
        UnclearError, ValueError: as :func:`add`.
    """
    found = look.look(request.path, request.options)
    yield describe.describe(found).rstrip()
    own_rows.row_of(found, clear(found), request.options)
    yield ""
    yield "nothing is written (--dry-run)"


def name_of(path: Path) -> str:
    """Return a name for params.yaml from that of a file or folder."""
    stem = path.stem if path.suffix else path.name
    plain = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"own_{plain}".rstrip("_"))[:64]


def clear(found: Found) -> Reading:
    """Return the reading of the files.

    Raises:
        UnclearError: the user must choose one.
        ValueError: nothing can be learned from them.
    """
    if found.questions:
        raise UnclearError(
            "\n".join(f"{each.question} Answer with {each.option}" for each in found.questions)
        )
    if found.best is None:
        reason = next((each.message for each in found.faults if each.kind == "no target"), "")
        raise ValueError(f"{found.path}: {reason or 'nothing can be learned from it'}{_advice(found)}")
    return found.best


def _advice(found: Found) -> str:
    """Return what to do about data from which nothing can be learned, if that is known."""
    kinds = [each.kind for each in found.columns if each.kind in ("number", "category", "date", "text")]
    if found.form.kind.startswith("images"):
        return ""
    if kinds == ["text"]:
        return "; to learn to write such texts, save the column as a .txt file and add that"
    return "; name the target with --target" if len(kinds) > 1 else ""


def _place(source: Path, name: str) -> Path:
    """Return where the copy of a file or folder is."""
    return OWN / name if source.is_dir() else OWN / name / source.name


def _write(request: Request, file: ParamsFile, source: Path, texts: Mapping[Path, str], name: str) -> None:
    """Write the copy of the bytes, other files and params.yaml: all of them, or none.

    Raises:
        ValueError: something else is there, or it cannot be written; one line.
    """
    content, folder = file.text(), OWN / name
    for path, text in texts.items():
        if os.path.lexists(path) and (
            path.is_symlink() or not path.is_file() or path.read_text("utf-8") != text
        ):
            raise ValueError(f"{path}: already exists; choose another name with --name, or remove it")
    copied = not request.link and _is_free(source, folder)
    with _all_or_none(*([folder] if copied else []), *texts):
        if copied:
            own_files.copy(source, folder)
        for path, text in texts.items():
            write_text(path, text)
        write_text(paths.PARAMS, content)


def _is_free(source: Path, folder: Path) -> bool:
    """Return whether there is no copy yet; one with the same bytes is left from a command that was killed.

    Raises:
        ValueError: the folder holds something else; one line.
    """
    if not os.path.lexists(folder):
        return True
    copy = folder if source.is_dir() else folder / source.name
    whole = (
        copy.exists() and not folder.is_symlink() and (source.is_dir() or len(list(folder.iterdir())) == 1)
    )
    if not whole or own_files.digest_of(copy) != own_files.digest_of(source):
        raise ValueError(f"{folder}: already exists; choose another name with --name, or remove the folder")
    return False


@contextmanager
def _all_or_none(*made: Path) -> Iterator[None]:
    """Remove files, folders and the folders made for them, if the block that makes them fails."""
    absent = [each for path in made for each in (path, *path.parents) if not os.path.lexists(each)]
    try:
        yield
    except BaseException:
        for path in absent:
            if path in made and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path in made:
                path.unlink(missing_ok=True)
            else:
                with suppress(OSError):  # it was not made, or holds something else
                    path.rmdir()
        raise


def _bytes(path: Path, digest: str) -> dict[str, str]:
    """Return the knobs that name the bytes."""
    return {"path": path.as_posix(), "digest": digest}


def _prepared(
    file: ParamsFile,
    name: str,
    family: str,
    knobs: Mapping[str, Any],
    folds: int | None,
    found: Found | None = None,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return what prepared.json and items.parquet of a dataset, or of the first of its folds, will hold."""
    split = file.params.split
    dataset = loading.load(family, knobs, fold=Fold(0, folds) if folds else None)
    if found is not None and isinstance(dataset, OwnRows):
        dataset = replace(dataset, known=found.known)
    with tempfile.TemporaryDirectory() as folder:
        raw, out = Path(folder) / "raw", Path(folder) / name
        dataset.fetch(raw, mirror=None)
        try:
            facts = dataset.prepare(
                raw, out, seed=split.split_seed, validation_fraction=split.validation_fraction
            )
        except ImpossibleSplitError as error:
            raise ValueError(f"{error}; split the rows in another way with --split, or add rows") from None
        return facts, pd.read_parquet(out / "items.parquet")


def write_rows(
    file: ParamsFile,
    name: str,
    row: OwnRow,
    starter: Starter,
    items: pd.DataFrame,
    about: Mapping[str, str] = MappingProxyType({}),
    folds: int | None = None,
) -> None:
    """Add the rows of a dataset, its task, its models and methods, and a suite that runs them."""
    num_items = int((items["split"] == "train").sum())
    dataset = {
        "dataset": row.family,
        "expectations": str(EXPECTATIONS / f"{name}.yaml"),
        **({"about": dict(about)} if about else {}),
        **({"folds": folds} if folds else {}),
        "knobs": dict(row.knobs),
    }
    file.add("datasets", name, dataset, row.comments)
    chosen = {} if row.metric in (None, starter.metrics[0]) else {"metric": row.metric}
    file.add("tasks", name, {"kind": starter.kind, **chosen, **starter.task})
    models = starter.rows(num_items)
    for model, wanted in models.items():
        _merge(file, "models", model, wanted, name)
    for method, wanted in starter.methods.items():
        if method not in file.names("methods"):
            file.add("methods", method, wanted)
    seeds = list(range(folds)) if folds else SEEDS
    suite = {"tasks": [name], "models": list(models), "methods": list(starter.methods), "seeds": seeds}
    file.add("suites", name, suite)
    file.set(["suite"], name)


def _merge(file: ParamsFile, section: str, model: str, wanted: Mapping[str, Any], task: str) -> None:
    """Add a row of ``models``; if there is one, its knobs are changed for this task only."""
    if model not in file.names(section):
        file.add(section, model, wanted)
        return
    there = file.params.models[model]
    changed = {key: value for key, value in wanted.get("knobs", {}).items() if there.knobs.get(key) != value}
    if there.model == wanted.get("model", model) and changed:
        file.set([section, model, "per_task", task], {"knobs": changed})
    if there.tasks != "all":
        file.set([section, model, "tasks"], [*there.tasks, task])


def _said(
    request: Request, name: str, starter: Starter, prepared: Mapping[str, Any], expectations: Path
) -> Iterator[str]:
    counts, folds = prepared["counts"], request.options.folds
    yield (
        f"{counts['train']:,} items to train on, {counts['validation']:,} to validate, {counts['test']:,} to test"
        f" ({prepared['split']['strategy']} split{f', the first of {folds} folds' if folds else ''})"
    )
    for dropped in prepared["dropped"]:
        yield f"left out: {dropped['count']:,}, {dropped['reason']}"
    yield f"models are compared by {request.options.metric or starter.metrics[0]}"
    where = request.path if request.link else OWN / name
    yield f"wrote {paths.PARAMS}: the dataset, the task and the suite {name}, which now runs by default"
    yield f"wrote {expectations}: what the items must meet; edit it"
    yield f"data: {where}"


def _track(request: Request, name: str) -> Iterator[str]:
    """Put the bytes under DVC's control, if the project is."""
    if request.link or not Path(".dvc").is_dir():
        return
    done = dvc_lock.dvc("add", "--quiet", str(OWN / name))
    if done.returncode:
        yield f"dvc add {OWN / name} failed: {dvc_lock.reason(done)}"
    else:
        yield f"ran dvc add {OWN / name}"


def _again(request: Request, name: str, file: ParamsFile) -> Iterator[str]:
    """Compare the bytes with those of the row; with --update, replace them."""
    row = file.row("datasets", name)
    knobs = row.get("knobs", {})
    if "digest" not in knobs:
        raise ValueError(f"{name}: params.yaml has a dataset of this name; choose another with --name")
    source = _source(request.path, Path(knobs["path"]))
    digest = own_files.digest_of(source)
    if digest == knobs["digest"]:
        yield f"{name}: already added, and its bytes are the same; nothing to do"
        return
    if not request.update:
        raise ValueError(
            f"{name}: params.yaml has a dataset of this name with other bytes (sha256 {knobs['digest']}, {source} has"
            f" {digest}); accept them with --update, or choose another name with --name"
        )
    _prepared(file, name, row["dataset"], {**knobs, **_bytes(source, digest)}, row.get("folds"))
    file.set(["datasets", name, "knobs", "digest"], digest)
    before, text = paths.PARAMS.read_text(encoding="utf-8"), file.text()
    write_text(paths.PARAMS, text)
    try:
        if not request.link:
            own_files.copy(source, OWN / name)
    except BaseException:
        write_text(paths.PARAMS, before)
        raise
    yield f"{name}: the bytes of {source} are accepted; the expectations in {row.get('expectations')} stay as they are"
    yield from _track(request, name)
    yield NEXT


def _source(path: Path, own: Path) -> Path:
    """Return what was added: a file, or the folder of images of which ``path`` is the table."""
    return path.parent if path.is_file() and own.is_dir() else path
