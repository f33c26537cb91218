"""The constants of one run of watch, and their hash: with the rows they decide every flag, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256

from whosaw.watch.errors import WatchSettingRefused

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "beneficiary": 0.40,
    "volume": 0.10,
    "harm": 0.15,
    "decisions": 0.15,
    "picks": 0.10,
    "canary": 0.05,
    "sharing": 0.05,
    "together": 0.05,
}


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What a run may be told.

    Args:
        false_cases_a_month: f: how many innocent people a month may become a case, in the whole firm.
        review_e: one-month evidence from which reviewers see a masked entry.
        false_discovery: rate of e-BH over the month's evidence.
        weights: part of each signal in the average, fixed before any row is read.
        off: signals that the nightly check switched off.
        month_days: length of a month.
        affinity_days: how far back explained accesses make a tie normal.
        habit_days: unexplained accesses older than this are no evidence and tell what was normal for somebody before.
        lost: share of real accesses that may stay unexplained.
        seed: of the draws that learn how strong excuses are, and of the nightly check.
    """

    false_cases_a_month: float = 0.2
    review_e: float = 100.0
    false_discovery: float = 0.10
    weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    off: tuple[str, ...] = ()
    month_days: int = 30
    affinity_days: int = 90
    habit_days: int = 84
    lost: float = 0.01
    seed: int = 20260101

    def __post_init__(self) -> None:
        if unknown := sorted((set(self.weights) | set(self.off)) - set(DEFAULT_WEIGHTS)):
            raise WatchSettingRefused(f"`{unknown[0]}` is no signal")
        if any(weight < 0 for weight in self.weights.values()) or not any(self.weights.values()):
            raise WatchSettingRefused("weights are at least 0, and one of them is larger")
        if not 0 < self.false_discovery < 1 or not 0 < self.lost < 0.2 or self.month_days < 7:
            raise WatchSettingRefused("a rate, a share or the length of a month is out of range")

    def used(self, present: tuple[str, ...]) -> dict[str, float]:
        """Return the weights of the signals that are present and not switched off, summing to 1."""
        kept = {name: self.weights.get(name, 0.0) for name in present if name not in self.off}
        whole = sum(kept.values())
        return {name: weight / whole for name, weight in sorted(kept.items()) if whole > 0 and weight > 0}

    def digest(self) -> str:
        """Return the hash of these settings."""
        return sha256(canonical(asdict(self))).hexdigest()


def read_settings(given: Mapping[str, object]) -> WatchSettings:
    """Return settings from a table ``[watch]``.

    Raises:
        WatchSettingRefused: a key is unknown or a value means nothing.
    """
    known = {each.name for each in fields(WatchSettings)}
    if unknown := sorted(set(given) - known):
        raise WatchSettingRefused(f"unknown key `{unknown[0]}`")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    try:
        return WatchSettings(**values)  # type: ignore[arg-type] # wrong kinds raise below
    except TypeError as error:
        raise WatchSettingRefused("a value is of the wrong kind") from error


def canonical(value: object) -> bytes:
    """Return one way of writing plain values, the same on every machine; floats as their shortest exact form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
