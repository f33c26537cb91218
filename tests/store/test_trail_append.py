"""Appending to a real PostgreSQL: durable before the receipt, contiguous, and closed on any failure."""

import asyncio
import json
import re
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

import psycopg
import pytest

from whosaw.gate import queries
from whosaw.prove import PayloadRefused, canonical, check_receipt, entry_leaf
from whosaw.record import (
    Appender,
    AppendFailed,
    AppendTimedOut,
    Draft,
    Journal,
    Limits,
    QueueFull,
    TrailUnavailable,
    load_or_create,
    read_journal,
)
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock

CLOCK = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))


def payload(number: int = 1, **more):
    return {
        "kind": "disclosure",
        "at": 1_700_000_000_000_000 + number,
        "actor": 5,
        "subject": number,
        "purpose": 3,
        **more,
    }


def sealed(number: int) -> tuple[str, bytes, bytes]:
    raw, salt = canonical(payload(number)), sha256(b"%d" % number).digest()
    return raw.decode(), salt, entry_leaf(salt, raw)


@pytest.fixture
def keys(tmp_path):
    return load_or_create(tmp_path / "keys", CLOCK, "test")


@pytest.fixture
async def appender(database, keys):
    async with Appender(database, keys, CLOCK) as appender:
        yield appender


@pytest.fixture
def sql(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


async def until_one_waits_for_a_lock(sql) -> None:
    for _ in range(500):
        if sql.execute("select count(*) from pg_stat_activity where wait_event_type = 'Lock'").fetchone()[0]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


async def test_a_receipt_is_for_exactly_what_is_stored(appender, keys, sql):
    receipt = await appender.append(payload(7, fields=["customer.email=reveal"], note="größe"))
    index, leaf, salt, text = sql.execute("select index, leaf, salt, payload from trail_entry").fetchone()
    assert (receipt.index, receipt.leaf_hash, receipt.origin) == (index, leaf, "test.simulated/trail")
    assert text.encode() == canonical(payload(7, fields=["customer.email=reveal"], note="größe"))
    check_receipt(receipt, keys.receipt.verifier, entry_leaf(salt, text.encode()))


async def test_the_columns_are_generated_from_the_payload(appender, sql):
    await appender.append(payload(7, beneficiary="seller:S-88"))
    await appender.append({"kind": "import", "at": 5})
    rows = sql.execute(
        "select kind, at_us, actor, subject, purpose, beneficiary from trail_entry order by index"
    ).fetchall()
    assert rows == [
        ("disclosure", 1_700_000_000_000_007, 5, 7, 3, "seller:S-88"),
        ("import", 5, None, None, None, None),
    ]


async def test_salts_are_never_used_twice_even_for_equal_payloads(appender, sql):
    await appender.append_many([payload()] * 300)
    assert sql.execute("select count(distinct salt), count(distinct leaf) from trail_entry").fetchone() == (300, 300)


async def test_concurrent_appends_of_two_processes_are_contiguous_and_each_answered_once(database, keys, sql):
    async with Appender(database, keys, CLOCK) as one, Appender(database, keys, CLOCK) as two:
        asks = [(one, two)[number % 2].append(payload(number)) for number in range(400)]
        receipts = await asyncio.gather(*asks, one.append_many(payload(number) for number in range(1_000, 1_100)))
    single, many = receipts[:-1], receipts[-1]
    assert sorted(receipt.index for receipt in (*single, *many)) == list(range(500))
    assert [receipt.index for receipt in many] == list(range(many[0].index, many[0].index + 100))
    stored = dict(sql.execute("select index, subject from trail_entry").fetchall())
    assert [stored[receipt.index] for receipt in single] == list(range(400))
    for receipt in (*single, *many):
        check_receipt(receipt, keys.receipt.verifier)
    assert sql.execute("select size from trail_head").fetchone() == (500,)
    assert len({receipt.signature for receipt in single}) < 100  # many asks shared a commit and a signature


async def test_more_than_one_batch_is_committed_batch_by_batch(database, keys):
    async with Appender(database, keys, CLOCK, limits=Limits(batch_entries=100, batch_bytes=5_000)) as appender:
        receipts = await appender.append_many([payload(number) for number in range(250)])
        assert [receipt.index for receipt in receipts] == list(range(250))
        assert max(receipt.count for receipt in receipts) <= 5_000 // len(canonical(payload(1)))
        assert await appender.append_many([]) == []


async def test_a_payload_without_canonical_form_is_refused_before_it_is_queued(appender, sql):
    with pytest.raises(PayloadRefused):
        await appender.append({"kind": "disclosure", "at": 1.5})
    with pytest.raises(PayloadRefused):
        await appender.append_many([payload(), {"kind": None}])
    assert sql.execute("select count(*) from trail_entry").fetchone() == (0,)


async def test_a_failed_batch_fails_all_its_members_and_the_next_one_goes_through(appender, sql):
    sql.execute("delete from trail_head")
    answers = await asyncio.gather(*(appender.append(payload(n)) for n in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {AppendFailed}
    assert answers[0].__cause__ is not None
    assert sql.execute("select count(*) from trail_entry").fetchone() == (0,)
    sql.execute("insert into trail_head (size) values (0)")
    assert (await appender.append(payload())).index == 0


async def test_a_connection_lost_in_the_commit_counts_as_not_recorded(appender, sql):
    with sql.transaction():
        sql.execute("select * from trail_head for update")
        ask = asyncio.create_task(appender.append(payload()))
        await until_one_waits_for_a_lock(sql)
        sql.execute("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'")
        with pytest.raises(AppendFailed):
            await ask
    assert (await appender.append(payload())).index == 0


async def test_a_cancelled_request_does_not_cancel_the_shared_commit(appender, sql):
    with sql.transaction():
        sql.execute("select * from trail_head for update")
        asks = [asyncio.create_task(appender.append(payload(number))) for number in range(3)]
        await until_one_waits_for_a_lock(sql)
        asks[1].cancel()
        await asyncio.wait([asks[1]])
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert isinstance(answers[1], asyncio.CancelledError)
    assert [answers[0].index, answers[2].index] == [0, 2]
    assert (await appender.append(payload())).index == 3


async def test_a_request_cancelled_before_its_turn_is_not_recorded(appender, sql):
    with sql.transaction():
        sql.execute("select * from trail_head for update")
        first = asyncio.create_task(appender.append(payload(1)))
        await until_one_waits_for_a_lock(sql)
        second = asyncio.create_task(appender.append(payload(2)))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
    assert (await first).index == 0
    assert (await appender.append(payload(3))).index == 1
    assert sql.execute("select subject from trail_entry order by index").fetchall() == [(1,), (3,)]


async def test_the_deadline_and_a_full_queue_refuse(database, keys, sql):
    limits = Limits(queue_entries=10, deadline_s=0.3)
    async with Appender(database, keys, CLOCK, limits=limits) as appender:
        with sql.transaction():
            sql.execute("select * from trail_head for update")
            first = asyncio.create_task(appender.append(payload()))
            await until_one_waits_for_a_lock(sql)
            second = asyncio.create_task(appender.append_many([payload()] * 10))
            await asyncio.sleep(0)
            with pytest.raises(QueueFull):
                await appender.append(payload())
            answers = await asyncio.gather(first, second, return_exceptions=True)
            assert all(isinstance(answer, TrailUnavailable) for answer in answers)
            assert isinstance(answers[1], AppendTimedOut)
        # the ten may have been recorded for nobody, which is allowed; half of them may not
        assert (await appender.append(payload())).index in {0, 10}


async def test_each_ask_has_its_own_deadline_and_who_gave_up_in_the_queue_is_not_recorded(
    database, keys, sql, monkeypatch
):
    sent: set[int] = set()
    gave_up_in_the_queue: set[int] = set()
    really_ask = database.ask

    async def noted(statement, parameters, **options):
        if "log_append" in statement:
            sent.update(int(number) for raw in parameters for number in re.findall(rb'"subject":(\d+)', raw or b""))
        return await really_ask(statement, parameters, **options)

    monkeypatch.setattr(database, "ask", noted)
    async with Appender(database, keys, CLOCK, limits=Limits(batch_entries=1, deadline_s=0.4)) as appender:

        async def ask(number: int) -> float:
            began = time.monotonic()
            with pytest.raises(AppendTimedOut):
                await appender.append(payload(number))
            if number not in sent:
                gave_up_in_the_queue.add(number)
            return time.monotonic() - began

        with sql.transaction():
            sql.execute("select * from trail_head for update")
            flying = asyncio.create_task(appender.append_many([payload(0)]), name="flying")
            await until_one_waits_for_a_lock(sql)
            flying.cancel()  # its commit goes on without it, as it does where it gave up meanwhile
            await asyncio.wait([flying])
            assert flying.cancelled() or isinstance(flying.exception(), AppendTimedOut)
            async with asyncio.TaskGroup() as group:
                asks = []
                for number in range(1, 5):
                    asks.append(group.create_task(ask(number)))
                    await asyncio.sleep(0.05)
        assert all(each.result() > 0.39 for each in asks)
        receipt = None
        while receipt is None:
            with suppress(AppendTimedOut):  # on a busy machine; then it may be there all the same, and once more
                receipt = await appender.append(payload(9))
    recorded = [number for (number,) in sql.execute("select subject from trail_entry order by index").fetchall()]
    assert recorded[-1] == 9
    assert gave_up_in_the_queue and not gave_up_in_the_queue & {*recorded}
    assert receipt.index == len(recorded) - 1


async def test_a_frozen_holder_of_the_head_row_is_not_waited_for_beyond_the_lock_timeout(sql, database_url):
    with psycopg.connect(database_url, autocommit=True) as frozen, frozen.transaction():
        frozen.execute("select * from trail_head for update")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            sql.execute("select log_append(%s, %s, %s)", [[each] for each in sealed(1)])


async def test_a_closed_appender_takes_nothing(database, keys):
    appender = Appender(database, keys, CLOCK)
    waiting = asyncio.create_task(appender.append(payload()))
    await asyncio.sleep(0)
    await appender.close()
    assert (await waiting).index == 0
    with pytest.raises(TrailUnavailable):
        await appender.append(payload())


async def test_receipts_are_in_the_journal_before_they_are_answered(database, keys, tmp_path):
    with Journal(tmp_path / "receipts.jsonl") as journal:
        async with Appender(database, keys, CLOCK, journal=journal) as appender:
            receipts = await appender.append_many([payload(number) for number in range(5)])
            assert list(read_journal(tmp_path / "receipts.jsonl")) == receipts


async def test_a_journal_that_fails_fails_the_batch(database, keys, tmp_path):
    journal = Journal(tmp_path / "receipts.jsonl")
    journal.close()
    async with Appender(database, keys, CLOCK, journal=journal) as appender:
        with pytest.raises(AppendFailed):
            await appender.append(payload())


class SlowDisk(Journal):
    """A journal whose disk answers when it is told to."""

    def __init__(self, path):
        super().__init__(path)
        self.go = threading.Event()

    def write(self, batch):
        assert self.go.wait(10)
        super().write(batch)


async def test_entries_are_durable_before_their_receipts_are_kept_and_the_next_batch_does_not_wait(
    database, keys, tmp_path, sql
):
    with SlowDisk(tmp_path / "receipts.jsonl") as journal:
        async with Appender(database, keys, CLOCK, journal=journal) as appender:
            one = await appender.commit([Draft(payload(1))])
            two = await appender.commit([Draft(payload(2))])
            assert sql.execute("select subject from trail_entry order by index").fetchall() == [(1,), (2,)]
            waiting = asyncio.gather(one.recorded(), two.recorded())
            await asyncio.sleep(0.05)
            assert not waiting.done()
            journal.go.set()
            receipts = [receipt for each in await waiting for receipt in each.receipts]
    assert [receipt.index for receipt in receipts] == [0, 1]
    assert list(read_journal(tmp_path / "receipts.jsonl")) == receipts


async def test_a_durable_entry_whose_receipt_is_not_kept_is_answered_to_nobody(database, keys, tmp_path):
    journal = Journal(tmp_path / "receipts.jsonl")
    journal.close()
    async with Appender(database, keys, CLOCK, journal=journal) as appender:
        durable = await appender.commit([Draft(payload())])
        with pytest.raises(AppendFailed):
            await durable.recorded()


# ---- numbers that come with the append


def waits(number: int) -> Draft:
    missing = {"actor": ("actor", "E-1"), "subject": ("subject", f"customer:C-{number}")}
    return Draft({**payload(number), "actor": 0, "subject": 0}, missing)


async def recorded_of(appender, draft: Draft):
    return await (await appender.commit([draft])).recorded()


async def test_an_append_gives_new_numbers_and_finds_known_ones_beside_entries_that_need_none(
    appender, keys, database, sql
):
    await assign(database, "subject", ["customer:C-2"])
    plain, *recorded = await asyncio.gather(
        appender.append(payload(99)), *(recorded_of(appender, waits(number)) for number in (1, 2, 1))
    )
    stored = {
        index: (json.loads(text), salt)
        for index, text, salt in sql.execute("select index, payload, salt from trail_entry")
    }
    known = dict(sql.execute("select key, number from number_map where space = 'subject'").fetchall())
    assert known == {"customer:C-2": 1, "customer:C-1": 2}
    for number, each in zip((1, 2, 1), recorded, strict=True):
        (receipt,) = each.receipts
        entry, salt = stored[receipt.index]
        assert (entry["actor"], entry["subject"]) == (1, known[f"customer:C-{number}"])
        assert each.numbers["subject", f"customer:C-{number}"] == entry["subject"]
        check_receipt(receipt, keys.receipt.verifier, entry_leaf(salt, canonical(entry)))
    assert stored[plain.index][0] == payload(99)


async def test_a_number_whose_entry_is_not_recorded_is_not_given(appender, sql):
    sql.execute("delete from trail_head")
    with pytest.raises(AppendFailed):
        await appender.commit([waits(1)])
    assert sql.execute("select (select count(*) from number_map), (select count(*) from trail_entry)").fetchone() == (
        0,
        0,
    )


async def test_a_database_that_hashes_something_else_is_not_believed(appender, sql):
    source = sql.execute("select pg_get_functiondef('log_append_numbered'::regproc)").fetchone()[0]
    sql.execute(source.replace("coalesce(numbers[e.actor], 0)", "coalesce(numbers[e.actor] + 1, 0)"))
    with pytest.raises(AppendFailed, match="other entries"):
        await appender.commit([waits(1)])


async def test_doors_that_number_the_same_at_once_leave_no_gap_and_agree(database, keys, sql):
    # what one reserved for keys that another had numbered while it waited is given back
    async with Appender(database, keys, CLOCK) as one, Appender(database, keys, CLOCK) as two:
        asks = [recorded_of((one, two)[at % 2], waits(at // 2 % 20)) for at in range(80)]
        recorded = await asyncio.gather(*asks, queries.numbers(database, [("subject", f"customer:C-{25}")]))
    given = {key: number for each in recorded[:-1] for key, number in each.numbers.items()}
    stored = {(space, key): number for space, key, number in sql.execute("select space, key, number from number_map")}
    assert stored == given | {("subject", "customer:C-25"): recorded[-1][0]}
    assert sorted(number for (space, _), number in stored.items() if space == "subject") == list(range(1, 22))
    assert dict(sql.execute("select space, last from number_space").fetchall()) == {"actor": 1, "subject": 21}


def test_known_keys_use_up_no_numbers_whatever_their_order(sql):
    def numbered(*subjects: str) -> list[int]:
        bound = [["subject"] * len(subjects), [*subjects], ['{"at":5,"kind":"x"}'], [b"s" * 32], [0], [0], [0]]
        return sql.execute(
            "select numbers from log_append_numbered(%s, %s, %s, %s, %s::int[], %s::int[], %s::int[])", bound
        ).fetchone()[0]

    assert numbered("b") == [1]
    assert numbered("b", "c") == [1, 2]
    assert numbered("a", "b", "d", "c") == [3, 1, 4, 2]
    assert numbered("b") == [1]
    assert sql.execute("select last from number_space").fetchone() == (4,)


@pytest.mark.parametrize(
    "bound",
    [
        [["actor"], ["E-1"], [], [], [], [], []],
        [["actor"], ["E-1"], ['{"at":5}'], [b"s" * 32, b"t" * 32], [1], [0], [0]],
        [["actor", "actor"], ["E-1"], ['{"at":5}'], [b"s" * 32], [1], [0], [0]],
        [["nobody"], ["E-1"], ['{"at":5}'], [b"s" * 32], [1], [0], [0]],
        [["actor", "actor"], ["E-1", "E-1"], ['{"at":5}'], [b"s" * 32], [1], [0], [0]],
        [["actor"], ["E-1"], ['{"at":5}'], [b"short"], [1], [0], [0]],
        [["actor"], ["E-1"], ["no json"], [b"s" * 32], [1], [0], [0]],
    ],
)
def test_a_numbered_append_that_does_not_fit_together_leaves_nothing(sql, bound):
    with pytest.raises(psycopg.Error):
        sql.execute(
            "select * from log_append_numbered(%s::text[], %s::text[], %s::text[], %s::bytea[],"
            " %s::int[], %s::int[], %s::int[])",
            bound,
        )
    tables = ("number_map", "trail_entry", "number_space")
    assert [sql.execute(f"select count(*) from {each}").fetchone()[0] for each in tables] == [0, 0, 0]
    assert sql.execute("select size from trail_head").fetchone() == (0,)


def test_the_numbered_append_is_flushed_too(sql):
    sql.execute("set synchronous_commit = off")
    with sql.transaction():
        text = '{"actor":0,"at":5,"kind":"x"}'
        row = sql.execute(
            "select * from log_append_numbered(%s, %s, %s, %s, %s::int[], %s::int[], %s::int[])",
            [["actor"], ["E-1"], [text], [b"s" * 32], [1], [0], [0]],
        ).fetchone()
        assert sql.execute("show synchronous_commit").fetchone() == ("on",)
    assert row == (0, [1], entry_leaf(b"s" * 32, b'{"actor":1,"at":5,"kind":"x"}'))


# ---- the function and the tables themselves


def append(sql, *numbers: int) -> int:
    batch = [list(part) for part in zip(*map(sealed, numbers), strict=True)]
    return sql.execute("select log_append(%s, %s, %s)", batch).fetchone()[0]


def test_the_commit_is_synchronous_even_where_the_session_turned_it_off(sql):
    sql.execute("set synchronous_commit = off")
    with sql.transaction():
        append(sql, 1)
        assert sql.execute("show synchronous_commit").fetchone() == ("on",)
    assert sql.execute("show synchronous_commit").fetchone() == ("off",)
    append(sql, 2)
    written, flushed = sql.execute("select pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()").fetchone()
    assert written == flushed


def test_a_door_may_append_and_read_and_nothing_else(sql):
    append(sql, 1)
    sql.execute("set role whosaw_door")
    assert append(sql, 2) == 1
    assert sql.execute("select count(*) from trail_entry, trail_head").fetchone() == (2,)
    for statement in (
        "insert into trail_entry (index, leaf, salt, payload) values (9, sha256('a'), sha256('b'), '{}')",
        "update trail_entry set payload = '{}'",
        "delete from trail_entry",
        "truncate trail_entry",
        "update trail_head set size = 9",
        "insert into trail_checkpoint values (1, sha256('a'), 1, 'x')",
        "alter table trail_entry disable trigger all",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql.execute(statement)


def test_even_the_owner_trips_over_the_wire_until_he_takes_it_away(sql):
    append(sql, 1)
    for statement in (
        "update trail_entry set payload = '{}'",
        "delete from trail_entry",
        "truncate trail_entry cascade",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            sql.execute(statement)
    sql.execute("set session_replication_role = replica")
    sql.execute("delete from trail_entry")


@pytest.mark.parametrize(
    "arguments",
    [
        ([], [], []),
        (None, None, None),
        (["{}"], [], []),
        (["{}"], [b"s" * 32], [b"l" * 32]),
        (["{}", "{}"], [b"s" * 32], [b"l" * 32]),
        ([None], [b"s" * 32], [b"l" * 32]),
    ],
)
def test_a_batch_that_does_not_fit_together_is_refused_whole(sql, arguments):
    with pytest.raises(psycopg.Error):
        sql.execute("select log_append(%s::text[], %s::bytea[], %s::bytea[])", arguments)
    assert sql.execute("select size, (select count(*) from trail_entry) from trail_head").fetchone() == (0, 0)
