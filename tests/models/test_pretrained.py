"""Networks of others: a tiny one with random weights is written to disk by the transformers library and begun from."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModelForSequenceClassification, BertConfig, BertForMaskedLM

from assay.artifacts import store
from assay.data.datasets.text import review_grammar
from assay.files import read_json, sha256, write_json
from assay.models import pretrained
from assay.models.text.hugging_face import HuggingFace
from assay.pipeline.stages import compress, train
from assay.provenance import records

KNOBS = {"length": 24}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SPEC = {"family": "review_grammar", "knobs": {}, "split_strategy": "declared"}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    review_grammar.DATASET.make_twin(folder / "raw", 0)
    prepared = folder / "review_grammar_twin"
    facts = review_grammar.DATASET.prepare(folder / "raw", prepared, seed=0, validation_fraction=0.1)
    left = {"status": "ok", "reason": "", "traceback": "", "code": "c0de", "made_from": []}
    left |= {"dataset": prepared.name}
    records.write(prepared / "prepared.json", left | {"phase": "prepare", "spec": SPEC} | facts)
    records.write(folder / "validated.json", left | {"phase": "validate", "data": ""})
    return folder


@pytest.fixture
def network(tmp_path: Path, data: Path) -> Path:
    """A folder as the hub has them: a masked-word network whose tokenizer cuts words into pieces."""
    folder = tmp_path / "network"
    words = sorted(Tokenizer.from_file(str(data / "review_grammar_twin/tokenizer.json")).get_vocab())
    letters = sorted({letter for word in words for letter in word.lower()})
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), "the", "##ing", "not"]
    tokenizer = Tokenizer(
        models.WordPiece({piece: row for row, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def begun(network: Path, data: Path, **knobs: int) -> HuggingFace:
    found = pretrained.read(
        str(network), sha256(network / "model.safetensors"), data / "review_grammar_twin/prepared.json"
    )
    vocabulary = read_json(data / "review_grammar_twin/prepared.json")["vocabulary"]
    torch.manual_seed(1)
    model = HuggingFace(vocabulary=vocabulary, num_classes=2, **found.arguments, **{**KNOBS, **knobs})
    found.into(model)
    return model.eval()


def test_our_words_become_its_pieces_and_its_logits_ours(network: Path, data: Path) -> None:
    model = begun(network, data)
    ours = Tokenizer.from_file(str(data / "review_grammar_twin/tokenizer.json"))
    theirs = Tokenizer.from_file(str(network / "tokenizer.json"))
    torch.manual_seed(1)
    given = AutoModelForSequenceClassification.from_pretrained(network, num_labels=2).eval()
    given.load_state_dict(model.network.state_dict() | load_file(network / "model.safetensors"), strict=False)
    known = sorted(word for word, number in ours.get_vocab().items() if number > 1)
    in_pieces = next(word for word in known if len(theirs.encode(word).ids) > 3)  # beside begin and end
    texts = [" ".join(known[:2]), in_pieces]
    ids = [ours.encode(text).ids for text in texts]
    longest = max(map(len, ids))
    found = model(torch.tensor([[*row, *[0] * (longest - len(row))] for row in ids]))
    for text, logits in zip(texts, found, strict=True):
        pieces = theirs.encode(text).ids
        assert 3 < len(pieces) <= KNOBS["length"]
        torch.testing.assert_close(logits, given(torch.tensor([pieces])).logits[0], rtol=1e-4, atol=1e-5)


def test_a_long_text_keeps_its_end_mark_and_an_empty_one_is_no_nan(network: Path, data: Path) -> None:
    model = begun(network, data, length=8)
    pieces = model.cut_up(torch.full((1, 30), 5))
    assert pieces.shape == (1, 8)
    assert (pieces[0, 0].item(), pieces[0, -1].item()) == (2, 3)
    assert model.cut_up(torch.zeros(1, 30, dtype=torch.int64)).tolist() == [[2, 3]]
    assert model(torch.zeros(2, 30, dtype=torch.int64)).isfinite().all()


def test_longer_than_the_network_reads_is_one_line(network: Path, data: Path) -> None:
    with pytest.raises(ValueError, match="length = 33; bert reads at most 32 pieces"):
        begun(network, data, length=33)


def spec_of(network: Path | str, revision: str) -> dict[str, object]:
    return {
        "task": "reviews",
        "model": "theirs",
        "seed": 0,
        "kind": "text_classification",
        "dataset": "review_grammar_twin",
        "target": "assay.models.text.hugging_face:HuggingFace",
        "loop": "supervised",
        "knobs": KNOBS,
        "train_items": None,
        "train_fraction": 1.0,
        "pretrained": {"source": str(network), "revision": revision},
        "training": {
            "optimizer": "adamw", "learning_rate": 1e-3, "momentum": 0.9, "weight_decay": 0.01,
            "schedule": "constant", "warmup": 0.0, "batch_size": 32, "epochs": 2, "max_steps": 0,
            "label_smoothing": 0.0, "gradient_clip": 1.0, "augment": False, "patience": 0,
        },
        "lightning": {
            "accelerator": "cpu", "devices": 1, "num_nodes": 1, "strategy": "auto", "precision": "bf16-auto",
        },
    }  # fmt: skip


def trained(spec: dict[str, object], data: Path, out: Path) -> dict[str, object]:
    arguments = ["--spec", json.dumps(spec), "--prepared", str(data / "review_grammar_twin/prepared.json")]
    arguments += [
        "--validated",
        str(data / "validated.json"),
        "--code",
        "c0de",
        "--out",
        str(out / "status.json"),
    ]
    assert train.main(arguments) == 0
    return read_json(out / "status.json")


def test_a_cell_is_fine_tuned_and_needs_its_source_no_more(network: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "cell"
    record = trained(spec_of(network, sha256(network / "model.safetensors")), data, out)
    assert record["status"] == records.OK, record["reason"]
    shutil.rmtree(network)
    predictor = store.load(out, record["artifact"])
    ids = torch.randint(0, 20, (5, 12)).numpy()
    assert predictor.outputs(ids).shape == (5, 2)


@pytest.mark.parametrize(
    ("method", "knobs"),
    [("int8_dynamic", {}), ("prune_magnitude", {"sparsities": [0.5], "fine_tune": 0, "rate": 0.3})],
)
def test_it_is_compressed_as_any_other(
    method: str, knobs: dict[str, object], network: Path, data: Path, tmp_path: Path
) -> None:
    whole = trained(spec_of(network, sha256(network / "model.safetensors")), data, tmp_path / "cell")
    spec = {
        "target": f"assay.compression.methods.{method}:compress",
        "knobs": knobs,
        "max_relative_drop": 1.0,
        "metric": None,
    }
    prepared = data / "review_grammar_twin/prepared.json"
    arguments = ["--spec", json.dumps(spec), "--prepared", str(prepared)]
    arguments += ["--source", str(tmp_path / "cell/status.json"), "--code", "c0de"]
    assert compress.main([*arguments, "--out", str(tmp_path / "small/status.json")]) == 0
    small = read_json(tmp_path / "small/status.json")
    assert small["status"] == records.OK, small["reason"]
    inputs = load_file(prepared.parent / "arrays.safetensors")["tokens"][:40].long().numpy()
    exact = store.load(tmp_path / "cell", whole["artifact"]).outputs(inputs)
    found = store.load(tmp_path / "small", small["artifact"]).outputs(inputs)
    assert found.shape == exact.shape
    assert 0 < np.abs(found - exact).max() < 0.5 * np.abs(exact).max()


def test_weights_other_than_those_named_are_refused(network: Path, data: Path, tmp_path: Path) -> None:
    record = trained(spec_of(network, "0" * 64), data, tmp_path / "cell")
    assert record["status"] == records.FAILED
    assert f"sha256 {sha256(network / 'model.safetensors')} found" in record["reason"]


def test_pickled_weights_alone_are_refused(network: Path, data: Path, tmp_path: Path) -> None:
    torch.save(load_file(network / "model.safetensors"), network / "pytorch_model.bin")
    (network / "model.safetensors").unlink()
    record = trained(spec_of(network, "0" * 64), data, tmp_path / "cell")
    assert record["status"] == records.FAILED
    assert "pytorch_model.bin: a pickle, which can run code when it is read" in record["reason"]
    (network / "pytorch_model.bin").unlink()
    with pytest.raises(
        ValueError, match=r"no model\.safetensors and no model\.safetensors\.index\.json; a folder"
    ):
        pretrained.fetch(str(network), "0" * 64)


@pytest.fixture
def sharded(network: Path, tmp_path: Path) -> Path:
    """The same network in shards."""
    folder = tmp_path / "sharded"
    BertForMaskedLM.from_pretrained(network).save_pretrained(folder, max_shard_size="10KB")
    shutil.copy(network / "tokenizer.json", folder)
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    return folder


def test_shards_are_read_as_one_file_is(network: Path, sharded: Path, data: Path) -> None:
    names = [
        "model.safetensors.index.json",
        *sorted(path.name for path in sharded.glob("model-*.safetensors")),
    ]
    listed = subprocess.run(["sha256sum", *names], cwd=sharded, capture_output=True, check=True).stdout
    revision = hashlib.sha256(listed).hexdigest()
    found = pretrained.read(str(sharded), revision, data / "review_grammar_twin/prepared.json")
    whole = begun(network, data).state_dict()
    torch.manual_seed(1)
    model = HuggingFace(vocabulary=len(found.words), num_classes=2, **found.arguments, **KNOBS)
    found.into(model)
    assert all(
        torch.equal(weight, whole[name])
        for name, weight in model.state_dict().items()
        if "classifier" not in name
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "../other.safetensors",
            "shard '../other.safetensors'; a .safetensors file next to the index is needed",
        ),
        ("/etc/passwd", "shard '/etc/passwd'; a .safetensors file"),
        ("sub/model.safetensors", "shard 'sub/model.safetensors'; a .safetensors file"),
        ("..", "shard '..'; a .safetensors file"),
        ("pytorch_model.bin", "shard 'pytorch_model.bin'; a .safetensors file"),
        (["a"], "shard .* a .safetensors file"),
        ("gone.safetensors", "gone.safetensors: not found"),
        (None, "no weight_map or no metadata"),
    ],
)
def test_an_index_that_leads_elsewhere_is_one_line(
    name: object, message: str, sharded: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"")
    index = read_json(sharded / "model.safetensors.index.json")
    first = next(iter(index["weight_map"]))
    index["weight_map"] = {**index["weight_map"], first: name} if name else []
    write_json(sharded / "model.safetensors.index.json", index)
    with pytest.raises(ValueError, match=message) as caught:
        pretrained.fetch(str(sharded), "0" * 64)
    assert "\n" not in str(caught.value)


def test_a_head_of_more_classes_is_drawn_afresh_and_said(
    network: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(network, num_labels=3)
    model.config.id2label = {0: "low", 1: "middle", 2: "high"}
    model.save_pretrained(network)
    capsys.readouterr()
    found = begun(network, data).network
    assert found.classifier.weight.shape == (2, 16)
    body = load_file(network / "model.safetensors")
    assert torch.equal(found.bert.pooler.dense.weight, body["bert.pooler.dense.weight"])
    [message] = capsys.readouterr().err.splitlines()
    assert message.endswith(
        "classifier.bias has shape (3,), for 2 classes (2,) is needed; the head is reinitialised"
    )


def test_weights_of_another_shape_are_one_line(network: Path, data: Path) -> None:
    config = read_json(network / "config.json")
    write_json(network / "config.json", {**config, "intermediate_size": 48})
    with pytest.raises(ValueError, match=r"intermediate.dense.* has shape \(32.*config.json says \(48"):
        begun(network, data)


def test_damaged_weights_are_one_line(network: Path, data: Path) -> None:
    path = network / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        begun(network, data)
    assert "\n" not in str(caught.value)


def test_code_that_a_folder_brings_is_not_run(network: Path, data: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    (network / "modeling.py").write_text(f"open({str(trap)!r}, 'w')\nclass Net: ...\nclass Config: ...\n")
    config = read_json(network / "config.json")
    ours = {"AutoConfig": "modeling.Config", "AutoModelForSequenceClassification": "modeling.Net"}
    write_json(network / "config.json", {**config, "auto_map": ours})
    record = trained(spec_of(network, sha256(network / "model.safetensors")), data, tmp_path / "cell")
    assert record["status"] == records.OK, record["reason"]
    assert not trap.exists()


def test_weights_of_another_network_are_refused(network: Path, data: Path, tmp_path: Path) -> None:
    weights = load_file(network / "model.safetensors")
    dropped = next(name for name in weights if name.endswith("layer.1.output.dense.weight"))
    del weights[dropped]
    save_file(weights, network / "model.safetensors", metadata={"format": "pt"})
    record = trained(spec_of(network, sha256(network / "model.safetensors")), data, tmp_path / "cell")
    assert record["status"] == records.FAILED
    assert f"1 weights are missing, first {dropped}" in record["reason"]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("config.json", "{}", "no model_type"),
        ("config.json", '{"model_type": "no_such"}', "no_such"),
        ("tokenizer.json", "{", "not a tokenizer"),
    ],
)
def test_a_broken_file_is_one_line(
    file: str, text: str, said: str, network: Path, data: Path, tmp_path: Path
) -> None:
    (network / file).write_text(text)
    record = trained(spec_of(network, sha256(network / "model.safetensors")), data, tmp_path / "cell")
    assert record["status"] == records.FAILED
    assert said in record["reason"]
    assert "\n" not in record["reason"]


def test_an_id_that_cannot_be_fetched_is_a_failed_cell(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    record = trained(spec_of("nobody/nothing", "1" * 40), data, tmp_path / "cell")
    assert record["status"] == records.FAILED
    assert "pretrained.source = nobody/nothing: no folder of that name" in record["reason"]
    assert "\n" not in record["reason"]
