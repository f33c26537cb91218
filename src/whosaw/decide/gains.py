"""Who would gain and who would lose if one policy set took the place of another: a grid of questions, asked of both.

The grid is every role, and the roles that one policy speaks of together; every employer, site, function and region that
the sets speak of; every kind of purpose, verified or failing in each way that a policy looks at; for every class and
action; with a grant, with broken glass and without either. What no policy can tell apart is not asked twice, and where
none of the differing policies applies, neither set is asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import cedarpy

from whosaw.decide.facts import ActorFacts, Facts
from whosaw.decide.mentions import Mentions, mentions
from whosaw.decide.policy import Answer, PolicySet, rank
from whosaw.decide.purpose import Verification
from whosaw.decide.question import Question, about_action, about_class
from whosaw.decide.slices import Slices

_ELSEWHERE = "(another)"


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks, where he and the subject are, and what became of his reason.

    Attributes:
        role: his; several are joined by ``+``.
        roles: each by itself.
    """

    role: str
    roles: tuple[str, ...]
    region: str
    employer: str
    site: str
    function: str
    subject_region: str
    purpose: str
    reason: str
    granted: bool
    broken_glass: bool


@dataclass(frozen=True, slots=True)
class Gain:
    """One question that the two sets answer differently.

    Attributes:
        situation: of whoever asks.
        about: the class or the action.
        before: what the former set allows, or None.
        after: what the other set allows, or None; as before where only the duties differ.
        before_policies: that made it so.
        after_policies: that make it so.
        more: whether more is allowed after than before, or as much under fewer or other duties.
        before_duties: what the former set demanded besides.
        after_duties: what the other set demands besides.
    """

    situation: Situation
    about: str
    before: str | None
    after: str | None
    before_policies: tuple[str, ...]
    after_policies: tuple[str, ...]
    more: bool
    before_duties: tuple[str, ...] = ()
    after_duties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """What is asked besides what the policies speak of: the catalog's own words, and the directory's."""

    roles: frozenset[str]
    classes: frozenset[str]
    actions: frozenset[str]
    purposes: frozenset[str]


def gains(
    before: PolicySet, after: PolicySet, grid: Grid, *, told: Callable[[int, int], object] | None = None
) -> list[Gain]:
    """Return every difference, by role, then by what is asked about.

    Args:
        before: the one set.
        after: the other.
        grid: what is asked besides what they speak of.
        told: is told with each situation which one it is, and of how many: where many sites and functions are spoken
            of there are millions.
    """
    spoken = [mentions(before), mentions(after)]
    differing = _differing(before, after)
    found = []
    axes = _axes(spoken, grid, glass="broken_glass" in before.text + after.text)
    whole = math.prod(len(axis) for axis in axes)
    for number, situation in enumerate(_situations(axes), 1):
        if told is not None:
            told(number, whole)
        for question, about in _questions(situation, spoken, grid):
            if _applies(differing, question):
                one, other = before.answer(question), after.answer(question)
                if (one.allowed, one.duties) != (other.allowed, other.duties):
                    found.append(_gain(situation, about, question, one, other))
    return sorted(found, key=lambda gain: (gain.situation.role, gain.about, gain.situation.purpose, str(gain)))


def _gain(situation: Situation, about: str, question: Question, one: Answer, other: Answer) -> Gain:
    ranks = rank(question, one), rank(question, other)
    more = ranks[1] < ranks[0] if ranks[0] != ranks[1] else not set(one.duties) <= set(other.duties)
    return Gain(
        situation, about, one.allowed, other.allowed, one.policies, other.policies, more, one.duties, other.duties
    )


def _differing(before: PolicySet, after: PolicySet) -> Slices:
    """Return the policies that only one of the sets has: where none of them applies, both answer alike."""
    one, other = (
        {json.dumps(written, sort_keys=True): written for written in _written(each).values()}
        for each in (before, after)
    )
    only = sorted(one.keys() ^ other.keys())
    return Slices({str(number): (one | other)[text] for number, text in enumerate(only)})


def _written(policies: PolicySet) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(cedarpy.policies_to_json_str(policies.text))["staticPolicies"]
    return found


def _applies(differing: Slices, question: Question) -> bool:
    verdicts = (differing.verdict(question, action) for action in question.wanted)
    return any(each.permits or each.forbids or each.failed for each in verdicts)


_Way = tuple[str, str, bool, bool]
_Axes = tuple[
    list[tuple[str, ...]], Sequence[str], Sequence[str], Sequence[str], Sequence[str], Sequence[str], list[_Way]
]


def _axes(spoken: Sequence[Mentions], grid: Grid, *, glass: bool) -> _Axes:
    """Return what a situation is made of: roles, region, employer, site, function, the subject's region, the reason."""
    roles = grid.roles.union(*(each.roles for each in spoken))
    regions = frozenset().union(*(each.regions for each in spoken))
    employers, sites, functions = (
        ["", *sorted(frozenset().union(*words))]
        for words in zip(*((each.employers, each.sites, each.functions) for each in spoken), strict=True)
    )
    # one region more than is spoken of, so that "equal" and "not equal" are both met
    places = [*sorted(regions), _ELSEWHERE]
    stated = _stated(spoken, grid)
    ways = [(*each, False, False) for each in stated]
    for each in (each for each in stated if each[1] in ("purpose.missing", "purpose.verified")):
        ways += [(*each, True, False), *([(*each, False, True)] if glass else [])]
    return _held(roles, spoken), places, employers, sites, functions, places, ways


def _situations(axes: _Axes) -> Iterator[Situation]:
    for held, region, employer, site, function, subject_region, (purpose, reason, granted, broken) in product(*axes):
        yield Situation(
            " + ".join(held), held, region, employer, site, function, subject_region, purpose, reason, granted, broken
        )


def _held(roles: frozenset[str], spoken: Iterable[Mentions]) -> list[tuple[str, ...]]:
    """Return each role alone, and those that one policy speaks of together: it may want them all."""
    together = frozenset().union(*(each.together for each in spoken))
    return [*((role,) for role in sorted(roles)), *sorted(tuple(sorted(some)) for some in together)]


def _stated(spoken: Sequence[Mentions], grid: Grid) -> list[tuple[str, str]]:
    """Return purposes with what became of them: every kind, for a policy may forget to ask whether it is verified."""
    kinds = sorted(grid.purposes.union(*(each.purposes for each in spoken)) - {""})
    reasons = {"purpose.not_found"}.union(*(each.reasons for each in spoken))
    failing = sorted(each for each in reasons - {"purpose.missing", "purpose.verified"} if each.startswith("purpose."))
    stated = [("", "purpose.missing"), *((kind, "purpose.verified") for kind in kinds)]
    return stated + [(kind, reason) for kind in kinds or ["work"] for reason in failing]


def _questions(situation: Situation, spoken: Sequence[Mentions], grid: Grid) -> Iterator[tuple[Question, str]]:
    actor = ActorFacts(
        frozenset(situation.roles),
        situation.region,
        ended=False,
        suspended=False,
        employer=situation.employer,
        site=situation.site,
        function=situation.function,
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
        glass=classes if situation.broken_glass else frozenset(),
    )
    for klass in sorted(classes):
        yield about_class(klass, facts), klass
    for action in sorted(actions):
        yield about_action(action, facts), action


def merged(found: Iterable[Gain]) -> list[tuple[Gain, int]]:
    """Return differences that say the same of a role with how many situations each stands for, in a table's order.

    What comes out alike with a grant or with broken glass is told once, without.
    """
    found = list(found)
    plain = {(gain.situation, _answers(gain)) for gain in found}
    groups: dict[tuple[object, ...], tuple[Gain, int]] = {}
    for gain in found:
        where = gain.situation
        opened = where.granted or where.broken_glass
        if opened and (replace(where, granted=False, broken_glass=False), _answers(gain)) in plain:
            continue
        key = (where.role, where.purpose, where.reason, where.granted, where.broken_glass, _answers(gain))
        first, count = groups.get(key, (gain, 0))
        groups[key] = (first, count + 1)
    return list(groups.values())


def _answers(gain: Gain) -> tuple[object, ...]:
    return gain.about, gain.before, gain.after, gain.before_duties, gain.after_duties
