"""The routes of broken glass: access now, against policy, and its review by two."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from whosaw.ask import AskInvalid
from whosaw.ask.strict import members, purpose_of, read_reference, read_texts, stated_in
from whosaw.catalog import Catalog
from whosaw.doors.http.bodies import read_body, read_page
from whosaw.doors.http.grants import BYTES_MOST, paged
from whosaw.doors.http.people import Desk, moment, number_in
from whosaw.doors.http.told import NOT_STORED
from whosaw.gate.glassask import Glass, GlassAsk, Review, Verdict
from whosaw.terms import SubjectRef

_CLASSES_MOST = 64
_LATEST_MOST = 1_000
_VERDICTS: tuple[Verdict, ...] = ("justified", "unjustified")


@dataclass(frozen=True, slots=True)
class GlassRoutes:
    """What leads to the glass."""

    desk: Desk
    catalog: Catalog

    async def break_(self, request: Request) -> Response:
        """Take access now; the same request under the same key is the same access."""
        actor = await self.desk.actor(request)
        sent = await read_body(request, BYTES_MOST)
        ask = await self.desk.under_its_key(request, actor, sent, glass_ask(sent.value, actor))
        glass = await self.desk.people.glasses.break_(ask)
        return JSONResponse(described(glass), 201, headers=NOT_STORED | {"Location": f"/v1/break-glass/{glass.id}"})

    async def listed(self, request: Request) -> Response:
        """List what one broke oneself, and to reviewers what waits for a review."""
        page = read_page(request)
        actor = await self.desk.actor(request)
        found = await self.desk.people.glasses.latest(limit=_LATEST_MOST)
        reviews = await self._reviews(actor)
        shown = [each for each in found if each.holder == actor or (reviews and each.state == "unreviewed")]
        return JSONResponse(paged([(each.id, described(each)) for each in shown], page), headers=NOT_STORED)

    async def review(self, request: Request) -> Response:
        """Say whether it was justified; the second word settles it."""
        actor = await self.desk.actor(request)
        values = members((await read_body(request, BYTES_MOST)).value, {"verdict", "reason"})
        verdict = next((each for each in _VERDICTS if each == values.get("verdict")), None)
        if verdict is None:
            raise AskInvalid(f"`verdict` must be one of {', '.join(_VERDICTS)}")
        said = Review(number_in(request), actor, verdict, stated_in(values) or "", "http")
        return JSONResponse(described(await self.desk.people.glasses.review(said)), headers=NOT_STORED)

    async def close(self, request: Request) -> Response:
        """End one's own access before its time; it is reviewed all the same."""
        actor = await self.desk.actor(request)
        members((await read_body(request, BYTES_MOST)).value, frozenset())
        glass = await self.desk.people.glasses.close(number_in(request), actor, "http")
        return JSONResponse(described(glass), headers=NOT_STORED)

    async def _reviews(self, actor: str) -> bool:
        glass = self.catalog.break_glass
        return glass is not None and bool(await self.desk.people.approvers.functions(actor) & glass.reviewers)


def glass_ask(body: object, holder: str) -> GlassAsk:
    """Read what is said when the glass is broken.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = members(body, {"reason", "subject", "purpose", "classes"})
    subject = values.get("subject")
    return GlassAsk(
        holder=holder,
        reason=stated_in(values) or "",
        subject=None if subject is None else read_reference(SubjectRef, subject, "subject"),
        purpose=purpose_of(values),
        classes=frozenset(read_texts(values, "classes", _CLASSES_MOST)) if values.get("classes") else frozenset(),
        door="http",
    )


def described(glass: Glass) -> dict[str, object]:
    """Return broken glass as JSON."""
    return {
        "id": glass.id,
        "holder": glass.holder,
        "classes": sorted(glass.classes),
        "subject": glass.subject,
        "purpose": glass.purpose,
        "broken_at": moment(glass.broken_at),
        "until_at": moment(glass.until_at),
        "review_by": moment(glass.review_by),
        "state": glass.state,
        "escalations": glass.escalations,
        "given": [
            {"approver": each.approver, "function": each.function, "approves": each.approves} for each in glass.given
        ],
        "entry": glass.entry,
        "reason": glass.reason,
    }
