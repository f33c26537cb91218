"""A trail and its witnesses in real processes: cosigned checkpoints, outages, frozen and killed witnesses."""

import asyncio
import signal
import time

import pytest

from whosaw.prove import Checkpoint, Note, Policy, verify_bundle, write_bundle
from whosaw.record import Appender, prove_entries
from whosaw.record.shelf import Shelf
from whosaw.record.witness import Pace
from whosaw.record.witness.memory import origin_hash
from whosaw.record.witness.state import STATE_FILE
from whosaw.terms import SystemClock


def payload(number: int):
    return {"kind": "disclosure", "at": number, "actor": number % 7, "subject": number % 10, "purpose": 3}


@pytest.fixture
async def grow(database, keys, integrator):
    """Appends so many entries and signs."""
    async with Appender(database, keys, SystemClock()) as appender:

        async def more(count: int) -> Checkpoint:
            await appender.append_many([payload(number) for number in range(count)])
            return await integrator.step()

        yield more


def covers(size: int):
    return lambda state: state.status == "witnessed" and state.quorum_size == size


async def test_every_checkpoint_is_cosigned_by_the_quorum_and_bundles_verify_under_it(
    database, keys, folder, tmp_path, grow, witnesses, circle, asking, reach
):
    members = witnesses(2)
    chosen = circle(members)
    async with asking(chosen) as witnessing:
        for count, size in ((3, 3), (300, 303), (1, 304)):
            await grow(count)
            state = await reach(covers(size))
        assert [line.size for line in state.witnesses] == [304, 304]
        assert witnessing.state().line().startswith("witnessed: the quorum cosigned the checkpoint over 304")
    policy = Policy.parse(f"log {keys.trail.verifier}\n{chosen.lines}".encode())
    for note in (Shelf(folder).checkpoint(), Shelf(folder).cosigned()):
        assert policy.check(note)[0].size == 304
    proved = await prove_entries(database, folder, keys.trail.verifier, [0, 17, 303])
    write_bundle(
        tmp_path / "b.zip", checkpoint=proved.checkpoint, entries=proved.entries, files={"l": b"x"}, seal=keys.trail
    )
    assert verify_bundle(tmp_path / "b.zip", policy).trusted


async def test_a_restarted_asker_continues_and_one_that_lost_its_state_asks_for_the_size(
    folder, grow, witnesses, circle, asking, reach
):
    chosen = circle(witnesses(1))
    async with asking(chosen):
        await grow(10)
        await reach(covers(10))
    async with asking(chosen):
        await grow(10)
        await reach(covers(20))
    (folder / STATE_FILE).unlink()
    (folder / "cosigned").unlink()
    async with asking(chosen):
        await grow(10)
        state = await reach(covers(30))
    assert [(line.size, line.error) for line in state.witnesses] == [(30, "")]


async def test_an_outage_is_tolerated_for_the_grace_then_the_trail_is_unwitnessed_and_recovers_by_itself(
    folder, grow, witnesses, circle, asking, reach
):
    (member,) = witnesses(1)
    async with asking(circle([member])):
        await grow(10)
        await reach(covers(10))
        member.stop()
        began = time.monotonic()
        assert (await grow(5)).size == 15
        waiting = await reach(lambda state: state.status == "waiting" and state.witnesses[0].error)
        assert (waiting.quorum_size, waiting.witnesses[0].error) == (10, "unreachable")
        lost = await reach(lambda state: state.status == "unwitnessed")
        assert time.monotonic() - began >= 1.0  # the grace of these tests
        assert "unwitnessed: the quorum cosigned 10 of 15 entries" in lost.line()
        await grow(5)
        member.start()
        await asyncio.to_thread(member.ready)
        found = await reach(covers(20))
        assert found.witnesses[0].error == ""


async def test_without_the_asker_nothing_stays_witnessed(folder, grow, witnesses, circle, asking, reach):
    async with asking(circle(witnesses(1))):
        await grow(10)
        await reach(covers(10))
    await grow(1)
    state = await reach(lambda state: state.status == "unwitnessed")
    assert (state.size, state.quorum_size) == (11, 10)


async def test_a_frozen_witness_delays_neither_signing_nor_the_quorum_of_the_others(
    folder, grow, witnesses, circle, asking, reach
):
    members = witnesses(3)
    # the frozen one is given up after so long only: whoever waited for it would be as late, on however slow a machine
    patient_s = 6.0
    pace = Pace(grace_s=1.0, timeout_s=patient_s, poll_s=0.02, first_wait_s=0.1, most_wait_s=0.4)
    async with asking(circle(members, rule="2"), pace):
        await grow(5)
        await reach(covers(5))
        members[0].send(signal.SIGSTOP)
        for number in range(10):
            began = time.monotonic()
            await grow(1)
            await reach(covers(6 + number))
            assert time.monotonic() - began < patient_s
        frozen = await reach(lambda state: state.witnesses[0].error == "timeout")
        assert frozen.status == "witnessed"
        members[0].send(signal.SIGCONT)
        await grow(1)
        await reach(lambda state: all(line.size == 16 and not line.error for line in state.witnesses))


async def test_who_is_busy_when_a_round_begins_joins_it_so_nobody_waits_for_one_that_is_frozen(
    folder, grow, witnesses, circle, asking, reach, monkeypatch
):
    members = witnesses(3)
    keep = Shelf.add_cosignatures

    def slowly(shelf, *given):  # each is busy still when the next round begins
        time.sleep(0.3)
        return keep(shelf, *given)

    monkeypatch.setattr(Shelf, "add_cosignatures", slowly)
    patient_s = 6.0
    pace = Pace(grace_s=1.0, timeout_s=patient_s, poll_s=0.02, first_wait_s=0.1, most_wait_s=0.4)
    async with asking(circle(members, rule="2"), pace):
        await grow(5)
        await reach(covers(5))
        members[0].send(signal.SIGSTOP)
        began = time.monotonic()
        for number in range(3):
            await grow(1)
            await reach(covers(6 + number))
        assert time.monotonic() - began < patient_s, "a round waited for the frozen one to be given up"
        members[0].send(signal.SIGCONT)


async def test_a_frozen_witness_that_the_quorum_needs_delays_no_signature(folder, grow, witnesses, circle, asking):
    members = witnesses(1)
    async with asking(circle(members)):
        members[0].send(signal.SIGSTOP)
        for number in range(10):
            began = time.monotonic()
            assert (await grow(1)).size == number + 1
            assert time.monotonic() - began < 0.7
            await asyncio.sleep(0.1)


async def test_a_witness_killed_again_and_again_never_forgets_what_it_cosigned(
    keys, folder, grow, witnesses, circle, asking, reach
):
    (member,) = witnesses(1)
    path = origin_hash(keys.origin)
    async with asking(circle([member])):
        for round_ in range(4):
            for _ in range(5):
                await grow(1)
                await asyncio.sleep(0.01)
            before = await reach(lambda state: state.quorum_size is not None)
            member.stop(signal.SIGKILL)
            answered = Checkpoint.parse(Note.parse(Shelf(folder).cosigned()).text).size
            member.start()
            await asyncio.to_thread(member.ready)
            kept = Checkpoint.parse(Note.parse(member.shown(path).content).text).size
            assert kept >= answered >= before.quorum_size
            await grow(1)
            await reach(covers(6 * (round_ + 1)))
