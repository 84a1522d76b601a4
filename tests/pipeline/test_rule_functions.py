"""What Snakemake's rules read, file by file and knob by knob, DVC's stages name too."""

from types import SimpleNamespace

import pytest
import yaml

from assay import paths
from assay.config.matrix import Matrix
from assay.config.params import Params, load_params
from assay.pipeline.rule_functions import Graph
from assay.provenance import code_digest
from tests.workflow.project import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
RULES = {
    "ingest": lambda graph: [graph.ingest_request(each) for each in datasets(graph)],
    "prepare": lambda graph: [graph.prepare_request(each) for each in prepared(graph)],
    "validate": lambda graph: [graph.validate_request(each) for each in datasets(graph)],
    "tune": lambda graph: [(graph.tune_request(row), graph.tune_from(row)) for row in graph.matrix.tuned],
    "train": lambda graph: [
        (graph.train_request(cell), graph.train_from(cell)) for cell in graph.matrix.cells
    ],
    "compress": lambda graph: [
        (graph.compress_request(each), graph.compress_from(each))
        for each in graph.matrix.variants
        if each.method != paths.UNCOMPRESSED
    ],
    "evaluate": lambda graph: [
        (graph.evaluate_request(each), graph.evaluate_from(each)) for each in graph.matrix.variants
    ],
}
"""What the rules of each phase ask, as src/assay/pipeline/rules has it."""


class Watched(Params):
    """Params that note which of their sections are read."""

    def __getattribute__(self, name):
        if name in Params.model_fields:
            SECTIONS.add(name)
        return super().__getattribute__(name)


SECTIONS = set()


@pytest.fixture
def read(monkeypatch):
    """Return the sections of params.yaml and the source files that the rules of a phase read, over all suites."""
    files = set()
    monkeypatch.setattr(code_digest, "digest", lambda names: files.update(names) or "digest")
    params = load_params(ROOT / "params.yaml")
    watched = Watched.model_construct(**{name: getattr(params, name) for name in Params.model_fields})

    def ask(phase):
        SECTIONS.clear()
        files.clear()
        found = [RULES[phase](Graph(Matrix(watched, suite))) for suite in params.suites]
        assert any(found)
        return set(SECTIONS), set(files)

    return ask


def datasets(graph):
    return [SimpleNamespace(dataset=name) for name in graph.matrix.datasets]


def prepared(graph):
    return [SimpleNamespace(dataset=name) for name in graph.matrix.prepared]


@pytest.mark.parametrize("phase", RULES)
def test_every_knob_and_source_of_a_rule_stands_in_its_stage(read, phase):
    sections, files = read(phase)
    assert "suites" in sections
    assert sections <= set(STAGES[phase]["params"])
    deps = STAGES[phase]["deps"]
    assert {f"src/assay/pipeline/stages/{phase}.py", "src/assay/provenance/records.py"} <= files
    assert [
        name for name in files if not any(name == dep or name.startswith(f"{dep}/") for dep in deps)
    ] == []


@pytest.mark.parametrize("phase", ["ingest", "prepare", "validate"])
def test_a_stage_before_training_names_no_source_that_its_rule_does_not_read(read, phase):
    files = read(phase)[1]
    named = [dep for dep in STAGES[phase]["deps"] if dep.startswith("src/")]
    assert [
        dep for dep in named if not any(name == dep or name.startswith(f"{dep}/") for name in files)
    ] == []


def test_the_rules_use_exactly_these_functions():
    text = "".join(
        path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "src/assay/pipeline/rules").glob("*.smk")]
    )
    used = {name for name in vars(Graph) if f"GRAPH.{name}" in text}
    known = {
        "ingest_request", "prepare_request", "validate_request", "tune_request", "tune_fold_request", "train_request",
        "compress_request", "evaluate_request", "prepare_from", "tune_from", "tune_fold_from", "train_from",
        "compress_from", "evaluate_from", "report_request", "jobs", "missing", "ingested", "prepared", "validated",
        "tuned", "trained", "compressed", "evaluated", "is_selection", "reports", "report_record", "verdict",
    }  # fmt: skip
    assert used == known
