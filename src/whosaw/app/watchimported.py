"""Accesses of the company's other logs, as the lake of the state folder holds them, for the daily run.

They come beside the trail's own: with people and subjects by the references of their logs. Whether one had a reason is
what its own log says; where a log does not say why accesses happen, none of its accesses is held against anybody unless
a declared template could have explained it and does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from whosaw.lake.opened import opened

_BATCH = 200_000
_IMPORTED = """
    SELECT actor, subject, at_us,
           CASE WHEN NOT says_why THEN true WHEN verified IS NOT NULL THEN verified
                ELSE reason IS NOT NULL OR ticket IS NOT NULL END AS sound
    FROM accesses WHERE grade > 0 AND actor IS NOT NULL AND at_us >= $since AND at_us < $until
    ORDER BY at_us, actor, subject, identity, occurrence
"""

Payload = Mapping[str, int | str | list[int | str]]
Entries = list[tuple[int, Payload]]
Names = Mapping[str, dict[int, str]]


def imported(lake: Path, since_us: int, until_us: int, names: Names) -> Iterator[Entries]:
    """Yield batches of imported accesses as a run's lake takes them: an index below 0, and what an entry would say.

    Args:
        lake: of the state folder.
        since_us: accesses before it are left out.
        until_us: accesses from then on are left out.
        names: number → reference of actors and subjects; whoever is new is given a number below 0 and joins them.
            Machines that open everything, and whoever was erased from the lake, are left out.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as held:
        found = held.connection.execute(_IMPORTED, {"since": since_us, "until": until_us}).fetchnumpy()
        keys = {space: held.keys(space) for space in ("actor", "subject")}
        machines = held.manifest.service()
    columns = {name: np.ma.getdata(column) for name, column in found.items()}
    number: dict[str, dict[int, int]] = {}
    for space in ("actor", "subject"):
        known = {reference: at for at, reference in names[space].items()}
        number[space] = {}
        for each in np.unique(columns[space]).tolist():
            reference = keys[space].get(each)
            if reference is None or (space == "actor" and reference in machines):
                continue
            at = known.setdefault(reference, -1 - len(known))
            names[space][at] = reference
            number[space][each] = at
    rows = zip(*(columns[name].tolist() for name in ("actor", "subject", "at_us", "sound")), strict=True)
    batch: Entries = []
    for place, (actor, subject, at_us, sound) in enumerate(rows):
        if actor not in number["actor"] or subject not in number["subject"]:
            continue
        said = _entry(number["actor"][actor], number["subject"][subject], int(at_us), sound=bool(sound))
        batch.append((-1 - place, said))
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def holds_imports(lake: Path) -> bool:
    """Return whether a lake is there at all."""
    return (lake / "LAKE.json").exists()


def _entry(actor: int, subject: int, at_us: int, *, sound: bool) -> Payload:
    return {
        "kind": "disclosure",
        "at": at_us,
        "actor": actor,
        "subject": subject,
        "door": "imported",
        "fields": ["imported=reveal"],
        "verified": "yes" if sound else "no",
    }


def subjects_of(entries: Iterable[tuple[int, Payload]]) -> set[int]:
    """Return the numbers of whom entries are about."""
    return {number for _, said in entries if isinstance(number := said.get("subject"), int)}
