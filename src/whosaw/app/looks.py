"""Looking into the record is itself recorded, and before it is answered."""

from __future__ import annotations

import getpass
from dataclasses import dataclass

from whosaw.record import Appender
from whosaw.store import Database, NumberMap
from whosaw.store.numbers import find
from whosaw.terms import Clock, SubjectRef, to_us


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks, what for (``look.who``), at what, and about which subject, if about one."""

    viewer: str
    action: str
    at_what: str
    subject: SubjectRef | None = None


async def note_look(db: Database, trail: Appender, clock: Clock, look: Look) -> None:
    """Append the look as case work; return when it is durable."""
    (actor,) = await NumberMap(db).numbers("actor", [look.viewer])
    # a subject that the record does not know gets no number by being asked about
    number = await find(db, "subject", str(look.subject)) if look.subject else None
    about = {} if number is None else {"subject": number}
    await trail.append(
        {
            "kind": "case_work",
            "at": to_us(clock.now()),
            "actor": actor,
            "door": "console",
            "action": look.action,
            "object": look.at_what,
            **about,
        }
    )


def operator() -> str:
    """Return the name under which the person at this terminal stands in the record."""
    return f"operator:{getpass.getuser()}"
