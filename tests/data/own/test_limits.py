"""A hundred thousand rows in ten seconds and a gigabyte; damaged files lead to one line and nothing else."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import numpy as np
import pytest

from assay.data.own.describe import describe
from assay.data.own.found import Options
from assay.data.own.look import look

MEASURED = """
import sys
from pathlib import Path
from assay.data.own.look import look
found = look(Path(sys.argv[1]))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(found.rows, found.best.target, status["VmHWM"].split()[0])  # getrusage counts the parent's memory
"""
INSERTED = (
    b'"', b",", b"\n", b"\r", b";", b"\t", b"\0", b"\xff", b"NA", b"1e999", b"9" * 50, b"{", b"[", b"1,000", b"nan",
    b"12/31/99", b"0:00", "\u2028".encode(), "é".encode(),
)  # fmt: skip
ROWS = [
    {
        "when": f"2026-01-{i % 28 + 1:02}",
        "text": f"some words, {i} of them",
        "n": i / 3,
        "label": "xyz"[i % 3],
    }
    for i in range(40)
]
FILES = {
    "a.csv": "\n".join(["when,text,n,label", *('{when},"{text}",{n},{label}'.format(**row) for row in ROWS)]),
    "a.jsonl": "\n".join(map(json.dumps, ROWS)),
    "a.json": json.dumps(ROWS),
    "a.conll": "Jo\tB-PER\nran\tO\n\n" * 20,
    "a.txt": "a sentence\t1\nanother one\t0\n" * 20,
}


def test_a_hundred_thousand_rows_take_less_than_a_gigabyte(tmp_path):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(100_000, 12)).round(6).tolist()
    words = rng.choice(["alpha", "beta", "gamma", "night"], (100_000, 6)).tolist()
    path = tmp_path / "rows.csv"
    with path.open("w") as file:
        print("when,id,text,label", *(f"x{j}" for j in range(12)), sep=",", file=file)
        for i, (row, said) in enumerate(zip(numbers, words, strict=True)):
            day = f"20{i // 5000:02}-{i % 12 + 1:02}-{i % 28 + 1:02}"
            print(day, i, " ".join(said) + f" {i}", "xyz"[i * 7 % 3], *row, sep=",", file=file)
    ran = subprocess.run([sys.executable, "-c", MEASURED, path], check=True, capture_output=True, text=True)
    rows, target, kilobytes = ran.stdout.split()
    assert (rows, target) == ("100000", "label")
    assert int(kilobytes) < 1_000_000


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_lead_to_one_line_and_nothing_else(tmp_path, name):
    rng, path = random.Random(name), tmp_path / name
    for _ in range(60):
        data = bytearray(FILES[name].encode())
        for _ in range(rng.choice([1, 5, 20])):
            place = rng.randrange(len(data))
            data[place : place + rng.choice([0, 1, 9])] = rng.choice(INSERTED)
        path.write_bytes(data[: rng.choice([len(data), len(data) // 2])])
        try:
            found = look(path, Options(encoding=rng.choice([None, "windows-1252"])))
        except ValueError as refused:
            lines = str(refused).splitlines()
        else:
            lines = describe(found).splitlines()[:1]
        assert len(lines) == 1
        assert lines[0].startswith(str(path))
