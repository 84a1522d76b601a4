"""`assay init` writes a project, which both engines run with the installed package; this repository is one too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import modify_yaml
from typer.testing import CliRunner

from assay.cli import app
from assay.config.json_schema import schema
from assay.config.params import load_params
from assay.pipeline.init import templates
from tests.workflow.project import ROOT, Project

WRITTEN = {
    ".dvcignore", ".gitignore", "README.md", "Snakefile", "data/expectations/.gitkeep", "data/own/.gitkeep",
    "docs/tuning.csv", "dvc.yaml", "params.schema.json", "params.yaml", "profiles/default/config.yaml",
}  # fmt: skip
DVC = {".dvc/.gitignore", ".dvc/config"}
NAME = "das erste Projékt"
ONE_CELL = "first: {tasks: [digits], models: [majority], seeds: [0]}"
ALWAYS = ["code:", "always changed"]
"""What `dvc status` prints when there is nothing to do: whether another Assay was installed only its stage can tell."""


class Installed(Project):
    """A project, and a copy of the package that was installed with pip in a folder of its own."""

    @property
    def package(self) -> Path:
        return self.folder.parents[1] / "site"

    def run(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return super().run(command, PYTHONPATH=str(self.package), **environment)

    def ok(self, command: str) -> str:
        ran = self.run(command)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr


def init(*words: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["init", *words])
    return ran.exit_code, ran.stdout + ran.stderr


def files(folder: Path) -> set[str]:
    """Return the files of a folder without Git's own and DVC's temporary ones."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return {str(path) for path in found if not {".git", "tmp"} & set(path.parts)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A project in a folder with blanks and other letters that has recorded one cell. Copy it before you change it."""
    top = tmp_path_factory.mktemp("installed")
    source = top / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source)
    shutil.copytree(
        ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "tmp")
    )
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", top / "site", source], check=True)
    shutil.rmtree(source)
    folder = top / "Projékte" / NAME
    folder.parent.mkdir()
    project = Installed(folder)
    begin = Installed(top / "Projékte")
    ran = subprocess.run(
        [sys.executable, "-m", "assay.cli", "init", NAME],
        cwd=begin.folder,
        env={**os.environ, "PYTHONPATH": str(top / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == f"next: cd '{NAME}' && snakemake --cores all"
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["suites"] = yaml.safe_load(ONE_CELL)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    assert "to record this run in DVC: dvc commit --force" in project.ok("snakemake --cores 2 --quiet all")
    project.ok("git add -A . && git -c user.name=t -c user.email=t@t commit -qm begin && dvc commit --force")
    return project


def test_writes_these_files_and_is_under_git_and_dvc(folder: Path) -> None:
    code, printed = init()
    assert code == 0, printed
    assert files(folder) == WRITTEN | DVC
    *_, git, dvc, _, following = printed.splitlines()
    assert (git, dvc, following) == ("ran git init", "ran dvc init", "next: snakemake --cores all")
    assert json.loads(Path("params.schema.json").read_text()) == schema()
    assert load_params(Path("params.yaml")).suite == "first"
    before = Path("params.yaml").read_bytes()
    with modify_yaml("params.yaml"):
        pass
    assert Path("params.yaml").read_bytes() == before


def test_a_folder_in_a_repository_becomes_a_project_of_its_own(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    code, printed = init("models/näm e")
    assert code == 0, printed
    assert "git init" not in printed
    assert "ran dvc init --subdir" in printed
    assert files(folder) == {f"models/näm e/{name}" for name in WRITTEN | DVC}


def test_without_git_dvc_stands_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    code, printed = init("new")
    assert code == 0, printed
    assert "ran dvc init --no-scm" in printed
    assert "git" not in printed.replace(".git", "")
    assert "no_scm" in Path("new/.dvc/config").read_text()


@pytest.mark.parametrize("name", ["params.yaml", "Snakefile", "dvc.yaml"])
def test_a_folder_with_a_project_is_refused(folder: Path, name: str) -> None:
    Path(name).symlink_to("nowhere")
    assert init() == (2, f"{name}: already exists; choose a folder without a project\n")
    assert files(folder) == {name}


def test_a_path_in_which_dvc_fails_is_refused(folder: Path) -> None:
    line = f"{folder / 'a{b}'}: DVC fails in a folder with {{ or }} in its path; choose another folder\n"
    assert init("a{b}") == (2, line)
    assert files(folder) == set()


def test_nothing_is_written_through_a_link_or_into_a_file(folder: Path) -> None:
    Path("elsewhere").mkdir()
    Path("new").mkdir()
    Path("new/profiles").symlink_to("../elsewhere")
    assert init("new") == (2, "new/profiles: not a folder but a file or a link; choose another folder\n")
    Path("file").touch()
    assert init("file") == (2, "file: cannot be written: File exists\n")
    assert files(folder) == {"file"}


@pytest.mark.usefixtures("folder")
def test_a_file_that_exists_is_kept() -> None:
    Path("README.md").write_text("mine")
    Path(".gitignore").symlink_to("nowhere")
    Path("params.schema.json").touch()
    code, printed = init()
    assert code == 0, printed
    assert Path("README.md").read_text() == "mine"
    assert not Path("nowhere").exists()
    assert f"kept README.md; a new project's is {templates()[Path('README.md')]}" in printed
    assert "kept params.schema.json\n" in printed


def test_after_snakemake_neither_engine_has_anything_to_do(installed: Installed) -> None:
    again = installed.ok("dvc repro")
    assert again.count("Running stage") == again.count("Running stage 'code'") == 1
    assert [line.strip() for line in installed.ok("dvc status").splitlines()] == ALWAYS
    assert installed.jobs("suite=first") == {}


def test_a_subfolder_names_the_folder_to_go_to(installed: Installed) -> None:
    for command in ("assay plan", "snakemake -n --snakefile ../../Snakefile"):
        ran = installed.run(f"cd data/own && {command}")
        assert ran.returncode == 2
        line = f"params.yaml: not in this folder; go to the project's: cd '{installed.folder}'"
        assert line in ran.stderr.splitlines()


def test_another_version_of_the_package_runs_again_what_uses_it(installed: Installed, tmp_path: Path) -> None:
    shutil.copytree(installed.package, tmp_path / "site")
    project = Installed(tmp_path / "one" / "copy")
    shutil.copytree(installed.folder, project.folder, symlinks=True)
    with (project.package / "assay/models/baselines/majority.py").open("a") as file:
        file.write("# another version\n")
    assert project.jobs("suite=first").items() >= {"train": 1, "evaluate": 1, "report": 1}.items()
    ran = project.ok("dvc repro")
    assert "Stage 'prepare' didn't change, skipping" in ran
    assert "Running stage 'train'" in ran
    assert [line.strip() for line in project.ok("dvc status").splitlines()] == ALWAYS
    assert project.jobs("suite=first") == {}
    (project.folder / "code.json").write_text("{}")
    assert "0 of them were missing" in project.ok("assay restore")


def test_this_repository_is_such_a_project() -> None:
    texts = {str(path): template.read_text() for path, template in templates().items()}
    for name in (
        ".dvcignore",
        "profiles/default/config.yaml",
        "data/own/.gitkeep",
        "data/expectations/.gitkeep",
    ):
        assert texts[name] == (ROOT / name).read_text(), name
    assert texts["docs/tuning.csv"] == (ROOT / "docs/tuning.csv").read_text().splitlines(keepends=True)[0]
    assert set(texts[".gitignore"].splitlines()) <= set((ROOT / ".gitignore").read_text().splitlines())
    own, new = ((ROOT / "Snakefile").read_text(), texts["Snakefile"])
    assert own.partition("\nrule all:")[2] == new.partition("\nrule all:")[2] != ""
    own, new = (yaml.safe_load(text) for text in ((ROOT / "dvc.yaml").read_text(), texts["dvc.yaml"]))
    assert new["stages"].pop("code")["outs"] == [{"code.json": {"cache": False, "persist": True}}]
    for phase, stage in own["stages"].items():
        stage["deps"] = [dep for dep in stage["deps"] if not dep.startswith("src/")]
        stage["params"] = [*stage.get("params", []), {"code.json": [phase]}]
    assert list(own["stages"]) == list(new["stages"])
    assert own == new
