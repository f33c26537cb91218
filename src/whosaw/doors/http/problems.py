"""RFC 9457 problem details: every refusal and failure has a type, a reason, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

from whosaw.doors.http.errors import TooMany
from whosaw.terms import WhosawError

STATUS = {
    "app.metrics_refused": 403,
    "ask.invalid": 422,
    "ask.not_authzen": 400,
    "gate.token_refused": 401,
    "gate.second_person_needed": 403,
    "gate.grant_invalid": 422,
    "gate.no_such_grant": 404,
    "gate.approval_refused": 403,
    "gate.glass_invalid": 422,
    "gate.glass_refused": 403,
    "gate.no_such_glass": 404,
    "gate.conduct_invalid": 422,
    "gate.function_invalid": 422,
    "gate.stop_invalid": 422,
    "gate.stop_refused": 403,
    "gate.not_a_searcher": 403,
    "http.actor_stopped": 403,
    "http.body_too_large": 413,
    "http.body_too_slow": 408,
    "http.key_reused": 422,
    "http.key_unfit": 400,
    "http.method": 405,
    "http.not_allowed": 403,
    "http.no_route": 404,
    "http.not_found": 404,
    "http.not_json": 400,
    "http.query_unfit": 400,
    "http.too_many": 429,
    "terms.bad_reference": 422,
    "trail.not_a_reader": 403,
    "trail.not_found": 404,
    "record.checkpoint_missing": 404,
    "record.entry_erased": 410,
}
UNAVAILABLE = 503
WAYS_IN = {
    "purpose.missing": "send the ticket or review item you are working on as `purpose`",
    "purpose.not_found": "check the reference: there is no such work item, or it is not open yet",
    "purpose.not_assigned": "the work item is assigned to somebody else: have it handed over to you first",
    "purpose.other_subject": "the work item is about another person",
    "purpose.self_made": "a work item you made yourself is no reason: it needs one that somebody else opened",
    "purpose.closed": "the work item was closed too long ago: have it reopened",
    "purpose.verified": "your role does not open this class of field for this purpose",
    "subject.unknown": "check the key: there is no such subject, or no such object of the action",
    "subjects.unnamed": "name whom the query shows, as `subjects`",
    "actor.suspended": "your access is suspended: speak to the person who runs whosaw",
    "actor.ended": "the staff directory does not list you as working here now: have it corrected there",
    "actor.not_acknowledged": "acknowledge the code of conduct first: GET /v1/conduct shows it",
    "budget.reason_needed": "you have seen many people lately: say why in words, as `reason`",
    "budget.exhausted": "you have seen as many people as your role may for now: speak to your team lead",
    "second_person.needed": "have somebody approve exactly this ask: POST /v1/grants with kind `second_person`, this "
    "action, and the `digest` that stands here",
    "friction.reason_needed": "your asks of the last minutes need a word: say why, as `reason`",
    "friction.second_person_needed": "have a reviewer of access look at it: he can release you",
    "friction.stopped": "your access is held up: speak to the person who runs whosaw",
    "rows.too_many": "a policy allows fewer at once: ask for less",
    "lookup.nobody": "nobody who may be named to you has this value",
}


def problem_response(problem: WhosawError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer for an error raised on purpose; a fault that is not the caller's is 503, nothing inner told."""
    status = STATUS.get(problem.code, UNAVAILABLE)
    detail = str(problem) if status != UNAVAILABLE else "nothing was revealed: the request could not be recorded"
    members: dict[str, object] = {"hint": problem.hint} if status != UNAVAILABLE and problem.hint else {}
    reason = getattr(problem, "reason", None)
    if status == 403 and isinstance(reason, str):
        members["reason"] = reason
    headers = dict(headers or {})
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(problem, TooMany):
        headers["Retry-After"] = str(problem.retry_after_s)
    return _problem(status, problem.code, detail, members, headers)


def denied_response(reason: str, receipt: Mapping[str, object], extra: Mapping[str, object]) -> JSONResponse:
    """Return the answer for an ask that was denied whole: why, and how to get in."""
    return _problem(
        403,
        "denied",
        f"denied: {reason}",
        {"reason": reason, "hint": WAYS_IN.get(reason, ""), "receipt": receipt, **extra},
    )


def _problem(
    status: int, code: str, detail: str, members: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    body = {"type": f"urn:whosaw:{code}", "title": code, "status": status, "detail": detail, **members}
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")
