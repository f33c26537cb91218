"""Broken glass: open at once, recorded first, loud, reviewed by two, raised again until it is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.store.standing.people import TICKET, customer, refusal, wanted

from whosaw.gate.approvalpeople import ApprovalRefused
from whosaw.gate.glassask import GlassAsk, GlassInvalid, GlassRefused, NoSuchGlass, Review, Verdict
from whosaw.gate.standing import standing
from whosaw.gate.suspension import Suspensions
from whosaw.record import TrailUnavailable
from whosaw.store.alerts import alerts

if TYPE_CHECKING:
    from tests.store.standing.conftest import Desk


@pytest.fixture(autouse=True)
async def acknowledged(desk: Desk) -> None:
    await desk.conducts.publish("1", "Look only at what your work needs.", by="P-1")
    for actor in ("E-1", "P-1", "G-1"):
        await desk.conducts.acknowledge(actor)


def glass(holder: str = "E-1", **more: Any) -> GlassAsk:
    return GlassAsk(**{"holder": holder, "reason": "a life is in danger", "subject": customer("C-1")} | more)


async def broken(desk: Desk, holder: str = "E-1", subject: str = "customer:C-1") -> frozenset[str]:
    return (await standing(desk.db, [holder], desk.clock.now()))[holder].broken(subject)


async def codes(desk: Desk) -> list[str]:
    return [each.code for each in reversed(await alerts(desk.db))]


async def review(desk: Desk, number: int, by: str, verdict: Verdict = "justified") -> str:
    try:
        await desk.glasses.review(Review(number, by, verdict, "read the call"))
    except ApprovalRefused as refused:
        return refused.reason
    return ""


async def test_it_opens_at_once_for_its_classes_subject_and_minutes_and_is_loud(desk: Desk) -> None:
    found = await desk.glasses.break_(glass(purpose=TICKET))
    assert found.until_at == desk.clock.now() + timedelta(minutes=60)
    assert await broken(desk) == {"contact"}
    assert await broken(desk, subject="customer:C-2") == frozenset()
    assert await broken(desk, holder="E-2") == frozenset()
    (entry,) = await desk.entries("break_glass")
    assert (entry["change"], entry["stated"], entry["glass"]) == ("broken", "a life is in danger", found.id)
    (alert,) = await alerts(desk.db)
    assert (alert.code, alert.severity) == ("glass.broken", "high")
    assert alert.about == {"glass": found.id, "actor": entry["actor"], "entry": found.entry}
    desk.later(minutes=60)
    assert await broken(desk) == frozenset()


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": " \n"},
        {"reason": "x" * 501},
        {"reason": "nul\x00"},
        {"classes": frozenset({"address"})},
        {"subject": type(customer("x"))("seller", "S-1")},
    ],
)
async def test_without_a_reason_or_for_what_it_does_not_open_nothing_is_broken(
    desk: Desk, wrong: dict[str, Any]
) -> None:
    with pytest.raises(GlassInvalid):
        await desk.glasses.break_(glass(**wrong))
    assert await desk.entries("break_glass") == []


@pytest.mark.parametrize("holder", ["G-1", "E-2", "X-1", "Z-nobody", "S-9'; --"])
async def test_who_may_not_is_refused_and_the_attempt_recorded(desk: Desk, holder: str) -> None:
    """E-2 has not acknowledged the code, G-1 has no role that may, X-1 has left, the others are nobody."""
    with pytest.raises(GlassRefused):
        await desk.glasses.break_(glass(holder))
    assert [entry["change"] for entry in await desk.entries("break_glass")] == ["denied"]
    assert await codes(desk) == []
    assert await broken(desk, holder) == frozenset()


async def test_a_suspended_person_breaks_no_glass_and_a_suspension_closes_what_is_broken(desk: Desk) -> None:
    await desk.glasses.break_(glass())
    suspensions = Suspensions(desk.db, desk.appender, desk.clock)
    await suspensions.suspend("E-1", reason="case", by="S-1")
    with pytest.raises(GlassRefused):
        await desk.glasses.break_(glass())
    await suspensions.restore("E-1", reason="cleared", by="S-1")
    assert await broken(desk) == frozenset()


async def test_where_the_trail_does_not_take_it_nothing_opens(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: object) -> object:
        raise TrailUnavailable("the trail is down")

    monkeypatch.setattr(desk.appender, "append", down)
    with pytest.raises(TrailUnavailable):
        await desk.glasses.break_(glass())
    assert await broken(desk) == frozenset()
    assert await codes(desk) == []


async def test_where_the_alert_cannot_be_raised_nothing_opens(desk: Desk) -> None:
    await desk.rows("alter table alert add constraint shut check (code <> 'glass.broken')")
    with pytest.raises(Exception, match="shut"):
        await desk.glasses.break_(glass())
    assert await broken(desk) == frozenset()


async def test_two_different_people_of_the_reviewing_functions_settle_it(desk: Desk) -> None:
    number = (await desk.glasses.break_(glass())).id
    assert await review(desk, number, "E-1") == "approval.own"
    assert await review(desk, number, "L-1") == "approval.wrong_function"
    assert await review(desk, number, "N-1") == "approval.changed_lately"
    assert await review(desk, number, "P-1") == ""
    assert await review(desk, number, "P-1") == ""  # said again, it counts once
    assert (await desk.glasses.latest(unreviewed=True))[0].id == number
    assert await review(desk, number, "P-1", "unjustified") == "approval.twice"
    assert await review(desk, number, "P-2") == ""
    (settled,) = await desk.glasses.latest()
    assert (settled.state, len(settled.given)) == ("justified", 2)
    assert await review(desk, number, "S-1") == "approval.decided"
    changes = [entry["change"] for entry in await desk.entries("break_glass")]
    assert changes == ["broken", "denied", "denied", "denied", "reviewed", "denied", "reviewed", "denied"]


async def test_reviewers_who_break_glass_do_not_review_each_other(desk: Desk) -> None:
    await desk.conducts.acknowledge("P-2")
    one, other = await desk.glasses.break_(glass("P-1")), await desk.glasses.break_(glass("P-2"))
    assert sorted(await asyncio.gather(review(desk, one.id, "P-2"), review(desk, other.id, "P-1"))) == [
        "",
        "approval.circular",
    ]


async def test_who_reviewed_anothers_glass_does_not_get_a_grant_from_him(desk: Desk) -> None:
    await desk.conducts.acknowledge("P-2")
    number = (await desk.glasses.break_(glass("P-2"))).id
    assert await review(desk, number, "P-1") == ""
    back = await desk.grants.request(wanted("P-1"))
    assert await refusal(desk, back, "P-2") == "approval.circular"


async def test_a_ring_bars_no_review_where_too_few_others_are_left_and_that_is_recorded(desk: Desk) -> None:
    for holder, by in (("L-1", "P-1"), ("S-1", "L-1")):
        assert await refusal(desk, await desk.grants.request(wanted(holder)), by) == ""
    number = (await desk.glasses.break_(glass("P-1"))).id
    assert await review(desk, number, "S-1") == "", "besides him P-2 alone could, and it takes two"
    assert (await desk.entries("break_glass"))[-1]["ring"] == "let off"
    assert await review(desk, number, "P-2") == ""
    assert "ring" not in (await desk.entries("break_glass"))[-1]
    assert (await desk.glasses.latest())[0].state == "justified"

    desk.later(days=1)  # N-1 may approve from now on: two others are there
    later = (await desk.glasses.break_(glass("P-1"))).id
    assert await review(desk, later, "S-1") == "approval.circular"
    assert await review(desk, later, "N-1") == "", "by whoever said it first, one more is needed, and P-2 is there"
    assert await review(desk, later, "S-1") == "approval.circular"
    await desk.rows("update company.staff set ended = '2026-03-03Z' where id = 'P-2'")
    assert await review(desk, later, "S-1") == ""


async def test_two_who_approve_each_other_do_not_review_however_few_are_left(desk: Desk) -> None:
    assert await refusal(desk, await desk.grants.request(wanted("S-1")), "P-1") == ""
    await desk.rows("update company.staff set ended = '2026-03-01Z' where id = 'P-2'")
    number = (await desk.glasses.break_(glass("P-1"))).id
    assert await review(desk, number, "S-1") == "approval.circular"


async def test_one_word_that_it_was_not_justified_ends_it_at_once_and_is_loud(desk: Desk) -> None:
    number = (await desk.glasses.break_(glass())).id
    assert await review(desk, number, "P-1", "unjustified") == ""
    assert await broken(desk) == frozenset()
    assert await codes(desk) == ["glass.broken", "glass.unjustified"]
    assert await review(desk, number, "S-1") == ""
    assert (await desk.glasses.latest())[0].state == "disputed"


async def test_what_nobody_reviews_is_raised_again_once_for_every_period_whoever_looks(desk: Desk) -> None:
    number = (await desk.glasses.break_(glass())).id
    desk.later(hours=23)
    assert await desk.glasses.escalate(desk.clock.now()) == 0
    desk.later(hours=1)
    raised = await asyncio.gather(*(desk.glasses.escalate(desk.clock.now()) for _ in range(4)))
    assert sum(raised) == 1
    assert await desk.glasses.escalate(desk.clock.now()) == 0
    desk.later(hours=24)
    assert await desk.glasses.escalate(desk.clock.now()) == 1
    assert await codes(desk) == ["glass.broken", "glass.unreviewed", "glass.unreviewed"]
    assert {each.severity for each in await alerts(desk.db) if each.code == "glass.unreviewed"} == {"critical"}
    assert await review(desk, number, "P-1") == ""
    desk.later(hours=24)
    assert await desk.glasses.escalate(desk.clock.now()) == 1, "one review is not two"
    assert await review(desk, number, "S-1") == ""
    desk.later(hours=240)
    assert await desk.glasses.escalate(desk.clock.now()) == 0


async def test_its_holder_closes_it_and_nobody_else_and_it_is_reviewed_all_the_same(desk: Desk) -> None:
    number = (await desk.glasses.break_(glass())).id
    with pytest.raises(NoSuchGlass):
        await desk.glasses.close(number, "P-1")
    assert await broken(desk) == {"contact"}
    await desk.glasses.close(number, "E-1")
    assert await broken(desk) == frozenset()
    assert (await desk.glasses.latest())[0].state == "unreviewed"


async def test_the_same_ask_again_is_the_same_glass(desk: Desk) -> None:
    ask = glass()
    one, other = await asyncio.gather(desk.glasses.break_(ask), desk.glasses.break_(ask))
    assert one.id == other.id
    assert len(await desk.entries("break_glass")) == 1
    with pytest.raises(GlassInvalid):
        await desk.glasses.review(Review(one.id, "P-1", "justified"))
    with pytest.raises(NoSuchGlass):
        await desk.glasses.review(Review(one.id + 9, "P-1", "justified", "x"))
