"""Who asked for a verdict, and what a found list speaks for, as whoever reads a case is told it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
