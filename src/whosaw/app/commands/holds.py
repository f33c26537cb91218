"""``whosaw hold add|lift|list``: keep what a court, an authority or a claim needs, whoever asks for its erasure."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date
from typing import ClassVar

from rich.text import Text

from whosaw.app.commands.hidden import hidden
from whosaw.app.commands.opened import AsJson, number_of, operators_number, person, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.record.hold import Hold, Holds
from whosaw.store.numbers import keys_of

_CASE = re.compile(r"CASE-\d+")


class FieldUnknown(AppError, ValueError):
    """A hold names a field that the catalog does not have."""

    code: ClassVar[str] = "app.field_unknown"
    hint = "`whosaw check` lists the fields"


def add(who: str, /, *, ground: str, review: date, fields: str = "") -> int:
    """Hold everything about a subject, or everything a member of staff did; recorded.

    Args:
        who: as C-000017, customer:C-000017 or actor:E-0417.
        ground: why; whoever asks for an erasure is told, and it stands in the record.
        review: the day by which the hold must be looked at again, as 2026-09-01.
        fields: of the company's own tables, that the ground needs, as customer.email,customer.name; all where left out.
    """
    asked = person(who)

    async def work(services: Services) -> None:
        number, by = await number_of(services.db, asked), await operators_number(services.db)
        needed = _fields(services, fields)
        await _holds(services).add(asked[0], number, ground=ground, review_on=review, by=by, fields=needed)

    with_services(work)
    console().print(Text(f"held until it is lifted, to be reviewed on {review}"))
    return 0


def narrow(who: str, /, *, fields: str) -> int:
    """Let a hold need these fields of the company's own tables and no others; recorded.

    Args:
        who: as C-000017 or customer:C-000017.
        fields: as customer.email,customer.name.
    """
    asked = person(who)

    async def work(services: Services) -> None:
        number, by = await number_of(services.db, asked), await operators_number(services.db)
        await _holds(services).narrow(asked[0], number, fields=_fields(services, fields, needed=True), by=by)

    with_services(work)
    console().print(Text("the hold needs these fields and no others; what the record holds stays held"))
    return 0


def lift(who: str, /, *, reason: str) -> int:
    """Lift a hold; recorded.

    Args:
        who: as C-000017, customer:C-000017 or actor:E-0417.
        reason: why; stands in the record.
    """
    asked = person(who)

    async def work(services: Services) -> str:
        number, by = await number_of(services.db, asked), await operators_number(services.db)
        waiting = await _holds(services).lift(asked[0], number, reason=reason, by=by)
        return f"; an erasure was asked for on {waiting:%Y-%m-%d}: whosaw erase" if waiting else ""

    console().print(Text(f"the hold is lifted{with_services(work)}"))
    return 0


def list_(*, as_json: AsJson = False) -> int:
    """List the standing holds, the next to review first.

    Under one's own token those for a case that one may not see are left out; staff held for a case stand as numbers.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> list[tuple[Hold, str]]:
        standing = await _holds(services).standing()
        unseen = await hidden(services, (each.ground for each in standing))
        holds = [each for each in standing if each.ground not in unseen]
        numbered = services.settings.token is not None  # who a case is about takes two to unmask
        subjects = await keys_of(services.db, "subject", [each.number for each in holds if each.space == "subject"])
        actors = await keys_of(services.db, "actor", [each.number for each in holds if each.space == "actor"])
        names = {"subject": subjects, "actor": {number: f"actor:{key}" for number, key in actors.items()}}
        return [
            (
                each,
                f"actor #{each.number}"
                if numbered and each.space == "actor" and _CASE.fullmatch(each.ground)
                else names[each.space].get(each.number, f"number {each.number}"),
            )
            for each in holds
        ]

    found = with_services(work)
    if as_json:
        print_json([{"who": who, **asdict(hold)} for hold, who in found])
        return 0
    lines = table("who", "ground", "review by", "since", "erasure asked for")
    for hold, who in found:
        asked_at = f"{hold.erasure_asked_at:%Y-%m-%d}" if hold.erasure_asked_at else ""
        cells = (who, hold.ground, str(hold.review_on), f"{hold.added_at:%Y-%m-%d}", asked_at)
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "no hold stands")
    return 0


def _fields(services: Services, text: str, *, needed: bool = False) -> frozenset[str]:
    named = frozenset(part.strip() for part in text.split(",") if part.strip())
    known = services.catalog.fields
    if wrong := sorted(named - known.keys()):
        raise FieldUnknown(f"the catalog has no field `{wrong[0][:60]}`")
    if needed and not named:
        raise FieldUnknown("no field is named")
    return named


def _holds(services: Services) -> Holds:
    return Holds(services.db, services.appender, services.clock)
