"""Looking after every complaint: how often somebody is ever named although nobody inside leaked.

Every case is answered anew at every look of the schedule up to 40 complaints (between looks the permutation test does
not change, and the posterior is taken at every complaint). Run: `python bench/trace/looking.py --cases 70`.
"""

from __future__ import annotations

import argparse
import time

from adapter import Case, Rung, Settings, Spec, make_case, np, question

from whosaw.trace import Sightings, build_index, evidence_over_time, rank

LOOKS = (3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40)


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


def main(arguments: list[str] | None = None) -> int:
    """Print one line per kind of world without an insider."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=70, help="cases per kind")
    chosen = parser.parse_args(arguments)
    print(f"40 complaints, looked at after every one, {time.strftime('%d %B %Y')}\n")
    print("| nobody inside | cases | ever a lead or finding | ever a finding |")
    print("|---|---|---|---|")
    for strange in (False, True):
        for mode in ("own", "breach", "star"):
            found = [ever(make_case(Spec(mode, 40, strange=strange), 3000 + seed)) for seed in range(chosen.cases)]
            named, findings = (sum(column) for column in zip(*found, strict=True))
            world = "foreign world" if strange else "world"
            print(f"| {mode}, {world} | {len(found)} | {named} | {findings} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
