"""The outbox: mail that must go out exactly once, and what became of each.

A row goes ``pending → claimed → sending → sent``. ``claimed`` means that a run took it and has not begun to hand over
the message; ``sending`` means that the hand-over may have begun. A run that is cut leaves both behind. What was only
claimed goes back to ``pending``; of what was being sent nobody here can know whether the receiving server has it, so
it becomes ``sent?`` and is never sent again on a guess: `settle` decides it with that server's word.

One run at a time sends (an advisory lock); a run whose lock was lost cannot begin another hand-over, because each one
starts with an update that only the run that claimed the row can make. An address and a letter stay in the row until
the row is ``sent``; then a salted hash of the address and the hash of the letter are all that is left.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Literal

from whosaw.store.database import Database
from whosaw.store.errors import StoreError

State = Literal["pending", "claimed", "sending", "sent", "sent?", "failed"]

_LOCK = 0x6F7574_626F78  # "outbox"


class OutboxBusy(StoreError, RuntimeError):
    """Another process is sending."""

    code: ClassVar[str] = "store.outbox_busy"
    hint = "wait until it has finished; nothing is lost"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to go out.

    Attributes:
        recipient_key: whom it is for, within its topic; one mail per topic and key.
        message_id: its Message-ID, with angle brackets; it never changes.
        recipient: the address.
        message: the whole message, RFC 5322.
    """

    recipient_key: str
    message_id: str
    recipient: str = field(repr=False)
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that the present run may send; `attempts` counts earlier ones."""

    id: int
    message_id: str
    attempts: int
    recipient: str = field(repr=False)
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of one mail; `error` is a word and a code, never an address."""

    recipient_key: str
    message_id: str
    state: State
    attempts: int
    error: str
    message_sha256: str
    queued_at: datetime
    sent_at: datetime | None


class Outbox:
    """The mail of one database."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def queue(self, topic: str, mails: Sequence[Mail], at: datetime) -> int:
        """Add mails and return how many are new; one that is there already, in any state, stays as it is."""
        if not mails:
            return 0
        salts = [secrets.token_bytes(16) for _ in mails]
        hashes = [sha256(salt + mail.recipient.encode()).hexdigest() for salt, mail in zip(salts, mails, strict=True)]
        async with self.db.connection() as connection:
            done = await connection.execute(
                "insert into outbox_mail (topic, recipient_key, message_id, recipient, message, message_sha256, "
                "recipient_salt, recipient_hash, queued_at) select %s, m.*, %s from unnest(%s::text[], %s::text[], "
                "%s::text[], %s::bytea[], %s::text[], %s::bytea[], %s::text[]) m on conflict do nothing",
                [
                    *(topic, at),
                    [mail.recipient_key for mail in mails],
                    [mail.message_id for mail in mails],
                    [mail.recipient for mail in mails],
                    [mail.message for mail in mails],
                    [sha256(mail.message).hexdigest() for mail in mails],
                    *(salts, hashes),
                ],
            )
            return done.rowcount

    async def keys(self, topic: str) -> set[str]:
        """Return the recipients that have a mail of this topic, in any state."""
        async with self.db.connection() as connection:
            rows = await connection.execute("select recipient_key from outbox_mail where topic = %s", [topic])
            return {row[0] for row in await rows.fetchall()}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Run]:
        """Begin a sending run: the only one, with what an earlier cut run left put right.

        Raises:
            OutboxBusy: another process is sending.
        """
        async with self.db.connection() as connection:
            rows = await connection.execute("select pg_try_advisory_lock(%s)", [_LOCK])
            row = await rows.fetchone()
            if row is None or not row[0]:
                raise OutboxBusy("another process is sending the outbox")
            try:
                await connection.execute(
                    "update outbox_mail set state = case state when 'claimed' then 'pending' else 'sent?' end, "
                    "claim = null, last_error = case state when 'claimed' then last_error else 'run.cut' end "
                    "where state in ('claimed', 'sending')"
                )
                yield Run(self.db)
            finally:
                await connection.execute("select pg_advisory_unlock(%s)", [_LOCK])

    async def unsure(self) -> list[str]:
        """Return the Message-IDs of which nobody here knows whether they arrived."""
        async with self.db.connection() as connection:
            rows = await connection.execute("select message_id from outbox_mail where state = 'sent?' order by id")
            return [row[0] for row in await rows.fetchall()]

    async def settle(self, arrived: Collection[str], lost: Collection[str], at: datetime) -> None:
        """Decide unsure mails by the receiving server's word.

        Args:
            arrived: Message-IDs that it has; they are sent.
            lost: Message-IDs that it does not have; they go out again.
            at: the time noted as sent.
        """
        async with self.db.transaction() as connection:
            await connection.execute(
                "update outbox_mail set state = 'sent', sent_at = %s, recipient = null, message = null, "
                "last_error = '' where state = 'sent?' and message_id = any(%s)",
                [at, list(arrived)],
            )
            await connection.execute(
                "update outbox_mail set state = 'pending' where state = 'sent?' and message_id = any(%s)", [list(lost)]
            )

    async def counts(self, topic: str) -> dict[State, int]:
        """Return how many mails of a topic stand in which state; states without any are left out."""
        async with self.db.connection() as connection:
            rows = await connection.execute(
                "select state, count(*) from outbox_mail where topic = %s group by state", [topic]
            )
            return dict(await rows.fetchall())

    async def list(self, topic: str) -> Sequence[Posted]:
        """Return what became of every mail of a topic, in the order they were queued."""
        async with self.db.connection() as connection:
            rows = await connection.execute(
                "select recipient_key, message_id, state, attempts, last_error, message_sha256, queued_at, sent_at "
                "from outbox_mail where topic = %s order by id",
                [topic],
            )
            return [Posted(*row) for row in await rows.fetchall()]


class Run:
    """One sending run; every change it makes is bound to its own claim."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._claim = secrets.token_hex(16)

    async def claim(self, limit: int, *, after: int = 0) -> list[Claimed]:
        """Take pending mails with an id above `after`, oldest first, at most `limit`."""
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "update outbox_mail set state = 'claimed', claim = %s where id in (select id from outbox_mail "
                "where state = 'pending' and id > %s order by id limit %s for update skip locked) "
                "returning id, message_id, attempts, recipient, message",
                [self._claim, after, limit],
            )
            return [Claimed(*row) for row in sorted(await rows.fetchall(), key=lambda row: int(row[0]))]

    async def begin(self, mail: Claimed) -> bool:
        """Note durably that the hand-over of a mail begins; false where the mail is no longer this run's."""
        return await self._move(mail, "claimed", "state = 'sending', attempts = attempts + 1", [])

    async def sent(self, mail: Claimed, at: datetime) -> None:
        """Note that the server took a mail, and erase its address and letter."""
        change = "state = 'sent', sent_at = %s, recipient = null, message = null, last_error = ''"
        await self._move(mail, "sending", change, [at])

    async def unsure(self, mail: Claimed, error: str) -> None:
        """Note that the connection was lost after the hand-over began."""
        await self._move(mail, "sending", "state = 'sent?', last_error = %s", [error])

    async def put_back(self, mail: Claimed, error: str, *, tried: bool) -> None:
        """Let a mail wait for another attempt; `tried` counts this one."""
        counted = "attempts = attempts + 1, " if tried else ""
        await self._move(mail, None, f"state = 'pending', {counted}last_error = %s", [error])

    async def failed(self, mail: Claimed, error: str) -> None:
        """Note that the server will not take a mail."""
        await self._move(mail, None, "state = 'failed', last_error = %s", [error])

    async def _move(self, mail: Claimed, state: State | None, change: str, bound: Sequence[object]) -> bool:
        states = ["claimed", "sending"] if state is None else [state]
        async with self._db.connection() as connection:
            done = await connection.execute(
                f"update outbox_mail set {change} where id = %s and claim = %s and state = any(%s)",
                [*bound, mail.id, self._claim, states],
            )
            return done.rowcount == 1
