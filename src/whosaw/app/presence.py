"""Account or person: what badges, shifts, devices and other logins say about the openings that count.

The other systems' entries come as a CSV file; each becomes a clue about every opening it speaks of, and
`whosaw.trace.person` weighs the clues. Near the border of a shift or a badge entry, clocks may disagree: such a clue
counts half within the stated skew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from whosaw.app.tracefiles import Presence
from whosaw.lake.opened import opened
from whosaw.terms import to_us
from whosaw.trace.person import Clue, Clueing, Owner, weigh_owner

_SECOND_US = 1_000_000
_SHOWN = 25


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening that counts.

    Args:
        at_us: when.
        device: from where, as the log writes it; `None` where it does not say.
    """

    at_us: int
    device: str | None


def add_persons(told: dict[str, Any], lake: Path, presence: Sequence[Presence], skew_s: float) -> None:
    """Say of every candidate with openings how probable it is that the account's owner used it himself.

    Args:
        told: the answer; its candidates get `person`, and the answer `skew_s`.
        lake: for the devices of the openings.
        presence: what other systems say.
        skew_s: how far their clocks may disagree with the log's.

    Raises:
        InputRefused: the skew is negative.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    told["skew_s"] = skew_s
    known = {each.actor for each in presence}
    candidates = [c for c in told["candidates"][:_SHOWN] if len(c["actors"]) == 1 and c["actors"][0] in known]
    devices = _devices(lake, [c["actors"][0] for c in candidates])
    openings = openings_of(told, [c["actors"][0] for c in candidates])
    for candidate in candidates:
        actor = candidate["actors"][0]
        times = [to_us(at) for at in openings[actor]]
        seen = [Opening(at_us, devices.get((actor, at_us // _SECOND_US))) for at_us in times]
        own = [each for each in presence if each.actor == actor]
        clues = [clue for at, opening in enumerate(seen) for clue in clues_of(at, opening, own)]
        candidate["person"] = _told(weigh_owner(clues, len(seen), skew_s=skew_s), candidate["probability"], clues)


def openings_of(told: Mapping[str, Any], actors: Sequence[str]) -> dict[str, list[datetime]]:
    """Return when those alone on their line opened the complainers' records, by account; those without any too.

    Args:
        told: the answer.
        actors: the accounts.
    """
    lines = {each["actors"][0]: each for each in told["candidates"] if len(each["actors"]) == 1}
    return {
        actor: [datetime.fromisoformat(hit["opened_at"]) for hit in lines[actor]["hits"] if hit["opened_at"]]
        for actor in actors
    }


def clues_of(at: int, opening: Opening, own: Sequence[Presence]) -> Iterator[Clueing]:
    """Yield what the owner's entries say about one opening.

    A kind of entry that the owner has none of says nothing: a missing badge log is no absence.

    Args:
        at: number of the opening.
        opening: when and from where.
        own: the entries of the account's owner.
    """
    for what, inside, outside in (
        ("shift", Clue.ON_SHIFT, Clue.OFF_SHIFT),
        ("badge", Clue.BADGE_INSIDE, Clue.BADGE_ELSEWHERE),
    ):
        spans = [each for each in own if each.what == what]
        if spans:
            covered = any(each.covers(opening.at_us) for each in spans)
            apart_s = min(each.apart_us(opening.at_us) for each in spans) / _SECOND_US
            yield Clueing(at, inside if covered else outside, apart_s)
    if opening.device is None:
        return
    devices = {each.where for each in own if each.what == "device"}
    if devices:
        yield Clueing(at, Clue.OWN_DEVICE if opening.device in devices else Clue.FOREIGN_DEVICE)
    for each in own:
        if each.what == "login" and each.where != opening.device and each.covers(opening.at_us):
            yield Clueing(at, Clue.SECOND_SESSION, each.apart_us(opening.at_us) / _SECOND_US)


def _told(owner: Owner, probability: float, clues: Sequence[Clueing]) -> dict[str, Any]:
    return {
        "owner": owner.probability,
        "himself": owner.probability * probability,
        "for": owner.for_owner,
        "against": owner.against,
        "unknown": owner.unknown,
        "clues": [{"opening": each.opening, "clue": str(each.clue), "apart_s": each.apart_s} for each in clues],
    }


def _devices(lake: Path, actors: Sequence[str]) -> Mapping[tuple[str, int], str]:
    """Return the device of each opening by these actors, by actor and second: answers tell times in seconds."""
    if not actors:
        return {}
    with opened(lake) as open_lake:
        found = open_lake.rows(
            """
            SELECT actor.key, at_us, device.key FROM accesses
            JOIN numbers actor ON actor.space = 'actor' AND actor.number = accesses.actor
            JOIN numbers device ON device.space = 'device' AND device.number = accesses.device
            WHERE list_contains(?, actor.key)
            """,
            [list(actors)],
        )
    return {(actor, at_us // _SECOND_US): device for actor, at_us, device in found}
