"""``whosaw grant propose|confirm|withdraw|functions``: functions beside the directory, which two people sign."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from whosaw.app.commands.acting import look, who_looks, whose_token
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.people import functions_of
from whosaw.app.services import Services
from whosaw.gate.grantsfunctions import Assignment


def propose(actor: str, function: str, /) -> int:
    """Propose, under one's own token, that somebody else has a function; a third person confirms it.

    Args:
        actor: the staff key.
        function: as [grants] or [break_glass] of the catalog name it.
    """

    async def work(services: Services) -> Assignment:
        return await functions_of(services).propose(actor, function, by=await whose_token(services))

    made = with_services(work)
    console().print(Text(f"proposal {made.id}: {made.actor} as {made.function}; somebody else must confirm it"))
    return 0


def confirm(proposal: int, /) -> int:
    """Confirm a proposal of somebody else about somebody else, under one's own token.

    Args:
        proposal: its number.
    """

    async def work(services: Services) -> Assignment:
        return await functions_of(services).confirm(proposal, by=await whose_token(services))

    done = with_services(work)
    console().print(Text(f"{done.actor} is {done.function}, and may approve as such in 24 hours"))
    return 0


def end(proposal: int, /) -> int:
    """Take a function away, or a proposal back; recorded.

    Args:
        proposal: its number.
    """

    async def work(services: Services) -> None:
        await functions_of(services).end(proposal, by=await who_looks(services))

    with_services(work)
    console().print(Text(f"proposal {proposal} is ended"))
    return 0


def list_(*, as_json: AsJson = False) -> int:
    """List functions that two signed, and proposals; the look is recorded.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Assignment]:
        await look(services, "look.functions", "functions")
        return await functions_of(services).standing()

    found = with_services(work)
    if as_json:
        print_json(
            [
                {
                    "proposal": each.id,
                    "actor": each.actor,
                    "function": each.function,
                    "proposed_by": each.proposed_by,
                    "proposed_at": each.proposed_at,
                    "confirmed_by": each.confirmed_by,
                    "confirmed_at": each.confirmed_at,
                }
                for each in found
            ]
        )
        return 0
    lines = table("proposal", "who", "function", "proposed by", "confirmed by")
    for each in found:
        cells = (str(each.id), each.actor, each.function, each.proposed_by, each.confirmed_by or "nobody yet")
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "no function was given besides those of the directory")
    return 0
