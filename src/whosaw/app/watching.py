"""Watch over a lake: from its accesses and orders, and files beside them, to flags in the logs' own references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from whosaw.app.watchfiles import Numbers, WatchFileInvalid, integers, read_config, read_table, times
from whosaw.lake.exposure import load_exposure
from whosaw.lake.opened import opened
from whosaw.lake.weakest import weakest_grade
from whosaw.terms import WhosawError, from_us
from whosaw.watch.flags import Flag, in_odds, raise_flags
from whosaw.watch.groups import group_rates
from whosaw.watch.nightly import check_nulls
from whosaw.watch.observed import Decisions, Harms, Observed, Prints
from whosaw.watch.rows import NONE, Accesses, Int64
from whosaw.watch.running import Run, run
from whosaw.watch.settings import WatchSettings

_STAFF = ("shift", "region", "employer", "part_time")


class NothingToWatch(WhosawError, ValueError):
    """The lake holds no accesses of people."""

    code: ClassVar[str] = "watch.empty"
    hint = "bring accesses into the lake: whosaw import, or whosaw lake export"


class FlagNotFound(WhosawError, LookupError):
    """These rows and settings make no flag of that id: something differs from what it was made of."""

    code: ClassVar[str] = "watch.flag_not_found"
    hint = "give the very lake, files and settings; the flag names the digests of both"


@dataclass(frozen=True, slots=True)
class WatchFiles:
    """What an operator adds to the lake; every file may be absent.

    Args:
        actors: CSV `actor,role` and where known `shift`; `region,employer,part_time` only for rates by group.
        managers: CSV `actor,beneficiary`: declared account management.
        harms: CSV `subject,at`.
        decisions: CSV `actor,at,kind,favourable` and where known `beneficiary,second,routed,appealed_at`.
        prints: CSV `side,name,print`, side being `actor` or `beneficiary`.
        canaries: CSV `subject`.
        config: TOML with a table ``[watch]``.
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
    """

    observed: Observed
    actors: tuple[str, ...]
    subjects: tuple[str, ...]
    beneficiaries: tuple[str, ...]
    grade: str
    missing: tuple[str, ...]


def watch_actors(lake: Path, files: WatchFiles, *, nightly: bool = False) -> dict[str, Any]:
    """Return what `whosaw watch actors --json` prints.

    Raises:
        NothingToWatch: the lake holds no accesses.
        WatchFileInvalid, WatchSettingRefused, ForbiddenAttribute: a file says what cannot be used.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    watched, settings = observe(lake, files), read_config(files.config)
    health, rates = None, None
    if nightly:
        check = check_nulls(watched.observed, settings)
        told = group_rates(check.reached, check.draws, _groups(files.actors, watched.actors), 1 / settings.review_e)
        health, rates = [asdict(each) for each in check.health], [asdict(each) for each in told]
        settings = check.apply(settings)
    found = run(watched.observed, settings)
    flags = raise_flags(found, watched.observed)
    return report(found, flags, watched) | {
        "health": health,
        "off": list(settings.off),
        "rates_by_group": rates,
    }


def replay_flag(lake: Path, files: WatchFiles, flag: str, off: Sequence[str] = ()) -> dict[str, Any]:
    """Recompute one flag and return it with its seal, which is equal if and only if every bit of it is.

    Args:
        lake: the lake it was made from.
        files: the files it was made from.
        flag: its id.
        off: signals that were switched off, as the flag's report says.

    Raises:
        FlagNotFound: these rows and settings make no such flag.
    """
    watched, settings = observe(lake, files), read_config(files.config)
    if off:
        settings = WatchSettings(**{**_fields(settings), "off": tuple(sorted({*settings.off, *off}))})
    found = run(watched.observed, settings)
    for each in raise_flags(found, watched.observed):
        if each.id == flag:
            return _told(each, watched)
    raise FlagNotFound(f"no flag `{flag}` follows from these rows and settings")


def _fields(settings: WatchSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in WatchSettings.__slots__}


def observe(lake: Path, files: WatchFiles) -> Watched:
    """Return what watch reads from a lake and the files beside it; machines that open everything are left out."""
    exposure = load_exposure(lake)
    people = np.flatnonzero(~exposure.service)
    if not people.size or not exposure.actor.size:
        raise NothingToWatch(f"lake `{lake}` holds no accesses of people")
    kept = np.flatnonzero(~exposure.service[exposure.actor])
    kept = kept[np.argsort(exposure.at_us[kept], kind="stable")]
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
    role, shift = _roles(files.actors, actors)
    observed = Observed(
        accesses,
        exposure.irregular[kept].astype(np.float64),
        link_access,
        link_beneficiary,
        role,
        max(len(beneficiaries.names), 1),
        len(subjects.names),
        shift=shift,
        harms=harms,
        decisions=decisions,
        prints=prints,
        canary=canary,
        tie_actor=managed[0],
        tie_beneficiary=managed[1],
    )
    missing = []
    if not exposure.has_reasons:
        missing.append("no log says why accesses happened: none of them is unexplained, and nothing can be found")
    if not bought[0].size:
        missing.append("the lake has no orders: no access would profit anybody, and the beneficiary signal is silent")
    if files.actors is None:
        missing.append("nobody's role is known: everybody is everybody's peer")
    return Watched(
        observed, actors.names, subjects.names, beneficiaries.names, weakest_grade(lake).line, tuple(missing)
    )


def _orders(lake: Path, subjects: Numbers, beneficiaries: Numbers) -> tuple[Int64, Int64]:
    """Return subject and beneficiary of each pair that an order joins."""
    with opened(lake) as held:
        whom, who = held.keys("beneficiary"), held.keys("subject")
        rows = held.rows("SELECT DISTINCT subject, beneficiary FROM orders WHERE beneficiary IS NOT NULL ORDER BY ALL")
    pairs = [
        (subjects.of(who.get(subject, f"#{subject}")), beneficiaries.of(whom.get(seller, f"#{seller}")))
        for subject, seller in rows
    ]
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


def _roles(path: Path | None, actors: Numbers) -> tuple[Int64, Int64 | None]:
    """Return role and shift per actor; without a file everybody has one role."""
    if path is None:
        return np.zeros(len(actors.names), np.int64), None
    table, roles, shifts = read_table(path, ("actor", "role"), _STAFF), Numbers(("",)), Numbers(("",))
    role, shift = np.zeros(len(actors.names), np.int64), np.zeros(len(actors.names), np.int64)
    for name, word, when in zip(table["actor"], table["role"], table["shift"], strict=True):
        at = actors.known(name)
        if at >= 0:
            role[at], shift[at] = max(roles.of(word), 0), max(shifts.of(when), 0)
    return role, shift


def _groups(path: Path | None, actors: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return attribute → group of each actor, for rates alone; nothing that weighs evidence calls this."""
    if path is None:
        return {}
    table = read_table(path, ("actor", "role"), _STAFF)
    at = {name: row for row, name in enumerate(table["actor"])}
    return {
        word: tuple(table[word][at[name]] if name in at else "" for name in actors)
        for word in ("role", *_STAFF)
        if any(table[word])
    }


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


def report(found: Run, flags: Sequence[Flag], watched: Watched) -> dict[str, Any]:
    """Return a run as plain values; people stand by number, for two others must unmask them."""
    observed = watched.observed
    explained = float((observed.unexplained < 1.0).mean()) if len(observed.accesses) else 1.0
    return {
        "accesses": len(observed.accesses),
        "people": observed.actors,
        "beneficiaries": observed.beneficiaries,
        "explained_share": explained,
        "weights": found.weights,
        "false_cases_a_month": found.tiers.false_cases_a_month,
        "case_detector": found.tiers.case_detector,
        "case_month": in_odds(float(np.log(found.tiers.case_month_e))),
        "flags": [_told(flag, watched) for flag in flags],
        "selected": [f"a-{at}" for at in found.selected.tolist()],
        "settings_digest": found.settings_digest,
        "rows_digest": found.rows_digest,
        "grade": watched.grade,
        "missing": list(watched.missing),
    }


def _told(flag: Flag, watched: Watched) -> dict[str, Any]:
    told = flag.told()
    accesses = watched.observed.accesses
    told["actor"] = f"a-{flag.actor}"
    told["beneficiary"] = watched.beneficiaries[flag.beneficiary] if flag.beneficiary >= 0 else None
    told["accesses"] = [
        {"at": from_us(int(accesses.at_us[row])).isoformat(), "subject": watched.subjects[int(accesses.subject[row])]}
        for row in flag.rows
    ]
    told["seal"] = flag.seal()
    return told
