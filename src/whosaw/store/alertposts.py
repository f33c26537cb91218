"""The way out of alerts: one post for each alert and each way (a webhook, a mail address), until its receiver took it.

Delivery is at least once: a post is counted and put off before it is handed over, so that whoever dies in the middle
leaves it to be tried again, and two senders never try the same one at once. What a receiver gets twice bears the same
identity twice. Nothing is given up: a post that is refused waits longer each time, an hour at most, and is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from whosaw.store.alerts import Alert
from whosaw.store.database import Database

_ROWS = 200
_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Post:
    """One alert on its way out.

    Attributes:
        alert: what goes out.
        way: ``webhook:NAME`` or ``mail:ADDRESS``.
        attempts: how often it was tried, this time included.
    """

    alert: Alert
    way: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A post that no receiver took yet; `last_error` is a word and a code, never an address or an answer's text."""

    alert_id: int
    way: str
    attempts: int
    due_at: datetime
    last_error: str


class AlertPosts:
    """The posts of one database; writes as its owner. Any number of processes may send."""

    def __init__(self, db: Database, *, lease: timedelta = timedelta(seconds=60)) -> None:
        """Describe the posts.

        Args:
            db: whosaw's database, as its owner.
            lease: how long a post is left to whoever took it; longer than a hand-over can take.
        """
        self._db = db
        self._lease = lease

    async def fan_out(self, ways: Sequence[str], at: datetime) -> int:
        """Make a post of every new alert for every way; return how many alerts were new.

        Without any way the alerts stay new: once there is one, they go out.
        """
        if not ways:
            return 0
        async with self._db.transaction() as connection:
            rows = await connection.execute(
                "select id from alert where fanned_at is null order by id limit %s for update skip locked", [_ROWS]
            )
            fresh = [row[0] for row in await rows.fetchall()]
            await connection.execute(
                "insert into alert_post (alert_id, way, due_at) select a, w, %s from unnest(%s::bigint[]) as a, "
                "unnest(%s::text[]) as w on conflict do nothing",
                [at, fresh, list(ways)],
            )
            await connection.execute("update alert set fanned_at = %s where id = any(%s)", [at, fresh])
        return len(fresh)

    async def take(self, ways: Sequence[str], at: datetime, limit: int = 20) -> list[Post]:
        """Take posts that are due, the longest waiting first; they are this caller's for the lease."""
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "with taken as (update alert_post set attempts = attempts + 1, due_at = %(until)s "
                "where (alert_id, way) in (select alert_id, way from alert_post where sent_at is null "
                "and due_at <= %(at)s and way = any(%(ways)s) order by due_at, alert_id limit %(limit)s "
                "for update skip locked) returning alert_id, way, attempts) "
                "select a.id, a.identity, a.kind, a.severity, a.code, a.about, a.raised_at, t.way, t.attempts "
                "from taken t join alert a on a.id = t.alert_id order by a.id, t.way",
                {"until": at + self._lease, "at": at, "ways": list(ways), "limit": limit},
            )
            return [Post(Alert(*row[:7]), row[7], row[8]) for row in await rows.fetchall()]

    async def sent(self, post: Post, at: datetime) -> None:
        """Note that the receiver took it."""
        async with self._db.connection() as connection:
            await connection.execute(
                "update alert_post set sent_at = %s, last_error = '' "
                "where alert_id = %s and way = %s and sent_at is null",
                [at, post.alert.id, post.way],
            )

    async def put_back(self, post: Post, error: str, at: datetime) -> None:
        """Let it wait for another attempt, longer each time.

        Args:
            post: that was taken.
            error: a word and a code, as ``http.503``.
            at: now.
        """
        wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(post.attempts - 1, 12))
        async with self._db.connection() as connection:
            await connection.execute(
                "update alert_post set due_at = %s, last_error = %s "
                "where alert_id = %s and way = %s and sent_at is null and attempts = %s",
                [at + timedelta(seconds=wait_s), error, post.alert.id, post.way, post.attempts],
            )

    async def undelivered(self, limit: int = 1_000) -> list[Undelivered]:
        """Return what no receiver took yet, the oldest first."""
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "select alert_id, way, attempts, due_at, last_error from alert_post where sent_at is null "
                "order by alert_id, way limit %s",
                [limit],
            )
            return [Undelivered(*row) for row in await rows.fetchall()]
