"""Watch over a lake: from what it holds to flags in the logs' own references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from whosaw.app.watchfiles import read_config
from whosaw.app.watchobserved import NothingToWatch, Watched, WatchFiles, covers, observe
from whosaw.app.watchstaff import read_staff
from whosaw.app.watchwork import Explained, Told
from whosaw.terms import WhosawError, from_us
from whosaw.terms.odds import in_odds
from whosaw.watch.errors import NothingLeft
from whosaw.watch.excuses import share_by_team, unexplained_queue
from whosaw.watch.flags import Flag, other_version, raise_flags
from whosaw.watch.groups import group_rates
from whosaw.watch.nightly import check_nulls
from whosaw.watch.rows import NONE, OPEN, Bool
from whosaw.watch.running import Run, run
from whosaw.watch.settings import WatchSettings
from whosaw.watch.signals import FAMILIES

__all__ = ["FlagNotFound", "NothingToWatch", "WatchFiles", "Weighed", "replay_flag", "watch_actors", "weigh"]


SMALLEST_TEAM, FEWEST_PEOPLE = 100, 5
"""Accesses, and people who made them, below which nothing is said of a team: else it would be said of a person."""


class FlagNotFound(WhosawError, LookupError):
    """These rows and settings make no flag of that id: something differs from what it was made of."""

    code: ClassVar[str] = "watch.flag_not_found"
    hint = "give the very lake, files and settings; the flag names the digests of both"


@dataclass(frozen=True, slots=True)
class Weighed:
    """One run over a lake.

    Args:
        watched: what was read.
        found: the evidence.
        flags: who is beyond tier `none`, the strongest first.
        settings: those in force, with the signals that the nightly check switched off.
        report: the run as plain values; people stand by number.
    """

    watched: Watched
    found: Run
    flags: tuple[Flag, ...]
    settings: WatchSettings
    report: dict[str, Any]


def watch_actors(
    lake: Path, files: WatchFiles, *, nightly: bool = False, until_us: int = OPEN, suggest: bool = False
) -> dict[str, Any]:
    """Return what `whosaw watch actors --json` prints.

    Raises:
        NothingToWatch: the lake holds no accesses.
        WatchFileInvalid, WatchSettingRefused, ForbiddenAttribute: a file says what cannot be used.
        CatalogInvalid: the table ``[watch]`` does.
        NothingLeft: the settings switch every signal off.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    return weigh(lake, files, Told(read_config(files.config), until_us, suggest=suggest), nightly=nightly).report


def weigh(lake: Path, files: WatchFiles, told: Told, *, nightly: bool = False) -> Weighed:
    """Weigh what a lake holds; raises as `watch_actors`.

    Where the nightly check switches every signal off, nobody is flagged and the report says which signals failed.

    Args:
        lake: the folder.
        files: what stands beside it.
        told: templates, settings, the end, and what employees answered.
        nightly: permute people first, and switch off every signal that finds something among them.
    """
    watched, settings = observe(lake, files, told), told.settings
    if not settings.used(tuple(FAMILIES)):
        raise NothingLeft("the settings switch every signal off")
    health, rates = None, None
    of = read_staff(files.actors, whole=told.whole_staff).groups(watched.actors)
    if nightly:
        check = check_nulls(watched.observed, settings)
        by_group = group_rates(check.reached, check.draws, of, 1 / settings.review_e)
        health, rates = [asdict(each) for each in check.health], [asdict(each) for each in by_group]
        settings = check.apply(settings)
    found = run(watched.observed, settings)
    flags = raise_flags(found, watched.observed)
    teams = explained_by_team(watched, of)
    queue = unexplained_list(watched)
    besides = {
        "health": health,
        "off": list(settings.off),
        "false_discovery": settings.false_discovery,
        "rates_by_group": rates,
        "teams": teams,
        "unexplained": queue,
        "suggested_templates": suggested(watched),
    }
    return Weighed(watched, found, flags, settings, report(found, flags, watched) | besides)


def replay_flag(
    lake: Path, files: WatchFiles, flag: str, off: Sequence[str] = (), until_us: int = OPEN
) -> dict[str, Any]:
    """Recompute one flag and return it with its seal, which is equal if and only if every bit of it is.

    Args:
        lake: the lake it was made from.
        files: the files it was made from.
        flag: its id.
        off: signals that were switched off, as the flag's report says.
        until_us: accesses from then on were not there when it was made.

    Raises:
        FlagNotFound: these rows and settings make no such flag.
    """
    return replayed(lake, files, Told(read_config(files.config), until_us), flag, off)


def replayed_beside(seal: str, replay: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a replay says and by which version the seal was made that it is held against.

    Args:
        seal: that the flag was stored or given with.
        replay: recomputes it.

    Raises:
        FlagNotFound: there is no such flag; where another version made it, that is said.
    """
    why = other_version(seal)
    try:
        return replay() | {"other_version": why}
    except FlagNotFound as missing:
        if not why:
            raise
        raise FlagNotFound(f"{missing}: {why}") from missing


def replayed(lake: Path, files: WatchFiles, told: Told, flag: str, off: Sequence[str] = ()) -> dict[str, Any]:
    """Recompute one flag of a run that was told this; raises as `replay_flag`."""
    watched, found = weighed_again(lake, files, told, off)
    for each in raise_flags(found, watched.observed):
        if each.id == flag:
            return flag_told(each, watched)
    raise FlagNotFound(f"no flag `{flag}` follows from these rows and settings")


def weighed_again(lake: Path, files: WatchFiles, told: Told, off: Sequence[str]) -> tuple[Watched, Run]:
    """Return what a run that was told this reads and finds, without another nightly check."""
    watched, settings = observe(lake, files, told), told.settings
    if off:
        settings = WatchSettings(**{**_fields(settings), "off": tuple(sorted({*settings.off, *off}))})
    return watched, run(watched.observed, settings)


def covered(watched: Watched, explained: Explained) -> Bool:
    """Return which accesses an explanation covers that nothing else explains whole."""
    observed = watched.observed
    links = (observed.link_access, observed.link_beneficiary)
    return covers(explained, observed.accesses, links, watched.beneficiaries) & (observed.unexplained > 0.0)


def _fields(settings: WatchSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in WatchSettings.__slots__}


def report(found: Run, flags: Sequence[Flag], watched: Watched) -> dict[str, Any]:
    """Return a run as plain values; people stand by number, for two others must unmask them."""
    observed = watched.observed
    explained = float((observed.unexplained < 1.0).mean()) if len(observed.accesses) else 1.0
    return {
        "accesses": len(observed.accesses),
        "people": observed.actors,
        "beneficiaries": observed.beneficiaries,
        "explained_share": explained,
        "templates": [asdict(each) for each in watched.templates],
        "weights": found.weights,
        "false_cases_a_month": found.tiers.false_cases_a_month,
        "case_detector": found.tiers.case_detector,
        "case_month": in_odds(float(np.log(found.tiers.case_month_e))),
        "flags": [flag_told(flag, watched) for flag in flags],
        "selected": [f"a-{at}" for at in found.selected.tolist()],
        "settings_digest": found.settings_digest,
        "rows_digest": found.rows_digest,
        "grade": watched.grade,
        "missing": list(watched.missing),
    }


def explained_by_team(watched: Watched, told: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return how much of each team's accesses is explained, and by which template; never of a single person.

    Args:
        watched: what was read.
        told: group of each actor by attribute; teams are queues where these are known, else roles.
    """
    of = told.get("queue") or told.get("role") or ()
    names = sorted({*of} - {""})
    team = np.array([names.index(name) if name else NONE for name in of], np.int64) if of else None
    excuses, accesses = watched.excuses, watched.observed.accesses
    looked = np.unique(accesses.actor)
    people = Counter((np.full(looked.size, NONE) if team is None else team[looked]).tolist())
    return [
        {
            "team": names[each.team] if each.team != NONE else "",
            "accesses": each.accesses,
            "explained": each.explained,
            "by_half": each.halved,
            "by_template": dict(zip(excuses.names, each.by_template, strict=True)),
        }
        for each in share_by_team(excuses, accesses, team)
        if each.accesses >= SMALLEST_TEAM and people[each.team] >= FEWEST_PEOPLE
    ]


def suggested(watched: Watched) -> list[dict[str, Any]]:
    """Return templates that the work records suggest; a person declares them or does not."""
    return [
        {
            "name": each.template.name,
            "via": str(each.template.via),
            "kinds": list(each.template.kinds),
            "explains_more": each.more,
            "real": each.real,
            "random": each.fake,
            "lift": each.lift,
        }
        for each in watched.suggestions
    ]


def unexplained_list(watched: Watched, most: int = 1_000) -> dict[str, Any]:
    """Return what nothing explains, the newest `most`, in order of time and of nothing else."""
    rows, accesses = unexplained_queue(watched.excuses, watched.observed.accesses), watched.observed.accesses
    listed = [
        {
            "at": from_us(int(accesses.at_us[row])).isoformat(),
            "actor": f"a-{accesses.actor[row]}",
            "subject": watched.subjects[int(accesses.subject[row])],
        }
        for row in rows[-most:].tolist()
    ]
    return {"count": int(rows.size), "accesses": listed}


def flag_told(flag: Flag, watched: Watched) -> dict[str, Any]:
    """Return a flag as plain values; its person by index, its subjects as the logs name them."""
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
