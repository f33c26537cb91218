"""What would change a decision: the smallest changes of facts under which the same question has a better answer.

Each change is tried on the policies themselves, not read from their text: what is said here would really happen. Single
changes first; two together only where no single one opens anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from whosaw.decide.mentions import Mentions
from whosaw.decide.policy import Answer, PolicySet, rank
from whosaw.decide.question import Question

_PAIRS_MOST = 400


@dataclass(frozen=True, slots=True)
class Change:
    """Facts that would have to be otherwise, and what the answer would be.

    Attributes:
        facts: one or two of ``purpose.verified:KIND``, ``purpose.none``, ``role:NAME``, ``region:NAME``,
            ``grant``, ``break_glass``, ``conduct.acknowledged``, ``suspension.lifted``, ``employment.current``.
        allowed: what the policies would allow: ``reveal``, ``alias``, ``mask`` or ``act``.
        policies: ids of the policies that would permit it.
        duties: what they would demand besides.
    """

    facts: tuple[str, ...]
    allowed: str
    policies: tuple[str, ...]
    duties: tuple[str, ...]


_Step = tuple[str, Callable[[Question], Question]]


def changes(
    question: Question, policies: PolicySet, known: Mentions, *, purposes: Iterable[str], openings: Collection[str]
) -> list[Change]:
    """Return what would give a better answer, best and smallest first; empty where nothing would.

    Args:
        question: as it stands.
        policies: the set that answers.
        known: what the set speaks of: roles and regions that are tried.
        purposes: kinds of purpose of the catalog.
        openings: which of ``grant`` and ``break_glass`` the catalog offers for this class and person.
    """
    now = policies.answer(question)
    steps = _steps(question, known, purposes, openings)
    found = list(_better([(step,) for step in steps], question, policies, now))
    if not found:
        pairs = [pair for pair in combinations(steps, 2) if not _alternatives(*pair)]
        found = list(_better(pairs[:_PAIRS_MOST], question, policies, now))
    places = {name: place for place, (name, _) in enumerate(steps)}  # from the usual to the drastic
    return sorted(
        found, key=lambda change: (question.wanted.index(change.allowed), [places[fact] for fact in change.facts])
    )


def _better(
    sets: Sequence[tuple[_Step, ...]], question: Question, policies: PolicySet, now: Answer
) -> Iterable[Change]:
    for steps in sets:
        other = question
        for _, step in steps:
            other = step(other)
        answer = policies.answer(other)
        if answer.allowed is not None and rank(question, answer) < rank(question, now):
            yield Change(tuple(name for name, _ in steps), answer.allowed, answer.policies, answer.duties)


def _alternatives(one: _Step, other: _Step) -> bool:
    """Return whether two steps set the same fact, so that the second would undo the first."""
    return one[0].partition(":")[0].partition(".")[0] == other[0].partition(":")[0].partition(".")[0]


def _steps(question: Question, known: Mentions, purposes: Iterable[str], openings: Collection[str]) -> list[_Step]:
    actor = question.actor
    steps: list[_Step] = []
    if actor.suspended:
        steps.append(("suspension.lifted", lambda q: replace(q, actor=replace(q.actor, suspended=False))))
    if actor.ended:
        steps.append(("employment.current", lambda q: replace(q, actor=replace(q.actor, ended=False))))
    if not actor.acknowledged:
        steps.append(("conduct.acknowledged", lambda q: replace(q, actor=replace(q.actor, acknowledged=True))))
    steps += [
        (f"purpose.verified:{kind}", _with_purpose(kind))
        for kind in sorted(set(purposes))
        if (question.purpose, question.verified) != (kind, True)
    ]
    if question.reason != "purpose.missing":
        steps.append(("purpose.none", lambda q: replace(q, purpose="", reason="purpose.missing", verified=False)))
    steps += [(f"role:{role}", _with_role(role)) for role in sorted(known.roles - actor.roles)]
    regions = known.regions | ({question.subject_region} if question.subject_region else set())
    steps += [(f"region:{region}", _with_region(region)) for region in sorted(regions - {actor.region})]
    if "grant" in openings and not question.granted:
        steps.append(("grant", lambda q: replace(q, granted=True)))
    if "break_glass" in openings and not question.broken_glass:
        steps.append(("break_glass", lambda q: replace(q, broken_glass=True)))
    return steps


def _with_purpose(kind: str) -> Callable[[Question], Question]:
    return lambda q: replace(q, purpose=kind, reason="purpose.verified", verified=True)


def _with_role(role: str) -> Callable[[Question], Question]:
    return lambda q: replace(q, actor=replace(q.actor, roles=q.actor.roles | {role}))


def _with_region(region: str) -> Callable[[Question], Question]:
    return lambda q: replace(q, actor=replace(q.actor, region=region))
