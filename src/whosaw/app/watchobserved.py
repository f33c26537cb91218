"""What watch reads of a lake: its accesses, orders and work records, and files beside them, as arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from whosaw.app.watchfiles import Numbers, WatchFileInvalid, integers, read_table, times
from whosaw.app.watchstaff import read_staff
from whosaw.app.watchwork import Explained, Task, Told, lake_excuses
from whosaw.lake.exposure import Exposure, load_exposure
from whosaw.lake.opened import opened
from whosaw.lake.weakest import weakest_grade
from whosaw.terms import WhosawError
from whosaw.watch.clusters import cluster_weights, find_clusters
from whosaw.watch.excuses import HALF, Excuses
from whosaw.watch.observed import Decisions, Harms, Observed, Prints
from whosaw.watch.rows import NONE, Accesses, Bool, Float, Int64
from whosaw.watch.strength import TemplateStrength
from whosaw.watch.suggesting import Suggestion

_NO_TEAM = "no work record has the `route` of a team that is somebody's `queue`"


class NothingToWatch(WhosawError, ValueError):
    """The lake holds no accesses of people."""

    code: ClassVar[str] = "watch.empty"
    hint = "bring accesses into the lake: whosaw import, or whosaw lake export"


@dataclass(frozen=True, slots=True)
class WatchFiles:
    """What an operator adds to the lake; every file may be absent.

    Args:
        actors: CSV `actor,role` and where known `queue,product,shift`; the rest only for rates by group.
        managers: CSV `actor,beneficiary`: declared account management.
        harms: CSV `subject,at`.
        decisions: CSV `actor,at,kind,favourable` and where known `beneficiary,second,routed,appealed_at`.
        prints: CSV `side,name,print`, side being `actor` or `beneficiary`.
        canaries: CSV `subject`.
        config: TOML with a table ``[watch]``, as the catalog has it.
    """

    actors: Path | None = None
    managers: Path | None = None
    harms: Path | None = None
    decisions: Path | None = None
    prints: Path | None = None
    canaries: Path | None = None
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What watch reads, and what its indices stand for.

    Args:
        observed: the arrays.
        actors, subjects, beneficiaries: references by index.
        grade: how good the weakest log is, in words.
        missing: what a better answer needs.
        excuses: per access, and what each declared template is worth on this log.
        suggestions: templates worth declaring, where they were asked for.
    """

    observed: Observed
    actors: tuple[str, ...]
    subjects: tuple[str, ...]
    beneficiaries: tuple[str, ...]
    grade: str
    missing: tuple[str, ...]
    excuses: Excuses
    templates: tuple[TemplateStrength, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


def observe(lake: Path, files: WatchFiles, told: Told) -> Watched:
    """Return what watch reads from a lake and the files beside it; machines that open everything are left out.

    Raises:
        NothingToWatch: there are no accesses of people.
        WatchFileInvalid, ForbiddenAttribute: a file says what cannot be used.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    exposure = _by_name(load_exposure(lake))
    kept = _kept(exposure, told.until_us)
    if not kept.size:
        raise NothingToWatch(f"lake `{lake}` holds no accesses of people")
    accesses = Accesses(exposure.actor[kept], exposure.subject[kept], exposure.at_us[kept])
    subjects = Numbers(exposure.subjects)
    beneficiaries = Numbers()
    bought = _orders(lake, subjects, beneficiaries)
    actors = Numbers(exposure.actors)
    managed = _managers(files.managers, actors, beneficiaries)
    decisions = _decisions(files.decisions, actors, beneficiaries)
    prints = _prints(files.prints, actors, beneficiaries)
    harms, canary = _harms(files.harms, subjects), _canaries(files.canaries, subjects)
    link_access, link_beneficiary = _links(accesses, bought, len(subjects.names))
    staff = read_staff(files.actors, whole=told.whole_staff)
    queues = staff.groups(exposure.actors).get("queue", ()) if told.teams else ()
    tried = lake_excuses(lake, told, accesses, (actors, subjects), managed, queues)
    strengths = tried.strength.templates if tried.strength is not None else ()
    excuses = tried.excuses if tried.excuses is not None else _by_the_log(exposure.irregular[kept])
    asked_for = exposure.verified[kept] | _to_decide(accesses, actors, subjects, told.tasks)
    said = _said(accesses, (actors, subjects), told, canary)
    for each in told.explained:
        said |= covers(each, accesses, (link_access, link_beneficiary), beneficiaries.names) & genuine(accesses, canary)
    excuses = _and_known(excuses, asked_for, said)
    role, finer = staff.peers(actors)
    observed = Observed(
        accesses,
        excuses.unexplained,
        link_access,
        link_beneficiary,
        role,
        max(len(beneficiaries.names), 1),
        len(subjects.names),
        shift=finer.get("shift"),
        queue=finer.get("queue"),
        product=finer.get("product"),
        harms=harms,
        decisions=decisions,
        prints=prints,
        canary=canary,
        weights=_weights(prints, max(len(beneficiaries.names), 1)),
        tie_actor=managed[0],
        tie_beneficiary=managed[1],
    )
    missing = []
    if tried.excuses is None and told.watching.templates:
        missing.append(tried.why_not)
    missing += [f"template `{name}` holds for no access: {_NO_TEAM}" for name in _without_team(told, strengths)]
    if tried.excuses is None and not exposure.has_reasons:
        missing.append("no log says why accesses happened: none of them is unexplained, and nothing can be found")
    if not bought[0].size:
        missing.append("the lake has no orders: no access would profit anybody, and the beneficiary signal is silent")
    missing += staff.left_out
    if files.actors is None:
        missing.append("nobody's role is known: everybody is everybody's peer")
    grade = weakest_grade(lake).line
    names = actors.names, subjects.names, beneficiaries.names
    return Watched(observed, *names, grade, tuple(missing), excuses, strengths, tried.suggestions)


def _without_team(told: Told, strengths: Sequence[TemplateStrength]) -> list[str]:
    """Return the templates about teams that never hold."""
    never = [each.name for each in strengths if not each.real]
    return [name for name in never if told.watching.templates[name].get("via") == "team"]


def _weights(prints: Prints, beneficiaries: int) -> Float | None:
    """Return what sellers' clusters weigh, by their prints alone and never by accesses; None for even weights."""
    clusters = find_clusters(prints.party, prints.party_print, prints.actor, prints.actor_print)
    return cluster_weights(clusters, beneficiaries) if clusters else None


def _by_name(exposure: Exposure) -> Exposure:
    """Return it with people and subjects in the order of their names: a lake made anew numbers them otherwise."""
    actors, subjects = np.argsort(np.array(exposure.actors)), np.argsort(np.array(exposure.subjects))
    return replace(
        exposure,
        actor=np.argsort(actors)[exposure.actor],
        subject=np.argsort(subjects)[exposure.subject],
        actors=tuple(exposure.actors[at] for at in actors.tolist()),
        subjects=tuple(exposure.subjects[at] for at in subjects.tolist()),
        service=exposure.service[actors],
    )


def _kept(exposure: Exposure, until_us: int) -> Int64:
    """Return the rows of people before `until_us`, in an order that the rows alone decide."""
    kept = np.flatnonzero(~exposure.service[exposure.actor] & (exposure.at_us < until_us))
    columns = (exposure.verified, exposure.irregular, exposure.subject, exposure.actor, exposure.at_us)
    return np.asarray(kept[np.lexsort(tuple(column[kept] for column in columns))])


def _by_the_log(irregular: Bool) -> Excuses:
    """Return excuses where no template was tried: the log's own reason holds or does not."""
    part = 1.0 - irregular.astype(np.float64)
    return Excuses(part, part * 0.0, np.zeros((part.size, 0), np.bool_), ())


def _and_known(excuses: Excuses, verified: Bool, answered: Bool) -> Excuses:
    """Return the excuses with what was checked or given to him counting whole, and what people wrote by half."""
    part = np.maximum(excuses.excuse, np.where(answered, HALF, 0.0))
    return Excuses(np.where(verified, 1.0, part), excuses.lift, excuses.fired, excuses.names)


def genuine(accesses: Accesses, canary: Int64) -> Bool:
    """Return which accesses are at people who exist: nobody's word is a reason to open one who does not."""
    return np.asarray(~np.isin(accesses.subject, canary))


def _said(accesses: Accesses, names: tuple[Numbers, Numbers], told: Told, canary: Int64) -> Bool:
    """Return which accesses somebody gave a reason for himself: the one he was asked about, or all its ask showed.

    Args:
        accesses: n accesses.
        names: of actors and subjects.
        told: the answers; a question that named many people was about all of them, one about a single record was not.
        canary: people who do not exist.
    """
    found = np.zeros(len(accesses), np.bool_)
    for actor, subject, at, whole in told.answers:
        rows = slice(*np.searchsorted(accesses.at_us, [at, at + 1]).tolist())
        same = accesses.subject[rows] == names[1].known(subject)
        his = accesses.actor[rows] == names[0].known(actor)
        found[rows] |= his & (same | (whole & told.whole_asks & bool((his & same).any())))
    # a run of before is recomputed as it was
    return found & genuine(accesses, canary) if told.whole_asks else found


def covers(explained: Explained, accesses: Accesses, links: tuple[Int64, Int64], beneficiaries: Sequence[str]) -> Bool:
    """Return which accesses an explanation covers: those of its days that would profit its beneficiary.

    Args:
        explained: beneficiary, from when, until when.
        accesses: n accesses.
        links: pairs of an access and whom it would profit.
        beneficiaries: names by index.
    """
    beneficiary, since_us, until_us = explained
    found = np.zeros(len(accesses), np.bool_)
    if beneficiary in beneficiaries:
        found[links[0][links[1] == beneficiaries.index(beneficiary)]] = True
    return np.asarray(found & (accesses.at_us >= since_us) & (accesses.at_us < until_us))


def _to_decide(accesses: Accesses, actors: Numbers, subjects: Numbers, tasks: Collection[Task]) -> Bool:
    """Return which accesses somebody needed for what he was drawn to decide again: nobody chooses these himself."""
    found = np.zeros(len(accesses), np.bool_)
    for actor, subject, since_us, until_us in tasks:
        rows = slice(*np.searchsorted(accesses.at_us, [since_us, until_us + 1]).tolist())
        who, whom = actors.known(actor), subjects.known(subject)
        found[rows] |= (accesses.actor[rows] == who) & (accesses.subject[rows] == whom)
    return found


def _orders(lake: Path, subjects: Numbers, beneficiaries: Numbers) -> tuple[Int64, Int64]:
    """Return subject and beneficiary of each pair that an order joins."""
    with opened(lake) as held:
        whom, who = held.keys("beneficiary"), held.keys("subject")
        rows = held.rows("SELECT DISTINCT subject, beneficiary FROM orders WHERE beneficiary IS NOT NULL")
    named = sorted((who.get(subject, f"#{subject}"), whom.get(seller, f"#{seller}")) for subject, seller in rows)
    pairs = [(subjects.of(subject), beneficiaries.of(seller)) for subject, seller in named]
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _links(accesses: Accesses, bought: tuple[Int64, Int64], subjects: int) -> tuple[Int64, Int64]:
    """Return which access would profit which beneficiary: those that the subject bought from."""
    order = np.argsort(bought[0], kind="stable")
    subject, seller = bought[0][order], bought[1][order]
    low = np.searchsorted(subject, accesses.subject, side="left")
    count = np.searchsorted(subject, accesses.subject, side="right") - low
    row = np.repeat(np.arange(len(accesses)), count)
    first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    return row, seller[first + np.arange(row.size)]


def _managers(path: Path | None, actors: Numbers, beneficiaries: Numbers) -> tuple[Int64, Int64]:
    table = read_table(path, ("actor", "beneficiary")) if path else {"actor": [], "beneficiary": []}
    pairs = [(actors.of(a), beneficiaries.of(b)) for a, b in zip(table["actor"], table["beneficiary"], strict=True)]
    found = np.array([pair for pair in pairs if min(pair) >= 0], np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _harms(path: Path | None, subjects: Numbers) -> Harms:
    if path is None:
        return Harms()
    table = read_table(path, ("subject", "at"))
    return Harms(np.array([subjects.of(name) for name in table["subject"]], np.int64), times(path, "at", table["at"]))


def _canaries(path: Path | None, subjects: Numbers) -> Int64:
    table = read_table(path, ("subject",)) if path else {"subject": []}
    found = [subjects.known(name) for name in table["subject"]]
    return np.array(sorted({at for at in found if at >= 0}), np.int64)


def _decisions(path: Path | None, actors: Numbers, beneficiaries: Numbers) -> Decisions:
    if path is None:
        return Decisions()
    later = ("beneficiary", "second", "routed", "appealed_at")
    table = read_table(path, ("actor", "at", "kind", "favourable"), later)
    if "" in table["actor"]:
        raise WatchFileInvalid(f"`{path}` row {table['actor'].index('') + 2}: actor is missing")
    kinds = Numbers()
    return Decisions(
        np.array([actors.of(name) for name in table["actor"]], np.int64),
        times(path, "at", table["at"]),
        np.array([kinds.of(word) for word in table["kind"]], np.int64),
        integers(path, "favourable", table["favourable"], 0),
        np.array([beneficiaries.of(name) for name in table["beneficiary"]], np.int64),
        integers(path, "second", table["second"], NONE),
        integers(path, "routed", table["routed"], NONE),
        times(path, "appealed_at", table["appealed_at"], needed=False),
    )


def _prints(path: Path | None, actors: Numbers, beneficiaries: Numbers) -> Prints:
    if path is None:
        return Prints()
    table, marks = read_table(path, ("side", "name", "print")), Numbers()
    sides: dict[str, list[tuple[int, int]]] = {"actor": [], "beneficiary": []}
    for side, name, mark in zip(table["side"], table["name"], table["print"], strict=True):
        if side in sides and name and mark:
            sides[side].append(((actors if side == "actor" else beneficiaries).of(name), marks.of(mark)))
    mine, theirs = (np.array(sides[side], np.int64).reshape(-1, 2) for side in ("actor", "beneficiary"))
    return Prints(mine[:, 0], mine[:, 1], theirs[:, 0], theirs[:, 1])
