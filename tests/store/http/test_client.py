"""Every method of the SDK's two clients against a living door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.store.http.conftest import Office

from whosaw.client import Allowed, Answer, AsyncClient, Client, Denied, Masked
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
