"""Verdicts of open cases, computed anew by themselves when evidence joined, where the operator switched it on.

Evidence that arrives in a batch is weighed once: when it stood still for a minute, or the first of it waits for ten.
What waits stands in the database, so a process that is killed loses nothing. One process computes at a time, apart from
the server, and one case after another. A case that cannot be computed raises an alert and is tried again: soon where
a database may come back, and once a day where somebody has to mend what the company declares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from whosaw.app import casetracequeries as queries
from whosaw.app.casedesk import case_work
from whosaw.app.lakekeeping import apart
from whosaw.app.parts import lake_installed
from whosaw.app.services import Services
from whosaw.catalog.source import SourceRefused
from whosaw.catalog.told import TimeUnreadable
from whosaw.store.alerts import raise_alert
from whosaw.terms import WhosawError

CHANGED = "case.verdict_changed"
NOT_COMPUTED = "case.verdict_not_computed"
ALERT_TEXTS = {
    CHANGED: "Further evidence changed the verdict of a case; nobody looked at it yet, and nothing was done.",
    NOT_COMPUTED: "Further evidence joined a case, and its verdict could not be computed; it will be tried again.",
}
WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(minutes=5))
"""How long evidence stands still before it is weighed, the longest that any waits, and the pause after a failure."""
_TO_BE_MENDED = frozenset(
    {"app.trace_record", "app.trace_weighs_less", "app.no_sightings", TimeUnreadable.code, SourceRefused.code}
)
_MENDED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a round did.

    Args:
        verdicts: number of the new verdict by case.
        failed: code of what was wrong by case.
    """

    verdicts: dict[str, int]
    failed: dict[str, str]


async def recompute_waiting(services: Services) -> bool:
    """Compute, by a process of its own, where evidence waits for it; return whether any did."""
    tracing = services.catalog.trace
    if tracing is None or not tracing.recompute or not lake_installed():
        return False
    now = services.clock.now()
    await queries.look(services.db, now)
    if not await queries.ripe(services.db, now, WAITS):
        return False
    await apart(services, "a verdict is not computed anew", "case", "recompute")
    return True


async def recompute(services: Services) -> Recomputed:
    """Compute the verdicts that wait; nothing where the catalog does not say so, or another process is at it.

    Raises:
        StoreError: whosaw's own database does not answer.
    """
    from whosaw.app.casetrace import trace_case  # it computes: a server that does not must not load what that needs

    done = Recomputed({}, {})
    if services.catalog.trace is None or not services.catalog.trace.recompute:
        return done
    async with queries.alone(services.db) as mine:
        if not mine:
            return done
        now = services.clock.now()
        await queries.look(services.db, now)
        for case in await queries.ripe(services.db, now, WAITS):
            if not await queries.claim(services.db, case, services.clock.now(), WAITS[-1]):
                continue
            try:
                done.verdicts[case] = (await trace_case(services, case)).seq
            except WhosawError as problem:
                done.failed[case] = problem.code
                if problem.code in _TO_BE_MENDED:
                    await queries.put_off(services.db, case, services.clock.now() + _MENDED)
                await _tell(services, case, problem.code)
    if done.verdicts:
        await case_work(services).corrections.remind()
    return done


async def _tell(services: Services, case: str, code: str) -> None:
    """Raise an alert that a verdict could not be computed: one for each reason and evidence, however often it fails."""
    about = {"case": case, "reason": code, "evidence": await queries.evidence(services.db, case)}
    await raise_alert(services.db, "case", "high", NOT_COMPUTED, about, at=services.clock.now())
