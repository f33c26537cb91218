"""``whosaw watch explain|agree|withdraw|explanations``: what explains flagged looks though nobody recorded it then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from whosaw.app import watchexplaining
from whosaw.app.commands.acting import look, whose_token
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.app.watchdesk import check_reviewer
from whosaw.app.watchexplaining import Explanation, Recomputed


def explain(
    flag: str,
    /,
    *,
    because: str,
    since: Annotated[date | None, Parameter(name="--from")] = None,
    until: date | None = None,
    as_json: AsJson = False,
) -> int:
    """Declare what explains looks at the customers a flag is about, under one's own token; another has to agree.

    Args:
        flag: id of the flag.
        because: what happened, in a sentence: a recall, a letter to all of them.
        since: the first day (UTC); that of the flag's first look where left out.
        until: the last day; that of its last look where left out.
        as_json: print JSON.
    """

    async def work(services: Services) -> Explanation:
        by = await whose_token(services)
        return await watchexplaining.declare(services, flag, by=by, because=because, since=since, until=until)

    made = with_services(work)
    if as_json:
        print_json(made.told())
        return 0
    told = made.told()
    line = f"{made.id}: looks at customers of {made.beneficiary} from {told['from']} until {told['until']}"
    console().print(Text(f"{line}; it counts once another reviewer agrees: whosaw watch agree {made.id}"))
    return 0


def agree(number: int, /, *, as_json: AsJson = False) -> int:
    """Agree to what another reviewer declared, under one's own token; says what the flag would be with it.

    Args:
        number: of the explanation.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Explanation, Recomputed]:
        return await watchexplaining.agree(services, number, by=await whose_token(services))

    made, again = with_services(work)
    if as_json:
        print_json(made.told() | {"recomputed": asdict(again)})
        return 0
    out = console()
    out.print(Text(f"{made.id} counts from the next run on; it covers {again.looks} looks of {again.people} people"))
    now = again.tier_now if again.tier_now != "none" else "no flag"
    out.print(
        Text(f"flag {made.flag}, recomputed: {again.tier} at {again.evidence} becomes {now} at {again.evidence_now}")
    )
    return 0


def withdraw(number: int, /, *, as_json: AsJson = False) -> int:
    """Take an explanation back, under one's own token: from the next run on it explains nothing.

    Args:
        number: of the explanation.
        as_json: print JSON.
    """

    async def work(services: Services) -> Explanation:
        return await watchexplaining.withdraw(services, number, by=await whose_token(services))

    made = with_services(work)
    if as_json:
        print_json(made.told())
        return 0
    console().print(Text(f"{made.id} is withdrawn; the record keeps it"))
    return 0


def explanations(*, as_json: AsJson = False) -> int:
    """List what was declared to explain looks, and who agreed or took it back; the look is recorded.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Explanation]:
        await check_reviewer(services, await whose_token(services))
        await look(services, "look.watch", "explanations")
        return await watchexplaining.explanations(services)

    rows = [each.told() for each in with_services(work)]
    if as_json:
        print_json(rows)
        return 0
    names = ("explanation", "flag", "beneficiary", "from", "until", "because", "declared_by", "agreed_by", "state")
    lines = table(*(name.replace("_", " ") for name in names))
    for row in rows:
        lines.add_row(*(Text(str(row[name] or "")) for name in names))
    console().print(lines if rows else "nothing was declared")
    return 0
