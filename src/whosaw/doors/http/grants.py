"""The routes of grants: asked for, decided by others, ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from whosaw.ask import AskInvalid
from whosaw.ask.strict import members, purpose_of, read_reference, read_text, read_texts, stated_in
from whosaw.catalog import Catalog
from whosaw.doors.http.bodies import Page, read_body, read_page
from whosaw.doors.http.errors import QueryUnfit
from whosaw.doors.http.people import Desk, moment, number_in
from whosaw.doors.http.told import NOT_STORED
from whosaw.gate.grants import Word
from whosaw.gate.grantsask import Grant, GrantAsk, declared_kind
from whosaw.terms import SubjectRef

BYTES_MOST = 16_384
_CLASSES_MOST = 64
_LATEST_MOST = 1_000
_KEYS = frozenset(("kind", "reason", "minutes", "classes", "subject", "purpose", "action", "digest", "target", "case"))


@dataclass(frozen=True, slots=True)
class GrantRoutes:
    """What leads to the grants."""

    desk: Desk
    catalog: Catalog

    async def request(self, request: Request) -> Response:
        """Ask for a grant; the same request under the same key is the same grant."""
        actor = await self.desk.actor(request)
        sent = await read_body(request, BYTES_MOST)
        ask = await self.desk.under_its_key(request, actor, sent, grant_ask(sent.value, actor))
        grant = await self.desk.people.grants.request(ask)
        return JSONResponse(described(grant), 201, headers=NOT_STORED | {"Location": f"/v1/grants/{grant.id}"})

    async def listed(self, request: Request) -> Response:
        """List one's own grants, or with ``whose=waiting`` the requests that one may decide."""
        page = read_page(request, "whose")
        whose = request.query_params.get("whose", "mine")
        actor = await self.desk.actor(request)
        if whose == "mine":
            found = await self.desk.people.grants.latest(holder=actor, limit=_LATEST_MOST)
        elif whose == "waiting":
            functions = await self.desk.people.approvers.functions(actor)
            waiting = await self.desk.people.grants.latest(["requested"], limit=_LATEST_MOST)
            found = [each for each in waiting if each.holder != actor and self._approvers(each) & functions]
        else:
            raise QueryUnfit("`whose` is mine or waiting")
        return JSONResponse(paged([(each.id, described(each)) for each in found], page), headers=NOT_STORED)

    async def approve(self, request: Request) -> Response:
        """Approve a request of somebody else."""
        return await self._word(request, self.desk.people.grants.approve)

    async def refuse(self, request: Request) -> Response:
        """Refuse a request of somebody else."""
        return await self._word(request, self.desk.people.grants.refuse)

    async def revoke(self, request: Request) -> Response:
        """End a grant before its time: one's own, or as an approver."""
        return await self._word(request, self.desk.people.grants.revoke)

    async def _word(self, request: Request, say: Callable[[Word], Awaitable[Grant]]) -> Response:
        actor = await self.desk.actor(request)
        values = members((await read_body(request, BYTES_MOST)).value, {"reason"})
        reason = stated_in(values) or ""
        grant = await say(Word(number_in(request), actor, "http", reason))
        return JSONResponse(described(grant), headers=NOT_STORED)

    def _approvers(self, grant: Grant) -> frozenset[str]:
        return declared_kind(self.catalog, grant.kind).approvers if grant.kind in self.catalog.grants else frozenset()


def grant_ask(body: object, holder: str) -> GrantAsk:
    """Read a request for a grant.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = members(body, _KEYS)
    minutes = values.get("minutes")
    if minutes is not None and (not isinstance(minutes, int) or isinstance(minutes, bool) or abs(minutes) > 10**6):
        raise AskInvalid("`minutes` must be a whole number")
    texts = {key: read_text(values[key], key) for key in ("action", "digest", "target", "case") if values.get(key)}
    subject = values.get("subject")
    return GrantAsk(
        holder=holder,
        kind=read_text(values.get("kind"), "kind"),
        reason=stated_in(values) or "",
        minutes=minutes,
        classes=frozenset(read_texts(values, "classes", _CLASSES_MOST)) if values.get("classes") else frozenset(),
        subject=None if subject is None else read_reference(SubjectRef, subject, "subject"),
        purpose=purpose_of(values),
        door="http",
        **texts,
    )


def described(grant: Grant) -> dict[str, object]:
    """Return a grant as JSON."""
    return {
        "id": grant.id,
        "kind": grant.kind,
        "holder": grant.holder,
        "state": grant.state,
        "classes": sorted(grant.classes),
        "action": grant.action,
        "digest": grant.digest,
        "subject": grant.subject,
        "purpose": grant.purpose,
        "target": grant.target,
        "case": grant.case,
        "minutes": grant.minutes,
        "approvals": grant.approvals,
        "given": [
            {"approver": each.approver, "function": each.function, "approves": each.approves} for each in grant.given
        ],
        "requested_at": moment(grant.requested_at),
        "decide_by": moment(grant.decide_by),
        "from_at": moment(grant.from_at),
        "until_at": moment(grant.until_at),
        "entry": grant.entry,
        "reason": grant.reason,
    }


def paged(items: list[tuple[int, dict[str, object]]], page: Page) -> dict[str, object]:
    """Return one page of things by number, newest first, and the cursor of the next, None where this is the last."""
    below = [(number, item) for number, item in items if page.before is None or number < page.before]
    shown = below[: page.limit]
    return {
        "items": [item for _, item in shown],
        "next": str(shown[-1][0]) if len(below) > len(shown) else None,
    }
