"""Grants over a real database and trail: every step an entry, every rule attacked, races included."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.store.standing.people import DIGEST, customer, refusal, second, unmasking, wanted

from whosaw.gate.approvalpeople import ApprovalRefused
from whosaw.gate.approvalqueries import deciding
from whosaw.gate.grants import DECIDE_WITHIN, Word
from whosaw.gate.grantsask import GrantInvalid, NoSuchGrant
from whosaw.gate.standing import standing
from whosaw.gate.suspension import Suspensions
from whosaw.record import TrailUnavailable
from whosaw.store import Database

if TYPE_CHECKING:
    from tests.store.standing.conftest import Desk


async def changes(desk: Desk) -> list[str]:
    return [entry["change"] for entry in await desk.entries("grant")]


async def opened(desk: Desk, holder: str, subject: str | None, purpose: str | None) -> frozenset[str]:
    found = (await standing(desk.db, [holder], desk.clock.now()))[holder]
    return found.granted(subject, purpose)


async def test_asked_approved_in_force_for_its_purpose_and_its_time_and_over(desk: Desk) -> None:
    grant = await desk.grants.request(wanted(minutes=30))
    assert (grant.state, grant.classes, grant.reason) == ("requested", {"contact"}, "calls back")
    assert await opened(desk, "E-1", "customer:C-1", "ticket:T-1") == frozenset()
    grant = await desk.grants.approve(Word(grant.id, "P-1"))
    assert grant.state == "in_force"
    assert grant.until_at == desk.clock.now() + timedelta(minutes=30)
    assert await opened(desk, "E-1", "customer:C-1", "ticket:T-1") == {"contact"}
    assert await opened(desk, "E-1", "customer:C-1", "ticket:T-2") == frozenset()
    assert await opened(desk, "E-1", "customer:C-1", None) == frozenset()
    assert await opened(desk, "E-2", "customer:C-1", "ticket:T-1") == frozenset()
    desk.later(minutes=30)
    assert await opened(desk, "E-1", "customer:C-1", "ticket:T-1") == frozenset()
    assert await desk.grants.expire() == 1
    assert await desk.grants.expire() == 0
    assert [each.state for each in await desk.grants.latest()] == ["expired"]
    assert await changes(desk) == ["requested", "approved", "expired"]


async def test_the_entries_hold_numbers_and_the_reason_stands_in_the_first_alone(desk: Desk) -> None:
    grant = await desk.grants.request(wanted(subject=customer("C-1")))
    await desk.grants.approve(Word(grant.id, "L-1"))
    requested, approved = await desk.entries("grant")
    assert requested["stated"] == "calls back"
    assert requested["classes"] == ["contact"]
    assert (approved["function"], approved["grant"], approved["holder"]) == ("team_lead", grant.id, requested["actor"])
    assert approved["actor"] != approved["holder"]
    for entry in (requested, approved):
        assert not any("C-1" in str(value) or "E-1" in str(value) for value in entry.values())


@pytest.mark.parametrize(
    ("by", "rule"),
    [
        ("E-1", "approval.own"),
        ("E-2", "approval.wrong_function"),
        ("S-1", "approval.wrong_function"),
        ("N-1", "approval.changed_lately"),
        ("U-1", "approval.changed_lately"),
        ("X-1", "approval.suspended"),
        ("B-1", "approval.suspended"),  # his contract has not begun
        ("Z-nobody", "approval.suspended"),
    ],
)
async def test_who_may_not_approve_is_refused_and_recorded(desk: Desk, by: str, rule: str) -> None:
    grant = await desk.grants.request(wanted())
    assert await refusal(desk, grant, by) == rule
    assert (await desk.grants.latest())[0].state == "requested"
    assert await changes(desk) == ["requested", "denied"]
    assert (await desk.entries("grant"))[1]["reason"] == rule


async def test_an_approver_does_not_approve_his_own_request_in_any_of_his_functions(desk: Desk) -> None:
    grant = await desk.grants.request(wanted("P-1"))
    assert await refusal(desk, grant, "P-1") == "approval.own"
    assert await refusal(desk, grant, "P-1", approves=False) == "approval.own"
    assert await refusal(desk, grant, "P-2") == ""


async def test_two_people_do_not_approve_each_other_within_thirty_days(desk: Desk) -> None:
    first = await desk.grants.request(wanted("P-2"))
    assert await refusal(desk, first, "P-1") == ""
    back = await desk.grants.request(wanted("P-1"))
    assert await refusal(desk, back, "P-2") == "approval.circular"
    assert await refusal(desk, back, "L-1") == ""
    desk.later(days=30)
    later = await desk.grants.request(wanted("P-1"))
    assert await refusal(desk, later, "P-2") == ""


async def test_three_people_do_not_approve_each_other_in_a_ring_within_seven_days(desk: Desk) -> None:
    for holder, by in (("P-1", "P-2"), ("P-2", "L-1")):
        assert await refusal(desk, await desk.grants.request(wanted(holder)), by) == ""
        desk.later(days=1)
    closes = await desk.grants.request(wanted("L-1"))
    assert await refusal(desk, closes, "P-1") == "approval.circular"
    assert (await desk.entries("grant"))[-1]["reason"] == "approval.circular"
    desk.later(days=5)  # seven since the first of the two
    later = await desk.grants.request(wanted("L-1"))
    assert await refusal(desk, later, "P-1") == ""


async def test_who_may_not_end_anothers_grant_is_refused_and_recorded(desk: Desk) -> None:
    grant = await desk.grants.request(wanted("P-1"))
    with pytest.raises(ApprovalRefused):
        await desk.grants.revoke(Word(grant.id, "E-1", reason="mine to end?"))
    last = (await desk.entries("grant"))[-1]
    assert (last["change"], last["reason"], last["grant"]) == ("denied", "approval.wrong_function", grant.id)


async def test_a_pair_that_approves_each_other_at_the_same_moment_gets_one_approval(desk: Desk) -> None:
    one, other = await desk.grants.request(wanted("P-1")), await desk.grants.request(wanted("P-2"))
    rules = await asyncio.gather(refusal(desk, one, "P-2"), refusal(desk, other, "P-1"))
    assert sorted(rules) == ["", "approval.circular"]


async def test_whoever_decides_waits_while_another_decision_is_being_made(desk: Desk) -> None:
    grant = await desk.grants.request(wanted("P-1"))
    async with deciding(desk.db):
        decision = asyncio.create_task(refusal(desk, grant, "P-2"))
        waiting: list[tuple[object, ...]] = []
        while not waiting and not decision.done():
            waiting = await desk.rows("select pid from pg_locks where locktype = 'advisory' and not granted")
        assert waiting
        assert not decision.done()
    assert await decision == ""


async def test_whoever_has_not_begun_approves_from_his_first_day_on(desk: Desk) -> None:
    desk.later(days=29, hours=11)  # the last of March, 23:00
    assert await refusal(desk, await desk.grants.request(wanted()), "B-1") == "approval.suspended"
    desk.later(hours=2)
    assert await refusal(desk, await desk.grants.request(wanted("E-2")), "B-1") == ""


async def test_a_suspended_person_neither_asks_nor_approves(desk: Desk) -> None:
    grant = await desk.grants.request(wanted())
    suspensions = Suspensions(desk.db, desk.appender, desk.clock)
    await suspensions.suspend("P-1", reason="case", by="S-1")
    await suspensions.suspend("E-2", reason="case", by="S-1")
    assert await refusal(desk, grant, "P-1") == "approval.suspended"
    for nobody in ("E-2", "X-1", "B-1", "Z-nobody"):
        with pytest.raises(GrantInvalid, match="holder"):
            await desk.grants.request(wanted(nobody))


async def test_to_unmask_somebody_takes_two_people_of_different_functions_and_never_himself(desk: Desk) -> None:
    grant = await desk.grants.request(unmasking(target="S-1"))
    assert await refusal(desk, grant, "S-1") == "approval.own"
    assert await refusal(desk, grant, "L-1") == "approval.wrong_function"
    assert await refusal(desk, grant, "P-1") == ""
    assert (await desk.grants.latest())[0].state == "requested"
    assert await refusal(desk, grant, "P-2") == "approval.same_function"
    await desk.rows("insert into company.staff values ('W-1', 'support', 'EU', null, 'works_council', '2025-01-01Z')")
    assert await refusal(desk, grant, "W-1") == ""
    found = (await standing(desk.db, ["E-1"], desk.clock.now()))["E-1"].grants
    assert [(each.kind, each.target, each.case) for each in found] == [("unmask", "S-1", "CASE-1")]


async def test_of_many_approvals_at_once_each_function_counts_once(desk: Desk) -> None:
    grant = await desk.grants.request(unmasking())
    rules = await asyncio.gather(*(refusal(desk, grant, by) for by in ("P-1", "P-2", "P-1", "P-2")))
    assert rules.count("approval.same_function") >= 1
    (held,) = await desk.grants.latest()
    assert (held.state, len(held.given)) == ("requested", 1)


async def test_an_approval_and_a_refusal_at_once_leave_one_outcome(desk: Desk) -> None:
    grant = await desk.grants.request(wanted())
    rules = await asyncio.gather(refusal(desk, grant, "P-1"), refusal(desk, grant, "P-2", approves=False))
    assert sorted(rules) == ["", "approval.decided"]
    (held,) = await desk.grants.latest()
    assert held.state in ("in_force", "refused")
    assert len(held.given) == 1


async def test_a_refusal_ends_it_and_it_is_not_approved_after(desk: Desk) -> None:
    grant = await desk.grants.request(wanted())
    with pytest.raises(GrantInvalid, match="reason"):
        await desk.grants.refuse(Word(grant.id, "P-1"))
    assert (await desk.grants.refuse(Word(grant.id, "P-1", reason="no need"))).state == "refused"
    assert await refusal(desk, grant, "L-1") == "approval.decided"
    assert await opened(desk, "E-1", None, "ticket:T-1") == frozenset()


async def test_what_nobody_decides_in_time_expires_whether_or_not_anybody_notes_it(desk: Desk) -> None:
    grant = await desk.grants.request(wanted())
    desk.later(seconds=DECIDE_WITHIN.total_seconds())
    assert await refusal(desk, grant, "P-1") == "approval.expired"
    assert await desk.grants.expire() == 1
    assert await refusal(desk, grant, "P-1") == "approval.decided"


async def test_holder_approver_and_operator_end_a_grant_and_nobody_else_does(desk: Desk) -> None:
    for by, ordered, rule in [
        ("E-1", False, ""),
        ("L-1", False, ""),
        ("operator:root", True, ""),
        ("E-2", False, "approval.wrong_function"),
        ("X-1", False, "approval.suspended"),
    ]:
        grant = await desk.grants.request(wanted())
        await desk.grants.approve(Word(grant.id, "P-1"))
        word = Word(grant.id, by, reason="done")
        if rule:
            with pytest.raises(PermissionError, match=rule):
                await desk.grants.revoke(word)
            assert await opened(desk, "E-1", None, "ticket:T-1")
        else:
            assert (await desk.grants.revoke(word, ordered=ordered)).state == "revoked"
            assert await opened(desk, "E-1", None, "ticket:T-1") == frozenset()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "invented"},
        {"reason": " "},
        {"reason": "x" * 501},
        {"reason": "nul\x00"},
        {"minutes": 0},
        {"minutes": 481},
        {"classes": frozenset({"address"})},
        {"purpose": None},
        {"action": "review.delete"},
        {"digest": DIGEST},
        {"target": "E-2"},
    ],
)
async def test_what_makes_no_sense_is_not_asked(desk: Desk, wrong: dict[str, Any]) -> None:
    with pytest.raises(GrantInvalid):
        await desk.grants.request(wanted(**wrong))
    assert await changes(desk) == []


@pytest.mark.parametrize(
    "ask",
    [
        second(digest=None),
        second(digest="AB" * 32),
        second(digest="ab"),
        second(action="invented"),
        second(action=None),
        second(action="suspension.lift", digest=None),
        second(action="suspension.lift", digest=None, target="E-1"),
        second(target="E-2"),
        unmasking(case=None),
        unmasking(case="no reference"),
        unmasking(target=None),
        unmasking(target="E-1"),
    ],
)
async def test_a_second_persons_word_and_an_unmasking_name_exactly_what_they_are_for(desk: Desk, ask: Any) -> None:
    with pytest.raises(GrantInvalid):
        await desk.grants.request(ask)


async def test_the_same_request_again_is_the_same_and_the_same_word_again_changes_nothing(desk: Desk) -> None:
    ask = wanted()
    one, other = await asyncio.gather(desk.grants.request(ask), desk.grants.request(ask))
    assert one.id == other.id
    for _ in range(2):
        assert (await desk.grants.approve(Word(one.id, "P-1"))).state == "in_force"
    assert await changes(desk) == ["requested", "approved"]
    with pytest.raises(NoSuchGrant):
        await desk.grants.approve(Word(one.id + 9, "P-1"))


async def test_a_word_good_for_one_use_is_used_once_and_recorded_once(desk: Desk) -> None:
    grant = await desk.grants.request(second())
    await desk.grants.approve(Word(grant.id, "P-1"))
    taken = await asyncio.gather(*(desk.grants.consume(grant.id, "E-1", "http") for _ in range(6)))
    assert sorted(taken) == [False] * 5 + [True]
    assert (await changes(desk)).count("used") == 1
    assert (await standing(desk.db, ["E-1"], desk.clock.now()))["E-1"].second_person("export", digest=DIGEST) is None


async def test_where_the_trail_does_not_take_it_nothing_is_asked_and_nothing_approved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await desk.grants.request(wanted())

    async def down(*_: object) -> object:
        raise TrailUnavailable("the trail is down")

    monkeypatch.setattr(desk.appender, "append", down)
    with pytest.raises(TrailUnavailable):
        await desk.grants.request(wanted("E-2"))
    with pytest.raises(TrailUnavailable):
        await desk.grants.approve(Word(grant.id, "P-1"))
    monkeypatch.undo()
    assert [(each.holder, each.state) for each in await desk.grants.latest()] == [("E-1", "requested")]


async def test_of_two_processes_that_decide_at_once_one_waits_for_the_other(desk: Desk) -> None:
    """Two pools are what two processes are: nothing but the database is between them."""
    grant = await desk.grants.request(wanted())
    async with Database(desk.url) as db:
        other = type(desk.grants)(db, desk.appender, desk.catalog, desk.directory, desk.clock)
        await asyncio.gather(
            desk.grants.approve(Word(grant.id, "P-1")),
            other.approve(Word(grant.id, "L-1")),
            return_exceptions=True,
        )
    (held,) = await desk.grants.latest()
    assert (held.state, len(held.given)) == ("in_force", 1)
    assert sorted(await changes(desk)) == ["approved", "denied", "requested"]
