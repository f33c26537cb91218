"""The duty ``notify``: what is allowed under a policy that carries it raises an alert, before anything is revealed.

The alert is durable after the entry and before the value is fetched, so that no such value leaves without it. One
person's accesses under the same policies are one alert in an hour: a page of customers is no flood of mail.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from whosaw.decide import Decision
from whosaw.store import Database
from whosaw.store.alerts import raise_alert
from whosaw.terms import to_us

NOTIFY = "notify"
ALERT_TEXTS = {"policy.notify": "Somebody was allowed something under a policy that wants it to be known."}

_HOUR_US = 3_600_000_000
_REMEMBERED_MOST = 10_000


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
        """Raise an alert for whatever carries the duty; reveal nothing where this raises."""
        for each in allowed:
            if NOTIFY in each.decision.duties and _anything(each.decision):
                await self._tell(each, at)

    async def _tell(self, allowed: Allowed, at: datetime) -> None:
        # names of policies are the operator's own words; an alert holds no words but those of rules
        policies = sha256("\n".join(allowed.decision.policies).encode()).hexdigest()[:16]
        hour_us = to_us(at) // _HOUR_US * _HOUR_US
        same = (allowed.actor, policies, hour_us)
        if same in self._raised:
            return
        once: dict[str, int | str] = {"actor": allowed.actor, "policies": policies, "hour_us": hour_us}
        about: dict[str, int | str] = {
            "actor": allowed.actor,
            "entry": allowed.entry,
            "policy": allowed.decision.policy_version,
        }
        await raise_alert(self._db, "policy", "high", "policy.notify", about, at=at, once=once)
        self._raised[same] = None
        while len(self._raised) > _REMEMBERED_MOST:
            self._raised.popitem(last=False)


def _anything(decision: Decision) -> bool:
    """Return whether anything leaves or is done; of several fields one is enough."""
    return decision.outcome != "deny" or any(item.effect != "deny" for item in decision.fields)
