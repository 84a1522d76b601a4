# Shared by all rules: the graph's functions, and the worker process that imports torch once for all cells.
# Only assay reads params.yaml (there is no `configfile:`), so that `config` holds only what the command line
# requests: --config suite=NAME tasks=A,B models=C,D.
import gc
import os
import sys
from pathlib import Path

from assay.provenance import dvc_lock, run_lock, snakemake_metadata
from assay import paths
from assay.pipeline import cleanup, phase_code, phase_digests, progress, trust
from assay.files import discard_unfinished, write_text
from assay.pipeline.rule_functions import Graph, matrix_or_exit
from assay.pipeline.stages import verdict
from assay.pipeline.worker import launch

# Snakemake's graph lives until the end of the run; collecting garbage every 700 objects took a third of the time at
# 10,000 cells.
gc.set_threshold(200_000)
MATRIX = matrix_or_exit(config)
PARAMS_TEXT = paths.PARAMS.read_text(encoding="utf-8")
GRAPH = Graph(MATRIX)
progress.introduce(GRAPH)

shell.prefix(launch.prefix(MATRIX.params.limits.cell_minutes))


wildcard_constraints:
    suite=MATRIX.suite,
    dataset="[a-z][a-z0-9_]*",
    task="[a-z][a-z0-9_]*",
    model="[a-z][a-z0-9_]*",
    method="[a-z][a-z0-9_]*",
    seed="[0-9]+",
    fold="[0-9]+",


# Snakemake remembers how each output was made; the records say whether the files here are still those outputs.
with run_lock.held_if_free() as is_free:
    if is_free:
        for line in trust.invalidate(GRAPH):
            print(line, file=sys.stderr)
        phase_digests.heal([GRAPH.verdict, *(job.record for job in GRAPH.jobs)])


onstart:
    try:
        MATRIX.params.trainer_of(MATRIX.suite).check_launcher()
        run_lock.hold()
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    phase_digests.unseal()
    phase_code.write()
    verdict.forget()
    write_text(paths.RUN_PARAMS, PARAMS_TEXT)
    waiting = list(workflow.dag.needrun_jobs())
    discard_unfinished(
        {Path(path).parent for job in waiting for path in job.output}
    )
    snakemake_metadata.not_later_than_now(
        {str(path) for job in waiting for path in job.input}
    )
    progress.expect(GRAPH, {path for job in waiting for path in job.output})
    # Snakemake 9.27 checks every waiting job each second, and once more per second for each job that has ended: after
    # 150 jobs that took a fifth of a core. Jobs take minutes here, so their rate needs no limit.
    workflow.scheduler.job_rate_limiter = None
    rules_to_run = {job.rule.name for job in waiting}
    if not rules_to_run.isdisjoint(launch.SERVED):
        launch.start(launch.needed(rules_to_run))


def pack_metadata():
    outputs = (list(map(str, job.output)) for job in workflow.dag.jobs)
    snakemake_metadata.pack(names for names in outputs if names)


onsuccess:
    cleanup.sweep(MATRIX.params)
    pack_metadata()
    phase_digests.seal()
    if (
        not GRAPH.is_selection
        and "DVC_STAGE" not in os.environ
        and dvc_lock.is_usable()
    ):
        print("to record this run in DVC: dvc commit --force", file=sys.stderr)


onerror:
    pack_metadata()
    phase_digests.seal()
    sys.exit(verdict.exit_code())
