"""From the sightings of the database to the file that a trace reads: complaints, and hits of canaries and aliases.

What reached an alias or a canary names the sender's own domain as its beneficiary, because nobody knows better. Beside
complaints about a seller, hits of mail from the domains that wrote to the complainers count as marks of the same leak.
An alias was made for one disclosure: the file names who was shown it, and nobody else who opened the record is meant.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from whosaw.answer import Sighting
from whosaw.answer.plausibility import plausibility
from whosaw.app.casedesk import case_work
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.lake.sightings import COLUMNS
from whosaw.store.numbers import keys_of

HITS = ("alias", "canary")
"""Forms of a sighting that are no complaint: the channels that a trace reads as marks."""


class NoSightings(AppError, LookupError):
    """The database holds no sighting that the question could be asked of."""

    code: ClassVar[str] = "app.no_sightings"
    hint = "`whosaw sighting list` shows what was taken in, and about whom; give --case or --beneficiary"


async def sightings_of(
    services: Services, *, case: str | None = None, beneficiary: str | None = None
) -> list[Sighting]:
    """Return the sightings of a case or a beneficiary, and the hits of mail from the same senders, in order of arrival.

    Raises:
        NoSightings: there is none.
    """
    book = case_work(services).book
    found = {each.id: each for each in await book.list(case=case, beneficiary=beneficiary)}
    if not found:
        raise NoSightings("no sighting fits")
    domains = {each.sender_domain for each in found.values() if each.sender_domain}
    found |= {e.id: e for e in await book.list() if e.form in HITS and e.sender_domain in domains}
    return [found[number] for number in sorted(found)]


_SHOWN = (
    "select h.sighting_id, min(a.actor) from mail_hit h join mail_alias a on a.entry = h.entry "
    "where h.kind = 'alias' and h.sighting_id = any(%s) group by 1"
)


async def shown_to(services: Services, found: Iterable[Sighting]) -> dict[int, str]:
    """Return for hits of aliases, by the number of their sighting, the reference of who alone was shown the alias."""
    numbers = [each.id for each in found if each.form == "alias"]
    async with services.db.connection() as connection:
        actors = dict(await (await connection.execute(_SHOWN, [numbers])).fetchall())
    keys = await keys_of(services.db, "actor", actors.values())
    return {sighting: keys.get(actor, f"#{actor}") for sighting, actor in actors.items()}


_NOBODY: Mapping[int, str] = {}


def as_csv(found: Iterable[Sighting], keys: Mapping[int, str], shown: Mapping[int, str] = _NOBODY) -> str:
    """Return sightings as the CSV that `whosaw trace --sightings` reads.

    Args:
        found: the sightings.
        keys: number → reference of their subjects; who was erased keeps the bare number, as in the lake.
        shown: sighting → who alone was shown what turned up.
    """
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    lines.writeheader()
    for each in found:
        hit = each.form in HITS
        lines.writerow(
            {
                "subject": keys.get(each.subject, f"#{each.subject}"),
                "contacted_at": each.contacted_at.isoformat(),
                "reported_at": each.reported_at.isoformat(),
                "beneficiary": "" if hit else each.beneficiary,
                "channel": each.form if hit else each.channel,
                "actor": shown.get(each.id, ""),
                "weight": "" if (weight := plausibility(each).weight) == 1.0 else f"{weight:g}",
            }
        )
    return text.getvalue()


async def write_sightings(services: Services, found: list[Sighting], out: Path) -> None:
    """Write sightings to a file that its owner alone may read: it names people.

    Args:
        services: everything opened.
        found: as `sightings_of` returns them.
        out: the file; an older one is replaced.
    """
    keys = await keys_of(services.db, "subject", (each.subject for each in found))
    shown = await shown_to(services, found)
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o600)
        file.write(as_csv(found, keys, shown))
