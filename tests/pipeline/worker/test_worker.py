"""Jobs through the fork server and alone: the same result, nothing stale, nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from assay.pipeline.worker import client, launch

CLIENT = [sys.executable, "-S", "-E", client.__file__]
SECONDS = 30  # at most, for anything here

CELL = """
import os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from cell import inner

def main(argv):
    what, *rest = argv
    if what == "echo":
        print(*rest, os.getcwd(), os.environ.get("COLOUR"), sys.stdin.read())
        print("complaint", file=sys.stderr)
        return 7
    if what == "exit":
        sys.exit(None if rest == ["none"] else rest[0])
    if what == "raise":
        raise ValueError("bad knob")
    if what == "value":
        print(inner.VALUE)
    if what == "modules":
        print(*[name for name in rest if name in sys.modules])
    if what == "ids":
        print(os.getpid() == os.getsid(0), os.getppid())
    if what == "threads":
        threading.Timer(0.2, print, ["later"]).start()
        ThreadPoolExecutor().submit(print, "pooled").result()
    if what == "die" and "--died" in rest:
        print("died", rest[rest.index("--died") + 1])
        return 4
    if what == "die":
        os.kill(os.getpid(), int(rest[0]))
    if what == "overrun" and "--died" not in rest:
        Path(rest[0]).write_text("begun")
        time.sleep(600)
    if what == "overrun":
        print(rest[1:])
    if what == "die twice":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "sleep":
        child = os.fork()
        if child:
            Path(rest[0]).write_text(f"{os.getpid()} {child}")
        time.sleep(600)
    return 0
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put the package ``cell`` on the path; afterwards no process of the test may be left."""
    package = tmp_path / "path" / "cell"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "inner.py").write_text("VALUE = 1\n")
    (package / "stage.py").write_text(CELL)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setenv("ASSAY_TEST", str(tmp_path))
    for name in ("ASSAY_WORKER", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    try:
        wait_until(lambda: not left_over(str(tmp_path)))
    finally:
        for process in left_over(str(tmp_path)):
            process.kill()


@pytest.fixture
def server() -> Iterator[launch.Server]:
    started = launch.start(["json"])
    assert started is not None
    yield started
    started.stop()
    assert not started.path.parent.exists()
    assert "ASSAY_WORKER" not in os.environ


@pytest.fixture(params=["server", "alone"])
def way(request: pytest.FixtureRequest) -> str:
    if request.param == "server":
        request.getfixturevalue("server")
    return str(request.param)


def run(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a job of ``cell.stage`` with a changed environment."""
    command = [*CLIENT, "cell.stage", *words]
    environment = os.environ | changes
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, input="typed", timeout=SECONDS
    )


def begin(folder: Path, *before: str, **changes: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Begin a job that sleeps; return its client and the numbers of its two processes."""
    note = folder / "numbers"
    command = [*before, *CLIENT, "cell.stage", "sleep", str(note)]
    process = subprocess.Popen(command, env=os.environ | changes, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: note.exists() and " " in note.read_text())
    return process, [int(number) for number in note.read_text().split()]


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def left_over(mark: str) -> list[psutil.Process]:
    """Return the living processes that this test began, known by their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ASSAY_TEST") == mark and alive(process.pid):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return a client's exit status and what it said on stderr."""
    _, complaint = process.communicate(timeout=SECONDS)
    return process.returncode, complaint


@pytest.mark.usefixtures("way")
def test_passes_status_streams_folder_and_environment(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    ended = run("echo", "two words", "", "é", COLOUR="grün")
    assert ended.stdout == f"two words  é {folder} grün typed\n"
    assert ended.stderr == "complaint\n"
    assert ended.returncode == 7


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("code", "status", "said"), [("none", 0, ""), ("sorry", 1, "sorry\n")])
def test_sys_exit_means_what_it_means_to_python(code: str, status: int, said: str):
    ended = run("exit", code)
    assert (ended.returncode, ended.stderr) == (status, said)


@pytest.mark.usefixtures("way")
def test_an_exception_is_a_traceback_and_status_1():
    ended = run("raise")
    assert ended.returncode == 1
    assert ended.stderr.endswith("ValueError: bad knob\n")


@pytest.mark.usefixtures("way")
def test_a_module_that_is_not_there_is_status_1():
    ended = subprocess.run([*CLIENT, "cell.absent"], capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 1
    assert "No module named 'cell.absent'" in ended.stderr


@pytest.mark.usefixtures("way")
def test_threads_and_pools_are_waited_for():
    assert run("threads").stdout == "pooled\nlater\n"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_job_killed_by_a_signal_gets_a_process_to_say_so(number: signal.Signals):
    ended = run("die", str(int(number)))
    assert ended.stdout == f"died {int(number)}\n"
    assert ended.returncode == 4


@pytest.mark.usefixtures("way")
def test_a_job_that_takes_longer_than_its_limit_is_ended_and_gets_a_process_to_say_so(folder: Path):
    ended = run("overrun", str(folder / "note"), ASSAY_LIMIT_SECONDS="0.5")
    assert ended.stdout == f"['--died', '{int(signal.SIGALRM)}']\n"
    assert ended.returncode == 0
    assert (folder / "note").read_text() == "begun"


@pytest.mark.usefixtures("way")
def test_a_job_that_cannot_even_say_so_ends_with_the_shells_status():
    assert run("die twice").returncode == 128 + signal.SIGKILL


@pytest.mark.usefixtures("way")
def test_changed_source_is_seen_where_python_would_not_see_it(folder: Path):
    inner = folder / "path" / "cell" / "inner.py"
    second = (1_700_000_000, 1_700_000_000)
    os.utime(inner, second)
    plain = [sys.executable, "-c", "from cell import inner; print(inner.VALUE)"]
    assert subprocess.check_output(plain, text=True) == run("value").stdout == "1\n"
    inner.write_text("VALUE = 2\n")
    os.utime(inner, second)
    assert subprocess.check_output(plain, text=True) == "1\n"  # its .pyc has the same second and size
    assert run("value").stdout == "2\n"
    (inner.parent / "stage.py").write_text("def main(argv):\n    print('other')\n    return 0\n")
    assert run("value").stdout == "other\n"


def test_a_job_through_the_server_has_what_was_imported_ahead(server: launch.Server):
    assert run("modules", "json.decoder").stdout == "json.decoder\n"
    assert run("ids").stdout == f"True {server.process.pid}\n"


def test_alone_has_not():
    ended = run("modules", "json.decoder")
    assert (ended.stdout, ended.stderr) == ("\n", "")


def test_the_package_of_the_job_is_imported_anew_even_if_the_server_had_it(folder: Path):
    server = launch.start(["cell.stage"])
    assert server is not None
    assert run("value").stdout == "1\n"
    (folder / "path" / "cell" / "inner.py").write_text("VALUE = 3\n")
    assert run("value").stdout == "3\n"
    server.stop()


def test_jobs_queue_while_the_server_imports(folder: Path):
    (folder / "path" / "slow.py").write_text("import time\ntime.sleep(1)\n")
    server = launch.start(["slow"])
    assert server is not None
    assert run("modules", "slow").stdout == "slow\n"
    server.stop()


@pytest.mark.usefixtures("server")
def test_many_jobs_at_once_do_not_mix():
    command = [*CLIENT, "cell.stage", "echo"]
    pipe = subprocess.PIPE
    jobs = [
        subprocess.Popen([*command, str(number)], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for number in range(40)
    ]
    for number, process in enumerate(jobs):
        out, _ = process.communicate(f"in {number}", timeout=SECONDS)
        assert out == f"{number} {Path.cwd()} None in {number}\n"
        assert process.returncode == 7


def test_two_servers_do_not_meet(server: launch.Server):
    other = launch.start(["json"])
    assert other is not None
    assert other.path.parent != server.path.parent
    assert run("ids").stdout == f"True {other.process.pid}\n"
    assert run("ids", ASSAY_WORKER=str(server.path)).stdout == f"True {server.process.pid}\n"
    other.stop()
    assert run("ids", ASSAY_WORKER=str(server.path)).stdout == f"True {server.process.pid}\n"


def runs_alone(path: Path, reason: str) -> None:
    """Check that a job refuses the server at ``path`` in one line and runs by itself."""
    ended = run("echo", ASSAY_WORKER=str(path))
    assert (ended.stdout, ended.returncode) == (f"{Path.cwd()} None typed\n", 7)
    assert ended.stderr == f"assay worker: {path}: {reason}; cell.stage runs alone\ncomplaint\n"


def test_no_socket_means_alone(folder: Path):
    runs_alone(folder / "absent" / "socket", "No such file or directory")


def test_a_file_in_the_sockets_place_is_refused(folder: Path):
    place = folder / "private"
    place.mkdir(0o700)
    (place / "socket").touch(0o600)
    runs_alone(place / "socket", "not a socket in a folder")


@pytest.mark.parametrize(("folder_mode", "mode"), [(0o700, 0o666), (0o755, 0o600), (0o711, 0o600)])
def test_a_socket_that_others_can_reach_is_refused(server: launch.Server, folder_mode: int, mode: int):
    server.path.parent.chmod(folder_mode)
    server.path.chmod(mode)
    runs_alone(server.path, "open to other users")


def test_a_folder_reached_through_a_link_is_refused(server: launch.Server, folder: Path):
    (folder / "link").symlink_to(server.path.parent)
    runs_alone(folder / "link" / "socket", "not a socket in a folder")


def test_a_socket_nobody_listens_at_means_alone(folder: Path):
    place = folder / "private"
    place.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place / "socket"))
    (place / "socket").chmod(0o600)
    runs_alone(place / "socket", "Connection refused")


def test_a_file_of_another_user_is_refused(server: launch.Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(client.UnusableError, match="owned by another user"):
        client.check(str(server.path))


def test_a_server_run_by_another_user_is_refused():
    class Peer:
        def getsockopt(self, level: int, option: int, size: int) -> bytes:
            assert (level, option, size) == (socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return b"".join(number.to_bytes(4, sys.byteorder) for number in (1, os.geteuid() + 1, 0))

    with pytest.raises(client.UnusableError, match="another user"):
        client.check_peer(Peer())


@pytest.mark.usefixtures("server")
def test_a_job_of_several_threads_runs_alone():
    ended = run("modules", "json.decoder", OMP_NUM_THREADS="2")
    assert ended.stderr.startswith("assay worker: the job needs several threads")
    assert ended.returncode == 0


def test_a_server_that_dies_before_it_served_means_alone(folder: Path):
    (folder / "path" / "fatal.py").write_text("import os, time\ntime.sleep(0.5)\nos._exit(3)\n")
    server = launch.start(["fatal"])
    assert server is not None
    runs_alone(server.path, "the server ended before cell.stage began")
    server.stop()


def test_a_package_that_cannot_be_imported_ahead_stops_nothing(capfd: pytest.CaptureFixture[str]):
    server = launch.start(["no_such_package"])
    assert server is not None
    assert run("ids").stdout == f"True {server.process.pid}\n"
    server.stop()
    assert "no_such_package is not imported in advance" in capfd.readouterr().err


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_killing_the_client_kills_its_job_and_no_other(folder: Path, number: int):
    process, pids = begin(folder)
    process.send_signal(number)
    finish(process)
    wait_until(lambda: not any(map(alive, pids)))
    assert run("value").stdout == "1\n"


@pytest.mark.usefixtures("server")
def test_killing_the_clients_shell_kills_its_job(folder: Path):
    process, pids = begin(folder, "sh", "-c", '"$@"; true', "sh")
    process.kill()
    finish(process)
    wait_until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_killing_a_job_that_runs_alone_kills_all_of_it(folder: Path, number: int):
    process, pids = begin(folder)
    process.send_signal(number)
    assert finish(process)[0] == 128 + number
    wait_until(lambda: not any(map(alive, pids)))


def test_a_job_that_runs_alone_dies_with_its_supervisor(folder: Path):
    process, pids = begin(folder)
    process.kill()
    wait_until(lambda: not alive(pids[0]))
    os.kill(pids[1], signal.SIGKILL)  # what the job itself forked is out of reach
    finish(process)


def test_killing_the_server_kills_the_job_and_is_said_in_one_line(server: launch.Server, folder: Path):
    process, pids = begin(folder)
    server.process.kill()
    assert process.wait(SECONDS) == 1
    wait_until(lambda: not alive(pids[0]))  # its files are closed before its end is recorded
    os.kill(pids[1], signal.SIGKILL)  # as above
    said = "assay worker: the server ended while cell.stage ran, and the job with it; run again\n"
    assert finish(process) == (1, said)


def test_stopping_the_server_stops_its_jobs(folder: Path):
    server = launch.start(["json"])
    assert server is not None
    process, pids = begin(folder)
    server.stop()
    assert finish(process)[0] == 1
    wait_until(lambda: not any(map(alive, pids)))


RUN = """
import sys, time
from assay.pipeline.worker import launch
server = launch.start(sys.argv[1:])
print(server.path, server.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killing_the_run_ends_server_and_jobs_and_removes_the_socket(folder: Path, number: int):
    owner = subprocess.Popen([sys.executable, "-c", RUN, "json"], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    path, pid = owner.stdout.readline().split()
    process, pids = begin(folder, ASSAY_WORKER=path)
    owner.send_signal(number)
    owner.communicate(timeout=SECONDS)
    assert finish(process)[0] == 1
    wait_until(lambda: not any(map(alive, [int(pid), *pids])))
    wait_until(lambda: not Path(path).parent.exists())


def test_a_job_that_waits_when_its_run_is_killed_is_not_run_alone(folder: Path):
    (folder / "path" / "slow.py").write_text("import time\ntime.sleep(2)\n")
    owner = subprocess.Popen([sys.executable, "-c", RUN, "slow"], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    path, _ = owner.stdout.readline().split()
    command = [*CLIENT, "cell.stage", "value"]
    process = subprocess.Popen(
        command,
        env=os.environ | {"ASSAY_WORKER": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.3)
    owner.kill()
    owner.communicate(timeout=SECONDS)
    out, said = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (1, "")
    assert said == "assay worker: the run ended before cell.stage began; run again\n"


def test_importing_the_launcher_costs_the_workflow_engine_little():
    code = "import sys, assay.pipeline.worker.launch; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    names = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=SECONDS).split()
    assert not {"torch", "numpy", "pandas", "sklearn", "pydantic"} & set(names)
    assert [name for name in launch.PRELOAD if name.startswith("assay")] == [
        "assay.pipeline.worker.operators"
    ]


def test_a_run_imports_ahead_what_its_jobs_need():
    assert launch.needed({"verdict"}) == []
    report, training = launch.needed({"report"}), launch.needed({"train", "report"})
    assert "torch" in report
    assert "pytorch_lightning" not in report
    assert {*report, "pytorch_lightning"} < {*training}
    assert launch.needed({"validate", *launch.SERVED}) == [*launch.PRELOAD]


def test_the_prefix_of_a_rule_finds_the_client_and_imports_nothing_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "CLIENT", tmp_path / "a 'quoted' {path}" / "client.py")
    launch.CLIENT.parent.mkdir()
    launch.CLIENT.write_text("import sys; print(sys.argv[1:])")
    Path("json.py").write_text("raise RuntimeError")
    command = 'cell module "two words"; python -m json.tool --help | head -1; echo $PYTHONPATH'
    for path in ("", f"{tmp_path}/src:elsewhere"):
        shell = ["bash", "-euc", launch.prefix(2).format() + command]
        ran = subprocess.run(
            shell, env={"PYTHONPATH": "elsewhere"}, capture_output=True, text=True, check=True
        )
        words, usage, found = ran.stdout.splitlines()
        assert (words, found) == ("['module', 'two words']", path or "elsewhere")
        assert usage.startswith("usage:")
        Path("src/assay").mkdir(parents=True, exist_ok=True)
