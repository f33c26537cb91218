"""Erasure: what the record held about a person dies, and everything that was ever proved still is."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import textwrap
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whosaw.prove import check_receipt, entry_leaf, verify_bundle, write_bundle
from whosaw.prove.policy import Policy
from whosaw.record import Appender, Integrator, entries_from, erasurequeries, fsck, load_or_create, prove_entries
from whosaw.record.erasure import (
    ErasureHeld,
    Mandate,
    NothingToErase,
    ReasonNames,
    erase_actor,
    erase_subject,
    resume,
    rewrite,
    sweep,
)
from whosaw.record.errors import EntryErased
from whosaw.record.fsck import Extent
from whosaw.record.hold import Holds
from whosaw.store import Database, EmbeddedPostgres, upgrade
from whosaw.store.database import with_database, with_login
from whosaw.store.numbers import assign, find, keys_of
from whosaw.terms import SimulatedClock, to_us

CLOCK = SimulatedClock(datetime(2026, 3, 2, tzinfo=UTC))
REASON = "asked for under article 17"
COLUMNS = ("payload", "salt", "kind", "at_us", "actor", "subject", "purpose", "beneficiary")
GONE = ", ".join(f"{column} = null" for column in COLUMNS)


def payload(subject: int, actor: int = 1, purpose: int | None = None, **more):
    about = {} if purpose is None else {"purpose": purpose}
    return {"kind": "disclosure", "at": to_us(CLOCK.now()), "actor": actor, "subject": subject, **about, **more}


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
async def people(database, appender):
    """Three customers, two staff, ten entries each; returns the customers' numbers by key."""
    actors = await assign(database, "actor", ["E-1", "E-2"])
    numbers = await assign(database, "subject", ["customer:C-1", "customer:C-2", "customer:C-3"])
    tickets = await assign(database, "purpose", ["ticket:T-1", "ticket:T-2", "ticket:T-3", "ticket:T-both"])
    for turn in range(10):
        for at, number in enumerate(numbers.values()):
            purpose = tickets[f"ticket:T-{at + 1}"] if turn else tickets["ticket:T-both"]
            await appender.append(payload(number, actors["E-1" if turn % 2 else "E-2"], purpose))
    return numbers


@pytest.fixture
def mandate():
    return Mandate(1, REASON)


def rows(url: str, statement: str, *bound):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement, bound).fetchall()


async def test_payloads_salts_and_map_rows_die_and_the_leaves_stay(
    database, database_url, appender, keys, folder, people, mandate
):
    integrator = Integrator(database, keys, folder, CLOCK)
    before = await integrator.step()
    leaves = rows(database_url, "select leaf from trail_entry order by index")
    done = await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    assert done.entries == 10
    assert await find(database, "subject", "customer:C-2") is None
    assert rows(database_url, "select leaf from trail_entry order by index limit 30") == leaves
    gone = rows(
        database_url,
        "select e.index, kind, at_us, actor, subject, purpose, beneficiary from trail_entry e"
        " where payload is null and salt is null order by index",
    )
    assert gone == [(index, *[None] * 6) for index in range(1, 30, 3)]
    after = await integrator.step()
    assert (after.size, before.size) == (31, 30)
    report = await fsck(database, folder, keys.trail.verifier, extent=Extent(numbers=True))
    assert report.findings == ()  # a number that was erased is not one that was lost
    assert report.erased == 10
    assert any("10 entries were erased" in line for line in report.lines())


async def test_the_announcement_says_how_many_and_never_whom(database, appender, people, mandate):
    done = await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    (said,) = [entry.payload async for entry in entries_from(database, done.entry)]
    assert {name: said[name] for name in ("kind", "entries", "reason", "space", "actor")} == {
        "kind": "erasure",
        "entries": 10,
        "reason": REASON,
        "space": "subject",
        "actor": 1,
    }
    assert set(said) == {"kind", "at", "actor", "door", "entries", "indices", "reason", "space", "ask"}


async def test_the_references_of_work_die_where_nobody_else_gives_them(database, appender, people, mandate):
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    assert await keys_of(database, "purpose", range(1, 5)) == {1: "ticket:T-1", 3: "ticket:T-3", 4: "ticket:T-both"}


async def test_a_bundle_made_before_and_every_receipt_verify_after(
    database, appender, keys, folder, people, mandate, tmp_path
):
    receipt = await appender.append(payload(people["customer:C-2"]))
    await Integrator(database, keys, folder, CLOCK).step()
    wanted = [1, 4, receipt.index]
    proved = await prove_entries(database, folder, keys.trail.verifier, wanted)
    bundle = tmp_path / "CASE-1.zip"
    write_bundle(bundle, checkpoint=proved.checkpoint, entries=proved.entries, files={}, seal=keys.trail)
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    await Integrator(database, keys, folder, CLOCK).step()
    policy = Policy.parse(f"log {keys.trail.verifier}\nquorum none\n".encode())
    assert verify_bundle(bundle, policy).entries == 3
    check_receipt(receipt, keys.receipt.verifier, receipt.leaf_hash)
    others = await prove_entries(database, folder, keys.trail.verifier, [0, 2, 3, 31])
    assert len(others.entries) == 4
    with pytest.raises(EntryErased):
        await prove_entries(database, folder, keys.trail.verifier, [0, 1])


async def test_a_second_erasure_finds_nothing_and_who_comes_back_is_somebody_new(database, appender, people, mandate):
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    with pytest.raises(NothingToErase):
        await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    assert await assign(database, "subject", ["customer:C-2"]) == {"customer:C-2": 4}


async def test_a_reason_that_names_the_person_is_refused(database, appender, people):
    for reason in ("customer:C-2 asked", "for c-2."):
        with pytest.raises(ReasonNames):
            await erase_subject(database, appender, CLOCK, people["customer:C-2"], Mandate(1, reason))


async def test_what_a_door_records_under_an_erased_number_is_swept(database, appender, people, mandate):
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    late = await appender.append(payload(people["customer:C-2"]))
    (done,) = await sweep(database, appender, CLOCK, 1)
    assert done.entries == 1
    assert late.index not in [entry.index async for entry in entries_from(database)]
    assert await sweep(database, appender, CLOCK, 1) == []


async def test_a_sweep_passes_over_what_a_hold_on_staff_keeps(database, appender, people, mandate):
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    await appender.append(payload(people["customer:C-2"], actor=2))
    holds = Holds(database, appender, CLOCK)
    await holds.add("actor", 2, ground="an investigation", review_on=date(2026, 9, 1), by=1)
    assert await sweep(database, appender, CLOCK, 1) == []
    assert await sweep(database, appender, CLOCK, 1) == []
    await holds.lift("actor", 2, reason="over", by=1)
    assert [done.entries for done in await sweep(database, appender, CLOCK, 1)] == [1]


async def test_an_actor_loses_his_name_and_others_keep_their_entries(database, database_url, appender, people, mandate):
    rows_before = [entry.payload async for entry in entries_from(database)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into gate_token (id, actor, secret_sha256, made_at) values ('a', 'E-2', '', now()), "
            "('b', 'E-1', '', now())"
        )
    number = await find(database, "actor", "E-2")
    done = await erase_actor(database, appender, CLOCK, number, mandate)
    assert done.entries == 0
    assert await keys_of(database, "actor", [1, 2]) == {1: "E-1"}
    assert [entry.payload async for entry in entries_from(database)][:30] == rows_before
    assert rows(database_url, "select actor from gate_token") == [("E-1",)]


def everywhere(url: str, needle: str) -> list[str]:
    """The tables of which some row holds `needle` in its text, those of the server's catalog too."""
    found = []
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "select c.oid::regclass::text from pg_class c where relkind in ('r', 'm') and"
            " relnamespace <> 'information_schema'::regnamespace and has_table_privilege(c.oid, 'select')"
        ).fetchall()
        for (table,) in tables:
            hits = connection.execute(
                f"select 1 from {table} x where position(%s in x::text) > 0 or position(%s in x::text) > 0 limit 1",
                [needle, needle.encode().hex()],
            ).fetchall()
            if hits:
                found.append(table)
    return found


async def test_nothing_in_any_table_leads_from_an_entry_to_the_person(
    database, database_url, appender, people, mandate
):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("analyze")  # the planner's samples are tables too
    assert everywhere(database_url, "customer:C-2") == ["number_map"]
    assert everywhere(database_url, "ticket:T-2") == ["number_map"]
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    for needle in ("customer:C-2", "ticket:T-2", f'"subject":{people["customer:C-2"]}}}'):
        assert everywhere(database_url, needle) == []


def test_no_file_of_the_database_holds_the_key_or_the_payload_afterwards(tmp_path_factory):
    """A server of its own, because the write-ahead log belongs to the whole server."""
    place = Path(tempfile.mkdtemp(prefix="whosaw-erase-"))  # not tmp_path: PostgreSQL may run as another user
    key, reference = "customer:C-erase-me-4711", "ticket:T-of-erase-me"
    marker = "reason.of.the.erased.one"
    try:
        with EmbeddedPostgres(place) as server:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("alter system set wal_recycle = off")
                connection.execute("alter system set min_wal_size = '32MB'")
                connection.execute("select pg_reload_conf()")
                connection.execute("create database erase")
            url = with_database(server.url(), "erase")
            upgrade(url)
            assert asyncio.run(_fill_and_erase(url, tmp_path_factory.mktemp("keys"), key, reference, marker, place))
            with psycopg.connect(server.url(), autocommit=True) as connection:
                for _ in range(3):  # a log file goes two checkpoints after its last record
                    connection.execute("select pg_switch_wal()")
                    connection.execute("checkpoint")
        assert holding(place, [key, reference, marker]) == []
    finally:
        shutil.rmtree(place)


def holding(folder, needles: list[str]) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            found += [f"{needle} in {path.relative_to(folder)}" for needle in needles if needle.encode() in raw]
    return found


async def _fill_and_erase(url, keys_folder, key, reference, marker, place) -> bool:
    async with Database(url, pool_size=3) as db:
        keys = load_or_create(keys_folder, CLOCK, "test")
        async with Appender(db, keys, CLOCK) as appender:
            number = (await assign(db, "subject", ["customer:C-other", key]))[key]
            purpose = (await assign(db, "purpose", ["ticket:T-other", reference]))[reference]
            await assign(db, "actor", ["E-1"])
            await appender.append_many([payload(number, 1, purpose, reason=marker) for _ in range(50)])
            await appender.append_many([payload(1, 1, 1) for _ in range(50)])
            async with db.connection() as connection:
                await connection.execute("analyze")
                await connection.execute("checkpoint")
            there = holding(place, [key, reference, marker])  # the control: they are found where they are
            await erase_subject(db, appender, CLOCK, number, Mandate(1, REASON))
            await rewrite(db)
            return len(there) >= 3


@pytest.mark.parametrize(
    "statement",
    [
        "update trail_entry set payload = null, salt = null where index = 1",
        "select set_config('whosaw.erasing', 'on', false); update trail_entry set payload = null, salt = null",
        "update trail_entry set payload = null where index = 1",
        "update trail_entry set subject = 5 where index = 1",
        "select set_config('whosaw.erasing', 'on', false); update trail_entry set subject = 5 where index = 1",
        "delete from trail_entry where index = 1",
        "truncate trail_entry",
        "select trail_erase(1)",
        "insert into trail_erasure_order (kind, space, number, indices, ask, payload, after_index, entry)"
        " values ('erasure', 'subject', 2, '{1,4}', 'x', 'x', 0, 0);"
        " select trail_erase(max(id)) from trail_erasure_order",
    ],
)
async def test_even_the_owner_erases_only_what_was_announced(database_url, people, statement):
    with psycopg.connect(database_url, autocommit=True) as connection, pytest.raises(psycopg.Error):
        for each in statement.split("; "):
            connection.execute(each)
    assert rows(database_url, "select count(*) from trail_entry where payload is null") == [(0,)]


async def test_marks_of_erasures_cannot_be_taken_back(database, database_url, appender, people, mandate):
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    for statement in ("delete from trail_erased", "update trail_erased set erasure_index = 0", "truncate trail_erased"):
        with psycopg.connect(database_url, autocommit=True) as connection, pytest.raises(psycopg.Error):
            connection.execute(statement)


async def test_a_door_cannot_erase_nor_hold_nor_read_what_is_to_be_erased(database_url, people):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter role whosaw_door login password 'door'")
    door = with_login(database_url, "whosaw_door", "door")
    for statement in (
        "select trail_erase(1)",
        "update trail_entry set payload = null, salt = null",
        "insert into trail_erased values (1, 1)",
        "select * from trail_erasure_order",
        "insert into trail_erasure_order (kind, indices, ask, payload, after_index)"
        " values ('pruning', '{1}', '', '', 0)",
        "insert into legal_hold (space, number, ground, review_on, added_at, added_by)"
        " values ('subject', 1, 'x', now(), now(), 1)",
        "delete from number_map",
        "delete from number_erased",
    ):
        with psycopg.connect(door, autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


async def test_an_unannounced_erasure_is_found_and_located(
    database, database_url, appender, keys, folder, people, mandate
):
    await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    await Integrator(database, keys, folder, CLOCK).step()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(f"update trail_entry set {GONE} where index in (3, 9)")
        report = await fsck(database, folder, keys.trail.verifier)
        assert [(finding.index, finding.kind) for finding in report.findings] == [
            (3, "payload_lost"),
            (9, "payload_lost"),
        ]
        # passed off as part of the announced one: now none of it is covered
        connection.execute(
            "insert into trail_erased select i, erasure_index from unnest('{3,9}'::bigint[]) i,"
            " (select distinct erasure_index from trail_erased) e"
        )
        report = await fsck(database, folder, keys.trail.verifier)
        assert {3, 9} <= set(report.indices)
        assert {finding.kind for finding in report.findings} == {"erasure_unannounced"}


async def test_an_announcement_that_is_erased_itself_covers_nothing(
    database, database_url, appender, keys, folder, people, mandate
):
    done = await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    await Integrator(database, keys, folder, CLOCK).step()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(f"update trail_entry set {GONE} where index = %s", [done.entry])
    report = await fsck(database, folder, keys.trail.verifier)
    assert set(report.indices) == {*range(1, 30, 3), done.entry}


async def test_an_erasure_goes_on_beside_appends(database, database_url, appender, keys, folder, people, mandate):
    async def append_some() -> None:
        for _ in range(40):
            await appender.append_many([payload(people["customer:C-1"]), payload(people["customer:C-2"])])

    results = await asyncio.gather(
        append_some(),
        erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate),
        erase_subject(database, appender, CLOCK, people["customer:C-3"], mandate),
    )
    await sweep(database, appender, CLOCK, 1)
    left = [entry.payload.get("subject") async for entry in entries_from(database) if "subject" in entry.payload]
    assert set(left) == {people["customer:C-1"]}
    assert results[2].entries == 10
    await Integrator(database, keys, folder, CLOCK).step()
    report = await fsck(database, folder, keys.trail.verifier)
    assert (report.findings, report.erased) == ((), 60)


async def test_two_who_erase_the_same_person_announce_it_once(database, appender, people, mandate):
    outcomes = await asyncio.gather(
        *(erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, NothingToErase) for outcome in outcomes) == 1
    kinds = [entry.payload["kind"] async for entry in entries_from(database)]
    assert kinds.count("erasure") == 1


class Cut(Exception):
    """Where a test lets the work stop."""


@pytest.mark.parametrize("where", ["before_announcement", "before_entry_is_noted", "before_carrying_out"])
async def test_an_interrupted_erasure_is_finished_and_announced_once(
    database, database_url, appender, keys, folder, people, mandate, where, monkeypatch
):
    async def cut(*_args, **_more):
        raise Cut

    with monkeypatch.context() as patched:
        if where == "before_announcement":
            patched.setattr(appender, "append", cut)
        elif where == "before_entry_is_noted":
            patched.setattr(erasurequeries, "set_entry", cut)
        else:
            patched.setattr(erasurequeries, "carry_out", cut)
        with pytest.raises(Cut):
            await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    await Integrator(database, keys, folder, CLOCK).step()
    assert (await fsck(database, folder, keys.trail.verifier)).findings == ()  # announced, not done: nothing is wrong
    (done,) = await resume(database, appender)
    assert done.entries == 10
    assert await resume(database, appender) == []
    kinds = [entry.payload["kind"] async for entry in entries_from(database)]
    assert kinds.count("erasure") == 1
    assert rows(database_url, "select count(*) from trail_erasure_order") == [(0,)]
    await Integrator(database, keys, folder, CLOCK).step()
    assert (await fsck(database, folder, keys.trail.verifier)).findings == ()


async def test_a_hold_that_comes_between_stops_the_erasure(database, appender, people, mandate, monkeypatch):
    async def cut(*_args, **_more):
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(erasurequeries, "carry_out", cut)
        with pytest.raises(Cut):
            await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)
    holds = Holds(database, appender, CLOCK)
    await holds.add("subject", people["customer:C-2"], ground="a court asked", review_on=date(2026, 9, 1), by=1)
    assert await resume(database, appender) == []
    assert await find(database, "subject", "customer:C-2") == people["customer:C-2"]
    with pytest.raises(ErasureHeld):
        await erase_subject(database, appender, CLOCK, people["customer:C-2"], mandate)


_ERASER = """
    import asyncio, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from whosaw.record import Appender, load_or_create
    from whosaw.record.erasure import Mandate, NothingToErase, erase_subject, resume
    from whosaw.store import Database
    from whosaw.terms import SimulatedClock

    CLOCK = SimulatedClock(datetime(2026, 3, 2, tzinfo=UTC))

    async def main(url, folder, numbers):
        async with Database(url, pool_size=4) as db:
            async with Appender(db, load_or_create(Path(folder), CLOCK, "test"), CLOCK) as appender:
                print("ready", flush=True)
                await resume(db, appender)
                for number in numbers:
                    try:
                        await erase_subject(db, appender, CLOCK, number, Mandate(1, "asked for"))
                    except NothingToErase:
                        pass

    asyncio.run(main(sys.argv[1], sys.argv[2], [int(each) for each in sys.argv[3:]]))
"""


async def test_kill_9_in_the_middle_leaves_a_trail_in_order_that_can_be_finished(
    database, database_url, appender, keys, folder, tmp_path
):
    keys_map = [f"customer:K-{i}" for i in range(40)]
    numbers = list((await assign(database, "subject", keys_map)).values())
    await appender.append_many([payload(number) for number in numbers for _ in range(5)])
    code = textwrap.dedent(_ERASER)
    for wait_s in (0.0, 0.02, 0.05, 0.09, 0.15):
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, database_url, str(tmp_path / "keys"), *map(str, numbers)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert worker.stdout is not None
        await worker.stdout.readline()
        await asyncio.sleep(wait_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        await worker.wait()
        await Integrator(database, keys, folder, CLOCK).step()
        assert (await fsck(database, folder, keys.trail.verifier)).findings == ()
    await asyncio.sleep(0.2)  # the backend of a killed process lets go of its locks
    await resume(database, appender)
    for number in numbers:
        with contextlib.suppress(NothingToErase):
            await erase_subject(database, appender, CLOCK, number, Mandate(1, REASON))
    await Integrator(database, keys, folder, CLOCK).step()
    report = await fsck(database, folder, keys.trail.verifier)
    assert (report.findings, report.erased) == ((), 200)
    announced = [entry.payload["entries"] async for entry in entries_from(database)]
    assert announced == [5] * 40  # each person's erasure was announced once, through all the kills


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_whoever_is_erased_in_whatever_order_all_proofs_hold(
    postgres_url, template_database, tmp_path_factory, data
):
    name = f"erase_{os.urandom(6).hex()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template_database}")
    folder = tmp_path_factory.mktemp("trail")
    keys = load_or_create(folder / "keys", CLOCK, "test")
    stored: dict[int, tuple[int, bytes]] = {}
    try:
        async with (
            Database(with_database(postgres_url, name), pool_size=4) as db,
            Appender(db, keys, CLOCK) as appender,
        ):
            await assign(db, "subject", [f"customer:{i}" for i in range(1, 5)])
            integrator = Integrator(db, keys, folder / "trail", CLOCK)
            erased: set[int] = set()
            for act, subject in data.draw(
                st.lists(st.tuples(st.sampled_from(["append", "erase", "sign"]), st.integers(1, 4)), max_size=25)
            ):
                if act == "append" and subject not in erased:
                    receipt = await appender.append(payload(subject))
                    stored[receipt.index] = (subject, receipt.leaf_hash)
                elif act == "erase" and subject not in erased:
                    await erase_subject(db, appender, CLOCK, subject, Mandate(1, REASON))
                    erased.add(subject)
                else:
                    await integrator.step()
            await integrator.step()
            report = await fsck(db, folder / "trail", keys.trail.verifier)
            assert report.findings == ()
            assert report.erased == sum(subject in erased for subject, _ in stored.values())
            alive = [index for index, (subject, _) in stored.items() if subject not in erased]
            for entry in (await prove_entries(db, folder / "trail", keys.trail.verifier, alive)).entries:
                assert entry_leaf(entry.salt, entry.payload.encode()) == stored[entry.index][1]
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")
