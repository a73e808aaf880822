"""What tests of several rooms share: how Hypothesis searches, where files go, a real PostgreSQL
server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

# a pause of a shared machine is no failure; `make test` gives the same answer for the same commit,
# `make fuzz` looks where nobody has looked yet
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS", "same"))

# a lake forces all that it writes to the disk, thousands of times here: in memory that takes no
# time, and no test looks at what a power failure leaves
_MEMORY = Path("/dev/shm")


def _has_room(place: Path) -> bool:
    """Whether files can be made there, with two gibibytes free: far more than a run takes."""
    try:
        with tempfile.TemporaryFile(dir=place):
            return shutil.disk_usage(place).free > 2 * 2**30
    except OSError:
        return False


if _has_room(_MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_configure(config: pytest.Config) -> None:
    """Side by side, files run in their order and not those of the most tests first: the few long
    ones would come last, and one processor would wait for the other."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


_USER = "postgres"


def _programs() -> Path:
    """Where the newest PostgreSQL's programs are; `make test` installs it."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[4])
    )
    where = str(found[-1]) if found else shutil.which("initdb")
    assert where is not None, "PostgreSQL's initdb is not here: install the package postgresql."
    return Path(where).parent


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[str]:
    """A server on a socket of its own; it refuses to run as root, so then its user does it."""
    programs = _programs()
    as_user = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    home = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path must be short
    if as_user:
        shutil.chown(home, _USER)

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(programs / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr + done.stdout

    data = str(home / "data")
    run("initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    options = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off"
    wait = ("-w", "-t", "600")  # seconds; the machine may be busy
    run("pg_ctl", "-D", data, *wait, "-l", str(home / "log"), "-o", options, "start")
    yield str(home)
    run("pg_ctl", "-D", data, *wait, "-m", "immediate", "stop")
    shutil.rmtree(home)


_numbers = count()


@pytest.fixture
def postgresql(_postgresql: str) -> Callable[[], str]:
    """Makes empty databases; the address of each."""
    import psycopg

    def make() -> str:
        name = f"test{next(_numbers)}"
        at = f"host={_postgresql} user={_USER} dbname=postgres"
        with psycopg.connect(at, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://{_USER}@/{name}?host={_postgresql}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def state_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where an empty state database is: an SQLite file, and a PostgreSQL database."""
    if request.param == "sqlite":
        return tmp_path / "made" / "state.db"
    make: Callable[[], str] = request.getfixturevalue("postgresql")
    return make()
