"""Why the trail takes nothing: one error for each cause, so that whoever is on call knows which it is.

All mean the same to a door: not recorded, so nothing is revealed. None can be overridden; each ends by itself when its
cause does, but for a server that is not the one that was known, which somebody has to look at.
"""

from __future__ import annotations

import errno
from typing import ClassVar

from whosaw.record.errors import AppendFailed, TrailUnavailable
from whosaw.store.database import DatabaseUnreachable

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SQL_NO_SPACE = "53100"


class DatabaseGone(AppendFailed):
    """The database does not answer, or the connection broke before it had."""

    code: ClassVar[str] = "record.database_gone"
    hint = "start PostgreSQL; the doors go on by themselves"


class DiskFull(AppendFailed):
    """The disk of the database, or of the receipt journal, is full."""

    code: ClassVar[str] = "record.disk_full"
    hint = "make room on the disk of the database and of the receipts; the doors go on by themselves"


class ClockBehind(TrailUnavailable):
    """This machine's clock stands before the last entry."""

    code: ClassVar[str] = "record.clock_behind"
    hint = "set the clock right; where a wrong clock dated the last entry, `whosaw fsck --accept-server` settles it"


class KeyGone(TrailUnavailable):
    """A key file that this process works with is not there any more, or open to others."""

    code: ClassVar[str] = "record.key_gone"
    hint = "restore the file with mode 0600 from its backup; the doors go on by themselves"


class IntegratorStuck(TrailUnavailable):
    """Entries wait to be signed, and no checkpoint comes."""

    code: ClassVar[str] = "record.integrator_stuck"
    hint = "check that a server runs and what its log says; if it stopped because of damage, run `whosaw fsck`"


class DurabilityLost(TrailUnavailable):
    """The server was told, while it ran, that it may lose what it says is committed."""

    code: ClassVar[str] = "record.durability_lost"
    hint = "set fsync, full_page_writes and synchronous_commit on and reload; the doors go on by themselves"


class ServerChanged(TrailUnavailable):
    """The database server is another one, went to another timeline, or cannot be compared with the one known."""

    code: ClassVar[str] = "record.server_changed"
    hint = "if this failover or restore is meant, `whosaw fsck --accept-server` checks the trail and takes the server"


class TrailShorter(TrailUnavailable):
    """The database holds fewer entries than were promised or signed."""

    code: ClassVar[str] = "record.shorter"
    hint = "the database was put back to an older state; run `whosaw fsck`"


def failure_of(cause: BaseException) -> TrailUnavailable:
    """Return what a door is told about a batch that failed for `cause`; every member gets an error of its own."""
    if isinstance(cause, TrailUnavailable):
        return type(cause)(str(cause), hint=cause.hint)
    chain = [*_chain(cause)]
    failure: TrailUnavailable = AppendFailed("the batch was not recorded, or it is not known that it was")
    if any(_says_full(each) for each in chain):
        failure = DiskFull("a disk is full: the batch was not recorded, or its receipt was not kept")
    elif any(isinstance(each, DatabaseUnreachable) for each in chain):
        failure = DatabaseGone("the database does not answer: it is not known that the batch was recorded")
    failure.__cause__ = cause
    return failure


def _chain(cause: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__
    return found


def _says_full(cause: BaseException) -> bool:
    if getattr(cause, "sqlstate", None) == _SQL_NO_SPACE:
        return True
    return isinstance(cause, OSError) and cause.errno in _NO_SPACE
