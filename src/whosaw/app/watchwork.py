"""Templates on the lake's work records: which accesses they excuse, and how much."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whosaw.app.watchfiles import Numbers
from whosaw.catalog import Watching
from whosaw.lake.work import WorkRecords, load_work
from whosaw.watch.excuses import Excuses, excuse
from whosaw.watch.matching import Matcher
from whosaw.watch.rows import NONE, OPEN, Accesses, Acts, Int64, Items, Ties, Work
from whosaw.watch.settings import WatchSettings, read_settings
from whosaw.watch.strength import Strength, learn_strength
from whosaw.watch.suggesting import Suggestion, suggest
from whosaw.watch.templates import read_templates

FEWEST = 500
"""Accesses below which nothing can be said about how strong an excuse is."""


_NONE_DECLARED = "no templates are declared: an access counts as explained where its log gives a reason that holds"

Answer = tuple[str, str, int, bool]
"""Somebody said why he opened a subject: actor, subject, when he opened it, in microseconds, and whether he was asked
about more people than this one."""

Task = tuple[str, str, int, int]
"""Somebody was asked to decide about a subject again: actor, subject, and from when until when, in microseconds."""


Explained = tuple[str, int, int]
"""Two reviewers say what explains looks at the customers of a beneficiary, from when until when, in microseconds."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run is told besides rows.

    Args:
        watching: the table ``[watch]``.
        until_us: accesses and work records from then on are not read.
        answers: accesses whose reason the employee wrote; half an excuse each, and none for a canary.
        whole_asks: an answer is about all that was shown in that instant where the question was; false for runs of
            before, to which every answer was about one access, whoever it was at.
        teams: whether work may be given to a team; false for runs of before, to which none was.
        whole_staff: whether peers may be made by columns that hold sexes or dates of birth; true for runs of before.
        tasks: looks of a blind second decider at what he decides; whole excuses.
        explained: looks that reviewers explained afterwards; half an excuse each, and none for a canary.
        suggest: whether to look for templates that nobody declared.
    """

    watching: Watching = Watching()  # noqa: RUF009 - it is frozen
    until_us: int = OPEN
    answers: Collection[Answer] = ()
    whole_asks: bool = True
    teams: bool = True
    whole_staff: bool = False
    tasks: Collection[Task] = ()
    explained: tuple[Explained, ...] = ()
    suggest: bool = False

    @property
    def settings(self) -> WatchSettings:
        """Return the settings of the run."""
        return read_settings(self.watching.settings)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the templates.

    Args:
        excuses, strength: of the declared ones; None where they were not tried.
        why_not: why they were not, in a sentence.
        suggestions: others worth declaring; empty unless they were asked for.
    """

    excuses: Excuses | None = None
    strength: Strength | None = None
    why_not: str = ""
    suggestions: tuple[Suggestion, ...] = ()


def lake_excuses(
    lake: Path,
    told: Told,
    accesses: Accesses,
    people: tuple[Numbers, Numbers],
    managed: tuple[Int64, Int64],
    queues: Sequence[str] = (),
) -> Tried:
    """Return what the declared templates excuse, or why they were not tried.

    Args:
        lake: where the work records are.
        told: the templates, the end, how many real accesses may stay unexplained, and the seed of the draws.
        accesses: those to excuse.
        people: actors and subjects by index; those of the work records join them.
        managed: declared account management, actors and beneficiaries.
        queues: of each actor, empty where unknown: what is routed to a queue is given to its team.
    """
    declared, settings = told.watching.templates, told.settings
    if not declared and not told.suggest:
        return Tried(why_not=_NONE_DECLARED)
    records = load_work(lake, told.until_us)
    if not records.act_at_us.size and not managed[0].size:
        return Tried(why_not="the lake has no work records: the declared templates were not tried")
    if len(accesses) < FEWEST:
        return Tried(why_not=f"{len(accesses)} accesses are too few to measure the templates, {FEWEST} are needed")
    templates = read_templates(_can_hold(declared, records.kinds), records.kinds)
    work = _work(records, people, managed, queues)
    since = work.known_since_us(len(people[1].names))
    unseen = since >= OPEN
    first = np.full(since.size, OPEN, np.int64)
    np.minimum.at(first, accesses.subject, accesses.at_us)
    since = np.where(unseen, first, since)  # a subject that no record names is known from its first access on
    suggestions = suggest(work, templates, accesses, since, seed=settings.seed) if told.suggest else ()
    if not templates:
        none = "no work record is of a kind that the declared templates name: they were not tried"
        return Tried(why_not=none if declared else _NONE_DECLARED, suggestions=suggestions)
    matcher = Matcher(work, templates)
    strength = learn_strength(matcher, accesses, since, seed=settings.seed, lost=settings.lost)
    return Tried(excuse(matcher, strength, accesses), strength, suggestions=suggestions)


def _can_hold(told: Mapping[str, Mapping[str, object]], kinds: Sequence[str]) -> dict[str, Mapping[str, object]]:
    """Return the templates that some record could bear out: a kind may have no records yet."""
    found: dict[str, Mapping[str, object]] = {}
    for name, table in told.items():
        wanted = table.get("kinds")
        if not isinstance(wanted, list | tuple):
            found[name] = table
        elif there := [kind for kind in wanted if kind in kinds]:
            found[name] = {**table, "kinds": there}
    return found


def _work(
    records: WorkRecords, people: tuple[Numbers, Numbers], managed: tuple[Int64, Int64], queues: Sequence[str]
) -> Work:
    actor = np.array([*(people[0].of(name) for name in records.actors), NONE], np.int64)
    subject = np.array([*(people[1].of(name) for name in records.subjects), NONE], np.int64)
    folded = Numbers()
    teams = [folded.of(_folded(name)) for name in records.teams]  # `Returns` of the tickets is `returns` of the staff
    items = Items(
        records.item_kind,
        subject[records.item_subject],
        records.opened_us,
        records.closed_us,
        actor[records.assignee],
        np.array([*teams, NONE], np.int64)[records.item_team],
        actor[records.made_by],
    )
    acts = Acts(records.act_kind, actor[records.act_actor], subject[records.act_subject], records.act_at_us)
    ties = Ties(managed[0], managed[1], np.zeros(managed[0].size, np.int64), np.full(managed[0].size, OPEN, np.int64))
    team = np.array([folded.known(_folded(queue)) for queue in queues], np.int64) if queues else None
    return Work(records.kinds, items, acts, ties, team)


def _folded(name: str) -> str:
    return name.strip().casefold()
