"""Flags: what reviewers see, so complete that whoever is accused can recompute it bit for bit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from whosaw.terms.odds import in_odds
from whosaw.watch.evidence import log_mean
from whosaw.watch.observed import Observed
from whosaw.watch.running import Run, run
from whosaw.watch.settings import WatchSettings, canonical
from whosaw.watch.stories import Story, stories_of, without_row

_WORDS = {
    "beneficiary": "people looked up without an explanation whom one beneficiary would profit from",
    "volume": "people looked up whom no record explains",
    "harm": "people harmed after he looked them up without a recorded reason",
    "decisions": "decisions in favour of who asked",
    "picks": "cases taken out of the queue soon after an appeal",
    "canary": "records opened that belong to nobody",
    "sharing": "prints shared with a beneficiary",
    "together": "customers of one beneficiary that a colleague looks up too with whom he shares a device or an account",
}


VERSION = 2
"""Of how evidence is counted and what a seal covers. It is raised with either, so that no older seal is taken for a
forged one; seals of version 1 have no number before them."""


@dataclass(frozen=True, slots=True)
class SignalPart:
    """What one signal adds.

    Args:
        name: the signal.
        sentence: counts and what peers of his role would have.
        evidence: as `3,400 : 1`.
        log_e: of the month.
        without: the month's evidence if this signal were not there.
    """

    name: str
    sentence: str
    evidence: str
    log_e: float
    without: str


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag.

    Args:
        id: from settings, rows and actor; the same whoever computes it.
        actor: index; people stand by number until two unmask them.
        tier: `review`, `case` or `escalate`.
        sentence: one sentence that says no more than the numbers.
        evidence: the month's, as `3,400 : 1`; it is no probability of guilt.
        detector: the value of the weekly detector, in the same form.
        log_month, log_detector: the exact numbers.
        threshold: the detector's value from which it is a case.
        beneficiary: whom the accesses would profit most, -1 where nobody.
        rows: accesses that the evidence rests on.
        signals: parts, the strongest first.
        stories: innocent explanations tested.
        top_row, without_top_row: the row that counts most, and the month's evidence of its signal without it.
        settings_digest, rows_digest: what it was computed from.
        selected: whether e-BH selects him among the month's evidence of all people.
    """

    id: str
    actor: int
    tier: str
    sentence: str
    evidence: str
    detector: str
    log_month: float
    log_detector: float
    threshold: float
    beneficiary: int
    rows: tuple[int, ...]
    signals: tuple[SignalPart, ...]
    stories: tuple[Story, ...]
    top_row: int
    without_top_row: str
    settings_digest: str
    rows_digest: str
    selected: bool

    def told(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def seal(self) -> str:
        """Return the version of what made the flag, and the hash of everything it says."""
        return f"{VERSION}.{sha256(canonical([VERSION, asdict(self)])).hexdigest()}"


def seal_version(seal: str) -> int:
    """Return by which version a seal was made."""
    number, dot, _ = seal.partition(".")
    return int(number) if dot and number.isascii() and number.isdecimal() else 1


def other_version(seal: str) -> str:
    """Return in words that a seal was made by another version; empty where it was not."""
    made = seal_version(seal)
    return "" if made == VERSION else f"it was made by version {made} of watch, and this is version {VERSION}"


def raise_flags(found: Run, observed: Observed) -> tuple[Flag, ...]:
    """Return a flag for everybody beyond tier `none`, the strongest detector first."""
    actors = [at for at, tier in enumerate(found.tier) if tier != "none"]
    flags = [_flag(found, observed, actor) for actor in actors]
    return tuple(sorted(flags, key=lambda flag: (-flag.log_detector, -flag.log_month, flag.actor)))


def recompute(observed: Observed, settings: WatchSettings, flag_id: str) -> Flag | None:
    """Return the flag of that id as these rows and settings make it, None where they make no such flag."""
    return next((flag for flag in raise_flags(run(observed, settings), observed) if flag.id == flag_id), None)


def _flag(found: Run, observed: Observed, actor: int) -> Flag:
    place = np.flatnonzero(found.scan.actor == actor)
    best = int(found.scan.best[place[0]]) if place.size else -1
    rows = found.touch_row[found.touches.actor == actor]
    touching = observed.link_access[observed.link_beneficiary == best]
    top, rest = without_row(found, actor, observed.weights)
    parts = _parts(found, actor)
    log_detector = float(found.detector[-1, actor])
    month = float(found.month[actor])
    key = canonical([found.settings_digest, found.rows_digest, actor])
    return Flag(
        id=sha256(key).hexdigest()[:16],
        actor=actor,
        tier=found.tier[actor],
        sentence=_sentence(found, actor, parts),
        evidence=in_odds(month),
        detector=in_odds(log_detector),
        log_month=month,
        log_detector=log_detector,
        threshold=found.tiers.case_detector,
        beneficiary=best,
        rows=tuple(np.intersect1d(rows, touching).tolist()) if best >= 0 else tuple(rows.tolist()),
        signals=parts,
        stories=stories_of(found, actor, observed.weights),
        top_row=top,
        without_top_row=in_odds(rest),
        settings_digest=found.settings_digest,
        rows_digest=found.rows_digest,
        selected=bool(np.isin(actor, found.selected)),
    )


def _parts(found: Run, actor: int) -> tuple[SignalPart, ...]:
    parts = []
    for each in found.signals:
        value = float(each.month[actor])
        seen, expected = float(each.seen[actor]), float(each.expected[actor])
        sentence = f"{seen:,.0f} {_WORDS[each.name]}, where {expected:,.1f} would be expected of his role"
        parts.append(SignalPart(each.name, sentence, in_odds(value), value, in_odds(_without(found, actor, each.name))))
    return tuple(sorted(parts, key=lambda part: (-part.log_e, part.name)))


def _without(found: Run, actor: int, name: str) -> float:
    """Return the month's evidence if that signal said nothing: its bet stands at 1."""
    values = np.array([0.0 if each.name == name else float(each.month[actor]) for each in found.signals])
    return float(log_mean(values, weights=np.array([found.weights[each.name] for each in found.signals])))


def _sentence(found: Run, actor: int, parts: tuple[SignalPart, ...]) -> str:
    if not parts or parts[0].log_e <= 0:
        return "the weeks before, not the last month, speak for a look at the record"
    first = parts[0]
    odds = in_odds(float(found.month[actor]))
    return f"{first.sentence}: evidence {odds} against chance, which is no probability of guilt"
