"""Looking after every complaint: how often somebody is ever named although nobody inside leaked.

Every case is answered anew at every look of the schedule up to 40 complaints (between looks the permutation test does
not change, and the posterior is taken at every complaint). Run: `python bench/trace/looking.py --cases 70`. Cases are
kept in a log, a line each: `--resume` adds those that it lacks, and several runs may share the work (`--only-table`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import kept
from adapter import Case, Rung, Settings, Spec, make_case, np, question
from scipy import stats

from whosaw.trace import Sightings, build_index, evidence_over_time, rank

LOOKS = (3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40)
KINDS = [(mode, strange) for strange in (False, True) for mode in ("own", "breach", "star")]
SEED = 3000


def ever(case: Case) -> tuple[bool, bool]:
    """Return whether somebody was ever on a rung, and whether ever a finding."""
    accesses, population, sightings, actors = question(case)
    settings = Settings()
    index = build_index(accesses, actors, population.entered_us.size)
    order = np.argsort(sightings.contacted_us, kind="stable")
    named = finding = False
    for k in (look for look in LOOKS if look <= order.size):
        some = Sightings(sightings.subject[order[:k]], sightings.contacted_us[order[:k]])
        rungs = {c.rung for c in rank(index, population, some, settings).candidates}
        named |= bool(rungs - {Rung.NO_SIGNAL})
        finding |= Rung.FINDING in rungs
    steps = evidence_over_time(index, population, sightings, settings)
    return named, finding or any(step.probability >= settings.finding_at for step in steps)


def run(cases: range, minutes: float, log: Path) -> None:
    """Append one line of JSON per case to `log`; cases that it holds already are left out."""
    end = time.monotonic() + 60 * minutes
    held = {(mode, strange, seed) for mode, strange, seed, _, _ in rows([log])}
    with kept.adding(log) as lines:
        for seed in cases:
            for mode, strange in KINDS:
                if time.monotonic() > end:
                    return
                if (mode, strange, seed) not in held:
                    found = ever(make_case(Spec(mode, 40, strange=strange), SEED + seed))
                    lines.write(json.dumps([mode, strange, seed, *found]) + "\n")
                    lines.flush()


def rows(logs: list[Path]) -> Iterator[tuple[str, bool, int, bool, bool]]:
    """Yield the lines of the logs, each case once."""
    return kept.rows(logs, lambda row: tuple(row[:3]))


def line(what: str, found: list[tuple[bool, bool]]) -> str:
    """Return a line of the table: counts, and the exact 95 % interval of the rate at which somebody is ever named."""
    named, findings = (sum(column) for column in zip(*found, strict=True))
    low, high = stats.binomtest(named, len(found)).proportion_ci(0.95, "exact")
    return f"| {what} | {len(found)} | {named} | {findings} | {named / len(found):.3f} ({low:.3f}–{high:.3f}) |"


def main(arguments: list[str] | None = None) -> int:
    """Print one line per kind of world without an insider; exit 1 where somebody is named in more than 5 % of all."""
    logs = kept.play(kept.options(__doc__, 70, "cases per kind").parse_args(arguments), "trace-looks.jsonl", run)
    found = [((mode, strange), (named, finding)) for mode, strange, _, named, finding in rows(logs)]
    print(f"40 complaints, looked at after every one, {time.strftime('%d %B %Y')}\n")
    print("| nobody inside | cases | ever a lead or finding | ever a finding | ever named (95 % interval); bar 0.05 |")
    print("|---|---|---|---|---|")
    for kind in KINDS:
        if own := [each for of, each in found if of == kind]:
            print(line(f"{kind[0]}, {'foreign world' if kind[1] else 'world'}", own))
    worlds = [[each for (_, strange), each in found if strange is foreign] for foreign in (False, True)]
    for what, own in zip(("world, all", "foreign world, all", "all"), (*worlds, worlds[0] + worlds[1]), strict=True):
        if own:
            print(line(what, own))
    named = sum(each[0] for _, each in found)
    return int(named > 0.05 * max(1, len(found)))


if __name__ == "__main__":
    raise SystemExit(main())
