"""Runs that are stopped at random moments, again and again: the last one writes the same bytes as
a run that nobody disturbed, and nothing that was kept is read twice."""

import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import normstat
from normstat.spec.files import dumps

COPIES = 20
CACHE = "cache.sqlite"
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
CODES = {-signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGTERM, 130, -signal.SIGINT}


@pytest.fixture
def here(tmp_path, monkeypatch, samples):
    """Six hundred images of three kinds, enlarged while they are read so that it takes a while."""
    monkeypatch.chdir(tmp_path)
    for copy in range(COPIES):
        shutil.copytree(samples / "photos", f"x/{copy}")
        shutil.copytree(samples / "odd", f"x/{copy}/odd")
    return tmp_path


def kept():
    """Rows of the cache, which SQLite holds to be sound."""
    if not Path(CACHE).exists() or not Path(CACHE).stat().st_size:
        return 0
    with closing(sqlite3.connect(CACHE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT count(*) FROM images").fetchone()[0]


def kill_until_done(run, chance, *, kills):
    """Start the same run over and over, stopping it at random moments; return its output."""
    expected = dumps(normstat.compute("x", resize=700))
    done = rounds = 0
    while done < kills:
        Path(CACHE).unlink(missing_ok=True)
        Path("spec.json").unlink(missing_ok=True)
        rounds, before = rounds + 1, 0
        while True:
            backend = str(chance.choice(["serial", "threads", "processes"]))
            process = run.start(
                "compute", "x", "--resize", 700, "--cache", CACHE, "-o", "spec.json",
                "--backend", backend, "-j", 2, "-q", stdout=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                # Some in the start, most while images are read, some after the end.
                _, err = process.communicate(timeout=float(chance.uniform(0.2, 2.5)))
            except subprocess.TimeoutExpired:
                number = SIGNALS[int(chance.choice(3, p=[0.7, 0.15, 0.15]))]
                (os.killpg if chance.random() < 0.5 else os.kill)(process.pid, number)
                _, err = process.communicate(timeout=30)
            after = kept()
            assert after >= before, "what was kept is lost"
            assert "Traceback" not in err, err
            if process.returncode == 0:
                break
            assert process.returncode in CODES, err
            assert not Path("spec.json").exists()
            done, before = done + 1, after
        assert Path("spec.json").read_text() == expected
        assert sorted(map(str, Path().iterdir())) == [CACHE, "spec.json", "x"]
    return rounds


def test_a_few_kills(run, here):
    kill_until_done(run, np.random.default_rng(1), kills=5)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_many_kills(run, here, seed):
    kill_until_done(run, np.random.default_rng(seed), kills=20)
