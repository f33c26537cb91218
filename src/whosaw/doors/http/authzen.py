"""The AuthZEN 1.0 adapter: evaluation, evaluations, subject and action search, and the document that names them.

There is no resource search: "whose data could this actor see" would hand out a list of customers, which is what whosaw
is there to prevent.

Source: OpenID AuthZEN Authorization API 1.0. The only place of the house where *subject* is who asks. It answers
questions and shows nothing; every question is an entry, and misses among them are counted.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from whosaw.ask import (
    Ask,
    Evaluation,
    NotAuthzen,
    SubjectSearch,
    action_search_from_json,
    evaluation_from_json,
    evaluations_from_json,
    new_ask_id,
    subject_search_from_json,
)
from whosaw.catalog import Catalog
from whosaw.doors.http.bodies import Sent, read_query
from whosaw.doors.http.entrance import Entrance
from whosaw.doors.http.errors import ActorStopped, NotAllowed
from whosaw.doors.http.told import NOT_STORED
from whosaw.gate import Gate
from whosaw.gate.disclosing import Evaluation as Evaluated
from whosaw.gate.facts import FactFinder
from whosaw.gate.whocould import WhoCould
from whosaw.prove import encode_receipt
from whosaw.terms import Clock, PurposeRef, SubjectRef, WhosawError

BYTES_MOST = 524_288
ACTOR_TYPES = ("actor", "user")
REVEAL = "reveal"
_KEPT_S = 3_600
PAGE_MOST = 1_000
Told = dict[str, object]


@dataclass(frozen=True, slots=True)
class Pdp:
    """What the adapter needs.

    Attributes:
        evaluators: roles that may ask about others; everybody may ask about himself.
        address: how the outside calls this door, ``https://…`` without a slash at its end; empty: as it was called.
    """

    gate: Gate
    catalog: Catalog
    facts: FactFinder
    who_could: WhoCould
    evaluators: frozenset[str]
    address: str


@dataclass(frozen=True, slots=True)
class AuthzenRoutes:
    """What leads to the adapter."""

    pdp: Pdp
    entrance: Entrance
    clock: Clock

    async def evaluation(self, request: Request) -> Response:
        """Answer one question."""
        caller, sent = await self._asked(request)
        asked = evaluation_from_json(sent.value)
        await self._may(caller, [asked])
        return JSONResponse(await self._answer(caller, asked), headers=NOT_STORED)

    async def evaluations(self, request: Request) -> Response:
        """Answer several questions: all of them, or up to the first that settles it."""
        caller, sent = await self._asked(request)
        asked = evaluations_from_json(sent.value)
        await self._may(caller, [item for item in asked.items if isinstance(item, Evaluation)])
        if asked.single and isinstance(asked.items[0], Evaluation):
            return JSONResponse(await self._answer(caller, asked.items[0]), headers=NOT_STORED)
        if asked.semantic == "execute_all":
            return JSONResponse({"evaluations": await self._answers(caller, asked.items)}, headers=NOT_STORED)
        last = asked.semantic == "permit_on_first_permit"
        answers: list[Told] = []
        for item in asked.items:
            answers.append((await self._answers(caller, (item,)))[0])
            if answers[-1]["decision"] is last:
                break
        return JSONResponse({"evaluations": answers}, headers=NOT_STORED)

    async def search(self, request: Request) -> Response:
        """Answer who could be answered yes: exact, a page at a time."""
        caller, sent = await self._asked(request)
        asked = subject_search_from_json(sent.value)
        said = hashlib.sha256(repr(asked.asked).encode()).hexdigest()[:16]
        after, limit = _place(asked, said)
        ask = self._ask(caller, asked.asked, actor=caller)
        if isinstance(ask, str):
            await self._may(caller, [])
            return JSONResponse({"context": _error(ask), "results": []}, headers=NOT_STORED)
        found = await self.pdp.who_could.search(ask)
        rest = [actor for actor in found.actors if actor > after]
        shown = rest[:limit]
        more = len(rest) > len(shown) and limit > 0
        told = {
            "page": {
                "next_token": _token(said, shown[-1], limit) if more else "",
                "count": len(shown),
                "total": len(found.actors),
            },
            "context": {"receipt": encode_receipt(found.receipt)},
            "results": [{"type": asked.asked.actor_type, "id": actor} for actor in shown],
        }
        return JSONResponse(told, headers=NOT_STORED)

    async def search_actions(self, request: Request) -> Response:
        """Answer what somebody may do with a subject: the one action there is, or none; counted like a question."""
        caller, sent = await self._asked(request)
        asked = action_search_from_json(sent.value, REVEAL)
        await self._may(caller, [asked])
        answer = await self._answer(caller, asked)
        results = [{"name": REVEAL}] if answer["decision"] else []
        return JSONResponse({"context": answer["context"], "results": results}, headers=NOT_STORED)

    async def configuration(self, request: Request) -> Response:
        """Name the endpoints."""
        read_query(request)
        base = self.pdp.address or str(request.base_url).rstrip("/")
        told = {
            "policy_decision_point": base,
            "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
            "search_subject_endpoint": f"{base}/access/v1/search/subject",
            "search_action_endpoint": f"{base}/access/v1/search/action",
        }
        # kept by others only where it is the operator who says how this door is called
        kept = {"Cache-Control": f"max-age={_KEPT_S}"} if self.pdp.address else NOT_STORED
        return JSONResponse(told, headers=kept)

    async def _asked(self, request: Request) -> tuple[str, Sent]:
        caller, sent = await self.entrance.ask(request, BYTES_MOST)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise NotAuthzen(
                "the Content-Type must be application/json", hint="send the header `Content-Type: application/json`"
            )
        return caller, sent

    async def _may(self, caller: str, asked: list[Evaluation]) -> None:
        """Refuse who is stopped, and questions about others by whoever has no role for that."""
        facts = (await self.pdp.facts.actors([caller], self.clock.now()))[caller]
        if facts.suspended or facts.ended:
            raise ActorStopped("your access is stopped")
        if any(item.actor != caller for item in asked) and not facts.roles & self.pdp.evaluators:
            raise NotAllowed(
                "your role may ask about yourself alone", hint="services that ask about others have a role"
            )

    async def _answer(self, caller: str, asked: Evaluation) -> Told:
        return (await self._answers(caller, (asked,)))[0]

    async def _answers(self, caller: str, items: tuple[Evaluation | str, ...]) -> list[Told]:
        asks = [item if isinstance(item, str) else self._ask(caller, item, item.actor) for item in items]
        answered = iter(await self._evaluated([ask for ask in asks if isinstance(ask, Ask)]))
        return [_refused(ask) if isinstance(ask, str) else _told(next(answered)) for ask in asks]

    async def _evaluated(self, asks: list[Ask]) -> list[Evaluated]:
        """Return the gate's answers; one alone may travel with others that wait."""
        return [await self.pdp.gate.evaluate(asks[0])] if len(asks) == 1 else await self.pdp.gate.evaluate_many(asks)

    def _ask(self, caller: str, asked: Evaluation, actor: str) -> Ask | str:
        """Return what is asked in the words of the house, or why there is no such thing here."""
        wrong = _unknown_here(asked, self.pdp.catalog)
        if wrong is not None:
            return wrong
        fields = self.pdp.catalog.fields.values()
        names = asked.fields or tuple(each.name for each in fields if each.subject_kind == asked.resource_type)
        try:
            subject = SubjectRef.parse(f"{asked.resource_type}:{asked.resource}")
            purpose = PurposeRef.parse(asked.purpose) if asked.purpose is not None else None
        except WhosawError:
            return "a reference is not written kind:key"
        by, at = caller if actor != caller else None, self.clock.now()
        return Ask(actor, subject, names, purpose, "http", at, new_ask_id(), asked.stated, by=by)


def _unknown_here(asked: Evaluation, catalog: Catalog) -> str | None:
    """Return what of a question this house does not have, or None."""
    kind, purpose = asked.resource_type, (asked.purpose or "").partition(":")[0]
    known = {each.name for each in catalog.fields.values() if each.subject_kind == kind}
    complaints = {
        f"`subject.type` is one of {', '.join(ACTOR_TYPES)}": asked.actor_type not in ACTOR_TYPES,
        f"`action.name` is {REVEAL}": asked.action != REVEAL,
        "`resource.type` is no kind of subject of the catalog": kind not in catalog.subjects,
        "`fields` names what the catalog does not have": not known or not known.issuperset(asked.fields),
        "`context.purpose` is of no kind of the catalog": bool(purpose) and purpose not in catalog.purposes,
        "an id holds a character that cannot be printed": not f"{asked.resource}{asked.actor}".isprintable(),
    }
    return next((message for message, applies in complaints.items() if applies), None)


def _told(answer: Evaluated) -> Told:
    decision = answer.decision
    context: Told = {
        "reason": decision.reason,
        "fields": {item.field: item.effect for item in decision.fields},
        "receipt": encode_receipt(answer.receipt),
    }
    return {"decision": decision.outcome == "allow", "context": context}


def _refused(message: str) -> Told:
    return {"decision": False, "context": _error(message)}


def _error(message: str) -> Told:
    return {"error": {"status": 422, "message": message}}


def _token(said: str, last: str, limit: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([said, last, limit]).encode()).decode()


def _place(asked: SubjectSearch, said: str) -> tuple[str, int]:
    """Return after whom the page begins, and how long it is.

    Raises:
        NotAuthzen: the token is none, or belongs to another question or another length of page.
    """
    if not asked.token:
        return "", PAGE_MOST if asked.limit is None else min(asked.limit, PAGE_MOST)
    try:
        before, last, limit = json.loads(base64.b64decode(asked.token.encode(), altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError) as cause:
        raise NotAuthzen("`page.token` is not the `next_token` of a page") from cause
    if before != said or not isinstance(last, str) or not isinstance(limit, int) or not 0 < limit <= PAGE_MOST:
        raise NotAuthzen("`page.token` belongs to another question")
    if asked.limit not in (None, limit):
        raise NotAuthzen("`page.limit` may not change from page to page")
    return last, limit
