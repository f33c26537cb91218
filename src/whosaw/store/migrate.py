"""Bring a database to the schema this code runs with."""

from __future__ import annotations

from importlib import resources
from typing import ClassVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from whosaw.store.database import DatabaseUnreachable, address_parts, describe
from whosaw.store.errors import StoreError


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
    _run(url, command.upgrade, revision)


def downgrade(url: str, revision: str) -> None:
    """Undo migrations down to `revision` (``base`` undoes all).

    Raises:
        DatabaseUnreachable: the server does not answer or refuses the login.
        MigrationFailed: it refuses a statement, or was made by a newer version.
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
