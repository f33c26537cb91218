"""A connection asked through libpq itself: prepared statements, parameters as the server takes them, nothing between.

psycopg's own cursors adapt, plan and watch the socket anew for each statement; for the short ones of the hot path that
costs three times what libpq does. Values come back through psycopg's loaders, errors are psycopg's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection, DataError, Error, OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_PREPARED_MOST = 200
_CANCEL_S = 1.0
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
# the statement is gone, or the tables changed under its plan: both are said before anything is done
_NOT_PREPARED_NOW = frozenset({"26000", "0A000"})


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and the names of their columns."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Line:
    """One statement at a time over one connection in autocommit; use it from one event loop.

    Between statements psycopg may use the connection too, once the line was put to `rest`. A line that is not `fit` any
    more is to be ended.
    """

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection
        self._pg = connection.pgconn
        self._loader = Transformer(connection)
        self._loop = asyncio.get_running_loop()
        self._socket = -1  # invariant: what the loop watches for us, or -1
        self._writing = False
        self._waiting: asyncio.Future[PGresult] | None = None
        self._prepared: dict[str, bytes] = {}
        # the server refuses a statement whose columns have changed, so names hold as long as it is prepared
        self._names: dict[str, tuple[str, ...]] = {}
        self._named = 0

    @property
    def fit(self) -> bool:
        """Return whether it can be asked: neither gone nor in the middle of something."""
        return self._waiting is None and self._pg.transaction_status == TransactionStatus.IDLE

    async def ask(self, statement: str, parameters: Sequence[bytes | None], *, binary: bool = False) -> Answer:
        """Return the answer to one statement; where the caller gives up meanwhile, the line is not `fit` any more.

        Args:
            statement: with ``$1``, ``$2`` … where parameters go.
            parameters: in the server's own text, or its binary form.
            binary: which of the two they are in.

        Raises:
            psycopg.Error: the server refused it, or went away.
        """
        name = self._prepared.get(statement)
        if name is None or self._socket < 0:
            result = await self._asked(statement, parameters, binary)
        else:  # what `_asked` comes to, without a coroutine of its own: the hot path asks six times for every answer
            self._pg.send_query_prepared(name, parameters, [1] * len(parameters) if binary else None)
            self._waiting = self._loop.create_future()
            if self._pg.flush():
                self._write_more()
            result = await self._waiting  # cancelled: it stays waiting, and the line is not fit
            self._waiting = None
        if result.status not in _DONE:
            result = await self._once_more(statement, parameters, binary, name, result)
        self._loader.set_pgresult(result)
        names = self._names.get(statement)
        if names is None:
            names = tuple((result.fname(at) or b"").decode() for at in range(result.nfields))
            if statement in self._prepared:
                self._names[statement] = names
        return Answer(names, self._loader.load_rows(0, result.ntuples, tuple))

    def rest(self) -> None:
        """Watch the connection no more, so that somebody else may use or close it."""
        if self._socket >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket, self._writing = -1, False

    async def end(self) -> None:
        """Watch the connection no more, and stop on the server too what nobody waits for any longer."""
        self.rest()
        if self._pg.transaction_status == TransactionStatus.ACTIVE:
            with contextlib.suppress(Error):
                await self.connection.cancel_safe(timeout=_CANCEL_S)

    async def _once_more(
        self, statement: str, parameters: Sequence[bytes | None], binary: bool, known: bytes | None, refused: PGresult
    ) -> PGresult:
        """Return the answer of a second try where the statement has to be prepared anew; raise what it was refused."""
        result = refused
        if known is not None and _state(result) in _NOT_PREPARED_NOW:
            del self._prepared[statement]
            self._names.pop(statement, None)
            result = await self._asked(statement, parameters, binary)
        if result.status not in _DONE:
            if self._pg.status == ConnStatus.BAD:  # said as a result, with no state that would tell it from a refusal
                raise OperationalError("the server closed the connection")
            raise error_from_result(result, self.connection.info.encoding)
        return result

    async def _asked(self, statement: str, parameters: Sequence[bytes | None], binary: bool) -> PGresult:
        formats = [1] * len(parameters) if binary else None
        name = self._prepared.get(statement)
        if name is None and len(self._prepared) < _PREPARED_MOST:
            self._named += 1
            name = f"whosaw_{self._named}".encode()
            self._pg.send_prepare(name, statement.encode())
            prepared = await self._answer()
            if prepared.status != ExecStatus.COMMAND_OK:
                return prepared
            self._prepared[statement] = name
        if name is None:
            self._pg.send_query_params(statement.encode(), parameters, param_formats=formats)
        else:
            self._pg.send_query_prepared(name, parameters, formats)
        return await self._answer()

    async def _answer(self) -> PGresult:
        if self._socket < 0:
            self._socket = self._pg.socket
            self._loop.add_reader(self._socket, self._readable)
        self._waiting = self._loop.create_future()
        if self._pg.flush():
            self._write_more()
        result = await self._waiting  # cancelled: it stays waiting, and the line is not fit
        self._waiting = None
        return result

    def _write_more(self) -> None:
        """Write what the socket did not take at once when it takes more."""
        self._writing = True
        self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        try:
            if self._pg.flush():
                return
        except OperationalError as cause:
            self._end(cause)
            return
        self._writing = False
        self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            self._pg.consume_input()
            if self._pg.is_busy():
                return
            last = None
            while (result := self._pg.get_result()) is not None:
                last = result
        except OperationalError as cause:
            self._end(cause)
            return
        if last is not None and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(last)

    def _end(self, cause: OperationalError) -> None:
        """Say that the server went away."""
        self.rest()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(cause)
        self._pg.finish()


def array(texts: Sequence[str]) -> bytes:
    """Return texts as PostgreSQL writes an array, for the server to read as whatever it compares them with.

    Raises:
        psycopg.DataError: a text holds a NUL, which the server has no form for.
    """
    written = "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts) + "}"
    if "\x00" in written:
        raise DataError("PostgreSQL has no NUL in a text")
    return written.encode()


def _state(result: PGresult) -> str:
    return (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
