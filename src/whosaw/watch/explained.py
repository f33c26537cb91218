"""The share of explained accesses (Fabbri & LeFevre, VLDB 2011): shown *and* borne out by a work record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Value = int | str | list[int | str]


@dataclass(frozen=True, slots=True)
class Explained:
    """How many disclosures a verified reason explains.

    Attributes:
        disclosures: entries in which at least one field was shown, masked or not.
        explained: those of them whose purpose was verified.
        unexplained: the rest, counted by reason code, the commonest first.
    """

    disclosures: int
    explained: int
    unexplained: Mapping[str, int]

    @property
    def share(self) -> float:
        """Return explained ÷ disclosures, 1.0 where nothing was shown."""
        return self.explained / self.disclosures if self.disclosures else 1.0


def explained_share(payloads: Iterable[Mapping[str, Value]]) -> Explained:
    """Count the disclosures among `payloads` and those that a verified reason explains."""
    total = explained = 0
    rest: Counter[str] = Counter()
    for payload in payloads:
        if payload["kind"] != "disclosure":
            continue
        total += 1
        if payload["verified"] == "yes":
            explained += 1
        else:
            rest[str(payload["reason"])] += 1
    return Explained(total, explained, dict(rest.most_common()))
