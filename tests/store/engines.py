"""The four databases in which a company's tables may lie: an empty one of each, and what runs a script in it."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from tests.store import mariadb, mysql
from tests.store.mysqlkind import run

from whosaw.store.database import with_database
from whosaw.store.migrate import engine_url

ENGINES = (
    "postgresql",
    pytest.param("mariadb", marks=[pytest.mark.system]),
    pytest.param("mysql", marks=[pytest.mark.system]),
    "sqlite",
)

# what each database calls a time, a yes or no, and how it quotes a name that is none
WORDS = {
    "postgresql": {"moment": "timestamptz", "flag": "boolean", "yes": "true", "no": "false", "q": '"'},
    "mariadb": {"moment": "timestamp null", "flag": "boolean", "yes": "1", "no": "0", "q": "`"},
    "mysql": {"moment": "timestamp null", "flag": "boolean", "yes": "1", "no": "0", "q": "`"},
    "sqlite": {"moment": "text", "flag": "boolean", "yes": "1", "no": "0", "q": '"'},
}
_SERVERS = {
    "mariadb": (mariadb.SERVER is not None, mariadb.MISSING, mariadb.CLIENT),
    "mysql": (mysql.INSTALLED, mysql.MISSING, mysql.CLIENT),
}


def ground(engine: str, request: pytest.FixtureRequest, folder: Path) -> tuple[str, Callable[[str], None]]:
    """Return the address of an empty database, and what runs a script in it; skip where its server is not here."""
    if engine == "sqlite":
        path = folder / "shop with space.db"

        def in_sqlite(script: str) -> None:
            with sqlite3.connect(path) as connection:
                connection.executescript(script)
            connection.close()

        return f"sqlite+aiosqlite:///{path}", in_sqlite
    if engine in _SERVERS:
        installed, missing, client = _SERVERS[engine]
        if not installed:
            pytest.skip(missing)
        url = request.getfixturevalue(f"{engine}_url")
        socket = Path(parse_qs(urlsplit(url).query)["unix_socket"][0])
        run(client, socket, "drop database shop; create database shop")
        return url, lambda script: run(client, socket, script, database="shop")
    owner, name = request.getfixturevalue("postgres_url"), f"company_{uuid.uuid4().hex[:12]}"
    url = with_database(owner, name)

    def in_owner(statement: str) -> None:
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(statement)

    in_owner(f"create database {name}")
    request.addfinalizer(lambda: in_owner(f"drop database {name} with (force)"))

    def in_postgresql(script: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script)

    return engine_url(url).render_as_string(hide_password=False), in_postgresql
