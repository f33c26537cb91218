"""Does a found list help, and whom does it hurt? The same complaints with the list beside them and without.

Worlds of `tests/worlds/lists.py`, in which somebody inside passed a list on, or nobody did; 0, 3, 5 and 10 complaints.
Run: `python bench/trace/found.py --cases 200 --write`. Cases are kept in a log, a line each: `--resume` adds those that
it lacks, several runs may share the work (`--first`), and `--only-table` makes the table of what they left.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import kept
from adapter import Attribution, Rung
from foundlists import CONFIRMED, answer, exposure_of, make_lake, pose_world, read_once, weigh, write_files
from foundtable import added, table, wilson

from whosaw.lake.exposure import Exposure
from worlds.lists import OUTSIDE, TAKEN, World, make_world, write_list

PAGE = kept.ROOT / "docs" / "measured" / "trace-more.md"
START, END = "<!-- found lists: written by bench/trace/found.py -->", "<!-- end of found lists -->"
"""Around the part of the page that `--write` replaces."""
COMPLAINTS = (0, 3, 5, 10)
SHARES, FOREIGN = (1.0, 0.5, 0.2), (0.0, 0.3, 0.7)
HALF = (0.5, 0.3)
"""Half of what was taken, and three of ten rows from elsewhere."""
SEED = 40_000


@dataclass(frozen=True)
class Said:
    """What one answer came to, judged by the truth.

    Args:
        leaker: 0, or 1 for a lead and 2 for a finding on whoever leaked.
        other: the same for the worst that is said of anybody else.
        high: somebody else is at more than even odds.
        stated: (probability, true) of the first candidate, and of nobody inside; empty where nobody was ranked.
    """

    leaker: int
    other: int
    high: bool
    stated: list[tuple[float, bool]]


def judge(found: Attribution, leakers: Sequence[int]) -> Said:
    """Compare an answer with the truth."""
    rung = {Rung.LEAD: 1, Rung.FINDING: 2}
    named = [(set(c.actors) & set(leakers), rung[c.rung]) for c in found.candidates if c.rung in CONFIRMED]
    best = found.candidates[0] if found.candidates else None
    return Said(
        leaker=max([0, *(rung for own, rung in named if own)]),
        other=max([0, *(rung for own, rung in named if not own)]),
        high=any(c.probability > 0.5 and not set(c.actors) & set(leakers) for c in found.candidates),
        stated=[
            (best.probability, bool(set(best.actors) & set(leakers))),
            (found.outside_probability, not leakers),
        ]
        if best
        else [],
    )


def lists_of(kind: str, seed: int) -> list[tuple[float, float, tuple[int, ...]]]:
    """Return which lists of a world turn up: share of what was taken, part from elsewhere, numbers of complaints."""
    if kind == "query":
        every = [(share, foreign) for share in SHARES for foreign in FOREIGN]
        return [(*each, COMPLAINTS if each == HALF else (5,)) for each in every]
    if kind in OUTSIDE and seed // 2 % 2:
        return [(1.0, 0.0, COMPLAINTS)]
    return [(*HALF, COMPLAINTS)]


def play(seed: int, kinds: Sequence[str] = (*TAKEN, *OUTSIDE)) -> Iterator[dict[str, Any]]:
    """Yield one row per list and number of complaints of a seed's worlds; in half of them orders say the region."""
    worlds = [make_world(kind, SEED + seed) for kind in kinds]
    routed = seed // 6 % 2 == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake = make_lake(worlds, folder)
        for at, (kind, world) in enumerate(zip(kinds, worlds, strict=True)):
            facts = {"kind": kind, "seed": seed, "routed": routed, "regional": world.regional}
            for row in _of_world(world, exposure_of(world, at, routed=routed), lists_of(kind, seed), (lake, at, seed)):
                yield facts | row


def _of_world(
    world: World,
    exposure: Exposure,
    lists: Sequence[tuple[float, float, tuple[int, ...]]],
    given: tuple[Path, int, int],
) -> Iterator[dict[str, Any]]:
    (lake, at, seed), leakers = given, world.case.leakers
    questions = {k: pose_world(world, exposure, k) for k in COMPLAINTS}
    bare = {k: answer(question) for k, question in questions.items()}
    without = {k: judge(found, leakers) for k, found in bare.items()}
    guilty = {exposure.actors[leaker] for leaker in leakers}
    for share, foreign, complaints in lists:
        files = write_files(world, write_list(world, share, foreign, seed), at, lake.parent)
        for k in complaints:
            weighed, beside = weigh(files, lake, questions[k], bare[k])
            # without anybody for whom it speaks, the list changes nothing
            changed = any(each.odds > 1.0 for each in weighed.holders)
            said = judge(answer(beside), leakers) if changed else without[k]
            odds = [
                max([1.0, *(each.odds for each in weighed.holders if (each.actor in guilty) is own)])
                for own in (True, False)
            ]
            row = {"share": share, "foreign": foreign, "k": k, "odds": odds}
            yield row | {"bare": asdict(without[k]), "beside": asdict(said)}


def run(cases: range, minutes: float, log: Path) -> None:
    """Append one line of JSON per list and number of complaints to `log`; what it holds is left out."""
    end = time.monotonic() + 60 * minutes
    held = {(row["kind"], row["seed"]) for row in rows([log])}
    read_once()
    for seed in cases:
        if time.monotonic() > end:
            return
        lacking = [kind for kind in (*TAKEN, *OUTSIDE) if (kind, seed) not in held]
        told = "".join(json.dumps(row) + "\n" for row in play(seed, lacking)) if lacking else ""
        with kept.adding(log) as lines:
            lines.write(told)


def rows(logs: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yield the lines of the logs, each list and number of complaints once."""
    return kept.rows(logs, lambda row: tuple(row[name] for name in ("kind", "seed", "share", "foreign", "k")))


def section(found: Sequence[dict[str, Any]], commit: str) -> str:
    """Return what docs/measured/trace-more.md says of found lists."""
    named, findings, cases = added(found)
    none = [row for row in found if row["k"] == 0]
    ranked = sum(bool(row["beside"]["stated"]) for row in none)
    seeds = len({row["seed"] for row in found})
    return "\n".join(
        [
            START,
            "",
            f"`python bench/trace/found.py --cases {seeds}`, "
            f"{time.strftime('%d %B %Y')}, commit {commit}: {len(found)} cases, {seeds} worlds a line. "
            "Each cell: without the list → with it (95 % interval, Wilson).",
            "",
            *table(found),
            "",
            f"Without complaints ({len(none)} cases) somebody was ranked in {ranked}. A list without seeded rows named "
            f"somebody innocent whom the complaints alone did not in {named} of {cases} cases "
            f"({wilson(named, cases, 4)}), and made a finding of him in {findings} ({wilson(findings, cases, 4)}).",
            "",
            END,
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and write where asked; exit 1 where lists name innocents whom the complaints alone do not."""
    chosen = kept.writing(
        kept.options(__doc__, 200, "worlds per setting"), "write the section into docs/measured/trace-more.md"
    ).parse_args(arguments)
    found = list(rows(kept.play(chosen, "trace-found.jsonl", run)))
    text = section(found, kept.commit(chosen))
    print(text)
    if chosen.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        PAGE.write_text(before + text + rest.partition(END)[2], encoding="utf-8")
    named, findings, cases = added(found)
    return int(findings > max(1, cases / 1800) or named > 0.05 * cases)


if __name__ == "__main__":
    raise SystemExit(main())
