"""Downloads from a real HTTP server on the loopback address, with prescribed failures."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assay.data.download import DownloadError, Patience, RemoteFile, describe, fetch

SECRET = "hunter2"
BODY = bytes(range(256)) * 400  # 102,400 bytes: more than one piece
CUT = 40_000
PATIENCE = Patience(
    connect_seconds=0.3,
    read_seconds=0.3,
    whole_seconds=5,
    least_bytes_per_second=1000,
    slow_seconds=2,
    attempts=3,
    backoff_seconds=0.01,
    longest_backoff_seconds=0.02,
)


class Server(ThreadingHTTPServer):
    """Serves BODY; ``plan`` lists the behaviour for each request in turn, "fine" after its end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan: list[str] = []
        self.ranges: list[str | None] = []
        self.paths: list[str] = []
        self.served = 0
        self.released = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.server.ranges.append(span)
        self.server.paths.append(self.path)
        step = self.server.plan.pop(0) if self.server.plan else "fine"
        getattr(self, step)(int(span.removeprefix("bytes=").removesuffix("-")) if span else 0)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.server.served += len(body)

    def part(self, start: int, body: bytes, **headers: str) -> None:
        span = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        self.answer(206 if start else 200, body, **headers, **({"Content_Range": span} if start else {}))

    def fine(self, start: int) -> None:
        self.part(start, BODY[start:])

    def whole(self, _: int) -> None:
        self.answer(200, BODY)

    def cut(self, start: int) -> None:
        self.part(start, BODY[start:CUT], Content_Length=str(len(BODY) - start))

    def cut_unannounced(self, _: int) -> None:
        self.answer(200, BODY[:CUT], Content_Length="", Connection="close")

    def missing(self, _: int) -> None:
        self.answer(404, b"not here")

    def broken(self, _: int) -> None:
        self.answer(500, b"oh no")

    def wrong(self, start: int) -> None:
        self.part(start, b"x" * (len(BODY) - start))

    def longer(self, _: int) -> None:
        self.answer(200, BODY + b"more")

    def endless(self, _: int) -> None:
        self.answer(200, BODY * 20, Content_Length="", Connection="close")

    def unsatisfiable(self, start: int) -> None:
        self.answer(416, b"") if start else self.fine(0)

    def elsewhere(self, _: int) -> None:
        self.part(7, BODY[7:])

    def hang(self, _: int) -> None:
        self.server.released.wait(5)

    def hang_inside(self, start: int) -> None:
        self.cut(start)
        self.wfile.flush()
        self.server.released.wait(5)

    def trickle(self, _: int) -> None:
        self.part(0, b"", Content_Length=str(len(BODY)))
        self.drip()

    def trickle_header(self, _: int) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
        self.drip()

    def drip(self) -> None:
        while not self.server.released.wait(0.05):
            self.wfile.write(b"x")
            self.wfile.flush()

    def moved_with_an_endless_body(self, _: int) -> None:
        self.answer(302, b"", Location="/moved/here", Content_Length=str(1 << 40))
        while True:
            self.wfile.write(b"x" * 10_000)

    def odd_header(self, _: int) -> None:
        self.answer(404, b"", X_Odd="a\r\n no\x00 header\r\n:\r\n")

    def moved(self, _: int) -> None:
        self.answer(302, b"", Location="/moved/here")

    def moved_to_file(self, _: int) -> None:
        self.answer(302, b"", Location="file:///etc/hostname")

    def moved_to_nowhere(self, _: int) -> None:
        self.answer(302, b"", Location="http://[::1/" + self.path)

    def packed_if_accepted(self, _: int) -> None:
        assert self.headers["Accept-Encoding"] == "identity"
        self.answer(200, BODY, Content_Encoding="gzip")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


def remote(*urls: str) -> RemoteFile:
    return RemoteFile("letters", "body.bin", urls, len(BODY), hashlib.sha256(BODY).hexdigest())


def get(file: RemoteFile, folder: Path, mirror: str | None = None, patience: Patience = PATIENCE) -> str:
    """Fetch, check that there is only the file with its bytes, and return their source."""
    [fetched] = fetch([file], folder, mirror=mirror, patience=patience)
    assert (folder / "body.bin").read_bytes() == BODY
    assert [path.name for path in folder.iterdir()] == ["body.bin"]
    assert (fetched.name, fetched.size, fetched.sha256) == (file.name, file.size, file.sha256)
    assert fetched.url == file.address
    return fetched.came_from


def fail(file: RemoteFile, folder: Path, mirror: str | None = None, patience: Patience = PATIENCE) -> str:
    """Fetch in vain, check that the true name stays free, and return the error's one line."""
    with pytest.raises(DownloadError) as caught:
        fetch([file], folder, mirror=mirror, patience=patience)
    assert not (folder / "body.bin").exists()
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"letters/body.bin: no source has its 102400 bytes with sha256 {file.sha256} [")
    assert SECRET not in message
    assert "set ASSAY_MIRROR" in message
    return message


def test_writes_the_declared_bytes(server: Server, tmp_path: Path) -> None:
    url = server.address + "/body.bin"
    assert get(remote(url), tmp_path) == url


def test_does_not_download_existing_files(server: Server, tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(BODY)
    assert get(remote(server.address), tmp_path) == str(tmp_path / "body.bin")
    assert server.paths == []


def test_replaces_a_file_with_other_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(BODY[::-1])
    assert get(remote(server.address), tmp_path) == server.address


def test_a_file_with_other_bytes_does_not_outlive_a_failed_fetch(server: Server, tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(BODY[::-1])
    server.plan = ["missing"]
    assert "HTTP 404" in fail(remote(server.address), tmp_path)


def test_404_is_not_retried_and_the_next_url_is_tried(server: Server, tmp_path: Path) -> None:
    server.plan = ["missing"]
    assert get(remote(server.address + "/first", server.address + "/second"), tmp_path).endswith("/second")
    assert server.paths == ["/first", "/second"]


def test_500_is_retried(server: Server, tmp_path: Path) -> None:
    server.plan = ["broken", "broken"]
    get(remote(server.address), tmp_path)
    assert len(server.paths) == 3


def test_gives_up_after_the_attempts(server: Server, tmp_path: Path) -> None:
    server.plan = ["broken"] * 3
    assert f"{server.address}: HTTP 500 (3 attempts)" in fail(remote(server.address), tmp_path)
    assert len(server.paths) == 3


@pytest.mark.parametrize("cut", ["cut", "cut_unannounced", "hang_inside"])
def test_resumes_after_a_cut(server: Server, tmp_path: Path, cut: str) -> None:
    server.plan = [cut]
    get(remote(server.address), tmp_path)
    assert server.ranges == [None, f"bytes={CUT}-"]
    assert server.served == len(BODY)


def test_resumes_in_a_later_run_and_from_another_url(server: Server, tmp_path: Path) -> None:
    server.plan = ["cut", "missing"]
    assert "HTTP 404" in fail(remote(server.address), tmp_path)
    assert (tmp_path / ".body.bin.part").stat().st_size == CUT
    server.plan = ["missing"]
    get(remote(server.address + "/first", server.address + "/second"), tmp_path)
    assert server.ranges[-1] == f"bytes={CUT}-"
    assert server.served == len(BODY) + 2 * len(b"not here")


@pytest.mark.parametrize("step", ["whole", "unsatisfiable", "elsewhere"])
def test_restarts_if_the_server_does_not_resume(server: Server, tmp_path: Path, step: str) -> None:
    server.plan = ["cut", step]
    get(remote(server.address), tmp_path)
    assert server.ranges[1] == f"bytes={CUT}-"


@pytest.mark.parametrize("left", [b"y" * CUT, b"y" * len(BODY), BODY + b"more"])
def test_restarts_if_an_older_file_was_left(server: Server, tmp_path: Path, left: bytes) -> None:
    (tmp_path / ".body.bin.part").write_bytes(left)
    get(remote(server.address), tmp_path)
    assert server.ranges[-1] is None


def test_a_part_with_all_its_bytes_is_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".body.bin.part").write_bytes(BODY)
    get(remote(server.address), tmp_path)
    assert server.paths == []


def test_a_server_that_cannot_resume_rightly_is_given_up(server: Server, tmp_path: Path) -> None:
    server.plan = ["cut", "wrong", "cut", "cut", "cut"]
    assert "interrupted after 40000 of 102400 bytes" in fail(remote(server.address), tmp_path)
    assert server.ranges == [None, f"bytes={CUT}-", None, None, None]


def test_wrong_bytes_are_deleted_and_the_next_url_is_tried(server: Server, tmp_path: Path) -> None:
    server.plan = ["wrong"]
    assert get(remote(server.address + "/first", server.address + "/second"), tmp_path).endswith("/second")


def test_the_error_names_the_digest_that_came(server: Server, tmp_path: Path) -> None:
    server.plan = ["wrong"]
    message = fail(remote(server.address), tmp_path)
    came = hashlib.sha256(b"x" * len(BODY)).hexdigest()
    assert f"[{server.address}: {len(BODY)} bytes with sha256 {came} came]" in message
    assert list(tmp_path.iterdir()) == []


def test_the_error_has_a_hint_about_other_bytes_and_about_none(server: Server, tmp_path: Path) -> None:
    correct = (
        "]; if these are the correct bytes, correct size and sha256 in the dataset's file, or put the file "
    )
    again = "]; check the network and run again, or put the file "
    other = RemoteFile("letters", "body.bin", (server.address,), len(BODY), "0" * 64)
    unreached = RemoteFile("letters", "body.bin", ("http://unused.invalid",), len(BODY), "0" * 64)
    for file, hint in ((other, correct), (unreached, again)):
        with pytest.raises(DownloadError) as error:
            fetch([file], tmp_path, mirror=None, patience=PATIENCE)
        assert hint in str(error.value)


@pytest.mark.parametrize(
    ("step", "words"), [("longer", "102404 bytes announced"), ("endless", "more bytes than declared")]
)
def test_more_bytes_than_declared_are_never_written(
    server: Server, tmp_path: Path, step: str, words: str
) -> None:
    server.plan = [step]
    assert words in fail(remote(server.address), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_costs_the_timeouts_only(server: Server, tmp_path: Path) -> None:
    server.plan = ["hang"] * 2
    began = time.monotonic()
    words = fail(remote(server.address), tmp_path, patience=dataclasses.replace(PATIENCE, attempts=2))
    assert "no answer in time (2 attempts)" in words
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"whole_seconds": 0.3, "attempts": 1}, "too slow, not done in time"),
        ({"slow_seconds": 0.3}, "too slow, [0-9]+ bytes in 0 s"),
    ],
)
def test_a_server_that_trickles_is_left(
    server: Server, tmp_path: Path, limits: dict[str, float], words: str
) -> None:
    server.plan = ["trickle"]
    message = fail(remote(server.address), tmp_path, patience=dataclasses.replace(PATIENCE, **limits))
    assert re.search(words, message)
    assert len(server.paths) == 1


@pytest.mark.parametrize("step", ["trickle", "trickle_header"])
def test_after_a_server_that_trickles_the_next_url_is_tried(
    server: Server, tmp_path: Path, step: str
) -> None:
    server.plan = [step, "whole"]
    urls = (server.address + "/first", server.address + "/second")
    patience = dataclasses.replace(PATIENCE, slow_seconds=0.3)
    assert get(remote(*urls), tmp_path, patience=patience) == urls[1]
    assert server.paths == ["/first", "/second"]


def test_a_server_that_is_fast_enough_is_not_left(server: Server, tmp_path: Path) -> None:
    server.plan = ["trickle"]
    patience = dataclasses.replace(
        PATIENCE, slow_seconds=0.1, least_bytes_per_second=1, whole_seconds=0.5, attempts=1
    )
    assert "not done in time" in fail(remote(server.address), tmp_path, patience=patience)


def test_follows_a_redirect(server: Server, tmp_path: Path) -> None:
    server.plan = ["moved"]
    get(remote(server.address), tmp_path)
    assert server.paths == ["/", "/moved/here"]


def test_a_circle_of_redirects_ends(server: Server, tmp_path: Path) -> None:
    server.plan = ["moved"] * 20
    assert "more than 5 redirects" in fail(remote(server.address), tmp_path)


def test_the_body_of_a_redirect_is_not_read(server: Server, tmp_path: Path) -> None:
    server.plan = ["moved_with_an_endless_body"]
    get(remote(server.address), tmp_path)
    assert server.paths == ["/", "/moved/here"]


def test_a_redirect_to_a_local_file_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.plan = ["moved_to_file"]
    assert "not http or https" in fail(remote(server.address), tmp_path)


def test_bytes_are_taken_as_they_are(server: Server, tmp_path: Path) -> None:
    server.plan = ["packed_if_accepted"]
    assert get(remote(server.address), tmp_path) == server.address
    assert (tmp_path / "body.bin").read_bytes() == BODY


def test_a_refused_connection_is_named(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        words = fail(remote(f"http://127.0.0.1:{closed.getsockname()[1]}"), tmp_path)
    assert "no connection (3 attempts)" in words


def test_the_password_of_a_proxy_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://user:{SECRET}@127.0.0.1:{closed.getsockname()[1]}")
        assert "no connection (3 attempts)" in fail(remote("http://unused.invalid/a"), tmp_path)
    assert SECRET not in caplog.text


def mirror_with(folder: Path, body: bytes) -> str:
    (folder / "letters").mkdir(parents=True)
    (folder / "letters" / "body.bin").write_bytes(body)
    return str(folder)


def test_a_mirror_folder_comes_first(server: Server, tmp_path: Path) -> None:
    mirror = mirror_with(tmp_path / "mirror", BODY)
    assert get(remote(server.address), tmp_path / "raw", mirror) == f"{mirror}/letters/body.bin"
    assert server.paths == []


def test_a_mirror_leaves_nothing_of_an_earlier_cut(tmp_path: Path) -> None:
    mirror = mirror_with(tmp_path / "mirror", BODY)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / ".body.bin.part").write_bytes(BODY[:CUT])
    get(remote("http://unused.invalid"), tmp_path / "raw", mirror)
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["body.bin"]


def test_a_mirror_that_cannot_be_read_is_passed_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "letters" / "body.bin").mkdir(parents=True)
    assert get(remote(server.address), tmp_path / "raw", str(tmp_path / "mirror")) == server.address


def test_a_mirror_address_comes_first(server: Server, tmp_path: Path) -> None:
    get(remote("http://unused.invalid"), tmp_path, mirror=server.address + "/mirror/")
    assert server.paths == ["/mirror/letters/body.bin"]


def test_a_file_that_is_only_in_the_mirror_is_found(tmp_path: Path) -> None:
    mirror = mirror_with(tmp_path / "mirror", BODY)
    for _ in range(2):  # the second time it is there
        [fetched] = fetch([remote()], tmp_path / "raw", mirror=mirror, patience=PATIENCE)
        assert describe([fetched])["body.bin"]["url"] == "mirror:letters/body.bin"


@pytest.mark.parametrize("mirror", [None, ""])
def test_without_an_address_and_without_a_mirror_is_an_error(tmp_path: Path, mirror: str | None) -> None:
    with pytest.raises(
        DownloadError,
        match=r"^letters/body.bin: has no address, and no mirror is set .*MIRROR to that folder$",
    ):
        fetch([remote()], tmp_path, mirror=mirror, patience=PATIENCE)


def test_a_mirror_address_may_have_a_query(server: Server, tmp_path: Path) -> None:
    came_from = get(remote(), tmp_path, mirror=f"{server.address}/mirror?sig={SECRET}&a=b")
    assert server.paths == [f"/mirror/letters/body.bin?sig={SECRET}&a=b"]
    assert came_from == f"{server.address}/mirror/letters/body.bin?sig=***&a=***"


@pytest.mark.parametrize(
    "address", [f"s3://key:{SECRET}@bucket/a", "file:///folder", f"http://u:{SECRET}@[::1/"]
)
def test_a_mirror_that_is_neither_folder_nor_web_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(
        DownloadError, match=r"^ASSAY_MIRROR [^\n]+: neither a folder nor an http\(s\) address"
    ) as error:
        fetch([remote()], tmp_path, mirror=address, patience=PATIENCE)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("step", "form"),
    [
        *(("missing", form) for form in ("{}@", "user:p@{}@", "user:%2F{}@", "user:/{}@")),
        *((step, "user:{}@") for step in ("broken", "wrong", "moved", "trickle", "odd_header", "hang")),
        *((step, "user:{}@") for step in ("moved_to_file", "moved_to_nowhere")),
    ],
)
def test_no_secret_of_a_mirror_is_shown(
    server: Server,
    tmp_path: Path,
    step: str,
    form: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    server.plan = [step] * 20
    mirror = server.address.replace("//", f"//{form.format(SECRET)}") + f"/a?token={SECRET}"
    patience = dataclasses.replace(PATIENCE, slow_seconds=0.1, attempts=1)
    with caplog.at_level("DEBUG"):
        message = fail(remote(), tmp_path, mirror, patience)
    shown = capfd.readouterr()
    assert SECRET not in message + shown.out + shown.err + caplog.text
    assert "***@" in message
    assert "token=***" in message


@pytest.mark.parametrize("body", [BODY[::-1], BODY[:-1], BODY + b"more"])
def test_a_mirror_with_wrong_bytes_is_passed_over(server: Server, tmp_path: Path, body: bytes) -> None:
    mirror = mirror_with(tmp_path / "mirror", body)
    assert get(remote(server.address), tmp_path / "raw", mirror) == server.address


def test_a_mirror_without_the_file_is_named(server: Server, tmp_path: Path) -> None:
    server.plan = ["missing"]
    words = fail(remote(server.address), tmp_path / "raw", mirror=str(tmp_path / "nowhere"))
    assert (
        f"[{tmp_path}/nowhere/letters/body.bin: No such file or directory; {server.address}: HTTP 404]"
        in words
    )


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".body.bin.part").mkdir()
    with pytest.raises(DownloadError, match=re.escape(f"{tmp_path}/body.bin: cannot be written: ")):
        fetch([remote(server.address)], tmp_path, mirror=None, patience=PATIENCE)


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "a\\b", "a\nb"])
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name is letters, digits"):
        RemoteFile("letters", name, ("http://unused.invalid",), 1, "00")


def test_shows_a_progress_bar_only_to_a_terminal(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    get(remote(server.address), tmp_path / "quiet")
    assert capfd.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    get(remote(server.address), tmp_path / "watched")
    assert "letters/body.bin" in capfd.readouterr().err
