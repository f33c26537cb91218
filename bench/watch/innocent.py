"""False cases of a whole firm in which nobody is bribed, with all signals combined as the product combines them.

2,000 people, 24 months, each with a year of record before it; at the end of every month a run, as a server makes
them, its weekly detector read for each week of that month. Every fourth month people are permuted as the nightly check
permutes them. What it prints is counted, not modelled: also by region, employer, role, part-time work and shift, with
the exact 95 % interval, as if a person's months were independent.

python bench/watch/innocent.py [seed] [hidden] [months] [again] [first]
hidden: part of the people with a tie nobody can see in work; again: how likely a look is repeated, and again;
first: months to pass over, for a run in pieces
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from firm import Firm, Size

from whosaw.watch.groups import MOST, group_rates
from whosaw.watch.nightly import permuted
from whosaw.watch.observed import Observed
from whosaw.watch.rows import DAY_US, HOUR_US, Accesses
from whosaw.watch.running import Run, run
from whosaw.watch.settings import WatchSettings

MONTH_US, HISTORY_US = 30 * DAY_US, 364 * DAY_US
_WEEKS_OF_MONTH = 5


@dataclass
class Counted:
    """What two years of one firm came to.

    Attributes:
        months: person-months.
        cases: people who ever became a case, and by which signal most.
        case_months: person-months in tier `case` or beyond.
        review: person-months at 100 : 1 or beyond.
        selected: person-months that e-BH selects.
        real, null: per signal and `all`, evidence of every person-month, as they are and permuted.
    """

    months: int = 0
    cases: dict[int, str] = field(default_factory=dict)
    case_months: int = 0
    review: int = 0
    selected: int = 0
    real: dict[str, list[np.ndarray]] = field(default_factory=dict)
    null: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def means(self, of: dict[str, list[np.ndarray]]) -> dict[str, float]:
        return {name: float(np.concatenate(parts).mean()) for name, parts in sorted(of.items())}


def ends(size: Size) -> Iterator[int]:
    """Yield the end of each month that has a year before it."""
    end = HISTORY_US + MONTH_US
    while end <= size.weeks * 7 * DAY_US:
        yield end
        end += MONTH_US


def opened_again(world: Observed, again: float, rng: np.random.Generator) -> Observed:
    """Return the world with looks repeated within half an hour: a page drawn anew, another field asked for."""
    row = np.repeat(np.arange(len(world.accesses)), rng.geometric(1.0 - again, len(world.accesses)))
    later = np.where(np.diff(row, prepend=-1) == 0, rng.integers(1, HOUR_US // 2, row.size), 0)
    order = np.argsort(world.accesses.at_us[row] + later, kind="stable")
    row, later = row[order], later[order]
    sellers = world.link_beneficiary.reshape(-1, 2)[row]  # each look has two
    seen = world.accesses
    return replace(
        world,
        accesses=Accesses(seen.actor[row], seen.subject[row], seen.at_us[row] + later),
        unexplained=world.unexplained[row],
        link_access=np.repeat(np.arange(row.size), 2),
        link_beneficiary=sellers.ravel(),
    )


def two_years(
    firm: Firm, settings: WatchSettings, months: int = 24, permute_every: int = 4, again: float = 0.0, first: int = 0
) -> Counted:
    """Weigh `months` months of a firm, from the month `first` on, and count."""
    counted, rng = Counted(), np.random.default_rng(3)
    for month, end in islice(enumerate(ends(firm.size)), first, first + months):
        observed = firm.window(end - HISTORY_US, end)
        if again:
            observed = opened_again(observed, again, rng)
        found = run(observed, settings)
        _note(counted, found)
        if month % permute_every == 0:
            _gather(counted.null, run(permuted(observed, rng), settings))
    return counted


def _note(counted: Counted, found: Run) -> None:
    counted.months += found.month.size
    counted.review += int((found.month >= np.log(100.0)).sum())
    counted.selected += int(found.selected.size)
    _gather(counted.real, found)
    month = found.month >= np.log(found.tiers.case_month_e)
    level = np.log(found.tiers.case_detector)
    over = month | (found.detector[-_WEEKS_OF_MONTH:] >= level).any(axis=0)
    counted.case_months += int(over.sum())
    for actor in np.flatnonzero(over).tolist():
        parts = {
            each.name: max(float(each.week[-_WEEKS_OF_MONTH:, actor].max()), float(each.month[actor]))
            for each in found.signals
        }
        counted.cases.setdefault(actor, max(parts, key=lambda name: parts[name]))


def _gather(into: dict[str, list[np.ndarray]], found: Run) -> None:
    for name, values in (*((each.name, each.month) for each in found.signals), ("all", found.month)):
        into.setdefault(name, []).append(np.exp(np.minimum(values, 600.0)))


def print_groups(counted: Counted, firm: Firm) -> None:
    """Print for each group how many person-months reached 10 : 1, stated at 1 in 10, and 100 : 1, at 1 in 100."""
    for word, evidence in (("as they are", counted.real["all"]), ("permuted", counted.null["all"])):
        for level in (10.0, 100.0):
            print(f"{word}, at {level:g} : 1; stated {1 / level:.2%}, none may be above {MOST / level:.2%}:")
            reached = np.sum([month >= level for month in evidence], axis=0)
            for each in group_rates(reached, len(evidence), firm.groups(), 1 / level):
                rate = f"{each.reached} of {each.people:,} ({each.reached / each.people:.3%}, at most {each.upper:.3%})"
                print(f"  {each.attribute} {each.group}: {rate}{', ABOVE' if each.above else ''}")
    for attribute, labels in firm.groups().items():
        cases = {group: sum(labels[actor] == group for actor in counted.cases) for group in sorted(set(labels))}
        print(f"cases by {attribute}: {cases}")


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    size = replace(Size(), hidden=float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
    months, again = (int(sys.argv[3]) if len(sys.argv) > 3 else 24), float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
    first = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    firm = Firm(seed, size)
    counted = two_years(firm, WatchSettings(), months, again=again, first=first)
    print(f"seed {seed}: {counted.months:,} person-months, f = 0.2 allows 4.8 cases")
    cases = sorted(counted.cases.items()) if len(counted.cases) < 100 else "…"
    print(f"cases {len(counted.cases)} {cases}, person-months as a case {counted.case_months}")
    print(f"at 100 : 1 {counted.review} ({counted.review / counted.months:.5f}), by e-BH {counted.selected}")
    print("mean e as they are:", {name: round(mean, 3) for name, mean in counted.means(counted.real).items()})
    print("mean e permuted:   ", {name: round(mean, 3) for name, mean in counted.means(counted.null).items()})
    print_groups(counted, firm)


if __name__ == "__main__":
    main()
