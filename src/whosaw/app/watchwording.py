"""Appeals that read like whoever approved them, from files: what staff wrote before, and the appeals they approved.

A list for people to look at. One appeal says little: the evidence is the approver's rank among those who wrote before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.app.watchfiles import Numbers, WatchFileInvalid, read_table, times
from whosaw.terms.odds import in_odds
from whosaw.watch.evidence import log_of_p
from whosaw.watch.rows import Int64
from whosaw.watch.sharing import drafted_by, word_prints

FEWEST = 20
"""People who must have written before: among fewer a rank says nothing."""


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts of one file in order of time: who answers for each, when, its prints, and the row's own name."""

    who: tuple[int, ...]
    at_us: Int64
    prints: tuple[frozenset[int], ...]
    names: tuple[str, ...]


def watch_wording(appeals_file: Path, written_file: Path) -> dict[str, Any]:
    """Return what `whosaw watch wording --json` prints; no word of any text is in it.

    Only what was written before an appeal came counts against its approver: whoever answers it may quote it. What an
    earlier appeal said already counts for nobody, for the seller had those words.

    Args:
        appeals_file: CSV `appeal,approver,at,text`, `at` being when the appeal came.
        written_file: CSV `actor,at,text`: what staff wrote.

    Raises:
        WatchFileInvalid: a file cannot be read or lacks a cell.
    """
    people = Numbers()
    appeals = _texts(appeals_file, "approver", people, named="appeal")
    written = _texts(written_file, "actor", people)
    own: dict[int, set[int]] = {}
    earlier: set[int] = set()
    told: list[dict[str, Any]] = []
    at, weighed, by_chance = 0, 0, 0.0
    for approver, came_us, prints, name in zip(appeals.who, appeals.at_us, appeals.prints, appeals.names, strict=True):
        while at < len(written.who) and written.at_us[at] < came_us:
            own.setdefault(written.who[at], set()).update(written.prints[at])
            at += 1
        fresh = prints - earlier
        earlier |= prints
        writers = [each for each, said in own.items() if said]
        if not fresh or approver not in writers or len(writers) < FEWEST:
            continue
        weighed += 1
        by_chance += 1 / len(writers)
        share, log_e = drafted_by(fresh, writers.index(approver), [frozenset(own[each] & fresh) for each in writers])
        most = float(log_of_p(np.array([1 / len(writers)]))[0])
        if log_e >= most - 1e-9:
            told.append({"appeal": name, "approver": f"a-{approver}", "share": round(share, 4), "log_e": log_e})
    told.sort(key=lambda each: (-each["share"], each["appeal"]))
    return {
        "appeals": len(appeals.who),
        "weighed": weighed,
        "by_chance": round(by_chance, 2),
        "like_the_approver": [
            {name: each[name] for name in ("appeal", "approver", "share")} | {"evidence": in_odds(each["log_e"])}
            for each in told
        ],
    }


def _texts(path: Path, who: str, people: Numbers, named: str = "") -> _Texts:
    needed: Sequence[str] = (who, "at", "text", *([named] if named else []))
    table = read_table(path, needed)
    for column in (who, *([named] if named else [])):
        if "" in table[column]:
            raise WatchFileInvalid(f"`{path}` row {table[column].index('') + 2}: {column} is missing")
    at_us = times(path, "at", table["at"])
    order = np.argsort(at_us, kind="stable")
    persons = [people.of(name) for name in table[who]]
    names = table[named] if named else [""] * len(persons)
    return _Texts(
        tuple(persons[row] for row in order.tolist()),
        at_us[order],
        tuple(word_prints(table["text"][row]) for row in order.tolist()),
        tuple(names[row] for row in order.tolist()),
    )
