"""Planted leaks and random lists in two real work logs: ours beside the plain likelihood over who opened what.

The bank log is that of `bench/bank_log.py`; the help desk is an Italian software company's (`helpdesk_italy.csv.gz`).
A leak draws an employee with enough cases among the half that was never used for tuning (odd numbers), K of his cases,
each contacted 1 to 14 days after his own last touch; with `stray` a part of the complaints comes from elsewhere. The
plain likelihood is what a statistician would write down first: each complainer was drawn from the cases of the leaker,
or with probability 0.15 from anywhere; it has no error rate. Run: `python bench/trace/real_logs.py --draws 1000`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType

import numpy as np

from whosaw.terms import to_us
from whosaw.trace import Accesses, Actors, Attribution, Population, Rung, Settings, Sightings, build_index, rank
from whosaw.trace.platt import brier, calibration_error, fit_scale
from whosaw.trace.settings import DAY_US

ROOT = Path(__file__).resolve().parents[2]
HELPDESK = "helpdesk_italy.csv.gz"
STRAY = 0.3


@dataclass
class Tally:
    """What the draws of one cell came to."""

    first: int = 0
    plain_first: int = 0
    finding: int = 0
    named: int = 0
    innocent: int = 0
    innocent_finding: int = 0
    random_finding: int = 0
    random_named: int = 0
    covered: int = 0
    bounded: int = 0
    held: int = 0


def bank() -> ModuleType:
    """Return `bench/bank_log.py` as a module."""
    spec = importlib.util.spec_from_file_location("bench_bank_log", ROOT / "bench" / "bank_log.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def help_desk(module: ModuleType, path: Path):
    """Read the help desk's log as the bank's is read; it has no system account."""
    subjects: dict[str, int] = {}
    actors: dict[str, int] = {}
    rows = []
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            who, case, when = (row[name].strip() for name in columns(row))
            if who:
                rows.append(
                    (actors.setdefault(who, len(actors)), subjects.setdefault(case, len(subjects)), moment(when))
                )
    table = np.array(rows, np.int64)
    accesses = Accesses(table[:, 0], table[:, 1], table[:, 2], np.zeros(len(table), np.bool_), has_reasons=False)
    entered_us = np.full(len(subjects), np.iinfo(np.int64).max)
    np.minimum.at(entered_us, accesses.subject, accesses.at_us)
    staff = Actors(len(actors), np.zeros(len(actors), np.bool_))
    return module.Log(accesses, build_index(accesses, staff, len(subjects)), Population(entered_us), -1)


def columns(row: dict[str, str]) -> tuple[str, str, str]:
    """Return the names of the columns for who, case and when."""
    names = {name.lower().replace(" ", "").replace("_", ""): name for name in row}
    who = next(names[k] for k in ("resource", "org:resource") if k in names)
    case = next(names[k] for k in ("caseid", "case", "case:concept:name") if k in names)
    when = next(names[k] for k in ("completetimestamp", "time:timestamp", "timestamp") if k in names)
    return who, case, when


def moment(text: str) -> int:
    """Return microseconds of a time, UTC where it names no zone."""
    at = datetime.fromisoformat(text.replace("/", "-"))
    return to_us(at if at.tzinfo else at.replace(tzinfo=datetime.now().astimezone().tzinfo))


def plain_likelihood(log, sightings: Sightings) -> int:
    """Return the actor under whom the complaints are likeliest; -1 where two are."""
    index = log.index
    opened = np.bincount(index.pair_actor, minlength=index.actors.count)
    logs = np.zeros(index.actors.count)
    for subject, contacted_us in zip(sightings.subject, sightings.contacted_us, strict=True):
        _, pair = index.pairs_of(np.array([subject]))
        had = np.zeros(index.actors.count, np.bool_)
        had[index.pair_actor[pair[index.pair_first_us[pair] < contacted_us]]] = True
        logs += np.log(0.85 * had / np.maximum(opened, 1) + 0.15 / index.subject_count)
    if log.system >= 0:
        logs[log.system] = -np.inf
    best = np.flatnonzero(logs >= logs.max() - 1e-12)
    return int(best[0]) if best.size == 1 else -1


def leaks(log, complaints: int, stray: float, draws: int) -> Iterator[tuple[int, Sightings, Sightings]]:
    """Yield a leaker of the untuned half, his complaints, and a random list."""
    index, accesses = log.index, log.accesses
    cases = np.bincount(index.pair_actor, minlength=index.actors.count)
    if log.system >= 0:
        cases[log.system] = 0
    pool = np.flatnonzero((cases >= 50) & (np.arange(cases.size) % 2 == 1))
    generator = np.random.default_rng((complaints, int(100 * stray), 7))
    for _ in range(draws):
        employee = int(generator.choice(pool))
        mine = accesses.actor == employee
        last = np.full(index.subject_count, -1)
        np.maximum.at(last, accesses.subject[mine], accesses.at_us[mine])
        own = complaints - int(generator.binomial(complaints, stray))
        victims = generator.choice(np.flatnonzero(last >= 0), own, replace=False)
        others = generator.choice(
            np.setdiff1d(np.arange(index.subject_count), victims), complaints - own, replace=False
        )
        contact = last[victims] + (generator.uniform(1, 14, own) * DAY_US).astype(np.int64)
        when = log.population.entered_us[others] + (generator.uniform(1, 28, others.size) * DAY_US).astype(np.int64)
        listed = generator.choice(index.subject_count, complaints, replace=False)
        random_us = log.population.entered_us[listed] + (generator.uniform(1, 28, complaints) * DAY_US).astype(np.int64)
        yield employee, Sightings(np.append(victims, others), np.append(contact, when)), Sightings(listed, random_us)


def measure(log, complaints: int, stray: float, draws: int):
    """Return the tally of one cell, and (stated, right) of every answer."""
    tally, stated = Tally(), []
    for employee, list_of_leak, random_list in leaks(log, complaints, stray, draws):
        found: Attribution = rank(log.index, log.population, list_of_leak, Settings())
        named = [c for c in found.candidates if c.rung is not Rung.NO_SIGNAL]
        best = found.candidates[0] if found.candidates else None
        right = best is not None and best.actors == (employee,)
        stated.append((best.probability if best else 0.0, right))
        tally.first += right
        tally.plain_first += plain_likelihood(log, list_of_leak) == employee
        tally.finding += any(c.rung is Rung.FINDING and c.actors == (employee,) for c in named)
        tally.named += any(c.actors == (employee,) for c in named)
        tally.innocent += any(c.actors != (employee,) for c in named)
        tally.innocent_finding += any(c.rung is Rung.FINDING and c.actors != (employee,) for c in named)
        if found.not_excluded is not None:
            tally.bounded += 1
            tally.covered += employee in found.not_excluded
            tally.held += len(found.not_excluded)
        found = rank(log.index, log.population, random_list, Settings())
        named = [c for c in found.candidates if c.rung is not Rung.NO_SIGNAL]
        stated.append((found.candidates[0].probability if found.candidates else 0.0, False))
        tally.random_named += bool(named)
        tally.random_finding += any(c.rung is Rung.FINDING for c in named)
    return tally, stated


def main(arguments: list[str] | None = None) -> int:
    """Print one line per log, K and share of strays, and the calibration of each log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    chosen = parser.parse_args(arguments)
    module = bank()
    folder = module.datasets()
    logs = {"bank": module.read_log(folder / module.FILE), "help desk": help_desk(module, folder / HELPDESK)}
    print(f"{chosen.draws} leaks and {chosen.draws} random lists a line, {time.strftime('%d %B %Y')}\n")
    print(
        "| log | K | from elsewhere | first | plain likelihood first | a finding | on a rung | innocent (finding) "
        "| random list: named (finding) | set holds leaker | mean set size |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, log in logs.items():
        everything = []
        for stray in (0.0, STRAY):
            for k in (3, 5, 8):
                t, stated = measure(log, k, stray, chosen.draws)
                everything += stated
                n, bounded = chosen.draws, max(1, t.bounded)
                print(
                    f"| {name} | {k} | {stray:.0%} | {t.first / n:.3f} | {t.plain_first / n:.3f} | {t.finding / n:.3f} "
                    f"| {t.named / n:.3f} | {t.innocent} ({t.innocent_finding}) | {t.random_named} "
                    f"({t.random_finding}) | {t.covered / bounded:.3f} of {t.bounded} | {t.held / bounded:.2f} |",
                    flush=True,
                )
        p, right = np.array([s for s, _ in everything]), np.array([r for _, r in everything])
        half = (np.arange(p.size) // 2) % 2 == 0
        told = fit_scale(p[half], right[half]).apply(p[~half])
        print(
            f"\n{name}: calibration error {calibration_error(told, right[~half]):.3f} after scaling on half of "
            f"the draws (raw {calibration_error(p, right):.3f}), Brier {brier(told, right[~half]):.3f}\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
