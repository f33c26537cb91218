"""``whosaw lake query|export|verify``: the record as data."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.casecautionqueries import is_open
from whosaw.app.clocks import clock_of
from whosaw.app.commands.opened import AsJson, Flag, Outcome, UnknownPerson, operators_number, person
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.commands.who import time_of
from whosaw.app.errors import AppError
from whosaw.app.services import own_database
from whosaw.app.settings import Settings
from whosaw.app.trustfile import trail_key
from whosaw.catalog import load
from whosaw.lake.analysts import Analyst, ask_named, ask_sql
from whosaw.lake.answers import DUCKDB, Answer, ask, numbers_in, save
from whosaw.lake.errors import SubjectUnknown
from whosaw.lake.flow import Exported
from whosaw.lake.flow import export as export_trail
from whosaw.lake.flow import follow as follow_trail
from whosaw.lake.lookover import look_over
from whosaw.lake.named import QUESTIONS, Asked
from whosaw.lake.ocsf import export_ocsf
from whosaw.lake.ocsfstream import FileSink, PipeSink, stream_ocsf
from whosaw.lake.trailread import Trail
from whosaw.lake.verify import verify_lake
from whosaw.record import Appender, load_or_create
from whosaw.store import Database
from whosaw.store.numbers import find
from whosaw.terms import to_us

_PRINTED_ROWS = 200
_Names = Annotated[tuple[str, ...], Parameter(negative="")]


class CaseUnknown(AppError, LookupError):
    """No open case has this reference."""

    code: ClassVar[str] = "app.case_unknown"
    hint = "write the reference of an open case, for example CASE-1"


class NothingAsked(AppError, ValueError):
    """Neither a question nor a statement was given, or both."""

    code: ClassVar[str] = "app.nothing_asked"
    hint = "name one question, or give one statement with --sql"


def query(
    name: str = "",
    /,
    *,
    lake: str = "",
    sql: str = "",
    subject: _Names = (),
    actor: _Names = (),
    since: str = "",
    until: str = "",
    least: int = 100,
    case: str = "",
    engine: str = DUCKDB,
    out: Path | None = None,
    as_json: AsJson = False,
) -> int:
    """Ask the lake a named question, or run a SELECT over it; without either, list the questions.

    Questions to a lake that holds a trail are recorded, show pseudonyms of staff, and need a case where they are about
    one member of staff. A lake of imported logs alone answers in the logs' numbers.

    Args:
        name: of the question.
        lake: path or URL; the server's own lake where absent.
        sql: one SELECT over `entries`, `disclosures` and `classes`.
        subject: whom it is about, as C-000017 or customer:C-000017; `TRAIL#17` names a number of another trail.
        actor: a member of staff by key, or as `TRAIL#7`.
        since: leave out what was before this time.
        until: leave out what was from this time on.
        least: subjects from which an entry counts as a big export.
        case: the open case it is asked for.
        engine: `duckdb`, or a Spark master as local[*] or spark://HOST:PORT.
        out: write the rows to this file (.csv, .parquet, .json) instead.
        as_json: print JSON.
    """
    if not name and not sql:
        _list()
        return 0
    if name and sql:
        raise NothingAsked("a question and a statement were given at once")
    settings = Settings()
    where = lake or str(settings.state / "lake")
    bounds = (to_us(time_of(since)) if since else None, to_us(time_of(until)) if until else None)
    if look_over(where).trails:
        people = (subject, actor)

        async def work(trail: Trail, analyst: Callable[[str], Awaitable[Analyst]]) -> Answer:
            who = await analyst(case)
            if sql:
                return await ask_sql(where, sql, who)
            subjects, actors = [await _numbers(trail, kind, names) for kind, names in zip(_KINDS, people, strict=True)]
            return await ask_named(where, name, Asked(subjects, actors, bounds[0], bounds[1], least), who, engine)

        found = _with_trail(settings, work)
    else:
        if sql:
            raise NothingAsked("SQL is for lakes that hold a trail", hint="ask this lake a question by its name")
        subjects, actors = (
            numbers_in(where, kind, list(names)) if names else {}
            for kind, names in zip(_KINDS, (subject, actor), strict=True)
        )
        found = ask(where, name, Asked(subjects, actors, *bounds, least=least), engine)
    if out is not None:
        save(found.table, out)
    elif as_json:
        rows = found.table.to_pylist()
        print_json({"rows": rows, "grades": found.grades, "rejected": found.rejected, "engine": found.engine})
    else:
        _print(found)
    return 0


def export(
    *, lake: str = "", follow: Flag = False, ocsf: Path | None = None, after: int = -1, as_json: AsJson = False
) -> int:
    """Bring what was signed into the lake as Parquet, exactly once; erased entries leave it.

    Args:
        lake: path or URL; the server's own lake where absent.
        follow: go on with what comes, until interrupted.
        ocsf: write the lake's entries as OCSF events into this folder instead; with --follow it is a file, or - for
            standard output, that gets the events of every signed entry once, as they come.
        after: with --ocsf - --follow, the entry whose events were the last to be read.
        as_json: print JSON.
    """
    settings = Settings()
    where = lake or str(settings.state / "lake")
    if ocsf is not None and follow:
        return _stream(settings, where, ocsf, after + 1)
    if ocsf is not None:
        written = export_ocsf(where, ocsf)
        if as_json:
            print_json(written)
        else:
            for name, count in written.items():
                console().print(Text(f"{count:,} events: {ocsf / name}"))
        return 0

    def told(done: Exported) -> None:
        if as_json:
            print_json({"entries": done.entries, "rows": done.rows, "blanked": done.blanked, "end": done.end})
            return
        line = f"{done.entries:,} entries, {done.rows:,} rows; the lake holds {done.end:,} entries"
        console().print(Text(line + (f"; {done.blanked:,} rows of erased entries removed" if done.blanked else "")))

    async def work(trail: Trail, _: object) -> None:
        classes = field_classes(settings)
        if follow:
            await follow_trail(trail, where, classes, told=told)
        told(await export_trail(trail, where, classes))

    _with_trail(settings, work)
    return 0


def _stream(settings: Settings, where: str, target: Path, first: int) -> int:
    async def work(trail: Trail, _: object) -> None:
        if str(target) == "-":
            await stream_ocsf(trail, where, PipeSink(first))
        with FileSink(target) as sink:
            await stream_ocsf(trail, where, sink)

    _with_trail(settings, work)
    return 0


def verify(*, lake: str = "", as_json: AsJson = False) -> int:
    """Prove every row of the lake against the trail; 0 where all is right, 1 where something is not.

    Args:
        lake: path or URL; the server's own lake where absent.
        as_json: print JSON.
    """
    settings = Settings()
    where = lake or str(settings.state / "lake")

    async def work(trail: Trail, _: object) -> Any:
        return await verify_lake(trail, where)

    report = _with_trail(settings, work)
    if as_json:
        found = [{"kind": f.kind, "file": f.file, "entry": f.entry, "text": f.text} for f in report.findings]
        told = {"origin": report.origin, "entries": report.entries, "rows": report.rows, "files": report.files}
        print_json(told | {"findings": found})
    else:
        out = console()
        out.print(Text(f"{report.origin}: {report.entries:,} entries, {report.rows:,} rows in {report.files:,} files"))
        for finding in report.findings:
            out.print(Text(f"{finding.kind}: {finding.text}", style="bold red"))
        if not report.findings:
            out.print("every row is what the trail makes of it, and the trail is what was signed")
    return 1 if report.findings else 0


def field_classes(settings: Settings) -> dict[str, str] | None:
    """Return field → class as the catalog says now, None where there is no catalog here."""
    if not settings.catalog_path.exists():
        return None
    return load(settings.catalog_path).field_classes


_KINDS = ("subject", "actor")


async def _numbers(trail: Trail, kind: str, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return by trail the numbers of people named on the command line."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for name in names:
        origin, hash_, digits = name.rpartition("#")
        if hash_ and digits.isdigit():
            found[origin or trail.origin].append(int(digits))
            continue
        key = person(name)[1] if kind == "subject" else name.removeprefix("actor:")
        number = await find(trail.db, "subject" if kind == "subject" else "actor", key)
        if number is None:
            raise UnknownPerson(f"the record knows no {kind} of this key")
        found[trail.origin].append(number)
    return {origin: tuple(numbers) for origin, numbers in found.items()}


def _with_trail(
    settings: Settings, work: Callable[[Trail, Callable[[str], Awaitable[Analyst]]], Awaitable[Outcome]]
) -> Outcome:
    """Open the server's own trail, do `work` with it and with who may be recorded as asking, and close it again."""
    key = trail_key(settings.keys_folder)  # first: where there is no trail, no database is made to say so
    clock = clock_of(settings)

    async def go(url: str) -> Outcome:
        keys = load_or_create(settings.keys_folder, clock)
        async with Database(url, pool_size=3) as db, Appender(db, keys, clock) as appender:

            async def analyst(case: str) -> Analyst:
                if case and not await _is_open(db, case):
                    raise CaseUnknown(f"no open case `{case[:40]}`")
                number = await operators_number(db)
                return Analyst(number, pseudonym_secret(settings.keys_folder), appender, clock, case)

            return await work(Trail(db, settings.trail_folder, key), analyst)

    with own_database(settings) as url:
        return asyncio.run(go(url))


async def _is_open(db: Database, case: str) -> bool:
    async with db.connection() as conn:
        return await is_open(conn, case)


def pseudonym_secret(folder: Path) -> bytes:
    """Return the secret behind pseudonyms, made (0600) where there is none."""
    path = folder / "pseudonym.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return bytes.fromhex(path.read_text())


def _list() -> None:
    lines = table("question", "answers", "about", title="questions")
    for name, question in QUESTIONS.items():
        lines.add_row(name, question.title, question.needs + (", in a case" if question.of_actor else ""))
    console().print(lines)


def _print(found: Answer) -> None:
    out = console()
    lines = table(*found.table.column_names)
    for row in found.table.slice(0, _PRINTED_ROWS).to_pylist():
        lines.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    out.print(lines)
    more = found.table.num_rows - _PRINTED_ROWS
    if more > 0:
        out.print(Text(f"and {more:,} more rows; --out FILE writes all"))
    grade = "imported logs, which others wrote" if "imported" in found.grades else "the trail"
    lost = f"; {found.rejected:,} rows of logs could not be used" if found.rejected else ""
    out.print(Text(f"{found.table.num_rows:,} rows; the weakest record they rest on: {grade}{lost}", style="dim"))


__all__ = ["SubjectUnknown", "export", "query", "verify"]
