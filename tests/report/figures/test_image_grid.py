"""The PNG is what the specification says, and holds the pixels."""

import base64
import struct
import zlib

import numpy as np
import pytest

from assay.report.figures.image_grid import grid, joined, png

ROWS = [
    {"title": "given", "images": [[[0, 10], [20, 30]], [[1, 2], [3, 4]]]},
    {"title": "reconstructed", "images": [[[5, 6], [7, 8]], [[200, 210], [220, 255]]]},
]


def chunks(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, found = 8, {}
    while place < len(data):
        size, name = struct.unpack(">I4s", data[place : place + 8])
        content = data[place + 8 : place + 8 + size]
        assert struct.unpack(">I", data[place + 8 + size :][:4])[0] == zlib.crc32(name + content)
        found[name], place = content, place + size + 12
    return found


def test_rows_stand_above_each_other_with_a_gap():
    made = joined(np.array([row["images"] for row in ROWS], dtype=np.uint8))
    assert made[..., 0].tolist() == [
        [0, 10, 0, 1, 2],
        [20, 30, 0, 3, 4],
        [0, 0, 0, 0, 0],
        [5, 6, 0, 200, 210],
        [7, 8, 0, 220, 255],
    ]
    assert (made[..., 1] == 0).sum() == 5 + 4  # what is between them is transparent


def test_the_file_unpacks_to_the_pixels():
    pixels = np.arange(24, dtype=np.uint8).reshape(3, 4, 2)
    found = chunks(png(pixels))
    assert [*found] == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">2I5B", found[b"IHDR"]) == (4, 3, 8, 4, 0, 0, 0)
    lines = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(3, 9)
    assert (lines[:, 0] == 0).all()
    assert lines[:, 1:].reshape(3, 4, 2).tolist() == pixels.tolist()


def test_a_grid_names_its_rows_and_its_size():
    made = grid("pca", ROWS)
    assert (made.model, made.titles, made.width, made.height) == ("pca", ["given", "reconstructed"], 5, 5)
    assert made.source.startswith("data:image/png;base64,")
    assert b"IEND" in base64.b64decode(made.source.partition(",")[2])


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"title": "given"}],
        [{"images": ROWS[0]["images"]}],
        [{"title": "given", "images": [[[0, 256]]]}],
        [{"title": "given", "images": [[[0, -1]]]}],
        [{"title": "given", "images": [[[0, 1], [2]]]}],
        [{"title": "given", "images": [["<b>"]]}],
        [{"title": "given", "images": []}],
        ["given"],
        [{"title": "given", "images": [[0, 1]]}],
    ],
    ids=str,
)
def test_what_is_no_grid_is_not_shown(rows):
    assert grid("pca", rows) is None
