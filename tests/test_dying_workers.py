"""Decoders that crash, hang or swallow memory, planted into the workers of the real command.

What they read is named in the spec, and everything else in it is as in a run without them.
"""

import json
import os
import re
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

import normstat
from normstat.cache import contents
from tests.test_faults import complains

PLANTED = Path(__file__).parent / "planted"
PROCESSES = ("--backend", "processes", "-j", "2")
COPIES = 12  # of thirty photos: two chunks


@pytest.fixture
def planted(run) -> "object":
    """The real command with the planted decoders in all its processes."""
    path = f"{PLANTED}{os.pathsep}{run.env['PYTHONPATH']}"
    return replace(run, env=run.env | {"PYTHONPATH": path})


@pytest.fixture
def here(tmp_path, monkeypatch, samples):
    """Some photos in x/."""
    monkeypatch.chdir(tmp_path)
    for copy in range(COPIES):
        shutil.copytree(samples / "photos", f"x/{copy}", copy_function=os.link)
    return tmp_path


def plant(deed, *names):
    for name in names:
        Path("x", name).write_text(f"{deed}\n")


def counts_everything_but(*names, options=None):
    """Return the reasons of the files that were skipped, if the spec is otherwise undisturbed."""
    found = normstat.load()
    expected = normstat.compute("x", **(options or {}))  # here, nothing is planted
    assert [each.name for each in found.skipped] == list(names)
    assert msgspec.structs.replace(found, skipped=expected.skipped) == expected
    assert found.counts.images == COPIES * 30
    return [each.reason for each in found.skipped]


CRASHES = [("abort", "SIGABRT"), ("segfault", "SIGSEGV"), ("get_killed", "SIGKILL")]


@pytest.mark.parametrize(("deed", "how"), CRASHES)
@pytest.mark.parametrize("name", ["0/a.png", "9/night/night-05a.png"])
def test_a_file_that_crashes_its_decoder_is_named(planted, here, deed, how, name):
    plant(deed, name)
    ran = planted("compute", "x", *PROCESSES)
    assert complains(ran, 0)
    assert "Fatal Python error" not in ran.err
    [reason] = counts_everything_but(name)
    assert reason.startswith("ended the process that read it: a decoder crashed or ran out of")
    assert how in reason


def test_several_files_that_crash_are_all_named(planted, here):
    names = ["3/coast/coast-00.png", "3/night/z.png", "11/a.png"]
    plant("abort", names[0], names[2])
    plant("segfault", names[1])
    assert complains(planted("compute", "x", *PROCESSES), 0)
    reasons = counts_everything_but(*names)
    signals = [re.search(r"SIG[A-Z]+", reason)[0] for reason in reasons]
    assert signals == ["SIGABRT", "SIGSEGV", "SIGABRT"]


def test_a_worker_that_dies_once_leaves_no_trace(planted, here):
    Path("x/9/bad.png").write_text(f"crash_once\n{here}/happened\n")
    assert complains(planted("compute", "x", *PROCESSES), 0)
    assert Path("happened").exists()
    assert normstat.load() == normstat.compute("x")


@pytest.mark.parametrize("backend", ["serial", "threads", "processes"])
def test_a_file_that_needs_too_much_memory_is_left_out(planted, here, backend):
    plant("swallow_memory", "9/bad.png")
    assert complains(planted("compute", "x", "--backend", backend), 0)
    assert counts_everything_but("9/bad.png") == ["does not fit into memory"]


@pytest.mark.parametrize("deed", ["sleep", "spin_in_python"])
def test_a_decoder_that_hangs_is_interrupted(planted, here, deed):
    plant(deed, "0/a.png", "9/b.png")
    assert complains(planted("compute", "x", "--timeout", "1"), 0)
    assert counts_everything_but("0/a.png", "9/b.png") == ["took longer than 1 s (--timeout)"] * 2


def test_outliers_gives_up_on_a_file_that_hangs(planted, run, here):
    plant("sleep", "0/a.png")
    assert complains(planted("outliers", "x", "--timeout", "1", "--format", "json"), 0)
    left = json.loads(planted("outliers", "x", "--timeout", "1", "--format", "json").out)
    Path("x/0/a.png").rename("a.png")
    assert left == json.loads(run("outliers", "x", "--format", "json").out)


def test_outliers_of_a_spec_misses_no_file_that_hangs(planted, run, here):
    shutil.copy("x/0/coast/coast-01.jpg", "x/0/a.jpg")
    assert complains(run("compute", "x"), 0)
    size = Path("x/0/a.jpg").stat().st_size
    Path("x/0/a.jpg").write_text("sleep\n".ljust(size))
    ran = planted("outliers", "--timeout", "1")
    assert complains(ran, 3, "0/a.jpg: took longer than 1 s", "Nothing is told", "longer --timeout")
    assert ran.out == ""


@pytest.mark.parametrize("deed", ["spin_in_c", "block_in_c"])
def test_a_decoder_that_never_returns_is_ended_with_its_process(planted, here, deed):
    plant(deed, "9/bad.png")
    assert complains(planted("compute", "x", "--timeout", "0.5"), 0)
    [reason] = counts_everything_but("9/bad.png")
    assert "or took longer than 0.5 s (--timeout)" in reason


def test_the_timeout_needs_workers_that_can_be_interrupted(run, here):
    ran = run("compute", "x", "--timeout", "1", "--backend", "threads")
    assert complains(ran, 2, "timeout needs workers that can be interrupted")


def test_the_timeout_is_refused_on_a_system_without_alarms(here, monkeypatch):
    monkeypatch.delattr(signal, "SIGALRM")
    with pytest.raises(normstat.UsageError, match="alarms of POSIX"):
        normstat.compute("x", timeout=1)


# --- where nothing can be done but going on ---


@pytest.fixture
def slow_photos(here):
    """Photos that take a second or two to read, and one in their middle that ends the process."""
    shutil.rmtree("x")
    Path("x").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((1200, 900)).save("x/000.jpg")
    for number in range(1, 400):
        os.link("x/000.jpg", f"x/{number:03}.jpg")
    return here


@pytest.mark.parametrize("backend", ["serial", "threads"])
def test_without_worker_processes_the_cache_keeps_what_was_read(planted, slow_photos, backend):
    plant("abort", "350.png")
    ran = planted("compute", "x", "--cache", "cache", "--backend", backend)
    assert ran.code == -signal.SIGABRT
    assert 0 < contents("cache").rows < 400
    assert complains(planted("compute", "x", "--cache", "cache", *PROCESSES), 0)
    expected = normstat.compute("x")
    found = normstat.load()
    assert [each.name for each in found.skipped] == ["350.png"]
    assert msgspec.structs.replace(found, skipped=expected.skipped) == expected
    assert contents("cache").rows == 400


# --- files that change while they are read ---


def test_a_file_cut_while_the_run_goes_on_counts_whole_or_is_named(planted, slow_photos):
    for number in range(0, 400, 3):
        path = Path(f"x/{number:03}.jpg")
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    process = planted.start("compute", "x", "--backend", "threads", "--cache", "cache")
    time.sleep(0.6)
    for number in range(399, -1, -3):
        os.truncate(f"x/{number:03}.jpg", 20_000)
        time.sleep(0.002)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found = normstat.load()
    assert found.counts.images + len(found.skipped) == 400
    assert {each.name for each in found.skipped} <= {f"{n:03}.jpg" for n in range(0, 400, 3)}
    # All photos are the same: whole ones alone give the numbers of one.
    assert found.mean == normstat.compute("x/001.jpg").mean
    assert complains(planted("compute", "x", "--cache", "cache"), 0)
    assert normstat.load() == normstat.compute("x")


# --- the end of the machine's patience ---


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_do_not_outlive_a_run_that_was_killed(run, slow_photos):
    process = run.start("compute", "x", *PROCESSES, "--progress", text=False)
    while not re.search(rb"[1-9]\d*/400", os.read(process.stderr.fileno(), 4096)):
        pass
    process.kill()
    process.communicate(timeout=20)  # until no worker holds standard error any more
