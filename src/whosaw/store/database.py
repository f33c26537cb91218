"""Connections to whosaw's own PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from whosaw.store.errors import StoreError
from whosaw.store.line import Answer, Line

Connection = AsyncConnection[tuple[Any, ...]]

_UNSAFE = {"fsync": {"off"}, "full_page_writes": {"off"}, "synchronous_commit": {"off"}}


class DatabaseUnreachable(StoreError, ConnectionError):
    """PostgreSQL does not answer, or refuses the login."""

    code: ClassVar[str] = "store.unreachable"
    hint = "check that PostgreSQL runs and that the address, user and password in the settings are right"


class AddressInvalid(StoreError, ValueError):
    """An address is not one of PostgreSQL; it is not repeated, for it may hold a password."""

    code: ClassVar[str] = "store.address_invalid"
    hint = "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


class UnsafeDurability(StoreError, RuntimeError):
    """The server may lose what it said was committed, so nothing may be revealed on its word."""

    code: ClassVar[str] = "store.unsafe_durability"
    hint = "set fsync = on, full_page_writes = on and synchronous_commit = on, then restart"


class Database:
    """A pool of autocommit connections to one PostgreSQL database.

    Open it with ``async with``. Safe for use by any number of tasks of one event loop. A connection given back is the
    next one lent: its server process has the plans and tables at hand, and the pool itself, which takes turns and costs
    as much as a short query, makes and closes connections only.
    """

    def __init__(self, url: str, *, pool_size: int = 8, wait_s: float = 2.0) -> None:
        """Describe the pool; nothing connects yet.

        Args:
            url: ``postgresql://user:password@host/database`` or a conninfo string.
            pool_size: connections at most, > 0.
            wait_s: seconds a task waits for a free connection before the database counts as unreachable.

        Raises:
            AddressInvalid: `url` is no address.
        """
        address_parts(url)
        self.url = url
        self._wait_s = wait_s
        self._free = asyncio.Semaphore(pool_size)
        # invariant: connections that nobody uses and nothing is under way on; the one used last at the end
        self._idle: list[Line] = []
        self._open = False
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            _plain(url),
            min_size=1,
            max_size=pool_size,
            timeout=wait_s,
            kwargs={"autocommit": True, "application_name": "whosaw"},
            open=False,
        )

    async def __aenter__(self) -> Self:
        """Connect once and refuse a server that is not durable.

        Raises:
            DatabaseUnreachable: the server does not answer or refuses the login.
            UnsafeDurability: a setting allows committed rows to be lost.
        """
        await self._probe()
        try:
            await self._pool.open(wait=True, timeout=10)
            self._open = True
        except PoolTimeout as cause:
            await self._pool.close()
            raise DatabaseUnreachable(f"the database {describe(self.url)} stopped answering") from cause
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        self._open = False
        while self._idle:
            await self._part(self._idle.pop())
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend an autocommit connection.

        Raises:
            DatabaseUnreachable: none became free in time, or the server went away.
        """
        async with self._line() as line:
            line.rest()
            yield line.connection

    async def ask(self, statement: str, parameters: Sequence[bytes | None], *, binary: bool = False) -> Answer:
        """Return the answer to one short statement, the cheapest way there is: see `Line.ask`.

        Raises:
            DatabaseUnreachable: no connection became free in time, or the server went away.
            psycopg.Error: the server refused it.
        """
        # as `_line` does, without a context manager: it would cost a tenth of the statement
        try:
            await self._wait_for_turn()
            try:
                line = await self._take()
                try:
                    return await line.ask(statement, parameters, binary=binary)
                finally:
                    await self._give_back(line)
            finally:
                self._free.release()
        except (PoolTimeout, psycopg.OperationalError) as cause:
            raise DatabaseUnreachable("the database does not answer") from cause

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        try:
            await self._wait_for_turn()
            try:
                line = await self._take()
                try:
                    yield line
                finally:
                    await self._give_back(line)
            finally:
                self._free.release()
        except (PoolTimeout, psycopg.OperationalError) as cause:
            raise DatabaseUnreachable("the database does not answer") from cause

    async def _take(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if line.fit:
                return line
            await self._part_with(line)  # the server ended it while nobody used it
        return Line(await self._pool.getconn())

    async def _wait_for_turn(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as cause:
            raise DatabaseUnreachable("the database does not answer") from cause

    async def _give_back(self, line: Line) -> None:
        if self._open and line.fit:
            self._idle.append(line)
        else:
            await self._part_with(line)

    async def _part_with(self, line: Line) -> None:
        """Give a connection back to the pool; where it is gone, the idle ones are of a server that is gone too."""
        gone = [line]
        if line.connection.closed:
            gone += self._idle
            self._idle = []
            for each in gone:
                each.rest()
                await each.connection.close()
        for each in gone:
            await self._part(each)

    async def _part(self, line: Line) -> None:
        await line.end()
        await self._pool.putconn(line.connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one transaction that commits when the block ends well."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def _probe(self) -> None:
        try:
            async with await AsyncConnection.connect(_plain(self.url), connect_timeout=5) as connection:
                rows = await connection.execute(
                    "select name, setting from pg_settings where name = any(%s)", [list(_UNSAFE)]
                )
                settings: dict[str, str] = dict(await rows.fetchall())
        except psycopg.OperationalError as cause:
            raise DatabaseUnreachable(f"no database at {describe(self.url)}") from cause
        unsafe = [name for name, bad in _UNSAFE.items() if settings[name] in bad]
        if unsafe:
            raise UnsafeDurability(f"the server runs with {', '.join(f'{name} = off' for name in unsafe)}")


def describe(url: str) -> str:
    """Return where `url` points, without user or password, for messages."""
    parts = address_parts(url)
    where = parts.get("host") or "the default socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"`{parts.get('dbname') or 'postgres'}` on `{where}{port}`"


def with_login(url: str, user: str, password: str) -> str:
    """Return `url` with another login, as a conninfo string."""
    return make_conninfo(**(address_parts(url) | {"user": user, "password": password}))


def with_database(url: str, database: str) -> str:
    """Return `url` pointing at another database of the same server, as a conninfo string."""
    return make_conninfo(**(address_parts(url) | {"dbname": database}))


def address_parts(url: str) -> dict[str, str]:
    """Return the libpq parameters that `url` names.

    Raises:
        AddressInvalid: it is no address.
    """
    try:
        return {name: str(value) for name, value in conninfo_to_dict(_plain(url)).items() if value is not None}
    except psycopg.ProgrammingError:
        raise AddressInvalid("the address of the database cannot be read") from None


def _plain(url: str) -> str:
    """Return `url` without SQLAlchemy's driver part, which libpq does not know."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
