"""Watch over reviews and sellers, from files: rings, bursts, bought deletions, clusters of sellers, brokers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.app.watchfiles import Numbers, WatchFileInvalid, integers, read_table, times
from whosaw.terms import from_us
from whosaw.terms.odds import in_odds
from whosaw.watch.bursts import burst_log_p, in_burst
from whosaw.watch.clusters import find_clusters
from whosaw.watch.deletions import Deletions, bought_deletions, restorable
from whosaw.watch.rings import Reviews, find_rings
from whosaw.watch.shifts import rating_shifts
from whosaw.watch.suspicion import lone_author_score

_MOST = 200


@dataclass(frozen=True, slots=True)
class _Read:
    reviews: Reviews
    ids: tuple[str, ...]
    authors: tuple[str, ...]
    targets: tuple[str, ...]


def watch_reviews(reviews_file: Path, deletions_file: Path | None = None, people: int = 100) -> dict[str, Any]:
    """Return what `whosaw watch reviews --json` prints.

    Args:
        reviews_file: CSV `review,author,target` and where known `at,stars`.
        deletions_file: CSV `review,actor,at`.
        people: how many might have deleted reviews.

    Raises:
        WatchFileInvalid: a file cannot be read.
    """
    read = _reviews(reviews_file)
    rings = find_rings(read.reviews)
    burst, score = in_burst(read.reviews), lone_author_score(read.reviews)
    order = np.argsort(-score, kind="stable")[:_MOST]
    told: dict[str, Any] = {
        "reviews": len(read.ids),
        "rings": [
            {
                "authors": [read.authors[at] for at in ring.authors.tolist()],
                "targets": [read.targets[at] for at in ring.targets.tolist()],
                "reviews": [read.ids[at] for at in ring.reviews.tolist()],
                "log10_chance": ring.log_p / float(np.log(10)),
            }
            for ring in rings
        ],
        "bursts": sorted({read.targets[at] for at in read.reviews.target[burst].tolist()}),
        "rating_shifts": [
            {
                "target": read.targets[each.target],
                "direction": "up" if each.up else "down",
                "from": from_us(each.from_us).isoformat(),
                "until": from_us(each.until_us).isoformat(),
                "before": round(each.before, 2),
                "during": round(each.during, 2),
                "reviews": [read.ids[at] for at in each.reviews.tolist()],
                "log10_chance": each.log_p / float(np.log(10)),
            }
            for each in rating_shifts(read.reviews)
        ],
        "look_first": [{"review": read.ids[at], "score": round(float(score[at]), 4)} for at in order.tolist()],
        "bought_deletions": [],
    }
    if deletions_file is not None:
        told["bought_deletions"] = _bought(read, deletions_file, people)
    return told


def _reviews(path: Path) -> _Read:
    table = read_table(path, ("review", "author", "target"), ("at", "stars"))
    for name in ("review", "author", "target"):
        if "" in table[name]:
            raise WatchFileInvalid(f"`{path}` row {table[name].index('') + 2}: {name} is missing")
    authors, targets = Numbers(), Numbers()
    author = np.array([authors.of(name) for name in table["author"]], np.int64)
    target = np.array([targets.of(name) for name in table["target"]], np.int64)
    timed = bool(table["at"]) and "" not in table["at"]
    rated = bool(table["stars"]) and "" not in table["stars"]
    reviews = Reviews(
        author,
        target,
        times(path, "at", table["at"]) if timed else None,
        integers(path, "stars", table["stars"]) if rated else None,
    )
    return _Read(reviews, tuple(table["review"]), authors.names, targets.names)


def _bought(read: _Read, path: Path, people: int) -> list[dict[str, Any]]:
    table, actors = read_table(path, ("review", "actor", "at")), Numbers()
    place = {name: at for at, name in enumerate(read.ids)}
    if unknown := [name for name in table["review"] if name not in place]:
        raise WatchFileInvalid(f"`{path}` deletes {len(unknown)} reviews that the reviews' file does not have")
    deletions = Deletions(
        np.array([place[name] for name in table["review"]], np.int64),
        np.array([actors.of(name) for name in table["actor"]], np.int64),
        times(path, "at", table["at"]),
    )
    log_p = burst_log_p(read.reviews)
    return [
        {
            "actor": f"a-{each.actor}",
            "target": read.targets[each.target],
            "evidence": in_odds(each.log_e),
            "confidence": round(each.confidence, 4),
            "restore": [read.ids[at] for at in restorable(each, log_p).tolist()],
        }
        for each in bought_deletions(read.reviews, deletions, people)
    ]


def watch_sellers(prints_file: Path) -> dict[str, Any]:
    """Return what `whosaw watch sellers --json` prints.

    Args:
        prints_file: CSV `side,name,print`, side being `actor` or `beneficiary`: payout accounts, mail domains,
            tracking hosts, devices.

    Raises:
        WatchFileInvalid: the file cannot be read.
    """
    return sellers_of(read_prints(prints_file))


def read_prints(path: Path) -> list[tuple[str, str, str]]:
    """Return side, name and print of each row of a file.

    Raises:
        WatchFileInvalid: the file cannot be read, or a row lacks a cell.
    """
    table = read_table(path, ("side", "name", "print"))
    rows = list(zip(table["side"], table["name"], table["print"], strict=True))
    for at, (side, name, mark) in enumerate(rows):
        if side not in ("actor", "beneficiary") or not name or not mark:
            raise WatchFileInvalid(f"`{path}` row {at + 2}: side must be actor or beneficiary, name and print given")
    return rows


def sellers_of(prints: Iterable[tuple[str, str, str]], known: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Return sellers that prints join, and where employees left the same.

    Args:
        prints: side (`actor` or `beneficiary`; rows of another are passed over), name and print.
        known: numbers of employees whom a server knows; others stand by their place.
    """
    numbers = known or {}
    actors, sellers, marks = Numbers(), Numbers(), Numbers()
    rows: dict[str, list[tuple[int, int]]] = {"actor": [], "beneficiary": []}
    for side, name, mark in prints:
        if side in rows:
            rows[side].append(((actors if side == "actor" else sellers).of(name), marks.of(mark)))
    mine, theirs = (np.array(rows[side], np.int64).reshape(-1, 2) for side in ("actor", "beneficiary"))
    clusters = find_clusters(theirs[:, 0], theirs[:, 1], mine[:, 0], mine[:, 1])
    return {
        "sellers": len(sellers.names),
        "clusters": [
            {
                "sellers": [sellers.names[at] for at in each.parties.tolist()],
                "prints": [marks.names[at] for at in each.prints.tolist()],
                "broker": bool(each.actors.size),
                "actors": [
                    f"actor #{numbers[name]}" if (name := actors.names[at]) in numbers else f"a-{at}"
                    for at in each.actors.tolist()
                ],
            }
            for each in clusters
        ],
    }
