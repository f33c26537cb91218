"""The integrator: signs what is there, never less and never something else; proofs and bundles from its tiles."""

import asyncio
from datetime import UTC, datetime

import pytest

from whosaw.prove import check_consistency, open_checkpoint, verify_bundle, write_bundle
from whosaw.prove.merkle import consistency_proof
from whosaw.record import (
    Appender,
    AppendFailed,
    AppendTimedOut,
    CheckpointMissing,
    Integrator,
    TrailDamaged,
    TrailRolledBack,
    TrailUnavailable,
    entries_between,
    entries_by_actor,
    entries_by_subject,
    entries_from,
    load_or_create,
    prove_entries,
)
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.terms import SimulatedClock

CLOCK = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))


def payload(number: int):
    return {"kind": "disclosure", "at": number, "actor": number % 7, "subject": number % 10, "purpose": 3}


@pytest.fixture
def keys(tmp_path):
    return load_or_create(tmp_path / "keys", CLOCK, "test")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "trail"


@pytest.fixture
async def appender(database, keys):
    async with Appender(database, keys, CLOCK) as appender:
        yield appender


@pytest.fixture
def integrator(database, keys, folder):
    return Integrator(database, keys, folder, CLOCK)


async def many(appender, first: int, before: int):
    return await appender.append_many([payload(number) for number in range(first, before)])


async def signed_over(folder, keys, size: int) -> None:
    """Return when the published checkpoint covers `size` entries; how soon is not what is asked here."""
    async with asyncio.timeout(60):
        while True:
            note = Shelf(folder).checkpoint()
            if note is not None and open_checkpoint(note, [keys.trail.verifier])[0].size == size:
                return
            await asyncio.sleep(0.05)


def cut_back(forge, size: int) -> None:
    forge.execute("delete from trail_entry where index >= %s", [size])
    forge.execute("delete from trail_checkpoint where size > %s", [size])
    forge.execute("update trail_head set size = %s", [size])


async def test_each_step_signs_a_tree_that_continues_the_last(appender, integrator, keys, folder):
    signed = [await integrator.step()]
    for first, before in ((0, 1), (1, 300), (300, 300), (300, 3_000)):
        await many(appender, first, before)
        signed.append(await integrator.step())
    assert [checkpoint.size for checkpoint in signed] == [0, 1, 300, 300, 3_000]
    head, _ = open_checkpoint((folder / "checkpoint").read_bytes(), [keys.trail.verifier])
    assert head == signed[-1]
    nodes = TileNodes(Shelf(folder), 3_000)
    for old in signed:
        check_consistency((old.size, old.root), (3_000, head.root), consistency_proof(old.size, 3_000, nodes))


async def test_every_checkpoint_is_kept_in_the_database_too(appender, integrator, forge):
    for first, before in ((0, 5), (5, 9)):
        await many(appender, first, before)
        await integrator.step()
    assert forge.execute("select size from trail_checkpoint order by size").fetchall() == [(5,), (9,)]


async def test_a_restarted_integrator_continues_the_same_tree(database, keys, folder, appender):
    await many(appender, 0, 700)
    first = await Integrator(database, keys, folder, CLOCK).step()
    assert await Integrator(database, keys, folder, CLOCK).step() == first
    await many(appender, 700, 1_000)
    assert (await Integrator(database, keys, folder, CLOCK).step()).size == 1_000
    proved = await prove_entries(database, folder, keys.trail.verifier, range(1_000))
    assert len(proved.entries) == 1_000


async def test_a_rolled_back_database_is_not_signed(database, keys, folder, appender, integrator, forge):
    await many(appender, 0, 20)
    before = await integrator.step()
    cut_back(forge, 10)
    with pytest.raises(TrailRolledBack):
        await integrator.step()
    with pytest.raises(TrailRolledBack):
        await Integrator(database, keys, folder, CLOCK).step()
    await many(appender, 100, 130)  # grown past the old size, with other entries
    with pytest.raises(TrailRolledBack):
        await integrator.step()
    with pytest.raises(TrailRolledBack):
        await Integrator(database, keys, folder, CLOCK).step()
    assert open_checkpoint((folder / "checkpoint").read_bytes(), [keys.trail.verifier])[0] == before


async def test_a_running_integrator_notices_entries_exchanged_under_it(appender, integrator, forge):
    await many(appender, 0, 20)
    await integrator.step()
    cut_back(forge, 10)
    await many(appender, 100, 130)
    with pytest.raises(TrailRolledBack):
        await integrator.step()


async def test_a_lost_folder_does_not_let_a_smaller_tree_be_signed(
    database, keys, tmp_path, appender, integrator, forge
):
    await many(appender, 0, 20)
    await integrator.step()
    forge.execute("delete from trail_entry where index >= 10")
    forge.execute("update trail_head set size = 10")
    with pytest.raises(TrailRolledBack):
        await Integrator(database, keys, tmp_path / "new", CLOCK).step()


async def test_a_lost_folder_is_rebuilt_from_the_database(database, keys, tmp_path, appender, integrator):
    await many(appender, 0, 600)
    before = await integrator.step()
    again = Integrator(database, keys, tmp_path / "new", CLOCK)
    assert await again.step() == before
    await many(appender, 600, 601)
    await again.step()
    assert len((await prove_entries(database, tmp_path / "new", keys.trail.verifier, range(601))).entries) == 601


async def test_a_hole_is_not_signed_over(appender, integrator, forge):
    await many(appender, 0, 20)
    forge.execute("delete from trail_entry where index = 7")
    with pytest.raises(TrailDamaged, match="7"):
        await integrator.step()


async def test_a_checkpoint_of_another_key_stops_the_integrator(database, keys, folder, tmp_path, appender, integrator):
    await many(appender, 0, 3)
    await integrator.step()
    stranger = load_or_create(tmp_path / "other", CLOCK, "test")
    with pytest.raises(TrailDamaged, match="not signed by this trail's key"):
        await Integrator(database, stranger, folder, CLOCK).step()


async def test_of_two_running_integrators_one_leads_and_the_other_takes_over(database, keys, folder, appender):
    async def signed(size: int) -> None:
        async with asyncio.timeout(10):
            while True:
                note = Shelf(folder).checkpoint()
                if note and open_checkpoint(note, [keys.trail.verifier])[0].size == size:
                    return
                await asyncio.sleep(0.02)

    def start() -> asyncio.Task[None]:
        return asyncio.create_task(Integrator(database, keys, folder, CLOCK).run(interval_s=0.05))

    async def stop(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    first = start()
    await many(appender, 0, 10)
    await signed(10)
    second = start()
    await many(appender, 10, 20)
    await signed(20)
    await stop(first)
    await many(appender, 20, 30)
    await signed(30)
    await stop(second)


async def test_a_running_integrator_survives_lost_connections(database, keys, folder, appender, forge):
    running = asyncio.create_task(Integrator(database, keys, folder, CLOCK).run(interval_s=0.05))
    await many(appender, 0, 10)
    await signed_over(folder, keys, 10)
    ended = forge.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and application_name = 'whosaw'"
    ).fetchall()
    assert ended
    while True:
        try:
            await many(appender, 10, 20)
        except (TrailUnavailable, AppendFailed, AppendTimedOut):  # the door's own connections died too
            await asyncio.sleep(0.05)
        else:
            break
    [(size,)] = forge.execute("select size from trail_head").fetchall()
    assert size >= 20
    await signed_over(folder, keys, size)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


async def test_proved_entries_make_a_bundle_that_verifies(database, keys, folder, tmp_path, appender, integrator):
    await many(appender, 0, 500)
    await integrator.step()
    wanted = [entry.index async for entry in entries_by_subject(database, 4)]
    proved = await prove_entries(database, folder, keys.trail.verifier, wanted)
    write_bundle(
        tmp_path / "b.zip", checkpoint=proved.checkpoint, entries=proved.entries, files={"l.txt": b"x"}, seal=keys.trail
    )
    report = verify_bundle(tmp_path / "b.zip")
    assert (report.indices, report.size) == (tuple(range(4, 500, 10)), 500)


async def test_what_is_not_covered_or_not_what_was_signed_is_not_proved(
    database, keys, folder, appender, integrator, forge
):
    key = keys.trail.verifier
    with pytest.raises(CheckpointMissing):
        await prove_entries(database, folder, key, [0])
    await many(appender, 0, 10)
    await integrator.step()
    await many(appender, 10, 11)
    for index in (10, -1):
        with pytest.raises(CheckpointMissing):
            await prove_entries(database, folder, key, [index])
    forge.execute("update trail_entry set payload = replace(payload, '\"actor\":3', '\"actor\":4') where index = 3")
    forge.execute("delete from trail_entry where index = 5")
    for index in (3, 5):
        with pytest.raises(TrailDamaged, match=str(index)):
            await prove_entries(database, folder, key, [index])
    assert len((await prove_entries(database, folder, key, [4, 6, 4])).entries) == 2


async def test_entries_are_read_by_time_subject_and_actor_across_pages(database, appender, monkeypatch):
    monkeypatch.setattr("whosaw.record.reader._CHUNK_ROWS", 16)
    await many(appender, 0, 100)

    async def indices(entries):
        return [entry.index async for entry in entries]

    assert await indices(entries_from(database)) == list(range(100))
    assert await indices(entries_from(database, 90)) == list(range(90, 100))
    assert await indices(entries_between(database, 10, 60)) == list(range(10, 60))
    assert await indices(entries_by_subject(database, 4, since_us=50)) == list(range(54, 100, 10))
    assert await indices(entries_by_actor(database, 0)) == list(range(0, 100, 7))
    assert await indices(entries_from(database, 100)) == []
    first = await anext(entries_from(database, 42))
    assert first.payload == payload(42)
