"""Images come out as bytes in the dataset's colours and size; those that cannot are refused in one line."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from assay.data.preparation.pictures import MODES, pixels

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (4, 6), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)


def saved(image, form="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def test_grey_and_colour_are_kept_bit_for_bit():
    assert (pixels(saved(Image.fromarray(GREY)), (1, 4, 6)) == GREY).all()
    assert (pixels(saved(Image.fromarray(COLOUR)), (3, 4, 6)) == COLOUR.transpose(2, 0, 1)).all()
    assert (pixels(saved(Image.fromarray(GREY)), (3, 4, 6)) == GREY).all()
    luma = COLOUR @ np.array([299, 587, 114]) / 1000  # ITU-R 601-2
    assert np.abs(pixels(saved(Image.fromarray(COLOUR)), (1, 4, 6))[0] - luma).max() <= 1


def test_palettes_one_bit_and_sixteen_bits_become_eight():
    palette = Image.fromarray(GREY).convert("P")
    assert (pixels(saved(palette), (1, 4, 6)) == GREY).all()
    bits = Image.fromarray(GREY > 127)
    assert (pixels(saved(bits), (1, 4, 6))[0] == 255 * (GREY > 127)).all()
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    assert (pixels(saved(deep), (1, 4, 6)) == GREY).all()


def test_transparent_pixels_are_drawn_on_white():
    image = np.zeros((4, 6, 4), np.uint8)
    image[0, 0] = 0, 0, 0, 255
    found = pixels(saved(Image.fromarray(image)), (1, 4, 6))[0]
    assert found[0, 0] == 0
    assert (found.ravel()[1:] == 255).all()


def test_cmyk_and_the_orientation_are_applied():
    wide = Image.new("CMYK", (6, 4), (0, 255, 255, 0))
    red = pixels(saved(wide, "JPEG", quality=100), (3, 4, 6))
    assert np.abs(red.mean(axis=(1, 2)) - [255, 0, 0]).max() < 8
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn
    data = saved(Image.fromarray(GREY), exif=turned)
    assert (pixels(data, (1, 6, 4))[0] == np.rot90(GREY, -1)).all()


def test_another_size_is_resized():
    found = pixels(saved(Image.fromarray(np.full((40, 90), 77, np.uint8))), (1, 4, 6))
    assert found.shape == (1, 4, 6)
    assert (found == 77).all()


def bomb(width, height):
    """Return a PNG file of some bytes whose header says that it is this large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def animated(form):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    return saved(frames[0], form, save_all=True, append_images=frames[1:])


FINE = saved(Image.fromarray(RNG.integers(0, 256, (60, 60), dtype=np.uint8)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an image; expected are PNG, JPEG"),
        (b"hello", "not an image"),
        (FINE[:-2000], "damaged: "),
        (FINE[:40], "damaged: |not an image"),
        (bomb(20_000, 3_000), "20000 x 3000 pixels; allowed are 50,000,000"),
        (bomb(20_000, 20_000), "too large; allowed are 50,000,000"),
        (bomb(2**31 - 1, 2**31 - 1), "too large; allowed are 50,000,000|not an image"),
        (saved(Image.fromarray(GREY), "TIFF"), "not an image"),
    ],
)
def test_what_is_no_image_of_some_size_is_refused_in_one_line(data, message):
    with pytest.raises(ValueError, match=message) as error:
        pixels(data, (1, 4, 6))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", ["GIF", "PNG"])
def test_of_an_animated_image_the_first_frame_is_used(form):
    np.testing.assert_array_equal(pixels(animated(form), (1, *GREY.shape))[0], GREY)


def test_damaged_files_never_fail_otherwise():
    for number in range(300):
        data = bytearray(FINE)
        for place in np.random.default_rng(number).integers(0, len(data), 5):
            data[place] ^= 1 << number % 8
        with contextlib.suppress(ValueError):
            assert pixels(bytes(data), (1, 4, 6)).shape == (1, 4, 6)


def test_channels_that_no_image_file_has_are_refused():
    assert set(MODES) == {1, 3}
    with pytest.raises(ValueError, match=r"2 channels are expected, which only \.npy files have"):
        pixels(FINE, (2, 4, 6))
