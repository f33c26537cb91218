"""What a found list is worth, as one sentence from figures and numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN = 25
"""As many holders as a verdict keeps: of so many there may be more."""
_WHAT = {"export": "an export of {who}", "query": "a query of {who}", "openings": "what {who} had opened"}


def found_line(told: Mapping[str, Any]) -> str:
    """Return what a found list says, and for how many others: that is what speaks for whoever comes first.

    Args:
        told: the list as it leaves a verdict, people by number.
    """
    counted = f"{told.get('used')} of {told.get('rows')} rows of a found list say something"
    holders: Sequence[Mapping[str, Any]] = told.get("holders") or ()
    if not holders:
        return f"{counted}; they speak for nobody on record"
    first, others = holders[0], len(holders) - 1
    actor = first.get("actor")
    what = _WHAT.get(str(first.get("how")), "what {who} had").format(
        who=f"#{actor}" if isinstance(actor, int) else actor
    )
    odds, seeds = first.get("odds"), first.get("seeds")
    seeded = f", {seeds} of them seeded" if seeds else ""
    times = f", which multiplies the odds of that account by {odds:.3g}" if isinstance(odds, int | float) else ""
    more = "at least " if len(holders) >= _SHOWN else ""
    also = f"; {more}{others} other account{'s' * (others != 1)} had such rows too" if others else ""
    return f"{counted}: {what} holds {first.get('rows')}{seeded}{times}{also}; who made it need not be who passed it on"


def origin_lines(told: Mapping[str, Any]) -> list[str]:
    """Return who asked for a verdict, whether it says less than it found, and what a found list speaks for.

    Args:
        told: a verdict as `numbered.by_number` returns it, or as a case keeps it.
    """
    said: list[str] = []
    inputs = told.get("inputs")
    if isinstance(inputs, Mapping):
        nobody = inputs.get("asked") == "nobody"
        said.append(
            "computed by a server; no person asked for it" if nobody else "computed here; a person asked for it"
        )
        if inputs.get("capped"):
            said.append("capped: it says lead at most and gives no bound, for not all was weighed")
    elif told:
        said.append("computed elsewhere; a person filed it")
    if isinstance(told.get("found"), Mapping):
        said.append(str(told["found"].get("line", "")))
    return said
