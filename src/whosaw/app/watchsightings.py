"""What sellers left behind, from the mails that the installation holds: signatures, hosts that links lead to, wording.

The mails are read where they lie; what comes out are names of domains and hosts, and the number of a template. No word
of a mail is kept, printed or entered in the trail. A rival can copy wording and links to look like somebody: what joins
two sellers here is a reason to look, and evidence against nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from whosaw.answer import RawMails, Sighting, SightingBook
from whosaw.answer.clusters import read_seen
from whosaw.answer.errors import RawMailMissing
from whosaw.app.services import Services
from whosaw.watch.wordings import run_print, same_wording

Row = tuple[str, str, str]
"""Side (`actor` or `beneficiary`), name, print."""

PROVIDERS = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "gmx.net", "web.de"}
)
"""Domains of mailboxes that anybody has: to share one says nothing."""


@dataclass(frozen=True, slots=True)
class MailPrints:
    """What the mails say.

    Args:
        rows: prints of beneficiaries.
        mails: messages that were read.
        gone: sightings whose mail is not there any more.
    """

    rows: tuple[Row, ...]
    mails: int
    gone: int


async def mail_prints(services: Services, common: Collection[str] = (), before: datetime | None = None) -> MailPrints:
    """Read the prints of every mail that a sighting names.

    Args:
        services: everything opened.
        common: further domains and hosts that say nothing, as the marketplace's own.
        before: mails that came from then on are left out.

    Raises:
        StoreError: the database does not answer.
    """
    catalog = services.catalog
    own = {catalog.contact.rpartition("@")[2]}
    if catalog.aliases is not None:
        own |= {catalog.aliases.domain, catalog.aliases.canary_domain, *catalog.aliases.senders}
    book = await SightingBook(services.db).list()
    sightings = [each for each in book if each.form != "row" and (before is None or each.reported_at < before)]
    nothing = frozenset(each.lower() for each in (*common, *own) if each) | PROVIDERS
    return await asyncio.to_thread(_read, sightings, RawMails(services.settings.state / "complaints"), nothing)


def _read(sightings: Sequence[Sighting], raws: RawMails, common: frozenset[str]) -> MailPrints:
    rows: set[Row] = set()
    who: list[str] = []
    texts: list[frozenset[int]] = []
    read = gone = 0
    for each in sightings:
        try:
            raw = raws.read(each.raw_sha256)
        except RawMailMissing:
            gone += 1
            continue
        read += 1
        signed = each.dkim.get("domain", "") if each.dkim.get("verdict") == "pass" else ""
        if signed and not _is_common(signed.lower(), common):
            rows.add(("beneficiary", each.beneficiary, f"signed by {signed.lower()}"))
        if "inline" in each.marks:  # the customer's own words and links stand among the quoted ones
            continue
        seen = read_seen(each.id, raw, each.sender_domain)
        rows |= {
            ("beneficiary", each.beneficiary, f"leads to {host}") for host in seen.hosts if not _is_common(host, common)
        }
        who.append(each.beneficiary)
        texts.append(frozenset(run_print(run) for run in seen.shingles))
    for seller, template in zip(who, same_wording(texts).tolist(), strict=True):
        if template >= 0:
            rows.add(("beneficiary", seller, f"wording {template + 1}"))
    return MailPrints(tuple(sorted(rows)), read, gone)


def _is_common(domain: str, common: frozenset[str]) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[at:]) in common for at in range(len(labels)))


async def declared_prints(services: Services) -> tuple[Row, ...]:
    """Return what the company's own query ``[watch.prints]`` answers, employees' prints among it.

    Raises:
        SourceUnreachable, SourceRefused: the company's database does not answer.
    """
    declared = services.catalog.watch.records if services.catalog.watch is not None else {}
    if "prints" not in declared:
        return ()
    source, query = declared["prints"]
    rows = await services.sources[source].rows(query)
    return tuple(sorted((str(row["side"]), str(row["name"]), str(row["print"])) for row in rows))
