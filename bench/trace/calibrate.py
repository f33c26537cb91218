"""Many cases with a known truth, per setting: power and false accusations from the same run, as one table.

Run: `python bench/trace/calibrate.py --cases 200 --write` (`make calibrate`). A smaller `--cases` says so in the table.
Settings are worked off in an order that interleaves them, so that a run cut short (`--minutes`) still has them all.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import kept
from adapter import Outcome, Settings, Spec, answer, judge, make_case, np
from scipy import stats

from whosaw.trace.platt import brier as squared
from whosaw.trace.platt import calibration_error, fit_scale

TABLE = kept.ROOT / "docs" / "measured" / "trace.md"
RATES = kept.ROOT / "src" / "whosaw" / "app" / "trace_rates.json"
"""Printed beside every verdict."""
CORE = ("lookup", "legit", "am", "mixed")
OUTSIDE = ("own", "breach", "star")


ORACLES = """\
*Oracles.* Where an innocent twin had opened 80 % of what the leaker opened, the other complaints fit both alike:
somebody who knows that it was one of the two tells them apart no more often than the line says. The bar for twins
was set for a colleague who is present in four of five of the leaker's *tickets* (the line *tickets*). The line
*look-ups* is a harder world of our own, in which the twin repeats four of five of the leaker's look-ups without
reason as well: somebody who knows that it was one of the two tells them apart in hardly more than half of the cases
there, so the line is set beside him and has no bar but that of naming the twin. A second leaker behind a fifth of
the complaints has caused none of them with probability 0.8^K: 0.11 at 10 complaints. So before the fourteenth
nobody can be excluded as the second one at 95 %, whatever the method: the bound for two stays wide."""


def settings_of_the_table() -> list[Spec]:
    """Return every setting that the table holds."""
    inside = [Spec(mode, k) for k in (5, 10, 20) for mode in CORE]
    inside += [Spec("lookup", k, decoy=True) for k in (5, 10)]
    inside += [Spec(mode, 10, twin=0.8) for mode in ("lookup", "legit")]
    inside += [Spec(mode, k) for k in (20, 40) for mode in ("lookup-pair", "legit-pair")]
    inside += [Spec("lookup-ring", 40)]
    outside = [Spec(mode, k, strange=strange) for strange in (False, True) for k in (5, 10, 20, 60) for mode in OUTSIDE]
    return inside + outside


def run(cases: range, minutes: float, log: Path) -> None:
    """Append one line of JSON per case to `log`; cases that it holds already are left out."""
    end = time.monotonic() + 60 * minutes
    held = {_case(row) for row in kept.rows([log], _case)}
    with kept.adding(log) as lines:
        for seed in cases:
            for spec in settings_of_the_table():
                if time.monotonic() > end:
                    return
                if (str(asdict(spec)), seed) in held:
                    continue
                case = make_case(spec, seed)
                outcome = judge(case, answer(case, Settings(complete=True)), twin=spec.twin > 0)
                row = {"spec": asdict(spec), "seed": seed, **asdict(outcome)}
                lines.write(json.dumps(row) + "\n")
                lines.flush()


def read(logs: list[Path]) -> dict[Spec, list[Outcome]]:
    """Return the outcomes per setting."""
    found: dict[Spec, list[Outcome]] = defaultdict(list)
    for row in kept.rows(logs, _case):
        spec, _ = Spec(**row.pop("spec")), row.pop("seed")
        found[spec].append(Outcome(**row))
    return found


def _case(row: dict[str, Any]) -> tuple[str, int]:
    return str(row["spec"]), row["seed"]


def upper(failed: int, of: int) -> float:
    """Return the 95 % upper bound of a rate (Clopper-Pearson, one-sided)."""
    low, high = failed / max(1, of), 1.0
    for _ in range(60):
        middle = (low + high) / 2
        term, total = (1 - middle) ** of, 0.0
        for k in range(failed + 1):
            total += term
            term *= (of - k) / (k + 1) * middle / max(1e-300, 1 - middle)
        low, high = (middle, high) if total > 0.05 else (low, middle)
    return high


def rates(found: dict[Spec, list[Outcome]]) -> dict[str, object]:
    """Return the error rates that are printed beside every verdict."""
    none = [x for spec, outcomes in found.items() if spec.mode in OUTSIDE for x in outcomes]
    inside = [x for spec, outcomes in found.items() if spec.mode not in OUTSIDE for x in outcomes]
    ten = [x for mode in CORE for x in found.get(Spec(mode, 10), [])]
    findings, leads = sum(bool(x.innocent_finding) for x in none), sum(bool(x.innocent_lead) for x in none)
    wrong = sum(bool(x.innocent_lead) for x in inside)
    line = (
        f"measured on {len(none) + len(inside)} invented cases: nobody inside, a finding in {findings} of {len(none)} "
        f"(95 % upper bound {upper(findings, len(none)):.1%}), a lead in {leads}; somebody inside, an innocent named "
        f"in {wrong} of {len(inside)}; one leaker and ten complaints, a lead in {sum(x.lead > 0 for x in ten)} and a "
        f"finding in {sum(x.finding > 0 for x in ten)} of {len(ten)}"
    )
    return {
        "line": line,
        "nobody": {"cases": len(none), "findings": findings, "leads": leads},
        "inside": {"cases": len(inside), "innocents_named": wrong},
        "measured": time.strftime("%Y-%m-%d"),
    }


class Lines:
    """The table as it grows; remembers which bars are missed."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.missed: list[str] = []

    def add(self, name: str, cases: int, measured: str, bar: str, *, reached: bool | None, needs: int = 200) -> None:
        """Add one line; `reached` is None where there is no bar, and says little below `needs` cases."""
        # a rate of few cases says little: the table must not look like more than it is
        sure = "" if cases >= needs else ", few cases"
        word = "" if reached is None else f"yes{sure}" if reached else f"**no**{sure}"
        self.rows.append(f"| {name} | {cases} | {measured} | {bar} | {word} |")
        if reached is False:
            self.missed.append(name)


def table(found: dict[Spec, list[Outcome]]) -> Lines:
    """Return the lines of the acceptance table."""
    lines = Lines()

    def pooled(*specs: Spec) -> list[Outcome]:
        return [outcome for spec in specs for outcome in found.get(spec, [])]

    def rate(flags: list[bool]) -> float:
        return sum(flags) / max(1, len(flags))

    innocents_named = 0
    for k, bar in ((5, 0.90), (10, 0.95)):
        o = pooled(Spec("lookup", k, decoy=True))
        top = rate([x.first for x in o])
        lines.add(
            f"decoy, K={k}: leaker first",
            len(o),
            f"{top:.3f}; decoy named {sum(x.bystander for x in o)}",
            f"≥ {bar}",
            reached=top >= bar,
        )
    o = pooled(Spec("legit", 10))
    lines.add(
        "tickets only, K=10: leaker first",
        len(o),
        f"{rate([x.first for x in o]):.3f}",
        "≥ 0.97",
        reached=rate([x.first for x in o]) >= 0.97,
    )
    for strange, world in ((False, "world"), (True, "foreign world")):
        o = pooled(*[Spec(m, k, strange=strange) for k in (5, 10, 20, 60) for m in OUTSIDE])
        findings, leads = sum(bool(x.innocent_finding) for x in o), sum(bool(x.innocent_lead) for x in o)
        lines.add(
            f"no insider, {world}: findings",
            len(o),
            f"{findings} (95 % upper {upper(findings, len(o)):.3f})",
            "0 or 1 in 1,800",
            reached=findings <= 1,
            needs=1800,
        )
        lines.add(
            f"no insider, {world}: somebody a lead",
            len(o),
            f"{leads / max(1, len(o)):.3f} (95 % upper {upper(leads, len(o)):.3f})",
            "≤ 0.05",
            reached=leads <= 0.05 * len(o),
        )
        star = pooled(Spec("star", 60, strange=strange))
        leads = sum(bool(x.innocent_lead) for x in star)
        lines.add(
            f"no insider, {world}, star agent K=60: lead",
            len(star),
            f"{leads / max(1, len(star)):.3f}",
            "≤ 0.08",
            reached=leads <= 0.08 * len(star),
        )
    o = pooled(*[spec for spec in found if spec.mode in OUTSIDE])
    findings = sum(bool(x.innocent_finding) for x in o)
    lines.add(
        "no insider, both worlds: findings",
        len(o),
        f"{findings} (95 % upper {upper(findings, len(o)):.4f})",
        "0 or 1 in 1,800",
        reached=findings <= 1,
        needs=1800,
    )
    for mode, word in (("legit", "tickets"), ("lookup", "look-ups")):
        o = pooled(Spec(mode, 10, twin=0.8))
        named, leaker = rate([x.bystander for x in o]), rate([x.lead > 0 for x in o])
        oracle = rate([x.extra.get("oracle", 0) > 0 for x in o])
        held = mode == "legit"  # the bar is one of tickets
        lines.add(
            f"innocent twin in 80 % of the {word}, K=10",
            len(o),
            f"twin named {named:.3f}, leaker a lead {leaker:.3f} (told apart by one who knows that it was one of the "
            f"two: {oracle:.3f}, of which {leaker / max(oracle, 1e-9):.2f})",
            "≤ 0.02, ≥ 0.55" if held else "≤ 0.02",
            reached=named <= 0.02 and (leaker >= 0.55 or not held),
        )
    for k, lead_bar, finding_bar in ((5, 0.75, None), (10, 0.95, 0.65), (20, None, 0.95)):
        o = pooled(*[Spec(m, k) for m in CORE])
        lead, finding = rate([x.lead > 0 for x in o]), rate([x.finding > 0 for x in o])
        innocents_named = sum(bool(x.innocent_lead) for x in o)
        if lead_bar:
            once = rate([x.extra.get("lead_once", 0) > 0 for x in o])
            lines.add(
                f"core modes, K={k}: leaker a lead",
                len(o),
                f"{lead:.3f} (one look with the whole α: {once:.3f}); innocents {innocents_named}",
                f"≥ {lead_bar}",
                reached=lead >= lead_bar,
            )
        if finding_bar:
            lines.add(
                f"core modes, K={k}: leaker a finding",
                len(o),
                f"{finding:.3f}",
                f"≥ {finding_bar}",
                reached=finding >= finding_bar,
            )
    inside = pooled(*[s for s in found if s.mode in CORE and not s.twin])
    everybody = [x for x in inside if x.extra.get("in_set", -1) >= 0]
    held = rate([x.extra["in_set"] > 0 for x in everybody])
    lines.add("confidence set holds the leaker", len(everybody), f"{held:.3f}", "≥ 0.95", reached=held >= 0.95)
    empty = sum(x.extra.get("set_size", 1) == 0 for x in everybody)
    lines.add(
        "confidence set empty for one leaker",
        len(everybody),
        str(empty),
        "≤ 0.01",
        reached=empty <= 0.01 * max(1, len(everybody)),
    )
    bounded = [x for x in inside if x.bounded]
    covered = rate([x.covered for x in bounded])
    lines.add(
        "one leaker: the listed bound holds every leaked subject",
        len(bounded),
        f"{covered:.3f}",
        "≥ 0.95",
        reached=covered >= 0.95,
    )
    numbers = rate([x.leaked <= x.extra["most"] for x in bounded])
    lines.add(
        "one leaker: the bound on the number holds", len(bounded), f"{numbers:.3f}", "≥ 0.95", reached=numbers >= 0.95
    )
    for name, key in (
        ("listed bound", None),
        ("bound on the number (≤ 2 leakers)", "most"),
        ("if one leaked", "alone"),
    ):
        ratios = sorted((x.extra[key] if key else x.size) / max(1, x.leaked) for x in bounded)
        if ratios:
            lines.add(
                f"one leaker: {name} / leaked, median", len(ratios), f"{ratios[len(ratios) // 2]:.1f}", "", reached=None
            )
    told = [x for x in inside if x.finding or x.lead]
    precision = sum(x.t1[0] for x in told) / max(1, sum(x.t1[1] for x in told))
    recall = sum(x.t1[0] for x in told) / max(1, sum(x.t1[2] for x in told))
    known = [x.extra["t1_oracle"] for x in told if "t1_oracle" in x.extra]
    best = [sum(t[0] for t in known) / max(1, sum(t[part] for t in known)) for part in (1, 2)]
    lines.add(
        "certain + probable: precision, recall",
        len(told),
        f"{precision:.2f}, {recall:.2f} (one who knows who leaked, and when: {best[0]:.2f}, {best[1]:.2f})",
        "≥ 0.65, ≥ 0.95",
        reached=precision >= 0.65 and recall >= 0.95,
    )
    for mode in ("lookup-pair", "legit-pair"):
        for k in (20, 40):
            o = pooled(Spec(mode, k))
            both, some = rate([x.lead == 2 for x in o]), rate([x.lead > 0 for x in o])
            oracle, turns = (rate([x.extra.get(key, 0) > 0 for x in o]) for key in ("oracle", "oracle_turns"))
            lines.add(
                f"{mode}, K={k}: both named",
                len(o),
                f"{both:.3f} (oracle {oracle:.3f}; one who knows the turns too {turns:.3f}); one at least {some:.3f}; "
                f"innocents {sum(bool(x.innocent_lead) for x in o)}",
                "≥ 0.8 of the oracle" if k == 20 else "",
                reached=both >= 0.8 * oracle if k == 20 else None,
            )
    two = [x for mode in ("lookup-pair", "legit-pair") for k in (20, 40) for x in pooled(Spec(mode, k)) if x.bounded]
    held = rate([x.covered for x in two])
    lines.add(
        "two leakers: the listed bound holds every leaked subject",
        len(two),
        f"{held:.3f}",
        "≥ 0.95",
        reached=held >= 0.95,
    )
    numbers = rate([x.leaked <= x.extra["most"] for x in two])
    lines.add(
        "two leakers: the bound on the number holds", len(two), f"{numbers:.3f}", "≥ 0.95", reached=numbers >= 0.95
    )
    for name, key in (("listed bound", None), ("bound on the number", "most")):
        ratios = sorted((x.extra[key] if key else x.size) / max(1, x.leaked) for x in two)
        if ratios:
            lines.add(
                f"two leakers: {name} / leaked, median", len(two), f"{ratios[len(ratios) // 2]:.1f}", "", reached=None
            )
    o = pooled(Spec("lookup-ring", 40))
    shares = [rate([x.lead >= n for x in o]) for n in (1, 2, 3)]
    lines.add(
        "ring of three, K=40: ≥ 1, ≥ 2, all named", len(o), ", ".join(f"{s:.3f}" for s in shares), "", reached=None
    )
    pairs = [pair for outcomes in found.values() for x in outcomes for pair in (x.best, x.outside)]
    high = [true for stated, true in pairs if stated >= 0.95]
    lines.add("statements ≥ 0.95 that are true", len(high), f"{rate(high):.3f}", "≥ 0.93", reached=rate(high) >= 0.93)
    ten = pooled(*[Spec(m, 10) for m in CORE])
    lines.add(
        "core modes, K=10: 0.95 reached",
        len(ten),
        f"{rate([x.best[0] >= 0.95 for x in ten]):.3f}",
        "≥ 0.40",
        reached=rate([x.best[0] >= 0.95 for x in ten]) >= 0.40,
    )
    return lines


def stated_of(found: dict[Spec, list[Outcome]]) -> list[tuple[float, bool]]:
    """Return (stated, true) of the best candidate over inside and outside cases of K ≤ 20."""
    stated: list[tuple[float, bool]] = []
    for spec, outcomes in found.items():
        if spec.complaints <= 20 and (spec.mode in CORE or spec.mode in OUTSIDE) and not spec.twin:
            stated += [tuple(x.best) for x in outcomes]
    return stated


def reliability(found: dict[Spec, list[Outcome]]) -> list[str]:
    """Return stated against observed for the best candidate, raw, and what scaling makes of it."""
    stated = stated_of(found)
    rows = ["| stated | cases | mean stated | observed |", "|---|---|---|---|"]
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        part = [(p, true) for p, true in stated if low <= p < high]
        if part:
            mean, observed = sum(p for p, _ in part) / len(part), sum(t for _, t in part) / len(part)
            rows.append(f"| {low:.2f}–{min(high, 1):.2f} | {len(part)} | {mean:.3f} | {observed:.3f} |")
    brier = sum((p - t) ** 2 for p, t in stated) / max(1, len(stated))
    p, right = np.array([p for p, _ in stated]), np.array([bool(t) for _, t in stated])
    half = np.random.default_rng(1).random(p.size) < 0.5
    told = np.empty(p.size)
    for part in (half, ~half):
        told[~part] = fit_scale(p[part], right[part]).apply(p[~part])
    scaled = f"expected calibration error {calibration_error(told, right):.3f} (bar: ≤ 0.03), "
    scaled += f"Brier {squared(told, right):.3f} (bar: ≤ 0.02)"
    raw = f"Raw: Brier {brier:.3f} over {len(stated)} cases, error {calibration_error(p, right):.3f}"
    return [*rows, "", f"{raw}. Scaled on a random half and taken on the other, both ways: {scaled}."]


def picture(found: dict[Spec, list[Outcome]]) -> str:
    """Return the reliability of the raw probability as SVG: a point per fifteenth of the scale, its area the cases."""
    points = []
    stated = stated_of(found)
    for low in np.arange(0, 1, 1 / 15):
        part = [(p, true) for p, true in stated if low <= p < low + 1 / 15 or (p == 1 and low > 0.93)]
        if part:
            x, y = (sum(each[at] for each in part) / len(part) for at in (0, 1))
            radius = 2 + 10 * (len(part) / len(stated)) ** 0.5
            points.append(f'<circle cx="{40 + 300 * x:.1f}" cy="{320 - 300 * y:.1f}" r="{radius:.1f}"/>')
    words = 'text-anchor="middle" font-family="sans-serif" font-size="12" fill="#444"'
    aside = 'transform="rotate(-90 14 170)"'
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 360" width="360" height="360">',
            "<title>Stated against observed</title>",
            '<path d="M40 20V320H340M40 320L340 20" fill="none" stroke="#999"/>',
            f'<g fill="#246" fill-opacity="0.6">{"".join(points)}</g>',
            f'<text x="190" y="350" {words}>stated probability of the first candidate</text>',
            f'<text x="14" y="170" {aside} {words}>share that leaked</text>',
            "</svg>\n",
        ]
    )


def fairness(found: dict[Spec, list[Outcome]]) -> list[str]:
    """Return who was a lead without having leaked, by group, in worlds without an insider."""
    named: dict[str, int] = defaultdict(int)
    of: dict[str, float] = defaultdict(float)
    for spec, outcomes in found.items():
        for x in outcomes if spec.mode in OUTSIDE else ():
            for name, part in x.extra.get("staff", {}).items():
                of[name] += part
            for name in x.extra.get("named_groups", []):
                named[name] += 1
    cases = sum(len(outcomes) for spec, outcomes in found.items() if spec.mode in OUTSIDE)
    everybody = sum(of[name] for name in of if name.startswith("role: "))
    rows = []
    for name in sorted(of):
        stated = 0.05 * cases * of[name] / max(1.0, everybody)  # as many of the group as the stated rate allows
        low, high = poisson(named[name])
        rows.append(
            f"| {name} | {of[name]:.0f} | {named[name]} | {stated:.1f} | {named[name] / stated:.2f} "
            f"({low / stated:.2f}–{high / stated:.2f}) |"
        )
    return rows


def poisson(count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a count's expectation."""
    low = float(stats.chi2.ppf(0.025, 2 * count) / 2) if count else 0.0
    return low, float(stats.chi2.ppf(0.975, 2 * count + 2) / 2)


def page(found: dict[Spec, list[Outcome]], lines: Lines, commit: str) -> str:
    """Return the page under docs/measured."""
    sizes = [len(outcomes) for outcomes in found.values()]
    cases = sum(sizes)
    each = str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    return "\n".join(
        [
            "# Attribution, measured",
            "",
            f"`python bench/trace/calibrate.py`, {time.strftime('%d %B %Y')}, commit {commit}: {cases} cases of "
            f"known truth in {len(found)} settings ({each} each), "
            "worlds of `tests/worlds`, 15 % of the complaints from elsewhere.",
            "",
            "| | cases | measured | bar | reached |",
            "|---|---|---|---|---|",
            *lines.rows,
            "",
            ORACLES,
            "",
            "## Reliability of the raw probability",
            "",
            "![stated against observed](trace-reliability.svg)",
            "",
            *reliability(found),
            "",
            "## Who was named although nobody inside leaked",
            "",
            "| group | people asked about | named | the stated rate allows | ratio (95 % interval); bar 1.5 |",
            "|---|---|---|---|---|",
            *fairness(found),
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and write where asked; exit 1 where a bar is missed."""
    chosen = kept.writing(kept.options(__doc__, 200, "cases per setting"), "write the page under docs/measured")
    chosen = chosen.parse_args(arguments)
    found = read(kept.play(chosen, "trace-cases.jsonl", run))
    lines = table(found)
    text = page(found, lines, kept.commit(chosen))
    print(text)
    if chosen.write:
        TABLE.write_text(text, encoding="utf-8")
        TABLE.with_name("trace-reliability.svg").write_text(picture(found), encoding="utf-8")
        RATES.write_text(json.dumps(rates(found), indent=2) + "\n", encoding="utf-8")
    sys.stderr.write("every bar reached\n" if not lines.missed else f"missed: {'; '.join(lines.missed)}\n")
    return 1 if lines.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
