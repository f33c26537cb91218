"""Rows by key from PostgreSQL, straight through its driver: what the hot path does three times for every ask.

SQLAlchemy compiles the statement, once, and makes the connections; between statement and driver it would cost more than
the driver itself. Only statements with one list of keys come this way; everything else, and every other database,
goes through SQLAlchemy whole.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Error
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import ClauseElement, ColumnElement

from whosaw.store.line import Line, array

Row = Mapping[str, Any]

_EXPANDING = re.compile(r"\bin \(__\[POSTCOMPILE_(\w+)\]\)", re.IGNORECASE)
_REMEMBERED_MOST = 512
_PLANNED_S = 60.0  # a plan made while a table was small reads the whole of it: it is made anew after this
# One plan for any keys: to plan one of these statements anew for each ask takes the server as long as to run it. Asked
# in this way no server takes offence that does not know the setting.
_PLAN_ONCE = "select set_config(name, 'force_generic_plan', false) from pg_settings where name = 'plan_cache_mode'"
_Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as the driver takes it, and what reads its columns by name."""

    sql: str
    readers: Mapping[str, _Reader]


@dataclass(slots=True, eq=False)
class _Kept:
    """A connection that is kept: as SQLAlchemy made it, and as it is asked."""

    connection: AsyncConnection
    line: Line
    planned_s: float  # when its plans were begun anew, on the monotonic clock


class KeyedReads:
    """Reads of one PostgreSQL by its engine; use it from one event loop."""

    def __init__(self, engine: AsyncEngine, *, lines: int, wait_s: float) -> None:
        """Read over connections of `engine`.

        Args:
            engine: of psycopg, in autocommit; it must have more connections than `lines`.
            lines: connections at most, which are kept.
            wait_s: seconds to wait for a free one.
        """
        self._engine = engine
        self._free = asyncio.Semaphore(lines)
        self._wait_s = wait_s
        # invariant: connections that nobody uses, the one used last at the end
        self._idle: list[_Kept] = []
        self._compiled: dict[Executable, _Compiled | None] = {}

    def takes(self, statement: Executable, values: Mapping[str, object]) -> bool:
        """Return whether this is a statement with one list of keys and nothing else."""
        (only, *more) = values.values() or (None,)
        return not more and isinstance(only, list) and self._compile(statement) is not None

    async def rows(self, statement: Executable, keys: Sequence[str]) -> Sequence[Row]:
        """Return the rows for `keys`, a statement that `takes` allows.

        Raises:
            TimeoutError: no connection became free.
            DBAPIError: none could be made, by SQLAlchemy.
            Exception: the driver's own error where the statement failed.
        """
        compiled = self._compile(statement)
        if compiled is None:
            raise LookupError("not a statement by keys")
        if self._free.locked():
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            kept = self._idle.pop() if self._idle else await self._connect()
            if not kept.line.fit or time.monotonic() - kept.planned_s > _PLANNED_S:
                kept = await self._mended(kept)
            try:
                answer = await kept.line.ask(compiled.sql, [array(keys)])
            finally:
                if kept.line.fit:
                    self._idle.append(kept)
                else:
                    await self._drop(kept)
        finally:
            self._free.release()
        names = answer.names
        found = [dict(zip(names, row, strict=True)) for row in answer.rows]
        for name in names:
            reader = compiled.readers.get(name)
            if reader is not None:
                for row in found:
                    row[name] = reader(row[name])
        return found

    async def close(self) -> None:
        """Give back every connection."""
        while self._idle:
            kept = self._idle.pop()
            kept.line.rest()
            await kept.connection.close()

    def _compile(self, statement: Executable) -> _Compiled | None:
        if statement not in self._compiled:
            if len(self._compiled) >= _REMEMBERED_MOST:
                self._compiled.clear()
            self._compiled[statement] = _compiled(statement, self._engine)
        return self._compiled[statement]

    async def _mended(self, kept: _Kept) -> _Kept:
        """Return one that is fit and whose plans are young."""
        while not kept.line.fit:  # the server ended it while nobody used it
            await self._drop(kept)
            if not self._idle:
                return await self._connect()
            kept = self._idle.pop()
        if time.monotonic() - kept.planned_s > _PLANNED_S:
            kept.planned_s = time.monotonic()
            try:
                await kept.line.ask("discard plans", [])
            except BaseException as cause:
                # a server that knows no such statement keeps its plans, and is asked all the same
                if not (isinstance(cause, Error) and kept.line.fit):
                    await self._drop(kept)
                    raise
        return kept

    async def _connect(self) -> _Kept:
        connection = await self._engine.connect()
        raw: Any = (await connection.get_raw_connection()).driver_connection
        line = Line(raw)
        try:
            await line.ask(_PLAN_ONCE, [])
        except BaseException:
            await self._drop(_Kept(connection, line, 0.0))
            raise
        return _Kept(connection, line, time.monotonic())

    async def _drop(self, kept: _Kept) -> None:
        """Part with a connection; where it is gone, the idle ones are of a server that is gone too."""
        parting = [kept]
        if kept.line.connection.closed:
            parting += self._idle
            self._idle = []
        for each in parting:
            await each.line.end()
            await each.connection.invalidate()
            await each.connection.close()


def _compiled(statement: Executable, engine: AsyncEngine) -> _Compiled | None:
    if not isinstance(statement, ClauseElement):
        return None
    compiled = statement.compile(dialect=engine.dialect)
    sql, places = _EXPANDING.subn("= any($1)", str(compiled).replace("%%", "%"))
    if places != 1 or len(compiled.params) != 1:
        return None
    columns: ReadOnlyColumnCollection[str, ColumnElement[Any]] = statement.selected_columns  # type: ignore[attr-defined]
    readers = {each.name: each.type.result_processor(engine.dialect, None) for each in columns if hasattr(each, "name")}
    return _Compiled(sql, {name: reader for name, reader in readers.items() if reader is not None})
