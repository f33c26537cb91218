"""What a verdict of a case could not weigh of that which may clear somebody, each in a sentence.

A table that is declared says nothing yet: it may be empty, out of date, or write its keys otherwise than the record
does. And a source outside explains nothing before it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whosaw.answer.alternatives import CHECKS, CheckKind, Checks
from whosaw.app import casecautionqueries as queries
from whosaw.app.casecaution import many, silent_about
from whosaw.app.lacks import Lack, Sentence, may_clear
from whosaw.app.services import Services
from whosaw.app.tracedeclared import Declared, from_csv
from whosaw.trace.explained import HAND_OVER

_SOURCES: Mapping[CheckKind, str] = {
    "own_order": "own orders",
    "dump": "a public dump",
    "earlier_case": "earlier cases",
}


async def unweighed(
    services: Services, case: str, about: str, read: Declared, told: Mapping[str, Any]
) -> tuple[list[str], bool]:
    """Return a sentence for each thing that was not weighed beside `Declared.not_weighed`, and whether all was.

    Args:
        services: everything opened.
        case: the case.
        about: its beneficiary.
        read: what the catalog declares, read.
        told: the verdict that was computed from it.

    Raises:
        StoreError: whosaw's own database does not answer.
    """
    lacking: list[str] = []
    if read.others:
        lacking.append(Sentence.of(Lack.MANAGERS_OF_OTHERS, rows=_rows(len(read.others))))
    lacking += await _handed(services, read)
    lacking += _not_here(services, about, read)
    lacking += silent_about(told, read.files)
    lacking += await _unasked(services, case)
    return lacking, read.weighs_all and not may_clear([*told["missing"], *lacking])


def _not_here(services: Services, about: str, read: Declared) -> list[Sentence]:
    """Return a sentence where account management is written of whom no work here can be about."""
    kinds = {each.beneficiary_kind for each in services.catalog.purposes.values()}
    kinds |= {each.beneficiary_kind for each in services.catalog.actions.values()} | {about.partition(":")[0]}
    odd = [each for each in read.others if each.partition(":")[0] not in kinds or each.casefold() == about.casefold()]
    if not odd:
        return []
    return [Sentence.of(Lack.MANAGERS_ODD, rows=_rows(len(odd)))]


async def _handed(services: Services, read: Declared) -> list[Sentence]:
    """Return what is to be said of hand-overs of customers whom the record does not know, or in another spelling.

    Whom nobody ever opened the record does not know, and he needs no explanation. Where it knows none of them, or some
    in another spelling alone, the hand-overs mean somebody else than they say.
    """
    _, rows = from_csv(read.files.get("duties.csv", ""))
    subjects = {row["subject"] for row in rows if row["what"] == HAND_OVER and row["subject"]}
    if not subjects:
        return []
    known, otherwise = await queries.spelled_otherwise(services.db, subjects)
    said = []
    if unknown := len(subjects) - known:
        said.append(Sentence.of(Lack.HANDED_UNKNOWN, count=unknown, customers=_customers(len(subjects))))
    if not known:
        said.append(Sentence.of(Lack.HANDED_NONE_KNOWN))
    if otherwise:
        said.append(Sentence.of(Lack.HANDED_MISSPELT, customers=_customers(otherwise)))
    return said


async def _unasked(services: Services, case: str) -> list[Sentence]:
    """Return a sentence for each source that was not asked what else explains a sighting, or could not be."""
    missing = await Checks(services.db, services.clock).unasked(case)
    counts = {kind: sum(kind in kinds for kinds in missing.values()) for kind in CHECKS}
    return [
        Sentence.of(Lack.SOURCE_UNASKED, sightings=many(count, "sighting"), source=_SOURCES[kind])
        for kind, count in counts.items()
        if count
    ]


def _rows(count: int) -> str:
    return many(count, "row")


def _customers(count: int) -> str:
    return many(count, "customer")
