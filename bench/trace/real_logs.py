"""Planted leaks and random lists in two real work logs: ours beside the plain likelihood over who opened what.

The bank log is that of `bench/bank_log.py`; the help desk is an Italian software company's (`helpdesk_italy.csv.gz`).
A leak draws an employee with enough cases among the half that was never used for tuning (odd numbers), K of his cases,
each contacted 1 to 14 days after his own last touch; with `stray` a part of the complaints comes from elsewhere. The
plain likelihood is what a statistician would write down first: each complainer was drawn from the cases of the leaker,
or with probability 0.15 from anywhere; it has no error rate. It counts the cases of the whole log, and once more only
those that had been opened by the last contact. Run: `python bench/trace/real_logs.py --draws 1000`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from whosaw.terms import to_us
from whosaw.trace import Accesses, Actors, Attribution, Population, Rung, Settings, Sightings, build_index, rank
from whosaw.trace.platt import brier, calibration_error, fit_scale
from whosaw.trace.settings import DAY_US

ROOT = Path(__file__).resolve().parents[2]
HELPDESK = "helpdesk_italy.csv.gz"
STRAY = 0.3
CELLS = [(name, stray, k) for name in ("bank", "help desk") for stray in (0.0, STRAY) for k in (3, 5, 8)]


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


def plain_likelihood(log, sightings: Sightings, *, known_then: bool = False) -> int:
    """Return the actor under whom the complaints are likeliest; -1 where two are.

    It counts the cases of the whole log, those that come after the last contact too: nobody who asks can have those.
    With `known_then` it counts what had been opened by the last contact.
    """
    index = log.index
    end_us = int(sightings.contacted_us.max()) if known_then else np.iinfo(np.int64).max
    opened = np.bincount(index.pair_actor[index.pair_first_us < end_us], minlength=index.actors.count)
    of = int((log.population.entered_us < end_us).sum())
    logs = np.zeros(index.actors.count)
    for subject, contacted_us in zip(sightings.subject, sightings.contacted_us, strict=True):
        _, pair = index.pairs_of(np.array([subject]))
        had = np.zeros(index.actors.count, np.bool_)
        had[index.pair_actor[pair[index.pair_first_us[pair] < contacted_us]]] = True
        logs += np.log(0.85 * had / np.maximum(opened, 1) + 0.15 / of)
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


def outcome(log, employee: int, leak: Sightings, random_list: Sightings) -> dict[str, Any]:
    """Return what one draw came to."""
    found: Attribution = rank(log.index, log.population, leak, Settings())
    named = [c for c in found.candidates if c.rung is not Rung.NO_SIGNAL]
    best = found.candidates[0] if found.candidates else None
    chance = rank(log.index, log.population, random_list, Settings())
    random_named = [c for c in chance.candidates if c.rung is not Rung.NO_SIGNAL]
    return {
        "first": best is not None and best.actors == (employee,),
        "plain": plain_likelihood(log, leak) == employee,
        "plain_then": plain_likelihood(log, leak, known_then=True) == employee,
        "finding": any(c.rung is Rung.FINDING and c.actors == (employee,) for c in named),
        "named": any(c.actors == (employee,) for c in named),
        "innocent": any(c.actors != (employee,) for c in named),
        "innocent_finding": any(c.rung is Rung.FINDING and c.actors != (employee,) for c in named),
        "random_named": bool(random_named),
        "random_finding": any(c.rung is Rung.FINDING for c in random_named),
        "covered": None if found.not_excluded is None else employee in found.not_excluded,
        "held": None if found.not_excluded is None else len(found.not_excluded),
        "stated": best.probability if best else 0.0,
        "stated_random": chance.candidates[0].probability if chance.candidates else 0.0,
    }


def run(draws: int, minutes: float, only: str | None, rows: Path) -> None:
    """Append one line of JSON per draw to `rows`; draws that it holds already are left out.

    The cells take turns, so that a run cut short has all of them.
    """
    module, end = bank(), time.monotonic() + 60 * minutes
    folder = module.datasets()
    logs = {"bank": module.read_log(folder / module.FILE), "help desk": help_desk(module, folder / HELPDESK)}
    chosen = [cell for cell in CELLS if only in (None, cell[0])]
    held = {(row["log"], row["k"], row["stray"], row["draw"]) for row in held_rows(rows)}
    drawn = {cell: enumerate(leaks(logs[cell[0]], cell[2], cell[1], draws)) for cell in chosen}
    with rows.open("a", encoding="utf-8") as lines:
        for _ in range(draws):
            for name, stray, k in chosen:
                if time.monotonic() > end:
                    return
                at, draw = next(drawn[name, stray, k])
                if (name, k, stray, at) in held:
                    continue
                row = {"log": name, "k": k, "stray": stray, "draw": at, **outcome(logs[name], *draw)}
                lines.write(json.dumps(row) + "\n")
                lines.flush()


def held_rows(rows: Path) -> list[dict[str, Any]]:
    """Return the draws of earlier runs; half a line of one that was ended while it wrote counts as not there."""
    if not rows.exists():
        return []
    lines = rows.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def line(cell: tuple[str, float, int], found: list[dict[str, Any]]) -> str:
    """Return one line of the table."""
    name, stray, k = cell
    bounded = [row for row in found if row["held"] is not None]
    share = {key: float(np.mean([row[key] for row in found])) for key in ("first", "plain", "plain_then", "finding")}
    share["named"] = float(np.mean([row["named"] for row in found]))
    count = {key: sum(row[key] for row in found) for key in found[0] if key.startswith(("innocent", "random"))}
    sets = f"{np.mean([row['covered'] for row in bounded]):.3f} of {len(bounded)}" if bounded else ""
    size = f"{np.mean([row['held'] for row in bounded]):.2f}" if bounded else ""
    return (
        f"| {name} | {k} | {stray:.0%} | {len(found)} | {share['first']:.3f} | {share['plain']:.3f} "
        f"| {share['plain_then']:.3f} | {share['finding']:.3f} | {share['named']:.3f} "
        f"| {count['innocent']} ({count['innocent_finding']}) | {count['random_named']} ({count['random_finding']}) "
        f"| {sets} | {size} |"
    )


def calibration(name: str, found: list[dict[str, Any]]) -> str:
    """Return how far stated and observed lie apart on one log, before and after scaling on half of the draws."""
    stated = np.array([row[key] for row in found for key in ("stated", "stated_random")])
    right = np.array([flag for row in found for flag in (row["first"], False)])
    half = np.repeat(np.array([row["draw"] % 2 == 0 for row in found]), 2)
    told = fit_scale(stated[half], right[half]).apply(stated[~half])
    return (
        f"{name}: calibration error {calibration_error(told, right[~half]):.3f} after scaling on half of "
        f"the draws (raw {calibration_error(stated, right):.3f}), Brier {brier(told, right[~half]):.3f}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Print one line per log, K and share of strays, and the calibration of each log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after that time, whatever is done")
    parser.add_argument("--log", choices=("bank", "help desk"), help="one of the two alone")
    parser.add_argument("--rows", type=Path, default=ROOT / ".run" / "real-logs.jsonl", help="one line per draw")
    parser.add_argument("--resume", action="store_true", help="keep the draws that the rows hold, and add the others")
    chosen = parser.parse_args(arguments)
    chosen.rows.parent.mkdir(parents=True, exist_ok=True)
    if not chosen.resume:
        chosen.rows.unlink(missing_ok=True)
    run(chosen.draws, chosen.minutes, chosen.log, chosen.rows)
    found = held_rows(chosen.rows)
    print(f"{len(found)} leaks and as many random lists, {time.strftime('%d %B %Y')}\n")
    print(
        "| log | K | from elsewhere | draws | first | plain likelihood first | the same, as known then | a finding "
        "| on a rung | innocent (finding) | random list: named (finding) | set holds leaker | mean set size |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for cell in CELLS:
        if some := [row for row in found if (row["log"], row["stray"], row["k"]) == cell]:
            print(line(cell, some))
    print()
    for name in ("bank", "help desk"):
        if some := [row for row in found if row["log"] == name]:
            print(calibration(name, some))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
