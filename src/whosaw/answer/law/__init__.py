"""Rules of law: which are in force on a day, and until when something must be done. Data and arithmetic, no advice.

The rules lie beside this file, dated and with their sources, so that a change of law is a new row and an old case keeps
the rule that it began under.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from whosaw.answer.errors import AnswerError

Kind = Literal["deadline", "earliest", "duty"]
Checked = Literal["text", "secondary", "counsel"]


class LawUnknown(AnswerError, LookupError):
    """No rule of this name is in force on that day, or the time zone does not exist."""

    code: ClassVar[str] = "answer.law_unknown"
    hint = "`whosaw case clocks --rules` lists the rules and their dates; zones are written as Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of law as it stands from one day on.

    Attributes:
        id: ``eu.gdpr.art33``; later versions of a rule have the same.
        jurisdiction: ``EU``, ``UK``, ``US-CA``, ``CN``.
        valid_from: first day.
        kind: ``deadline``: not later; ``earliest``: not before; ``duty``: no term in figures.
        starts: the event that its clock counts from.
        what: what must be done.
        source: where it stands.
        checked: ``text``: read in the law; ``secondary``: in others' words; ``counsel``: to be checked by counsel.
        valid_to: the first day on which it no longer holds, or None.
        hours, days: the term; none for a duty.
        months: for how long something is to be offered, where the rule says so.
        with_fields: where it holds only if one of these kinds of data got out, in plain words.
        residents_over: where it holds only for more residents than this.
        police: whether the term stands still while the police ask for it.
    """

    id: str
    jurisdiction: str
    valid_from: date
    kind: Kind
    starts: str
    what: str
    source: str
    checked: Checked
    valid_to: date | None = None
    hours: int | None = None
    days: int | None = None
    with_fields: tuple[str, ...] = ()
    residents_over: int | None = None
    police: bool = False
    months: int | None = None

    def due(self, started_at: datetime, zone: str) -> datetime:
        """Return when its term ends, in UTC.

        Hours run in hours, whatever clocks are put forward or back. Days are calendar days of `zone`, the day of the
        event not counted; a deadline ends with the last moment of the last day, and what may not be done before is
        allowed from the first moment of the day after it.

        Args:
            started_at: the event, aware.
            zone: where it counts, as ``Europe/Berlin``.

        Raises:
            LawUnknown: the rule has no term, or there is no such zone.
        """
        if self.hours is not None:
            return started_at.astimezone(UTC) + timedelta(hours=self.hours)
        if self.days is None:
            raise LawUnknown(f"the rule `{self.id}` has no term in figures")
        place = zone_of(zone)
        after = started_at.astimezone(place).date() + timedelta(days=self.days + 1)
        next_day = datetime.combine(after, time(), place).astimezone(UTC)
        return next_day if self.kind == "earliest" else next_day - timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Agency:
    """A credit reporting agency as a letter names it, from one day on."""

    name: str
    phone: str
    address: str
    valid_from: date
    source: str
    checked: Checked
    valid_to: date | None = None


def agencies_on(day: date) -> tuple[Agency, ...]:
    """Return the major credit reporting agencies as they are reached on `day`."""
    return tuple(
        each for each in _agencies() if each.valid_from <= day and (each.valid_to is None or day < each.valid_to)
    )


@cache
def _agencies() -> tuple[Agency, ...]:
    text = resources.files("whosaw.answer.law").joinpath("agencies.toml").read_text(encoding="utf-8")
    return tuple(Agency(**each) for each in tomllib.loads(text)["agency"])


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        LawUnknown: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise LawUnknown(f"there is no time zone `{name}`") from cause


@cache
def every_rule() -> tuple[Rule, ...]:
    """Return every version of every rule, as the file has them."""
    text = resources.files("whosaw.answer.law").joinpath("rules.toml").read_text(encoding="utf-8")
    made: list[Any] = tomllib.loads(text)["rule"]
    return tuple(Rule(**{**each, "with_fields": tuple(each.get("with_fields", ()))}) for each in made)


def rules_on(day: date) -> Sequence[Rule]:
    """Return the rules in force on `day`."""
    return [each for each in every_rule() if each.valid_from <= day and (each.valid_to is None or day < each.valid_to)]


def rule_on(identifier: str, day: date) -> Rule:
    """Return the version of a rule that is in force on `day`.

    Raises:
        LawUnknown: none is.
    """
    for each in rules_on(day):
        if each.id == identifier:
            return each
    raise LawUnknown(f"no rule `{identifier}` is in force on {day}")


def rules_started_by(event: str, day: date) -> Sequence[Rule]:
    """Return the rules with a term that an event starts on `day`."""
    return [each for each in rules_on(day) if each.starts == event and each.kind != "duty"]
