"""``whosaw trace sightings``: the sightings of a case or a beneficiary as the file that a trace reads."""

from __future__ import annotations

from pathlib import Path

from whosaw.app.commands.acting import look, look_at_case
from whosaw.app.commands.hidden import hidden
from whosaw.app.commands.opened import with_services
from whosaw.app.commands.output import console
from whosaw.app.services import Services
from whosaw.app.tracesightings import HITS, NoSightings, sightings_of, write_sightings


def sightings(*, out: Path, case: str = "", beneficiary: str = "") -> int:
    """Write what was taken in about a case or a beneficiary as CSV for --sightings; the look is recorded.

    Sightings of a case that one may not see are left out. Hits of canaries and aliases by mail from the same senders
    are added, as marks.

    Args:
        out: the file to write; it names people, and only its owner may read it.
        case: CASE-1.
        beneficiary: as the company writes it: seller:S-0088.
    """
    if bool(case) == bool(beneficiary):
        raise NoSightings("either a case or a beneficiary is asked about")

    async def work(services: Services) -> tuple[int, int]:
        await (look_at_case(services, case) if case else look(services, "look.case", "sightings"))
        everything = await sightings_of(services, case=case or None, beneficiary=beneficiary or None)
        unseen = await hidden(services, (each.case for each in everything))
        found = [each for each in everything if each.case not in unseen]
        if beneficiary and not any(each.beneficiary == beneficiary for each in found):
            raise NoSightings("no sighting fits")
        await write_sightings(services, found, out)
        hits = sum(each.form in HITS for each in found)
        return len(found) - hits, hits

    complaints, hits = with_services(work)
    console().print(f"{complaints} complaints and {hits} hits of canaries and aliases written", markup=False)
    return 0
