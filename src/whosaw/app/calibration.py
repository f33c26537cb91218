"""Calibration on the operator's own log: invented leaks and lists without an insider, answered like the real one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from whosaw.trace import Attribution, InputRefused, Rung, Settings, attribute
from whosaw.trace.planting import Ground, Planted, plant_leaker, plant_nobody
from whosaw.trace.platt import Scale, brier, calibration_error, fit_scale


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one invented question came to.

    Args:
        inside: somebody inside had leaked.
        stated: probability of the most probable candidate.
        right: that candidate is the leaker, alone.
        found, lead: the leaker is a finding; is on a rung at all.
        innocent_finding, innocent_lead: somebody else is.
        covered: the confidence set holds the leaker; `None` where nobody inside was not excluded.
        held: its size.
    """

    inside: bool
    stated: float
    right: bool
    found: bool
    lead: bool
    innocent_finding: bool
    innocent_lead: bool
    covered: bool | None
    held: int | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the method does on this log with this many complaints.

    Args:
        scale: from raw to calibrated, fitted to all draws; `None` where all came out alike.
        error, error_brier: expected calibration error and Brier score, fitted on half of the draws, taken on the rest.
        rates: shares over the draws, see `summed`.
        draws: leaks invented, and as many lists without an insider.
        complaints: K of each.
    """

    scale: Scale | None
    error: float | None
    error_brier: float | None
    rates: dict[str, float]
    draws: int
    complaints: int

    def told(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def calibrate(ground: Ground, settings: Settings, draws: int, seed: int = 1) -> Calibration:
    """Invent `draws` leaks and as many lists without an insider in a log, and answer them.

    Args:
        ground: the real question's log, subjects and times.
        settings: the method's constants, as for the real question.
        draws: how many of either kind.
        seed: of the inventions.
    """
    found = list(_draws(ground, settings, draws, seed))
    stated, right = np.array([d.stated for d in found]), np.array([d.right for d in found])
    # neighbours are a leak and a list without one, so halves by pairs hold as many of either
    half = (np.arange(len(found)) // 2) % 2 == 0
    error = error_brier = scale = None
    try:
        scale = fit_scale(stated, right)
        part = fit_scale(stated[half], right[half])
    except InputRefused:
        part = None
    if part is not None and (~half).any():
        told = part.apply(stated[~half])
        error, error_brier = calibration_error(told, right[~half]), brier(told, right[~half])
    return Calibration(scale, error, error_brier, summed(found), draws, int(ground.contacted_us.size))


def summed(found: list[Drawn]) -> dict[str, float]:
    """Return shares: of leaks and of lists without an insider, and the mean size of the confidence set."""
    leaks, none = [d for d in found if d.inside], [d for d in found if not d.inside]
    bounded = [d for d in leaks if d.covered is not None]

    def share(flags: list[bool]) -> float:
        return sum(flags) / max(1, len(flags))

    return {
        "leak_first": share([d.right for d in leaks]),
        "leak_finding": share([d.found for d in leaks]),
        "leak_lead": share([d.lead for d in leaks]),
        "leak_innocent_finding": share([d.innocent_finding for d in leaks]),
        "leak_innocent_lead": share([d.innocent_lead for d in leaks]),
        "nobody_finding": share([d.innocent_finding for d in none]),
        "nobody_lead": share([d.innocent_lead for d in none]),
        "set_covers": share([bool(d.covered) for d in bounded]),
        "set_size": float(np.mean([d.held for d in bounded])) if bounded else 0.0,
    }


def _draws(ground: Ground, settings: Settings, draws: int, seed: int) -> Iterator[Drawn]:
    lean = replace(settings, complete=False)
    for draw in range(draws):
        for inside, plant in ((True, plant_leaker), (False, plant_nobody)):
            planted = plant(ground, np.random.default_rng((seed, draw, int(inside))))
            answer = attribute(planted.accesses, ground.population, planted.sightings, ground.actors, lean)
            yield judge(answer, planted)


def judge(answer: Attribution, planted: Planted) -> Drawn:
    """Compare an answer with the invented truth."""
    named = [c for c in answer.candidates if c.rung is not Rung.NO_SIGNAL]
    innocent = [c for c in named if c.actors != (planted.leaker,)]
    own = next((c for c in named if c.actors == (planted.leaker,)), None)
    best = answer.candidates[0] if answer.candidates else None
    held = answer.not_excluded
    return Drawn(
        inside=planted.leaker >= 0,
        stated=best.probability if best else 0.0,
        right=best is not None and best.actors == (planted.leaker,),
        found=own is not None and own.rung is Rung.FINDING,
        lead=own is not None,
        innocent_finding=any(c.rung is Rung.FINDING for c in innocent),
        innocent_lead=bool(innocent),
        covered=None if held is None else planted.leaker in held,
        held=None if held is None else len(held),
    )
