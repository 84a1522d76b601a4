"""An archive from outside may hold anything: it is read member by member, and nothing of it reaches the disk."""

import gzip
import io
import tarfile
import tracemalloc

import pytest

from assay.data.tar_reader import gunzip, members

LIMIT = 1_000_000


def header(name, kind=tarfile.REGTYPE, size=0, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


def packed(path, *entries, mode="w:gz", form=tarfile.USTAR_FORMAT):
    """Write (TarInfo, bytes) pairs into an archive."""
    with tarfile.open(path, mode, format=form) as archive:
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_gives_names_and_bytes_in_order(tmp_path, mode):
    entries = [
        (header("folder", tarfile.DIRTYPE), b""),
        (header("folder/b.txt"), b"second letter"),
        (header("a.txt"), b""),
    ]
    found = list(members(packed(tmp_path / "fine", *entries, mode=mode), limit=LIMIT))
    assert found == [("folder/b.txt", b"second letter"), ("a.txt", b"")]
    assert [path.name for path in tmp_path.iterdir()] == ["fine"]


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (header("../outside"), "'../outside': leads out of the archive"),
        (header("a/../../outside"), "leads out of the archive"),
        (header("/etc/passwd"), "'/etc/passwd': leads out of the archive"),
        (header("..\\outside"), "leads out of the archive"),
        (header("a\nb"), r"'a\\nb': leads out of the archive"),
        (header("link", tarfile.SYMTYPE, target="/etc/passwd"), "'link': a link or a device"),
        (header("link", tarfile.LNKTYPE, target="fine"), "a link or a device"),
        (header("pipe", tarfile.FIFOTYPE), "a link or a device"),
        (header("disk", tarfile.BLKTYPE), "a link or a device"),
        (header("fine"), "'fine': duplicated"),
    ],
)
def test_a_hostile_member_is_named(tmp_path, member, message):
    path = packed(tmp_path / "hostile.tar.gz", (header("fine"), b"fine"), (member, b""))
    with pytest.raises(ValueError, match=message) as error:
        list(members(path, limit=LIMIT))
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.tar.gz"]


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused_before_it_fills_the_memory(tmp_path):
    zeros = 200 * LIMIT
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(header("zeros", size=zeros).tobuf())
        for _ in range(zeros // LIMIT):
            stream.write(bytes(LIMIT))
    assert path.stat().st_size < zeros / 900
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="holds more than 1,000,000 bytes"):
            list(members(path, limit=LIMIT))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * LIMIT


def test_a_name_as_long_as_a_bomb_is_refused(tmp_path):
    path = packed(tmp_path / "named.tar.gz", (header("a" * 5 * LIMIT), b""), form=tarfile.GNU_FORMAT)
    with pytest.raises(ValueError, match="holds more than"):
        list(members(path, limit=LIMIT))


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_a_sparse_file_is_refused_before_its_holes_fill_the_memory(tmp_path, form):
    size = 1 << 40
    if form == "gnu":
        member = header("holes", tarfile.GNUTYPE_SPARSE).tobuf(format=tarfile.GNU_FORMAT)
        block = bytearray(member)
        block[483:495] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
        block[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(block))[0]
        data = bytes(block) + bytes(1024)
    else:
        info = header("holes")
        info.pax_headers = {
            "GNU.sparse.size": str(size),
            "GNU.sparse.map": "0,0",
            "GNU.sparse.numblocks": "1",
        }
        data = info.tobuf(format=tarfile.PAX_FORMAT) + bytes(1024)
    path = tmp_path / "sparse.tar"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="'holes': a sparse file"):
        list(members(path, limit=LIMIT))


def test_a_gzipped_file_is_read_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"letters"))
    assert gunzip(path, limit=7) == b"letters"
    for data, limit, message in (
        (path.read_bytes(), 6, "holds more than 6 bytes"),
        (path.read_bytes()[:-3], LIMIT, "not a complete gzip file"),
        (b"no gzip", LIMIT, "not a complete gzip file"),
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=f"^{path}: .*{message}.*; delete the file and run again$"):
            gunzip(path, limit=limit)


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"\x1f\x8bno gzip"])
def test_a_file_that_is_not_an_archive_is_an_error(tmp_path, data):
    path = tmp_path / "other.tar"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"{path}: .*; delete the file and run again"):
        list(members(path, limit=LIMIT))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_that_was_cut_is_one_line(tmp_path, mode):
    path = packed(tmp_path / "cut.tar", (header("noise"), bytes(range(256)) * 40), mode=mode)
    path.write_bytes(path.read_bytes()[:200] if mode == "w:gz" else path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=f"{path}: "):
        list(members(path, limit=LIMIT))
