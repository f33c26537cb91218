"""Five rivals and ours on the same cases: who is first, and who is accused although nobody inside leaked.

Overlap count (who opened most complainers); the guilt model of Papadimitriou and Garcia-Molina (2011) with p = 0.5,
accusing from 0.95; the hypergeometric tail over the whole seller with Benjamini-Hochberg at 5 %; Mantel-Haenszel over
the matched sets and conditional logit (likelihood ratio), both with Bonferroni. A tie for the first place is a miss.
Run: `python bench/trace/methods.py --cases 200`. In parts: `--seed 500 --cases 40 --keep FILE`, then `--seed 540 …`:
each adds its cases to the file, and the table is of all that the file holds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from adapter import Case, Rung, Settings, Spec, answer, make_case, question
from scipy import stats

from whosaw.trace import build_index
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.risk import match, order_context, order_sightings

INSIDE = [Spec(mode, k) for k in (5, 10) for mode in ("lookup", "legit", "am", "mixed")]
INSIDE += [Spec("lookup", k, decoy=True) for k in (5, 10)]
OUTSIDE = [
    Spec(mode, k, strange=strange) for strange in (False, True) for k in (10, 40) for mode in ("own", "breach", "star")
]


class Scores:
    """Everything the rivals need of one case: H actors who opened a complainer, K complaints."""

    def __init__(self, case: Case) -> None:
        accesses, population, sightings, actors = question(case)
        index = build_index(accesses, actors, population.entered_us.size)
        context = order_context(index, population, int(sightings.contacted_us.min()))
        ordered = order_sightings(sightings, context)
        sets = tuple(r for r in match(context, population, ordered, Settings()) if r.matched)
        evidence = gather_evidence(index, sets)
        self.actor, self.opened, self.share = evidence.actor, evidence.opened[0], evidence.share[0]
        self.seen = self.opened.sum(axis=0)
        early = index.pair_first_us < int(ordered.contacted_us[-1])
        count = np.bincount(index.pair_actor[early], minlength=actors.count)
        self.of_all, self.subjects = count[self.actor], context.subject.size
        self.viewers = np.maximum(1, self.opened.sum(axis=1))
        self.tested = int((count > 0).sum())

    def overlap(self) -> tuple[np.ndarray, np.ndarray]:
        return self.seen.astype(float), np.zeros(self.seen.size, bool)

    def guilt(self) -> tuple[np.ndarray, np.ndarray]:
        miss = np.where(self.opened, np.log1p(-0.5 / self.viewers[:, None]), 0.0).sum(axis=0)
        guilt = 1.0 - np.exp(miss)
        return guilt, guilt >= 0.95

    def hypergeometric(self) -> tuple[np.ndarray, np.ndarray]:
        p = stats.hypergeom.sf(self.seen - 1, self.subjects, self.of_all, self.opened.shape[0])
        order = np.argsort(p)
        passed = p[order] <= 0.05 * (np.arange(p.size) + 1) / self.tested
        accused = np.zeros(p.size, bool)
        if passed.any():
            accused[order[: int(np.flatnonzero(passed).max()) + 1]] = True
        return -np.log(np.maximum(p, 1e-300)), accused

    def mantel_haenszel(self) -> tuple[np.ndarray, np.ndarray]:
        spread = np.sqrt(np.maximum((self.share * (1 - self.share)).sum(axis=0), 1e-12))
        z = (self.seen - self.share.sum(axis=0)) / spread
        return z, stats.norm.sf(z) <= 0.05 / self.tested

    def conditional_logit(self) -> tuple[np.ndarray, np.ndarray]:
        best = np.zeros(self.seen.size)
        for beta in np.linspace(0.1, 8, 80):
            steps = beta * self.opened - np.log1p(self.share * (np.exp(beta) - 1.0))
            best = np.maximum(best, steps.sum(axis=0))
        return best, stats.chi2.sf(2 * best, 1) / 2 <= 0.05 / self.tested


RIVALS = ("overlap", "guilt", "hypergeometric", "mantel_haenszel", "conditional_logit")


def play(spec: Spec, seed: int) -> list[tuple[str, str, bool]]:
    """Return what one case says of every method: which column of the table, whose row, yes or no."""
    case = make_case(spec, seed)
    scores = Scores(case)
    guilty = np.isin(scores.actor, case.leakers)
    told = []
    for name in RIVALS:
        value, named = getattr(scores, name)()
        if case.leakers:
            best = np.flatnonzero(value >= value.max() - 1e-12)
            told.append(("first", name, best.size == 1 and bool(guilty[best[0]])))
            told.append(("innocent", name, bool((named & ~guilty).any())))
        else:
            told.append(("accused", name, bool(named.any())))
    found = answer(case)
    on_rung = [c for c in found.candidates if c.rung is not Rung.NO_SIGNAL]
    if case.leakers:
        told.append(("first", "whosaw", bool(found.candidates) and found.candidates[0].actors == case.leakers))
        told.append(("innocent", "whosaw", any(c.actors != case.leakers for c in on_rung)))
    else:
        told.append(("accused", "whosaw", bool(on_rung)))
        told.append(("accused", "whosaw, findings alone", any(c.rung is Rung.FINDING for c in on_rung)))
    return told


def main(arguments: list[str] | None = None) -> int:
    """Print one line per method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50, help="cases per setting")
    parser.add_argument("--seed", type=int, default=500, help="of the first case of a setting")
    parser.add_argument("--keep", type=Path, help="file that the cases are added to; the table is of all it holds")
    chosen = parser.parse_args(arguments)
    played = {}
    if chosen.keep is not None and chosen.keep.exists():
        played = json.loads(chosen.keep.read_text(encoding="utf-8"))
    for at, spec in enumerate((*INSIDE, *OUTSIDE)):
        for seed in range(chosen.seed, chosen.seed + chosen.cases):
            played[f"{at} {seed}"] = play(spec, seed)
    if chosen.keep is not None:
        chosen.keep.write_text(json.dumps(played), encoding="utf-8")
    columns: dict[str, dict[str, list[bool]]] = {name: defaultdict(list) for name in ("first", "innocent", "accused")}
    for told in played.values():
        for column, name, yes in told:
            columns[column][name].append(yes)
    first, innocent, accused = columns.values()
    print(
        f"{len(first['whosaw'])} cases with a leaker, {len(accused['whosaw'])} without, {time.strftime('%d %B %Y')}\n"
    )
    print("| method | leaker first | an innocent accused beside a leaker | somebody accused although nobody leaked |")
    print("|---|---|---|---|")
    for name in (*RIVALS, "whosaw", "whosaw, findings alone"):
        cells = [f"{np.mean(rows[name]):.3f}" if rows[name] else "" for rows in (first, innocent, accused)]
        if name == "overlap":
            cells[1] = cells[2] = "no rule exists"
        print(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
