"""A real Dask and a real Ray cluster of two workers each, started as anyone would, on loopback."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT

# Workers have a decoder that ends its process, for files that no test has by accident.
_ABORT_ON_QOI = """\
import os
from PIL import QoiImagePlugin
QoiImagePlugin.QoiImageFile._open = lambda self: os.abort()
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster: the backend that works on it, its address, and its first process."""

    backend: str
    address: str
    process: psutil.Process
    others: tuple[subprocess.Popen, ...] = ()

    @property
    def options(self) -> list[str]:
        return ["--backend", self.backend, "--address", self.address]

    def busy_workers(self) -> list[psutil.Process]:
        """Return the processes that decode."""
        children = []
        for each in (self.process, *(psutil.Process(other.pid) for other in self.others)):
            children += each.children(recursive=True)
        return [child for child in children if _works(child)]


def _works(process: psutil.Process) -> bool:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return line.startswith("ray::_call") or "multiprocessing.spawn" in line


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory) -> dict[str, str]:
    planted = tmp_path_factory.mktemp("planted")
    (planted / "sitecustomize.py").write_text(_ABORT_ON_QOI)
    # A Ray cluster may want a token from who connects: ours has this one.
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    return os.environ | {
        "PYTHONPATH": f"{planted}{os.pathsep}{ROOT}",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@pytest.fixture(scope="session")
def dask_cluster(environment, tmp_path_factory) -> Iterator[Cluster]:
    # Away from here, as on another machine: relative paths mean nothing to it.
    folder = tmp_path_factory.mktemp("dask")
    said = folder / "scheduler.json"
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0",
               "--no-dashboard", "--scheduler-file", said]  # fmt: skip
    with _running(command, environment, folder) as scheduler:
        _until(lambda: said.exists() and said.read_text().endswith("}"))
        address = json.loads(said.read_text())["address"]
        worker = [sys.executable, "-m", "dask", "worker", address, "--nthreads", "1",
                  "--no-dashboard", "--local-directory", folder]  # fmt: skip
        with (
            _running(worker, environment, folder) as one,
            _running(worker, environment, folder) as two,
        ):
            yield Cluster("dask", address, psutil.Process(scheduler.pid), (one, two))


@pytest.fixture(scope="session")
def ray_cluster(environment) -> Iterator[Cluster]:
    # Its sockets lie below, whose names may not be long.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    port = _free_port()
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block",
               "--node-ip-address", "127.0.0.1", "--port", str(port), "--num-cpus", "2",
               "--object-store-memory", "100000000", "--include-dashboard", "false",
               "--ray-client-server-port", str(_free_port()),
               "--disable-usage-stats", "--temp-dir", folder]  # fmt: skip
    with _running(command, environment, folder) as head:
        _until(lambda: _answers(port))
        yield Cluster("ray", f"127.0.0.1:{port}", psutil.Process(head.pid))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["dask", "ray"])
def cluster(request) -> Cluster:
    return request.getfixturevalue(f"{request.param}_cluster")


@contextmanager
def _running(command, environment, folder) -> Iterator[subprocess.Popen]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
        process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family, timeout=5)
        for each in left:
            each.kill()
        process.wait()


def _until(true, seconds=60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]
