"""Sets of subjects beside an entry: kept before it, found by any of them, held and erased with it, checked by fsck."""

import asyncio
import struct
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap64

from whosaw.prove import BundleInvalid, canonical, entry_leaf, exposure_hash, verify_bundle, write_bundle
from whosaw.record import Appender, Integrator, entries_by_subject, fsck, load_or_create, prove_entries
from whosaw.record import integrator as integrator_module
from whosaw.record.erasure import Mandate, erase_subject
from whosaw.record.errors import TrailUnavailable
from whosaw.record.exposure import Exposures
from whosaw.record.fsck import Extent
from whosaw.record.hold import Holds
from whosaw.record.retention import Retention, due, prune
from whosaw.store import Database
from whosaw.store.numbers import assign, find
from whosaw.terms import SimulatedClock, to_us

MANY = 700
SEEN = range(1, MANY, 2)  # numbers in the set
ONE_DAY = Retention("test", 1)


@pytest.fixture
def clock():
    return SimulatedClock(datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def keys(tmp_path, clock):
    return load_or_create(tmp_path / "keys", clock, "test")


@pytest.fixture
async def appender(database, keys, clock):
    async with Appender(database, keys, clock) as appender:
        yield appender


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "trail"


@pytest.fixture
def sql(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def bulk(database, appender, clock, keys, folder):
    """One entry about a customer, one about a set of 350, one about another customer; signed."""
    await assign(database, "subject", [f"customer:C-{number}" for number in range(1, MANY + 1)])
    await assign(database, "actor", ["E-1", "E-2"])
    at = to_us(clock.now())
    common = {"kind": "disclosure", "at": at, "actor": 1, "fields": ["customer.email=mask"]}
    said = await Exposures(database).keep(SEEN)
    await appender.append_many([common | {"subject": 1}, common | said, common | {"subject": 2}])
    await Integrator(database, keys, folder, clock).step()
    return common | said


@pytest.fixture
def check(database, folder, keys):
    async def check(**more):
        report = await fsck(database, folder, keys.trail.verifier, extent=Extent(numbers=True, **more))
        return [(finding.index, finding.kind) for finding in report.findings]

    return check


async def seen_in(database, number: int) -> list[int]:
    return [entry.index async for entry in entries_by_subject(database, number)]


NUMBERS = st.one_of(
    st.sets(st.integers(1, 300), min_size=1, max_size=120),
    st.sets(st.integers(1, (1 << 63) - 1), min_size=1, max_size=30),
    st.builds(
        lambda starts, length, step: {start + step * i for start in starts for i in range(length)},
        st.sets(st.sampled_from([1, 65_500, 1 << 20, (1 << 32) - 9, (1 << 32) + 7, 5 << 32]), min_size=1, max_size=5),
        st.sampled_from([1, 40, 4_096, 4_097]),
        st.sampled_from([1, 2, 70_001]),
    ),
)


def test_the_database_finds_in_a_set_exactly_who_is_in_it(sql):
    @settings(max_examples=40)
    @given(NUMBERS, st.booleans(), st.lists(st.integers(0, (1 << 63) - 1), max_size=5))
    def agree(numbers, runs, strangers):
        made = BitMap64(numbers)
        if runs:
            made.run_optimize()
        raw = made.serialize()
        probes = sorted({*strangers, *sorted(numbers)[:9], *sorted(numbers)[-9:], *(n + 1 for n in [*numbers][:9])})
        found = sql.execute(
            "select exposure_count(%b), array(select n from unnest(%b::bigint[]) n where exposure_has(%b, n))",
            [raw, [each for each in probes if each < 1 << 63], raw],
        ).fetchone()
        assert found == (len(numbers), [each for each in probes if each in numbers])

    agree()


def test_the_database_refuses_what_is_no_set(sql):
    whole = BitMap64([1, 2, 3, 70_000, 1 << 40]).serialize()
    for broken in (b"", b"\x00" * 8, whole[:-1], whole + b"\x00", whole[:8], b"\xff" * 60, struct.pack("<Q", 1 << 40)):
        with pytest.raises(psycopg.Error):
            sql.execute("select trail_expose(%b, %b)", [bytes(32), broken])
    assert sql.execute("select count(*) from trail_exposure").fetchone() == (0,)


async def test_a_subject_in_a_set_is_found_and_nobody_else(database, bulk):
    assert [await seen_in(database, number) for number in (1, 2, 3, 4, 699, 700)] == [[0, 1], [2], [1], [], [1], []]


async def test_an_entry_cannot_name_a_set_that_is_not_there_or_holds_another_number(database, appender, bulk):
    for wrong in ({"exposure": "ab" * 32}, {"subjects": 351}, {"exposure": "nonsense"}):
        with pytest.raises(TrailUnavailable):
            await appender.append(bulk | wrong)
    assert await seen_in(database, 3) == [1]
    receipt = await appender.append(bulk)  # the same set again is the same people again
    assert await seen_in(database, 3) == [1, receipt.index]


async def test_a_set_of_nobody_is_refused_and_an_unreachable_database_says_so(database, database_url):
    with pytest.raises(ValueError, match="nobody"):
        await Exposures(database).keep([])
    async with Database(database_url) as gone:
        pass
    with pytest.raises(TrailUnavailable):
        await Exposures(gone).keep([1])


def test_a_set_is_on_disk_before_it_is_answered_even_where_the_session_turned_that_off(sql):
    raw = BitMap64([1, 2]).serialize()
    sql.execute("set synchronous_commit = off")
    sql.execute("select trail_expose(%b, %b)", [bytes(32), raw])
    written, flushed = sql.execute("select pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()").fetchone()
    assert written == flushed


async def test_a_door_keeps_sets_and_takes_none_away(sql, bulk):
    sql.execute("set role whosaw_door")
    sql.execute("select trail_expose(%b, %b)", [b"s" * 32, BitMap64([5]).serialize()])
    assert sql.execute("select array(select trail_exposing(3))").fetchone() == ([1],)
    for statement in (
        "delete from trail_exposure",
        "update trail_exposure set count = 1",
        "insert into trail_exposure (hash, salt, numbers, count) values (sha256('a'), sha256('b'), '', 1)",
        "delete from trail_exposed",
        "insert into trail_exposed values (0, sha256('a'))",
        "select trail_sweep_exposures()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql.execute(statement)


async def test_even_the_owner_trips_over_the_wire(sql, bulk):
    for statement in (
        "delete from trail_exposed",
        "update trail_exposed set index = 0",
        "update trail_exposure set count = 1",
        "truncate trail_exposure cascade",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            sql.execute(statement)


async def test_a_set_dies_with_the_payload_that_names_it(database, appender, clock, sql, bulk, check):
    clock.advance_to(clock.now() + timedelta(days=2))
    (done,) = await prune(database, appender, clock, ONE_DAY, by=1)
    assert done.entries == 3
    assert sql.execute("select (select count(*) from trail_exposure), count(*) from trail_exposed").fetchone() == (0, 0)
    assert await seen_in(database, 3) == []
    assert await check() == []


async def test_a_set_that_two_entries_name_dies_with_the_second(database, appender, clock, sql, bulk):
    clock.advance_to(clock.now() + timedelta(days=2))
    again = await appender.append(bulk | {"at": to_us(clock.now())})
    await prune(database, appender, clock, ONE_DAY, by=1)
    assert await seen_in(database, 3) == [again.index]
    assert sql.execute("select count(*) from trail_exposure").fetchone() == (1,)


@pytest.mark.parametrize(("held", "kept"), [(3, {"disclosure": 2}), (4, {"disclosure": 3})])
async def test_a_hold_on_one_in_the_set_keeps_it_and_a_hold_on_another_does_not(
    database, appender, clock, bulk, held, kept
):
    await Holds(database, appender, clock).add("subject", held, ground="a claim", review_on=date(2027, 1, 1), by=1)
    clock.advance_to(clock.now() + timedelta(days=2))
    assert {kind: n for kind, n in (await due(database, clock, ONE_DAY)).items() if kind != "hold"} == kept
    await prune(database, appender, clock, ONE_DAY, by=1)
    assert (1 in await seen_in(database, 3)) == (held == 3)


async def test_the_database_itself_keeps_a_held_set(database, appender, clock, sql, bulk):
    """A hold that came between the order and its execution, and a program that does not look again."""
    ask = "a" * 32
    said = {"kind": "pruning", "at": 9, "actor": 1, "ask": ask, "entries": 1}
    entry = (await appender.append(said)).index
    sql.execute(
        "insert into trail_erasure_order (kind, indices, ask, payload, after_index, entry)"
        " values ('pruning', '{1}', %s, '', 0, %s)",
        [ask, entry],
    )
    await Holds(database, appender, clock).add("subject", 3, ground="a claim", review_on=date(2027, 1, 1), by=1)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="a legal hold stands"):
        sql.execute("select trail_erase(max(id)) from trail_erasure_order")
    assert 1 in await seen_in(database, 3)


async def test_who_is_erased_leaves_a_number_in_the_set_that_leads_to_nobody(
    database, appender, clock, keys, folder, sql, bulk, check
):
    before = await prove_entries(database, folder, keys.trail.verifier, [1], sets=True)
    done = await erase_subject(database, appender, clock, 3, Mandate(1, "asked for under article 17"))
    assert done.entries == 0
    assert await find(database, "subject", "customer:C-3") is None
    assert sql.execute("select count(*) from number_map where space = 'subject' and number = 3").fetchone() == (0,)
    assert await seen_in(database, 5) == [1]  # what others have a right to know stays
    assert (await prove_entries(database, folder, keys.trail.verifier, [1], sets=True)).sets == before.sets
    assert await check() == []
    again = await assign(database, "subject", ["customer:C-3"])
    assert await seen_in(database, again["customer:C-3"]) == []  # who comes back is not who was erased


async def test_only_sets_that_nothing_names_after_a_day_are_swept(database, sql, forge, bulk):
    exposures = Exposures(database)
    fresh, old = await exposures.keep([1, 2]), await exposures.keep([1, 2])
    forge.execute("update trail_exposure set stored_at = stored_at - interval '25 hours' where count = 350")
    forge.execute(
        "update trail_exposure set stored_at = stored_at - interval '25 hours' where hash = %s",
        [bytes.fromhex(str(old["exposure"]))],
    )
    assert sql.execute("select trail_sweep_exposures()").fetchone() == (1,)
    left = {row[0].hex() for row in sql.execute("select hash from trail_exposure").fetchall()}
    assert left == {fresh["exposure"], bulk["exposure"]}


async def test_the_integrator_sweeps_while_it_leads(database, keys, folder, clock, sql, forge, monkeypatch):
    await Exposures(database).keep([1, 2])
    forge.execute("update trail_exposure set stored_at = stored_at - interval '25 hours'")
    monkeypatch.setattr(integrator_module, "_SWEPT_EVERY_S", 0.0)
    running = asyncio.create_task(Integrator(database, keys, folder, clock).run(interval_s=0.02))
    try:
        async with asyncio.timeout(20):
            while sql.execute("select count(*) from trail_exposure").fetchone() != (0,):
                await asyncio.sleep(0.02)
    finally:
        running.cancel()


async def test_a_trail_with_a_whole_set_has_no_findings(check, bulk):
    assert await check() == []
    assert await check(state=True) == []
    assert await check(resume=True) == []


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize(
    ("forged", "finding"),
    [
        ("delete from trail_exposure", (1, "exposure_missing")),
        ("update trail_exposure set numbers = %(other)s", (1, "exposure_altered")),
        ("update trail_exposure set salt = sha256('x')", (1, "exposure_altered")),
        ("update trail_exposure set count = 351", (1, "exposure_miscounted")),
        ("delete from trail_exposed", (1, "exposure_unlinked")),
        ("insert into trail_exposed select 2, hash from trail_exposure", (2, "exposure_unlinked")),
        (
            "insert into trail_exposure select sha256('whosaw/exposure/v1\n'::bytea || salt || %(other)s), salt,"
            " %(other)s, 349, now() - interval '2 days' from trail_exposure",
            (None, "exposure_orphan"),
        ),
    ],
)
async def test_what_is_done_to_a_set_is_found_and_located(check, bulk, forge, forged, finding, resumed):
    if resumed:
        assert await check(state=True) == []
    other = BitMap64(SEEN[1:])
    other.run_optimize()
    forge.execute(forged, {"other": other.serialize()} if "other" in forged else None)
    assert await check(resume=resumed) == [finding]


async def test_a_count_that_the_entry_says_wrongly_is_found(check, bulk, forge, database, keys, folder, clock):
    raw, salt = canonical(bulk | {"subjects": 349}), sha256(b"forged").digest()
    forge.execute("delete from trail_exposed")
    forge.execute(
        "update trail_entry set payload = %s, salt = %s, leaf = %s where index = 1",
        [raw.decode(), salt, entry_leaf(salt, raw)],
    )
    forge.execute("insert into trail_exposed select 1, hash from trail_exposure")
    assert (1, "exposure_miscounted") in await check()


async def test_an_orphan_within_its_first_day_may_still_be_named(check, bulk, database):
    await Exposures(database).keep([1])
    assert await check() == []


async def test_a_lost_map_row_of_one_in_the_set_is_found_with_the_entry(check, bulk, forge):
    forge.execute("delete from number_map where space = 'subject' and number = 5")
    assert await check() == [(1, "number_lost")]


async def test_an_entry_of_a_set_is_proved_and_verified_offline_with_it(database, keys, folder, bulk, tmp_path):
    proved = await prove_entries(database, folder, keys.trail.verifier, [0, 1], sets=True)
    (sealed,) = proved.sets.values()
    assert exposure_hash(sealed[:32], sealed[32:]).hex() == bulk["exposure"]
    parts = {"checkpoint": proved.checkpoint, "entries": proved.entries, "files": {}, "seal": keys.trail}
    report = write_bundle(tmp_path / "with.zip", **parts, sets=proved.sets)
    assert (report.sets, report.without_sets) == ((1,), ())
    assert verify_bundle(tmp_path / "with.zip") == report
    without = write_bundle(tmp_path / "without", **parts)
    assert (without.sets, without.without_sets) == ((), (1,))
    for sets in ({bulk["exposure"]: sealed[:-1]}, {"ab" * 32: sealed}, {bulk["exposure"]: sealed, "ab" * 32: sealed}):
        with pytest.raises(BundleInvalid):
            write_bundle(tmp_path / "never", **parts, sets=sets)
