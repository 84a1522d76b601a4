"""A user's items get the same predictions as in evaluation, for every signature of a task."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import struct
import tracemalloc
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from assay.artifacts.predictors import ModulePredictor
from assay.config import registry
from assay.config.params import load_params
from assay.data import loading
from assay.data.datasets.text import ag_news
from assay.data.preparation import text
from assay.evaluation import predict
from assay.evaluation.inputs import files
from assay.evaluation.inputs.parsing.items import Bad
from assay.evaluation.inputs.parsing.sources import Source
from assay.evaluation.inputs.reader import FromOutputs, Prepared
from assay.files import read_json
from assay.tasks import language_modelling, sequence_to_sequence
from assay.tasks.loading import load as load_task
from tests.models.knobs import TABLES

PARAMS = load_params(Path("params.yaml"))
KNOBS = {name: knobs for table in TABLES for name, knobs in table.items()}
KNOWN = {
    "digits": "mlp",
    "mnist": "cnn",
    "ag_news": "text_cnn",
    "reviews_and_news": "text_recurrent",
    "english": "cbow",
    "wnut17": "transformer_tagger",
    "tinyshakespeare": "gpt",
    "dates": "seq2seq_attention",
    "multi30k": "seq2seq_transformer",
    "titles": "seq2seq_lstm",
    "diabetes": "mlp_regression",
    "breast_cancer": "mlp",
    "digit_codes": "linear_autoencoder",
}
"""By row of ``tasks``: a network that is tried on it."""


def other_networks():
    """Yield a row, a network and its knobs for each signature that ``KNOWN`` lacks, as params.yaml has them."""
    signatures = {name: registry.TASKS[row.kind].signature for name, row in PARAMS.tasks.items()}
    for signature in sorted(set(registry.INPUTS) - {signatures[name] for name in KNOWN}):
        row = next(name for name, each in signatures.items() if each == signature)
        for name, each in PARAMS.models.items():
            entry = registry.MODELS[each.model]
            if signature in entry.signatures and entry.loop == "supervised" and not entry.pretrained:
                yield row, each.model, PARAMS.knobs_of(row, name)
                break


OTHERS = list(other_networks())
NETWORKS = KNOWN | {row: model for row, model, _ in OTHERS}
KNOBS |= {model: knobs for _, model, knobs in OTHERS if model not in KNOBS}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Return a function from a row to its task's twin with the predictions of an untrained network."""

    @cache
    def made(row):
        return Case(row, tmp_path_factory.mktemp(row))

    return made


class Case:
    """A task on a twin, with an untrained network."""

    def __init__(self, row, folder):
        entry = PARAMS.tasks[row]
        kind = registry.TASKS[entry.kind]
        self.task, module = load_task(entry.kind), registry.load(registry.INPUTS[kind.signature])
        self.dataset = loading.load(entry.dataset)
        self.raw, self.prepared = folder / "raw", folder / f"{entry.dataset}{registry.TWIN}"
        self.dataset.make_twin(self.raw, 0)
        self.dataset.prepare(self.raw, self.prepared, seed=0, validation_fraction=0.2)
        self.items = pd.read_parquet(self.prepared / "items.parquet")
        self.items = self.items[self.items["split"] == "test"]
        self.split = self.task.load(self.prepared, ("test",))["test"]
        family = registry.load(registry.MODELS[NETWORKS[row]].target)
        provided = self.task.model_arguments(self.prepared)
        named = inspect.signature(family).parameters
        arguments = {name: provided[name] for name in provided if name in named} | KNOBS[NETWORKS[row]]
        torch.manual_seed(0)
        record = {"format": "safetensors", "parameters": 1, "arguments": arguments}
        self.predictor = ModulePredictor(family(**arguments).eval(), record)

        facts = read_json(self.prepared / "prepared.json")
        declared = module.declared(self.dataset)
        self.reader = module.reader(Prepared(self.prepared, entry.kind, facts, declared))
        self.model = predict.Model(self.reader, self.predictor, None, None, "")

    @property
    def expected(self):
        return self.task.predictions(self.task.predict(self.predictor, self.split), self.split)

    def inputs(self, path):
        source = Source(str(path), path=path)
        stream = source.open()
        items = [*self.reader.items(source, stream, None)]
        stream.close()
        return self.reader.inputs(items)

    def answers(self, path):
        source = Source(str(path), path=path)
        return [each for block in predict.answers(self.model, [source], None) for each in block]

    def rows(self, path):
        answers = self.answers(path)
        assert not [str(each) for each in answers if isinstance(each, Bad)]
        table = pd.DataFrame([each.values for each in answers], columns=[*self.reader.columns])
        table.insert(0, "row", [each.item.row for each in answers])
        return table

    def faults(self, path):
        """Return what is wrong with the items of a file, or with the file."""
        try:
            found = [str(each) for each in self.answers(path) if isinstance(each, Bad)]
        except ValueError as error:
            found = [str(error)]
        assert not any("\n" in each for each in found)
        return found


def written(folder, lines, name="items.txt"):
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def saved(folder, array):
    np.save(folder / "items.npy", array)
    return folder / "items.npy"


def names(case, numbers):
    classes = case.dataset.classes
    return [classes[number] for number in numbers]


def same_classes(case, rows):
    assert rows["row"].tolist() == list(range(1, 1 + len(case.items)))
    assert rows["prediction"].tolist() == names(case, case.expected["prediction"])
    np.testing.assert_allclose(rows["confidence"], case.expected["confidence"], rtol=1e-5)
    assert rows["confidence"].nunique() > 1


def test_a_network_of_each_signature_is_tried():
    forms = {registry.TASKS[PARAMS.tasks[row].kind].signature for row in NETWORKS}
    assert forms == set(registry.INPUTS)


@pytest.mark.parametrize(("row", "most"), [("digits", 16), ("mnist", 255)])
def test_images_are_given_as_upstream_has_them(row, most, case, tmp_path):
    case = case(row)
    pixels = case.dataset.read(case.raw).images[case.items["item"]]
    levels = np.rint(pixels * (most / 255)).astype(np.uint8)
    same_classes(case, case.rows(saved(tmp_path, levels)))
    same_classes(case, case.rows(saved(tmp_path, levels[:, 0].astype(np.float64))))
    np.savez(tmp_path / "items.npz", levels)
    same_classes(case, case.rows(tmp_path / "items.npz"))


@pytest.mark.parametrize("row", ["diabetes", "breast_cancer"])
def test_rows_of_a_table_are_given_by_the_names_of_its_columns(row, case, tmp_path):
    case = case(row)
    table = case.items[[*reversed(case.dataset.columns)]].assign(note='"a, b"')
    table.to_csv(tmp_path / "items.csv", index=False)
    rows = case.rows(tmp_path / "items.csv")
    if row == "breast_cancer":
        same_classes(case, rows)
    else:
        np.testing.assert_allclose(rows["prediction"], case.expected["prediction"], rtol=1e-5)
        assert rows["prediction"].between(0, 400).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda lines: [lines[0].replace("bmi", "BMI"), *lines[1:]],
            "the column bmi is missing; needed are age",
        ),
        (lambda lines: [lines[0].replace("bmi", "age"), *lines[1:]], "the column age is repeated"),
        (lambda lines: lines[:1], "no row after the column names"),
        (lambda lines: [*lines[:2], lines[2].rpartition(",")[0]], "row 2: 9 values; the first line names 10"),
        (lambda lines: [*lines[:2], "x" + lines[2]], "row 2: age = 'x"),
        (
            lambda lines: [*lines[:2], lines[2].rpartition(",")[0] + ",inf"],
            "row 2: s6 = 'inf'; a number is expected",
        ),
        (lambda lines: [*lines[:2], '"' + lines[2]], "not CSV"),
    ],
)
def test_a_table_that_is_not_the_datasets_is_one_line(change, words, case, tmp_path):
    case = case("diabetes")
    lines = case.items[[*case.dataset.columns]].to_csv(index=False).splitlines()
    (fault,) = case.faults(written(tmp_path, change(lines), "items.csv"))
    assert re.search(words, fault)


def test_an_image_gets_its_reconstruction_error(case, tmp_path):
    case = case("digit_codes")
    levels = np.rint(case.dataset.read(case.raw).images[case.items["item"]] * (16 / 255)).astype(np.uint8)
    rows = case.rows(saved(tmp_path, levels))
    np.testing.assert_allclose(rows["reconstruction_error"], case.expected["reconstruction_error"], rtol=1e-5)


def test_texts_are_fixed_as_upstreams_are(case, tmp_path):
    case = case("ag_news")
    raw = [
        f"{title} {body}"
        for _, (_, title, body) in text.read_table(case.raw / "test.csv", encoding="utf-8", num_columns=3)
    ]
    given = [raw[item] for item in case.items["item"]]
    assert given != case.items["text"].tolist()
    same_classes(case, case.rows(written(tmp_path, given)))


def test_a_text_gets_a_class_of_its_task(case, tmp_path):
    case = case("reviews_and_news")
    tasks = ["movie_reviews" if label < 2 else "ag_news" for label in case.items["label"]]
    lines = [f"{task}\t{line}" for task, line in zip(tasks, case.items["text"], strict=True)]
    rows = case.rows(written(tmp_path, lines))
    same_classes(case, rows)
    reviews = rows["prediction"][np.array(tasks) == "movie_reviews"]
    assert set(reviews) <= {"negative", "positive"}


def test_a_missing_word_is_predicted(case, tmp_path):
    case = case("english")
    words = case.split.words
    lines = [
        " ".join("____" if number == 2 else words[number] for number in ids if number)
        for ids in case.split.inputs.tolist()
    ]
    rows = case.rows(written(tmp_path, [line.replace("[UNK]", "unheardof") for line in lines]))
    assert rows["prediction"].tolist() == [words[number] for number in case.expected["prediction"]]
    assert rows["confidence"].between(0, 1).all()


def test_each_word_of_a_sentence_gets_a_tag(case, tmp_path):
    case = case("wnut17")
    rows = case.rows(written(tmp_path, case.items["text"]))
    assert rows["prediction"].tolist() == case.expected["prediction"].tolist()
    assert "B-" in "".join(rows["prediction"])


def test_a_beginning_has_the_bits_of_evaluation_and_a_continuation(case, tmp_path):
    case = case("tinyshakespeare")
    windows = case.items["text"].tolist()[:6]  # each is several lines
    lines = [json.dumps({"text": window}) for window in windows]
    rows = case.rows(written(tmp_path, lines, "items.jsonl"))
    expected = case.expected[:6]
    nats = rows["bits_per_character"] * np.log(2) * expected["characters"]
    np.testing.assert_allclose(nats, expected["nats"], rtol=1e-5)
    assert (rows["continuation"].str.len() == 128).all()


def test_a_long_beginning_is_judged_whole_and_a_short_one_has_no_bits(case, tmp_path):
    case = case("tinyshakespeare")
    line = "To be, or not to be, that is the question: " * 4
    rows = case.rows(written(tmp_path, [line, "T"]))
    windows = [line[start : start + 65] for start in range(0, len(line) - 1, 64)]
    parts = case.rows(written(tmp_path, windows))["bits_per_character"]
    weights = [len(window) - 1 for window in windows]
    assert sum(weights) == len(line) - 1
    assert rows["bits_per_character"][0] == pytest.approx(np.average(parts, weights=weights), rel=1e-4)
    assert np.isnan(rows["bits_per_character"][1])
    assert len(rows["continuation"][1]) == 128


@pytest.mark.parametrize("row", ["dates", "multi30k", "titles"])
def test_a_text_is_made_of_a_text(row, case, tmp_path):
    case = case(row)
    rows = case.rows(written(tmp_path, case.items["source"]))
    assert rows["prediction"].tolist() == case.expected["hypothesis"].tolist()
    assert len("".join(rows["prediction"])) > 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 8, 8), 17), "row 1: value 17; allowed are whole numbers, 0 to 16"),
        (np.concatenate([np.zeros((2, 8, 8)), np.full((1, 8, 8), 0.5)]), "row 3: value 0.5; allowed"),
        (np.full((1, 8, 8), np.nan), "row 1: value nan; allowed"),
        (np.zeros((3, 8, 9)), r"shape \(3, 8, 9\); \(N, 1, 8, 8\) or \(N, 8, 8\) is expected"),
        (np.zeros((0, 8, 8)), r"shape \(0, 8, 8\); .* N at least 1"),
        (np.full((1, 8, 8), "a"), "values of type <U1; numbers are expected"),
    ],
)
def test_invalid_images_are_one_line(array, message, case, tmp_path):
    fault = case("digits").faults(saved(tmp_path, array))[0]
    assert re.search(rf"items\.npy: {message}", fault)


@pytest.mark.parametrize(
    ("row", "line", "message"),
    [
        ("reviews_and_news", "a fine film", "a task, a tab and a text are expected"),
        ("reviews_and_news", "films\ta fine film", "task 'films'; allowed are movie_reviews, ag_news"),
        ("english", "no word is missing", "0 times ____; it is expected once"),
        ("english", "____ and ____", "2 times ____; it is expected once"),
        ("english", "a " * 60 + "____", "____ is token 61; at most the first 48 are read"),
        ("wnut17", "a " * 500, "500 words; allowed are .*, as in the dataset"),
    ],
)
def test_invalid_lines_are_one_line(row, line, message, case, tmp_path):
    fine = {"reviews_and_news": "ag_news\ta text", "english": "a ____ text", "wnut17": "a text"}[row]
    (fault,) = case(row).faults(written(tmp_path, [fine, line]))
    assert re.search(f"items.txt: row 2: {message}", fault)


def test_files_that_are_none_are_told(tmp_path):
    path = tmp_path / "items.txt"
    with pytest.raises(ValueError, match=r"items\.txt: no such file"):
        files.lines(path)
    for data, message in {
        b"": "empty",
        b"a\n \nb\n": "row 2: the line is blank",
        b"a\nb\xff\n": "row 2: byte 0xff is not UTF-8",
    }.items():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=rf"items\.txt: {message}"):
            files.lines(path)
    path.write_bytes(b"a line\r\nanother")
    assert files.lines(path) == ["a line", "another"]


def header(text):
    """Return an .npy file that begins with this header and holds eight bytes."""
    padded = f"{text}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded + b"\0" * 8


def announced(shape, kind="|u1"):
    return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}")


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def zipped(*members, flags=0, method=None, name="arr_0.npy", compression=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for number, member in enumerate(members):
            archive.writestr(name.replace("0", str(number)), member)
    data = bytearray(stream.getvalue())
    central = data.index(b"PK\x01\x02")
    for flag_at, method_at in ((6, 8), (central + 8, central + 10)):
        data[flag_at] |= flags
        if method is not None:
            data[method_at] = method
    return bytes(data)


def grown(size):
    """Return a zip whose directory says that its member has this many bytes."""
    data = bytearray(zipped(npy(np.zeros(8, np.uint8))))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size)
    return bytes(data)


FINE = npy(np.zeros(8, np.uint8))
DAMAGED = {
    "another format": (b"P5 8 8 255", "not a NumPy file; .npy or .npz is expected"),
    "nothing": (b"", "not a NumPy file"),
    "objects": (npy(np.array([{}], object)), "Object arrays cannot be loaded"),
    "a cut zip": (b"PK\x03\x04 and no more", "File is not a zip file"),
    "a cut array": (FINE[:-1], r"shape \(8,\) of uint8 needs 8 bytes, 7 are there; save the array again"),
    "more than one array": (FINE + b"\0", "needs 8 bytes, 9 are there"),
    "10^12 items": (announced("(1000000000000,)"), r"needs 1e\+12 bytes, 8 are there"),
    "more than 64 bits": (announced("(4294967296, 4294967296, 2)", "<f8"), r"needs 2.95148e\+20 bytes"),
    "a product that wraps round": (announced("(4294967296, 4294967296)"), "needs 1.84467e"),
    "10^40 items": (announced(f"({10**40},)"), r"needs 1e\+40 bytes"),
    "fewer than no items": (announced("(-8,)"), "needs -8 bytes"),
    "half an item": (announced("(2.5,)"), "shape"),
    "no shape": (announced("None"), "shape"),
    "an unknown kind": (announced("(8,)", "<q9"), ""),
    "a kind of no size": (announced("(8,)", "|V0"), "needs 0 bytes, 8 are there"),
    "a header that is no header": (header("{[]: 1}"), ""),
    "a deep header": (header("(" * 9000), ""),
    "a long negation": (header("-" * 9000 + "1"), ""),
    "a header cut off": (b"\x93NUMPY\x01\x00\xff\xff{", ""),
    "another version": (b"\x93NUMPY\x09\x00" + FINE[8:], r"version|only support"),
    "two arrays": (zipped(FINE, FINE), "2 arrays; one is expected"),
    "an empty zip": (b"PK\x05\x06" + b"\0" * 18, "not a NumPy file"),
    "an encrypted member": (zipped(FINE, flags=1), "encrypted"),
    "an unknown compression": (zipped(FINE, method=99), "compression"),
    "a member that is no array": (zipped(b"hello"), "not a NumPy file"),
    "a zip in a zip": (zipped(zipped(FINE)), "not a NumPy file"),
    "a bomb": (grown(2**32 - 2), r"4,294,967,294 bytes unpacked; allowed are 1,073,741,824: split the file"),
    "a folder": (zipped(b"", name="arr_0/"), "not a NumPy file"),
    "a damaged member": (zipped(FINE)[:60] + b"\xff\xff\xff" + zipped(FINE)[63:], ""),
}


@pytest.mark.parametrize(("data", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_array_is_one_line_and_takes_no_memory(data, message, tmp_path):
    path = tmp_path / "items.npy"
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"items\.npy: .*{message}") as caught:
        files.array(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("row", "most", "side"), [("digits", 16, 8), ("mnist", 255, 28)])
@pytest.mark.parametrize("kind", ["u1", "i1", ">i8", "u8", "f2", ">f4", "g"])
def test_numbers_of_every_size_and_order_are_read(kind, row, most, side, case, tmp_path):
    case = case(row)
    levels = np.arange(3 * side**2).reshape(3, side, side) % (1 + min(most, 127 if kind == "i1" else most))
    expected = case.inputs(saved(tmp_path, levels))
    for order in "CF":
        given = saved(tmp_path, levels.astype(kind, order=order))
        assert (case.inputs(given) == expected).all()


def test_what_cannot_be_opened_is_one_line(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, message in {
        "pipe": "not a file; a file is expected",
        ".": "not a file; a file is expected",
        "a" * 300: "cannot be read: File name too long",
    }.items():
        with pytest.raises(ValueError, match=message):
            files.contents(tmp_path / name)


def test_mending_what_was_mended_changes_nothing():
    assert ag_news.mend(ag_news.mend("Alan #39;s \\dog&lt;b&gt;")) == ag_news.mend(
        "Alan #39;s \\dog&lt;b&gt;"
    )


@pytest.mark.parametrize("row", NETWORKS)
@pytest.mark.parametrize("slices", [0, 1, 2])
def test_a_last_slice_of_one_item_is_answered(row, slices, case, monkeypatch):
    monkeypatch.setattr(sequence_to_sequence, "ITEMS", 4)
    monkeypatch.setattr(language_modelling, "SAMPLED", 2)
    case = case(row)
    predictor = BySlices(case.predictor, 4)
    split, whole = (case.split.take(torch.arange(count)) for count in (4 * slices + 1, 4 * slices + 2))
    expected = case.task.predictions(case.task.predict(case.predictor, whole), whole)[:-1]
    answer = case.task.predict(predictor, split)
    found = case.task.predictions(answer, split)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
    case.task.compute_metrics(answer, split)
    case.task.exhibits(answer, split)


class BySlices(ModulePredictor):
    """A network that is given a few items at a time."""

    def __init__(self, predictor, items):
        super().__init__(predictor.model, {**vars(predictor)})
        self.items = items

    def outputs(self, inputs, *, batch_size=256):
        return super().outputs(inputs, batch_size=min(self.items, batch_size))


@pytest.mark.parametrize("row", NETWORKS)
def test_inputs_are_those_of_the_task(row, case, tmp_path):
    case = case(row)
    if not isinstance(case.reader, FromOutputs) or "text" not in case.items:
        return  # its inputs are compared through its answers
    texts = case.items["text"].tolist()[:20]
    if row == "english":
        return
    if row == "reviews_and_news":
        tasks = ["movie_reviews" if label < 2 else "ag_news" for label in case.items["label"]]
        texts = [f"{task}\t{text}" for task, text in zip(tasks, texts, strict=False)]
    assert (case.inputs(written(tmp_path, texts)) == case.split.inputs[: len(texts)].numpy()).all()
