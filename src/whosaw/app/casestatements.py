"""Statements of reasons on the server: for a seller's suspension or termination, and for reviews that were bought."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar

from whosaw.answer import seller_statement
from whosaw.answer.statement import removal_statement, safety_statement, termination_statement
from whosaw.app.casenotices import CaseNotices
from whosaw.app.errors import AppError
from whosaw.app.services import Services

CLAUSE = "terms of the marketplace: contact with customers outside it, and use of data obtained without right"
SAFETY_CLAUSE = "terms of the marketplace: products must be safe, and a suspended account is reinstated by the rules"
REVIEWS_CLAUSE = "terms of the marketplace: a review says what its writer found, and nobody pays for it"


class ReviewsUnreadable(AppError, ValueError):
    """A table of reviews cannot be read."""

    code: ClassVar[str] = "app.reviews_unreadable"
    hint = "write a CSV with the columns review,written_on, as review:R-000013,2026-03-02"


class CaseStatements:
    """Writes statements of reasons from the facts of a case."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.notices = CaseNotices(services)

    async def seller(self, case: str, seller: str, *, terminated: bool = False) -> dict[str, Any]:
        """Return the statement for suspending a seller now, or for terminating it.

        Raises:
            FactsMissing: the case has no facts, or the settings do not say who writes.
        """
        now, facts = self._services.clock.now(), await self.notices.facts(case)
        if terminated:
            return termination_statement(facts, seller=seller, clause=CLAUSE, at=now)
        return seller_statement(facts, seller=seller, clause=CLAUSE, at=now, withhold=True)

    def again(self, case: str, seller: str) -> dict[str, Any]:
        """Return the statement for suspending a seller again whose reinstatement was bought."""
        company, now = self.notices.company(), self._services.clock.now()
        return safety_statement(case, company, seller=seller, clause=SAFETY_CLAUSE, at=now)

    def removed(self, case: str, reviews: Mapping[str, date]) -> list[dict[str, Any]]:
        """Return one statement for each review that is removed now, by the day on which it was written."""
        company, now = self.notices.company(), self._services.clock.now()
        return [
            removal_statement(case, company, review=each, clause=REVIEWS_CLAUSE, written_on=day, at=now)
            for each, day in reviews.items()
        ]


def read_reviews(lines: Iterable[str]) -> dict[str, date]:
    """Return the days on which reviews were written, by review.

    Args:
        lines: of a CSV with the columns ``review`` and ``written_on``.

    Raises:
        ReviewsUnreadable: a column is missing, or a cell is no day.
    """
    found: dict[str, date] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            found[row["review"].strip()] = date.fromisoformat(row["written_on"].strip())
        except (KeyError, AttributeError, ValueError) as cause:
            raise ReviewsUnreadable(f"line {number} does not say which review was written on which day") from cause
    if not found:
        raise ReviewsUnreadable("the table names no review")
    return found
