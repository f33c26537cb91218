"""Legal hold: what is held is neither erased nor pruned, and everything about the hold is recorded."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from whosaw.record import Appender, TrailUnavailable, entries_from, load_or_create
from whosaw.record.erasure import ErasureHeld, Mandate, erase_actor, erase_subject
from whosaw.record.hold import Hold, Holds, HoldStands, HoldUntold, NoHold
from whosaw.record.retention import Retention, due, prune
from whosaw.store.numbers import assign, find
from whosaw.terms import SimulatedClock, to_us

START = datetime(2026, 3, 2, tzinfo=UTC)
REVIEW = date(2026, 9, 1)
MANDATE = Mandate(1, "asked for under article 17")
ONE_DAY = Retention("test", 1)


@pytest.fixture
def clock():
    return SimulatedClock(START)


@pytest.fixture
async def appender(database, clock, tmp_path):
    async with Appender(database, load_or_create(tmp_path / "keys", clock, "test"), clock) as appender:
        yield appender


@pytest.fixture
def holds(database, appender, clock):
    return Holds(database, appender, clock)


@pytest.fixture
async def two(database, appender, clock):
    """Two customers, each seen by two actors."""
    numbers = await assign(database, "subject", ["customer:C-1", "customer:C-2"])
    await assign(database, "actor", ["E-1", "E-2"])
    for number in numbers.values():
        for actor in (1, 2):
            await appender.append(
                {"kind": "disclosure", "at": to_us(clock.now()), "actor": actor, "subject": number, "reason": "x"}
            )
    return numbers


async def kinds(database) -> list[str]:
    return [str(entry.payload["kind"]) async for entry in entries_from(database)]


async def test_a_held_subject_is_not_erased_and_the_refusal_names_ground_and_review(
    database, appender, clock, holds, two
):
    await holds.add("subject", two["customer:C-1"], ground="a court asked", review_on=REVIEW, by=1)
    with pytest.raises(ErasureHeld, match="a court asked; it is to be reviewed on 2026-09-01"):
        await erase_subject(database, appender, clock, two["customer:C-1"], MANDATE)
    assert await find(database, "subject", "customer:C-1") == two["customer:C-1"]
    assert await kinds(database) == ["disclosure"] * 4 + ["hold", "erasure_refused"]
    (refused,) = [e.payload async for e in entries_from(database) if e.payload["kind"] == "erasure_refused"]
    assert (refused["subject"], refused["review"]) == (two["customer:C-1"], "2026-09-01")
    assert (await holds.standing())[0].erasure_asked_at == START


async def test_others_are_erased_while_one_is_held(database, appender, clock, holds, two):
    await holds.add("subject", two["customer:C-1"], ground="a court asked", review_on=REVIEW, by=1)
    assert (await erase_subject(database, appender, clock, two["customer:C-2"], MANDATE)).entries == 2


async def test_a_held_actor_keeps_his_name_and_what_he_did(database, appender, clock, holds, two):
    await holds.add("actor", 2, ground="an investigation", review_on=REVIEW, by=1)
    with pytest.raises(ErasureHeld):
        await erase_actor(database, appender, clock, 2, MANDATE)
    with pytest.raises(ErasureHeld):  # this customer's entries are evidence of what he did
        await erase_subject(database, appender, clock, two["customer:C-2"], MANDATE)
    assert (await erase_actor(database, appender, clock, 1, MANDATE)).entries == 0


async def test_lifting_says_that_an_erasure_was_asked_for_and_then_it_goes(database, appender, clock, holds, two):
    number = two["customer:C-1"]
    await holds.add("subject", number, ground="a court asked", review_on=REVIEW, by=1)
    with pytest.raises(ErasureHeld):
        await erase_subject(database, appender, clock, number, MANDATE)
    clock.advance_to(clock.now() + timedelta(days=3))
    with pytest.raises(HoldUntold):  # whom it restricted is told first
        await holds.lift("subject", number, reason="the court is done", by=1)
    await holds.tell("subject", number, by=1)
    assert await holds.lift("subject", number, reason="the court is done", by=1) == START
    assert await holds.standing() == []
    done = await erase_subject(database, appender, clock, number, MANDATE)
    assert done.entries == 6  # what was seen, the hold, the refusal, the telling and the lifting are all about him
    assert await kinds(database) == ["disclosure"] * 2 + ["erasure"]
    async with database.connection() as connection:
        assert await (await connection.execute("select ground from legal_hold")).fetchall() == []


async def test_a_hold_is_added_once_and_lifted_once(holds, two, database):
    number = two["customer:C-1"]
    with pytest.raises(NoHold):
        await holds.lift("subject", number, reason="none", by=1)
    await holds.add("subject", number, ground="a court asked", review_on=REVIEW, by=1)
    with pytest.raises(HoldStands):
        await holds.add("subject", number, ground="another", review_on=REVIEW, by=1)
    assert await holds.standing() == [Hold("subject", number, "a court asked", REVIEW, START, None)]
    assert await holds.lift("subject", number, reason="over", by=1) is None
    assert (await kinds(database))[4:] == ["hold", "hold"]
    await holds.add("subject", number, ground="again", review_on=REVIEW, by=1)


async def test_a_hold_that_cannot_be_recorded_does_not_stand(holds, appender, two):
    await appender.close()
    with pytest.raises(TrailUnavailable):
        await holds.add("subject", two["customer:C-1"], ground="a court asked", review_on=REVIEW, by=1)
    assert await holds.standing() == []


async def test_pruning_leaves_what_is_held(database, appender, clock, holds, two):
    await holds.add("subject", two["customer:C-1"], ground="a court asked", review_on=REVIEW, by=1)
    clock.advance_to(clock.now() + timedelta(days=2))
    assert await due(database, clock, ONE_DAY) == {"disclosure": 2}
    (done,) = await prune(database, appender, clock, ONE_DAY, by=1)
    assert done.entries == 2
    left = [e.payload.get("subject") async for e in entries_from(database) if e.payload["kind"] == "disclosure"]
    assert left == [two["customer:C-1"]] * 2


async def test_a_hold_and_an_erasure_at_once_leave_one_of_the_two(database, appender, clock, holds, two):
    number = two["customer:C-1"]
    hold, erased = await asyncio.gather(
        holds.add("subject", number, ground="a court asked", review_on=REVIEW, by=1),
        erase_subject(database, appender, clock, number, MANDATE),
        return_exceptions=True,
    )
    assert hold is None
    kept = await find(database, "subject", "customer:C-1") is not None
    assert kept == isinstance(erased, ErasureHeld)
