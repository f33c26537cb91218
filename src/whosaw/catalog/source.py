"""The company's own databases, read and never written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InvalidRequestError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from whosaw.catalog.model import Catalog, CatalogError

Row = RowMapping

_CONNECTIONS = 8
_WAIT_S = 5.0


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
            self._engine: AsyncEngine = create_async_engine(
                url,
                pool_size=_CONNECTIONS,
                max_overflow=0,  # an overflowing connection would be made and closed for a single read
                pool_timeout=_WAIT_S,
                isolation_level="AUTOCOMMIT",  # single reads: a transaction around each would cost two more round trips
                hide_parameters=True,  # an error text must not carry a customer's key or value
            )
        except (ArgumentError, InvalidRequestError, NoSuchModuleError, ImportError, TypeError, ValueError) as cause:
            raise SourceUnreachable(f"the address of source `{name}` cannot be used") from cause

    async def __aenter__(self) -> Self:
        """Return the source itself; connections are made when first needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def rows(self, statement: TextClause | str, **values: object) -> Sequence[Row]:
        """Run a reading statement with bound `values`.

        Raises:
            SourceUnreachable: the database does not answer.
            SourceRefused: it answers with an error.
        """
        clause = text(statement) if isinstance(statement, str) else statement
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(clause, values)).mappings().all()
        except (OperationalError, InterfaceError, NoFreeConnection, OSError) as cause:
            raise SourceUnreachable(f"the source `{self.name}` does not answer") from cause
        except DBAPIError as cause:
            # the driver's text may quote a value; its SQLSTATE class says enough
            state = getattr(cause.orig, "sqlstate", None) or type(cause.orig).__name__
            raise SourceRefused(f"the source `{self.name}` refused a statement ({state})") from cause


def open_sources(catalog: Catalog) -> dict[str, Source]:
    """Return one `Source` per source the catalog names."""
    return {name: Source(name, url) for name, url in catalog.sources.items()}
