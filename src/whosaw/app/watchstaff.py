"""Who is whose peer, as a file of the staff says: by role, queue, product and shift, never by what a person is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whosaw.app.watchfiles import Numbers, read_table
from whosaw.catalog.watching import PEERS, STAFF
from whosaw.terms import trait_of
from whosaw.watch.rows import Int64

_RATES = ("queue", "shift", "region", "employer", "part_time")
_HELD = {"sex": "sexes", "birth": "years or dates of birth"}


@dataclass(frozen=True, slots=True)
class Staff:
    """What is known of people at work.

    Args:
        table: columns by name, a cell each for the same people; None without a file.
        left_out: a sentence for each column that was not read.
    """

    table: Mapping[str, Sequence[str]] | None
    left_out: tuple[str, ...] = ()

    def peers(self, actors: Numbers) -> tuple[Int64, dict[str, Int64]]:
        """Return role per actor, and queue, product and shift where any is known; without a file all have one role."""
        table = self.table
        if table is None:
            return np.zeros(len(actors.names), np.int64), {}
        row = np.array([actors.known(name) for name in table["actor"]], np.int64)
        known = row >= 0

        def of(cells: Sequence[str]) -> Int64:
            words, found = Numbers(("",)), np.zeros(len(actors.names), np.int64)
            found[row[known]] = np.array([max(words.of(cell), 0) for cell in cells], np.int64)[known]
            return found

        return of(table["role"]), {word: of(table[word]) for word in PEERS if any(table[word])}

    def groups(self, actors: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return attribute → group of each actor, for teams and rates alone; nothing that weighs people calls this."""
        table = self.table
        if table is None:
            return {}
        at = {name: row for row, name in enumerate(table["actor"])}
        return {
            word: tuple(table[word][at[name]] if name in at else "" for name in actors)
            for word in ("role", *_RATES)
            if any(table[word])
        }


def read_staff(path: Path | None, *, whole: bool = False) -> Staff:
    """Read the file of the staff without what says who somebody's peers are and holds birth dates or sexes.

    It leaves such a column out and says so: a run must not fail for what one column looks like.

    Args:
        path: the file, None where there is none.
        whole: whether every column is read, as by runs of before.

    Raises:
        WatchFileInvalid, ForbiddenAttribute: the file cannot be used.
    """
    if path is None:
        return Staff(None)
    table = read_table(path, ("actor", "role"), STAFF)
    held = {} if whole else {word: trait for word in ("role", *PEERS) if (trait := trait_of(table[word]))}
    empty = [""] * len(table["actor"])
    return Staff(
        {word: empty if word in held else cells for word, cells in table.items()},
        tuple(f"`{word}` holds what looks like {_HELD[trait]}: nobody's peers by it" for word, trait in held.items()),
    )
