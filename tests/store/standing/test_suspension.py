"""Suspension: what it ends, who lifts it, and that a protection's own takes two."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.store.standing.people import second, wanted

from whosaw.gate.glassask import GlassAsk
from whosaw.gate.grants import Word
from whosaw.gate.standing import Standing, standing
from whosaw.gate.suspension import SecondPersonNeeded, Suspensions
from whosaw.record import TrailUnavailable
from whosaw.store.alerts import alerts

if TYPE_CHECKING:
    from tests.store.standing.conftest import Desk


@pytest.fixture
def suspensions(desk: Desk) -> Suspensions:
    return Suspensions(desk.db, desk.appender, desk.clock)


async def stands(desk: Desk, actor: str) -> Standing:
    return (await standing(desk.db, [actor], desk.clock.now()))[actor]


async def lifting(desk: Desk, holder: str, approver: str, target: str) -> int:
    ask = second(holder, action="suspension.lift", digest=None, target=target)
    grant = await desk.grants.request(ask)
    await desk.grants.approve(Word(grant.id, approver))
    return grant.id


async def test_it_ends_grants_glass_and_sign_ins_and_lifting_it_gives_none_back(
    desk: Desk, suspensions: Suspensions
) -> None:
    await desk.conducts.publish("1", "Text", by="P-1")
    await desk.conducts.acknowledge("E-1")
    grant = await desk.grants.request(wanted())
    await desk.grants.approve(Word(grant.id, "P-1"))
    waiting = await desk.grants.request(wanted())
    await desk.glasses.break_(GlassAsk("E-1", "a life is in danger"))
    assert await suspensions.suspend("E-1", reason="case", by="S-1")
    assert await stands(desk, "E-1") == Standing(suspended=True)
    assert {each.id: each.state for each in await desk.grants.latest()} == {grant.id: "revoked", waiting.id: "revoked"}
    assert await desk.rows("select actor, before_at from person_end") == [("E-1", desk.clock.now())]
    assert not await suspensions.suspend("E-1", reason="again", by="S-1")
    assert await suspensions.restore("E-1", reason="cleared", by="S-1")
    assert await stands(desk, "E-1") == Standing()
    assert not await suspensions.restore("E-1", reason="again", by="S-1")
    (told,) = [each for each in await alerts(desk.db) if each.code == "actor.suspended"]
    (first, *_) = await desk.rows("select index from trail_entry where payload::json ->> 'kind' = 'suspension'")
    numbers = await desk.rows("select number from number_map where space = 'actor' and key = 'E-1'")
    assert told.about == {"actor": numbers[0][0], "entry": first[0]}, "said once, by number, and not why"
    assert [entry["change"] for entry in await desk.entries("suspension")] == ["suspend"] * 2 + ["restore"] * 2


async def test_where_the_trail_does_not_take_it_it_neither_begins_nor_ends(
    desk: Desk, suspensions: Suspensions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await suspensions.suspend("E-2", reason="case", by="S-1")

    async def down(*_: object) -> object:
        raise TrailUnavailable("the trail is down")

    monkeypatch.setattr(desk.appender, "append", down)
    with pytest.raises(TrailUnavailable):
        await suspensions.suspend("E-1", reason="case", by="S-1")
    with pytest.raises(TrailUnavailable):
        await suspensions.restore("E-2", reason="case", by="S-1")
    assert await suspensions.among(["E-1", "E-2"]) == {"E-2"}


async def test_he_is_stopped_where_the_alert_fails_and_the_repeated_order_raises_it(
    desk: Desk, suspensions: Suspensions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told() -> int:
        return len([each for each in await alerts(desk.db) if each.code == "actor.suspended"])

    async def down(*_: object, **__: object) -> int:
        assert await suspensions.among(["E-1"]) == {"E-1"}, "it says that he is refused at every door, so he must be"
        raise ConnectionError("the database went away")

    with monkeypatch.context() as broken:
        broken.setattr("whosaw.gate.suspension.raise_alert", down)
        with pytest.raises(ConnectionError):
            await suspensions.suspend("E-1", reason="case", by="S-1")
    assert (await suspensions.among(["E-1"]), await told()) == ({"E-1"}, 0)
    for _ in range(2):
        desk.later(seconds=1)
        assert not await suspensions.suspend("E-1", reason="case", by="S-1")
    assert await told() == 1
    await suspensions.restore("E-1", reason="cleared", by="S-1")
    desk.later(seconds=1)
    assert await suspensions.suspend("E-1", reason="another case", by="S-1")
    assert await told() == 2


async def test_a_safety_suspension_is_lifted_by_two_with_a_word_about_exactly_this_person(
    desk: Desk, suspensions: Suspensions
) -> None:
    await suspensions.suspend("E-1", reason="budget", by="whosaw", kind="safety")
    with pytest.raises(SecondPersonNeeded):
        await suspensions.restore("E-1", reason="cleared", by="S-1")
    await lifting(desk, "S-1", "P-1", "E-2")
    with pytest.raises(SecondPersonNeeded):
        await suspensions.restore("E-1", reason="cleared", by="S-1")
    await lifting(desk, "S-1", "P-1", "E-1")
    with pytest.raises(SecondPersonNeeded):
        await suspensions.restore("E-1", reason="cleared", by="P-1")  # it is the holder's, not the approver's
    assert await suspensions.restore("E-1", reason="cleared", by="S-1")
    assert await suspensions.among(["E-1"]) == set()
    assert [entry["change"] for entry in await desk.entries("grant")][-1] == "used"
    assert [entry.get("safety") for entry in await desk.entries("suspension")] == ["yes", "yes"]


async def test_one_word_lifts_one_suspension_however_many_use_it_at_once(desk: Desk, suspensions: Suspensions) -> None:
    await suspensions.suspend("E-1", reason="budget", by="whosaw", kind="safety")
    await lifting(desk, "S-1", "P-1", "E-1")
    done = await asyncio.gather(
        *(suspensions.restore("E-1", reason="cleared", by="S-1") for _ in range(4)), return_exceptions=True
    )
    assert done.count(True) == 1
    desk.later(seconds=1)
    await suspensions.suspend("E-1", reason="budget", by="whosaw", kind="safety")
    with pytest.raises(SecondPersonNeeded):
        await suspensions.restore("E-1", reason="cleared", by="S-1")


async def test_a_protection_takes_the_place_of_what_a_person_ordered_and_never_the_reverse(
    desk: Desk, suspensions: Suspensions
) -> None:
    await suspensions.suspend("E-1", reason="case", by="S-1")
    await suspensions.suspend("E-1", reason="budget", by="whosaw", kind="safety")
    await suspensions.suspend("E-1", reason="case", by="S-1")
    with pytest.raises(SecondPersonNeeded):
        await suspensions.restore("E-1", reason="cleared", by="S-1")


async def test_he_asks_for_nothing_that_would_lift_his_own(desk: Desk, suspensions: Suspensions) -> None:
    await suspensions.suspend("P-1", reason="budget", by="whosaw", kind="safety")
    for holder in ("P-1", "S-1"):
        with pytest.raises((ValueError, PermissionError)):
            await lifting(desk, holder, "P-1", "P-1")
    assert await suspensions.among(["P-1"]) == {"P-1"}
