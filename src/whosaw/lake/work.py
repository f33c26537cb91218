"""The lake's work records as plain arrays: what was to be done about whom, by whom, and which kind of work it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosaw.lake.opened import Opened, opened

Int64 = NDArray[np.int64]

NOBODY = -1


@dataclass(frozen=True, slots=True)
class WorkRecords:
    """Work records, people and subjects by position in the names beside them; -1 where a row names nobody.

    Args:
        item_kind, item_subject, opened_us, closed_us, assignee, made_by: one work item for each person who worked on
            it (for nobody, where no row names one); open from its first row to its last; made by whom the first row
            names, if it names one alone.
        item_team: the route that the first row says: the team it was given to.
        act_kind, act_actor, act_subject, act_at_us: one row of the log each.
        kinds: the activity of each kind; `ticket` where the log names none.
        actors, subjects: references.
        teams: names of routes.
    """

    item_kind: Int64
    item_subject: Int64
    opened_us: Int64
    closed_us: Int64
    assignee: Int64
    made_by: Int64
    act_kind: Int64
    act_actor: Int64
    act_subject: Int64
    act_at_us: Int64
    kinds: tuple[str, ...]
    actors: tuple[str, ...]
    subjects: tuple[str, ...]
    item_team: Int64
    teams: tuple[str, ...]


# the kind of an item is the activity with which it was opened; -1 stands for a number that is absent
_ITEMS = """
    WITH item AS (
        SELECT ticket, subject, min(at_us) AS opened_us, max(at_us) AS closed_us
        FROM tickets WHERE ticket IS NOT NULL AND at_us < $until GROUP BY ticket, subject
    ), first_row AS (
        SELECT t.ticket, t.subject, min(coalesce(t.activity, -1)) AS kind, max(coalesce(t.route, -1)) AS team,
               CASE WHEN count(DISTINCT coalesce(t.actor, -1)) = 1 THEN min(coalesce(t.actor, -1)) ELSE -1 END
                   AS made_by
        FROM tickets t JOIN item i ON i.ticket = t.ticket AND i.subject = t.subject AND i.opened_us = t.at_us
        GROUP BY t.ticket, t.subject
    ), worker AS (
        SELECT DISTINCT ticket, subject, actor FROM tickets
        WHERE ticket IS NOT NULL AND actor IS NOT NULL AND at_us < $until
    )
    SELECT f.kind, i.subject, i.opened_us, i.closed_us, coalesce(w.actor, -1) AS assignee, f.made_by, f.team
    FROM item i
    JOIN first_row f ON f.ticket = i.ticket AND f.subject = i.subject
    LEFT JOIN worker w ON w.ticket = i.ticket AND w.subject = i.subject
    ORDER BY ALL
"""
_ACTS = """
    SELECT coalesce(activity, -1) AS kind, coalesce(actor, -1) AS actor, subject, at_us
    FROM tickets WHERE at_us < $until ORDER BY ALL
"""


def load_work(lake: Path, until_us: int) -> WorkRecords:
    """Read the work records before `until_us`.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as held:
        items, acts = _columns(held, _ITEMS, until_us), _columns(held, _ACTS, until_us)
        kinds, kind = _named(held, "activity", items["kind"], acts["kind"], absent="ticket")
        actors, actor = _named(held, "actor", items["assignee"], items["made_by"], acts["actor"])
        subjects, subject = _named(held, "subject", items["subject"], acts["subject"])
        teams, team = _named(held, "route", items["team"])
    return WorkRecords(
        kind[0],
        subject[0],
        items["opened_us"],
        items["closed_us"],
        actor[0],
        actor[1],
        kind[1],
        actor[2],
        subject[1],
        acts["at_us"],
        kinds,
        actors,
        subjects,
        team[0],
        teams,
    )


def _columns(held: Opened, query: str, until_us: int) -> dict[str, Int64]:
    found = held.connection.execute(query, {"until": until_us}).fetchnumpy()
    return {name: np.ma.getdata(column).astype(np.int64) for name, column in found.items()}


def _named(held: Opened, space: str, *columns: Int64, absent: str = "") -> tuple[tuple[str, ...], list[Int64]]:
    """Return the references that occur and the columns as positions among them; `absent` names the number -1."""
    keys = held.keys(space)
    numbers = np.unique(np.concatenate(columns))
    known = numbers if absent else numbers[numbers >= 0]
    names = [absent if number < 0 else keys.get(number, f"#{number}") for number in known.tolist()]
    order = {name: at for at, name in enumerate(sorted(set(names)))}  # a lake made anew numbers them otherwise
    place = np.array([order[name] for name in names], np.int64)
    found = []
    for column in columns:
        at = np.full(column.size, NOBODY, np.int64)
        here = column >= (known[0] if known.size else 0)
        at[here] = place[np.searchsorted(known, column[here])]
        found.append(at)
    return tuple(order), found
