"""What canaries would decide it: how many, how long, and how often a hit would name the candidate alone.

A canary is a record of nobody, planted among a beneficiary's customers. Whoever opens customers at a steady pace opens
one of them sooner or later; whether it then turns up outside is what decides.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from whosaw.lake.exposure import NEVER, Exposure
from whosaw.trace import Attribution

DAYS = 30
POWER = 0.8
_DAY_US = 86_400_000_000
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """How many canaries would be opened by the first candidate.

    Args:
        actor: by the logs' own reference.
        days: within which.
        power: with which probability he opens one at least, if he goes on as in the last days of the record.
        canaries: how many have to be planted among the customers, spread evenly; None where he opened hardly any.
        opened: part of the customers that he opened in the last days of the record.
        alone: part of those whom nobody else but machines opened then: so often would a hit name him alone.
    """

    actor: str
    days: int
    power: float
    canaries: int | None
    opened: float
    alone: float


def canary_plan(found: Attribution, exposure: Exposure) -> dict[str, object] | None:
    """Return the plan for the first candidate as plain values; None where there is none, or several that are one."""
    first = found.candidates[0] if found.candidates else None
    if first is None or len(first.actors) != 1 or not exposure.at_us.size:
        return None
    actor = first.actors[0]
    customer = exposure.entered_us != NEVER
    since = int(exposure.at_us.max()) - DAYS * _DAY_US
    recent = (exposure.at_us > since) & customer[exposure.subject] & ~exposure.service[exposure.actor]
    mine = np.unique(exposure.subject[recent & (exposure.actor == actor)])
    others = np.unique(exposure.subject[recent & (exposure.actor != actor)])
    share = mine.size / max(1, int(customer.sum()))
    needed = 1 if share >= 1.0 else math.ceil(math.log(1.0 - POWER) / math.log(1.0 - share)) if share > 0 else _MOST + 1
    alone = 1.0 - float(np.isin(mine, others).mean()) if mine.size else 0.0
    return asdict(CanaryPlan(exposure.actors[actor], DAYS, POWER, needed if needed <= _MOST else None, share, alone))


def in_words(plan: dict[str, object]) -> str:
    """Return the plan as one sentence."""
    if plan["canaries"] is None:
        return f"canaries would not decide it: {plan['actor']} opened hardly anybody in the last {plan['days']} days"
    return (
        f"canaries: of {plan['canaries']} planted among the customers {plan['actor']} would open one at least within "
        f"{plan['days']} days with probability {plan['power']:.2f}; a hit would name him alone in {plan['alone']:.0%}"
    )
