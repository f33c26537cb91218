"""What a run of watch reads on a server: it is told the same, and finds the same files, when it is made again later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whosaw.app import watchqueries as queries
from whosaw.app.people import everybody
from whosaw.app.services import Services
from whosaw.app.watchexplainqueries import in_force
from whosaw.catalog import Watching
from whosaw.catalog.watching import STAFF
from whosaw.gate.approvalpeople import roles_of
from whosaw.store.numbers import assign, every_key, keys_of
from whosaw.terms import to_us

if TYPE_CHECKING:
    from whosaw.app.watchimported import LeftOut

HISTORY_DAYS = 364
"""So far back a run reads: the month under test, the quarter in which ties become normal, and forty weeks before, from
which it knows honest ties that nobody wrote down; half a year tells too few looks, and such ties looked like bribes."""


async def told_now(services: Services, until: datetime) -> dict[str, Any]:
    """Return what this run is told, as it is stored: a later replay is told the same."""
    watching = services.catalog.watch or Watching()
    rows = await everybody(services)
    numbers = await assign(services.db, "actor", rows)
    staff = {
        str(numbers[key]): [min(roles_of(row), default=""), *(_in_words(row.get(word)) for word in STAFF)]
        for key, row in rows.items()
    }
    return {
        "templates": {name: dict(said) for name, said in watching.templates.items()},
        "settings": {name: list(said) if isinstance(said, tuple) else said for name, said in watching.settings.items()},
        "since_us": to_us(until - timedelta(days=HISTORY_DAYS)),
        "until_us": to_us(until),
        "answers_before": until.isoformat(),
        "whole_asks": True,
        "still_open": True,
        "teams": True,
        "traits": "left out",
        "staff": dict(sorted(staff.items())),
        "mail_prints": await _mail_prints(services, until),
        "second": {kind: [list(side) for side in sides] for kind, sides in _decided_again(watching).items()},
    }


def _in_words(value: object) -> str:
    """Return a cell of the directory as a group's name: part-time work is often a flag."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _decided_again(watching: Watching) -> Mapping[str, tuple[Sequence[str], Sequence[str]]]:
    return watching.second.kinds if watching.second is not None else {}


async def _mail_prints(services: Services, until: datetime) -> list[tuple[str, str]]:
    """Return what sellers left behind in mails before the month under test: it may weigh them, so it may not know them.

    The run keeps it, for mails die in time and a later replay must weigh as this run did. It holds domains, hosts and
    numbers of templates, and no word of a mail.
    """
    from whosaw.app.watchsightings import mail_prints
    from whosaw.watch.settings import read_settings

    settings = read_settings((services.catalog.watch or Watching()).settings)
    found = await mail_prints(services, before=until - timedelta(days=settings.month_days))
    kinds = {purpose.beneficiary_kind for purpose in services.catalog.purposes.values()}
    return [(name, mark) for _, name, mark in found.rows if name.partition(":")[0] in kinds]


async def told_of(services: Services, told: Mapping[str, Any]) -> Any:
    """Return what a stored run was told, for the run itself and for its replay."""
    from whosaw.app.watchsecond import looks_to_decide
    from whosaw.app.watchwork import Told

    rows = await queries.answers_before(services.db, datetime.fromisoformat(told["answers_before"]))
    actors = await keys_of(services.db, "actor", [row[0] for row in rows])
    subjects = await keys_of(services.db, "subject", [row[1] for row in rows])
    answers = [
        (actors.get(actor, f"#{actor}"), subjects.get(subject, f"#{subject}"), int(at), shown > 1)
        for actor, subject, at, shown in rows
    ]
    tasks = await looks_to_decide(services, datetime.fromisoformat(told["answers_before"]))
    explained = await in_force(services.db, datetime.fromisoformat(told["answers_before"]))
    return Told(
        Watching(told["templates"], told["settings"]),
        int(told["until_us"]),
        answers,
        whole_asks=bool(told.get("whole_asks")),
        teams=bool(told.get("teams")),
        whole_staff="traits" not in told,
        tasks=tasks,
        explained=tuple((beneficiary, int(since), int(until)) for beneficiary, since, until in explained),
    )


@asynccontextmanager
async def run_files(services: Services, told: Mapping[str, Any]) -> AsyncIterator[tuple[Path, Any, LeftOut]]:
    """Yield the lake of a run, the files beside it, and which imported accesses are not in it."""
    from whosaw.app.watchlake import run_lake
    from whosaw.app.watchobserved import WatchFiles
    from whosaw.app.watchrecords import add_decisions, add_rows, write_canaries, write_csv, write_records
    from whosaw.app.watchsecond import decisions_of

    since_us, until_us = int(told["since_us"]), int(told["until_us"])
    keys = await every_key(services.db, "actor")
    still_open = bool(told.get("still_open"))
    async with run_lake(services, since_us, until_us, still_open=still_open) as (lake, left_out):
        staff = lake.parent / "staff.csv"
        named = ((keys.get(int(number), f"#{number}"), *words) for number, words in _staff_of(told).items())
        write_csv(staff, ("actor", "role", *STAFF), sorted(named))
        records = await write_records(services, lake.parent, until_us)
        if mails := told.get("mail_prints"):
            records["prints"] = add_rows(
                records.get("prints", lake.parent / "prints.csv"),
                ("side", "name", "print"),
                [("beneficiary", *row) for row in mails],
            )
        if made := await decisions_of(services, told):
            path = records.get("decisions", lake.parent / "decisions.csv")
            columns = ("actor", "at", "kind", "favourable", "beneficiary", "second")
            records["decisions"] = add_decisions(path, columns, made)
        canaries = await write_canaries(services, lake.parent, until_us)
        yield lake, WatchFiles(actors=staff, canaries=canaries, **records), left_out


def _staff_of(told: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return role and what else a run was told of each person, by number; runs of before knew the role alone."""
    if "staff" in told:
        return {number: [*words, *[""] * (1 + len(STAFF) - len(words))] for number, words in told["staff"].items()}
    return {number: [role, *("" for _ in STAFF)] for number, role in told["roles"].items()}
