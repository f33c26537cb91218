"""What attribution answers: values only, actors and subjects as the caller's indices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from whosaw.trace.groups import GroupShare
from whosaw.trace.outlook import Outlook
from whosaw.trace.settings import Settings


class Rung(StrEnum):
    """How far the evidence carries a candidate; never guilt."""

    NO_SIGNAL = "no_signal"
    LEAD = "lead"
    FINDING = "finding"


class Verdict(StrEnum):
    """What the question as a whole comes to."""

    FINDING = "finding"
    LEAD = "lead"
    GROUP = "group"
    UNDECIDED = "undecided"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Hit:
    """One complainer as a candidate saw it.

    Args:
        subject: who complained.
        contacted_us: when it was contacted from outside.
        opened_us: the last opening before that, `None` where there was none.
        irregular: whether an opening before that carried no reason, or another subject's.
        share: part of the matched subjects that the candidate had opened as well.
        irregular_share: the same for irregular openings; `None` where the log carries no reasons.
    """

    subject: int
    contacted_us: int
    opened_us: int | None
    irregular: bool
    share: float
    irregular_share: float | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An actor, or several that the log cannot tell apart, with the evidence.

    Args:
        actors: more than one only where their records agree on every matched subject.
        probability: raw posterior that this actor (one of these) leaked, alone or with another.
        rung: how far the evidence carries.
        e_value: the bets' running product; its mean is at most 1 for somebody irrelevant.
        seen: complainers opened before their contact.
        of: complaints in all.
        expected: how many of them matched subjects would make one expect.
        robust: a finding that stands without its strongest complaint.
        weight: prior weight, frozen before the first contact.
        p_value: max-T permutation p at the last look; `None` where no permutation could matter.
        hits: one per matched complaint, by contact; empty beyond the fifty most probable.
        shared: an account that several people use: never named alone.
        marks: canaries, aliases or unique copies that turned up and that it had opened.
        outlook: what further complaints would do.
    """

    actors: tuple[int, ...]
    probability: float
    rung: Rung
    e_value: float
    seen: int
    of: int
    expected: float
    robust: bool
    weight: float
    p_value: float | None
    hits: tuple[Hit, ...]
    shared: bool = False
    marks: int = 0
    outlook: Outlook | None = None

    @property
    def bans(self) -> float:
        """Evidence in bans: the decimal logarithm of the e-value."""
        return math.log10(self.e_value) if self.e_value > 0 else -math.inf


@dataclass(frozen=True, slots=True)
class Step:
    """What was said when a number of complaints was in.

    Args:
        complaints: how many matched ones.
        outside: probability of nobody inside.
        actor: the most probable actor then.
        probability: his.
    """

    complaints: int
    outside: float
    actor: int
    probability: float


@dataclass(frozen=True, slots=True)
class Scope:
    """What else got out, in three disjoint lists of subjects, each rising.

    Args:
        certain: complainers whose record a named candidate opened before their contact.
        probable: what a named candidate opened around those openings.
        possible: what everybody whom the evidence does not exclude opened, alone or as one of two.
        bound: size of all three where it is a bound, else `None`.
        bounded: nobody-inside is excluded and the log is complete.
        most: how many subjects at most got out of the house if at most two leaked: the largest number that any pair not
            excluded had opened together. Tighter than `bound`, which says *which* subjects; `None` like it.
        alone: the same if only one leaked. Never a bound on its own: a second leaker is seldom excluded.
        chance: probability that it got out, one per subject of `probable`, given that the named candidates leaked.
        named: actors of the candidates on a rung: `certain` and `probable` are openings of theirs.
        held: actors whom the evidence does not exclude, alone or as one of two: `possible` are openings of theirs.
    """

    certain: tuple[int, ...] = ()
    probable: tuple[int, ...] = ()
    possible: tuple[int, ...] = ()
    bound: int | None = None
    bounded: bool = False
    most: int | None = None
    alone: int | None = None
    chance: tuple[float, ...] = ()
    named: tuple[int, ...] = ()
    held: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A duty, or a question asked in one go, that may explain why the log speaks against an actor.

    Args:
        duty: its position among those given; -1 for a question.
        actor: whose openings it explains.
        probability: that the complainers come from those whom it brought, whoever passed them on.
        seen: complainers whom it had brought before their contact.
        of: complaints in all.
        expected: how many of them matched subjects would make one expect.
        asked_us: when the question was asked; `None` for a duty.
    """

    duty: int
    actor: int
    probability: float
    seen: int
    of: int
    expected: float
    asked_us: int | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """How the answer was made.

    Args:
        settings: every constant.
        complaints: distinct complainers given.
        matched: those that have matched subjects in the log.
        look: complaints the permutation looked at; `None` where it did not run.
        look_level: the level of that look.
        redraws: redraws made.
        outside_mass: prior of *nobody inside (yet)*: the setting, and what of the rest has not started to bet.
    """

    settings: Settings
    complaints: int
    matched: int
    look: int | None = None
    look_level: float | None = None
    redraws: int = 0
    outside_mass: float = 0.5
    name: str = "matched betting score"
    version: str = "4"


@dataclass(frozen=True, slots=True)
class Attribution:
    """The answer to one question.

    Args:
        verdict: what it comes to.
        candidates: everybody who opened a complainer in time, the most probable first; services are never among them.
        outside_probability: raw posterior that it was nobody inside; the prior where nothing could be computed.
        scope: what else got out.
        method: how this was computed.
        missing: what a better answer needs; empty where nothing is missing.
        groups: sites or employers, the most probable first; empty where none are known.
        several: probability that more than one actor leaked.
        unreachable: actors of the question who opened so much of it that no complaints could ever name them.
        not_excluded: the confidence set: who cannot be excluded as the only leaker (empty: it was several); `None`
            where nobody inside is not excluded either.
        explanations: what duties explain, in the order in which they were given.
        outside_excluded: whether nobody inside, and what duties explain, are excluded by both posteriors.
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...]
    outside_probability: float
    scope: Scope
    method: Method
    missing: tuple[str, ...] = ()
    groups: tuple[GroupShare, ...] = ()
    several: float = 0.0
    unreachable: tuple[int, ...] = ()
    not_excluded: tuple[int, ...] | None = None
    explanations: tuple[Explanation, ...] = ()
    outside_excluded: bool = False

    def at_base_rate(self, inside: float) -> tuple[float, tuple[float, ...]]:
        """Return the outside probability and the candidates' probabilities for another prior of *somebody inside*.

        Args:
            inside: probability, before any evidence, that somebody inside leaked, in (0, 1).
        """
        prior = self.method.outside_mass
        out = self.outside_probability * (1.0 - inside) / prior
        scale = inside / (1.0 - prior)
        total = out + (1.0 - self.outside_probability) * scale
        return out / total, tuple(candidate.probability * scale / total for candidate in self.candidates)

    def instead_of(self, candidate: Candidate) -> tuple[Candidate, ...]:
        """Return who could explain it instead: weight × e-value at least a twentieth of the candidate's."""
        least = candidate.weight * candidate.e_value / 20.0
        return tuple(c for c in self.candidates if c is not candidate and c.weight * c.e_value >= least > 0)
