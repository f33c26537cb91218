"""Who somebody is that wants to decide: his line in the directory, his functions, and how fresh all of it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar

from whosaw.catalog import Catalog, Source
from whosaw.catalog.statements import actor_statement
from whosaw.gate.approval import CIRCLE, HINTS, Approver, Reason
from whosaw.gate.approvalqueries import approver_state
from whosaw.gate.errors import GateError
from whosaw.gate.work import aware
from whosaw.store.database import Connection

DirectoryRow = Mapping[str, object]
Directory = Callable[[Sequence[str]], Awaitable[Mapping[str, DirectoryRow]]]
Everybody = Callable[[], Awaitable[Mapping[str, DirectoryRow]]]
"""Reads the whole directory."""


class ApprovalRefused(GateError, PermissionError):
    """This person may not decide this; the rule that forbids it is named."""

    code: ClassVar[str] = "gate.approval_refused"

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"this cannot be decided by this person now: {reason}", hint=HINTS[reason])
        self.reason = reason


def catalog_directory(catalog: Catalog, sources: Mapping[str, Source]) -> Directory:
    """Return a way to read lines of the staff directory that the catalog names, always afresh."""

    async def read(keys: Sequence[str]) -> Mapping[str, DirectoryRow]:
        actors = catalog.actors
        rows = await sources[actors.source].rows(actor_statement(actors), lenient=True, keys=list(keys))
        return {str(row["key"]): dict(row) for row in rows}

    return read


def roles_of(row: DirectoryRow | None) -> frozenset[str]:
    """Return the roles in a line of the directory; of nobody, none."""
    return _words(row.get("roles")) if row is not None else frozenset()


def functions_of(row: DirectoryRow | None) -> frozenset[str]:
    """Return the functions in a line of the directory."""
    return _words(row.get("function")) if row is not None else frozenset()


def is_there(row: DirectoryRow | None, at: datetime) -> bool:
    """Return whether the directory lists somebody who works here at `at`: his contract has begun and has not ended.

    What cannot be read as a time counts against him: as one that has ended, as one that has not begun.
    """
    return row is not None and _begun(row.get("since"), at) and not _ended(row.get("ended"), at)


def _begun(since: object, at: datetime) -> bool:
    if since is None:
        return True
    if isinstance(since, datetime):
        return aware(since) <= at
    return isinstance(since, date) and since <= at.date()


def _ended(ended: object, at: datetime) -> bool:
    if ended is None or isinstance(ended, bool):
        return bool(ended)
    if isinstance(ended, datetime):
        return aware(ended) <= at
    return not isinstance(ended, date) or ended <= at.date()


async def approver(
    connection: Connection, key: str, row: DirectoryRow | None, numbers: tuple[int, int | None], at: datetime
) -> Approver:
    """Return what the rules of approval need to know of one person.

    Args:
        connection: a deciding one.
        key: the person.
        row: his line in the directory.
        numbers: his, and that of whose request it is.
        at: now.
    """
    suspended, signed, signed_at, approved_at, ring = await approver_state(connection, *numbers, at - CIRCLE)
    own = functions_of(row)
    changed = row.get("changed_at") if row is not None else None
    times = [signed_at] if signed_at is not None else []
    if isinstance(changed, datetime):
        times.append(aware(changed))
    # a function that the directory gives, without saying since when, may be a minute old
    unknown = bool(own) and not isinstance(changed, datetime)
    return Approver(
        key=key,
        functions=own | frozenset(signed),
        listed=is_there(row, at),
        suspended=suspended,
        changed_at=None if unknown else max(times, default=None),
        approved_by_holder_at=approved_at,
        ring_since=ring,
    )


def _words(cell: object) -> frozenset[str]:
    words: Iterable[object] = (
        cell.split(",") if isinstance(cell, str) else cell if isinstance(cell, list | tuple) else ()
    )
    return frozenset(str(word).strip() for word in words if str(word).strip())
