"""The route of sightings: services that hear of contacts from outside (a call centre, a form of the company's own).

What a service says is its word and no more: such a sighting is never verified, carries no measure by itself, and cannot
pass for a hit of a canary, an alias or a copy, which a trace weighs as marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from whosaw.answer import Sighting
from whosaw.answer.reports import Reported
from whosaw.ask import AskInvalid
from whosaw.ask.strict import members, read_reference, read_text
from whosaw.doors.http.bodies import read_body, read_query
from whosaw.doors.http.errors import NotAllowed, NothingHere
from whosaw.doors.http.grants import BYTES_MOST
from whosaw.doors.http.models import NOTE_MOST, SIGHTING_CHANNELS
from whosaw.doors.http.people import Desk
from whosaw.doors.http.told import NOT_STORED
from whosaw.terms import SubjectRef

_KEYS = frozenset(("subject", "contacted_at", "reported_at", "channel", "beneficiary", "sender", "note"))
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_TIME_MOST = 40
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)


class Intake(Protocol):
    """Takes sightings in; the same one again is one sighting."""

    async def told(self, reported: Reported, beneficiary: str, *, by: str, door: str) -> tuple[Sighting, bool] | None:
        """Return the sighting, and whether it is new; None where the company knows no such subject.

        Args:
            reported: what is said to have happened.
            beneficiary: who profits.
            by: who says it.
            door: where.

        Raises:
            TrailUnavailable: it could not be recorded, and is not kept.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reporting:
    """Where sightings go.

    Attributes:
        intake: the complaints desk.
        reporters: roles of the directory whose people and services may report.
    """

    intake: Intake
    reporters: frozenset[str]


@dataclass(frozen=True, slots=True)
class SightingRoutes:
    """What leads to the complaints desk."""

    desk: Desk
    reporting: Reporting

    async def report(self, request: Request) -> Response:
        """Take one sighting in; the same one again, with or without a key, is the same sighting."""
        read_query(request)
        actor = await self.desk.actor(request)
        sent = await read_body(request, BYTES_MOST)
        reported, beneficiary = read_sighting(sent.value)
        if not (await self.desk.person(actor)).facts.roles & self.reporting.reporters:
            raise NotAllowed("your role reports no sightings")
        if self.desk.repeats is not None:
            await self.desk.repeats.claim(request, actor, sent.raw, self.desk.clock.now())
        taken = await self.reporting.intake.told(reported, beneficiary, by=actor, door="http")
        if taken is None:
            raise NothingHere("`subject`: the company knows nobody of this key")
        sighting, new = taken
        told = {"sighting": sighting.id, "new": new, "verified": sighting.verified, "marks": list(sighting.marks)}
        return JSONResponse(told, headers=NOT_STORED)


def read_sighting(body: object) -> tuple[Reported, str]:
    """Return what a body says was seen, and who profits.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = members(body, _KEYS)
    channel = values.get("channel")
    if channel not in SIGHTING_CHANNELS:
        raise AskInvalid(f"`channel` must be one of {', '.join(SIGHTING_CHANNELS)}")
    contacted_at = _moment(values.get("contacted_at"), "contacted_at")
    reported_at = None if values.get("reported_at") is None else _moment(values["reported_at"], "reported_at")
    if reported_at is not None and reported_at < contacted_at:
        raise AskInvalid("`reported_at` lies before `contacted_at`")
    reported = Reported(
        subject=str(read_reference(SubjectRef, values.get("subject"), "subject")),
        contacted_at=contacted_at,
        reported_at=reported_at,
        channel=str(channel),
        sender="" if values.get("sender") is None else read_text(values["sender"], "sender"),
        note="" if values.get("note") is None else read_text(values["note"], "note", NOTE_MOST),
    )
    return reported, str(read_reference(SubjectRef, values.get("beneficiary"), "beneficiary"))


def _moment(value: Any, key: str) -> datetime:
    text = read_text(value, key, _TIME_MOST)
    try:
        at = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
        # in one spelling, so that the same moment in two zones is the same sighting
        at = None if at is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or not _OLDEST <= at < _LAST:
        raise AskInvalid(f"`{key}` must be a time with its zone, as 2026-04-02T08:00:00+02:00")
    return at
