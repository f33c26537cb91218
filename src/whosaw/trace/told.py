"""Of a verdict as plain values: whom it is about, and what its found list is worth as a sentence."""

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


def told_first(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the candidate whom a verdict is about: the first on its rung, else the most probable one.

    An account of several people stands on no rung.

    Args:
        told: a verdict with at least one candidate; it came as a file, perhaps, and need not name a rung.
    """
    candidates: Sequence[Mapping[str, Any]] = told["candidates"]
    return next((each for each in candidates if each.get("rung") == told.get("verdict")), candidates[0])


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
