"""Runs that are stopped at random moments, again and again: the last one writes the same bytes as
a run that nobody disturbed, and nothing that was kept is read twice."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import normstat
from normstat.spec.files import dumps

CACHE = "cache.sqlite"
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
CODES = {-signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGTERM, 130, -signal.SIGINT}


@pytest.fixture
def images(tmp_path, monkeypatch, samples):
    """Make copies of images of every kind in x/."""
    monkeypatch.chdir(tmp_path)

    def make(copies):
        for copy in range(copies):
            shutil.copytree(samples / "photos", f"x/{copy}")
            shutil.copytree(samples / "odd", f"x/{copy}/odd")

    return make


def kept():
    """Rows of the cache, which SQLite holds to be sound."""
    if not Path(CACHE).exists() or not Path(CACHE).stat().st_size:
        return 0
    with closing(sqlite3.connect(CACHE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT count(*) FROM images").fetchone()[0]


def kill_until_done(run, chance, *, kills):
    """Start the same run over and over and stop it at random moments, until it has written a spec;
    begin anew until there were so many kills."""

    def start(backend):
        # Enlarged while they are read, so that there is time for a kill.
        return run.start(
            "compute", "x", "--resize", 400, "--cache", CACHE, "-o", "spec.json",
            "--backend", backend, "-j", 2, "-q", stdout=subprocess.DEVNULL,
        )  # fmt: skip

    begin = time.monotonic()
    assert start("threads").communicate()[1] == ""
    whole = time.monotonic() - begin
    expected = dumps(normstat.compute("x", resize=400))
    done = 0
    while done < kills:
        Path(CACHE).unlink(missing_ok=True)
        Path("spec.json").unlink(missing_ok=True)
        before = 0
        while True:
            process = start(str(chance.choice(["serial", "threads", "processes"])))
            try:
                # Some in the start, most while images are read, some never.
                _, err = process.communicate(timeout=whole * float(chance.uniform(0.1, 1.3)))
            except subprocess.TimeoutExpired:
                number = SIGNALS[int(chance.choice(3, p=[0.7, 0.15, 0.15]))]
                (os.killpg if chance.random() < 0.5 else os.kill)(process.pid, number)
                _, err = process.communicate(timeout=60)
            after = kept()
            assert after >= before, "what was kept is lost"
            # A Ctrl-C before our first line is Python's to tell.
            assert "Traceback" not in err or "import main" in err, err
            if process.returncode == 0:
                break
            assert process.returncode in CODES, err
            done, before = done + 1, after
        assert Path("spec.json").read_text() == expected
        left = {path.name for path in Path().iterdir() if ".normstat-" not in path.name}
        assert left <= {CACHE, "spec.json", "x"}


def test_a_few_kills(run, images):
    images(8)
    kill_until_done(run, np.random.default_rng(1), kills=5)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_many_kills(run, images, seed):
    images(20)
    kill_until_done(run, np.random.default_rng(seed), kills=20)
