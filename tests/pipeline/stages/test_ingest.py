"""Ingestion leaves upstream's bytes, or a record that says why not."""

import json
import socket
from pathlib import Path

import pytest

from assay.config import registry
from assay.data.datasets.image import mnist
from assay.files import sha256
from assay.pipeline.stages import ingest, prepare
from assay.provenance import records


def run(tmp_path, dataset):
    out = tmp_path / dataset / "source.json"
    spec = json.dumps({"family": dataset.removesuffix(registry.TWIN), "knobs": {}})
    arguments = [dataset, "--spec", spec, "--code", "c0de", "--out", str(out), "--log", str(tmp_path / "log")]
    assert ingest.main(arguments) == 0
    return json.loads(out.read_text())


@pytest.mark.parametrize("dataset", [f"{name}{registry.TWIN}" for name in registry.DATASETS])
def test_a_twin_is_generated_the_same_each_time_and_can_be_prepared(tmp_path, dataset):
    first, second = run(tmp_path / "a", dataset), run(tmp_path / "b", dataset)
    assert first == second
    assert first["status"] == "ok"
    assert first["twin"] is True
    for name, facts in first["files"].items():
        assert sha256(tmp_path / "a" / dataset / name) == facts["sha256"]
    out = tmp_path / "prepared" / dataset / "prepared.json"
    name = dataset.removesuffix(registry.TWIN)
    split = {"split_seed": 0, "validation_fraction": 0.2, "split_strategy": "declared"}
    spec = json.dumps({"family": name, "knobs": {}, **split})
    source = str(tmp_path / "a" / dataset / "source.json")
    assert (
        prepare.main([dataset, "--spec", spec, "--source", source, "--code", "c0de", "--out", str(out)]) == 0
    )
    record = json.loads(out.read_text())
    assert record["status"] == "ok", record["reason"]
    assert set(record["counts"]) == {"train", "validation", "test"}


def test_a_dataset_whose_bytes_are_wrong_is_not_used_and_the_error_names_both_digests(tmp_path, monkeypatch):
    mirror = tmp_path / "mirror" / "mnist"
    mirror.mkdir(parents=True)
    for file in mnist.DATASET.source.files:
        (mirror / file.name).write_bytes(b"x" * file.size)
    monkeypatch.setenv("ASSAY_MIRROR", str(mirror.parent))
    monkeypatch.setattr(
        type(mnist.DATASET), "fetch", lambda _, raw, *, mirror: _fetch_without_network(raw, mirror)
    )
    record = run(tmp_path, "mnist")
    assert record["status"] == "failed"
    expected = mnist.DATASET.source.files[0].sha256
    assert expected in record["reason"]
    assert sha256(mirror / mnist.DATASET.source.files[0].name) in record["reason"]
    assert not list((tmp_path / "mnist").glob("*.gz"))


def test_the_password_of_a_mirror_that_does_not_answer_is_nowhere(tmp_path, monkeypatch, capfd):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("ASSAY_MIRROR", f"http://user:hunter2@{address}?token=hunter2")
        monkeypatch.setattr(
            type(mnist.DATASET), "fetch", lambda _, raw, *, mirror: _fetch_without_network(raw, mirror)
        )
        record = run(tmp_path, "mnist")
    assert record["status"] == "failed"
    assert (
        f"http://***@{address}/mnist/{mnist.DATASET.source.files[0].name}?token=***: no connection"
        in record["reason"]
    )
    shown = capfd.readouterr()
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) == 2  # source.json and the log
    assert b"hunter2" not in b"".join([*kept, (shown.out + shown.err).encode()])


def _fetch_without_network(raw: Path, mirror: str):
    from dataclasses import replace

    from assay.data.download import PATIENCE, describe, fetch

    files = [replace(file, urls=()) for file in mnist.DATASET.source.files]
    return describe(fetch(files, raw, mirror=mirror, patience=replace(PATIENCE, attempts=1)))


def test_what_was_not_ingested_is_not_prepared(tmp_path):
    source = tmp_path / "source.json"
    record = {"status": "failed", "phase": "ingest", "reason": "no route", "traceback": ""}
    records.write(source, record | {"code": "c0de", "made_from": []})
    out = tmp_path / "prepared.json"
    split = {"split_seed": 0, "validation_fraction": 0.2, "split_strategy": "declared"}
    spec = json.dumps({"family": "mnist", "knobs": {}, **split})
    assert (
        prepare.main(["mnist", "--spec", spec, "--source", str(source), "--code", "c0de", "--out", str(out)])
        == 0
    )
    record = json.loads(out.read_text())
    assert (record["status"], record["phase"], record["reason"]) == ("failed", "ingest", "no route")
