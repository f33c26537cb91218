"""What becomes of one mail for one recipient.

Whatever is not delivered is taken and dropped, never refused: a refusal would make Postfix write to a sender who may be
forged, and would tell a guesser which addresses exist. Only what may work later is put off.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, Protocol

from whosaw.answer.bounces import read_bounce
from whosaw.doors.mail.hits import Arrived, Hits
from whosaw.doors.mail.ids import MessageIds
from whosaw.doors.mail.letters import Outside, forwarded, read, undelivered
from whosaw.doors.mail.senders import Senders
from whosaw.doors.mail.ways import Alias, CanaryWay, WayBack, Ways
from whosaw.terms import Clock

Outcome = Literal[
    "forwarded", "answered", "reported", "kept", "canary", "expired", "gone", "loop", "bounce", "refused", "unknown"
]
"""What became of a mail: forwarded to the person, answered back to the party, a report told on, kept as evidence only,
a canary's, or dropped: an alias that ended, a person who is gone, a loop, a report about nothing of ours, a reply to a
question that is no answer of whom it asks, nobody."""

NextHop = Callable[[str, str, bytes], Awaitable[None]]
"""Takes envelope sender, recipient and mail, and returns when the next server has them.

Raises `NextHopFailed`."""

_LOG = logging.getLogger(__name__)


class Persons(Protocol):
    """Knows people's real addresses."""

    async def address(self, subject: int, field: str) -> str | None:
        """Return what the company holds in a field now; None where the person is gone, or erased."""
        ...


class Questions(Protocol):
    """Knows the addresses of questions to employees."""

    async def take(self, sender: str, recipient: str, raw: bytes) -> Literal["answered", "refused", "unknown"] | None:
        """Take a reply; None where the address is none of a question."""
        ...


class MailDoor:
    """Takes mail for one alias domain.

    Attributes:
        counted: outcome → how often.
    """

    def __init__(  # noqa: PLR0913 - the parts of a door
        self,
        ways: Ways,
        senders: Senders,
        hits: Hits,
        ids: MessageIds,
        *,
        persons: Persons,
        next_hop: NextHop,
        clock: Clock,
        keep_strangers: bool = False,
        questions: Questions | None = None,
    ) -> None:
        """Put a door together; with `keep_strangers` mail of strangers is evidence only and reaches nobody."""
        self._ways = ways
        self._senders = senders
        self._hits = hits
        self._ids = ids
        self._persons = persons
        self._next_hop = next_hop
        self._clock = clock
        self._keep_strangers = keep_strangers
        self._questions = questions
        self.counted: Counter[str] = Counter()

    async def take(self, sender: str, recipient: str, raw: bytes) -> Outcome:
        """Take one mail; when this returns everything it caused is durable, and it may be forgotten.

        Args:
            sender: of the envelope; empty for reports.
            recipient: of the envelope.
            raw: the mail.

        Raises:
            NextHopFailed, WhosawError, OSError: it was not taken; the same mail must be brought again.
        """
        replied = None if self._questions is None else await self._questions.take(sender, recipient, raw)
        outcome = replied or await self._take(sender, recipient, raw)
        self.counted[outcome] += 1
        _LOG.info("mail was %s", outcome)
        return outcome

    async def _take(self, sender: str, recipient: str, raw: bytes) -> Outcome:
        seen, at = read(raw), self._clock.now()
        if seen.looping:
            return "loop"
        way = await self._ways.behind(recipient)
        if way is None:
            return "unknown"
        if not sender and not isinstance(way, CanaryWay) and (told := await self._report(way, raw, at)):
            return told
        if isinstance(way, WayBack):
            return await self._answer(way, sender, raw, at)
        arrived = Arrived(raw, recipient, seen, await self._senders.signature(raw, seen, at), at)
        if isinstance(way, CanaryWay):
            await self._hits.note(arrived, "canary", subject=way.subject, entry=None)
            return "canary"
        return await self._to_person(way, sender, arrived)

    async def _to_person(self, alias: Alias, sender: str, arrived: Arrived) -> Outcome:
        standing = await self._senders.standing(arrived.seen, alias.party, arrived.signature)
        if standing == "stranger":
            await self._hits.note(arrived, "alias", subject=alias.subject, entry=alias.entry)
        elif standing == "unproved":
            self._hits.keep(arrived.raw)
        if not alias.in_force(arrived.at):
            return "expired"
        if not sender or not arrived.seen.sender or (standing == "stranger" and self._keep_strangers):
            return "kept"  # nobody could answer what has no sender
        person = await self._persons.address(alias.subject, alias.field)
        if person is None:
            return "gone"
        back = await self._ways.back(alias, arrived.seen.sender, arrived.at)
        outside = Outside(back, person, arrived.seen.name)
        await self._next_hop(back, person, forwarded(arrived.raw, outside, self._ids.of(alias.address)))
        return "forwarded"

    async def _answer(self, way: WayBack, sender: str, raw: bytes, at: datetime) -> Outcome:
        if not sender:
            return "bounce"  # an automatic word without a sender is no answer
        if not way.alias.in_force(at):
            return "expired"
        outside = Outside(way.alias.address, way.party)
        await self._next_hop(way.alias.address, way.party, forwarded(raw, outside, self._ids.of(way.alias.address)))
        return "answered"

    async def _report(self, way: Alias | WayBack, raw: bytes, at: datetime) -> Outcome | None:
        """Tell a report about a mail of ours on, in words of our own: the report itself names hosts and addresses.

        It is one of ours where its Message-ID can be decrypted, which nobody can make up.
        """
        bounce = read_bounce(raw)
        if bounce is None:
            return None
        alias = way.alias if isinstance(way, WayBack) else way
        about = self._ids.of(alias.address).stood_for(bounce.message_id)
        if not about:
            return None
        if not bounce.permanent:
            return "bounce"  # only *later*
        if isinstance(way, WayBack):  # what the party wrote did not arrive
            await self._next_hop(
                "", way.party, undelivered(Outside(alias.address, way.party), bounce.status, about, at)
            )
            return "reported"
        person = await self._persons.address(alias.subject, alias.field)
        if person is None:
            return "gone"
        # which of several parties it was is not said: the person knows by the reference
        outside = Outside(alias.address, person)
        await self._next_hop("", person, undelivered(outside, bounce.status, about, at))
        return "reported"
