"""No secret of an address stays in a text, wherever in it the address stands."""

from __future__ import annotations

import logging
import string
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.pipeline import restore
from assay.provenance import dvc_lock
from assay.provenance.urls import Redacting, redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("nothing to hide", "nothing to hide"),
        ("https://user:password@host/a/b", "https://***@host/a/b"),
        ("https://token@host", "https://***@host"),
        ("https://user:p@ss:w@host:80/a", "https://***@host:80/a"),
        ("https://user:p%2Fss%40@host/a", "https://***@host/a"),
        ("https://user:pass/word@host/a", "https://***@host/a"),
        ("https://user:cut", "https://***"),
        ("s3://key:secret@bucket/file", "s3://***@bucket/file"),
        ("s3:/key:secret@bucket/file", "s3:/***@bucket/file"),
        ("user:password@proxy:3128", "***@proxy:3128"),
        ("https://host/a?X-Amz-Signature=12&b=3: HTTP 404", "https://host/a?X-Amz-Signature=***&b=***: HTTP 404"),
        ("https://host/a?secret", "https://host/a?***"),
        ("(see https://host/a?token=b=c)", "(see https://host/a?token=***)"),
        ("Max retries exceeded with url: /a?token=b (Caused by x)",
         "Max retries exceeded with url: /a?token=*** (Caused by x)"),
        ("https%3A%2F%2Fuser%3Apassword%40host%2Fa", "https%3A%2F%2F***%40host%2Fa"),
        ("https%253A%252F%252Fuser%253Apassword%2540host", "https%253A%252F%252F***%2540host"),
        ("http://a:b@c http://d@e, 'http://f:g@h/i?j=k'", "http://***@c http://***@e, 'http://***@h/i?j=***'"),
        ('["http://a/b","http://c:d@e"]', '["http://a/b","http://***@e"]'),
    ],
)  # fmt: skip
def test_what_is_secret_is_hidden(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "/a/mirror/folder/letters/body.bin: No such file or directory",
        "git@github.com:owner/repository.git",
        "http://127.0.0.1:8000/a: HTTP 500 (asked 3 times)",
        "[http://[::1]:80/a; http://host: no connection]",
        "package:assay/assay/data/datasets/text/dates.py",
        "https://host/@user/a@1.0",
        "who? nobody. why?because x=1",
        "someone@example.org",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


LETTERS = string.ascii_letters + string.digits
SECRET = st.text(LETTERS, min_size=1, max_size=6).map(lambda text: f"SECRET{text}")
LEGAL = st.text(LETTERS + "-._~!$&'()*+,;=:%@", max_size=8)
"""What may stand in user info; after ``?`` too."""
SCHEMES = st.sampled_from(["http", "https", "s3", "ssh", "git+https", "HTTP", "azure"])
HOSTS = st.sampled_from(["host", "host:8080", "[::1]:80", "127.0.0.1", "a.b-c.org:443"])
PATHS = st.sampled_from(["", "/", "/a/b.bin", "/a:b", "/@c/d", "/%20"])
AROUND = st.sampled_from(
    ["", " ", "'", '"', "(", ", ", "\n", " and http://a/b ", " https://x@y ", "user:z@w "]
)


@st.composite
def addresses(draw: st.DrawFn) -> tuple[str, str]:
    """Return an address and the secret in it, which may have any legal characters about it."""
    secret = draw(SECRET)
    marked = draw(LEGAL) + secret + draw(LEGAL)
    scheme, host, path = draw(SCHEMES), draw(HOSTS), draw(PATHS)
    forms = [
        f"{scheme}://{marked}@{host}{path}",
        f"{scheme}://user:{marked}@{host}{path}",
        f"{scheme}://{marked}:password@{host}{path}",
        f"{scheme}://{host}{path}?{quote(marked)}",
        f"{scheme}://{host}{path}?token={marked.replace('&', '')}",
        f"{scheme}://{host}{path}?a=b&X-Amz-Signature={marked.replace('&', '')}&c=d",
        f"user:{marked.replace('@', '')}@{host}",
    ]
    address = draw(st.sampled_from(forms))
    for _ in range(draw(st.integers(0, 2))):
        address = quote(address, safe="")
    return address, secret


@given(st.lists(addresses(), min_size=1, max_size=3), AROUND, AROUND)
def test_no_secret_of_any_address_is_left(found: list[tuple[str, str]], before: str, after: str) -> None:
    text = "".join(f"{before}{address}{after} " for address, _ in found)
    assert "SECRET" not in redacted(text)


@given(st.one_of(st.text(), st.text("ab1:/@?=&%3A2F[]. *#"), addresses().map(lambda pair: pair[0])))
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "piece", ["a", "a:", ",a:", "a%3A", "http://a:", "?a=", "@", "%25", "1.", "a:b@", "://", "?&"]
)
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    began = time.monotonic()
    redacted(piece * (200_000 // len(piece)))
    assert time.monotonic() - began < 10  # what is quadratic takes minutes


def test_messages_of_a_library_are_redacted() -> None:
    record = logging.LogRecord(
        "urllib3", logging.WARNING, "", 0, "headers (url=%s)", ("http://h/a?b=c",), None
    )
    assert Redacting().filter(record)
    assert record.getMessage() == "headers (url=http://h/a?b=***)"


def test_what_dvc_says_of_a_remote_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    message = "ERROR: unexpected error - https://user:hunter2@host/a?token=hunter2: refused\nHaving trouble?"
    done = subprocess.CompletedProcess([], 255, "", message)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    error = "unexpected error - https://***@host/a?token=***: refused"
    assert restore._fetch({}, Path()) == f"not in DVC's cache (dvc fetch: {error})"
    with pytest.raises(ValueError, match=r"https://\*\*\*@host/a\?token=\*\*\*: refused") as error:
        dvc_lock.cache_folder.__wrapped__()
    assert "hunter2" not in str(error.value)
