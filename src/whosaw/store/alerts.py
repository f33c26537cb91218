"""Alerts: what must not stay quiet, who has read it, and its way out by mail and signed webhook.

An alert holds codes and numbers, never a value, a name or a reason: it leaves the house. The same alert about the same
thing is one alert, however often it is raised. Raising it is one insert, which may stand in the transaction of what it
is about; sending comes after, from what lies in the database, so that nothing is lost where the sender is down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Literal

from whosaw.store.database import Connection, Database
from whosaw.store.errors import StoreError

Severity = Literal["low", "medium", "high", "critical"]
About = Mapping[str, int | str]

_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_COLUMNS = "a.id, a.identity, a.kind, a.severity, a.code, a.about, a.raised_at"


class AlertInvalid(StoreError, ValueError):
    """What was to be raised is no alert: it may hold words of rules, references and numbers, and nothing else."""

    code: ClassVar[str] = "store.alert_invalid"


class NoSuchAlert(StoreError, LookupError):
    """No alert has this number."""

    code: ClassVar[str] = "store.no_such_alert"
    hint = "`whosaw alert list --all` shows every alert"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        id: its number here.
        identity: SHA-256 in hex of what it says; the same for the same alert, in every message about it.
        kind: what part raised it: ``break_glass``.
        severity: how urgent.
        code: what happened: ``glass.broken``.
        about: numbers and references of what it is about.
        raised_at: when.
        read_by: who has read it, the first first.
    """

    id: int
    identity: str
    kind: str
    severity: Severity
    code: str
    about: Mapping[str, int | str]
    raised_at: datetime
    read_by: tuple[str, ...] = ()


async def raise_alert(  # noqa: PLR0913 - one alert, said whole
    db: Database | Connection,
    kind: str,
    severity: Severity,
    text_code: str,
    about: About,
    *,
    at: datetime,
    once: About | None = None,
) -> int:
    """Raise an alert and return its number; the same one raised again is the same number.

    Args:
        db: whosaw's database, in any role; or a connection, to raise it in the transaction of what it is about.
        kind: what part raises it.
        severity: how urgent.
        text_code: what happened.
        about: numbers and references; what makes this one another than the last belongs in it.
        at: now.
        once: what makes it another than the last, where that is less than `about`; the first one raised stays.

    Raises:
        AlertInvalid: a word is none: free text and values cannot be in an alert.
    """
    if not _CODE.fullmatch(kind) or not _CODE.fullmatch(text_code):
        raise AlertInvalid("the kind and code of an alert are words of rules")
    for name, value in [*about.items(), *(once or {}).items()]:
        if not _CODE.fullmatch(name) or type(value) not in (int, str) or (type(value) is str and not _word(value)):
            raise AlertInvalid(f"`{name[:40]}` of an alert is neither a number nor a reference")
    text = json.dumps(dict(about), sort_keys=True, separators=(",", ":"))
    same = text if once is None else json.dumps(dict(once), sort_keys=True, separators=(",", ":"))
    identity = sha256(f"whosaw/alert/v1\n{kind}\n{text_code}\n{same}".encode()).hexdigest()
    values = [identity, kind, severity, text_code, text, at]
    if isinstance(db, Database):
        async with db.connection() as connection:
            return await _raise(connection, values)
    return await _raise(db, values)


async def alerts(db: Database, *, unread_by: str | None = None, limit: int = 100) -> Sequence[Alert]:
    """Return the latest alerts, newest first; with `unread_by`, those that this reader has not read."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"select {_COLUMNS}, (select array_agg(r.reader order by r.read_at, r.reader) from alert_read r "
            "where r.alert_id = a.id) from alert a where %s::text is null or not exists (select from alert_read r "
            "where r.alert_id = a.id and r.reader = %s) order by a.id desc limit %s",
            [unread_by, unread_by, limit],
        )
        return [replace(Alert(*cells), read_by=tuple(readers or ())) for *cells, readers in await rows.fetchall()]


@dataclass(frozen=True, slots=True)
class Attention:
    """How alerts were attended to: what may count as awareness, whoever says that nobody knew.

    Attributes:
        unread: alerts that nobody has read.
        oldest_at: when the oldest of them was raised, or None.
        longest_s: the longest that one waited for its first reader, in seconds, of those that were read.
    """

    unread: int
    oldest_at: datetime | None
    longest_s: float


async def attention(db: Database) -> Attention:
    """Return how alerts were attended to."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select count(*) filter (where first_at is null), min(raised_at) filter (where first_at is null), "
            "coalesce(extract(epoch from max(first_at - raised_at)), 0)::float8 from (select a.raised_at, "
            "(select min(r.read_at) from alert_read r where r.alert_id = a.id) as first_at from alert a) as each"
        )
        row = await rows.fetchone()
        return Attention(int(row[0]), row[1], float(row[2])) if row else Attention(0, None, 0.0)


async def mark_read(db: Database, ids: Sequence[int], reader: str, at: datetime) -> int:
    """Note that `reader` has read these alerts; return how many he had not read before.

    Raises:
        NoSuchAlert: one of them does not exist; none is noted.
    """
    wanted = sorted(set(ids))
    async with db.transaction() as connection:
        rows = await connection.execute("select id from alert where id = any(%s)", [wanted])
        missing = set(wanted) - {int(row[0]) for row in await rows.fetchall()}
        if missing:
            raise NoSuchAlert(f"there is no alert {min(missing)}")
        done = await connection.execute(
            "insert into alert_read (alert_id, reader, read_at) select i, %s, %s from unnest(%s::bigint[]) as i "
            "on conflict do nothing",
            [reader, at, wanted],
        )
        return done.rowcount


async def _raise(connection: Connection, values: Sequence[object]) -> int:
    rows = await connection.execute("select alert_raise(%s, %s, %s, %s, %s::jsonb, %s)", values)
    row = await rows.fetchone()
    assert row is not None  # noqa: S101 - the function always answers
    return int(row[0])


def _word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None
