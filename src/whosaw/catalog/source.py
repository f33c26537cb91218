"""The company's own databases, read and never written."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, cast
from urllib.parse import quote

from sqlalchemy import URL, Connection, Executable, Inspector, inspect, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InvalidRequestError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from whosaw.catalog.keyed import KeyedReads, Row
from whosaw.catalog.model import Catalog, CatalogError
from whosaw.catalog.told import TimeUnreadable

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_CONNECTIONS = 8
_LINES = 6  # of these, for reads by key; the others are left to whatever else is read
_WAIT_S = 5
# errors of MySQL's server, beside those of its client (2000 to 2999), that are no fault of the statement
# SQLSTATEs by which PostgreSQL says that a key cannot be one of its column's type: no number, no UUID, too large; and
# what its driver says of a NUL
_NO_SUCH_KEY = frozenset({"22P02", "22003", "22021", "22P03", "DataError"})
_MYSQL_NO_SUCH_KEY = frozenset({1267, 1270, 1271, 3854, 3988})  # signs that the column does not know
# and that something is no time: a key is none, so a row is not
_NO_TIME = frozenset({"22007", "22008"})
_MYSQL_TROUBLE = frozenset({1040, 1053, 1152, 1158, 1159, 1160, 1161, 1205, 1213, 1317, 1927, 1969, 3024})


class SourceUnreachable(CatalogError, ConnectionError):
    """A company database does not answer, or refuses the login."""

    code: ClassVar[str] = "catalog.source_unreachable"
    hint = "check the [sources] address, and that the database answers"


class SourceRefused(CatalogError, ValueError):
    """A company database refused a statement: a table, column or right is missing."""

    code: ClassVar[str] = "catalog.source_refused"
    hint = "run `whosaw check`: it tries every statement of the catalog"


class Source:
    """One company database. Keep it for the life of the process; safe for any number of tasks."""

    def __init__(self, name: str, url: str) -> None:
        """Describe the database; nothing connects yet.

        Raises:
            SourceUnreachable: `url` is not an address SQLAlchemy understands, or its driver is not installed.
        """
        self.name = name
        try:
            written = make_url(url)
            address = _read_only(written)
            self._file = Path(written.database or "") if address is not written else None
            self._engine: AsyncEngine = create_async_engine(
                address,
                pool_size=_CONNECTIONS,
                max_overflow=0,  # an overflowing connection would be made and closed for a single read
                pool_timeout=_WAIT_S,
                isolation_level="AUTOCOMMIT",  # single reads: a transaction around each would cost two more round trips
                hide_parameters=True,  # an error text must not carry a customer's key or value
                connect_args=_connect_arguments(address),
            )
        except (ArgumentError, InvalidRequestError, NoSuchModuleError, ImportError, TypeError, ValueError) as cause:
            raise SourceUnreachable(
                f"the address of source `{name}` cannot be used", hint=_address_hint(cause)
            ) from cause
        by_driver = address.get_backend_name() == "postgresql" and address.get_driver_name() == "psycopg"
        self._keyed = KeyedReads(self._engine, lines=_LINES, wait_s=_WAIT_S) if by_driver else None

    async def __aenter__(self) -> Self:
        """Return the source itself; connections are made when first needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        if self._keyed is not None:
            await self._keyed.close()
        await self._engine.dispose()

    async def rows(self, statement: Executable | str, *, lenient: bool = False, **values: object) -> Sequence[Row]:
        """Run a reading statement with bound `values`.

        A list among them holds keys; one that cannot be a key of its column's type (`C-1` among whole numbers) is a key
        of no row, and the others are found all the same.

        Args:
            statement: what to run.
            lenient: a key with a row whose time cannot be read is one of no row too: right where a row opens something,
                wrong where it may excuse somebody.
            values: what its parameters stand for.

        Raises:
            SourceUnreachable: the database does not answer.
            SourceRefused: it answers with an error.
            TimeUnreadable: a row tells a time that is none, and this is not `lenient`, or nothing was sought by keys.
        """
        clause = text(statement) if isinstance(statement, str) else statement

        async def run(connection: AsyncConnection) -> Sequence[Row]:
            return cast("Sequence[Row]", (await connection.execute(clause, values)).mappings().all())

        try:
            if self._keyed is not None and self._keyed.takes(clause, values):
                (only,) = values.values()
                return await self._by_key(self._keyed, clause, only)
            return await self._with_connection(run)
        except (SourceRefused, TimeUnreadable) as refused:
            name, keys = next(((name, each) for name, each in values.items() if isinstance(each, list)), ("", []))
            unreadable = isinstance(refused, TimeUnreadable) or _state(refused.__cause__) in _NO_TIME
            if not keys or not (lenient if unreadable else _is_no_key(refused.__cause__)):
                raise
            if unreadable and len(keys) == 1:
                _LOG.warning("the source `%s` tells a time that cannot be read: its row counts as none", self.name)
        if len(keys) == 1:
            return ()
        half = len(keys) // 2
        parts = [
            await self.rows(clause, lenient=lenient, **values | {name: some}) for some in (keys[:half], keys[half:])
        ]
        return [row for part in parts for row in part]

    async def columns(self, statement: Executable) -> tuple[str, ...]:
        """Run a reading statement and return the names of its columns; rows are not fetched.

        Raises:
            SourceUnreachable, SourceRefused: as for `rows`.
        """

        async def run(connection: AsyncConnection) -> tuple[str, ...]:
            return tuple((await connection.execute(statement)).keys())

        return await self._with_connection(run)

    async def look(self, reader: Callable[[Inspector], T]) -> T:
        """Let `reader` ask the database about its own tables.

        Raises:
            SourceUnreachable, SourceRefused: as for `rows`.
        """

        def read(connection: Connection) -> T:
            return reader(inspect(connection))

        async def run(connection: AsyncConnection) -> T:
            return await connection.run_sync(read)

        return await self._with_connection(run)

    async def _by_key(self, keyed: KeyedReads, statement: Executable, keys: Any) -> Sequence[Row]:
        driver = self._engine.dialect.loaded_dbapi
        try:
            return await keyed.rows(statement, keys)
        except (OSError, NoFreeConnection, DBAPIError, driver.OperationalError, driver.InterfaceError) as cause:
            raise SourceUnreachable(f"the source `{self.name}` does not answer") from cause
        except driver.Error as cause:
            raise SourceRefused(f"the source `{self.name}` refused a statement ({_state(cause)})") from cause

    async def _with_connection(self, run: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        if self._file is not None and not (self._file.is_file() and os.access(self._file, os.R_OK)):
            # asked before, because aiosqlite's thread outlives an opening that fails
            raise SourceUnreachable(f"the source `{self.name}` does not answer: there is no file that can be read")
        connected = False
        try:
            async with self._engine.connect() as connection:
                connected = True
                return await run(connection)
        except (OSError, NoFreeConnection) as cause:
            raise SourceUnreachable(f"the source `{self.name}` does not answer") from cause
        except DBAPIError as cause:
            if not connected or _is_trouble(cause):
                raise SourceUnreachable(f"the source `{self.name}` does not answer") from cause
            # the driver's text may quote a value; its SQLSTATE or number says enough
            raise SourceRefused(f"the source `{self.name}` refused a statement ({_state(cause)})") from cause
        except SQLAlchemyError as cause:  # a table that is not there, to the inspector
            raise SourceRefused(f"the source `{self.name}` refused a statement ({type(cause).__name__})") from cause


def open_sources(catalog: Catalog) -> dict[str, Source]:
    """Return one `Source` per source the catalog names."""
    return {name: Source(name, url) for name, url in catalog.sources.items()}


def _read_only(url: URL) -> URL:
    """Return the address of a SQLite file as one that only reads: SQLite would otherwise make a missing file."""
    path = url.database
    if url.get_backend_name() != "sqlite" or not path or path.startswith("file:") or path == ":memory:":
        return url
    return url.set(database=f"file:{quote(path)}").update_query_dict({"uri": "true", "mode": "ro"})


def _connect_arguments(url: URL) -> dict[str, object]:
    driver = url.get_backend_name(), url.get_driver_name()
    if driver == ("postgresql", "psycopg") and "connect_timeout" not in url.query:
        return {"connect_timeout": _WAIT_S}
    if driver[0] in {"mysql", "mariadb"}:
        # a TIMESTAMP is told in the session's zone, without saying which
        return {"init_command": "set time_zone = '+00:00'", "connect_timeout": _WAIT_S}
    return {}


def _address_hint(cause: Exception) -> str:
    if isinstance(cause, ImportError | NoSuchModuleError):
        return "install the driver the address names: postgresql+psycopg, mysql+asyncmy and sqlite+aiosqlite are tried"
    return "write it as postgresql+psycopg://USER:PASSWORD@HOST/NAME, mysql+asyncmy://… or sqlite+aiosqlite:////FILE"


def _is_trouble(cause: DBAPIError) -> bool:
    """Return whether the database failed, rather than the statement."""
    if cause.connection_invalidated or isinstance(cause, InterfaceError):
        return True
    original = cause.orig
    name = getattr(original, "sqlite_errorname", None)
    if name is not None:
        return name.split("_")[1] in {"BUSY", "LOCKED", "CANTOPEN", "IOERR", "CORRUPT", "NOTADB", "FULL", "PROTOCOL"}
    number = _number(original)
    if number is not None:
        return 2000 <= number < 3000 or number in _MYSQL_TROUBLE
    return isinstance(cause, OperationalError)


def _is_no_key(cause: BaseException | None) -> bool:
    """Return whether the database says that a key cannot be one of its column."""
    return _state(cause) in _NO_SUCH_KEY or _number(getattr(cause, "orig", cause)) in _MYSQL_NO_SUCH_KEY


def _state(cause: BaseException | None) -> str:
    original = getattr(cause, "orig", cause)
    for state in (getattr(original, "sqlstate", None), getattr(original, "sqlite_errorname", None), _number(original)):
        if state is not None:
            return str(state)
    return type(original).__name__


def _number(original: object) -> int | None:
    """Return MySQL's error number, which its drivers give as the first argument."""
    arguments: tuple[object, ...] = getattr(original, "args", ())
    first = arguments[0] if len(arguments) == 2 else None
    return first if isinstance(first, int) else None
