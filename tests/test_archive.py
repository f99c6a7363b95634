"""What archives hold is counted or named, never lost, however odd or damaged they are."""

import io
import os
import struct
import subprocess
import tarfile
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.errors import ImageError
from normstat.sources import Selection, list_files
from normstat.sources.base import MOST_BYTES
from normstat.sources.zip import _directory

LINK = "is a link inside an archive, which is not followed"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(value=0, kind="PNG"):
    content = io.BytesIO()
    Image.new("RGB", (4, 3), (value, 0, 255)).save(content, kind)
    return content.getvalue()


def member(name, content=b"", **fields):
    found = tarfile.TarInfo(name)
    found.size = len(content)
    for field, value in fields.items():
        setattr(found, field, value)
    return found, io.BytesIO(content)


def pack(path, *members, mode="w", **options):
    with tarfile.open(path, mode, **options) as found:
        for each in members:
            found.addfile(*each)


def pack_zip(path, *members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as found, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members:
            found.writestr(name, content)


def listing(*sources, **selection):
    return list_files(sources, Selection(**selection))


def content(found, name):
    with found.opener(found.names.index(name))() as file:
        return file.read()


def refusal(found, name):
    with pytest.raises(ImageError) as caught, found.opener(found.names.index(name))():
        pass
    return str(caught.value)


# --- what counts ---


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_sample_of_a_webdataset_may_have_several_images_and_other_members(here, mode):
    others = [("000.cls", b"7"), ("000.json", b"{}"), ("001.cls", b"8"), ("README", b"")]
    images = [("000.left.jpg", picture(1)), ("000.right.jpg", picture(2)), ("001.PNG", picture(3))]
    pack("x.tar", *(member(*each) for each in images + others), mode=mode)
    found = listing("x.tar")
    assert found.names == ["000.left.jpg", "000.right.jpg", "001.PNG"]
    assert (found.passed_over, found.unreadable) == (4, [])


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ({}, ["a/1.png", "b/1.png", "b/2_mask.png"]),
        ({"include": ("a",)}, ["a/1.png"]),
        ({"exclude": ("*_mask.png", "a")}, ["b/1.png"]),
        ({"hidden": True}, [".b/3.png", "a/._1.png", "a/1.png", "b/1.png", "b/2_mask.png"]),
        ({"extensions": ("txt",)}, ["a/1.txt"]),
    ],
)
@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_patterns_suffixes_and_hidden_names_are_looked_at_in_archives_too(
    here, selection, names, suffix
):
    inside = ["a/1.png", "./b/1.png", "b/2_mask.png", ".b/3.png", "a/._1.png", "a/1.txt"]
    if suffix == ".zip":
        pack_zip("x.zip", *((name, b"x") for name in inside))
    else:
        pack("x.tar", *(member(name, b"x") for name in inside))
    found = listing(f"x{suffix}", **selection)
    assert found.names == names
    assert found.passed_over == len(inside) - len(names)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_of_two_members_of_one_name_the_later_counts(here, suffix):
    if suffix == ".zip":
        pack_zip("x.zip", ("a.png", b"first"), ("b.png", b"b"), ("a.png", b"second"))
    else:
        members = [member("a.png", b"first"), member("b.png", b"b"), member("./a.png", b"second")]
        pack(f"x{suffix}", *members, mode="w:gz" if suffix.endswith("gz") else "w")
    found = listing(f"x{suffix}")
    assert (found.names, content(found, "a.png")) == (["a.png", "b.png"], b"second")


@pytest.mark.parametrize("mode", ["w", "w:xz"])
def test_links_and_devices_are_named_and_not_followed(here, mode):
    Path("secret.png").write_bytes(picture())
    pack(
        "x.tar",
        member("a.png", picture()),
        member("soft.png", type=tarfile.SYMTYPE, linkname="../secret.png"),
        member("hard.png", type=tarfile.LNKTYPE, linkname="a.png"),
        member("pipe.png", type=tarfile.FIFOTYPE),
        member("disk.png", type=tarfile.BLKTYPE),
        member("folder.png", type=tarfile.DIRTYPE),
        member("link", type=tarfile.SYMTYPE, linkname="a.png"),
        mode=mode,
    )
    found = listing("x.tar")
    assert (found.names, found.passed_over) == (["a.png"], 1)
    assert dict(found.unreadable) == {
        "soft.png": LINK,
        "hard.png": LINK,
        "pipe.png": "not a regular file",
        "disk.png": "not a regular file",
    }


def test_a_link_in_a_zip_is_named_and_not_followed(here):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    pack_zip("x.zip", (link, "/etc/hostname"), ("a.png", b"a"))
    found = listing("x.zip")
    assert (found.names, found.unreadable) == (["a.png"], [("link.png", LINK)])


ODD = [
    "../up.png",
    "/abs.png",
    "two\nlines.png",
    "n" * 300 + ".png",
    "Zürich-雪.png",
    "caf\udce9.png",
]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_odd_names_are_names_since_nothing_is_unpacked(here, form, mode):
    members = [member(name, name.encode("utf-8", "replace")) for name in ODD]
    pack("x.tar", *members, mode=mode, format=form)
    before = sorted(Path().iterdir())
    found = listing("x.tar")
    assert sorted(found.names) == sorted(ODD)
    assert all(content(found, name) == name.encode("utf-8", "replace") for name in ODD)
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("form", ["gnu", "posix", "0.0", "0.1", "1.0"])
@pytest.mark.parametrize("mode", ["", "--gzip"])
def test_sparse_files_are_read_with_their_holes(here, form, mode):
    pixels = np.zeros((600, 600), np.uint8)
    pixels[::200] = 9
    with Path("a.bmp").open("wb") as file:
        Image.fromarray(pixels).save(file, "BMP")
    subprocess.run(["fallocate", "--dig-holes", "a.bmp"], check=True)
    Path("b.png").write_bytes(picture())
    versions = [] if form in ("gnu", "posix") else [f"--sparse-version={form}"]
    form = "posix" if versions else form
    command = ["tar", "--sparse", f"--format={form}", *versions, mode, "-cf", "x.tar"]
    subprocess.run([part for part in [*command, "a.bmp", "b.png"] if part], check=True)
    found = listing("x.tar")
    assert found.names == ["a.bmp", "b.png"]
    assert found.sizes[0] == Path("a.bmp").stat().st_size
    if not mode:
        assert Path("x.tar").stat().st_size < found.sizes[0]
    for name in found.names:
        assert content(found, name) == Path(name).read_bytes()


@pytest.mark.parametrize(
    ("name", "mode"), [("x.tar", "w:gz"), ("x.tgz", "w"), ("x.tar.gz", "w:xz"), ("x.tbz2", "w:bz2")]
)
def test_content_decides_what_an_archive_is(here, name, mode):
    pack(name, member("a.png", b"a"), mode=mode)
    assert content(listing(name), "a.png") == b"a"


def test_a_zip_that_is_called_tar_is_a_zip(here):
    pack_zip("x.tar", ("a.png", b"a"))
    assert content(listing("x.tar"), "a.png") == b"a"


def test_a_folder_that_is_called_as_an_archive_is_a_folder(here):
    Path("x.tar").mkdir()
    Path("x.tar/a.png").write_bytes(b"a")
    assert listing("x.tar").names == ["a.png"]


def test_zstandard_is_read_where_python_can(here):
    Path("x.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    [(name, why)] = listing("x.tar.zst").unreadable
    assert name == "x.tar.zst"
    assert "Python 3.14" in why or "damaged" in why


# --- names of archives ---


def test_an_archive_that_is_named_twice_counts_once(here):
    pack("x.tar", member("a.png", b"a"))
    Path("y.tar").symlink_to("x.tar")
    assert listing("x.tar", "./x.tar", "y.tar").names == ["a.png"]


def test_several_sources_lead_their_names(here):
    for name in ("b.tar", "a.tar"):
        pack(name, member("1.png", b"a"))
    Path("c").mkdir()
    Path("c/1.png").write_bytes(b"a")
    assert listing("b.tar", "a.tar", "c").names == ["a.tar/1.png", "b.tar/1.png", "c/1.png"]
    assert listing("{a,b}.tar") == listing("b.tar", "a.tar")


@pytest.mark.parametrize("name", ["{a,b}.tar", "a{1..3}.tar", "x{.tar", "{}.tar"])
def test_a_file_with_braces_in_its_name_is_meant_itself(here, name):
    pack(name, member("1.png", b"a"))
    assert listing(name).roots == [name]


def test_braces_keep_zeros(here):
    for number in range(8, 12):
        pack(f"{number:03}.tar", member("1.png", b"a"))
    assert listing("{008..011}.tar").names == [f"{number:03}.tar/1.png" for number in range(8, 12)]


def test_streams_whose_names_sort_into_each_other_are_still_one_piece_of_work_each(here):
    for name in ("1.tgz", "01.tgz"):
        pack(name, *(member(f"{n}.png", b"a") for n in (2, 1, 10)), mode="w:gz")
    found = listing("1.tgz", "01.tgz")
    assert found.names[:2] == ["01.tgz/1.png", "1.tgz/1.png"]
    chunks = list(found.chunks(images=1, size=1))
    names = [[found.names[row] for row in rows] for rows in chunks]
    order = [f"{n}.png" for n in (2, 1, 10)]
    assert names == [[f"{place}/{name}" for name in order] for place in ("01.tgz", "1.tgz")]


def test_versions_are_the_archives_own(here):
    pack("x.tar", member("a.png", b"a", mtime=5))
    os.utime("x.tar", ns=(1, 77))
    assert listing("x.tar").versions.tolist() == [77]


# --- damage ---

PICTURES = {f"{number}.png": picture(number) for number in range(12)}


def built(name):
    """Pack the pictures and return the bytes of the archive."""
    if name.endswith(".zip"):
        pack_zip(name, *PICTURES.items())
    else:
        mode = {"tar": "w", "gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}[name.rpartition(".")[2]]
        pack(name, *(member(*each) for each in PICTURES.items()), mode=mode)
    return Path(name).read_bytes()


def read_all(found):
    """Return what opens, and what is named as unreadable."""
    good, bad = {}, dict(found.unreadable)
    for rows in found.chunks(images=5, size=10**9):
        for name, opener in found.portion(rows).opened():
            try:
                with opener() as file:
                    good[name] = file.read()
            except (ImageError, OSError, zlib.error) as error:
                bad[name] = str(error)
    return good, bad


in_one_folder = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
ARCHIVES = ["x.tar", "x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.zip"]


@pytest.mark.parametrize("name", ARCHIVES)
@in_one_folder
@given(share=st.floats(0, 1, exclude_max=True))
@example(share=0.0)
def test_an_archive_that_was_cut_gives_what_is_there_and_is_named(here, name, share):
    whole = built(name)
    Path(name).write_bytes(whole[: int(len(whole) * share)])
    good, bad = read_all(listing(name))
    assert good.items() <= PICTURES.items()
    assert len(good) == len(PICTURES) or bad
    if name == "x.tar":
        # Each member is a header of 512 bytes and its own, rounded up to as many.
        ends = [1024 * number + 512 + len(own) for number, own in enumerate(PICTURES.values())]
        assert len(good) == sum(end <= int(len(whole) * share) for end in ends)
    assert all(reason for reason in bad.values())


@pytest.mark.parametrize("name", ARCHIVES)
@in_one_folder
@given(data=st.data())
def test_flipped_bytes_never_crash_and_checksums_notice_them(here, name, data):
    whole = bytearray(built(name))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[position] ^= data.draw(st.integers(1, 255))
    Path(name).write_bytes(whole)
    good, bad = read_all(listing(name))
    if name != "x.tar" and not bad:  # a tar alone has no checksum of contents
        assert set(good.values()) <= set(PICTURES.values())
    assert all(reason for reason in bad.values())


def test_damage_in_the_middle_is_not_taken_for_the_end(here):
    whole = bytearray(built("x.tar"))
    whole[5 * 1024 + 20] ^= 1  # in the sixth header, which tarfile would take for the end
    Path("x.tar").write_bytes(whole)
    found = listing("x.tar")
    assert len(found) == 5
    [(name, why)] = found.unreadable
    assert (name, why) == ("x.tar", "damaged: bad checksum at byte 5,120")


def test_archives_that_were_joined_by_cat_are_not_silently_halved(here):
    Path("x.tar").write_bytes(built("x.tar") * 2)
    [(_, why)] = listing("x.tar").unreadable
    assert "joined with cat" in why


def test_a_missing_end_is_told(here):
    Path("x.tar").write_bytes(built("x.tar").rstrip(b"\0").ljust(12 * 1024, b"\0")[: 12 * 1024])
    found = listing("x.tar")
    assert len(found) == 12
    assert "mark of the archive's end is missing" in found.unreadable[0][1]


def test_a_header_that_leads_backwards_ends_the_list(here):
    header = bytearray(member("a.png")[0].tobuf(tarfile.GNU_FORMAT))
    header[124:136] = struct.pack(">4xq", -1024).replace(bytes(4), b"\xff" * 4, 1)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    good = member("b.png")[0].tobuf(tarfile.GNU_FORMAT)
    Path("x.tar").write_bytes(bytes(good) + bytes(header) + bytes(10240))
    assert listing("x.tar").unreadable[0][0] == "x.tar"


def test_a_tar_that_claims_too_much_is_refused_by_name(here):
    huge, _ = member("a.png", size=MOST_BYTES + 1)
    Path("x.tar").write_bytes(huge.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert listing("x.tar").unreadable[0] == (
        "a.png",
        "is said to have 1,073,741,825 bytes; more than 1,073,741,824 are not read",
    )


def test_an_archive_that_shrinks_after_it_was_listed_loses_images_by_name(here):
    whole = built("x.tar")
    found = listing("x.tar")
    os.truncate("x.tar", len(whole) // 3)
    good, bad = read_all(found)
    assert good.items() <= PICTURES.items()
    assert good.keys() | bad.keys() == PICTURES.keys()
    assert set(bad.values()) == {"damaged: the archive ends in the middle of it"}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_vanishes_loses_images_by_name(here, name):
    built(name)
    found = listing(name)
    Path(name).unlink()
    _directory.cache_clear()

    for rows in found.chunks(images=5, size=10**9):
        for _, opener in found.portion(rows).opened():
            with pytest.raises((ImageError, FileNotFoundError)), opener():
                pass


# --- zips ---


def patched(name, where, value):
    """Overwrite a field of the central directory's last entry."""
    whole = bytearray(Path(name).read_bytes())
    start = whole.rindex(b"PK\x01\x02") + where
    whole[start : start + len(value)] = value
    Path(name).write_bytes(whole)


def test_encrypted_members_are_named(here):
    pack_zip("x.zip", ("a.png", b"a"), ("b.png", b"b"))
    patched("x.zip", 8, b"\x01")
    found = listing("x.zip")
    assert (content(found, "a.png"), refusal(found, "b.png")) == (b"a", "is encrypted")


@pytest.mark.parametrize("method", [14, 93, 9, 255])
def test_unknown_compression_is_named(here, method):
    pack_zip("x.zip", ("a.png", b"a"))
    patched("x.zip", 10, struct.pack("<H", method))
    assert refusal(listing("x.zip"), "a.png") == (
        f"is compressed by method {method}; deflate is read"
    )


def test_a_claim_of_too_many_bytes_is_refused_before_any_is_read(here):
    pack_zip("x.zip", ("a.png", b"a"))
    patched("x.zip", 24, struct.pack("<I", MOST_BYTES + 1))
    found = listing("x.zip")
    assert found.names == []
    assert "is said to have 1,073,741,825 bytes" in dict(found.unreadable)["a.png"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("claim", [10, 100_000_000])
def test_a_bomb_takes_no_more_memory_than_it_says(here, method, claim):
    pack_zip("x.zip", ("a.png", bytes(50_000_000)), method=method)
    patched("x.zip", 24, struct.pack("<I", claim))
    found = listing("x.zip")
    opener = found.opener(0)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match="has not the"), opener():
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (2_000_000 if claim == 10 else 200_000_000)


def test_a_wrong_checksum_is_named(here):
    pack_zip("x.zip", ("a.png", b"a"))
    patched("x.zip", 16, b"\0\0\0\0")
    assert refusal(listing("x.zip"), "a.png") == "damaged: its checksum is wrong"


def test_a_local_header_that_is_longer_than_foreseen_is_read(here):
    pack_zip("x.zip", ("a.png", picture()), method=zipfile.ZIP_STORED)
    whole = Path("x.zip").read_bytes()
    extra = struct.pack("<HH", 0xCAFE, 500) + bytes(500)
    at = 30 + len("a.png")
    head = bytearray(whole[:at])
    head[28:30] = struct.pack("<H", len(extra))
    tail = bytearray(whole[at:])
    end = tail.rindex(b"PK\x05\x06") + 16
    tail[end : end + 4] = struct.pack("<I", struct.unpack_from("<I", tail, end)[0] + len(extra))
    Path("x.zip").write_bytes(bytes(head) + extra + tail)
    assert content(listing("x.zip"), "a.png") == picture()


def test_data_before_a_zip_does_not_matter(here):
    pack_zip("x.zip", ("a.png", b"a"))
    Path("x.zip").write_bytes(b"#!/bin/sh\n" + Path("x.zip").read_bytes())
    assert content(listing("x.zip"), "a.png") == b"a"


def test_a_zips_directory_is_parsed_once(here):
    built("x.zip")
    _directory.cache_clear()
    good, _ = read_all(listing("x.zip"))
    assert len(good) == len(PICTURES)
    assert _directory.cache_info().misses == 1


def test_a_zip_that_is_none_is_named(here):
    Path("x.zip").write_bytes(b"no zip")
    assert listing("x.zip").unreadable == [("x.zip", "damaged: File is not a zip file")]


# --- the command ---


@pytest.fixture
def shards(here, samples):
    """The photos, ten to a shard."""
    for number, folder in enumerate(("coast", "forest", "night")):
        with tarfile.open(f"{number:03}.tar", "w") as found:
            found.add(samples / "photos" / folder, folder)
    return here


def test_shards_give_the_numbers_of_their_images(run, shards, samples):
    assert run("compute", "{000..002}.tar", "-q").code == 0
    spec, expected = normstat.load(), normstat.compute(samples / "photos")
    assert (spec.state, spec.mean, spec.std) == (expected.state, expected.mean, expected.std)
    assert spec.dataset.roots == ["000.tar", "001.tar", "002.tar"]
    assert run("validate", "normstat.json", "{000..002}.tar", "--deep").code == 0
    assert run("validate", "normstat.json", "{000..001}.tar").code == 1


def test_a_cut_shard_is_named_and_the_rest_counts(run, shards):
    os.truncate("001.tar", 30_000)
    ran = run("compute", "{000..002}.tar")
    assert (ran.code, "Traceback" in ran.err) == (0, False)
    spec = normstat.load()
    assert {each.name.partition("/")[0] for each in spec.skipped} == {"001.tar"}
    assert 20 < spec.counts.images < 30
    assert run("compute", "{000..002}.tar", "--on-error", "fail").code == 3


def test_an_archive_can_be_compared(run, shards):
    ran = run("compare", "000.tar", "imagenet")
    assert (ran.code, "mean A" in ran.out) == (0, True)


def test_archives_in_a_folder_are_pointed_out(run, shards):
    for command in ("compute", "apply"):
        ran = run(command, ".", *(["--preset", "imagenet"] if command == "apply" else []))
        assert ran.code == 3
        assert "Archives are read when they are named: ./*.tar" in ran.err


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_apply_reads_archives(run, here, samples, suffix):
    if suffix == ".zip":
        with zipfile.ZipFile("x.zip", "w") as found:
            for path in sorted((samples / "photos").rglob("*.jpg")):
                found.write(path, path.relative_to(samples / "photos"))
    else:
        mode = "w:gz" if suffix.endswith("gz") else "w"
        with tarfile.open(f"x{suffix}", mode) as found:
            found.add(samples / "photos", ".")
    assert run("compute", f"x{suffix}", "-q").code == 0
    assert run("apply").code == 0
    assert run("apply", samples / "photos", "-o", "other").code == 0
    files = sorted(path.relative_to("other") for path in Path("other").rglob("*.npy"))
    assert len(files) == 30
    for path in files:
        assert Path("other", path).read_bytes() == Path("normalized", path).read_bytes()
    assert "30" in run("apply").out  # goes on, and finds all done
