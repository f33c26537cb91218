"""The command as a user runs it, and a small company behind a real door process."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from playwright.async_api import Browser
from tests.browser import browser
from tests.catalogs import EMAIL, head

from whosaw.store import EmbeddedFailed, EmbeddedPostgres
from whosaw.store.migrate import engine_url

COMPANY = """
create schema company;
create table company.customers (id text primary key, email text);
create table company.staff (id text primary key, roles text);
create table company.tickets (id text primary key, assignee text, customer text, opened_by text, opened_at timestamptz);
insert into company.customers select 'C-' || i, 'ada' || i || '@mail.example' from generate_series(1, 40) i;
insert into company.staff values ('E-1', 'support'), ('E-2', 'support');
insert into company.tickets
select 'T-' || i, 'E-1', 'C-' || i, 'customer:C-' || i, '2026-03-01Z' from generate_series(1, 40) i;
"""

CATALOG = (
    head()
    + EMAIL
    + """
[purposes.ticket]
source = "company"
subject = "customer"
query = '''select id as reference, assignee, customer as subject, opened_by as origin, opened_at,
    null::timestamptz as closed_at from company.tickets'''
[actors]
source = "company"
query = "select id as key, roles, '' as region, null as ended from company.staff"
"""
)

Whosaw = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class Process:
    """A started command that carries a mark in its environment, so that whatever it leaves behind can be found."""

    popen: subprocess.Popen[str]
    mark: str

    def left(self) -> list[str]:
        """Return the command lines of living processes that it started or was."""
        found = []
        for place in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if place.name.isdigit() and self.mark.encode() in (place / "environ").read_bytes():
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return [line for line in found if line]


@dataclass
class Commands:
    """Runs ``whosaw`` over one state folder."""

    state: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, its output through pipes."""
        return subprocess.run(
            [sys.executable, "-m", "whosaw", *arguments],
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str, **environment: str) -> Process:
        """Start a command and leave it running."""
        mark = f"whosaw-mark-{uuid.uuid4().hex}"
        popen = subprocess.Popen(
            [sys.executable, "-m", "whosaw", *arguments],
            env=self._environment(environment) | {"TEST_MARK": mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Process(popen, mark)

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("WHOSAW_", "COVERAGE_"))}
        return bare | {"WHOSAW_STATE": str(self.state)} | self.environment | more


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can pass through, which pytest's folders are not under root."""
    folder = Path(tempfile.mkdtemp(prefix="whosaw-e2e-"))
    folder.chmod(0o755)
    yield folder
    for data in folder.rglob("postgres/data"):
        with contextlib.suppress(EmbeddedFailed):
            EmbeddedPostgres(data.parent).stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def commands_over() -> Callable[[Path], Commands]:
    """Make commands over a state folder of one's own."""
    return Commands


@pytest.fixture
def whosaw(tmp_path: Path) -> Commands:
    """Commands over a state folder in which there is nothing yet."""
    return Commands(tmp_path / "state")


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as started:
        yield started


@pytest.fixture
def company_state(database_url: str, tmp_path: Path) -> Path:
    """A state folder with the catalog of a small company whose tables lie in the test's own database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(COMPANY)
    address = engine_url(database_url).render_as_string(hide_password=False)
    state = tmp_path / "state"
    state.mkdir()
    (state / "whosaw.toml").write_text(CATALOG.format(url=address))
    return state


def no_traceback(done: subprocess.CompletedProcess[str]) -> str:
    """Return what stood on standard error, which is a message and a hint and no traceback."""
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done.stderr


@pytest.fixture
def clear_error() -> Callable[[subprocess.CompletedProcess[str], str], str]:
    """Check that a command failed as a user should see it: message with code, hint, exit 1, nothing else."""

    def check(done: subprocess.CompletedProcess[str], code: str) -> str:
        said = no_traceback(done)
        assert done.returncode == 1, said
        assert f"[{code}]" in said
        assert said.startswith("error: ")
        assert "\nhint: " in said
        return said

    return check
