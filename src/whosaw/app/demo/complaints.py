"""Complaints come in as mails, become sightings, and sharpen the answer one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from whosaw.answer import RawMails, Sighting, SightingBook, read_complaint
from whosaw.app.services import Services
from whosaw.app.tracing import Question, pose, report
from whosaw.lake import Order, Ticket, TrailNames, export_orders, export_tickets, export_trail
from whosaw.lake.exposure import load_exposure
from whosaw.lake.sightings import Complaints
from whosaw.lake.sightings import Sighting as LakeSighting
from whosaw.market.mails import ComplaintMail, Mailbag
from whosaw.record import entries_from
from whosaw.store.numbers import assign, every_key
from whosaw.terms import to_us
from whosaw.trace import Settings as TraceSettings
from whosaw.trace import attribute


class Intake:
    """The complaints desk: verifies signatures at arrival and keeps the raw mail."""

    def __init__(self, services: Services, mailbag: Mailbag, folder: Path) -> None:
        self._services = services
        self._dns = mailbag.dns
        self._waiting = list(mailbag.mails)
        self.mails = RawMails(folder)
        self.book = SightingBook(services.db)

    async def take_in(self, until: datetime | None) -> int:
        """Read every mail that arrived before `until`, or all that are left; return how many are sightings."""
        taken = 0
        while self._waiting and (until is None or self._waiting[0].at < until):
            taken += await self._read(self._waiting.pop(0))
        return taken

    async def _read(self, mail: ComplaintMail) -> bool:
        complaint = read_complaint(mail.message, dns=lambda name: self._dns.get(name.rstrip(".")), received_at=mail.at)
        self.mails.keep(mail.message)
        source = self._services.sources["shop"]
        customers = await source.rows("select id from customers where email = :email", email=complaint.customer)
        sellers = await source.rows(
            "select id from sellers where mail_domain = :domain", domain=complaint.sender_domain
        )
        if len(customers) != 1 or len(sellers) != 1:
            return False
        key = f"customer:{customers[0]['id']}"
        number = (await assign(self._services.db, "subject", [key]))[key]
        _, new = await self.book.add(complaint, subject=number, beneficiary=f"seller:{sellers[0]['id']}")
        return new


@dataclass(frozen=True, slots=True)
class Step:
    """The answer after so many complaints."""

    complaints: int
    reported_at: datetime
    told: dict[str, Any]


async def fill_lake(services: Services, lake: Path) -> int:
    """Bring the trail, and the company's orders and tickets as context, into the lake; return the accesses."""
    names = TrailNames(
        actors=await every_key(services.db, "actor"),
        subjects=await every_key(services.db, "subject"),
        purposes=await every_key(services.db, "purpose"),
    )
    entries = [(entry.index, entry.payload) async for entry in entries_from(services.db)]
    source = services.sources["shop"]
    orders = await source.rows("select id, customer_id, seller_id, at from orders")
    tickets = await source.rows(
        "select id, customer_id, seller_id, opened_at from tickets where opened_by like 'customer:%'"
    )
    accesses = await asyncio.to_thread(export_trail, entries, lake, names, services.keys.origin)
    await asyncio.to_thread(export_orders, _orders(orders), lake)
    await asyncio.to_thread(export_tickets, _tickets(tickets), lake)
    return accesses.accepted


async def sharpen(
    lake: Path, sightings: Sequence[Sighting], names: dict[int, str], each: Callable[[Step], None]
) -> list[Step]:
    """Answer *who could have leaked* after the third complaint and each further one; `each` hears every answer."""
    beneficiary = sightings[0].beneficiary
    exposure = await asyncio.to_thread(load_exposure, lake, beneficiary)
    ordered = sorted(sightings, key=lambda sighting: sighting.reported_at)
    steps = []
    for count in range(min(3, len(ordered)), len(ordered) + 1):
        chosen = tuple(LakeSighting(names[s.subject], to_us(s.contacted_at)) for s in ordered[:count])
        question = pose(exposure, Complaints(chosen, 0, 0, beneficiary))
        told = await asyncio.to_thread(_answer, question)
        steps.append(Step(count, ordered[count - 1].reported_at, told))
        each(steps[-1])
    return steps


def _answer(question: Question) -> dict[str, Any]:
    settings = TraceSettings(complete=question.exposure.own_trail)
    found = attribute(question.accesses, question.population, question.sightings, question.actors, settings)
    return report(found, question)


def _orders(rows: Iterable[Any]) -> Iterable[Order]:
    for row in rows:
        yield Order(f"customer:{row['customer_id']}", to_us(row["at"]), f"seller:{row['seller_id']}", row["id"])


def _tickets(rows: Iterable[Any]) -> Iterable[Ticket]:
    for row in rows:
        seller = f"seller:{row['seller_id']}" if row["seller_id"] else None
        yield Ticket(f"customer:{row['customer_id']}", to_us(row["opened_at"]), f"ticket:{row['id']}", seller)
