"""RFC 9457 problem details: every refusal and failure has a type, a reason, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

from whosaw.terms import WhosawError

_STATUS = {
    "ask.invalid": 422,
    "gate.token_refused": 401,
    "http.body_too_large": 413,
    "http.not_json": 400,
    "http.not_found": 404,
    "http.method": 405,
    "trail.not_a_reader": 403,
    "trail.not_found": 404,
    "record.checkpoint_missing": 404,
    "record.entry_erased": 410,
}
_UNAVAILABLE = 503
_WAYS_IN = {
    "purpose.missing": "send the ticket or review item you are working on as `purpose`",
    "purpose.not_found": "check the reference: there is no such work item, or it is not open yet",
    "purpose.not_assigned": "the work item is assigned to somebody else: have it handed over to you first",
    "purpose.other_subject": "the work item is about another person",
    "purpose.self_made": "a work item you made yourself is no reason: it needs one that somebody else opened",
    "purpose.closed": "the work item was closed too long ago: have it reopened",
    "purpose.verified": "your role does not open this class of field for this purpose",
    "subject.unknown": "check the subject's key",
    "actor.suspended": "your access is suspended: speak to the person who runs whosaw",
}


def problem_response(problem: WhosawError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer for an error raised on purpose; a fault that is not the caller's is 503, nothing inner told."""
    status = _STATUS.get(problem.code, _UNAVAILABLE)
    detail = str(problem) if status != _UNAVAILABLE else "nothing was revealed: the request could not be recorded"
    members = {"hint": problem.hint} if status != _UNAVAILABLE else {}
    headers = dict(headers or {}) | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    return _problem(status, problem.code, detail, members, headers)


def denied_response(reason: str, receipt: Mapping[str, object], extra: Mapping[str, object]) -> JSONResponse:
    """Return the answer for an ask that was denied whole: why, and how to get in."""
    return _problem(
        403,
        "denied",
        f"denied: {reason}",
        {"reason": reason, "hint": _WAYS_IN.get(reason, ""), "receipt": receipt, **extra},
    )


def _problem(
    status: int, code: str, detail: str, members: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    body = {"type": f"urn:whosaw:{code}", "title": code, "status": status, "detail": detail, **members}
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")
