"""Reviewers' verdicts on flags: they teach templates and never silence a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from whosaw.watch.errors import WatchError

_FEWEST = 3


class VerdictUnclear(WatchError, ValueError):
    """A verdict lacks what it must say."""

    code: ClassVar[str] = "watch.verdict"
    hint = "say cleared, explained (with the record that explains it) or confirmed, and who decided"


class Outcome(StrEnum):
    """What reviewers may say."""

    CLEARED = "cleared"
    EXPLAINED = "explained"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Review:
    """One verdict.

    Args:
        flag: id of the flag.
        outcome: what was decided.
        reviewers: who decided; a confirmed flag needs two.
        record: the kind of record that explains it; needed where it is explained.
    """

    flag: str
    outcome: Outcome
    reviewers: tuple[str, ...]
    record: str = ""

    def __post_init__(self) -> None:
        people = len({*self.reviewers})
        if not people or (self.outcome is Outcome.CONFIRMED and people < 2):
            raise VerdictUnclear(f"a verdict `{self.outcome}` by {people} people does not stand")
        if self.outcome is Outcome.EXPLAINED and not self.record:
            raise VerdictUnclear("a verdict `explained` must name the kind of record")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A kind of record that explained flags again and again: a template worth declaring.

    Args:
        record: the kind.
        flags: how many it explained.
    """

    record: str
    flags: int


def lessons(reviews: Iterable[Review]) -> tuple[Lesson, ...]:
    """Return the kinds of record that explained at least three flags, offered as templates; the commonest first.

    Nothing here knows whose the flags were: a verdict changes what counts as a reason for everybody, for nobody alone.
    """
    counts: dict[str, set[str]] = {}
    for review in reviews:
        if review.outcome is Outcome.EXPLAINED:
            counts.setdefault(review.record, set()).add(review.flag)
    found = [Lesson(record, len(flags)) for record, flags in counts.items() if len(flags) >= _FEWEST]
    return tuple(sorted(found, key=lambda lesson: (-lesson.flags, lesson.record)))


def precision(reviews: Iterable[Review]) -> tuple[int, int]:
    """Return how many reviewed flags were confirmed, and how many were not: shown beside every new flag."""
    last: dict[str, Outcome] = {}
    for review in reviews:
        last[review.flag] = review.outcome
    confirmed = sum(outcome is Outcome.CONFIRMED for outcome in last.values())
    return confirmed, len(last) - confirmed
