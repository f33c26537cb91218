"""Bring a database to the schema this code runs with."""

from __future__ import annotations

from importlib import resources
from typing import ClassVar, Literal

from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from whosaw.store.database import DatabaseUnreachable, address_parts, describe
from whosaw.store.errors import StoreError

_LOCK = 0x736368656D61  # "schema"


class MigrationFailed(StoreError, RuntimeError):
    """The schema could not be brought to what this code runs with; it is as it was before."""

    code: ClassVar[str] = "store.migration_failed"
    hint = "the user in the address must own the database and may create roles"


def engine_url(url: str) -> URL:
    """Return a libpq address as the SQLAlchemy address of the same database.

    Raises:
        AddressInvalid: `url` is no address.
    """
    parts = address_parts(url)
    return URL.create(
        "postgresql+psycopg",
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        database=parts.pop("dbname", None),
        query=parts,  # host and port among them, and what says how safely to connect
    )


def upgrade(url: str, revision: str = "head") -> None:
    """Run every migration up to `revision` in one transaction each.

    Raises:
        DatabaseUnreachable: the server does not answer or refuses the login.
        MigrationFailed: it refuses a statement, or was made by a newer version.
    """
    _run(url, "upgrade", revision)


def downgrade(url: str, revision: str) -> None:
    """Undo migrations down to `revision` (``base`` undoes all).

    Raises:
        DatabaseUnreachable: the server does not answer or refuses the login.
        MigrationFailed: it refuses a statement, or was made by a newer version.
    """
    _run(url, "downgrade", revision)


def _run(url: str, change: Literal["upgrade", "downgrade"], revision: str) -> None:
    # here, because alembic takes a second to import and most processes find the schema as it should be
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    folder = str(resources.files("whosaw.store") / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))  # a % would ask for an option of that name
    config.set_main_option("path_separator", "os")
    engine = create_engine(engine_url(url), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            # one process at a time: two that start together must not both make the tables
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            config.attributes["connection"] = connection
            getattr(command, change)(config, revision)
    except OperationalError as cause:
        raise DatabaseUnreachable(f"no database at {describe(url)}") from cause
    except DBAPIError as cause:
        state = getattr(cause.orig, "sqlstate", None) or type(cause.orig).__name__
        raise MigrationFailed(f"the database at {describe(url)} refused a migration ({state})") from cause
    except CommandError as cause:
        raise MigrationFailed(
            f"the database at {describe(url)} has a schema that this version does not know",
            hint="run the version of whosaw that made it, or a newer one",
        ) from cause
    finally:
        engine.dispose()
