"""``whosaw erase``: let what the record holds about a person die, and say what others still hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import ClassVar

from rich.text import Text

from whosaw.app.commands.opened import AsJson, Flag, Space, UnknownPerson, operators_number, person, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.erasequeries import is_staff
from whosaw.app.erasereport import Remains, remains_of_actor, remains_of_subject
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.record.erasure import Erased, Mandate, erase_actor, erase_subject, resume, rewrite, sweep
from whosaw.store.numbers import assign, find
from whosaw.terms import SubjectRef


class NoReason(AppError, ValueError):
    """Nothing was asked for: neither an erasure with its reason nor a report."""

    code: ClassVar[str] = "app.no_reason"
    hint = "give --reason TEXT to erase, or --report alone to see what is held and change nothing"


def erase(
    who: str, /, *, reason: str = "", report: Flag = False, rewrite_files: Flag = False, as_json: AsJson = False
) -> int:
    """Erase what the record holds about a person; the leaves stay, so that every proof still verifies.

    Without --reason and with --report nothing is erased: it only says what is held, and where.

    Args:
        who: the subject's key, as C-000017 or customer:C-000017; staff as actor:E-0417.
        reason: on what ground, in words that name nobody; stands in the record for ever.
        report: say what the company's own systems and whosaw's tables still hold. Places, no values.
        rewrite_files: write whosaw's tables anew, so that no file holds the bytes; nothing is recorded meanwhile.
        as_json: print JSON.
    """
    if not reason and not report:
        raise NoReason("neither --reason nor --report was given")
    asked = person(who)

    async def work(services: Services) -> tuple[Erased | None, Remains | None]:
        number = await find(services.db, *asked)
        done = await _erase(services, asked, number, reason) if reason else None
        if rewrite_files:
            await rewrite(services.db)
        return done, await _remains(services, asked, number) if report else None

    done, remains = with_services(work)
    if as_json:
        print_json({"erased": asdict(done) if done else None, "remains": asdict(remains) if remains else None})
    else:
        _print(done, remains)
    return 0


async def _erase(services: Services, asked: tuple[Space, str], number: int | None, reason: str) -> Erased:
    by = await operators_number(services.db)
    if number is None and asked[0] == "actor" and await is_staff(services.db, asked[1]):
        number = (await assign(services.db, "actor", [asked[1]]))[asked[1]]  # known, and never in an entry so far
    if number is None:
        raise UnknownPerson("the record has no number for this key: nothing leads from an entry to it")
    carry_out = erase_subject if asked[0] == "subject" else erase_actor
    done = await carry_out(services.db, services.appender, services.clock, number, Mandate(by, reason))
    await resume(services.db, services.appender)
    await sweep(services.db, services.appender, services.clock, by)
    return done


async def _remains(services: Services, asked: tuple[Space, str], number: int | None) -> Remains:
    if asked[0] == "actor":
        return await remains_of_actor(services, asked[1], number)
    return await remains_of_subject(services, SubjectRef.parse(asked[1]), number)


def _print(done: Erased | None, remains: Remains | None) -> None:
    out = console()
    if done is not None:
        entries = "1 entry" if done.entries == 1 else f"{done.entries} entries"
        out.print(Text(f"erased: payload and salt of {entries}, and what led to the person; announced as {done.entry}"))
    if remains is None:
        return
    columns = table("source", "table", "column", "the person's row", title="the company's own systems")
    for each in remains.company:
        held = {True: "is there", False: "is not there", None: "unknown: no answer"}[each.held]
        columns.add_row(each.source, each.table, each.column, held)
    out.print(columns if remains.company else "the catalog names no table for this kind of person")
    for place, count in remains.own.items():
        out.print(Text(f"whosaw still holds: {count} {place}"))
    if remains.bundles:
        out.print(Text(f"evidence bundles made so far: {remains.bundles}; what they show was handed out"))
    for note in remains.notes:
        out.print(Text(f"note: {note}", style="dim"))
