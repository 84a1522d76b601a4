"""The proof of each number: what the records say, each repeated part once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from assay.files import read_json
from assay.report.output.proof import name_of, proof, proofs
from assay.report.results.collect import Task, read_variants
from tests.report import made_up

TASKS = {
    row["name"]: Task(row["name"], row["dataset"], "accuracy", "maximise", "accuracy", ("majority",))
    for row in made_up.TASKS
}
SPEC = {
    "kind": "image_classification",
    "target": "assay.models.image.mlp:MLP",
    "knobs": {"hidden": [128, 128], "dropout": 0.15},
    "training": {"epochs": 30, "batch_size": 32, "learning_rate": 0.001},
}


def digest(*names: object) -> str:
    return hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()


def write_records(row: dict[str, Any], commit: str = "c0ffee" * 6 + "c0ff") -> None:
    """Write the records of a finished variant as the stages leave them, with digests of a true length."""
    names = {key: row[key] for key in ("task", "model", "seed")}
    data = {name: digest("data", name) for name in ("arrays.safetensors", "items.parquet")}
    left = {
        "trained": ("train", ("model.safetensors", "history.csv"), {**SPEC, **names}),
        "compressed": ("compress", ("model.onnx",), {"knobs": {"sparsity": 0.9}, "max_relative_drop": 0.01}),
        "evaluated": (
            "evaluate",
            ("metrics.json", "predictions.parquet"),
            {**names, "method": row["method"]},
        ),
    }
    for key, (phase, files, spec) in left.items():
        method = "none" if key == "trained" else row["method"]
        if key == "compressed" and method == "none":
            continue
        found = {name: digest(*names.values(), method, name) for name in files}
        record = made_up.status("ok", phase, spec=spec, data=data, files=found, artifact={})
        made_up.record(row[key] / "status.json", record)
        made_up.write_measured(row[key], made_up.measured(1.25, lock=digest("lock"), commit=commit))
    made_up.write(row["evaluated"] / "metrics.json", {"test": {"accuracy": 0.5}})


def table_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the proofs of variants as a page reads them: from JSON."""
    found: dict[str, Any] = json.loads(json.dumps(proofs("public", read_variants(rows, TASKS))))
    return found


def test_a_proof_holds_what_the_records_say(tmp_path: Path) -> None:
    rows = made_up.plan(tmp_path, made_up.TASKS[:1], made_up.MODELS[3:5])
    for row in rows:
        write_records(row)
    table = table_of(rows)
    assert len(table["variants"]) == len(rows) == 18
    for row, name in zip(rows, table["variants"], strict=True):
        jobs = proof(table, name)["jobs"]
        kinds = {"train": "trained", "compress": "compressed", "evaluate": "evaluated"}
        assert [job["phase"] for job in jobs] == [
            phase for phase in kinds if phase != "compress" or row["method"] != "none"
        ]
        for job in jobs:
            record = read_json(row[kinds[job["phase"]]] / "status.json")
            measured = read_json(row[kinds[job["phase"]]] / "measured.json")
            asked = {
                key: value
                for key, value in record["spec"].items()
                if key not in ("task", "model", "seed", "method")
            }
            assert (job["spec"], job["data"], job["files"]) == (asked, record["data"], record["files"])
            assert job["host"] == measured["host"]
            assert job["code"] == {"commit": measured["commit"], "dirty": False}
            software = {"python": "3.11.2", "packages": {"torch": "2.13.0"}, "lock": digest("lock")}
            assert job["software"] == software
            assert (job["seconds"], job["peak_memory_bytes"]) == (1.25, 210_000_000)
            assert job["finished"] == measured["finished"]


def test_what_repeats_is_stored_once(tmp_path: Path) -> None:
    rows = made_up.plan(tmp_path, made_up.TASKS, made_up.MODELS[3:6])
    for row in rows:
        write_records(row)
    table = table_of(rows)
    assert {key: len(table[key]) for key in ("host", "software", "code", "data", "spec")} == {
        "host": 1,
        "software": 1,
        "code": 1,
        "data": 1,
        "spec": 3,  # of training, of compression; evaluation is asked nothing but names
    }
    cells = {(row["task"], row["model"], row["seed"]) for row in rows}
    compressed = [row for row in rows if row["method"] != "none"]
    assert len(table["jobs"]) == len(cells) + len(compressed) + len(rows)


def test_a_variant_takes_less_than_800_bytes(tmp_path: Path) -> None:
    sizes = []
    for seeds in (range(2), range(12)):
        rows = made_up.plan(tmp_path, made_up.TASKS[:1], made_up.MODELS[3:4], seeds=tuple(seeds))
        for row in rows:
            write_records(row)
        sizes.append(len(json.dumps(table_of(rows), separators=(",", ":"))))
    assert 300 < (sizes[1] - sizes[0]) / 30 < 800


def test_the_commands_are_those_of_the_variant(tmp_path: Path) -> None:
    rows = made_up.plan(
        tmp_path, made_up.TASKS[:1], made_up.MODELS[3:4], seeds=(7,), methods=("none", "prune")
    )
    for row in rows:
        write_records(row, commit="a" * 40)
    table = table_of(rows)
    assert {name: each["commands"] for name, each in table["variants"].items()} == {
        "digits/mlp/7": [f"git checkout {'a' * 40}", "assay verify digits/mlp/7 --suite public"],
        "digits/mlp/7/prune": [f"git checkout {'a' * 40}", "assay verify digits/mlp/7/prune --suite public"],
    }


def test_names_that_a_shell_would_run_are_quoted(tmp_path: Path) -> None:
    tasks = [{**made_up.TASKS[0], "name": "digits; rm -rf ~"}]
    rows = made_up.plan(tmp_path, tasks, made_up.MODELS[3:4], seeds=(0,), methods=("none",))
    write_records(rows[0], commit="$(reboot)")
    task = Task("digits; rm -rf ~", "digits", "accuracy", "maximise", "accuracy", ())
    (variant,) = read_variants(rows, {task.name: task})
    (found,) = proofs("a b", [variant])["variants"].values()
    assert found["commands"] == [
        "git checkout '$(reboot)'",
        "assay verify 'digits; rm -rf ~/mlp/0' --suite 'a b'",
    ]
    assert found["from_scratch"] == (
        "snakemake --cores all --config 'suite=a b' 'tasks=digits; rm -rf ~' models=mlp"
    )


def test_a_chain_names_the_variant_that_it_was_given(tmp_path: Path) -> None:
    rows = made_up.plan(tmp_path, made_up.TASKS[:1], made_up.MODELS[3:4], seeds=(0,))
    for row, source in zip(rows, (None, "none", "int8"), strict=True):
        write_records(row)
        row["source"] = source
    variants = table_of(rows)["variants"]
    assert [each.get("source") for each in variants.values()] == [None, None, "digits/mlp/0/int8"]


def test_what_failed_or_never_ran_has_a_proof_of_what_there_is(tmp_path: Path) -> None:
    rows = made_up.plan(tmp_path, made_up.TASKS[:1], made_up.MODELS[3:4], seeds=(0, 1), methods=("none",))
    made_up.fail_train(rows[0], "diverged", "training loss is nan")
    made_up.record(rows[1]["trained"] / "status.json", made_up.status("ok", "train", files=[1]))
    table = table_of(rows)
    first, second = (proof(table, name)["jobs"] for name in table["variants"])
    assert [job["status"] for job in first] == ["diverged", "skipped"]
    assert first[0]["files"] == {}
    assert [job["status"] for job in second] == ["failed", "not run"]
    assert second[1]["host"] is None
    assert table["variants"]["digits/mlp/1"]["commands"] == ["assay verify digits/mlp/1 --suite public"]


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    asked = made_up.write_tree(tmp_path)
    texts = [json.dumps(table_of(asked["variants"])) for _ in range(2)]
    assert texts[0] == texts[1]
    names = [name_of(variant) for variant in read_variants(asked["variants"], TASKS)]
    assert list(json.loads(texts[0])["variants"]) == names
