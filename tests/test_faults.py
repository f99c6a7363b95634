"""What goes wrong while the real command runs: it says what, with the right exit code, and leaves
the older spec as it was."""

import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image

import normstat
from normstat.cache import contents
from normstat.errors import ImageError, SourceError
from normstat.products import write_text
from normstat.reading import Observer

BROKEN = b"\x89PNG\r\n\x1a\nbroken"
FOREIGN = b'{"mine": "and not a spec"}'


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def images(here):
    """Three good images of 4 x 3 pixels in x/."""
    Path("x").mkdir()
    for number in (1, 3, 20):
        Image.new("RGB", (4, 3), (number, 0, 255)).save(f"x/img{number}.png")
    return here


@pytest.fixture
def older(images):
    """The spec of an earlier run; returns its bytes."""
    normstat.save(normstat.compute("x/img1.png"), "normstat.json")
    return Path("normstat.json").read_bytes()


def untouched(older):
    """Whether the older spec is what it was and nothing lies beside it."""
    left = sorted(path.name for path in Path().iterdir() if path.name not in {"x", "bin"})
    return left == ["normstat.json"] and Path("normstat.json").read_bytes() == older


def complains(ran, code, *words):
    """Whether a run ended with `code` and told all the words, in lines and not in a traceback."""
    assert "Traceback" not in ran.err, ran.err
    assert (ran.code, [word for word in words if word not in ran.err]) == (code, []), ran.err
    return True


# --- files that cannot be read ---


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_on_error_fail_stops_at_the_first_of_the_listing(run, images, older, backend):
    for number in range(30, 800):
        os.link("x/img1.png", f"x/img{number}.png")
    for number in (2, 10, 801):
        Path(f"x/img{number}.png").write_bytes(BROKEN)
    ran = run("compute", "x", "--on-error", "fail", "--backend", backend, "-j", "2")
    assert complains(ran, 3, "img2.png: ", "Nothing was written", "--on-error skip")
    assert (untouched(older), ran.out) == (True, "")


def test_on_error_fail_writes_no_first_spec(run, images):
    Path("x/img2.png").write_bytes(BROKEN)
    assert complains(run("compute", "x", "--on-error", "fail"), 3, "img2.png")
    assert not Path("normstat.json").exists()


def test_on_error_fail_stops_for_what_cannot_be_listed_too(images):
    Path("x/img2.png").symlink_to("nothing")
    with pytest.raises(ImageError, match=r"img2\.png: broken symbolic link"):
        normstat.compute("x", on_error="fail")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.txt", (), ("x: no image found", ".jpg", ".png", "1 other files", "--extensions")),
        ("a.png", ("--include", "b*"), ("no image found", "including b*")),
        ("a.png", ("--exclude", "a*"), ("no image found", "excluding a*")),
        ("a.png", (), ("x: none of 1 images could be read", "a.png: text, not an image")),
    ],
)
def test_nothing_readable_says_what_was_looked_for(run, here, name, options, words):
    Path("x").mkdir()
    Path("x", name).write_text("no image")
    assert complains(run("compute", "x", *options), 3, *words)
    assert not Path("normstat.json").exists()


def vanish(path):
    path.unlink()


def turn_into_a_folder(path):
    path.unlink()
    path.mkdir()


def lose_its_end(path):
    os.truncate(path, 48)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (vanish, "vanished before it was read"),
        (turn_into_a_folder, "not read: Is a directory"),
        (lose_its_end, "damaged: "),
    ],
)
@pytest.mark.parametrize("backend", ["serial", "threads"])
def test_a_file_that_changes_during_the_run_is_named(images, change, why, backend):
    class Saboteur(Observer):
        def listed(self, listing):
            change(Path("x/img3.png"))

    spec = normstat.compute("x", observer=Saboteur(), backend=backend)
    assert [(each.name, each.reason[: len(why)]) for each in spec.skipped] == [("img3.png", why)]
    assert spec.counts.images == 2


def test_a_forbidden_file_is_named(run_unprivileged, images):
    Path("x/img3.png").chmod(0)
    assert complains(run_unprivileged("compute", "x"), 0)
    [skipped] = normstat.load().skipped
    assert (skipped.name, skipped.reason) == ("img3.png", "not read: Permission denied")


# --- too many pixels ---


def test_a_header_of_billions_of_pixels_is_refused_at_once(run, images, samples):
    ran = run("compute", samples / "odd/huge-header.png")
    assert complains(ran, 3, "60000 x 60000 pixels", "--max-pixels raises it")


@pytest.mark.parametrize(("limit", "skipped"), [(11, 3), (12, 0)])
def test_max_pixels_is_the_largest_number_that_is_read(run, images, limit, skipped):
    Image.new("RGB", (2, 2)).save("x/small.png")
    assert complains(run("compute", "x", "--max-pixels", limit), 0)
    reasons = [each.reason for each in normstat.load().skipped]
    assert reasons == ["4 x 3 pixels are over the limit of 11; --max-pixels raises it"] * skipped


def test_pillow_does_not_warn_of_what_is_read(run, here):
    Image.new("1", (10_000, 9_000)).save("large.png")
    assert Image.MAX_IMAGE_PIXELS < 90_000_000 < 2 * Image.MAX_IMAGE_PIXELS
    ran = run("compute", "large.png", env={"PYTHONWARNINGS": "error"})
    assert (ran.code, ran.err) == (0, "wrote normstat.json\n")


# --- places that cannot be written ---


def a_folder():
    Path("out").mkdir()


def a_foreign_file():
    Path("out").write_bytes(FOREIGN)


def a_link_into_nowhere():
    Path("out").symlink_to("nowhere/spec.json")


def a_link_to_itself():
    Path("out").symlink_to("out")


def nothing():
    pass


TARGETS = [
    (nothing, "missing/out.json", ("missing/out.json", "the folder missing does not exist")),
    (nothing, "x/img1.png/out.json", ("x/img1.png/out.json",)),
    (nothing, "x/img1.png", ("x/img1.png: exists and is not a normstat spec", "--force")),
    (nothing, "o" * 300, ("o" * 300, "File name too long")),
    (a_folder, "out", ("out: is a folder; name a file in it, such as out/normstat.json",)),
    (a_foreign_file, "out", ("out: exists and is not a normstat spec", "-o", "--force")),
    (a_link_into_nowhere, "out", ("out",)),
    (a_link_to_itself, "out", ("out",)),
]


@pytest.mark.parametrize(("prepare", "target", "words"), TARGETS)
def test_a_target_is_refused_before_any_image_is_looked_for(run, images, prepare, target, words):
    prepare()
    # A source that is missing is the first thing that a run would notice.
    ran = run("compute", "no such source", "-o", target)
    assert complains(ran, 3, *words)
    assert "no such source" not in ran.err
    assert "standard output" not in ran.err


@pytest.mark.parametrize("folder", [True, False], ids=["read-only folder", "unreadable spec"])
def test_a_forbidden_target_is_refused_before_any_image(run_unprivileged, images, older, folder):
    Path("out").mkdir()
    Path("out/spec.json").write_bytes(older)
    place = Path("out") if folder else Path("out/spec.json")
    place.chmod(0o500 if folder else 0)
    ran = run_unprivileged("compute", "no such source", "-o", "out/spec.json")
    place.chmod(0o700)
    assert complains(ran, 3, "out/spec.json: ", "Permission denied")
    assert Path("out/spec.json").read_bytes() == older


def test_a_foreign_file_survives_unless_forced(run, images):
    Path("mine.json").write_bytes(FOREIGN)
    assert complains(run("compute", "x", "-o", "mine.json"), 3)
    assert Path("mine.json").read_bytes() == FOREIGN
    assert complains(run("compute", "x", "-o", "mine.json", "--force"), 0)
    assert normstat.load("mine.json").counts.images == 3


def test_an_older_spec_is_replaced_through_its_link(run, images, older):
    Path("normstat.json").rename("x/kept.json")
    Path("normstat.json").symlink_to("x/kept.json")
    assert complains(run("compute", "x"), 0)
    assert Path("normstat.json").is_symlink()
    assert normstat.load("x/kept.json").counts.images == 3


def test_a_full_device_as_target(run, images):
    assert complains(run("compute", "x", "-o", "/dev/full"), 3, "/dev/full: No space left")


@pytest.mark.parametrize("arguments", [("-o", "-"), (), ("--format", "json")])
def test_a_full_device_as_standard_output(run, images, arguments):
    with Path("/dev/full").open("w") as full:
        ran = run("compute", "x", *arguments, stdout=full)
    assert complains(ran, 3, "standard output: No space left")


def test_no_room_is_noticed_before_any_image(run, images, older):
    small = ("sh", "-c", 'ulimit -f 8; exec "$@"', "sh")
    ran = run("compute", "no such source", before=small)
    assert complains(ran, 3, "normstat.json: cannot be written: File too large", "-o")
    assert untouched(older)


@contextmanager
def files_of_at_most(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_while_writing_leaves_the_older_spec(images, older):
    with (
        files_of_at_most(1000),
        pytest.raises(SourceError, match=r"normstat\.json: File too large; .* untouched"),
    ):
        write_text(Path("normstat.json"), older.decode() * 2)
    assert untouched(older)


# --- stopped ---

MANY = 3000


@pytest.fixture
def long_run(run, older):
    """Start a run of many photos and return it when its bar moves."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((1200, 900)).save("x/photo0.jpg")
    for number in range(1, MANY - 3):
        os.link("x/photo0.jpg", f"x/photo{number}.jpg")
    started = []

    def start(*arguments, images=rb"[1-9]\d*"):
        process = run.start("compute", "x", "--progress", "-j", "2", *arguments, text=False)
        started.append(process)
        seen = b""
        while not re.search(images + b"/%d" % MANY, seen):
            more = os.read(process.stderr.fileno(), 4096)
            assert more, seen
            seen += more
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_interrupt_ends_the_run_at_once_and_leaves_nothing_behind(long_run, older, backend):
    process = long_run("--backend", backend)
    start = monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    # Workers hold standard error open: its end is the end of the last of them.
    out, err = process.communicate(timeout=20)
    took = monotonic() - start
    told = re.search(rb"Error: interrupted after ([\d,]+) of 3,000 images; nothing was writ", err)
    assert told, err
    assert 0 < int(told[1].replace(b",", b"")) < MANY
    assert (process.returncode, out, b"Traceback" in err) == (130, b"", False), err
    assert untouched(older)
    assert took < 2


READING = {
    "outliers": (("x",), "nothing was written; --cache FILE keeps what is done"),
    "outliers, cache": (("x", "--cache", "c.sqlite"), "goes on from there"),
    "compare": (("x", "imagenet"), "nothing was written"),
    "diagnose": (("x",), "nothing was written"),
    "report": (("x",), "nothing was written"),
    "validate": (("normstat.json", "x", "--deep"), "nothing was written"),
}


@pytest.mark.parametrize("name", READING)
def test_each_command_that_is_interrupted_says_what_is_kept(run, here, name):
    arguments, told = READING[name]
    Path("x").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((1200, 900)).save("x/0.jpg")
    for number in range(1, 400):
        os.link("x/0.jpg", f"x/{number}.jpg")
    if name == "validate":
        normstat.save(normstat.compute("x"), "normstat.json")
    process = run.start(name.partition(",")[0], *arguments, "--progress", text=False)
    seen = b""
    while not re.search(rb"[1-9]\d*/400", seen):
        more = os.read(process.stderr.fileno(), 4096)
        assert more, seen
        seen += more
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, b"Traceback" in err) == (130, b"", False), err
    [line] = re.findall(r"Error: (interrupted .*)", err.decode())
    number = re.match(r"interrupted after (\d+) of 400 images; ", line)
    assert 0 < int(number[1]) < 400
    assert line.endswith(told), line
    if "c.sqlite" in arguments:
        assert f"{contents('c.sqlite').rows:,} are in c.sqlite" in line


def test_interrupt_while_workers_start_is_quiet_too(long_run):
    process = long_run("--backend", "processes", images=b"0")
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, b"Traceback" in err) == (130, False), err


def test_interrupt_of_the_command_alone_ends_its_workers(long_run):
    process = long_run("--backend", "processes")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_terminated_leaves_the_older_spec_and_no_worker(long_run, older, backend):
    process = long_run("--backend", backend)
    process.terminate()
    process.communicate(timeout=5)  # returns when the last worker is gone
    assert process.returncode not in {0, 1, 2}
    assert untouched(older)


def test_killed_leaves_the_older_spec(long_run, older):
    process = long_run("--backend", "threads")
    process.kill()
    process.communicate(timeout=5)
    assert untouched(older)


# --- screens and pipes ---


@pytest.mark.parametrize("arguments", [("-o", "-"), ("--format", "json"), ()])
def test_a_closed_pipe_gives_no_traceback(run, images, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = run("compute", "x", *arguments, stdout=writer)
    finally:
        os.close(writer)
    assert "Traceback" not in ran.err
    assert "Exception ignored" not in ran.err


def test_a_reader_that_stops_early_gives_no_traceback(run, images):
    piped = ("sh", "-c", '"$@" | head -1', "sh")
    ran = run("compute", "x", "--format", "json", before=piped)
    assert (ran.code, ran.out) == (0, "{\n")
    assert "Traceback" not in ran.err


ASCII = {
    "encoding": {"PYTHONIOENCODING": "ascii"},
    "locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("env", ASCII.values(), ids=ASCII)
@pytest.mark.parametrize("screen", ["table", "json"])
def test_an_ascii_screen_does_not_end_a_run_with_odd_names(run, images, env, screen):
    for name in ("Zürich-雪.png".encode(), b"caf\xe9.png", b"two\nlines.png"):
        Path(os.fsdecode(b"x/" + name)).write_bytes(BROKEN)
    ran = run("compute", "x", "--format", screen, env=env)
    assert complains(ran, 0)
    names = [each.name for each in normstat.load().skipped]
    assert names == ["Zürich-雪.png", r"caf\xe9.png", r"two\nlines.png"]


@pytest.mark.parametrize("env", ASCII.values(), ids=ASCII)
def test_an_error_shows_odd_names_on_an_ascii_screen(run, images, env):
    ran = run("compute", "Zürich-雪", env=env)
    assert complains(ran, 3, "rich-", "no such file or folder")


# --- wrong usage ---

WRONG = {
    "unknown option": (("compute", "x", "--limmit", "3"), "--limit"),
    "unknown command": (("compte", "x"), "compute"),
    "no source": (("compute",), "SRC"),
    "bad choice": (("compute", "x", "--alpha", "blue"), "premultiply"),
    "bad backend": (("compute", "x", "--backend", "cluster"), "threads"),
    "apply on a cluster": (("apply", "x", "--backend", "dask"), "threads"),
    "address without a cluster": (("compute", "x", "--address", "here:1"), "dask and ray"),
    "limit 0": (("compute", "x", "--limit", "0"), "--limit"),
    "jobs 0": (("compute", "x", "--jobs", "0"), "--jobs"),
    "jobs a word": (("compute", "x", "--jobs", "all"), "--jobs"),
    "resize 0": (("compute", "x", "--resize", "0"), "--resize"),
    "percentile 101": (("compute", "x", "--percentiles", "50,101"), "101"),
    "percentile a word": (("compute", "x", "--percentiles", "half"), "half"),
    "percentile nan": (("compute", "x", "--percentiles", "nan"), "nan"),
    "ddof without meaning": (("compute", "x", "--ddof", "1", "--weighting", "image"), "ddof"),
}


@pytest.mark.parametrize(("arguments", "word"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_exit_2_and_says_what_is_right(run, images, arguments, word):
    ran = run(*arguments)
    assert complains(ran, 2, word)
    assert (ran.out, Path("normstat.json").exists()) == ("", False)


def test_a_wrong_setting_from_outside_is_wrong_usage(run, images):
    ran = run("compute", "x", env={"NORMSTAT_COMPUTE_JOBS": "many"})
    assert complains(ran, 2, "many")


def test_the_command_runs_as_a_plain_process(run):
    done = subprocess.run(
        run.line("--version"), env=run.env, check=True, capture_output=True, text=True
    )
    assert done.stdout == f"normstat {normstat.__version__}\n"


# Stopped in the callback of a weak reference, as importing modules has them.
_IN_A_CALLBACK = """\
import signal, time, weakref
import click
from normstat import cli

@click.command()
def work():
    thing = type("Thing", (), {})()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.%s))
    del thing
    time.sleep(20)

cli.normstat = work
cli.main([])
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_python_drops_is_heard(run, name, code):
    line = [sys.executable, "-c", _IN_A_CALLBACK % name]
    done = subprocess.run(
        line, env=run.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
