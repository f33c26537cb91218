"""Every method of the SDK's two clients against a living door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.store.http.conftest import Office

from whosaw.client import Allowed, Answer, AsyncClient, Client, Denied, DoorError, Masked
from whosaw.client.wire import answered

Call = Callable[[Any], Any]
EMAIL = "customer.email"


@pytest.fixture(params=["AsyncClient", "Client"])
def asked(request: pytest.FixtureRequest, office: Office) -> Callable[[str, Call], Any]:
    """Call a method of one client as somebody; both clients have the same methods."""

    async def ask(actor: str, call: Call) -> Any:
        token = office.tokens[actor]
        if request.param == "AsyncClient":
            async with AsyncClient(office.address, token) as door:
                return await call(door)

        def waiting() -> Any:
            with Client(office.address, token) as door:
                return call(door)

        return await asyncio.to_thread(waiting)

    return ask


async def test_one_subject_is_shown_masked_or_denied(asked: Callable[[str, Call], Any]) -> None:
    shown = await asked("E-1", lambda door: door.disclose("customer:C-1", [EMAIL], "ticket:T-1"))
    assert isinstance(shown, Answer)
    assert shown.fields == {EMAIL: "ada1@mail.example"}
    masked = await asked("E-1", lambda door: door.disclose("customer:C-1", [EMAIL]))
    assert isinstance(masked.fields[EMAIL], Masked)
    denied = await asked("E-1", lambda door: door.disclose("customer:C-2", [EMAIL], "ticket:T-1"))
    assert isinstance(denied, Denied)
    assert (denied.reason, denied.digest) == ("purpose.other_subject", None)


async def test_many_subjects_are_answered_in_their_order(asked: Callable[[str, Call], Any]) -> None:
    subjects = ["customer:C-2", "customer:C-1", "customer:C-none"]
    answers = await asked("E-1", lambda door: door.disclose_bulk(subjects, [EMAIL], "ticket:T-1"))
    assert [each.subject for each in answers] == subjects
    assert [each.decision for each in answers] == ["deny", "allow", "deny"]
    assert answers[1].fields == {EMAIL: "ada1@mail.example"}
    assert all({"origin", "index", "signature"} <= each.receipt.keys() for each in answers)


async def test_a_lookup_names_whom_the_work_is_about_and_nobody_else(asked: Callable[[str, Call], Any]) -> None:
    found = await asked("E-1", lambda door: door.lookup(EMAIL, "ada1@mail.example", "ticket:T-1"))
    assert found.subject == "customer:C-1"
    other = await asked("E-1", lambda door: door.lookup(EMAIL, "ada2@mail.example", "ticket:T-1"))
    assert (other.subject, other.reason) == (None, "lookup.nobody")
    unstated = await asked("E-1", lambda door: door.lookup(EMAIL, "ada1@mail.example"))
    assert (unstated.subject, unstated.reason) == (None, "purpose.missing")


async def test_an_action_is_allowed_or_denied(asked: Callable[[str, Call], Any]) -> None:
    allowed = await asked("E-2", lambda door: door.act("review.delete", "R-1", "review_care:M-1"))
    assert isinstance(allowed, Allowed)
    several = await asked("E-2", lambda door: door.act("review.delete", ["R-1", "R-none"], "review_care:M-1"))
    assert isinstance(several, Denied)
    assert several.reason == "subject.unknown"


def test_a_denial_carries_the_digest_that_a_second_person_approves() -> None:
    body = {"reason": "second_person.needed", "hint": "h", "receipt": {"index": 1}, "digest": "ab" * 32}
    assert answered(403, body) == Denied("second_person.needed", "h", {"index": 1}, "ab" * 32)


async def test_a_grant_is_asked_for_approved_by_another_and_ended(asked: Callable[[str, Call], Any]) -> None:
    terms = {"minutes": 30, "subject": "customer:C-2", "purpose": "ticket:T-2"}
    grant = await asked("E-5", lambda door: door.request_grant("extended_contact", "a call was cut", **terms))
    assert (grant.state, grant.holder, grant.until, grant.reason) == ("requested", "E-5", None, "a call was cut")
    with pytest.raises(DoorError, match="own"):
        await asked("E-5", lambda door: door.approve_grant(grant.id))
    assert [each.id for each in await asked("L-1", lambda door: door.grants("waiting"))] == [grant.id]
    approved = await asked("L-1", lambda door: door.approve_grant(grant.id, "heard the call"))
    assert (approved.state, approved.given) == ("in_force", (("L-1", "team_lead", True),))
    assert approved.until == datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    told = await asked("E-5", lambda door: door.me())
    assert [each["id"] for each in told["grants"]] == [grant.id]
    ended = await asked("E-5", lambda door: door.revoke_grant(grant.id, "done"))
    assert ended.state == "revoked"
    assert [each.state for each in await asked("E-5", lambda door: door.grants())] == ["revoked"]


async def test_every_page_of_grants_is_listed(
    asked: Callable[[str, Call], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whosaw.client.standing._PAGE", 2)
    numbers: list[int] = []
    for _ in range(5):
        made = await asked(
            "E-5",
            lambda door: door.request_grant("extended_contact", "again", subject="customer:C-2", purpose="ticket:T-2"),
        )
        numbers.append(made.id)
    assert [each.id for each in await asked("E-5", lambda door: door.grants())] == numbers[::-1]


async def test_glass_is_broken_reviewed_by_two_and_closed(asked: Callable[[str, Call], Any]) -> None:
    glass = await asked("E-5", lambda door: door.break_glass("a threat to life", subject="customer:C-2"))
    assert (glass.state, glass.holder) == ("unreviewed", "E-5")
    assert glass.until < glass.review_by
    closed = await asked("E-5", lambda door: door.close_glass(glass.id))
    assert closed.until < glass.until
    with pytest.raises(DoorError, match="no glass"):
        await asked("E-1", lambda door: door.close_glass(glass.id))
    assert [each.id for each in await asked("P-1", lambda door: door.glasses())] == [glass.id]
    await asked("P-1", lambda door: door.review_glass(glass.id, "justified", "the call is on tape"))
    settled = await asked("S-1", lambda door: door.review_glass(glass.id, "justified", "agreed"))
    assert settled.state == "justified"
