"""From a world with a list to what `whosaw trace --found` reads: files, arrays, and the lake with the log's queries."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from adapter import Attribution, Rung, Settings, np

from whosaw.app import foundlist, foundsources
from whosaw.app.foundbeside import beside_complaints
from whosaw.app.foundlist import Given, Weighed, weigh_list, with_list
from whosaw.app.foundrows import log_queries
from whosaw.app.posing import Question, pose
from whosaw.app.traceduties import Duty, Row
from whosaw.lake.completeness import Completeness
from whosaw.lake.exposure import Exposure
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.routes import Routes
from whosaw.lake.sightings import Complaints, Sighting
from whosaw.terms import from_us
from whosaw.trace import build_index, rank
from whosaw.trace.explained import HAND_OVER
from whosaw.trace.fingerprint import plain
from whosaw.trace.inputs import Int64
from worlds.lists import World

CONFIRMED = (Rung.LEAD, Rung.FINDING)
KEY = "Customer"
_UNKNOWN = Completeness(("trail",), 1, 0, 1, 0, 0.0, 0, None, None)
_COLUMNS = {name: name for name in ("actor", "subject", "at")}


def make_lake(worlds: Sequence[World], folder: Path) -> Path:
    """Import openings of several worlds as one log, each with references of its own; return the lake.

    It is asked for queries alone: accounts that asked for nothing in bulk, most of them, are left out of it.

    Args:
        worlds: by their places, which stand before each reference.
        folder: an empty one.
    """
    log = folder / "log.csv"
    with log.open("w", encoding="utf-8") as lines:
        lines.write("actor,subject,at\n")
        for at, world in enumerate(worlds):
            case = world.case
            some = np.isin(case.actor, [asked.actor for asked in world.asked])
            rows = zip(*(column[some].tolist() for column in (case.actor, case.customer, case.at_us)), strict=True)
            lines.writelines(f"w{at}:a{actor},w{at}:C-{customer},{us}\n" for actor, customer, us in rows)
    mapping = read_mapping({"kind": "accesses", "columns": _COLUMNS, "time": {"format": "epoch_us"}})
    import_log(log, mapping, folder / "lake")
    return folder / "lake"


def exposure_of(world: World, at: int, *, routed: bool) -> Exposure:
    """Return the arrays of a world as a lake would give them.

    Args:
        world: whose.
        at: its place, which stands before its references.
        routed: orders say the region.
    """
    case = world.case
    nowhere = np.full(case.region.size, -1)
    routes = Routes(case.region, case.ordered_us, nowhere, np.zeros_like(nowhere)) if routed else Routes()
    return Exposure(
        actor=case.actor,
        subject=case.customer,
        at_us=case.at_us,
        irregular=case.irregular,
        has_reasons=True,
        entered_us=case.ordered_us,
        entered_by="orders",
        work_subject=case.ticket_customer,
        work_at_us=case.ticket_at_us,
        work_in_context=case.ticket_mine,
        actors=tuple(f"w{at}:a{actor}" for actor in range(case.staff.count)),
        subjects=tuple(f"w{at}:C-{customer}" for customer in range(case.ordered_us.size)),
        service=case.staff.service,
        own_trail=True,
        completeness=_UNKNOWN,
        routes=routes,
    )


def pose_world(world: World, exposure: Exposure, complaints: int) -> Question:
    """Return the question of the first so many complaints, with the duty that somebody may know of."""
    case = world.case
    sightings = tuple(
        Sighting(exposure.subjects[customer], us)
        for customer, us in zip(
            case.complainer[:complaints].tolist(), case.contact_us[:complaints].tolist(), strict=True
        )
    )
    duties = []
    if world.heir >= 0:
        rows = tuple(Row(exposure.subjects[customer], world.since_us) for customer in world.reviewed.tolist())
        of = exposure.actors[world.before] if world.before >= 0 else "review"
        duties = [Duty(exposure.actors[world.heir], HAND_OVER, of, rows or (Row(since_us=world.since_us),))]
    return pose(exposure, Complaints(sightings, 0, 0, None), duties=duties)


def write_files(world: World, rows: Int64, at: int, folder: Path) -> Given:
    """Write a list as a dealer would sell it: columns of his own, in small letters; and the exports that were kept.

    Args:
        world: whose.
        rows: customers of the list, -1 for a stranger, -2 - n for the n-th invented person.
        at: the world's place.
        folder: where to.
    """
    sample = folder / f"found-{at}.csv"
    with sample.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["E-Mail", KEY, "NAME"])
        for place, customer in enumerate(rows.tolist()):
            reference, name, address = _stranger(place) if customer == -1 else _person(customer)
            writer.writerow([address, reference.lower(), name.lower()])
    exports = folder / f"exports-{at}.csv" if world.exports else None
    if exports is not None and not exports.exists():
        lines_of = ["reference,actor,file,seeds,at"]
        for n, asked in enumerate(world.asked):
            _write(folder / f"export-{at}-{n}.csv", asked.customers.tolist())
            seeds = f"seeds-{at}-{n}.csv" if asked.seeds else ""
            if seeds:
                _write(folder / seeds, [-2 - each for each in range(asked.seeds)])
            made = from_us(int(asked.day * 86_400_000_000)).isoformat()
            lines_of.append(f"x{n},w{at}:a{asked.actor},export-{at}-{n}.csv,{seeds},{made}")
        exports.write_text("\n".join(lines_of) + "\n", encoding="utf-8")
    return Given(sample, world.found_us, exports, None, KEY, f"w{at}:")


def weigh(given: Given, lake: Path, question: Question, bare: Attribution) -> tuple[Weighed, Question]:
    """Return what a list is worth beside the complaints, and the question with it; `bare`: the answer without."""
    weighed = beside_complaints(weigh_list(given, lake, question, {}), bare, question.exposure.actors)
    return weighed, replace(question, marks=with_list(question.marks, weighed, question.exposure.actors))


def answer(question: Question) -> Attribution:
    """Answer a question as `whosaw trace` does, without what it prints besides."""
    index = build_index(question.accesses, question.actors, question.population.entered_us.size)
    settings = Settings(complete=True)
    return rank(index, question.population, question.sightings, settings, marks=question.marks, duties=question.duties)


def _person(customer: int) -> tuple[str, str, str]:
    """Return reference, name and address; whose number is below -1 is invented."""
    reference = f"C-{customer}" if customer >= 0 else f"S-{-customer}"
    return reference, f"Person {reference}", f"{reference}@example.org"


def _stranger(place: int) -> tuple[str, str, str]:
    return f"X-{place}", f"Stranger {place}", f"x{place}@example.net"


def _write(path: Path, customers: Sequence[int]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["customer", "name", "email"])
        writer.writerows(_person(customer) for customer in customers)


@lru_cache(maxsize=2)
def _all_queries(lake: Path) -> list[tuple[str, str, list[str], int]]:
    return log_queries(lake)


def _queries(lake: Path, subjects: Sequence[str], until_us: int) -> list[tuple[str, str, list[str], int]]:
    """Return the queries of one world before a moment: those of its other accounts hold nothing of the list."""
    world = subjects[0].split(":")[0] + ":" if subjects else "?"
    return [row for row in _all_queries(lake) if row[1].startswith(world) and row[3] < until_us]


def read_once() -> None:
    """Let what does not hang on the complaints be read once: the log's queries, kept exports, names re-typed."""
    foundsources.log_queries = _queries
    foundlist.kept_exports = lru_cache(maxsize=2)(foundsources.kept_exports)
    foundlist.plain = lru_cache(maxsize=1 << 18)(plain)


__all__ = ["CONFIRMED", "answer", "exposure_of", "make_lake", "np", "pose_world", "read_once", "weigh", "write_files"]
