"""Connections, addresses and migrations on a real PostgreSQL, and what the door's own role may do there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from whosaw.prove import entry_leaf
from whosaw.store import AddressInvalid, Database, DatabaseUnreachable, MigrationFailed, upgrade
from whosaw.store.database import describe, with_database, with_login
from whosaw.store.migrate import downgrade, engine_url

TABLES = "select array_agg(tablename::text order by 1) from pg_tables where schemaname = 'public'"
DOOR_TABLES = {"trail_entry", "trail_head", "trail_checkpoint", "gate_token", "gate_suspension", "number_map"}


def tables(url: str) -> set[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(TABLES).fetchone()
    return set(row[0] or ()) if row else set()


@pytest.fixture
def door_url(database_url: str) -> Iterator[str]:
    """The database as the door's role, under a name of this test's own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop role if exists test_door")
        connection.execute("create role test_door login password 'door' in role whosaw_door")
    yield with_login(database_url, "test_door", "door")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop role test_door")


def test_migrations_go_down_to_nothing_and_up_again(database_url: str) -> None:
    full = tables(database_url)
    assert full >= DOOR_TABLES | {"case_file", "outbox_mail"}
    for revision in ("0003", "0002", "0001", "base"):
        downgrade(database_url, revision)
    assert tables(database_url) <= {"alembic_version"}
    upgrade(database_url)
    assert tables(database_url) == full
    upgrade(database_url)
    assert tables(database_url) == full


def test_two_processes_that_migrate_at_once_do_not_meet(database_url: str) -> None:
    downgrade(database_url, "base")
    failures: list[BaseException] = []

    def migrate() -> None:
        try:
            upgrade(database_url)
        except BaseException as problem:
            failures.append(problem)

    threads = [threading.Thread(target=migrate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert tables(database_url) >= DOOR_TABLES


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(MigrationFailed, match="does not know") as refused:
        upgrade(database_url)
    assert refused.value.hint


def test_somebody_who_may_not_migrate_is_told_so(database_url: str, door_url: str) -> None:
    downgrade(database_url, "0003")
    with pytest.raises(MigrationFailed, match="refused a migration"):
        upgrade(door_url)
    assert "case_file" not in tables(database_url)


@pytest.mark.parametrize(
    "statement",
    [
        "update trail_entry set payload = payload",
        "delete from trail_entry",
        "truncate trail_entry",
        "insert into trail_entry (index, leaf, salt, payload) values (0, '\\x00', '\\x00', '{}')",
        "update trail_head set size = 0",
        "delete from trail_checkpoint",
        "insert into gate_token (id, actor, secret_sha256, made_at) values ('a', 'E-1', '\\x00', now())",
        "update gate_token set revoked_at = null",
        "delete from gate_suspension",
        "update number_map set key = 'x'",
        "select * from sighting",
        "select * from case_file",
        "select * from case_verdict",
        "select * from outbox_mail",
        "alter table trail_entry disable trigger all",
        "drop table trail_entry",
        "create table loot (n int)",
        "create role more superuser",
        "set session_replication_role = replica",
        "select pg_read_file('/etc/passwd')",
        "copy trail_entry to program 'cat'",
    ],
)
def test_the_doors_role_can_append_and_read_and_nothing_else(door_url: str, statement: str) -> None:
    with psycopg.connect(door_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
        for table in DOOR_TABLES:
            connection.execute(f"select * from {table}")


def test_the_owner_trips_over_the_wire_when_he_changes_the_trail(database_url: str) -> None:
    salt = bytes(32)
    leaf = entry_leaf(salt, b'{"at":1,"kind":"import"}')
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("select log_append(%s, %s, %s)", [['{"at":1,"kind":"import"}'], [salt], [leaf]])
        for statement in (
            "update trail_entry set salt = salt",
            "update trail_entry set payload = null, salt = null",
            "delete from trail_entry",
            "truncate trail_entry cascade",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.FeatureNotSupported):  # what names sets of subjects refers to the entries
            connection.execute("truncate trail_entry")


async def test_an_address_where_nothing_answers_is_said_without_the_password() -> None:
    with pytest.raises(DatabaseUnreachable) as lost:
        async with Database("postgresql://u:topsecret@127.0.0.1:1/x"):
            pass
    assert str(lost.value) == "no database at `x` on `127.0.0.1:1`"
    assert "topsecret" not in lost.value.diagnostics()


async def test_a_wrong_password_or_database_is_unreachable(database_url: str) -> None:
    for wrong in (with_login(database_url, "whosaw_owner", "no"), with_database(database_url, "no_such_database")):
        with pytest.raises(DatabaseUnreachable):
            async with Database(wrong):
                pass
        with pytest.raises(DatabaseUnreachable):
            upgrade(wrong)


@pytest.mark.parametrize(
    "address", ["garbage topsecret", "postgresql://u:topsecret@[::1/x", "postgres://h/d?topsecret=1"]
)
def test_what_is_no_address_is_refused_and_not_repeated(address: str) -> None:
    for use in (Database, describe, engine_url, upgrade, lambda url: with_database(url, "x")):
        with pytest.raises(AddressInvalid) as refused:
            use(address)
        assert "topsecret" not in refused.value.diagnostics()


def test_every_part_of_an_address_survives_its_changes() -> None:
    address = "postgresql+psycopg://u:p%40ss@db.example:5433/x?sslmode=require&connect_timeout=3"
    parts = conninfo_to_dict(with_login(with_database(address, "y"), "v", "q'\\ uote"))
    assert parts == {
        "user": "v",
        "password": "q'\\ uote",
        "host": "db.example",
        "port": "5433",
        "dbname": "y",
        "sslmode": "require",
        "connect_timeout": "3",
    }
    url = engine_url(address)
    assert (url.username, url.password, url.database) == ("u", "p@ss", "x")
    assert dict(url.query) == {"host": "db.example", "port": "5433", "sslmode": "require", "connect_timeout": "3"}


async def test_a_task_waits_for_a_connection_only_so_long(database_url: str) -> None:
    async with Database(database_url, pool_size=1, wait_s=0.1) as db:
        async with db.connection():
            with pytest.raises(DatabaseUnreachable):
                async with db.connection():
                    pass
        async with db.connection() as connection:
            assert await (await connection.execute("select 1")).fetchone() == (1,)


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute("insert into gate_suspension values ('E-1', now(), 'x', 'y')")
            raise RuntimeError("on purpose")
    async with database.connection() as connection:
        assert await (await connection.execute("select count(*) from gate_suspension")).fetchone() == (0,)


async def test_a_cut_connection_is_an_error_once_and_then_replaced(database: Database, database_url: str) -> None:
    async with database.connection() as connection:
        pid = connection.info.backend_pid
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", [pid])
    failed = 0
    for _ in range(10):
        try:
            async with database.connection() as connection:
                await connection.execute("select 1")
        except DatabaseUnreachable:
            failed += 1
            await asyncio.sleep(0.05)
    assert failed <= 1
