"""What a person asks for beside disclosures: grants, broken glass, how he stands; without any I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, TypeVar

from whosaw.client.wire import Body, Call, odd, plain

T = TypeVar("T")
_PAGE = 100
Whose = Literal["mine", "waiting"]
Verdict = Literal["justified", "unjustified"]


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands.

    Attributes:
        id: its number; approvers name it.
        kind: of the catalog's ``[grants]``.
        holder: whom it lets do something.
        state: ``requested``, ``in_force``, ``refused``, ``revoked``, ``expired`` or ``used``.
        reason: why it was asked for; None where it has been erased.
        approvals: how many words it needs.
        given: who has said what so far: (approver, function, whether he approves).
        until: when it ends; None before it is in force.
        entry: of the trail that says so.
        raw: everything that the door said of it.
    """

    id: int
    kind: str
    holder: str
    state: str
    reason: str | None
    approvals: int
    given: tuple[tuple[str, str, bool], ...]
    until: datetime | None
    entry: int
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Glass:
    """Broken glass as it stands.

    Attributes:
        id: its number; reviewers name it.
        holder: who broke it.
        state: ``unreviewed``, ``justified``, ``unjustified`` or ``disputed``.
        until: when the access ends.
        review_by: when two reviewers must have spoken.
        entry: of the trail that says so.
        raw: everything that the door said of it.
    """

    id: int
    holder: str
    state: str
    until: datetime
    review_by: datetime
    entry: int
    raw: Mapping[str, Any]


class GlassTerms(TypedDict, total=False):
    """What access now is to open.

    Attributes:
        subject: whom it is bound to, ``customer:C-1``.
        purpose: the work it is bound to, ``ticket:T-1``.
        classes: of fields; all that glass opens where left out.
    """

    subject: str
    purpose: str
    classes: Sequence[str]


class GrantTerms(GlassTerms, total=False):
    """What a grant is to open, and for how long.

    Attributes:
        minutes: how long, once approved; the kind's own time where left out.
        action: the one action that a second person is to approve.
        digest: from `Denied`: exactly the ask that a second person is to approve.
        target: whom of the staff it concerns.
        case: the case that it is for.
    """

    minutes: int
    action: str
    digest: str
    target: str
    case: str


def request_grant(kind: str, reason: str, terms: GrantTerms) -> Call[Grant]:
    """Return the request for a grant."""
    return _post("/v1/grants", {"kind": kind, "reason": reason} | _listed(terms), _grant)


def grants(whose: Whose, cursor: str | None) -> Call[tuple[list[Grant], str | None]]:
    """Return the request for one page of grants."""
    return _get(f"/v1/grants?whose={whose}&limit={_PAGE}{_after(cursor)}", _page(_grant))


def word(number: int, said: Literal["approve", "refuse", "revoke"], reason: str | None) -> Call[Grant]:
    """Return a word about a grant."""
    return _post(f"/v1/grants/{int(number)}/{said}", {"reason": reason} if reason else {}, _grant)


def break_glass(reason: str, terms: GlassTerms) -> Call[Glass]:
    """Return the request for access now."""
    return _post("/v1/break-glass", {"reason": reason} | _listed(terms), _glass)


def glasses(cursor: str | None) -> Call[tuple[list[Glass], str | None]]:
    """Return the request for one page of broken glass."""
    return _get(f"/v1/break-glass?limit={_PAGE}{_after(cursor)}", _page(_glass))


def review(number: int, verdict: Verdict, reason: str) -> Call[Glass]:
    """Return a reviewer's word."""
    return _post(f"/v1/break-glass/{int(number)}/review", {"verdict": verdict, "reason": reason}, _glass)


def close(number: int) -> Call[Glass]:
    """Return the request to end one's own access."""
    return _post(f"/v1/break-glass/{int(number)}/close", {}, _glass)


def me() -> Call[Mapping[str, Any]]:
    """Return the question how one stands."""
    return _get("/v1/me", _as_it_is)


def _get(path: str, read: Callable[[Any], T]) -> Call[T]:
    return Call("GET", path, None, lambda answer: read(plain(answer)))


def _post(path: str, body: Body, read: Callable[[Any], T]) -> Call[T]:
    return Call("POST", path, body, lambda answer: read(plain(answer)))


def _listed(terms: GlassTerms) -> Body:
    body = dict(terms)
    return body | ({"classes": list(terms["classes"])} if "classes" in terms else {})


def _after(cursor: str | None) -> str:
    return "" if cursor is None else f"&cursor={cursor}"


def _page(read: Callable[[Any], T]) -> Callable[[Any], tuple[list[T], str | None]]:
    def pages(body: Any) -> tuple[list[T], str | None]:
        try:
            return [read(each) for each in body["items"]], body["next"]
        except (KeyError, TypeError) as cause:
            raise odd() from cause

    return pages


def _grant(body: Any) -> Grant:
    try:
        given = tuple((each["approver"], each["function"], each["approves"]) for each in body["given"])
        return Grant(
            id=body["id"],
            kind=body["kind"],
            holder=body["holder"],
            state=body["state"],
            reason=body["reason"],
            approvals=body["approvals"],
            given=given,
            until=_moment(body["until_at"]),
            entry=body["entry"],
            raw=body,
        )
    except (KeyError, TypeError, ValueError) as cause:
        raise odd() from cause


def _glass(body: Any) -> Glass:
    try:
        until, review_by = (datetime.fromisoformat(body[name]) for name in ("until_at", "review_by"))
        return Glass(body["id"], body["holder"], body["state"], until, review_by, body["entry"], body)
    except (KeyError, TypeError, ValueError) as cause:
        raise odd() from cause


def _as_it_is(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise odd()
    return body


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
