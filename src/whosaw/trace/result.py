"""What attribution answers: values only, actors and subjects as the caller's indices."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
        hits: one per matched complaint, by contact.
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


@dataclass(frozen=True, slots=True)
class Scope:
    """What else got out, in three disjoint lists of subjects, each rising.

    Args:
        certain: complainers whose record a named candidate opened before their contact.
        probable: what a named candidate opened around those openings.
        possible: what everybody whom the evidence does not exclude opened, alone or as one of two.
        bound: size of all three where it is a bound, else `None`.
        bounded: nobody-inside is excluded and the log is complete.
    """

    certain: tuple[int, ...] = ()
    probable: tuple[int, ...] = ()
    possible: tuple[int, ...] = ()
    bound: int | None = None
    bounded: bool = False


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
    """

    settings: Settings
    complaints: int
    matched: int
    look: int | None = None
    look_level: float | None = None
    redraws: int = 0
    name: str = "matched betting score"
    version: str = "1"


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
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...]
    outside_probability: float
    scope: Scope
    method: Method
    missing: tuple[str, ...] = ()

    def instead_of(self, candidate: Candidate) -> tuple[Candidate, ...]:
        """Return who could explain it instead: weight × e-value at least a twentieth of the candidate's."""
        least = candidate.weight * candidate.e_value / 20.0
        return tuple(c for c in self.candidates if c is not candidate and c.weight * c.e_value >= least > 0)
