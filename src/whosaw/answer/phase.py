"""The states of a case and the ways between them."""

from __future__ import annotations

from typing import Literal

from whosaw.answer.errors import StepRefused

State = Literal["suspected", "investigating", "contained", "notified", "closed"]

STATES: tuple[State, ...] = ("suspected", "investigating", "contained", "notified", "closed")

WAYS: dict[State, tuple[State, ...]] = {
    "suspected": ("investigating", "closed"),
    "investigating": ("contained", "closed"),
    "contained": ("investigating", "notified", "closed"),
    "notified": ("investigating", "closed"),
    "closed": ("investigating",),
}
"""From a state to those that may follow it. Evidence that comes late leads back to ``investigating``; from ``closed``
this is a reopening."""


def check_move(case: str, now: State, to: str) -> None:
    """Refuse a move that is no way.

    Raises:
        StepRefused: with the reason ``no_way``.
    """
    ways = WAYS.get(now, ())
    if to not in ways:
        raise StepRefused(
            "no_way", f"the case `{case}` is {now} and cannot become `{to}`", hint=f"it may become {' or '.join(ways)}"
        )
