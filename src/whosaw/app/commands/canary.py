"""``whosaw canary plan|add|list|retire|hits``: persons who do not exist, whose data only a leak can spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from whosaw.app.canaries import Canaries, Canary, Opening
from whosaw.app.commands.acting import look, who_looks
from whosaw.app.commands.mail import told
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.maildoor import hits_of
from whosaw.app.services import Services
from whosaw.doors.mail.hits import Hit
from whosaw.store.numbers import keys_of
from whosaw.terms import SubjectRef
from whosaw.watch.canaries import Place, PlanImpossible, Planned, Suspected
from whosaw.watch.canaries import plan as planned


def plan(
    *places: str,
    taken: int,
    used: float = 1.0,
    power: float = 0.9,
    innocent: float = 0.0,
    as_json: AsJson = False,
) -> int:
    """Say how many canaries each place needs, and what a touch is worth.

    Args:
        places: NAME=PEOPLE: a queue, a seller, a region, and how many persons somebody sees there.
        taken: persons that are suspected to be copied there.
        used: share of the copied who are written to.
        power: probability with which such a theft is to be noticed.
        innocent: rate at which innocent work touches a canary meanwhile, where it was measured.
        as_json: print JSON.
    """
    found = planned([_place(each) for each in places], Suspected(taken, used, innocent), power)
    if as_json:
        print_json([_planned(each) for each in found])
        return 0
    lines = table("place", "people", "canaries", "power", "evidence of a touch", "")
    for each in found:
        cells = (each.place.name, f"{each.place.people:,}", f"{each.canaries:,}", f"{each.power:.1%}")
        note = "so many may be noticed" if each.shows else ""
        lines.add_row(*(Text(cell) for cell in (*cells, f"{each.evidence:,.0f} : 1", note)))
    console().print(lines)
    return 0


def add(subject: str, /, *, place: str, like: str = "", as_json: AsJson = False) -> int:
    """Make a canary of a person whom the company creates; prints the address to give to that person, once.

    Args:
        subject: customer:C-000017.
        place: where it stands, as in the plan.
        like: what the address begins with: anna.berg.
        as_json: print JSON.
    """

    async def work(services: Services) -> str:
        by = await who_looks(services)
        return await Canaries(services).add(SubjectRef.parse(subject), place, by=by, like=like)

    address = with_services(work)
    if as_json:
        print_json({"subject": subject, "place": place, "address": address})
        return 0
    console().print(f"write this address into the person's record, as a customer would; it is shown once:\n{address}")
    return 0


def list_(*, keys: Flag = False, as_json: AsJson = False) -> int:
    """List the canaries as numbers; the look is recorded.

    Args:
        keys: name the persons too: for lists of whom nobody bills or writes to.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Sequence[Canary], dict[int, str]]:
        await look(services, "look.canaries", "canary:keys" if keys else "canary:all")
        found = await Canaries(services).list()
        named = await keys_of(services.db, "subject", [each.subject for each in found]) if keys else {}
        return found, named

    found, named = with_services(work)
    if as_json:
        print_json([{**_canary(each), **({"key": named.get(each.subject)} if keys else {})} for each in found])
        return 0
    lines = table("canary", "place", "added", "planted", "")
    for each in found:
        state = f"retired {each.retired_at:%Y-%m-%d}" if each.retired_at else ""
        name = named.get(each.subject, str(each.subject))
        cells = (name, each.place, f"{each.added_at:%Y-%m-%d}", "yes" if each.planted else "not yet", state)
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "there is no canary")
    return 0


def retire(subject: str, /, *, as_json: AsJson = False) -> int:
    """End a canary: what touches it from now on is no hit.

    Args:
        subject: customer:C-000017.
        as_json: print JSON.
    """

    async def work(services: Services) -> None:
        await Canaries(services).retire(SubjectRef.parse(subject))

    with_services(work)
    if as_json:
        print_json({"subject": subject, "retired": True})
        return 0
    console().print("retired")
    return 0


def hits(*, as_json: AsJson = False) -> int:
    """List what touched canaries, and which disclosures could have spread each; the look is recorded.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> dict[str, Any]:
        await look(services, "look.canary_hits", "canary:hits")
        canaries = Canaries(services)
        await canaries.alarm()
        mails: list[tuple[Hit, Sequence[Opening]]] = [
            (hit, await canaries.spread(hit.subject, hit.at)) for hit in await hits_of(services).list("canary")
        ]
        return {"mail": mails, "touches": await canaries.touches()}

    found = with_services(work)
    if as_json:
        print_json(
            {
                "mail": [{**told(hit), "could_have_spread": [_open(o) for o in way]} for hit, way in found["mail"]],
                "touches": [{"subject": subject, **_open(o)} for subject, o in found["touches"]],
            }
        )
        return 0
    out = console()
    for hit, way in found["mail"]:
        said = f"{hit.at:%Y-%m-%d %H:%M} mail from {hit.sender_domain} (signature: {hit.dkim}), sighting {hit.sighting}"
        entries = ", ".join(f"entry {each.entry} (staff number {each.actor})" for each in way)
        out.print(Text(f"{said}\n  could have spread it: {entries or 'no disclosure; it left by another way'}"))
    for _, opening in found["touches"]:
        out.print(Text(f"{opening.at:%Y-%m-%d %H:%M} {opening.kind} without work, entry {opening.entry}"))
    if not found["mail"] and not found["touches"]:
        out.print("nothing touched a canary")
    return 0


def _place(text: str) -> Place:
    name, _, people = text.rpartition("=")
    if not name or not people.isdigit() or not 0 < int(people) < 10**9:
        raise PlanImpossible(f"`{text[:80]}` is not NAME=PEOPLE")
    return Place(name, int(people))


def _planned(each: Planned) -> dict[str, object]:
    return {
        "place": each.place.name,
        "people": each.place.people,
        "canaries": each.canaries,
        "power": each.power,
        "share": each.share,
        "evidence": each.evidence,
        "shows": each.shows,
    }


def _canary(each: Canary) -> dict[str, object]:
    return {
        "subject": each.subject,
        "place": each.place,
        "added_at": each.added_at,
        "retired_at": each.retired_at,
        "planted": each.planted,
    }


def _open(each: Opening) -> dict[str, object]:
    return {
        "entry": each.entry,
        "at": each.at,
        "actor": each.actor,
        "kind": each.kind,
        "verified": each.verified,
        "door": each.door,
    }
