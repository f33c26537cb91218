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
    found = (await ask_sql(made.folder, text, with_case(analyst))).table.to_pylist()
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
        "case": "CASE-1",
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
        # one member of staff
        "SELECT count(*) FROM disclosures WHERE actor = '{p}'",
        "SELECT count(*) FROM disclosures WHERE ACTOR IN ('{p}')",
        "SELECT count(*) FROM disclosures WHERE substr(actor, 3, 12) = '{tail}'",
        "WITH t AS (SELECT actor AS a FROM disclosures) SELECT count(*) FROM t WHERE a LIKE '%{tail}'",
        "SELECT sum(CASE WHEN actor = '{p}' THEN 1 END) FROM disclosures",
        "SELECT count(*) FILTER (actor = '{p}') FROM disclosures",
        "SELECT max(actor) FROM disclosures",
        "SELECT d.subject FROM disclosures d JOIN (VALUES ('{p}')) v(x) ON v.x = d.actor",
        # how much each of them does
        "SELECT actor, count(*) FROM disclosures GROUP BY actor",
        'SELECT "Actor" AS w, count(*) FROM disclosures GROUP BY 1',
        "SELECT count(*) FROM disclosures GROUP BY entries.actor",
        "SELECT count(*) AS n FROM disclosures d GROUP BY d.actor ORDER BY n DESC",
        "SELECT actor, count(*) FROM disclosures GROUP BY ALL",
        "SELECT DISTINCT actor FROM disclosures",
        "SELECT count(DISTINCT actor) FROM disclosures",
        "SELECT n FROM (SELECT actor AS x, count(*) AS n FROM entries GROUP BY x) t WHERE n > 3",
        "SELECT row_number() OVER (PARTITION BY actor ORDER BY at_us) FROM disclosures",
        "SELECT at_us - lag(at_us) OVER w FROM disclosures WINDOW w AS (PARTITION BY actor ORDER BY at_us)",
        "SELECT string_agg(actor, ',') FROM disclosures",
        "SELECT mode(actor) FROM disclosures",
        "SELECT a.entry FROM disclosures a JOIN disclosures b ON a.actor = b.actor AND a.at_us < b.at_us",
        "SELECT a.entry FROM disclosures a JOIN disclosures b USING (actor)",
        "SELECT a.entry FROM disclosures a NATURAL JOIN (SELECT actor FROM disclosures) b",
        "SELECT (SELECT count(*) FROM disclosures b WHERE b.actor = a.actor) FROM disclosures a",
        "SELECT count(*) FROM disclosures GROUP BY GROUPING SETS ((actor), ())",
        "SELECT count(*) FROM disclosures GROUP BY CUBE (actor, door)",
        "SELECT subject FROM disclosures ORDER BY actor",
        "SELECT subject FROM disclosures QUALIFY count(*) OVER (PARTITION BY actor) > 3",
        "SELECT count(*) FROM disclosures GROUP BY COLUMNS('actor')",
        "SELECT * EXCLUDE (subject) FROM (SELECT actor, subject FROM entries)",
        "SELECT d.actor FROM disclosures AS d(actor)",
        "SELECT t.x FROM (SELECT entries AS x FROM entries) t WHERE t.x.actor = 'p'",
        "(SELECT actor FROM entries) UNION ALL (SELECT door FROM entries)",
    ],
)
async def test_outside_a_case_nothing_is_to_be_had_about_members_of_staff(
    made: Any, analyst: Analyst, text: str
) -> None:
    asked = text.format(p=analyst.pseudonym(EU, 2), tail=analyst.pseudonym(EU, 2)[2:])
    with pytest.raises((CaseNeeded, StatementRefused)) as refused:
        await ask_sql(made.folder, asked, analyst)
    assert analyst.recorder.entries[-1]["refused"] == refused.value.code


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM entries",
        "SELECT d.* FROM disclosures d",
        "SELECT e FROM entries e",
        "SELECT COLUMNS(*) FROM disclosures",
        "SELECT COLUMNS('a.*') FROM disclosures",
        "SELECT COLUMNS('act.*') FROM disclosures",
        "SELECT count(*) AS n FROM disclosures GROUP BY ALL",
        "TABLE entries",
        "FROM entries",
        "SELECT t.* FROM (SELECT e AS x FROM entries e) t",
    ],
)
async def test_a_star_outside_a_case_shows_no_member_of_staff(made: Any, analyst: Analyst, text: str) -> None:
    names = {analyst.pseudonym(trail, said["actor"]) for trail, _, said in made.entries}
    try:
        table = (await ask_sql(made.folder, text, analyst)).table
    except StatementRefused:
        return
    assert "actor" not in table.column_names
    shown = str(table.to_pylist())
    assert "'actor'" not in shown
    assert not any(name in shown for name in names)


async def test_in_a_case_an_analyst_may_speak_of_one_member_of_staff(made: Any, analyst: Analyst) -> None:
    name = analyst.pseudonym(EU, 2)
    expected = sum(1 for trail, _, _, said in made.disclosures() if (trail, said["actor"]) == (EU, 2))
    text = f"SELECT count(*) AS n FROM disclosures WHERE actor = '{name}'"
    assert (await ask_sql(made.folder, text, with_case(analyst))).table.to_pylist() == [{"n": expected}]
    assert analyst.recorder.entries[-1]["case"] == "CASE-1"


async def test_a_question_about_many_subjects_counts_work_and_needs_a_case(made: Any, analyst: Analyst) -> None:
    many = Asked(subjects={EU: tuple(range(1, 80)), US: tuple(range(1, 80))})
    for name in ("overlap", "who-saw"):
        with pytest.raises(CaseNeeded, match="100 subjects"):
            await ask_named(made.folder, name, many, analyst)
        assert (await ask_named(made.folder, name, many, with_case(analyst))).table.num_rows


async def test_a_named_question_about_staff_needs_a_case(made: Any, analyst: Analyst) -> None:
    for name in ("seen-by", "actor-exposure", "actor-beneficiary"):
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
