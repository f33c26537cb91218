"""Bring a database to the schema this code runs with."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from whosaw.store.database import DatabaseUnreachable, describe


def engine_url(url: str) -> URL:
    """Return a libpq address as the SQLAlchemy address of the same database."""
    if url.startswith("postgresql+psycopg://"):
        url = url.replace("+psycopg", "", 1)
    parts = conninfo_to_dict(url)
    query = {"host": str(parts["host"])} if parts.get("host") else {}
    if parts.get("port"):
        query["port"] = str(parts["port"])
    return URL.create(
        "postgresql+psycopg",
        username=_text(parts.get("user")),
        password=_text(parts.get("password")),
        database=_text(parts.get("dbname")),
        query=query,
    )


def upgrade(url: str, revision: str = "head") -> None:
    """Run every migration up to `revision` in one transaction each.

    Raises:
        DatabaseUnreachable: the server does not answer or refuses the login.
    """
    _run(url, command.upgrade, revision)


def downgrade(url: str, revision: str) -> None:
    """Undo migrations down to `revision` (``base`` undoes all).

    Raises:
        DatabaseUnreachable: the server does not answer or refuses the login.
    """
    _run(url, command.downgrade, revision)


def _run(url: str, change: object, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(resources.files("whosaw.store") / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(engine_url(url), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            change(config, revision)  # type: ignore[operator]
    except OperationalError as cause:
        raise DatabaseUnreachable(f"no database at {describe(url)}") from cause
    finally:
        engine.dispose()


def _text(value: object) -> str | None:
    return None if value is None else str(value)
