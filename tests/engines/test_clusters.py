"""The real command on real clusters: the same bytes as here, whatever happens to a worker."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import normstat
from normstat.reading import Observer

pytestmark = pytest.mark.engines

PHOTOS = Path(__file__).parents[2] / "sample_data" / "photos"
ODD = PHOTOS.with_name("odd")
MANY = 400


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """A folder of so many photos that there is time to do something to a worker."""
    folder = tmp_path_factory.mktemp("many")
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((1200, 900)).save(folder / "photo0.jpg")
    for number in range(1, MANY):
        os.link(folder / "photo0.jpg", folder / f"photo{number}.jpg")
    return folder


@pytest.fixture
def images(tmp_path) -> Path:
    """Three good images in x/."""
    (tmp_path / "x").mkdir()
    for number in (1, 3, 20):
        Image.new("RGB", (4, 3), (number, 0, 255)).save(tmp_path / f"x/img{number}.png")
    return tmp_path


def computed(run, name, *arguments):
    """Return the bytes of the spec that a run writes, which says nothing but that."""
    ran = run("compute", *arguments, "-q", "-o", name)
    assert ran == (0, "", "")
    return (run.folder / name).read_bytes()


def started(run, *arguments):
    """Start a run and return it when some images are done, but not many."""
    process = run.start("compute", *arguments, "--progress", text=False)
    seen = b""
    while not re.search(rb"[1-9]\d*/%d" % MANY, seen):
        more = os.read(process.stderr.fileno(), 4096)
        assert more, seen
        seen += more
    return process


def test_spec_equals_the_serial_one_byte_for_byte(run, cluster, many):
    # 16 bit beside 8 bit and files that are skipped are among the odd ones.
    sources = [PHOTOS, ODD, *sorted(many.iterdir())[:50], "--covariance"]
    here = computed(run, "here.json", *sources, "--backend", "serial")
    assert computed(run, "there.json", *sources, *cluster.options) == here


def test_relative_paths_are_found_by_workers_elsewhere(run, cluster, images):
    here = computed(run, "here.json", "x", "--backend", "serial")
    assert computed(run, "there.json", "x", *cluster.options) == here


def test_outliers_are_those_of_a_serial_run(run, cluster):
    for source in (PHOTOS, "normstat.json"):
        here = run("outliers", source, "--backend", "serial", "--format", "json")
        there = run("outliers", source, *cluster.options, "--format", "json")
        assert (there.code, there.out, there.err) == (0, here.out, ""), there.err
        computed(run, "normstat.json", PHOTOS)


def test_images_that_workers_do_not_see_are_not_left_out(run, cluster, images):
    # The same path, another folder: that of the process which follows it.
    ran = run("compute", "/proc/self/cwd/x", *cluster.options)
    assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 1), ran.err
    assert "img1.png: is here, but a worker of the cluster does not see it" in ran.err
    assert not (images / "normstat.json").exists()


def test_a_file_that_vanishes_is_skipped(cluster, images, monkeypatch):
    class Saboteur(Observer):
        def listed(self, listing):
            Path("x/img3.png").unlink()

    monkeypatch.chdir(images)
    spec = normstat.compute(
        "x", backend=cluster.backend, address=cluster.address, observer=Saboteur()
    )
    assert [(each.name, each.reason) for each in spec.skipped] == [
        ("img3.png", "vanished before it was read")
    ]


def test_a_worker_that_is_killed_changes_nothing(run, cluster, many):
    here = computed(run, "here.json", many, "--backend", "serial")
    process = started(run, many, *cluster.options, "-o", "there.json")
    os.kill(cluster.busy_workers()[0].pid, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"Traceback" not in err
    assert out.startswith(b"code / 255")  # and nothing of the engine before
    assert (run.folder / "there.json").read_bytes() == here


def test_a_file_that_ends_its_worker_is_skipped_and_the_rest_counts(run, cluster, images):
    (images / "x/img2.qoi").write_bytes(b"qoif" + bytes(100))
    ran = run("compute", "x", *cluster.options, "--quiet")
    assert ran == (0, "", "")
    spec = normstat.load(images / "normstat.json")
    [skipped] = spec.skipped
    assert skipped.name == "img2.qoi"
    assert skipped.reason.startswith("ended the process that read it: ")
    (images / "x/img2.qoi").unlink()
    assert spec.state == normstat.compute(images / "x").state


def test_a_run_that_is_stopped_ends_at_once_and_the_cluster_goes_on(run, cluster, many):
    process = started(run, many, *cluster.options)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - start < 4
    assert (process.returncode, b"Traceback" in err) == (130, False), err
    assert re.search(rb"Error: interrupted after \d+ of 400 images; nothing was written", err)
    computed(run, "after.json", PHOTOS, *cluster.options)


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_local_cluster_ends_with_a_run_that_is_stopped(run, many, backend):
    process = started(run, many, "--backend", backend, "-j", "2")
    process.terminate()
    # Workers hold standard error open: its end is the end of the last of them.
    _, err = process.communicate(timeout=20)
    # Ray 2.60's core sometimes aborts when it is shut down in the middle of its tasks.
    codes = {143, 1, -6} if backend == "ray" else {143}
    assert (process.returncode in codes, b"Traceback" in err) == (True, False), err


def closed_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{trial.getsockname()[1]}"


@pytest.mark.parametrize(
    ("backend", "address", "code", "words"),
    [
        ("dask", f"tcp://{closed_port()}", 3, "no Dask scheduler answers"),
        ("ray", closed_port(), 3, "no Ray cluster that can be used"),
        ("ray", f"ray://{closed_port()}", 3, "no Ray cluster that can be used"),
        ("dask", "nonsense", 2, "as tcp://host:8786"),
        ("dask", "http://localhost:8786", 2, "as tcp://host:8786"),
        ("ray", "nonsense", 2, "as host:6379"),
        ("ray", "http://localhost:8786", 2, "as host:6379"),
    ],
)
def test_an_address_that_is_none_is_told_in_a_line(run, backend, address, code, words):
    ran = run("compute", PHOTOS, "--backend", backend, "--address", address)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert words in ran.err
    assert len(ran.err.splitlines()) == (2 if code == 2 else 1), ran.err


def test_an_image_that_takes_too_long_is_skipped_on_ray(run, ray_cluster, images):
    with (images / "x/slow.webp").open("wb") as file:
        Image.effect_noise((3000, 3000), 50).save(file, "WEBP", lossless=True)
    ran = run("compute", "x", *ray_cluster.options, "--timeout", "0.05", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    [skipped] = normstat.load(images / "normstat.json").skipped
    assert skipped.name == "slow.webp"
    assert "0.05" in skipped.reason or "ended the process" in skipped.reason
