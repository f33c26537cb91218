"""Templates that the data suggest: offered with what they would explain; a person accepts them or does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.watch.matching import Matcher
from whosaw.watch.rows import Accesses, Int64, Work
from whosaw.watch.strength import HALF_LIFT, fake_log
from whosaw.watch.templates import Template, Via

_SAMPLE = 5_000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A template that nobody has declared yet.

    Args:
        template: what it would say.
        more: share of all real accesses that it alone would newly explain.
        real, fake: share of real accesses and of random pairs it holds for.
        lift: real ÷ fake, one pair added to the fake ones.
    """

    template: Template
    more: float
    real: float
    fake: float
    lift: float


def suggest(
    work: Work,
    declared: tuple[Template, ...],
    accesses: Accesses,
    known_since_us: Int64,
    *,
    seed: int = 1,
    least: float = 0.001,
) -> tuple[Suggestion, ...]:
    """Return undeclared templates worth declaring, the one that explains most first; none is ever used by itself.

    Args:
        work: the records.
        declared: what is in force.
        accesses: what really happened.
        known_since_us: when each subject appeared.
        seed: of the draws.
        least: the smallest share of newly explained accesses worth a person's time.
    """
    rng = np.random.default_rng(seed)
    if len(accesses) > _SAMPLE:
        accesses = accesses.take(np.sort(rng.choice(len(accesses), _SAMPLE, replace=False)))
    fakes = fake_log(accesses, known_since_us, rng)
    tried = tuple(each for each in _candidates(work) if not _is_declared(each, declared))
    matcher = Matcher(work, declared + tried)
    real, fake = matcher.match(accesses).fired, matcher.match(fakes).fired
    done = real[:, : len(declared)].any(axis=1)
    found = []
    for at, each in enumerate(tried, start=len(declared)):
        more, holds = float((real[:, at] & ~done).mean()), float(real[:, at].mean())
        chance = float(fake[:, at].mean())
        lift = holds / ((float(fake[:, at].sum()) + 1) / (len(accesses) + 1))
        if more >= least and lift >= HALF_LIFT:
            found.append(Suggestion(each, more, holds, chance, lift))
    return tuple(sorted(found, key=lambda each: (-each.more, each.template.name)))


def _candidates(work: Work) -> list[Template]:
    found = []
    for kind in work.kinds:
        for via in (Via.ASSIGNED, Via.TEAM, Via.SERVES, Via.HANDLED):
            found.append(Template(f"{kind} {via}", via, (kind,)))
    found += [Template("account", Via.ACCOUNT), Template("handled before", Via.HANDLED)]
    return [replace(each, within_us=30 * 86_400_000_000) if each.via is Via.HANDLED else each for each in found]


def _is_declared(candidate: Template, declared: tuple[Template, ...]) -> bool:
    return any(
        each.via is candidate.via and (not each.kinds or set(candidate.kinds) <= set(each.kinds)) for each in declared
    )
