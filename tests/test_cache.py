"""What a cache may change is the time that a run takes. Whether an image is read again is seen by
ruining its pixels behind the back of the cache: same size, same time."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat import reading
from normstat.cache import Cache, contents, file, prune, store
from normstat.cache.policy import words_of
from normstat.counting import Question
from normstat.errors import CacheError
from normstat.reading import Observer
from normstat.spec.files import dumps
from normstat.spec.pipeline import Pipeline
from tests.test_faults import complains, files_of_at_most

FILE = "cache.sqlite"


@pytest.fixture
def here(tmp_path, monkeypatch, samples):
    """Thirty photos in x/."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(samples / "photos", "x")
    return tmp_path


class Watch(Observer):
    """An observer that remembers, and acts when so many images are done."""

    def __init__(self, act=lambda: None, after=1):
        self.warnings, self.images, self.kept = [], 0, 0
        self._act, self._after = act, after

    def advanced(self, images, size):
        self.images += images
        if self._after and self.images >= self._after:
            self._after = 0
            self._act()

    def cached(self, images):
        self.kept += images

    def warned(self, text):
        self.warnings.append(text)


@contextmanager
def ruined(*paths):
    """Garble files so that neither size nor time tells."""
    before = {path: (path.read_bytes(), path.stat()) for path in paths}
    for path, (content, status) in before.items():
        path.write_bytes(b"?" * len(content))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    try:
        yield
    finally:
        for path, (content, status) in before.items():
            path.write_bytes(content)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def photos():
    return sorted(Path("x").rglob("*.jpg"))


def noise(path, seed=0, size=(24, 16)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(path)


# --- what is read again, and what is not ---


def test_a_second_run_reads_nothing(here):
    first = normstat.compute("x", cache=FILE)
    with ruined(*photos()):
        assert dumps(normstat.compute("x", cache=FILE)) == dumps(first)
    assert first == normstat.compute("x")


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_every_engine_fills_the_cache(here, backend):
    first = normstat.compute("x", cache=FILE, backend=backend, jobs=2)
    assert contents(FILE).rows == 30
    with ruined(*photos()):
        assert normstat.compute("x", cache=FILE) == first


def test_new_changed_and_removed_files_are_noticed(here):
    normstat.compute("x", cache=FILE)
    _, changed, resaved, *rest = photos()
    photos()[0].unlink()
    noise(changed, 1)
    status = resaved.stat()
    content = resaved.read_bytes()
    resaved.write_bytes(content[:-100] + bytes(100))
    os.utime(resaved, ns=(0, status.st_mtime_ns + 1))
    noise("x/new.png", 2)
    expected = normstat.compute("x")
    with ruined(*rest):
        assert normstat.compute("x", cache=FILE) == expected


@pytest.mark.parametrize("seconds", [-(10**9), -1, 1, 10**9])
def test_an_older_time_is_a_change_as_a_newer_one_is(here, seconds):
    normstat.compute("x", cache=FILE)
    first, second, *_ = photos()
    status = first.stat()
    noise("other.png", 3)
    # The pixels of another image, brought to the size of the first.
    content = Path("other.png").read_bytes()
    first.write_bytes(content + bytes(status.st_size - len(content)))
    os.utime(first, ns=(0, status.st_mtime_ns + seconds * 10**9))
    expected = normstat.compute("x")
    with ruined(second):
        assert normstat.compute("x", cache=FILE) == expected


_CHANGES = st.tuples(
    st.sampled_from(["add", "remove", "redraw", "touch", "swap"]),
    st.integers(0, 5),
    st.integers(0, 99),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=st.lists(st.lists(_CHANGES, max_size=4), min_size=1, max_size=4))
def test_whatever_happens_to_the_files_the_spec_is_that_of_a_fresh_run(tmp_path_factory, rounds):
    folder = tmp_path_factory.mktemp("any")
    noise(folder / "always.png")
    cache = folder / FILE
    for changes in rounds:
        for what, which, seed in changes:
            path, other = folder / f"{which}.bmp", folder / f"{(which + 1) % 6}.bmp"
            if what in {"add", "redraw"}:
                noise(path, seed)
            elif what == "touch" and path.exists():
                os.utime(path, ns=(0, seed * 10**15))
            elif what == "swap" and path.exists():
                path.replace(other)
            else:
                path.unlink(missing_ok=True)
        assert normstat.compute(folder, cache=cache) == normstat.compute(folder)


def test_a_cache_knows_files_by_whatever_way_they_are_named(here, monkeypatch):
    normstat.compute("x", cache=FILE)
    expected = normstat.compute(here / "x", "x/../x/coast").mean
    with ruined(*photos()):
        assert normstat.compute(here / "x", "x/../x/coast", cache=FILE).mean == expected
    Path("link").symlink_to("x")
    monkeypatch.chdir("x")
    with ruined(*sorted(Path().rglob("*.jpg"))):
        assert normstat.compute("../link", cache=f"../{FILE}").mean == expected


def test_names_that_are_no_text_are_known(here):
    odd = Path(os.fsdecode(b"x/caf\xe9\n.jpg"))
    photos()[0].rename(odd)
    first = normstat.compute("x", cache=FILE)
    with ruined(*photos(), odd):
        assert normstat.compute("x", cache=FILE) == first


def test_errors_are_not_kept(here):
    Path("x/broken.jpg").write_bytes(b"\xff\xd8\xffbroken")
    for _ in range(2):
        [skipped] = normstat.compute("x", cache=FILE).skipped
        assert skipped.name == "broken.jpg"
        assert contents(FILE).rows == 30


def test_every_kind_of_pixel_comes_back(here, samples):
    shutil.copytree(samples / "odd", "odd")
    whole = {"covariance": False, "alpha": "mask"}
    for _ in range(2):
        assert normstat.compute("odd", "x", cache=FILE, **whole) == normstat.compute(
            "odd", "x", **whole
        )
    gray = sorted(Path("odd").glob("gray*"))
    with ruined(*gray):
        assert normstat.compute(*gray, cache=FILE, **whole).skipped == []


def test_a_part_of_the_listing_helps_the_whole(here):
    normstat.compute("x", limit=20, cache=FILE)
    expected = normstat.compute("x")
    watch = Watch()
    assert normstat.compute("x", cache=FILE, observer=watch) == expected
    assert (watch.images, watch.kept, contents(FILE).rows) == (30, 30, 30)


# --- policies ---

POLICIES = [
    {"mode": "l"}, {"alpha": "white"}, {"resize": 32}, {"resize": 32, "crop": 16}, {"crop": 16},
    {"resize": 32, "interpolation": "lanczos"}, {"max_pixels": 30_000}, {"covariance": True},
]  # fmt: skip


def test_other_pixels_are_other_rows(here):
    for options in [{}, *POLICIES] * 2:
        assert normstat.compute("x", cache=FILE, **options) == normstat.compute("x", **options)
    assert len({words_of(Pipeline(**each)) for each in POLICIES[:-1]}) == 7


SAME_PIXELS = [
    {"ddof": 1}, {"weighting": "image"}, {"std": "mean-of-images"}, {"percentiles": [50]},
    {"jobs": 1}, {"timeout": 60},
]  # fmt: skip


@pytest.mark.parametrize("options", SAME_PIXELS, ids=str)
def test_other_statistics_of_the_same_pixels_need_no_reading(here, options):
    normstat.compute("x", cache=FILE)
    expected = normstat.compute("x", **options)
    with ruined(*photos()):
        assert normstat.compute("x", cache=FILE, **options) == expected


def test_the_covariance_is_read_once_and_then_known(here):
    normstat.compute("x", cache=FILE)
    first = normstat.compute("x", cache=FILE, covariance=True)
    assert first.covariance == normstat.compute("x", covariance=True).covariance
    without = normstat.compute("x")
    with ruined(*photos()):
        assert normstat.compute("x", cache=FILE, covariance=True) == first
        assert normstat.compute("x", cache=FILE) == without
    assert contents(FILE).rows == 30


# --- files that are refused ---


def made(path):
    with closing(Cache(path, Question(Pipeline()))):
        return Path(path).read_bytes()


def foreign(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")


def of_version(path, version):
    content = bytearray(made(path))
    content[60:64] = version.to_bytes(4, "big")
    Path(path).write_bytes(content)


REFUSED = {
    "text": (lambda path: Path(path).write_text("mine " * 999), "is damaged, or is not a cache"),
    "short": (lambda path: Path(path).write_text("mine"), "is damaged, or is not a cache"),
    "database": (foreign, "is not a cache of normstat"),
    "newer": (lambda path: of_version(path, 7), "version 7 of the cache's format"),
    "cut": (lambda path: Path(path).write_bytes(made(path)[:20_000]), "is damaged"),
    "header": (lambda path: Path(path).write_bytes(b"?" * 99 + made(path)[99:]), "is damaged"),
}


@pytest.mark.parametrize("arguments", [("compute", "x", "--cache"), ("cache", "info")])
@pytest.mark.parametrize(("prepare", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_sound_cache_is_refused_and_left_as_it_is(run, here, prepare, words, arguments):
    prepare(FILE)
    before = Path(FILE).read_bytes()
    assert complains(run(*arguments, FILE), 3, f"Error: {FILE}: ", words)
    assert Path(FILE).read_bytes() == before
    assert sorted(map(str, Path().iterdir())) == [FILE, "x"]


PLACES = [
    ("x", "x: is a folder; name a file for the cache"),
    ("/dev/null", "/dev/null: is a device or pipe"),
    ("no/cache", "the folder no does not exist; make it first"),
    ("c" * 300, "File name too long"),
    ("x/coast/coast-01.jpg/cache", "Not a directory"),
]


@pytest.mark.parametrize(("place", "words"), PLACES)
def test_a_place_where_no_cache_can_be_is_refused(run, here, place, words):
    assert complains(run("compute", "x", "--cache", place), 3, words)
    assert list(map(str, Path().iterdir())) == ["x"]


@pytest.mark.parametrize("command", ["info", "prune"])
def test_there_is_nothing_to_tell_of_a_cache_that_is_not_there(run, here, command):
    assert complains(run("cache", command, FILE), 3, f"{FILE}: no such file")
    assert not Path(FILE).exists()


def test_an_empty_file_becomes_a_cache(here):
    Path(FILE).touch()
    normstat.compute("x", cache=FILE)
    assert contents(FILE).rows == 30


# --- damage ---


@pytest.mark.parametrize("seed", range(40))
def test_damage_between_runs_is_refused_or_harmless(here, seed):
    expected = normstat.compute("x", cache=FILE)
    chance = np.random.default_rng(seed)
    content = bytearray(Path(FILE).read_bytes())
    place, length = int(chance.integers(len(content))), int(chance.choice([1, 40, 4000]))
    content[place : place + length] = chance.bytes(len(content[place : place + length]))
    Path(FILE).write_bytes(content)
    found = None
    with suppress(CacheError):
        found = normstat.compute("x", cache=FILE, observer=Watch())
    assert found == expected if found else Path(FILE).read_bytes() == content


@pytest.mark.parametrize("column", ["content", "facts", "kind", "checksum"])
def test_a_row_that_was_changed_is_refused(run, here, column):
    normstat.compute("x", cache=FILE)
    with closing(sqlite3.connect(FILE)) as connection, connection:
        connection.execute(f"UPDATE images SET {column} = 7 WHERE rowid = 9")  # noqa: S608
    assert complains(run("compute", "x", "--cache", FILE), 3, FILE, "checksum", "Delete it")


def test_rows_that_change_places_are_refused(here):
    normstat.compute("x", cache=FILE)
    with closing(sqlite3.connect(FILE)) as connection, connection:
        connection.execute(
            "UPDATE images SET (checksum, kind, facts, content) ="
            " (SELECT checksum, kind, facts, content FROM images WHERE rowid = 2) WHERE rowid = 1"
        )
    with pytest.raises(CacheError, match="does not match its checksum"):
        normstat.compute("x", cache=FILE)


def garble():
    size = Path(FILE).stat().st_size
    with Path(FILE).open("r+b") as file:
        file.write(b"?" * size)


def replace():
    made("other")
    Path("other").replace(FILE)


DURING = {
    "garbled": (garble, "is damaged"),
    "emptied": (lambda: os.truncate(FILE, 0), FILE),
    "removed": (lambda: Path(FILE).unlink(), "was removed or replaced"),
    "replaced": (replace, "was removed or replaced"),
}


@pytest.mark.parametrize(("act", "words"), DURING.values(), ids=DURING)
def test_a_cache_that_is_lost_during_the_run_does_not_cost_it(here, monkeypatch, act, words):
    expected = normstat.compute("x")
    monkeypatch.setattr(store, "_PERIOD", 0)
    monkeypatch.setattr(reading, "CHUNK_IMAGES", 4)
    watch = Watch(act, after=5)
    assert normstat.compute("x", cache=FILE, backend="serial", observer=watch) == expected
    [warning] = watch.warnings
    assert words in warning
    assert "The run goes on" in warning


def test_without_an_observer_it_is_a_python_warning(here, monkeypatch):
    expected = normstat.compute("x")
    normstat.compute("x", cache=FILE, limit=3)
    with files_of_at_most(Path(FILE).stat().st_size), pytest.warns(RuntimeWarning, match=FILE):
        assert normstat.compute("x", cache=FILE) == expected


# --- no room, no permission, no turn ---


def test_a_full_disk_does_not_cost_the_run(run, here):
    expected = dumps(normstat.compute("x"))
    made(FILE)
    blocks = Path(FILE).stat().st_size // 512
    small = (sys.executable, "-c", _SMALL, str(blocks * 512 + 30_000))
    ran = run("compute", "x", "--cache", FILE, "-o", "-", before=small)
    assert complains(ran, 0, f"Warning: {FILE}: cannot be read or written", "The run goes on")
    assert ran.out == expected
    assert contents(FILE).rows == 0
    assert complains(run("compute", "x", "--cache", FILE, "-o", "-"), 0)
    assert contents(FILE).rows == 30


# A limit on the size of files is the nearest to a full disk that needs no privileges.
_SMALL = """\
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_cache_that_cannot_even_be_made_is_refused_at_once(run, here):
    small = (sys.executable, "-c", _SMALL, "20000")
    ran = run("compute", "x", "--cache", FILE, "-o", "/dev/null", before=small)
    assert complains(ran, 3, f"{FILE}: cannot be read or written")


@pytest.fixture
def full_disk(here):
    """A disk of one megabyte."""
    Path("disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", "disk"]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield Path("disk")
    subprocess.run(["umount", "disk"], check=True)


def test_a_disk_that_is_really_full(run, here, full_disk):
    expected = dumps(normstat.compute("x"))
    made(full_disk / FILE)
    Path(full_disk, "rest").write_bytes(bytes((1 << 20) - (full_disk / FILE).stat().st_size - 8192))
    ran = run("compute", "x", "--cache", full_disk / FILE, "-o", "-")
    assert complains(ran, 0, "Warning: disk/cache.sqlite: cannot be read or written", "full")
    assert ran.out == expected
    assert complains(run("compute", "x", "-o", full_disk / "spec.json"), 3, "No space left")
    Path(full_disk, "rest").unlink()
    assert complains(run("compute", "x", "--cache", full_disk / FILE, "-o", "-"), 0)
    assert contents(full_disk / FILE).rows == 30


def test_a_cache_in_a_read_only_folder_still_helps(run_unprivileged, here):
    Path("shelf").mkdir()
    place = Path("shelf", FILE)
    normstat.compute("x", cache=place, limit=20)
    place.chmod(0o400)
    Path("shelf").chmod(0o500)
    try:
        expected = dumps(normstat.compute("x"))
        with ruined(*photos()[:10]):
            ran = run_unprivileged("compute", "x", "--cache", place, "-o", "-")
            assert complains(ran, 0, f"Warning: {place}: cannot be read or written", "readonly")
            assert ran.out == expected
            known = run_unprivileged("compute", "x", "--limit", 20, "--cache", place, "-o", "-")
            assert complains(known, 0)
            assert "Warning" not in known.err
        absent = run_unprivileged("compute", "x", "--cache", "shelf/new", "-o", "-")
        assert complains(absent, 3, "shelf/new: cannot be read or written: unable to open")
    finally:
        Path("shelf").chmod(0o700)


def test_a_cache_that_stays_in_use_is_said(here, monkeypatch):
    made(FILE)
    monkeypatch.setattr(file, "_PATIENCE", 0.1)
    expected = normstat.compute("x")
    with closing(sqlite3.connect(FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        watch = Watch()
        assert normstat.compute("x", cache=FILE, observer=watch) == expected
        assert "in use by another process for more than 0.1 s" in watch.warnings[0]
        other.execute("ROLLBACK")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CacheError, match="in use by another process"):
            normstat.compute("x", cache=FILE)


def test_runs_at_once_share_a_cache(run, here):
    for copy in range(10):
        shutil.copytree("x", f"y/{copy}")
    expected = dumps(normstat.compute("y"))
    running = [run.start("compute", "y", "--cache", FILE, "-o", "-") for _ in range(3)]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err, out == expected) == (0, "", True)
    assert contents(FILE).rows == 300
    with ruined(*Path("y").rglob("*.jpg")):
        assert dumps(normstat.compute("y", cache=FILE)) == expected


# --- stopped ---


def test_an_interrupt_says_what_is_kept(run, here):
    for copy in range(150):  # seconds of work, so that the signal is not too late
        shutil.copytree("x", f"y/{copy}", copy_function=os.link)
    process = run.start("compute", "y", "--cache", FILE, "--backend", "serial", "--progress")
    while not Path(FILE).exists() or not contents(FILE).rows:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    kept = contents(FILE).rows
    assert process.returncode == 130
    assert f"{kept:,} are in {FILE}; the same command goes on from there" in err
    assert dumps(normstat.compute("y", cache=FILE)) == dumps(normstat.compute("y"))


def test_a_run_that_fails_says_that_the_cache_was_written(run, here):
    Path("x/z.jpg").write_bytes(b"no image")
    ran = run("compute", "x", "--cache", FILE, "--on-error", "fail")
    assert complains(ran, 3, "z.jpg", f"Only {FILE} was written")
    assert not Path("normstat.json").exists()


# --- cache info and cache prune ---


def test_info_says_what_is_there(run, here):
    normstat.compute("x", cache=FILE)
    normstat.compute("x", cache=FILE, limit=5, resize=32)
    ran = run("cache", "info", FILE)
    assert complains(ran, 0)
    size = sum(path.stat().st_size for path in photos()) / 1000
    for words in (f"30 of {size:.1f} kB", "35, one an image", "resize 32 (bilinear)", "Pillow 1"):
        assert words in ran.out
    found = contents(FILE)
    assert (found.rows, found.images, [held.current for held in found.policies]) == (
        35,
        30,
        [True] * 2,
    )
    assert abs(found.newest - time.time()) < 60


def test_prune_drops_what_is_gone_or_changed(run, here):
    for copy in range(20):
        shutil.copytree("x", f"y/{copy}")
    normstat.compute("x", "y", cache=FILE)
    shutil.rmtree("y")
    noise(photos()[0], 1)
    before = Path(FILE).read_bytes()
    ran = run("cache", "prune", FILE, "--dry-run")
    assert ran.out == "would drop 601 of 630 rows: 600 gone, 1 changed\n"
    assert Path(FILE).read_bytes() == before
    ran = run("cache", "prune", FILE)
    assert ran.out.startswith("dropped 601 of 630 rows: 600 gone, 1 changed; ")
    assert Path(FILE).stat().st_size < len(before) / 5
    assert contents(FILE).rows == 29
    expected = normstat.compute("x")
    with ruined(*photos()[1:]):
        assert normstat.compute("x", cache=FILE) == expected


def test_prune_drops_what_other_software_found_when_asked(run, here):
    normstat.compute("x", cache=FILE)
    with closing(sqlite3.connect(FILE)) as connection, connection:
        connection.execute(
            'UPDATE policies SET words = replace(words, \'"pillow": "\', \'"pillow": "0\')'
        )
    assert "not as installed" in run("cache", "info", FILE).out
    assert prune(FILE).kept == 30
    assert prune(FILE, outdated=True).outdated == 30
    assert contents(FILE).policies == []


def test_prune_leaves_what_is_not_on_this_machine(here):
    normstat.compute("x", cache=FILE)
    with closing(sqlite3.connect(FILE)) as connection, connection:
        connection.execute("UPDATE images SET local = 0")
    shutil.rmtree("x")
    assert prune(FILE).kept == 30


def test_prune_without_room_for_a_copy_says_so(here):
    normstat.compute("x", cache=FILE)
    normstat.compute("x", cache=FILE, resize=100)
    photos()[0].unlink()
    with files_of_at_most(30_000), pytest.raises(CacheError, match=FILE):
        prune(FILE)
    assert prune(FILE).kept == 58
