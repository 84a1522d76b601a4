"""Folders of images, each fault by hand; the bytes of images follow the formats' standards."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import pytest

from assay.data.own import image_headers
from assay.data.own.found import Options
from assay.data.own.look import look
from tests.data.own.real_files import FOLDER
from tests.data.own.test_delimited import fault, kinds


def png(width=8, height=8, bits=8, colours=2, shade=0, extra=b"") -> bytes:
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    row = b"\0" + bytes([shade]) * (width * channels * bits // 8)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))]
    if extra:
        chunks.append((extra, b"\0" * 8))
    chunks += [(b"IDAT", zlib.compress(row * min(height, 64))), (b"IEND", b"")]
    return image_headers.PNG + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def jpeg(width=8, height=8, channels=3, orientation=1, end=b"\xff\xd9") -> bytes:
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    frame = struct.pack(">BHHB", 8, height, width, channels) + b"\x01\x11\0" * channels
    return (
        b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        + b"\xff\xc2" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xda\0\x02scan" + end
    )  # fmt: skip


def gif(frames: int) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 4, 4, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0x80, 0, 0) + b"\0" * 6 + frame * frames + b";"


def webp(flags: int) -> bytes:
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes([flags]) + b"\0" * 3 + b"\x07\0\0\x09\0\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def folder(tmp_path, **extra: bytes):
    """Make 20 images of two classes, and more in the first one."""
    for name, shift in (("cat", 0), ("dog", 100)):
        (tmp_path / name).mkdir()
        for i in range(10):
            (tmp_path / name / f"{i}.png").write_bytes(png(shade=shift + i))
    for name, data in extra.items():
        (tmp_path / "cat" / name.replace("_", ".")).write_bytes(data)
    return tmp_path


def test_a_folder_is_a_class(tmp_path):
    found = look(folder(tmp_path))
    assert (found.rows, found.best.signature, found.split.strategy) == (20, "image -> class", "stratified")
    assert dict(found.columns[0].classes) == {"cat": 10, "dog": 10}
    assert kinds(found) == {"few images"}


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("grey_png", png(colours=0), "grey"),
        ("palette_png", png(colours=3), "palette"),
        ("deep_png", png(bits=16), "16 bits"),
        ("clear_png", png(colours=6), "transparency"),
        ("moving_png", png(extra=b"acTL"), "animated"),
        ("wide_png", png(width=20_000), "very large"),
        ("cut_png", png()[:-20], "truncated"),
        ("print_jpg", jpeg(channels=4), "CMYK"),
        ("turned_jpg", jpeg(orientation=6), "rotated"),
        ("cut_jpg", jpeg(end=b""), "truncated"),
        ("moving_gif", gif(3), "animated"),
        ("cut_gif", gif(1)[:-3], "truncated"),
        ("moving_webp", webp(2), "animated"),
        ("text_png", b"not an image", "image cannot be read"),
        ("empty_png", b"", "image cannot be read"),
        ("stub_jpg", b"\xff\xd8\xff\xe0", "image cannot be read"),
        ("bomb_png", png(width=60_000, height=60_000), "image cannot be read"),
        ("notes_md", b"hello", "not an image"),
    ],
)
def test_unusual_images_are_named(tmp_path, name, data, kind):
    found = look(folder(tmp_path, **{name: data}))
    assert fault(found, kind).count == 1
    assert name.replace("_", ".") in fault(found, kind).message
    assert found.best is not None


def test_headers_say_size_and_colours(tmp_path):
    for data, expected in (
        (png(5, 7), ("PNG", 5, 7, "RGB")),
        (jpeg(5, 7), ("JPEG", 5, 7, "RGB")),
        (gif(1), ("GIF", 4, 4, "palette")),
        (webp(0), ("WebP", 8, 10, "RGB")),
        (b"BM" + struct.pack("<IIIIiiHH", 34, 0, 0, 40, 5, -7, 1, 24) + b"\0" * 4, ("BMP", 5, 7, "RGB")),
    ):
        path = tmp_path / "image"
        path.write_bytes(data)
        header = image_headers.read(path)
        assert (header.format, header.width, header.height, header.mode) == expected
        assert (header.orientation, header.animated, header.truncated) == (1, False, False)


def test_headers_of_photographs():
    header = image_headers.read(FOLDER / "cutlery" / "fork" / "fork_1.jpg")
    assert (header.width, header.height, header.mode, header.truncated) == (816, 612, "RGB", False)


def test_damaged_headers_raise_only_errors_of_values(tmp_path):
    path = tmp_path / "image"
    for whole in (png(), jpeg(orientation=3), gif(2), webp(2)):
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with suppress(ValueError):  # and nothing else
                image_headers.read(path)


def test_folders_may_name_the_parts(tmp_path):
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        folder(tmp_path / part)
    found = look(tmp_path)
    assert dict(found.columns[0].classes) == {"cat": 20, "dog": 20}
    assert (found.split.strategy, found.split.column) == ("column", "folder")


def test_equal_images_and_a_class_of_one_are_named(tmp_path):
    folder(tmp_path, again_png=png(shade=100), twin_png=png(shade=3))
    (tmp_path / "owl").mkdir()
    (tmp_path / "owl" / "1.png").write_bytes(png(shade=77))
    found = look(tmp_path)
    assert found.duplicates.count == 2
    assert fault(found, "equal images of two classes").count == 2
    assert fault(found, "class of one row").message.endswith("owl")


def test_a_table_may_name_the_classes(tmp_path):
    for i in range(20):
        (tmp_path / f"{i}.png").write_bytes(png(shade=i))
    rows = "".join(f"{i}.png,{'cat' if i % 2 else 'dog'}\n" for i in range(19))
    (tmp_path / "labels.csv").write_text(f"file,kind\n{rows}20.png,cat\n")
    found = look(tmp_path)
    assert (found.rows, found.best.target, found.best.inputs) == (20, "kind", ("file",))
    assert fault(found, "image absent").lines == (21,)
    assert "19.png" in fault(found, "image not named").message


@pytest.mark.parametrize("name", ["pictures/{}.png", "{}.png", "{}"])
def test_a_table_may_name_images_by_path_name_or_stem(tmp_path, name):
    (tmp_path / "pictures").mkdir()
    for i in range(20):
        (tmp_path / "pictures" / f"a{i}.png").write_bytes(png(shade=i))
    rows = "".join(f"{name.format(f'a{i}')},{'cat' if i % 2 else 'dog'}\n" for i in range(20))
    (tmp_path / "labels.csv").write_text(f"file,kind\n{rows}")
    found = look(tmp_path)
    assert (found.form.kind, found.rows, "image absent" in kinds(found)) == ("images by table", 20, False)


def test_the_table_itself_may_be_given(tmp_path):
    folder(tmp_path)
    rows = "".join(f"{name}/{i}.png,{name}\n" for i in range(10) for name in ("cat", "dog"))
    (tmp_path / "labels.csv").write_text(f"file,kind\n{rows}")
    found = look(tmp_path / "labels.csv")
    assert (found.best.signature, found.best.target, found.rows) == ("image -> class", "kind", 20)
    (tmp_path / "labels.csv").write_text(f"file,kind\n{rows}../a.png,cat\n")
    with pytest.raises(ValueError, match="leads out of the folder"):
        look(tmp_path / "labels.csv")


def test_a_table_may_not_name_a_file_outside(tmp_path):
    (tmp_path / "0.png").write_bytes(png())
    (tmp_path / "labels.csv").write_text("file,kind\n0.png,cat\n../../etc/passwd,dog\n")
    with pytest.raises(ValueError, match="leads out of the folder"):
        look(tmp_path)


def test_the_column_of_classes_is_asked_for(tmp_path):
    (tmp_path / "0.png").write_bytes(png())
    (tmp_path / "labels.csv").write_text("file,kind,size\n0.png,cat,big\n1.png,dog,big\n")
    with pytest.raises(ValueError, match="name that of the classes with --target: kind, size"):
        look(tmp_path)
    assert look(tmp_path, Options(target="kind")).columns[0].name == "kind"


def test_images_without_classes_and_links_out_are_refused(tmp_path):
    folder(tmp_path)
    (tmp_path / "loose.png").write_bytes(png())
    with pytest.raises(ValueError, match=r"loose\.png is in no folder of a class"):
        look(tmp_path)
    (tmp_path / "loose.png").unlink()
    (tmp_path / "cat" / "out.png").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match=r"out\.png: leads out of the folder"):
        look(tmp_path)
    (tmp_path / "cat" / "out.png").unlink()
    (tmp_path / "cat" / "self.png").symlink_to("self.png")
    with pytest.raises(ValueError, match=r"self\.png: cannot be followed"):
        look(tmp_path)
    (tmp_path / "cat" / "self.png").unlink()
    (tmp_path / "cat" / "round").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="round: is a link to a folder"):
        look(tmp_path)
