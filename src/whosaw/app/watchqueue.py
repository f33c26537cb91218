"""What a run leaves for people to look at in order of time and of nothing else: accesses that no record explains.

It is no list of suspects: most of it is work that nobody wrote down, and most of it belongs to whoever worked most.
People and customers stand by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from whosaw.app.services import Services
from whosaw.store.numbers import assign
from whosaw.terms import from_us
from whosaw.watch.excuses import unexplained_queue

if TYPE_CHECKING:
    from whosaw.app.watching import Weighed

KEPT = 200
"""Accesses that a run keeps of what nothing explains, the newest."""


async def named(services: Services, space: Any, names: set[str]) -> dict[str, int]:
    """Return the number of each name; of one that was erased, the number that it is written as."""
    erased = {name: int(name[1:]) for name in names if name.startswith("#")}
    return await assign(services.db, space, sorted(names - erased.keys())) | erased


async def by_number(services: Services, weighed: Weighed) -> dict[str, Any]:
    """Return what a run keeps besides its flags: whom e-BH selects, and the newest of what nothing explains."""
    watched, accesses = weighed.watched, weighed.watched.observed.accesses
    rows = unexplained_queue(watched.excuses, accesses)
    newest = rows[-KEPT:].tolist()
    selected = [watched.actors[at] for at in weighed.found.selected.tolist() if at < len(watched.actors)]
    people = await named(services, "actor", {watched.actors[int(accesses.actor[row])] for row in newest} | {*selected})
    seen = await named(services, "subject", {watched.subjects[int(accesses.subject[row])] for row in newest})
    listed = [
        [
            int(accesses.at_us[row]),
            people[watched.actors[int(accesses.actor[row])]],
            seen[watched.subjects[int(accesses.subject[row])]],
        ]
        for row in newest
    ]
    return {"selected": [people[name] for name in selected], "unexplained": {"count": int(rows.size), "rows": listed}}


def queue_told(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored run's queue as plain values: shares by team and template, and the list in order of time."""
    kept = measured.get("unexplained") or {"count": 0, "rows": []}
    return {
        "explained_share": measured.get("explained_share"),
        "teams": measured.get("teams") or [],
        "unexplained": {
            "count": kept["count"],
            "accesses": [
                {"at": from_us(at).isoformat(), "actor": f"actor #{actor}", "subject": f"subject #{subject}"}
                for at, actor, subject in kept["rows"]
            ],
        },
    }
