"""Where actors stand now: stopped or not, the conduct code acknowledged or not, what was granted, what glass is broken.

One round trip answers for any number of actors, and nothing of it is remembered: a suspension, a revoked grant or a new
version of the code holds with the next ask at every door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from whosaw.catalog.model import Catalog, Conduct
from whosaw.gate import standingqueries as queries
from whosaw.store import Database
from whosaw.terms import from_us

SECOND_PERSON = "second_person"
LIFT_SUSPENSION = "suspension.lift"
EXPORT = "export"
SECOND_PERSON_ABOVE = 500


def export_alone(catalog: Catalog) -> int:
    """Return how many rows may leave on one person's word: as the action ``export`` of the catalog says, else 500."""
    declared = catalog.actions.get(EXPORT)
    above = None if declared is None else declared.second_person_above
    return SECOND_PERSON_ABOVE if above is None else above


@dataclass(frozen=True, slots=True)
class GrantInForce:
    """Something that others approved for a time.

    Attributes:
        id: of the grant.
        kind: as the catalog names it.
        classes: classes of field it opens.
        action: the action that it is the second person's word for, or None.
        subject: ``customer:C-17``, the one it is bound to, or None for any.
        purpose: ``ticket:T-9``, the one it is bound to, or None for any.
        until: when it ends.
        digest: SHA-256 in hex of the one ask it is for, or None where it is for none.
        target: the actor whom it concerns (whose name it opens, or whose suspension may be lifted), or None.
        case: the case it was asked for in, or None.
    """

    id: int
    kind: str
    classes: frozenset[str]
    action: str | None
    subject: str | None
    purpose: str | None
    until: datetime
    digest: str | None = None
    target: str | None = None
    case: str | None = None

    def covers(self, subject: str | None, purpose: str | None) -> bool:
        """Return whether it holds for this subject and purpose."""
        return self.subject in (None, subject) and self.purpose in (None, purpose)


@dataclass(frozen=True, slots=True)
class GlassInForce:
    """Access taken against policy, still open: to these classes, of one subject or of any."""

    id: int
    classes: frozenset[str]
    subject: str | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one actor stands. A suspended one has neither grants nor glass."""

    suspended: bool = False
    acknowledged: bool = True
    grants: tuple[GrantInForce, ...] = ()
    glass: tuple[GlassInForce, ...] = ()

    def granted(self, subject: str | None, purpose: str | None) -> frozenset[str]:
        """Return the classes that grants open for this subject and purpose."""
        return frozenset().union(*(each.classes for each in self.grants if each.covers(subject, purpose)))

    def broken(self, subject: str | None) -> frozenset[str]:
        """Return the classes that broken glass opens for this subject."""
        return frozenset().union(*(each.classes for each in self.glass if each.subject in (None, subject)))

    def second_person(
        self, action: str, *, digest: str | None = None, target: str | None = None
    ) -> GrantInForce | None:
        """Return the second person's word for `action`, or None.

        Args:
            action: ``review.delete``.
            digest: SHA-256 in hex of the ask; an approval for another ask, or for none in particular, does not count.
            target: the actor concerned; an approval about another actor, or about none, does not count.
        """
        for each in self.grants:
            fits = each.digest == digest and each.target == target
            if each.kind == SECOND_PERSON and each.action == action and fits:
                return each
        return None


_PLAIN = Standing()


async def standing(
    db: Database, actors: Iterable[str], at: datetime, conduct: Conduct | None = None
) -> dict[str, Standing]:
    """Return where each of `actors` stands at `at`, in one round trip.

    Args:
        db: whosaw's database; the door's role will do.
        actors: keys; repeated ones are one.
        at: the moment in question.
        conduct: what the catalog asks of the code; None or not required means everybody counts as having acknowledged.
    """
    wanted = list(dict.fromkeys(actors))
    if not wanted:
        return {}
    required = conduct is not None and conduct.required
    since = at - timedelta(days=conduct.valid_days if conduct is not None else 0)
    rows = await queries.standing_rows(db, wanted, at, required=required, since=since)
    if rows is None:
        return dict.fromkeys(wanted, _PLAIN)
    return {row[0]: _standing(row) for row in rows}


async def void_for(db: Database, actor: str, at: datetime) -> tuple[int, int]:
    """End every request, grant and broken glass of `actor`; return how many grants, and how much glass.

    A suspension does this by itself, in the transaction that suspends; lifting it gives nothing back.

    Args:
        db: whosaw's database, as its owner.
        actor: the key.
        at: noted as the end.
    """
    ended = await queries.void(db, actor, at)
    grants = sum(kind == "grant" for kind, _ in ended)
    return grants, len(ended) - grants


def _standing(row: Sequence[Any]) -> Standing:
    _, suspended, acknowledged, grants, glass = row
    return Standing(
        suspended,
        acknowledged,
        tuple(_grant(each) for each in grants or ()),
        tuple(GlassInForce(each[0], frozenset(each[1]), each[2], from_us(each[3])) for each in glass or ()),
    )


def _grant(cells: list[Any]) -> GrantInForce:
    number, kind, classes, action, subject, purpose, until_us, *more = cells
    return GrantInForce(number, kind, frozenset(classes), action, subject, purpose, from_us(until_us), *more)
