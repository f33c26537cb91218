"""The tables of what a found list does beside complaints: with it and without, from the same cases, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from whosaw.trace.platt import calibration_error
from worlds.lists import OUTSIDE, TAKEN

Row = dict[str, Any]
SEEDED = ("seeded export", "stolen seeded export")
ASKED = ("same question", "many had it", "team lead", "star agent", "heir", "framed, with complaints")
"""Nobody inside passed the list on, and somebody innocent had opened most of just what the source held."""
TOLD = ("heir, told", "team lead, told")
"""The same, and the company says so."""
CAME = ("breach", "dump", "own orders", "framed")
"""Nobody had, but by chance."""
_WORDS = {
    "query": "asked for in one go",
    "one by one": "looked up over weeks",
    "tickets": "met in his work",
    "export": "exported",
    "seeded export": "exported, with seeded rows",
    "reviewed": "asked for in one go; a team lead reviewed four fifths of it",
    "breach": "bought from a breach elsewhere",
    "same question": "breach, and a colleague had asked for just those customers",
    "many had it": "breach, and 5 to 12 colleagues had",
    "dump": "public dump of most customers",
    "own orders": "the seller's own orders",
    "team lead": "breach, and a team lead had reviewed four fifths of it",
    "team lead, told": "breach, and a review of four fifths of it, given as a duty",
    "star agent": "breach, and one agent had served 35 to 70 % of the tickets of it",
    "heir": "a book that an heir had taken over, of which nobody says so",
    "heir, told": "a book that an heir had taken over, given as a duty",
    "stolen export": "an export, stolen from whoever had made it for his work",
    "stolen seeded export": "the same with seeded rows",
    "framed": "made by a rival of customers that one agent serves; complaints of other people",
    "framed, with complaints": "the same, and only people on it complain",
}


def table(rows: Iterable[Row]) -> list[str]:
    """Return the lines of the section: somebody inside, nobody inside, all together, and what the list adds."""
    some = [row for row in rows if row["k"] > 0]
    by: dict[tuple[str, float, float, int], list[Row]] = defaultdict(list)
    for row in some:
        apart = (row["share"], row["foreign"]) if row["kind"] == "query" else (0.0, 0.0)
        by[(row["kind"], *apart, row["k"])].append(row)
    keys = sorted(by, key=_place)
    inside = [_line(f"{_named(key)}, K={key[3]}", by[key], guilty=True) for key in keys if key[0] in TAKEN]
    outside = [_line(f"{_WORDS[key[0]]}, K={key[3]}", by[key]) for key in keys if key[0] in OUTSIDE]
    taken = [row for row in some if row["kind"] in TAKEN and row["kind"] not in SEEDED]
    came = [row for row in some if row["kind"] in CAME]
    groups = [
        ("somebody inside, no seeded row", taken),
        ("nobody inside; who had it, by chance alone", came),
        ("these two", taken + came),
        ("nobody inside; somebody had opened most of it for his work", [row for row in some if row["kind"] in ASKED]),
        ("nobody inside; the same, given as a duty", [row for row in some if row["kind"] in TOLD]),
        ("nobody inside; an export was stolen", [row for row in some if row["kind"] == "stolen export"]),
    ]
    return [
        *_head("somebody inside passed it on", guilty=True),
        *inside,
        "",
        *_head("nobody inside did"),
        *outside,
        "",
        *_head("together", guilty=True),
        *(_line(name, own, guilty=True) for name, own in groups),
    ]


def added(rows: Iterable[Row]) -> tuple[int, int, int]:
    """Return how often a list without seeded rows named an innocent, and made a finding of one, and of how many cases.

    Those whom the complaints alone named as far are not among them.
    """
    some = [row for row in rows if row["k"] > 0 and row["kind"] not in SEEDED]
    named = sum(row["beside"]["other"] > 0 and row["bare"]["other"] == 0 for row in some)
    findings = sum(row["beside"]["other"] > 1 and row["bare"]["other"] < 2 for row in some)
    return named, findings, len(some)


def wilson(count: int, of: int, digits: int = 3) -> str:
    """Return the 95 % interval of a rate."""
    low, high = stats.binomtest(count, of).proportion_ci(0.95, "wilson")
    return f"{low:.{digits}f}–{high:.{digits}f}"


def _head(what: str, *, guilty: bool = False) -> list[str]:
    columns = [f"a list, {what}", "cases"]
    columns += ["leaker named", "as a finding"] if guilty else []
    columns += ["somebody else named", "as a finding", "somebody else above 0.5", "calibration error"]
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]


def _line(name: str, rows: Sequence[Row], *, guilty: bool = False) -> str:
    cells = [name, str(len(rows))]
    if guilty:
        cells += [_both(rows, lambda said: said["leaker"] > 0), _both(rows, lambda said: said["leaker"] > 1)]
    cells += [_both(rows, lambda said: said["other"] > 0), _both(rows, lambda said: said["other"] > 1)]
    cells += [_both(rows, lambda said: said["high"]), " → ".join(_error(rows, when) for when in ("bare", "beside"))]
    return f"| {' | '.join(cells)} |"


def _both(rows: Sequence[Row], fits: Callable[[Row], bool]) -> str:
    """Return a count without the list, with it, and the interval of the latter."""
    bare, beside = (sum(bool(fits(row[when])) for row in rows) for when in ("bare", "beside"))
    return f"{bare} → {beside} ({wilson(beside, len(rows))})"


def _error(rows: Sequence[Row], when: str) -> str:
    stated = [pair for row in rows for pair in row[when]["stated"]]
    told, true = np.array([p for p, _ in stated], np.float64), np.array([bool(true) for _, true in stated])
    return f"{calibration_error(told, true):.3f}"


def _named(key: tuple[str, float, float, int]) -> str:
    kind, share, foreign, _ = key
    if kind != "query":
        return _WORDS[kind]
    part = {1.0: "all", 0.5: "half", 0.2: "a fifth"}[share]
    return f"{_WORDS[kind]}: {part} of it, {foreign:.0%} from elsewhere"


def _place(key: tuple[str, float, float, int]) -> tuple[int, float, float, int]:
    kind, share, foreign, k = key
    return (*TAKEN, *OUTSIDE).index(kind), -share, foreign, k


__all__ = ["added", "table", "wilson"]
