"""The forms of what people ask of and say about people, as the OpenAPI document states them: see `models`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from whosaw.doors.http.models import Hex32, Moment, Reason, Reference, Strict, Text


class GrantAsk(Strict):
    """Access that others must approve."""

    kind: Text
    reason: Reason
    minutes: int | None = Field(None, ge=1, le=1_000_000)
    classes: list[Text] | None = Field(None, max_length=64, json_schema_extra={"uniqueItems": True})
    subject: Reference | None = None
    purpose: Reference | None = None
    action: Text | None = None
    digest: Hex32 | None = Field(None, description="of the one ask a second person approves; stands in its refusal")
    target: Text | None = Field(None, description="the actor whom it concerns")
    case: Text | None = None


class Word(Strict):
    """Yes; saying why is optional."""

    reason: Reason | None = None


class ReasonedWord(Strict):
    """No, or an end; it needs a reason."""

    reason: Reason


class GlassAsk(Strict):
    """Access now, against policy."""

    reason: Reason
    subject: Reference | None = None
    purpose: Reference | None = None
    classes: list[Text] | None = Field(None, max_length=64, json_schema_extra={"uniqueItems": True})


class GlassReview(Strict):
    """Was it justified?"""

    verdict: Literal["justified", "unjustified"]
    reason: Reason


class Nothing(Strict):
    """An empty object."""


class SuspensionAsk(Strict):
    """Who is to be stopped, and why."""

    actor: Text
    reason: Reason


class Acknowledgement(Strict):
    """Which version is acknowledged; none named: the one in force."""

    version: Text | None = None


class Given(Strict):
    """One verdict."""

    approver: str
    function: str
    approves: bool


class Grant(Strict):
    """A grant as it stands."""

    id: int
    kind: str
    holder: str
    state: Literal["requested", "in_force", "refused", "revoked", "expired", "used"]
    classes: list[str]
    action: str | None
    digest: str | None
    subject: str | None
    purpose: str | None
    target: str | None
    case: str | None
    minutes: int
    approvals: int
    given: list[Given]
    requested_at: Moment
    decide_by: Moment
    from_at: Moment | None
    until_at: Moment | None
    entry: int
    reason: str | None


class GrantPage(Strict):
    """Grants, newest first; `next` is the cursor of the next page, null on the last."""

    items: list[Grant]
    next: str | None


class Glass(Strict):
    """Broken glass as it stands."""

    id: int
    holder: str
    classes: list[str]
    subject: str | None
    purpose: str | None
    broken_at: Moment
    until_at: Moment
    review_by: Moment
    state: Literal["unreviewed", "justified", "unjustified", "disputed"]
    escalations: int
    given: list[Given]
    entry: int
    reason: str | None


class GlassPage(Strict):
    """Broken glass, newest first."""

    items: list[Glass]
    next: str | None


class SuspensionChange(Strict):
    """How somebody stands now; `changed` is false where he stood so before."""

    actor: str
    suspended: bool
    changed: bool
    by: str
    listed: bool | None = Field(
        description="whether the staff directory has this key; false: was another meant? null: it did not answer"
    )


class Suspended(Strict):
    """Somebody who is stopped."""

    actor: str
    since: Moment
    kind: Literal["manual", "safety"]
    ordered_by: str


class SuspendedList(Strict):
    """Who is stopped now."""

    items: list[Suspended]


class GrantInForce(Strict):
    """A grant that holds now."""

    id: int
    kind: str
    classes: list[str]
    action: str | None
    subject: str | None
    purpose: str | None
    until_at: Moment | None


class GlassInForce(Strict):
    """Broken glass that is open now."""

    id: int
    classes: list[str]
    subject: str | None
    until_at: Moment | None


class Budget(Strict):
    """One limit: how many distinct persons in this calendar window (UTC)."""

    counted: str
    window: Literal["hour", "day", "month"]
    spent: int
    soft: int | None
    hard: int | None
    left: int | None


class Me(Strict):
    """Who asks, and how he stands."""

    actor: str
    roles: list[str]
    region: str
    suspended: bool
    ended: bool
    acknowledged: bool
    code: str | None
    grants: list[GrantInForce]
    glass: list[GlassInForce]
    budgets: list[Budget]


class Conduct(Strict):
    """The code of conduct in force."""

    version: str | None
    sha256: str | None
    in_force_at: Moment | None
    text: str | None
    acknowledged: bool


class Acknowledged(Strict):
    """The version that was acknowledged."""

    version: str
    sha256: str
    in_force_at: Moment
