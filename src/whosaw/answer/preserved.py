"""What is kept before anybody hears of a case: without it, whoever hears may have something erased."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from whosaw.answer.errors import StepRefused

Unheld = Callable[[str], Awaitable[int]]
"""Says of how many people of a case nothing keeps the records yet: no legal hold stands on them."""


async def everybody_held(case: str) -> int:
    """Take everybody's records for kept: where nothing erases."""
    del case
    return 0


async def check_preserved(unheld: Unheld, case: str) -> None:
    """Refuse what tells somebody of a case before the records it stands on are kept.

    Raises:
        StepRefused: with the reason ``not_preserved``.
    """
    if count := await unheld(case):
        raise StepRefused(
            "not_preserved",
            f"no legal hold keeps the records of {count} {'person' if count == 1 else 'people'} of the case `{case}`",
            hint="carry out `preserve` first: whoever hears of the case may want something erased",
        )
