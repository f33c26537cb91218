"""What a letter adds where numbers got out with which an identity is stolen: agencies to ask, services offered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from whosaw.answer.facts import Person
from whosaw.answer.law import Agency, agencies_on, rules_on

NO_OFFER = "none"
"""What the settings say where counsel has decided that no services are offered."""

_RULE = "us.ca.identity_theft"


@dataclass(frozen=True, slots=True)
class TheftHelp:
    """What the law of a place lets a letter say.

    Attributes:
        place: whose law.
        months: for how long services are offered, at least.
        agencies: to be named with number and address.
    """

    place: str
    months: int
    agencies: tuple[Agency, ...]


def theft_help(person: Person, jurisdiction: str, on: date) -> TheftHelp | None:
    """Return what is added to the letter of a person of a place, or None.

    It is for people whose Social Security number, driver's licence or other identity document was opened, certainly or
    probably: the law speaks of what was or may have been breached.

    Args:
        person: who is told.
        jurisdiction: whose law protects him.
        on: the day of the letter.
    """
    rule = next((each for each in rules_on(on) if each.id == _RULE and each.jurisdiction == jurisdiction), None)
    if rule is None or rule.months is None or not set(person.fields_seen) & set(rule.with_fields):
        return None
    return TheftHelp(jurisdiction, rule.months, agencies_on(on))
