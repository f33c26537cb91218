"""What a found list is worth, as one sentence from figures and numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 25
"""As many holders as a verdict keeps: of so many there may be more."""
_WHAT = {"export": "an export of {who}", "query": "a query of {who}", "openings": "what {who} had opened"}


def found_line(told: Mapping[str, Any], others: int | None = None) -> str:
    """Return what a found list says, and for how many others: that is what speaks for whoever comes first.

    Args:
        told: the list as a verdict holds it, people by key; or as it leaves one, by number and without references.
        others: how many had such rows beside the first; absent, as many as the list holds, or at least so many.
    """
    counted = f"{told.get('used')} of {told.get('rows')} rows of the found list say something"
    holders: Sequence[Mapping[str, Any]] = told.get("holders") or ()
    if not holders:
        return f"{counted}; they speak for nobody on record"
    first = holders[0]
    odds, seeds = first.get("odds"), first.get("seeds")
    seeded = f", {seeds} of them seeded" if seeds else ""
    times = f", which multiplies the odds of that account by {odds:.3g}" if isinstance(odds, int | float) else ""
    also = _others(len(holders) - 1, len(holders) >= SHOWN) if others is None else _others(others)
    return (
        f"{counted}: {_what(first)} holds {first.get('rows')}{seeded}{times}{also}; "
        "who made an export need not be who passed it on"
    )


def _what(holder: Mapping[str, Any]) -> str:
    """Return what held the rows: an export by its reference, where one may be told."""
    actor, how = holder.get("actor"), str(holder.get("how"))
    who = f"#{actor}" if isinstance(actor, int) else actor
    if how == "export" and holder.get("reference"):
        return f"{holder['reference']}, made by {who},"
    return _WHAT.get(how, "what {who} had").format(who=who)


def _others(count: int, at_least: bool = False) -> str:
    more = "at least " if at_least else ""
    return f"; {more}{count} other account{'s' * (count != 1)} had such rows too" if count else ""


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
