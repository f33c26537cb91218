"""A connection asked through libpq itself: answers, errors and ends are those of psycopg."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from whosaw.catalog import Source
from whosaw.catalog.model import SubjectKind
from whosaw.catalog.statements import presence_statement
from whosaw.store import Database
from whosaw.store.database import DatabaseUnreachable
from whosaw.store.line import Line, array
from whosaw.store.migrate import engine_url

STRANGE = ("", '"', "\\", '\\"', "{}", "a,b", "null", "NULL", " x ", "$1", "%s", "\u202e", "𝒞-1", "\n", "x" * 10_000)


async def test_values_come_back_as_psycopg_reads_them(database: Database) -> None:
    answer = await database.ask(
        "select $1::bigint as n, $2::text[] as t, $3::timestamptz as at, $4::json as j, null as nothing",
        [b"7", array(["a", "b"]), b"2026-03-02T12:00:00+00:00", b'{"a": [1]}'],
    )
    assert answer.names == ("n", "t", "at", "j", "nothing")
    assert answer.rows == [(7, ["a", "b"], datetime(2026, 3, 2, 12, tzinfo=UTC), {"a": [1]}, None)]


async def test_every_text_survives_an_array(database: Database) -> None:
    ((back,),) = (await database.ask("select $1::text[]", [array(STRANGE)])).rows
    assert tuple(back) == STRANGE


def test_a_nul_is_refused_before_it_is_sent() -> None:
    with pytest.raises(psycopg.DataError):
        array(["a\x00b"])


async def test_a_refusal_is_psycopgs_own_and_the_line_goes_on(database: Database) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            await database.ask("select $1::bigint", [b"C-1"])
        with pytest.raises(psycopg.errors.UndefinedTable):
            await database.ask("select * from nothing_of_that_name", [])
        assert (await database.ask("select $1::bigint", [b"1"])).rows == [(1,)]


async def test_what_does_not_fit_into_the_socket_at_once_arrives_whole(database: Database) -> None:
    many = [f"{n}-{'x' * 90}" for n in range(100_000)]
    for _ in range(2):
        answer = await database.ask("select cardinality($1::text[]), ($1::text[])[100000]", [array(many)])
        assert answer.rows == [(100_000, many[-1])]


async def test_a_prepared_statement_that_is_gone_is_prepared_again(database_url: str) -> None:
    async with Database(database_url, pool_size=1) as db:
        assert (await db.ask("select $1::int", [b"1"])).rows == [(1,)]
        async with db.connection() as connection:
            await connection.execute("deallocate all")
        assert (await db.ask("select $1::int", [b"2"])).rows == [(2,)]


async def test_a_table_that_changes_under_a_prepared_statement_is_read_as_it_is_now(database_url: str) -> None:
    async with Database(database_url, pool_size=1) as db:
        async with db.connection() as connection:
            await connection.execute("create table changing (a int)")
            await connection.execute("insert into changing values (1)")
        assert (await db.ask("select * from changing", [])).rows == [(1,)]
        async with db.connection() as connection:
            await connection.execute("alter table changing alter a type text, add b int default 2")
        assert (await db.ask("select * from changing", [])).rows == [("1", 2)]


async def test_reads_by_key_are_planned_once_and_anew_after_a_while(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = "select generic_plans, custom_plans from pg_prepared_statements where statement like '%any($1)'"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table people (id text primary key, region text)")
        connection.execute("insert into people values ('C-1', 'EU')")
    statement = presence_statement(SubjectKind("customer", "company", "people", "id", "region"))
    asked: list[str] = []
    ask = Line.ask

    async def noted(line: Line, statement: str, *rest: Any, **more: Any) -> Any:
        asked.append(statement)
        return await ask(line, statement, *rest, **more)

    monkeypatch.setattr(Line, "ask", noted)
    async with Source("company", engine_url(database_url).render_as_string(hide_password=False)) as source:
        for _ in range(7):
            assert [row["region"] for row in await source.rows(statement, keys=["C-1"])] == ["EU"]
        keyed = source._keyed
        assert keyed is not None
        assert (await keyed._idle[0].line.ask(plans, [])).rows == [(7, 0)]
        assert "discard plans" not in asked
        monkeypatch.setattr("whosaw.catalog.keyed._PLANNED_S", -1.0)
        assert len(await source.rows(statement, keys=["C-1", "C-2"])) == 1
        assert asked.count("discard plans") == 1
        assert (await keyed._idle[0].line.ask(plans, [])).rows == [(8, 0)]


async def test_a_caller_who_gives_up_takes_nobody_elses_answer_along(database_url: str) -> None:
    async with Database(database_url, pool_size=1) as db:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await db.ask("select 'late', pg_sleep(1)::text", [])
        assert (await db.ask("select 'mine'", [])).rows == [("mine",)]


async def test_what_nobody_waits_for_any_longer_ends_on_the_server(database_url: str) -> None:
    async with Database(database_url, pool_size=1) as db:
        async with db.connection() as connection:
            await connection.execute("create table late (a int)")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await db.ask("with slept as (select pg_sleep(1)) insert into late select 1 from slept", [])
        await asyncio.sleep(1.2)
        assert (await db.ask("select count(*) from late", [])).rows == [(0,)]


async def test_many_at_once_share_few_connections(database_url: str) -> None:
    async with Database(database_url, pool_size=2) as db:
        answers = await asyncio.gather(*(db.ask("select $1::int", [str(n).encode()]) for n in range(200)))
    assert [answer.rows for answer in answers] == [[(n,)] for n in range(200)]


async def test_a_connection_ended_while_it_is_asked_is_an_error_and_one_ended_idle_is_none(database_url: str) -> None:
    async with Database(database_url, pool_size=1) as db:
        with psycopg.connect(database_url, autocommit=True) as other:
            asked = asyncio.create_task(db.ask("select pg_sleep(30)", []))
            ended = False
            while not ended:
                await asyncio.sleep(0.02)
                ended = bool(
                    other.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(30)'"
                    ).fetchone()
                )
            with pytest.raises(DatabaseUnreachable):
                await asked
            ((pid,),) = (await db.ask("select pg_backend_pid()", [])).rows
            other.execute("select pg_terminate_backend(%s, 5000)", [pid])
            await asyncio.sleep(0.1)
        assert (await db.ask("select 1", [])).rows == [(1,)]


async def test_a_source_whose_connections_were_ended_is_read_again(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("create table kept (id text, region text)")
        other.execute("insert into kept values ('C-1', 'EU')")
        statement = presence_statement(SubjectKind("customer", "shop", "kept", "id", "region"))
        async with Source("shop", engine_url(database_url).render_as_string(hide_password=False)) as source:
            assert await source.rows(statement, keys=["C-1"]) == [{"key": "C-1", "region": "EU"}]
            other.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where pid <> pg_backend_pid() and datname = current_database()"
            )
            failed = 0
            for _ in range(3):
                try:
                    assert await source.rows(statement, keys=["C-1"]) == [{"key": "C-1", "region": "EU"}]
                except ConnectionError:
                    failed += 1
            assert failed <= 1
