"""What several test modules need: the real command, sample images, and a user without root."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from normstat.backends import BACKENDS, ON_CLUSTERS

ROOT = Path(__file__).parents[1]

# Every engine, for tests that each has to pass; those of clusters run in `make test-engines`.
ENGINES = [
    pytest.param(name, marks=pytest.mark.engines) if name in ON_CLUSTERS else name
    for name in BACKENDS
]
# With the workers to try them with: a cluster takes seconds to start.
ENGINES_AND_JOBS = [
    pytest.param(name, jobs, marks=pytest.mark.engines if name in ON_CLUSTERS else ())
    for name in BACKENDS
    for jobs in ([2] if name in ON_CLUSTERS else [1, 2, 3, 5])
]

# File permissions mean nothing to root. A root that gave up these two capabilities obeys them as
# any user does, and can still run an interpreter that lies in root's own home.
_OBEY_PERMISSIONS = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
    if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
os.execv(sys.argv[1], sys.argv[1:])
"""


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """`python -m normstat`, run in `folder` with no settings from outside."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()

    def __call__(self, *args, env=(), before=None, **popen) -> Ran:
        """Run to the end; `before` is a command line that runs ours."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        done = subprocess.run(
            [*(self.before if before is None else before), *self.line(*args)],
            cwd=self.folder,
            env=self.env | dict(env),
            check=False,
            timeout=60,
            text=True,
            encoding="utf-8",
            **pipes,
        )
        return Ran(done.returncode, done.stdout or "", done.stderr or "")

    def start(self, *args, **popen) -> "subprocess.Popen[str]":
        """Start in a process group of its own."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **popen}
        return subprocess.Popen(
            self.line(*args), cwd=self.folder, env=self.env, process_group=0, **pipes
        )

    @staticmethod
    def line(*args) -> list[str]:
        return [sys.executable, "-m", "normstat", *map(str, args)]


@pytest.fixture
def run(tmp_path) -> Command:
    """The real command: `run("compute", folder)` returns its exit code, output and errors."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NORMSTAT_")}
    return Command(tmp_path, kept | {"COLUMNS": "100", "PYTHONPATH": str(ROOT)})


@pytest.fixture
def run_unprivileged(run) -> Command:
    """The real command, run so that file permissions hold even when the tests run as root."""
    if os.geteuid():
        return run
    return Command(run.folder, run.env, (sys.executable, "-c", _OBEY_PERMISSIONS))


@pytest.fixture(scope="session")
def samples() -> Path:
    return ROOT / "sample_data"
