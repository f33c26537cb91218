"""Analysts ask the lake, and are recorded: staff stand under pseudonyms, and are spoken of only in a case.

Outside a case there is no volume per member of staff to be had: the tables of SQL have no actor, questions that count
per actor are refused, and those about subjects take a few only, because who asks about ten thousand counts work.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from whosaw.lake.answers import DUCKDB, Answer, ask, grades_of
from whosaw.lake.duck import arrow, duck
from whosaw.lake.errors import CaseNeeded, EngineFailed, LakeError, StatementRefused
from whosaw.lake.lookover import Lookover, look_over
from whosaw.lake.named import Asked, question_of
from whosaw.lake.statement import ACTOR, Judged, judge
from whosaw.lake.trailrows import COLUMNS
from whosaw.prove import Payload
from whosaw.terms import Clock, to_us

MOST_ROWS = 100_000
LIMIT_S = 60.0
_RAW = "whosaw_raw_entries"
_HEX = 12
FEW_SUBJECTS = 100
"""Subjects that a question may be about outside a case."""


class Recorder(Protocol):
    """What appends to the trail: `whosaw.record.Appender`."""

    def append(self, payload: Payload) -> Awaitable[object]:
        """Record one entry; return when it is durable."""
        ...


@dataclass(frozen=True, slots=True)
class Analyst:
    """Who asks.

    Args:
        number: of the actor who asks.
        secret: of this lake, at least 16 bytes: without it a pseudonym cannot be led back to a number.
        recorder: appends what was asked.
        clock: dates it.
        case: reference of the case it is asked for, empty where there is none; whoever calls has checked it.
    """

    number: int
    secret: bytes
    recorder: Recorder
    clock: Clock
    case: str = ""

    def pseudonym(self, trail: str, actor: int) -> str:
        """Return the name under which an actor of a trail stands in answers, the same in every answer."""
        return "p-" + hmac.new(self.secret, f"{trail}#{actor}".encode(), sha256).hexdigest()[:_HEX]


async def ask_named(where: str | Path, name: str, asked: Asked, analyst: Analyst, engine: str = DUCKDB) -> Answer:
    """Ask a named question as an analyst; that it was asked is durable before the answer is returned.

    Raises:
        CaseNeeded: it is about members of staff, or about more than 100 subjects, and no case was named; recorded.
        LakeError: as in `whosaw.lake.answers.ask`.
        TrailUnavailable: it could not be recorded; nothing is answered.
    """
    text = f"{name} {sorted(asked.subjects.items())} {sorted(asked.actors.items())} {asked.since_us} {asked.until_us}"

    def work() -> Answer:
        if (question_of(name).of_actor or asked.actors) and not analyst.case:
            raise CaseNeeded(f"question `{name}` is about members of staff")
        if sum(len(set(numbers)) for numbers in asked.subjects.values()) > FEW_SUBJECTS and not analyst.case:
            raise CaseNeeded(f"outside a case a question is about {FEW_SUBJECTS} subjects at most")
        found = ask(where, name, asked, engine)
        return Answer(_hidden(found.table, analyst), found.grades, found.rejected, found.engine)

    return await _recorded(analyst, name, text, work)


async def ask_sql(where: str | Path, statement: str, analyst: Analyst, limit_s: float = LIMIT_S) -> Answer:
    """Run an analyst's SELECT over `entries`, `disclosures` and `classes`; recorded as in `ask_named`.

    Args:
        where: the lake.
        statement: one SELECT.
        analyst: who asks.
        limit_s: seconds until it is stopped.

    Raises:
        StatementRefused: it is something else, or would return more than 100,000 rows; recorded.
        CaseNeeded: it names the column `actor` and no case was named; recorded.
        EngineFailed: it took too long, or cannot be carried out.
        TrailUnavailable: it could not be recorded; nothing is answered.
    """

    def work() -> Answer:
        judged = judge(statement)
        if judged.of_actor and not analyst.case:
            raise CaseNeeded("the statement is about members of staff")
        look = look_over(where)
        table = _run(look, judged, analyst, limit_s)
        return Answer(table, grades_of(look), look.rejected(), DUCKDB)

    return await _recorded(analyst, "sql", statement, work)


async def _recorded(analyst: Analyst, name: str, text: str, work: Callable[[], Answer]) -> Answer:
    entry: Payload = {
        "kind": "lake_query",
        "at": to_us(analyst.clock.now()),
        "actor": analyst.number,
        "door": "console",
        "question": name[:60],
        "text_sha256": sha256(text.encode()).hexdigest(),
    }
    if analyst.case:
        entry["case"] = analyst.case
    try:
        found = await asyncio.to_thread(work)
    except LakeError as error:
        await analyst.recorder.append(entry | {"refused": error.code})
        raise
    await analyst.recorder.append(entry | {"rows": found.table.num_rows})
    return found


def _hidden(table: pa.Table, analyst: Analyst) -> pa.Table:
    """Return rows with pseudonyms in the place of actors."""
    if "actor" not in table.column_names:
        return table
    names = [
        None if actor is None else analyst.pseudonym(trail, actor)
        for trail, actor in zip(table["trail"].to_pylist(), table["actor"].to_pylist(), strict=True)
    ]
    return table.set_column(table.column_names.index("actor"), "actor", pa.array(names, pa.string()))


def _run(look: Lookover, judged: Judged, analyst: Analyst, limit_s: float) -> pa.Table:
    with duck(look, entries=_RAW) as connection:
        _hide(connection, analyst)
        timer = threading.Timer(limit_s, connection.interrupt)
        timer.start()
        try:
            connection.execute(f"SELECT * FROM ({judged.text.strip().rstrip(';')}) LIMIT {MOST_ROWS + 1}")
            table = arrow(connection)
        except duckdb.InterruptException as error:
            raise EngineFailed(f"the statement did not end within {limit_s:g} s") from error
        except (duckdb.ProgrammingError, duckdb.DataError, duckdb.PermissionException) as error:
            raise StatementRefused("the statement cannot be carried out: check its columns and types") from error
        finally:
            timer.cancel()
    if table.num_rows > MOST_ROWS:
        raise StatementRefused(f"an answer has at most {MOST_ROWS} rows")
    return table


def _hide(connection: duckdb.DuckDBPyConnection, analyst: Analyst) -> None:
    """Make the tables that analysts see: pseudonyms instead of actors in a case, outside it nothing about actors."""
    names = [*COLUMNS.names, "grade"]
    if analyst.case:
        _name_actors(connection, analyst)
        columns = ", ".join("w.pseudonym AS actor" if name == ACTOR else f"r.{name}" for name in names)
        rows = f"{_RAW} r LEFT JOIN whosaw_actors w ON w.trail = r.trail AND w.actor = r.actor"
    else:
        columns, rows = ", ".join(name for name in names if name != ACTOR), _RAW
    connection.execute(f"CREATE TEMP VIEW entries AS SELECT {columns} FROM {rows}")
    connection.execute("CREATE TEMP VIEW disclosures AS SELECT * FROM entries WHERE shown AND subject IS NOT NULL")


def _name_actors(connection: duckdb.DuckDBPyConnection, analyst: Analyst) -> None:
    connection.execute(f"SELECT DISTINCT trail, actor FROM {_RAW} WHERE actor IS NOT NULL")
    known = arrow(connection)
    names = [analyst.pseudonym(*each) for each in zip(*(known[n].to_pylist() for n in ("trail", "actor")), strict=True)]
    connection.register("whosaw_actors_given", known.append_column("pseudonym", pa.array(names, pa.string())))
    connection.execute("CREATE TEMP TABLE whosaw_actors AS SELECT * FROM whosaw_actors_given")
    with suppress(duckdb.Error):
        connection.unregister("whosaw_actors_given")
