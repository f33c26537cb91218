"""Read SQL statements for the subjects they name; a statement that cannot be read is an answer too, never an error."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from whosaw.ask.sqlkeys import KeyTable, Reading, Unread

MOST_BYTES = 16 << 10
"""A longer statement is not read. The parser's stack need grows with the text."""

NUL = "nul"
TOO_LONG = "too_long"
DIED = "died"

_WAIT_S = 20.0
_MOST_AT_ONCE = 128
_START = "from whosaw.ask.sqlchild import main; main()"

Statement = tuple[str, Sequence[str | None]]


class SqlReader:
    """A reader with its child process; use as a context manager.

    Args:
        tables: the tables that hold subjects, and their keys.
        wait_s: seconds after which a silent child counts as dead, > 0.
    """

    def __init__(self, tables: Sequence[KeyTable], wait_s: float = _WAIT_S) -> None:
        self._tables = tables
        self._wait_s = wait_s
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SqlReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, statement: str, parameters: Sequence[str | None] = ()) -> Reading | Unread:
        """Return what one statement says; see `read_all`."""
        return self.read_all([(statement, parameters)])[0]

    def read_all(self, statements: Sequence[Statement]) -> list[Reading | Unread]:
        """Return what each statement says, in their order.

        Args:
            statements: text and the values of its parameters `$1` …, None where one is not known.
        """
        found: list[Reading | Unread | None] = [_refused(text) for text, _ in statements]
        places = [place for place, each in enumerate(found) if each is None]
        for start in range(0, len(places), _MOST_AT_ONCE):
            some = places[start : start + _MOST_AT_ONCE]
            for place, answer in zip(some, self._ask([statements[place] for place in some]), strict=True):
                found[place] = answer
        return [each if each is not None else Unread(DIED) for each in found]

    def _ask(self, statements: list[Statement]) -> list[Reading | Unread]:
        answers = self._exchange(statements)
        if answers is None and len(statements) == 1:
            answers = self._exchange(statements)  # something else may have ended the child
        if answers is not None:
            return [_answer(each) for each in answers]
        if len(statements) == 1:
            return [Unread(DIED)]
        # one of them ended the child: in halves, only that one stays unread
        middle = len(statements) // 2
        return self._ask(statements[:middle]) + self._ask(statements[middle:])

    def _exchange(self, statements: list[Statement]) -> list[dict[str, Any]] | None:
        """Return the child's answers; None where it died or fell silent."""
        child = self._child or self._start()
        self._child = child
        request = json.dumps({"statements": [(text, list(values)) for text, values in statements]})
        try:
            line = _talk(child, request.encode() + b"\n", self._wait_s)
            answers = json.loads(line) if line.endswith(b"\n") else None
        except (BrokenPipeError, ValueError):
            answers = None
        if not isinstance(answers, list) or len(answers) != len(statements):
            self._end()
            return None
        return answers

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        tables = [(table.table, table.key, table.type) for table in self._tables]
        if child.stdin is not None:
            child.stdin.write(json.dumps({"tables": tables}).encode() + b"\n")
            child.stdin.flush()
        return child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        child.wait()


def _talk(child: subprocess.Popen[bytes], request: bytes, wait_s: float) -> bytes:
    """Send a request and return the line that answers it, cut short where the child ended or fell silent."""
    if child.stdin is None or child.stdout is None:
        return b""
    child.stdin.write(request)
    child.stdin.flush()
    line = bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n") and waiting.select(wait_s):
            chunk = os.read(child.stdout.fileno(), 1 << 16)
            if not chunk:
                break
            line += chunk
    return bytes(line)


def _refused(text: str) -> Unread | None:
    if "\0" in text:
        return Unread(NUL)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return Unread(NUL)
    return Unread(TOO_LONG) if size > MOST_BYTES else None


def _answer(given: dict[str, Any]) -> Reading | Unread:
    if "unread" in given:
        return Unread(given["unread"])
    return Reading(
        keys={table: frozenset(keys) for table, keys in given["keys"].items()},
        others=frozenset(given["others"]),
        calls=frozenset(given["calls"]),
        writes_only=given["writes_only"],
    )
