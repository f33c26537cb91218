"""Analysts: pseudonyms, no single member of staff without a case, nothing but the tables, every question recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from whosaw.lake.analysts import Analyst, ask_named, ask_sql
from whosaw.lake.errors import CaseNeeded, EngineFailed, StatementRefused
from whosaw.lake.named import Asked
from whosaw.lake.statement import judge
from whosaw.terms import SimulatedClock

EU, US = "eu.example/trail", "us.example/trail"


class Kept:
    """A recorder that keeps what it was given."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    async def append(self, payload: dict[str, Any]) -> None:
        self.entries.append(payload)


@pytest.fixture
def analyst() -> Analyst:
    return Analyst(7, b"0123456789abcdef", Kept(), SimulatedClock(datetime(2026, 3, 2, tzinfo=UTC)))


def with_case(analyst: Analyst) -> Analyst:
    return Analyst(analyst.number, analyst.secret, analyst.recorder, analyst.clock, "CASE-1")


async def test_an_analyst_sees_pseudonyms_and_the_question_is_recorded(made: Any, analyst: Analyst) -> None:
    text = "SELECT actor, count(*) AS n FROM disclosures GROUP BY actor ORDER BY n DESC"
    found = (await ask_sql(made.folder, text, analyst)).table.to_pylist()
    expected = {analyst.pseudonym(trail, said["actor"]) for trail, _, _, said in made.disclosures()}
    assert {row["actor"] for row in found} == expected
    [entry] = analyst.recorder.entries
    assert entry == {
        "kind": "lake_query",
        "at": 1_772_409_600_000_000,
        "actor": 7,
        "door": "console",
        "question": "sql",
        "text_sha256": sha256(text.encode()).hexdigest(),
        "rows": len(found),
    }
    named = (await ask_named(made.folder, "overlap", Asked(subjects={EU: (3,), US: (3,)}), analyst)).table
    assert set(named["actor"].to_pylist()) <= expected
    assert analyst.recorder.entries[-1]["question"] == "overlap"


async def test_the_same_number_in_two_trails_is_two_people(made: Any, analyst: Analyst) -> None:
    assert analyst.pseudonym(EU, 1) != analyst.pseudonym(US, 1)
    assert analyst.pseudonym(EU, 1) == analyst.pseudonym(EU, 1)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM disclosures WHERE actor = '{p}'",
        "SELECT count(*) FROM disclosures WHERE actor IN ('{p}')",
        "SELECT count(*) FROM disclosures WHERE actor LIKE '%{tail}'",
        "SELECT count(*) FROM disclosures WHERE substr(actor, 3, 12) = '{tail}'",
        "WITH t AS (SELECT actor AS a FROM disclosures) SELECT count(*) FROM t WHERE a LIKE '%{tail}'",
        "WITH t(a) AS (SELECT actor FROM disclosures) SELECT count(*) FROM t WHERE right_(a) = 1 OR a > 'p'",
        "SELECT sum(CASE WHEN actor = '{p}' THEN 1 END) FROM disclosures",
        "SELECT count(*) FILTER (actor = '{p}') FROM disclosures",
        "SELECT actor, count(*) FROM disclosures GROUP BY actor HAVING actor > 'p' ORDER BY 2 DESC",
        "SELECT actor, count(*) FROM disclosures GROUP BY actor ORDER BY 2 DESC LIMIT 1",
        "SELECT max(actor) FROM disclosures",
        "SELECT d.* FROM disclosures d JOIN (VALUES ('{p}')) v(x) ON v.x = d.actor",
    ],
)
async def test_one_member_of_staff_needs_a_case(made: Any, analyst: Analyst, text: str) -> None:
    name = analyst.pseudonym(EU, 2)
    asked = text.format(p=name, tail=name[2:])
    with pytest.raises((CaseNeeded, StatementRefused)) as refused:
        await ask_sql(made.folder, asked, analyst)
    assert analyst.recorder.entries[-1]["refused"] == refused.value.code
    if "right_" not in text:
        assert isinstance(refused.value, CaseNeeded)
        await ask_sql(made.folder, asked, with_case(analyst))
        assert analyst.recorder.entries[-1]["case"] == "CASE-1"


async def test_a_named_question_about_staff_needs_a_case(made: Any, analyst: Analyst) -> None:
    for name in ("seen-by", "actor-exposure"):
        with pytest.raises(CaseNeeded):
            await ask_named(made.folder, name, Asked(actors={EU: (2,)}), analyst)
    found = await ask_named(made.folder, "seen-by", Asked(actors={EU: (2,)}), with_case(analyst))
    assert set(found.table["actor"].to_pylist()) == {analyst.pseudonym(EU, 2)}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('*.parquet')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM whosaw_raw_entries",
        "SELECT * FROM whosaw_actors",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM information_schema.tables",
        "SELECT sql FROM duckdb_views",
        "SHOW TABLES",
        "DESCRIBE entries",
        "SELECT 1; SELECT 2",
        "SET enable_external_access = true",
        "COPY entries TO '/tmp/x'",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
        "PRAGMA version",
        "CREATE TABLE t AS SELECT 1",
        "DELETE FROM entries",
        "SELECT current_setting('allowed_directories')",
        "SELECT getenv('HOME')",
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('entries')",
        "SELECT count(*) FROM entries WHERE subject IN (SELECT number FROM read_csv('x.csv'))",
        "EXPLAIN SELECT 1",
        "SELEC",
        "SELECT '\0'",
        "SELECT " + "1+" * 9000 + "1",
    ],
)
async def test_anything_but_a_plain_reading_of_the_tables_is_refused(made: Any, analyst: Analyst, text: str) -> None:
    with pytest.raises(StatementRefused):
        await ask_sql(made.folder, text, with_case(analyst))
    assert analyst.recorder.entries[-1]["refused"] == "lake.statement_refused"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM entries",
        "SELECT trail, class, count(*) FROM classes GROUP BY ALL",
        "WITH d AS (SELECT subject, count(*) AS n FROM disclosures GROUP BY 1) SELECT max(n) FROM d WHERE n > 3",
        "SELECT a.subject FROM entries a JOIN disclosures b USING (trail, entry) WHERE a.kind = 'disclosure'",
        "SELECT date_part('hour', make_timestamp(at_us)) AS h, count(DISTINCT subject) FROM disclosures GROUP BY h;",
        "SELECT fields, row_number() OVER (PARTITION BY trail ORDER BY at_us) FROM entries WHERE fields LIKE '%email%'",
    ],
)
async def test_a_plain_reading_is_answered(made: Any, analyst: Analyst, text: str) -> None:
    assert not judge(text).of_actor
    assert (await ask_sql(made.folder, text, analyst)).table.num_rows


async def test_a_statement_that_takes_too_long_is_stopped(made: Any, analyst: Analyst) -> None:
    text = "SELECT count(*) FROM entries a, entries b, entries c, entries d WHERE a.at_us + b.at_us < c.at_us + d.at_us"
    with pytest.raises(EngineFailed, match="did not end"):
        await ask_sql(made.folder, text, analyst, limit_s=0.3)


async def test_nothing_is_answered_where_it_cannot_be_recorded(made: Any, analyst: Analyst) -> None:
    class Broken:
        async def append(self, payload: dict[str, Any]) -> None:
            raise OSError("the trail is down")

    with pytest.raises(OSError, match="the trail is down"):
        await ask_sql(made.folder, "SELECT 1", Analyst(7, analyst.secret, Broken(), analyst.clock))
