"""code.json covers what the cells of a phase run."""

import os

from assay.config.matrix import Matrix
from assay.config.params import load_params
from assay.files import read_json
from assay.paths import PARAMS
from assay.pipeline import phase_code
from assay.pipeline.rule_functions import Graph
from assay.provenance import code_digest


def test_every_file_that_a_cell_runs_is_in_its_phase(monkeypatch):
    monkeypatch.setattr(code_digest, "digest", frozenset)
    whole = phase_code.digests()
    params = load_params(PARAMS)
    phases = set()
    for suite in params.suites:
        graph = Graph(Matrix(params, suite))
        for job in (*graph.jobs, graph.report_job):
            phases.add(job.phase)
            assert job.request["code"] <= whole[job.phase], job.name
    assert phases == set(whole)


def test_every_phase_depends_on_the_rules_and_only_compression_on_its_methods(monkeypatch):
    monkeypatch.setattr(code_digest, "digest", frozenset)
    whole = phase_code.digests()
    assert all("src/assay/pipeline/rules/common.smk" in names for names in whole.values())
    method = "src/assay/compression/methods/low_rank.py"
    assert [phase for phase, names in whole.items() if method in names] == ["compress"]
    assert "src/assay/pipeline/stages/verdict.py" in whole["report"]


def test_code_json_is_written_when_it_is_outdated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    phase_code.write()
    assert read_json(phase_code.CODE) == phase_code.digests()
    os.utime(phase_code.CODE, (1, 1))
    phase_code.write()
    assert phase_code.CODE.stat().st_mtime == 1
    phase_code.CODE.write_bytes(b"\xff")
    phase_code.write()
    assert read_json(phase_code.CODE) == phase_code.digests()


def test_a_folder_with_assays_code_has_no_code_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code_digest.OWN.mkdir(parents=True)
    phase_code.write()
    assert not phase_code.CODE.exists()
