"""Reports of an approach: somebody was offered money for data. Who reports is kept nowhere, so it can join nothing.

The reporter gets a code and can come back with it to read an answer and to add something; the database holds the code's
hash. The entry in the trail says that a report came in, under the name of the desk.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from whosaw.answer import foundqueries as queries
from whosaw.answer.errors import AnswerError
from whosaw.answer.notes import Notes
from whosaw.answer.sightings import RawMails
from whosaw.record import entries_by_actor
from whosaw.store import Database
from whosaw.store.numbers import find
from whosaw.terms import Clock, to_us

DESK = "service:approach-desk"
_LONGEST = 4_000
_NOT_KEPT = re.compile("[\0\ud800-\udfff]")  # no column of text takes them


class ApproachUnknown(AnswerError, LookupError):
    """No report was made under this code, or has this number."""

    code: ClassVar[str] = "answer.approach_unknown"
    hint = "the code is what was printed when the report was made, with its dashes; a report comes in at the full hour"


class ApproachUnfit(AnswerError, ValueError):
    """A report says nothing, too much, or holds what is no text."""

    code: ClassVar[str] = "answer.approach_unfit"
    hint = "write what was offered, in at most 4,000 characters; the rest may stay empty"


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody was offered: by which channel and handle, in which words, paid how."""

    offer: str
    channel: str = ""
    handle: str = ""
    payout: str = ""


@dataclass(frozen=True, slots=True)
class Approach:
    """One report; it holds nothing about who made it."""

    id: int
    at: datetime
    channel: str
    handle: str
    offer: str
    payout: str
    screenshot_sha256: str | None
    state: str
    case: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message between the desk and whoever reported."""

    at: datetime
    from_desk: bool
    text: str


class Approaches:
    """The reports of one database."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, raws: RawMails) -> None:
        """Keep screenshots beside the raw mails, by their hash."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._raws = raws

    async def report(self, offer: Offer, *, screenshot: bytes | None = None) -> str:
        """Keep a report and return the code by which its maker can come back; it is shown once.

        The time is kept to the hour: the minute could be laid beside a door's log.

        Raises:
            ApproachUnfit: it is empty, too long, or holds what is no text.
        """
        code = new_code()
        await self.take_in(offer, code_hash(code), at=hour_of(self._clock.now()), screenshot=screenshot)
        return code

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Hold the right to take reports in; yields False where another process has it. It ends with its holder."""
        return queries.taking_in(self._db)

    async def take_in(
        self, offer: Offer, code_sha256: str, *, at: datetime, screenshot: bytes | None = None, again: bool = False
    ) -> bool:
        """Keep a report whose code was given out before; false where it is there already.

        Everything is looked at before a picture is kept or an entry is written: neither could be taken back.

        Args:
            offer: what was offered.
            code_sha256: as `code_hash` gives it.
            at: the hour.
            screenshot: a picture; whoever takes it from the reporter takes out what tells whose it is.
            again: whether it was tried before and cut short; then an entry that it has already is found, not added.

        Raises:
            ApproachUnfit: it is empty, too long, or holds what is no text.
        """
        fields = [offer.offer, offer.channel, offer.handle, offer.payout]
        if not offer.offer.strip() or any(len(each) > _LONGEST for each in fields):
            raise ApproachUnfit("a report says what was offered, in at most 4,000 characters")
        _check("".join(fields))
        if await queries.find_approach(self._db, code_sha256=code_sha256) is not None:
            return False
        shown = self._raws.keep(screenshot) if screenshot else None
        entry = await self._entry_of(offer.offer, at) if again else None
        if entry is None:
            entry = await self._notes.add("approach", "case.approach", by=DESK, text=offer.offer)
        said = {"code": code_sha256, "at": at, "channel": offer.channel, "handle": offer.handle}
        said |= {"offer": offer.offer, "payout": offer.payout, "shown": shown, "entry": entry}
        return await queries.add_approach(self._db, said)

    async def _entry_of(self, offer: str, since: datetime) -> int | None:
        """Return the entry since then of a report of these words of which nothing else is kept, or None."""
        found = await find(self._db, "actor", DESK)
        text = sha256(offer.encode()).hexdigest()
        known = set(await queries.approach_entries(self._db))
        async for entry in entries_by_actor(self._db, found or 0, to_us(since)):
            said = entry.payload.get("action"), entry.payload.get("text_sha256")
            if said == ("case.approach", text) and entry.index not in known:
                return entry.index
        return None

    async def list(self) -> Sequence[Approach]:
        """Return every report, the latest first."""
        return [Approach(*row) for row in await queries.approaches(self._db)]

    async def take(self, identifier: int, case: str | None) -> Approach:
        """Note that the desk works on a report, in a case or without one.

        Raises:
            ApproachUnknown: there is none of this number.
        """
        row = await queries.take_approach(self._db, identifier, case)
        if row is None:
            raise ApproachUnknown(f"there is no report {identifier}")
        return Approach(*row)

    async def answer(self, identifier: int, text: str) -> None:
        """Write to whoever made a report; he reads it with his code.

        Raises:
            ApproachUnfit: the text holds what is no text.
            ApproachUnknown: there is none of this number.
        """
        if await queries.find_approach(self._db, identifier=identifier) is None:
            raise ApproachUnknown(f"there is no report {identifier}")
        await self._say(identifier, text, from_desk=True)

    async def come_back(self, code: str, *, text: str = "") -> Sequence[Message]:
        """Return what was written about a report, after adding `text` where there is one.

        Raises:
            ApproachUnfit: the text holds what is no text.
            ApproachUnknown: the code is nobody's.
        """
        identifier = await queries.find_approach(self._db, code_sha256=code_hash(code.strip()))
        if identifier is None:
            raise ApproachUnknown("no report was made under this code")
        if text.strip():
            await self._say(identifier, text[:_LONGEST], from_desk=False)
        return await self.messages(identifier)

    async def messages(self, identifier: int) -> Sequence[Message]:
        """Return the messages about a report."""
        return [Message(*row) for row in await queries.messages(self._db, identifier)]

    async def _say(self, identifier: int, text: str, *, from_desk: bool) -> None:
        _check(text)
        said = {"at": self._hour(), "desk": from_desk, "text": text}
        await queries.add_message(self._db, identifier, said)

    def _hour(self) -> datetime:
        return hour_of(self._clock.now())


def _check(text: str) -> None:
    if _NOT_KEPT.search(text):
        raise ApproachUnfit("a report holds a character that is no text")


def hour_of(at: datetime) -> datetime:
    """Return the hour that a time lies in: the minute could be laid beside a door's log."""
    return at.replace(minute=0, second=0, microsecond=0)


def new_code() -> str:
    """Return a code for a report: 80 random bits in five groups."""
    return "-".join(secrets.token_hex(2) for _ in range(5))


def code_hash(code: str) -> str:
    """Return what is kept of a code."""
    return sha256(f"whosaw/approach/v1\n{code}".encode()).hexdigest()
