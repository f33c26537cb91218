"""The lake as plain arrays for attribution: who opened whom when, who could have been contacted, who caused work.

Actors and subjects become dense indices ``0 … n-1``; the names beside them are the logs' own references.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosaw.lake.completeness import Completeness, measure
from whosaw.lake.errors import BeneficiaryUnknown
from whosaw.lake.opened import Opened, opened
from whosaw.lake.routes import Routes, routes_of

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

NEVER = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a lake says about one beneficiary (or about everybody, where none is given).

    Args:
        actor, subject, at_us: one access each: indices and time.
        irregular: per access whether no reason was given or verified, or a ticket whose first use belongs to another
            subject; all false where no log says why.
        has_reasons: whether any log says why accesses happened.
        entered_us: per subject the time from which it could have been contacted; `NEVER` where it could not.
        entered_by: `orders` with the beneficiary, or `first touch` in the log where no orders are known.
        work_subject, work_at_us, work_in_context: one work item each; the last: it concerns the beneficiary.
        actors: reference per actor index.
        subjects: reference per subject index.
        service: per actor whether it is a machine that opens everything.
        own_trail: whether every access comes from whosaw's own trail.
        completeness: of the accesses.
        verified: per access whether its reason was checked against the company's work records, and held.
        work_kind: per work item which kind of work it was: a number for the activity with which it was opened, the same
            however the lake numbers it; -1 where the log names none.
        routes: what decides who serves each subject (region, language, team), as its orders and tickets say.
    """

    actor: Int64
    subject: Int64
    at_us: Int64
    irregular: Bool
    has_reasons: bool
    entered_us: Int64
    entered_by: str
    work_subject: Int64
    work_at_us: Int64
    work_in_context: Bool
    actors: tuple[str, ...]
    subjects: tuple[str, ...]
    service: Bool
    own_trail: bool
    completeness: Completeness
    verified: Bool = field(default_factory=lambda: np.empty(0, np.bool_))
    work_kind: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    routes: Routes = field(default_factory=Routes)

    def subject_indices(self) -> dict[str, int]:
        """Return reference → subject index."""
        return {name: index for index, name in enumerate(self.subjects)}


def load_exposure(lake: Path, beneficiary: str | None = None) -> Exposure:
    """Read the arrays of one question.

    Args:
        lake: the folder.
        beneficiary: whose orders say who could have been contacted; by its reference in the logs.

    Raises:
        BeneficiaryUnknown: the lake knows beneficiaries, but not this one.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as open_lake:
        whom = _beneficiary(open_lake, lake, beneficiary)
        accesses = _columns(open_lake, _ACCESSES)
        actors, actor = _dense(open_lake, "actor", accesses["actor"])
        entered, entered_by = _entered(open_lake, whom)
        work = _columns(open_lake, WORK.format(chosen="tickets"), {"whom": whom})
        subjects, subject, entered_subject, work_subject = _dense_all(
            open_lake, "subject", accesses["subject"], entered["subject"], work["subject"]
        )
        entered_us = np.full(len(subjects), NEVER, np.int64)
        entered_us[entered_subject] = entered["at_us"]
        occurring = np.unique(np.concatenate([accesses["subject"], entered["subject"], work["subject"]]))
        service = open_lake.manifest.service()
        sources = [source for source in open_lake.manifest.sources if source.kind == "accesses" and source.accepted]
        return Exposure(
            actor=actor,
            subject=subject,
            at_us=accesses["at_us"],
            irregular=accesses["irregular"].astype(np.bool_),
            has_reasons=any(source.says_why for source in sources),
            entered_us=entered_us,
            entered_by=entered_by,
            work_subject=work_subject,
            work_at_us=work["at_us"],
            work_in_context=work["in_context"].astype(np.bool_),
            actors=actors,
            subjects=subjects,
            service=np.array([name in service for name in actors], np.bool_),
            own_trail=bool(sources) and all(source.grade == "trail" for source in sources),
            completeness=measure(open_lake),
            verified=accesses["verified"].astype(np.bool_),
            work_kind=work["kind"].astype(np.int64),
            routes=routes_of(open_lake, occurring),
        )


OWNERS = """
    first_work AS (
        SELECT ticket, subject FROM tickets WHERE ticket IS NOT NULL
        QUALIFY at_us = min(at_us) OVER (PARTITION BY ticket)
    ), first_use AS (
        SELECT ticket, subject FROM accesses
        WHERE ticket IS NOT NULL AND verified IS NULL AND ticket NOT IN (SELECT ticket FROM first_work)
        QUALIFY at_us = min(at_us) OVER (PARTITION BY ticket)
    ), owner AS (
        SELECT DISTINCT ticket, subject, true AS own FROM (FROM first_work UNION ALL FROM first_use)
    )
"""
"""Whose a ticket is, as parts of a ``WITH``, the last of them `owner`: the subject's for which it was opened.

Where no work records say, the subject's of its first use. Several subjects at that same moment share it: the doubt is
not held against the actor. A verified reason needs no such guess.
"""
IRREGULAR = """
    CASE WHEN NOT says_why THEN false
         WHEN verified IS NOT NULL THEN NOT verified
         WHEN {accesses}.ticket IS NOT NULL THEN own IS NULL
         ELSE reason IS NULL
    END
"""
"""Whether an access of the table or the name `accesses`, joined to its owner, had no reason that holds."""
ORDERED = "SELECT subject, min(at_us) AS at_us FROM orders WHERE beneficiary = $whom GROUP BY subject"
"""Who bought of the beneficiary of the number `$whom`, and when first."""

_ACCESSES = f"""
    WITH {OWNERS}
    SELECT accesses.actor, accesses.subject, at_us, {IRREGULAR.format(accesses="accesses")} AS irregular,
           coalesce(verified, false) AS verified
    FROM accesses LEFT JOIN owner ON owner.ticket = accesses.ticket AND owner.subject = accesses.subject
"""

# A work log may write many rows about one ticket; the ticket is one work item, opened with its first row, whose
# activity says which kind of work it is. Kinds go by their names, so that a lake made anew numbers them alike.
WORK = """
    WITH chosen AS (
        SELECT ticket, subject, at_us, coalesce(beneficiary = $whom, false) AS inside, coalesce(place, -1) AS kind
        FROM {chosen}
        LEFT JOIN (
            SELECT number, row_number() OVER (ORDER BY key) - 1 AS place FROM numbers WHERE space = 'activity'
        ) named ON named.number = activity
    ), item AS (
        SELECT subject, min({{'at_us': at_us, 'kind': kind}}) AS first, bool_or(inside) AS in_context
        FROM chosen WHERE ticket IS NOT NULL GROUP BY ticket, subject
        UNION ALL
        SELECT subject, {{'at_us': at_us, 'kind': kind}}, inside FROM chosen WHERE ticket IS NULL
    )
    SELECT subject, first.at_us AS at_us, in_context, first.kind AS kind FROM item
"""
"""The work items of the tickets `chosen`, a table or a query in brackets; `$whom` is the beneficiary's number."""


def _beneficiary(open_lake: Opened, lake: Path, name: str | None) -> int | None:
    if name is None:
        return None
    number = open_lake.number("beneficiary", name)
    if number is None and open_lake.rows("SELECT 1 FROM numbers WHERE space = 'beneficiary' LIMIT 1"):
        raise BeneficiaryUnknown(f"no log in lake `{lake}` names beneficiary `{name}`")
    return number


def _entered(open_lake: Opened, beneficiary: int | None) -> tuple[dict[str, Any], str]:
    if beneficiary is not None:
        found = _columns(open_lake, ORDERED, {"whom": beneficiary})
        if found["subject"].size:
            return found, "orders"
    return _columns(open_lake, "SELECT subject, min(at_us) AS at_us FROM accesses GROUP BY subject"), "first touch"


def _columns(open_lake: Opened, query: str, values: dict[str, object] | None = None) -> dict[str, Any]:
    """Return a query's columns as arrays; a null never occurs in them."""
    found = open_lake.connection.execute(query, values).fetchnumpy()
    return {name: np.ma.getdata(column) for name, column in found.items()}


def _dense(open_lake: Opened, space: str, numbers: Int64) -> tuple[tuple[str, ...], Int64]:
    names, dense = _dense_all(open_lake, space, numbers)
    return names, dense


def _dense_all(open_lake: Opened, space: str, *columns: Int64) -> tuple[Any, ...]:
    """Return the references of all numbers that occur, and the columns as positions among them."""
    occurring = np.unique(np.concatenate(columns))
    keys = open_lake.keys(space)
    names = tuple(keys.get(number, f"#{number}") for number in occurring.tolist())
    return names, *(np.searchsorted(occurring, column).astype(np.int64) for column in columns)
