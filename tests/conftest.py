"""Fixtures every suite shares: one real PostgreSQL per run, a fresh migrated database per test."""

from __future__ import annotations

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
