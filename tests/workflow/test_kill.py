"""A run or a command that is killed at any moment, again and again, ends with the bytes of one that was not.

A round is twenty moments. `make test` has one, `make test-long` five more.
"""

import json
import random
import shlex
import shutil
import signal
import time

import pytest

from assay.files import UNFINISHED, read_json, sha256
from assay.provenance import records
from tests.workflow.kills import begun, ended, kill, wait_for
from tests.workflow.project import Project

ROUNDS = [0, *(pytest.param(number, marks=pytest.mark.long) for number in range(1, 6))]
TRIES = 8
"""How often a moment is tried: a job may end before its turn to be killed comes."""
MLP = "tiny/digits/mlp/0"
RECORDS = {
    "ingest": "data/raw/digits_twin/source.json",
    "prepare": "data/prepared/digits_twin/prepared.json",
    "validate": "data/validated/digits_twin.json",
    "train": f"artifacts/trained/{MLP}/status.json",
    "compress": f"artifacts/compressed/{MLP}/prune/status.json",
    "evaluate": f"reports/cells/{MLP}/prune/status.json",
    "report": "reports/index.html",
    "verdict": "reports/verdict.json",
}
"""By phase: what the job that is killed leaves; without it the job runs again."""
ALONE = {"validate", "report", "verdict"}
"""Phases whose record shares its folder with others."""
UNSERVED = ("group", "job")
SERVED = ("group", "server", "client", "job")
DATA = {"ingest": (2, UNSERVED), "prepare": (1, UNSERVED), "validate": (2, UNSERVED)}
MODELS = {"train": (3, SERVED), "compress": (2, SERVED)}
RESULTS = {"evaluate": (2, SERVED), "report": (1, SERVED), "verdict": (1, UNSERVED)}
"""By phase: at how many moments of a round it is killed, and which of its processes may be."""
KEPT = ("validate", "train", "compress", "evaluate")
"""Phases that leave a record of a job whose process was killed."""
MEASURED = (
    "measured.json", "costs.csv", "index.html", "results.md", "compression.csv", "compression-digits.tex",
    "pareto-latency.svg", "latency-digits.svg", "spent.svg", "trade-off-speed.svg", "mlp.md",
)  # fmt: skip
"""What holds seconds, memory or the hour, and so is never equal."""


def results(project):
    """Return the bytes of all that must be equal; of files about measured ones, what they are about."""
    paths = [path for name in ("data", "artifacts", "reports") for path in (project.folder / name).rglob("*")]
    found = {
        str(path.relative_to(project.folder)): path.read_bytes()
        for path in paths
        if path.is_file() and path.name not in MEASURED and "validation" not in path.parts
    }
    for name in found:
        if name.endswith("/made.json"):
            found[name] = sorted(json.loads(found[name]))
    found["reports/report.json"] = sorted(json.loads(found["reports/report.json"])["files"])
    return found


def debris(project):
    """Return what only a killed or failed job leaves in the versioned folders."""
    folders = [project.folder / name for name in ("data", "artifacts", "reports")]
    patterns = (UNFINISHED, "*.failed.json", "failures.json", "last.ckpt", "last.json")
    return [path for folder in folders for pattern in patterns for path in folder.rglob(pattern)]


def different(project, other):
    """Return the names of the files that are not equal."""
    found, expected = results(project), results(other)
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


@pytest.fixture
def project(tiny, tmp_path):
    """A copy of the finished run, in which only what a test takes away has to run again."""
    return Project(shutil.copytree(tiny.folder, tmp_path / "copy", symlinks=True))


@pytest.fixture(params=ROUNDS)
def moments():
    """What chooses the moments of a round; its seed is printed."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed of the moments: {seed}")
    return random.Random(seed)


def seconds(project, phase):
    """Return about how long a job of a phase takes."""
    measured = (project.folder / RECORDS[phase]).with_name("measured.json")
    return 0.9 * read_json(measured)["seconds"] if measured.exists() else 1.0


def take_away(project, phase):
    """Have the job of a phase run again, if it is done; what a killed one left stays."""
    record = project.folder / RECORDS[phase]
    if record.exists():
        record.unlink() if phase in ALONE else shutil.rmtree(record.parent)


def is_killed(project, tiny, phase, victim, target, moments):
    """Run with a kill in ``phase``; say whether it came before the job's end. What it must lead to is checked."""
    take_away(project, phase)
    with begun(project, f"snakemake --cores 2 --quiet all -- {target}") as run:
        assert wait_for(run, phase), ended(project, run)
        time.sleep(moments.uniform(0, seconds(tiny, phase)))
        kill(run, victim, phase)
        code, printed = ended(project, run)
    if victim == "group":
        return code < 0
    if victim == "job" and phase in KEPT:
        record = project.folder / RECORDS[phase]
        found = records.find(record) or records.find(records.aside(record))
        assert code == (target == "all" and found["status"] != "ok"), printed
        return found["status"] == "killed"
    assert code in (0, 1), printed
    return code == 1


def chain(project, tiny, phases, target, moments):
    """Kill run after run, each on what the one before left; then let one end."""
    for phase, (times, victims) in phases.items():
        for victim in moments.sample(victims, times):
            tries = (is_killed(project, tiny, phase, victim, target, moments) for _ in range(TRIES))
            began = time.monotonic()
            assert any(tries), f"{phase}: every job ended before its {victim} was killed"
            print(f"{phase}: killed {victim} ({time.monotonic() - began:.0f} s)")
    ran = project.run(f"snakemake --cores 2 --quiet all -- {target}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert different(project, tiny) == []
    assert debris(project) == []
    assert project.jobs("suite=tiny") == {}


def test_data_that_were_being_made_are_as_if_nothing_was_killed(project, tiny, moments):
    chain(project, tiny, DATA, "validated", moments)


def test_models_that_were_being_made_are_as_if_nothing_was_killed(project, tiny, moments):
    chain(project, tiny, MODELS, "all", moments)


def test_results_that_were_being_made_are_as_if_nothing_was_killed(project, tiny, moments):
    chain(project, tiny, RESULTS, "all", moments)


def ended_whole(project, program, command):
    """Return a copy in which a command ended, and how many changes its program made to files there."""
    twin = Project(shutil.copytree(project.folder, project.folder.with_name("whole"), symlinks=True))
    counted = twin.folder.with_name("changes")
    with begun(twin, command, DYING=program, CHANGES=str(counted)) as run:
        code, printed = ended(twin, run)
    assert code == 0, printed
    return twin, int(counted.read_text())


def is_killed_at(project, program, command, change):
    """Say whether a command was killed just before its n-th change of a file: it may have made fewer."""
    with begun(project, command, DYING=program, CHANGE=str(change)) as run:
        code, printed = ended(project, run)
    print(f"{command}: {'killed' if code else 'ended'} before change {change}")
    assert code <= 0, printed
    return code < 0


def finish(project, command):
    """Run a command to its end."""
    ran = project.run(command)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def test_snakemake_itself_may_die_at_any_change_of_a_file(project, tiny, moments):
    run = "snakemake --cores 2 --quiet all"
    take_away(project, "verdict")
    whole, changes = ended_whole(project, "snakemake", run)
    shutil.rmtree(whole.folder)
    killed = 0
    while killed < 3:
        take_away(project, "verdict")
        killed += is_killed_at(project, "snakemake", run, moments.randint(1, changes))
    finish(project, run)
    assert different(project, tiny) == []
    assert debris(project) == []
    assert project.jobs("suite=tiny") == {}


def test_sweep_and_restore_that_were_killed_end_as_if_they_were_not(project, tiny, moments):
    project.edit(
        "params.yaml", "models: [majority, mlp], methods: [prune], synth", "models: [majority], synth"
    )
    swept, changes = ended_whole(project, "assay", "assay sweep")
    assert is_killed_at(project, "assay", "assay sweep", moments.randint(1, changes))
    project.jobs("suite=tiny")
    for seal in project.folder.glob("*/*/records.sha256"):
        sums = [line.split("  ") for line in seal.read_text().splitlines()]
        assert all(sha256(seal.parent / name) == digest for digest, name in sums)
    finish(project, "assay sweep")
    assert different(project, swept) == []
    assert debris(project) == []
    shutil.rmtree(swept.folder)
    shutil.copy(tiny.folder / "params.yaml", project.folder)
    restored, changes = ended_whole(project, "assay", "assay restore")
    assert different(restored, tiny) == []
    assert is_killed_at(project, "assay", "assay restore", moments.randint(1, changes))
    finish(project, "assay restore")
    assert different(project, tiny) == []
    assert debris(project) == []
    assert project.jobs("suite=tiny") == {}


def test_publish_that_was_killed_ends_as_if_it_was_not(project, moments):
    whole, changes = ended_whole(project, "assay", "assay publish")
    assert is_killed_at(project, "assay", "assay publish", moments.randint(1, changes))
    finish(project, "assay publish")
    made, expected = (
        {
            path.relative_to(each.folder): path.read_bytes()
            for path in (each.folder / "docs").rglob("*")
            if path.is_file()
        }
        for each in (project, whole)
    )
    assert made == expected


def test_beside_a_run_nothing_else_writes_and_it_ends_as_if_alone(project, tiny):
    take_away(project, "report")
    with begun(project, "snakemake --cores 2 --quiet all") as run:
        job = wait_for(run, "report")
        job.suspend()
        params = (project.folder / "params.yaml").read_text()
        project.edit(
            "params.yaml", "models: [majority, mlp], methods: [prune], synth", "models: [majority], synth"
        )
        before = state(project)
        for command in ("assay sweep", "assay restore", "assay publish", "snakemake --cores 1 --quiet all"):
            second = project.run(command)
            assert second.returncode == 2, command
            lines = [
                line
                for line in second.stderr.splitlines()
                if not line.startswith("Using workflow specific profile")
            ]
            assert len(lines) == 1, second.stderr
            assert lines[0].startswith(
                f".snakemake/assay.lock: process {run.pid} is running in this folder"
            ), command
            assert second.stdout == ""
        finish(project, "snakemake -n --quiet rules")
        assert state(project) == before
        job.resume()
        assert ended(project, run)[0] == 0
    (project.folder / "params.yaml").write_text(params)
    assert different(project, tiny) == []
    assert debris(project) == []
    assert project.jobs("suite=tiny") == {}


def state(project):
    """Return when each file and folder was last written, Snakemake's own logs and Python's caches aside."""
    return {
        path: path.stat().st_mtime_ns
        for path in project.folder.rglob("*")
        if not {"log", "iocache", "__pycache__", ".git"} & set(path.parts)
    }


def test_training_that_was_killed_goes_on_from_its_checkpoint_to_the_same_bytes(project, tiny):
    project.edit("src/assay/training/checkpoint.py", "CHECKPOINT_SECONDS = 5.0", "CHECKPOINT_SECONDS = 0.0")
    project.edit(
        "src/assay/training/supervised.py",
        'state = checkpoint["assay"]',
        'print("resumed")\n        state = checkpoint["assay"]',
    )
    record = project.folder / RECORDS["train"]
    spec = json.dumps(records.read(record)["spec"])
    shutil.rmtree(record.parent)
    train = (
        f"python -m assay.pipeline.stages.train --prepared {RECORDS['prepare']} --validated {RECORDS['validate']}"
        f" --code '' --out {RECORDS['train']} --spec {shlex.quote(spec)}"
    )
    with begun(project, train) as run:
        while not record.with_name("last.ckpt").exists():
            assert run.poll() is None, run.communicate()
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        assert ended(project, run)[0] < 0
    assert "resumed" in finish(project, train).stdout
    for name in records.read(record)["files"]:
        assert (
            record.with_name(name).read_bytes()
            == (tiny.folder / RECORDS["train"]).with_name(name).read_bytes()
        )
