"""The stage of compression, beside what each method does."""

import pytest

from assay.artifacts import kept
from assay.files import read_json
from assay.pipeline.stages import compress


@pytest.mark.parametrize(("words", "usable"), [([], True), (["--no-cache"], False)])
def test_kept_graphs_are_not_used_from_scratch(words, usable, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(compress, "compress", lambda *_: seen.append(kept.usable()) or {"files": {}})
    made_from = tmp_path / "status.json"
    made_from.write_text("{}")
    arguments = ["--spec", "{}", "--prepared", str(made_from), "--source", str(made_from), "--code", "c0de"]
    assert compress.main([*arguments, "--out", str(tmp_path / "out/status.json"), *words]) == 0
    assert read_json(tmp_path / "out/status.json")["status"] == "ok"
    assert seen == [usable]
    assert kept.usable()
