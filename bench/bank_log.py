"""Planted leaks and random complaint lists in a real bank's work log: is the right employee named, and nobody else?

The log is the BPI Challenge 2012 export (`bpic2012_loan_worklog.csv.gz` in the folder `WHOSAW_DATASETS` names). Every
event with a named resource on a case is one access: subject = case, actor = resource; `112` is the system. The log has
no beneficiary, order, reason or work item, so a case enters with its first touch.

A planted leak draws an employee with at least 50 cases, then K victims uniformly among his cases, each contacted at his
own last touch of that case plus 1 to 14 days. A random list draws K cases uniformly, all contacted 14 days after the
latest first touch among them. Run: `python bench/bank_log.py --draws 200 --seed 1`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosaw.terms import to_us
from whosaw.trace import (
    Accesses,
    Actors,
    Attribution,
    Index,
    Population,
    Rung,
    Settings,
    Sightings,
    build_index,
    rank,
)
from whosaw.trace.settings import DAY_US

FILE = "bpic2012_loan_worklog.csv.gz"
SYSTEM = "112"
SIZES = (3, 5, 8)
TOP_BARS = dict(zip(SIZES, (0.95, 0.99, 0.99), strict=True))
HALF_BARS = dict(zip(SIZES, (0.90, 0.98, 0.99), strict=True))
FINDING_BARS = dict(zip(SIZES, (0.45, 0.93, 0.98), strict=True))
FALSE_FINDINGS_PER_200 = 1
NOBODY_BAR = 0.95


@dataclass(frozen=True)
class Log:
    """The bank's log as arrays: n accesses, their index and population, and the actor that is the system."""

    accesses: Accesses
    index: Index
    population: Population
    system: int


@dataclass(frozen=True)
class Outcome:
    """What one size K came to: shares of the draws, a count of findings, and the slowest answer in seconds."""

    complaints: int
    top: float
    half: float
    finding: float
    overlap_top: float
    random_findings: int
    nobody: float
    slowest_s: float

    def missed(self, draws: int) -> list[str]:
        """Return the bars this outcome does not reach."""
        k = self.complaints
        reached = {
            "right employee first": self.top >= TOP_BARS[k],
            "probability of at least 0.5": self.half >= HALF_BARS[k],
            "finding": self.finding >= FINDING_BARS[k],
            "no finding in random lists": self.random_findings <= FALSE_FINDINGS_PER_200 * max(1, draws // 200),
            "nobody above 0.5 in random lists": self.nobody >= NOBODY_BAR,
        }
        return [f"K={k}: {name}" for name, fine in reached.items() if not fine]


def datasets() -> Path:
    """Return the folder of the real data sets."""
    return Path(os.environ.get("WHOSAW_DATASETS", Path(__file__).resolve().parents[2] / "shared" / "data"))


def read_log(path: Path) -> Log:
    """Read the export; rows without a resource are no access."""
    subjects: dict[str, int] = {}
    actors: dict[str, int] = {}
    rows: list[tuple[int, int, int]] = []
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if resource := row["org:resource"].strip():
                actor = actors.setdefault(resource, len(actors))
                subject = subjects.setdefault(row["case"], len(subjects))
                rows.append((actor, subject, to_us(datetime.fromisoformat(row["time:timestamp"]))))
    table = np.array(rows, np.int64)
    service = np.zeros(len(actors), np.bool_)
    service[actors[SYSTEM]] = True
    accesses = Accesses(table[:, 0], table[:, 1], table[:, 2], np.zeros(len(table), np.bool_), has_reasons=False)
    entered_us = np.full(len(subjects), np.iinfo(np.int64).max)
    np.minimum.at(entered_us, accesses.subject, accesses.at_us)
    index = build_index(accesses, Actors(len(actors), service), len(subjects))
    return Log(accesses, index, Population(entered_us), actors[SYSTEM])


def plant(log: Log, complaints: int, generator: np.random.Generator) -> tuple[int, Sightings]:
    """Return an employee with at least 50 cases, and complaints of cases he leaked."""
    cases = np.bincount(log.index.pair_actor, minlength=log.index.actors.count)
    cases[log.system] = 0
    employee = int(generator.choice(np.flatnonzero(cases >= 50)))
    own = log.accesses.actor == employee
    last = np.full(log.index.subject_count, -1)
    np.maximum.at(last, log.accesses.subject[own], log.accesses.at_us[own])
    victims = generator.choice(np.flatnonzero(last >= 0), complaints, replace=False)
    delay = generator.uniform(1.0, 14.0, complaints) * DAY_US
    return employee, Sightings(victims, last[victims] + delay.astype(np.int64))


def scatter(log: Log, complaints: int, generator: np.random.Generator) -> Sightings:
    """Return complaints of cases that have nothing in common."""
    cases = generator.choice(log.index.subject_count, complaints, replace=False)
    contacted_us = int(log.population.entered_us[cases].max()) + 14 * DAY_US
    return Sightings(cases, np.full(complaints, contacted_us))


def overlap_names(log: Log, sightings: Sightings, employee: int) -> bool:
    """Whether counting who opened most of the complainers in time puts the employee first; a tie is a miss."""
    counts: NDArray[np.int64] = np.zeros(log.index.actors.count, np.int64)
    for subject, contacted_us in zip(sightings.subject, sightings.contacted_us, strict=True):
        _, pair = log.index.pairs_of(np.array([subject]))
        counts[log.index.pair_actor[pair[log.index.pair_first_us[pair] < contacted_us]]] += 1
    counts[log.system] = 0
    return bool(counts.argmax() == employee and (counts == counts.max()).sum() == 1)


def measure(log: Log, complaints: int, draws: int, seed: int, settings: Settings) -> Outcome:
    """Return what `draws` planted leaks and `draws` random lists of one size come to."""
    generator = np.random.default_rng((seed, complaints))
    top = half = finding = overlap = random_findings = nobody = 0
    slowest_s = 0.0
    for _ in range(draws):
        employee, sightings = plant(log, complaints, generator)
        answer, spent_s = _timed(log, sightings, settings)
        own = next((c for c in answer.candidates if employee in c.actors), None)
        top += answer.candidates[0].actors == (employee,)
        half += own is not None and own.probability >= 0.5
        finding += own is not None and own.rung is Rung.FINDING
        overlap += overlap_names(log, sightings, employee)
        answer, spent_random_s = _timed(log, scatter(log, complaints, generator), settings)
        random_findings += any(c.rung is Rung.FINDING for c in answer.candidates)
        nobody += all(c.probability <= 0.5 for c in answer.candidates)
        slowest_s = max(slowest_s, spent_s, spent_random_s)
    return Outcome(
        complaints=complaints,
        top=top / draws,
        half=half / draws,
        finding=finding / draws,
        overlap_top=overlap / draws,
        random_findings=random_findings,
        nobody=nobody / draws,
        slowest_s=slowest_s,
    )


def _timed(log: Log, sightings: Sightings, settings: Settings) -> tuple[Attribution, float]:
    start = time.perf_counter()
    answer = rank(log.index, log.population, sightings, settings)
    return answer, time.perf_counter() - start


def table(outcomes: list[Outcome], draws: int, seed: int) -> str:
    """Return all sizes as one table, every figure beside its bar."""
    lines = [
        f"bank log, {draws} planted leaks and {draws} random lists per K, seed {seed}",
        "  K | first (bar)   | p>=.5 (bar)   | finding (bar) | overlap first "
        "| random: findings (bar) | nobody>.5 (bar)",
    ]
    for o in outcomes:
        k = o.complaints
        lines.append(
            f"{k:>3} | {o.top:.3f} ({TOP_BARS[k]:.2f})  | {o.half:.3f} ({HALF_BARS[k]:.2f})  "
            f"| {o.finding:.3f} ({FINDING_BARS[k]:.2f})  | {o.overlap_top:.3f}         "
            f"| {o.random_findings} (<= {FALSE_FINDINGS_PER_200 * max(1, draws // 200)})               "
            f"| {o.nobody:.3f} ({NOBODY_BAR:.2f})"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description="Planted leaks and random lists in the bank's work log.")
    parser.add_argument("--draws", type=int, default=200, help="planted leaks, and random lists, per K")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    path = datasets() / FILE
    if not path.exists():
        sys.stderr.write(f"error: `{path}` is not there\nhint: set WHOSAW_DATASETS to the folder that holds {FILE}\n")
        return 2
    log = read_log(path)
    outcomes = [measure(log, k, chosen.draws, chosen.seed, Settings()) for k in SIZES]
    print(table(outcomes, chosen.draws, chosen.seed))
    print(f"slowest answer {max(o.slowest_s for o in outcomes):.3f} s")
    missed = [bar for o in outcomes for bar in o.missed(chosen.draws)]
    print("every bar reached" if not missed else "missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
