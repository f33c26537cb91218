"""Codes as a person reads them, and numbers as a person reads them. Codes without words are shown as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from whosaw.terms import chance

REASONS: Mapping[str, str] = {
    "purpose.verified": "the work record bears the reason out",
    "purpose.missing": "no reason was given",
    "purpose.not_found": "no such work item was open",
    "purpose.not_assigned": "the work item was assigned to somebody else",
    "purpose.other_subject": "the work item is about another person",
    "purpose.self_made": "the work item was made by the same person who looked",
    "purpose.closed": "the work item had been closed too long before",
    "subject.unknown": "no such person in the company's tables",
    "actor.suspended": "access was suspended",
    "actor.ended": "not in the staff directory, or no longer",
    "actor.not_acknowledged": "the code of conduct was not acknowledged",
    "actor.empty": "the log does not say who",
}
EFFECTS: Mapping[str, str] = {"reveal": "shown", "mask": "masked", "alias": "alias", "deny": "denied"}
DECISIONS: Mapping[str, str] = {"allow": "allowed", "mask": "masked", "alias": "alias", "deny": "denied"}
RUNGS: Mapping[str, str] = {"no_signal": "no signal", "lead": "lead", "finding": "finding"}
VERDICTS: Mapping[str, tuple[str, str]] = {
    "finding": ("Finding", "The record singles out a candidate beyond the stated rate of false findings."),
    "lead": ("Lead", "One candidate stands out enough to be asked about, not enough to act on alone."),
    "group": ("Group", "The complaints follow somebody's work, but several candidates explain them equally well."),
    "undecided": ("Undecided", "The record does not say who. That is an answer, not a failure."),
    "outside": ("Outside", "Most probably nobody inside: what the record shows is what chance would show."),
}
NO_VERDICT = ("Not computed", "There are not enough complaints yet to ask the record.")
STEPS: Mapping[str, str] = {
    "planned": "planned",
    "doing": "under way",
    "done": "done",
    "undoing": "being undone",
    "undone": "undone",
}
UNMASKINGS: Mapping[str, str] = {
    "asked": "asked",
    "open": "known by name now",
    "over": "over",
    "refused": "refused",
}
SIGNS: Mapping[str, str] = {
    "canary": "asked about somebody who does not exist",
    "burst": "spent a budget too fast",
    "enumeration": "went through keys in a row",
    "places": "came from two networks in turn",
}
HOLDS: Mapping[str, str] = {
    "reason": "must give a reason with every ask",
    "second_person": "waits for a reviewer",
    "stop": "is stopped and suspended",
}
# codes that have a colour of their own in the stylesheet; the word beside it always says the same
KNOWN_CODES = frozenset({*EFFECTS, *DECISIONS, *RUNGS, *VERDICTS, *STEPS, "action", "would"})


def moment(at: datetime) -> str:
    """Return a time to the second in UTC: ``2026-03-01 08:15:02``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def machine_moment(at: datetime) -> str:
    """Return a time for the ``datetime`` attribute."""
    return at.astimezone(UTC).isoformat()


def count(number: int) -> str:
    """Return a whole number in groups of three."""
    return f"{number:,}"


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun: ``1 entry``, ``2 entries``."""
    return f"{count(number)} {one if number == 1 else many}"


def percent(share: float) -> str:
    """Return a probability in percent; never certainty that is not there."""
    return chance(share, 3, percent=True)


def magnitude(number: float) -> str:
    """Return a positive number of any size in at most three digits and a power of ten."""
    if not math.isfinite(number):
        return "unbounded" if number > 0 else "unknown"
    if number == 0 or 0.01 <= abs(number) < 10_000:
        return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2g}"
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{mantissa}\u00a0×\u00a010{str(int(exponent)).translate(_SUPERSCRIPT)}"


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
