"""Everything one run of watch reads, after excuses are known; its digest names the very rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from whosaw.watch.rows import Accesses, Bool, Float, Int64, same_length
from whosaw.watch.visits import one_of_each_ask


def _ints() -> Int64:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Harms:
    """Something bad that happened to a subject: contacted, review changed or removed, refund.

    Args:
        subject, at_us: of h harms.
    """

    subject: Int64 = field(default_factory=_ints)
    at_us: Int64 = field(default_factory=_ints)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Discretionary decisions: deletions, reinstatements, refunds.

    Args:
        actor, at_us, kind: of d decisions.
        favourable: d flags: in favour of the beneficiary.
        beneficiary: d indices, -1 where none.
        second: d: 1 where a blind second decision disagreed, 0 where it agreed, -1 outside the sample.
        routed: d flags: the router gave him the case.
        appealed_us: d times of the appeal, `OPEN` where none.
    """

    actor: Int64 = field(default_factory=_ints)
    at_us: Int64 = field(default_factory=_ints)
    kind: Int64 = field(default_factory=_ints)
    favourable: Int64 = field(default_factory=_ints)
    beneficiary: Int64 = field(default_factory=_ints)
    second: Int64 = field(default_factory=_ints)
    routed: Int64 = field(default_factory=_ints)
    appealed_us: Int64 = field(default_factory=_ints)

    def __post_init__(self) -> None:
        same_length("decisions", *(getattr(self, name) for name in self.__slots__))

    def take(self, rows: Int64 | Bool) -> Decisions:
        """Return the decisions in `rows`."""
        return Decisions(*(getattr(self, name)[rows] for name in self.__slots__))

    def one_of_each_ask(self) -> Decisions:
        """Return of what one person decided in one instant a single decision of each kind.

        Which of them stands for the ask follows from its place and the instant, and not from what was decided.
        """
        rows = np.arange(self.actor.size)
        return self.take(one_of_each_ask(rows, self.at_us, rows, self.actor, self.kind + 1))


@dataclass(frozen=True, slots=True)
class Prints:
    """What actors and beneficiaries left behind: devices, addresses, accounts; as indices of prints."""

    actor: Int64 = field(default_factory=_ints)
    actor_print: Int64 = field(default_factory=_ints)
    party: Int64 = field(default_factory=_ints)
    party_print: Int64 = field(default_factory=_ints)


@dataclass(frozen=True, slots=True)
class Observed:
    """One stretch of the record.

    Args:
        accesses: n accesses.
        unexplained: n parts in {0, ½, 1}.
        link_access, link_beneficiary: whom each access would profit, k links.
        role: role or queue of each actor.
        shift: shift of each actor, for the nightly check.
        queue, product: of each actor, where known: peers of the same are nearer peers.
        beneficiaries, subjects: how many there are.
        harms, decisions, prints: see there; empty where the company records none.
        canary: subjects that do not exist.
        weights: per beneficiary, from the sellers' side, fixed before the stretch began; absent: even.
        tie_actor, tie_beneficiary: declared account management.
    """

    accesses: Accesses
    unexplained: Float
    link_access: Int64
    link_beneficiary: Int64
    role: Int64
    beneficiaries: int
    subjects: int
    shift: Int64 | None = None
    harms: Harms = field(default_factory=Harms)
    decisions: Decisions = field(default_factory=Decisions)
    prints: Prints = field(default_factory=Prints)
    canary: Int64 = field(default_factory=_ints)
    weights: Float | None = None
    tie_actor: Int64 = field(default_factory=_ints)
    tie_beneficiary: Int64 = field(default_factory=_ints)
    queue: Int64 | None = None
    product: Int64 | None = None

    def __post_init__(self) -> None:
        same_length("accesses and what is unexplained", self.accesses.actor, np.asarray(self.unexplained, np.int64))
        same_length("links", self.link_access, self.link_beneficiary)

    @property
    def actors(self) -> int:
        """How many actors there are."""
        return int(self.role.size)

    def digest(self) -> str:
        """Return the hash of every row that a flag can rest on."""
        state = sha256()
        for name, column in self._columns():
            state.update(name.encode() + b"\0" + str(column.dtype).encode() + b"\0" + str(column.size).encode() + b"\0")
            state.update(np.ascontiguousarray(column).tobytes())
        return state.hexdigest()

    def _columns(self) -> list[tuple[str, Int64 | Float]]:
        found: list[tuple[str, Int64 | Float]] = [
            ("actor", self.accesses.actor),
            ("subject", self.accesses.subject),
            ("at_us", self.accesses.at_us),
            ("unexplained", self.unexplained),
            ("link_access", self.link_access),
            ("link_beneficiary", self.link_beneficiary),
            ("role", self.role),
            ("sizes", np.array([self.beneficiaries, self.subjects], np.int64)),
            ("canary", self.canary),
            ("tie_actor", self.tie_actor),
            ("tie_beneficiary", self.tie_beneficiary),
        ]
        for word, of in (("shift", self.shift), ("queue", self.queue), ("product", self.product)):
            if of is not None:
                found.append((word, of))
        if self.weights is not None:
            found.append(("weights", self.weights))
        for word, table in (("harms", self.harms), ("decisions", self.decisions), ("prints", self.prints)):
            found += [(f"{word}.{name}", getattr(table, name)) for name in type(table).__slots__]
        return found
