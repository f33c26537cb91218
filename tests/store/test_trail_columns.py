"""The search columns: filled by the append from the payload's text, kept as written, gone with the payload."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import psycopg
import pytest

from whosaw.prove import Payload, canonical, entry_leaf
from whosaw.store.migrate import downgrade, upgrade

Connection = psycopg.Connection[tuple[object, ...]]
COLUMNS = "kind, at_us, actor, subject, purpose, beneficiary"
WHOLE: Payload = {
    "kind": "disclosure",
    "at": 1_700_000_000_000_007,
    "actor": 5,
    "subject": 7,
    "purpose": 3,
    "beneficiary": 'seller:"S"\\88 \n größe',
    "fields": ["customer.email=reveal"],
}
SAID = [
    ("disclosure", 1_700_000_000_000_007, 5, 7, 3, 'seller:"S"\\88 \n größe'),
    ("import", -(1 << 63), None, None, None, None),
]
ASK = "a" * 32


@pytest.fixture
def sql(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def append(sql: Connection, *texts: bytes) -> None:
    salts = [sha256(text).digest() for text in texts]
    leaves = [entry_leaf(salt, text) for salt, text in zip(salts, texts, strict=True)]
    sql.execute("select log_append(%s, %s, %s)", [[text.decode() for text in texts], salts, leaves])


def columns(sql: Connection) -> list[tuple[object, ...]]:
    return sql.execute(f"select {COLUMNS} from trail_entry order by index").fetchall()


def generated(sql: Connection) -> int:
    [(count,)] = sql.execute(
        "select count(*) from pg_attribute where attrelid = 'trail_entry'::regclass and attgenerated = 's'"
    ).fetchall()
    assert isinstance(count, int)
    return count


def test_an_append_fills_the_columns_from_the_payload(sql: Connection) -> None:
    append(sql, canonical(WHOLE), canonical({"kind": "import", "at": -(1 << 63)}))
    assert columns(sql) == SAID


@pytest.mark.parametrize(
    "text", [b"[1]", b"7", b"null", b"nonsense", b'{"at":"soon"}', b'{"actor":1.5}', b'{"at":[1]}']
)
def test_a_text_that_cannot_fill_the_columns_is_not_appended(sql: Connection, text: bytes) -> None:
    with pytest.raises(psycopg.DataError):
        append(sql, canonical(WHOLE), text)
    assert columns(sql) == []
    assert sql.execute("select size from trail_head").fetchone() == (0,)


@pytest.mark.parametrize("column", COLUMNS.split(", "))
def test_nobody_changes_a_column_under_the_tripwire(sql: Connection, column: str) -> None:
    append(sql, canonical(WHOLE))
    for mark in ("off", "on"):
        sql.execute("select set_config('whosaw.erasing', %s, false)", [mark])
        for value in (column, "null"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                sql.execute(f"update trail_entry set {column} = {value}")
    assert columns(sql) == SAID[:1]


def test_an_erasure_takes_the_columns_with_the_payload(sql: Connection) -> None:
    append(sql, canonical(WHOLE))
    append(sql, canonical({"kind": "erasure", "at": 2, "actor": 1, "ask": ASK, "entries": 1}))
    sql.execute(
        "insert into trail_erasure_order (kind, space, number, indices, ask, payload, after_index, entry)"
        " values ('erasure', 'subject', 7, '{0}', %s, '', 0, 1)",
        [ASK],
    )
    assert sql.execute("select trail_erase(max(id)) from trail_erasure_order").fetchone() == (1,)
    assert columns(sql) == [(None,) * 6, ("erasure", 2, 1, None, None, None)]


@pytest.mark.parametrize("column", COLUMNS.split(", "))
def test_no_column_outlives_the_payload_even_without_the_tripwire(sql: Connection, column: str) -> None:
    append(sql, canonical(WHOLE))
    sql.execute("set session_replication_role = replica")
    others = ", ".join(f"{each} = null" for each in COLUMNS.split(", ") if each != column)
    with pytest.raises(psycopg.errors.CheckViolation):
        sql.execute(f"update trail_entry set payload = null, salt = null, {others}")


def test_the_columns_survive_the_way_down_and_up_again(database_url: str, sql: Connection) -> None:
    texts = (canonical(WHOLE), canonical({"kind": "import", "at": -(1 << 63)}))
    append(sql, *texts)
    indexes = "select indexname, indexdef from pg_indexes where tablename = 'trail_entry' order by 1"
    before = sql.execute(indexes).fetchall()
    assert generated(sql) == 0
    sql.close()
    downgrade(database_url, "0005")
    with psycopg.connect(database_url, autocommit=True) as lower:
        assert generated(lower) == 6
        assert lower.execute(indexes).fetchall() == before
        append(lower, *texts)
        assert columns(lower) == [*SAID, *SAID]
    upgrade(database_url)
    with psycopg.connect(database_url, autocommit=True) as upper:
        assert generated(upper) == 0
        append(upper, *texts)
        assert columns(upper) == [*SAID, *SAID, *SAID]
