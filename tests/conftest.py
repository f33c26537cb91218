"""Fixtures every suite shares: one real PostgreSQL per run, a fresh migrated database per test."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from whosaw.store import Database, EmbeddedPostgres, upgrade
from whosaw.store.database import with_database

settings.register_profile("ci", max_examples=60, deadline=None, derandomize=True)
settings.register_profile(
    "dev", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("dev")

MEMORY = Path("/dev/shm")
ROOM_BYTES = 6_000_000_000
"""What two processes' databases, demonstrations and lakes may take together."""


def pytest_configure(config: pytest.Config) -> None:
    """Let what tests write lie in memory where there is room: a third of a run was waiting for the disk to flush.

    No test cuts the power, so what the disk had not flushed is not what any of them is about. Whoever sets ``TMPDIR``
    keeps it, and so do the workers of a run, which inherit it.
    """
    if os.environ.get("TMPDIR") or not _has_room():
        return
    for left in MEMORY.glob("ws-*"):
        if not Path(f"/proc/{left.name[3:]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = MEMORY / f"ws-{os.getpid()}"  # short: a socket's path has 108 bytes
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier process of this number
    folder.mkdir()
    folder.chmod(0o1777)  # as /tmp: servers that run as users of their own write here as well
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    config.stash[_FOLDER] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """What is kept of failed tests stays until the next run."""
    folder = config.stash.get(_FOLDER, None)
    if folder and not config.stash.get(_FAILED, False):
        shutil.rmtree(folder, ignore_errors=True)


_FOLDER = pytest.StashKey[Path]()
_FAILED = pytest.StashKey[bool]()


def _has_room() -> bool:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        return os.access(MEMORY, os.W_OK) and min(shutil.disk_usage(MEMORY).free, free // 2) > ROOM_BYTES
    return False


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    # not tmp_path: under root pytest's folders are 0700 and PostgreSQL runs as another user
    folder = Path(tempfile.mkdtemp(prefix="whosaw-test-"))
    with EmbeddedPostgres(folder) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_url(postgres: EmbeddedPostgres) -> str:
    """The owner's address of the server's maintenance database."""
    return postgres.url()


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> str:
    """A migrated database that every test copies."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database whosaw_template")
    upgrade(with_database(postgres_url, "whosaw_template"))
    return "whosaw_template"


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The owner's address of a fresh migrated database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template_database}")
    yield with_database(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as db:
        yield db


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests read real data; where they are required, a skipped one is a failure."""
    ran, skipped = _real_data(terminalreporter)
    terminalreporter.write_line(f"real-data tests: {ran} ran, {skipped} skipped")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[_FAILED] = session.testsfailed > 0
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("WHOSAW_REAL_DATA") != "required" or reporter is None or not datasets_folder().is_dir():
        return
    if _real_data(reporter)[1]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def datasets_folder() -> Path:
    """Where the real data sets are, if anywhere."""
    return Path(os.environ.get("WHOSAW_DATASETS") or Path(__file__).parents[2] / "shared" / "data")


def _real_data(reporter: pytest.TerminalReporter) -> tuple[int, int]:
    def marked(outcome: str) -> int:
        return sum("real_data" in getattr(report, "keywords", {}) for report in reporter.stats.get(outcome, []))

    return marked("passed") + marked("failed"), marked("skipped")
