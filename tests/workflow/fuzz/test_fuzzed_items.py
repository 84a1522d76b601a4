"""Files of a user's items, whatever they hold: answered row by row, or one line and nothing written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from assay.config import registry
from assay.data import loading
from assay.evaluation.inputs.parsing.items import Bad
from assay.evaluation.inputs.parsing.sources import Source
from assay.evaluation.inputs.reader import Prepared
from tests.workflow.fuzz.damages import Damage, of_bytes, of_place, replaced
from tests.workflow.fuzz.running import COUNTS, Finished, tries

OUT = Path("answers.csv")
IMAGES = np.random.default_rng(0).integers(0, 17, (5, 8, 8), np.uint8)
TEXTS = "reviews\tthe ____ was good\nnews\tGold, 3 [per] cent. dearer\nPOSITION a\n2026-01-02\nEine Katze läuft.\n"
DATASETS = {
    "text -> class": "ag_news",
    "texts of several tasks -> classes": "reviews_and_news",
    "text -> missing word": "english_texts",
    "text -> tags": "wnut17",
    "text -> next character": "tinyshakespeare",
    "text -> text": "dates",
}
"""By form: a dataset that has it."""
KINDS = [
    "|u1",
    "<i8",
    ">i2",
    "<f4",
    "|b1",
    "<c8",
    "<U3",
    "|S0",
    "|O",
    "<M8[s]",
    "|V4",
    "<x9",
    "",
    "[('a', '<i4')]",
]
SHAPES = [
    "(5, 8, 8)", "(320,)", "(5, 1, 8, 8)", "()", "(0, 8, 8)", "(5, 8, -8)", "(10**12, 8, 8)", "(999999999999, 8)",
    "(5, 8, 8.0)", "[5, 8, 8]", "'a'", "(" * 200, "(1,) * 9",
]  # fmt: skip


def saved(save: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    save(stream, IMAGES)
    return stream.getvalue()


@st.composite
def of_header(draw: st.DrawFn) -> Damage:
    """Draw a file of NumPy's with another header than its bytes have."""
    kind, shape = draw(st.sampled_from(KINDS)), draw(st.sampled_from(SHAPES))
    major, order = draw(st.integers(0, 4)), draw(st.sampled_from(["True", "False", "None"]))
    text = f"{{'descr': {kind!r}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    size = len(text).to_bytes(2 if major == 1 else 4, "little")
    data = b"\x93NUMPY" + bytes([major, 0]) + size + text + IMAGES.tobytes()
    return replaced(f"version {major}, {kind}, {order}, {shape:.20}", data)


@st.composite
def of_zip(draw: st.DrawFn) -> Damage:
    """Draw a zip with other members than one array."""
    stream = io.BytesIO()
    names = draw(
        st.lists(st.sampled_from(["images.npy", "../a.npy", "a", "/a.npy"]), max_size=3, unique=True)
    )
    with zipfile.ZipFile(stream, "w", draw(st.sampled_from([0, 8, 12, 14]))) as zipped:
        for name in names:
            zipped.writestr(name, draw(st.sampled_from([saved(np.save), b"", bytes(10**6)])))
    return replaced(f"zip of {names}", stream.getvalue())


@pytest.mark.parametrize("count", COUNTS)
def test_damaged_images_are_answered_or_told_in_one_line(finished: Finished, count: int) -> None:
    path = Path("items.npy")
    path.write_bytes(saved(np.save))
    finished.run("predict", "digits/majority/0", str(path), "--out", str(OUT))  # imports take seconds, once
    answered = {IMAGES.tobytes(): ask(finished, path)}

    def check(damage: Damage) -> None:
        path.write_bytes(saved(np.save))
        with finished.damaged(path, damage):
            table = ask(finished, path)
            if table is not None:
                array = np.load(path)
                arrays = [array] if isinstance(array, np.ndarray) else [*array.values()]
                assert [len(each) for each in arrays] == [len(table)]
                assert [*table["row"]] == [*range(1, 1 + len(table))]
                if (same := answered.get(arrays[0].astype(np.uint8).tobytes())) is not None:
                    assert table.equals(same)

    others = [Path("dvc.yaml"), Path("data/prepared/digits_twin/arrays.safetensors")]
    try:
        tries(
            count,
            check,
            st.one_of(
                of_bytes(saved(np.save)),
                of_bytes(saved(np.savez_compressed)),
                of_header(),
                of_zip(),
                of_place(others),
            ),
        )
    finally:
        path.unlink(missing_ok=True)


def ask(finished: Finished, path: Path) -> pd.DataFrame | None:
    """Return what a model answers to a file; None where a line says why it does not, or which items it leaves out."""
    ran = finished.run("predict", "digits/majority/0", str(path), "--out", str(OUT)).told(0, 1, 2)
    if ran.code == 1:
        assert ran.err
        OUT.unlink(missing_ok=True)
        return None
    if ran.code == 2:
        assert not OUT.exists()
        assert ran.err.startswith(str(path)), ran
        return None
    table = pd.read_csv(OUT)
    OUT.unlink()
    return table


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Return what reads texts of a form, for the twin of a dataset that has it."""

    @cache
    def of(form: str) -> Any:
        name = DATASETS[form]
        dataset, folder = loading.load(name), tmp_path_factory.mktemp(name)
        dataset.make_twin(folder / "raw", 0)
        prepared = folder / f"{name}{registry.TWIN}"
        facts = dataset.prepare(folder / "raw", prepared, seed=0, validation_fraction=0.2)
        kind = next(name for name, task in registry.TASKS.items() if task.signature == form)
        module = registry.load(registry.INPUTS[form])
        return module.reader(Prepared(prepared, kind, facts, module.declared(dataset)))

    return of


@pytest.mark.parametrize("count", COUNTS)
def test_damaged_texts_are_read_line_by_line_or_told_in_one(readers: Any, tmp_path: Path, count: int) -> None:
    path = tmp_path / "items.txt"
    path.write_bytes(TEXTS.encode())

    def check(form: str, damage: Damage, lines: slice) -> None:
        path.unlink(missing_ok=True)
        path.write_bytes(b"".join(TEXTS.encode().splitlines(keepends=True)[lines]))
        damage.do(path)
        source = Source(str(path), path=path)
        told, items = "", []
        try:
            with closing(source.open()) as stream:
                items = [*readers(form).items(source, stream, None)]
        except ValueError as fault:
            told = str(fault)
        if told:
            assert told.startswith(str(path))
            assert told.isprintable()
            return
        data = path.read_bytes()
        assert len(items) == (data.removesuffix(b"\n").count(b"\n") + 1 if data else 0)
        assert all(str(item).isprintable() for item in items if isinstance(item, Bad))

    whole = Damage("as it is", lambda path: None)  # noqa: ARG005
    one = st.sampled_from([slice(number, number + 1) for number in range(5)])
    cut = st.one_of(st.just(whole), of_bytes(TEXTS.encode()))
    tries(count, check, st.sampled_from(list(DATASETS)), cut, one)
