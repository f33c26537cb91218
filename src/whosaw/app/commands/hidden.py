"""Lists over many cases, without those that whoever asks may not see: for him it is as if there were none."""

from __future__ import annotations

from collections.abc import Iterable

from whosaw.answer.errors import UnknownCase
from whosaw.app.commands.acting import may_see
from whosaw.app.services import Services


async def hidden(services: Services, cases: Iterable[str | None]) -> frozenset[str]:
    """Return which of these cases whoever is at this terminal may not see; one that is no longer there hides nothing.

    Args:
        services: everything opened.
        cases: ids, repeated or not; None stands for what belongs to no case.
    """
    found = set()
    for case in {each for each in cases if each is not None}:
        try:
            if not await may_see(services, case):
                found.add(case)
        except UnknownCase:
            continue
    return frozenset(found)
