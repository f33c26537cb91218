"""Signal S8: an employee and a seller share what only one person should have; `together` has two employees.

Devices, addresses, payout accounts, sign-in places; and wording, where an appeal reads like whoever approved it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from whosaw.watch.evidence import log_canary, log_of_p
from whosaw.watch.rows import Float, Int64

_WORD = re.compile(r"\w+")
_SHINGLE = 5


@dataclass(frozen=True, slots=True)
class Shared:
    """Pairs of an actor and another party that share prints.

    Args:
        actor, party: p pairs.
        prints: p numbers of prints shared.
        log_e: p values, paid for by the number of pairs looked at.
    """

    actor: Int64
    party: Int64
    prints: Int64
    log_e: Float


def shared_prints(
    actors: tuple[Int64, Int64], parties: tuple[Int64, Int64], sizes: tuple[int, int], *, public: float = 0.01
) -> Shared:
    """Return who shares prints with whom.

    Args:
        actors: actor and print of each print that an actor left (a device, an address, an account number).
        parties: party and print of each that the other side left.
        sizes: numbers of actors and of parties.
        public: prints that more than this part of the parties left (an office's address) say nothing.
    """
    mine = np.unique(np.stack(actors), axis=1)
    theirs = np.unique(np.stack(parties), axis=1)
    held = np.bincount(theirs[1], minlength=int(max(mine[1].max(initial=0), theirs[1].max(initial=0))) + 1)
    rare = held <= max(public * sizes[1], 1.0)
    colleagues = np.bincount(mine[1], minlength=held.size)
    usable = rare & (colleagues <= max(public * sizes[0], 1.0))
    mine, theirs = mine[:, usable[mine[1]]], theirs[:, usable[theirs[1]]]
    order = np.argsort(theirs[1], kind="stable")
    low = np.searchsorted(theirs[1][order], mine[1], side="left")
    count = np.searchsorted(theirs[1][order], mine[1], side="right") - low
    row = np.repeat(np.arange(mine.shape[1]), count)
    first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    party = theirs[0][order[first + np.arange(row.size)]]
    # chance that a print of the actor's is found at a given other party by accident: its share of the parties
    log_p = np.log(np.maximum(held[mine[1][row]], 1) / sizes[1])
    pair, of = np.unique(mine[0][row] * sizes[1] + party, return_inverse=True)
    prints = np.bincount(of, minlength=pair.size)
    total = np.bincount(of, log_p, pair.size) + np.log(float(sizes[1]))
    log_e = log_of_p(np.exp(np.minimum(total, 0.0)))
    # a household shares its address, its network, its account and its machines all at once: many prints are one fact
    # then, and worth no more than how rare it is that anybody here shares with a party at all
    sharing = np.unique(pair[prints > 1] // sizes[1]).size
    most = log_canary(np.ones(1, np.int64), (sharing + 1) / (sizes[0] + 1))[0]
    return Shared(pair // sizes[1], pair % sizes[1], prints, np.minimum(log_e, most))


def word_prints(text: str) -> frozenset[int]:
    """Return hashes of the text's runs of five words: enough to compare wordings, not to read them."""
    words = [word.lower() for word in _WORD.findall(text)]
    runs = [" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)]
    return frozenset(int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "big") for run in runs)


def drafted_by(appeal: frozenset[int], approver: int, staff: Sequence[frozenset[int]]) -> tuple[float, float]:
    """Return how much of an appeal's wording is the approver's own, and log e that he drafted it.

    If he has nothing to do with it, he is like any of his colleagues: the evidence is his rank among them, so it can
    never exceed what their number allows; phrases of forms that many use count for nobody.

    Args:
        appeal: prints of the appeal.
        approver: place in `staff`.
        staff: prints of what each of the staff wrote before.
    """
    used: dict[int, int] = {}
    for prints in staff:
        for each in prints & appeal:
            used[each] = used.get(each, 0) + 1
    common = max(2, len(staff) // 50)
    rare = {each for each in appeal if used.get(each, 0) <= common}
    overlap = np.array([len(prints & rare) / max(len(appeal), 1) for prints in staff])
    mine = float(overlap[approver])
    if mine == 0.0:
        return 0.0, float(np.log(0.5))
    p = float((overlap >= mine).sum()) / overlap.size
    return mine, float(log_of_p(np.array([min(p, 1.0)]))[0])
