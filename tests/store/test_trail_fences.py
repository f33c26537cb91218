"""The database's own fences: they hold whatever the program around them does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import psycopg
import pytest

from whosaw.prove import Payload, canonical, entry_leaf

Connection = psycopg.Connection[tuple[object, ...]]
ASK = "a" * 32


@pytest.fixture
def sql(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def other(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def append(sql: Connection, entry: Payload) -> object:
    raw, salt = canonical(entry), sha256(canonical(entry)).digest()
    [(index,)] = sql.execute(
        "select log_append(%s, %s, %s)", [[raw.decode()], [salt], [entry_leaf(salt, raw)]]
    ).fetchall()
    return index


def until_it_waits(sql: Connection) -> None:
    for _ in range(500):
        if sql.execute("select 1 from pg_stat_activity where wait_event_type = 'Lock'").fetchone():
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def test_an_append_waits_for_the_one_before_and_goes_on_behind_it(sql: Connection, other: Connection) -> None:
    with ThreadPoolExecutor(1) as thread:
        with sql.transaction():
            assert append(sql, {"kind": "disclosure", "at": 1}) == 0
            waiting = thread.submit(append, other, {"kind": "disclosure", "at": 2})
            until_it_waits(sql)
        assert waiting.result(10) == 1
    assert sql.execute("select size from trail_head").fetchone() == (2,)


def test_who_froze_over_the_head_row_delays_others_by_less_than_two_seconds(sql: Connection, other: Connection) -> None:
    with sql.transaction():
        sql.execute("select * from trail_head for update")
        began = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            append(other, {"kind": "disclosure", "at": 1})
        assert time.monotonic() - began < 2


def test_the_server_erases_nothing_that_a_hold_protects(sql: Connection) -> None:
    append(sql, {"kind": "disclosure", "at": 1, "actor": 3, "subject": 7})
    append(sql, {"kind": "erasure", "at": 2, "actor": 1, "ask": ASK, "entries": 1})
    [(order,)] = sql.execute(
        "insert into trail_erasure_order (kind, space, number, indices, ask, payload, after_index, entry)"
        " values ('erasure', 'subject', 7, '{0}', %s, '', 0, 1) returning id",
        [ASK],
    ).fetchall()
    for space, number in (("subject", 7), ("actor", 3)):
        sql.execute(
            "insert into legal_hold (space, number, ground, review_on, added_at, added_by)"
            " values (%s, %s, 'a case', '2030-01-01', now(), 1)",
            [space, number],
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
            sql.execute("select trail_erase(%s)", [order])
        assert sql.execute("select payload is null from trail_entry where index = 0").fetchone() == (False,)
        sql.execute("delete from legal_hold")
    assert sql.execute("select trail_erase(%s)", [order]).fetchone() == (1,)
    assert sql.execute("select payload is null from trail_entry where index = 0").fetchone() == (True,)
