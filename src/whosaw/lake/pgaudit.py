"""PostgreSQL's audit log (pgaudit) in its CSV or JSON log, read as accesses: who named which subject in a statement.

A statement that confines itself to keys of the tables the mapping names becomes one row for each of them. One that
touches such a table otherwise, or may do so, becomes one row without a subject: somebody was seen, nobody knows who.
What touches none of them is no access. Columns: those of `COLUMNS`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whosaw.ask.sqlkeys import Reading, Unread
from whosaw.ask.sqlreader import SqlReader
from whosaw.lake.batches import Batch, texts
from whosaw.lake.errors import LogColumnMissing, LogUnreadable
from whosaw.lake.mapping import Sql, TimeReading
from whosaw.lake.pglog import PREVIOUSLY, Audit, LogLine, audit_of, log_lines, read_time
from whosaw.lake.times import times_of

COLUMNS = (
    "subject",
    "user",
    "database",
    "address",
    "application",
    "connection",
    "access",
    "class",
    "command",
    "object",
    "statement",
    "parameters",
    "time",
)

_BATCH_ROWS = 1 << 11
_REMEMBERED = 2_000
_SYSTEM = ("pg_catalog.", "information_schema.")
_ACCESS_CLASSES = ("READ", "WRITE")

Read = Reading | Unread


@dataclass(frozen=True, slots=True)
class _Access:
    """One audited statement on its way to rows; `audit.statement` is its full text where that is known."""

    line: LogLine
    audit: Audit


class PgauditLog:
    """Accesses in a log of pgaudit.

    Args:
        path: the CSV or JSON log, plain or compressed.
        wanted: columns to hand on, of `COLUMNS`.
        sql: the tables that hold subjects.
        how: the zone of times whose abbreviation is not UTC's.
    """

    def __init__(self, path: Path, wanted: Iterable[str], sql: Sql, how: TimeReading) -> None:
        self._path = path
        self._wanted = list(wanted)
        self._sql = sql
        self._prefixes = dict(sql.prefixes)
        self._how = how
        self._memory = _Memory()

    def batches(self) -> Iterator[Batch]:
        """Yield the accesses in the order of the file.

        Raises:
            LogColumnMissing: a wanted column is none of `COLUMNS`.
            LogUnreadable: it is no log of PostgreSQL, or holds no entry of pgaudit.
            LogEmpty, LogEncoding: it cannot be read at all.
        """
        for name in self._wanted:
            if name not in COLUMNS:
                raise LogColumnMissing(f"the log has no column `{name}`", hint="known: " + ", ".join(COLUMNS))
        audited = 0
        with SqlReader(self._sql.tables) as reader:
            for lines, malformed in log_lines(self._path, _BATCH_ROWS):
                accesses, seen = [], 0
                for line in lines:
                    audit = audit_of(line.message)
                    if audit is None:
                        continue
                    seen += 1
                    access = self._memory.complete(line, audit)
                    if access is not None and self._may_show(access.audit):
                        accesses.append(access)
                audited += seen
                yield self._batch(accesses, reader, malformed, len(lines))
        if not audited:
            raise LogUnreadable(
                f"log `{self._path}` holds no entry of pgaudit",
                hint="set pgaudit.log to `read, write` and pgaudit.log_relation to on, then export the log anew",
            )

    def _may_show(self, audit: Audit) -> bool:
        if audit.kind not in _ACCESS_CLASSES or audit.command == "PREPARE":  # shows nothing until it is executed
            return False
        return not audit.object or audit.object in self._prefixes

    def _batch(
        self, accesses: list[_Access], reader: SqlReader, malformed: list[tuple[int, bytes]], lines: int
    ) -> Batch:
        read = reader.read_all([(access.audit.statement or "\0", access.audit.parameters) for access in accesses])
        rows: list[tuple[_Access, str | None, str | None]] = []
        used = set()
        for place, (access, found) in enumerate(zip(accesses, read, strict=True)):
            named = self._subjects(access.audit, found)
            rows += [(access, subject, table) for subject, table in named]
            if named:
                used.add(place)
        cells = {name: texts([_cell(name, *row) for row in rows]) for name in self._wanted}
        return Batch(
            lines=[access.line.number for access, _, _ in rows],
            # a statement that names several subjects is several rows, each with an identity of its own
            raws=[
                access.line.raw + b"\0" + f"{table or ''}\0{subject or ''}".encode() for access, subject, table in rows
            ],
            cells=cells,
            times=times_of([read_time(access.line.at, self._how) for access, _, _ in rows]),
            malformed=malformed,
            skipped=lines - len(used),
        )

    def _subjects(self, audit: Audit, found: Read) -> list[tuple[str | None, str | None]]:
        """Return subject and table of every row that a statement becomes; a subject of None is unknown."""
        if isinstance(found, Unread):
            return [(None, audit.object or None)]
        if found.writes_only and audit.command == "INSERT":
            return []
        if audit.object:
            keys = found.keys.get(audit.object)
            if keys is None:  # reached through a view or a function: the text does not say for whom
                return [(None, audit.object)]
            return [(self._prefixes[audit.object] + key, audit.object) for key in sorted(keys)]
        rows: list[tuple[str | None, str | None]] = [
            (self._prefixes[table] + key, table) for table, keys in sorted(found.keys.items()) for key in sorted(keys)
        ]
        unclear = sorted(name for name in found.others if not self._is_harmless(name))
        return rows + [(None, name) for name in unclear]

    def _is_harmless(self, name: str) -> bool:
        if name.startswith(_SYSTEM) or name.startswith("pg_"):
            return True
        return name in self._sql.unprotected or ("." not in name and f"public.{name}" in self._sql.unprotected)


class _Memory:
    """What earlier lines said that later ones lean on: statements told once, and accesses told twice."""

    def __init__(self) -> None:
        self._statements: OrderedDict[tuple[str, str, str], tuple[str, tuple[str | None, ...]]] = OrderedDict()
        self._told: OrderedDict[tuple[str, str, str, str], None] = OrderedDict()

    def complete(self, line: LogLine, audit: Audit) -> _Access | None:
        """Return an entry with its full statement; None where session and object auditing told the same access."""
        place = (line.session, audit.statement_id, audit.substatement_id, audit.object)
        if audit.object and place in self._told:
            return None
        _remember(self._told, place, None)
        key = place[:3]
        if audit.statement == PREVIOUSLY:
            statement, parameters = self._statements.get(key, ("", ()))
            audit = audit.with_text(statement, parameters)
        elif audit.statement:
            _remember(self._statements, key, (audit.statement, audit.parameters))
        return _Access(line, audit)


def _remember(memory: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)


def _cell(name: str, access: _Access, subject: str | None, table: str | None) -> str | None:
    line, audit = access.line, access.audit
    cells: dict[str, str | None] = {
        "subject": subject,
        "user": line.user,
        "database": line.database,
        "address": line.address or "local",
        "application": line.application,
        "connection": line.session,
        "access": f"{audit.command} {table}" if table else audit.command,
        "class": audit.kind,
        "command": audit.command,
        "object": table,
        "statement": audit.statement or None,
        "parameters": audit.raw_parameters or None,
        "time": line.at,
    }
    return cells[name]
