"""Who would gain and who would lose if one policy set took the place of another: a grid of questions, asked of both.

The grid is every role, every employer and region that the sets speak of, every kind of purpose, verified or failing in
each way that a policy looks at, for every class and action; with and without a grant. What no policy can tell apart is
not asked twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from whosaw.decide.facts import ActorFacts, Facts
from whosaw.decide.mentions import Mentions, mentions
from whosaw.decide.policy import PolicySet, rank
from whosaw.decide.purpose import Verification
from whosaw.decide.question import Question, about_action, about_class

_ELSEWHERE = "(another)"


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks, where he and the subject are, and what became of his reason."""

    role: str
    region: str
    employer: str
    subject_region: str
    purpose: str
    reason: str
    granted: bool


@dataclass(frozen=True, slots=True)
class Gain:
    """One question that the two sets answer differently.

    Attributes:
        situation: of whoever asks.
        about: the class or the action.
        before: what the former set allows, or None.
        after: what the other set allows, or None.
        before_policies: that made it so.
        after_policies: that make it so.
        more: whether more is allowed after than before.
    """

    situation: Situation
    about: str
    before: str | None
    after: str | None
    before_policies: tuple[str, ...]
    after_policies: tuple[str, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """What is asked besides what the policies speak of: the catalog's own words, and the directory's."""

    roles: frozenset[str]
    classes: frozenset[str]
    actions: frozenset[str]
    purposes: frozenset[str]


def gains(before: PolicySet, after: PolicySet, grid: Grid) -> list[Gain]:
    """Return every difference, by role, then by what is asked about."""
    spoken = [mentions(before), mentions(after)]
    found = []
    for situation in _situations(spoken, grid):
        for question, about in _questions(situation, spoken, grid):
            one, other = before.answer(question), after.answer(question)
            if one.allowed != other.allowed:
                more = rank(question, other) < rank(question, one)
                found.append(Gain(situation, about, one.allowed, other.allowed, one.policies, other.policies, more))
    return sorted(found, key=lambda gain: (gain.situation.role, gain.about, gain.situation.purpose, str(gain)))


def _situations(spoken: Iterable[Mentions], grid: Grid) -> Iterator[Situation]:
    spoken = list(spoken)
    roles = grid.roles.union(*(each.roles for each in spoken))
    regions = frozenset().union(*(each.regions for each in spoken))
    employers = frozenset().union(*(each.employers for each in spoken))
    purposes = grid.purposes.union(*(each.purposes for each in spoken))
    reasons = {"purpose.missing", "purpose.not_found"}.union(*(each.reasons for each in spoken))
    stated = [("", "purpose.missing")]
    stated += [(kind, "purpose.verified") for kind in sorted(purposes - {""})]
    stated += [
        (min(purposes, default="work"), reason)
        for reason in sorted(reasons - {"purpose.missing", "purpose.verified"})
        if reason.startswith("purpose.")
    ]
    # one region more than is spoken of, so that "equal" and "not equal" are both met
    places = [*sorted(regions), _ELSEWHERE]
    firms = ["", *sorted(employers)]
    for role, region, employer, subject_region, (purpose, reason), granted in product(
        sorted(roles), places, firms, places, stated, (False, True)
    ):
        yield Situation(role, region, employer, subject_region, purpose, reason, granted)


def _questions(situation: Situation, spoken: Iterable[Mentions], grid: Grid) -> Iterator[tuple[Question, str]]:
    spoken = list(spoken)
    actor = ActorFacts(
        frozenset({situation.role}), situation.region, ended=False, suspended=False, employer=situation.employer
    )
    classes = grid.classes.union(*(each.classes for each in spoken))
    actions = grid.actions.union(*(each.deeds for each in spoken))
    opened = classes | actions if situation.granted else frozenset[str]()
    facts = Facts(
        actor,
        Verification(situation.purpose, situation.reason),
        subject_known=True,
        subject_region=situation.subject_region,
        granted=opened,
    )
    for klass in sorted(classes):
        yield about_class(klass, facts), klass
    for action in sorted(actions):
        yield about_action(action, facts), action


def merged(found: Iterable[Gain]) -> list[tuple[Gain, int]]:
    """Return differences that say the same of a role with how many situations each stands for, in a table's order."""
    groups: dict[tuple[object, ...], tuple[Gain, int]] = {}
    for gain in found:
        where = gain.situation
        key = (where.role, gain.about, where.purpose, where.reason, where.granted, gain.before, gain.after)
        first, count = groups.get(key, (gain, 0))
        groups[key] = (first, count + 1)
    return list(groups.values())
