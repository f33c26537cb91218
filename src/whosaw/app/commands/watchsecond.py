"""``whosaw watch second``: decide what somebody else decided, without knowing what he did or who he is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.text import Text

from whosaw.app import watchsecond
from whosaw.app.commands.acting import whose_token
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.app.watchsecond import Second


def second(
    number: Annotated[int | None, Parameter()] = None,
    decision: Annotated[Literal["favour", "decline"] | None, Parameter()] = None,
    /,
    *,
    because: str = "",
    as_json: AsJson = False,
) -> int:
    """List what one is asked to decide a second time under one's own token, or decide it; recorded.

    Args:
        number: of the decision; without one they are listed.
        decision: favour who asked, or decline.
        because: why, in a sentence.
        as_json: print JSON.
    """

    async def work(services: Services) -> list[Second]:
        by = await whose_token(services)
        if number is None:
            return await watchsecond.to_decide(services, by)
        if decision is None:
            raise watchsecond.SecondRefused("a decision is `favour` or `decline`")
        favours = decision == "favour"
        return [await watchsecond.decide_again(services, number, favours=favours, because=because, by=by)]

    found = with_services(work)
    if as_json:
        print_json([told(each) for each in found])
    elif number is not None:
        late = found[0].answered_at is not None and found[0].answered_at > found[0].due_at
        console().print("recorded, after the days in which it counts" if late else "recorded")
    else:
        _print([told(each) for each in found])
    return 0


def told(each: Second) -> dict[str, Any]:
    """Return one as plain values."""
    word = "" if each.favours is None else "favour" if each.favours else "decline"
    return {
        "number": each.id,
        "kind": each.kind,
        "object": each.object,
        "decide_by": each.due_at.isoformat(),
        "decided": word,
    }


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    lines = table("number", "kind", "object", "decide by", "decided")
    for row in rows:
        lines.add_row(*(Text(str(cell)) for cell in row.values()))
    console().print(lines if rows else "nobody asks you to decide anything")
