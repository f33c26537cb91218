"""The duty ``notify``: what is allowed under a policy that carries it raises an alert, before anything is revealed.

The alert is durable after the entry and before the value is revealed, so that no such value leaves without it. One
person's accesses under the same policies are one alert in an hour: a page of customers is no flood of mail.

A second export above the row limit within thirty days is an alert too, whoever approved each: two may be of one mind,
and who watches is a third.

Somebody who gives work as a reason that he made himself is flagged as well, once a day: the reason opened nothing, and
there may be a plain explanation, which a person should ask for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from whosaw.decide import Decision
from whosaw.gate.standingqueries import exports_used
from whosaw.store import Database
from whosaw.store.alerts import raise_alert
from whosaw.terms import to_us

NOTIFY = "notify"
SELF_MADE = "purpose.self_made"
EXPORT_AGAIN = "export.again"
ALERT_TEXTS = {
    "policy.notify": "Somebody was allowed something under a policy that wants it to be known.",
    EXPORT_AGAIN: "Somebody exports above the row limit for the second time within thirty days; each was approved.",
    SELF_MADE: "Somebody gave work as a reason that he made himself. It opened nothing; ask him why.",
}

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_REMEMBERED_MOST = 10_000
_EXPORTS_DAYS = 30
_EXPORTS_FROM = 2


@dataclass(frozen=True, slots=True)
class Allowed:
    """Something that was decided and recorded: the decision, the number of who asked, and the index of its entry."""

    decision: Decision
    actor: int
    entry: int


class Notifying:
    """Raises the alerts of one process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # invariant: holds only what stands in the alert table
        self._raised: OrderedDict[tuple[int, str, int], None] = OrderedDict()

    async def tell(self, allowed: Iterable[Allowed], at: datetime) -> None:
        """Raise an alert for whatever carries the duty, and for self-made reasons; reveal nothing where this raises."""
        for each in allowed:
            if each.decision.reason == SELF_MADE:
                await self._flag(each, at)
            if NOTIFY in each.decision.duties and _anything(each.decision):
                await self._tell(each, at)

    async def exported(self, actor: int, entry: int, at: datetime) -> None:
        """Raise an alert where it is not the first export above the limit lately; reveal nothing where this raises.

        Args:
            actor: number of who exports; the word of the second person is used up by then.
            entry: index of the entry about it.
            at: when.
        """
        if await exports_used(self._db, actor, at - timedelta(days=_EXPORTS_DAYS)) < _EXPORTS_FROM:
            return
        about: dict[str, int | str] = {"actor": actor, "entry": entry}
        await raise_alert(self._db, "export", "high", EXPORT_AGAIN, about, at=at, once=about)

    async def _tell(self, allowed: Allowed, at: datetime) -> None:
        # names of policies are the operator's own words; an alert holds no words but those of rules
        policies = sha256("\n".join(allowed.decision.policies).encode()).hexdigest()[:16]
        hour_us = to_us(at) // _HOUR_US * _HOUR_US
        once: dict[str, int | str] = {"actor": allowed.actor, "policies": policies, "hour_us": hour_us}
        about: dict[str, int | str] = {
            "actor": allowed.actor,
            "entry": allowed.entry,
            "policy": allowed.decision.policy_version,
        }
        if self._first(allowed.actor, policies, hour_us):
            await raise_alert(self._db, "policy", "high", "policy.notify", about, at=at, once=once)
            self._remember(allowed.actor, policies, hour_us)

    async def _flag(self, allowed: Allowed, at: datetime) -> None:
        day_us = to_us(at) // _DAY_US * _DAY_US
        about: dict[str, int | str] = {"actor": allowed.actor, "entry": allowed.entry}
        once: dict[str, int | str] = {"actor": allowed.actor, "day_us": day_us}
        if self._first(allowed.actor, SELF_MADE, day_us):
            await raise_alert(self._db, "purpose", "low", SELF_MADE, about, at=at, once=once)
            self._remember(allowed.actor, SELF_MADE, day_us)

    def _first(self, actor: int, what: str, since_us: int) -> bool:
        return (actor, what, since_us) not in self._raised

    def _remember(self, actor: int, what: str, since_us: int) -> None:
        self._raised[actor, what, since_us] = None
        while len(self._raised) > _REMEMBERED_MOST:
            self._raised.popitem(last=False)


def _anything(decision: Decision) -> bool:
    """Return whether anything leaves or is done; of several fields one is enough."""
    return decision.outcome != "deny" or any(item.effect != "deny" for item in decision.fields)
