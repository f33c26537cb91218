"""Taking complaints in on the server: whose it is by the company's own tables, signatures by DNS at arrival."""

from __future__ import annotations

import asyncio
import csv
import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar

from whosaw.answer import ComplaintUnreadable, RawMails, Sighting, read_complaint
from whosaw.answer.alternatives import OwnOrders
from whosaw.answer.lookalike import looks_like
from whosaw.answer.reports import Reported, add_reported, find_reported, read_rows
from whosaw.answer.senderpolicy import Arrival
from whosaw.answer.sightings import LOOKALIKE
from whosaw.answer.signature import Lookup
from whosaw.app.casedesk import CaseWork
from whosaw.app.complaintboxes import Box
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.catalog.source import SourceRefused
from whosaw.catalog.statements import lookup_statement, presence_statement, subject_statement
from whosaw.store.numbers import assign, keys_of

_LOG = logging.getLogger(__name__)
_EASTERNMOST = timezone(timedelta(hours=14))


class IntakeImpossible(AppError, ValueError):
    """The catalog does not say how a customer's address leads to the customer, or a file cannot be read."""

    code: ClassVar[str] = "app.intake_impossible"
    hint = "name a lookup of the form email in the catalog (docs/catalog.md), and files that can be read"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one complaint; `why` says why it is no sighting."""

    source: str
    sighting: Sighting | None
    new: bool = False
    why: str = ""


class CaseIntake:
    """The complaints desk of a server."""

    def __init__(self, services: Services, work: CaseWork, dns: Lookup, arrival: Arrival | None = None) -> None:
        """Ask `dns` for the key records of signatures, and check by `arrival` who handed a mail over, at arrival."""
        self._services = services
        self._work = work
        self._dns = dns
        self._arrival = arrival

    async def take(self, file: Path, beneficiary: str, real: AbstractSet[str], *, by: str) -> Sequence[Taken]:
        """Take one file in; what was taken is an entry of the trail.

        Args:
            file: a mail, or CSV.
            beneficiary: who profits.
            real: domains that are really his.
            by: who takes it in.

        Raises:
            IntakeImpossible: the file cannot be read.
            RowsUnreadable: CSV that cannot be taken; nothing of it is.
        """
        try:
            raw = await asyncio.to_thread(file.read_bytes)
        except OSError as cause:
            raise IntakeImpossible(f"cannot read `{file}`: {cause.strerror}") from cause
        taken = (
            await self._rows(raw, beneficiary) if file.suffix == ".csv" else [await self.mail(raw, beneficiary, real)]
        )
        found = [Taken(f"{file.name}{each.source}", each.sighting, each.new, each.why) for each in taken]
        if new := sum(each.new for each in found):
            more: dict[str, int | str] = {"rows": new, "beneficiary": beneficiary}
            await self._work.notes.add("intake", "case.intake", by=by, more=more)
        return found

    async def poll(self, box: Box, whom: str | Mapping[str, str], real: AbstractSet[str], *, by: str) -> list[Taken]:
        """Take in what waits in a mailbox, oldest first; a mail that was taken is marked seen, any other flagged.

        A run that is cut between a sighting and its mark reads the mail again, which is the same sighting.

        Args:
            box: the mailbox.
            whom: who profits, or by domain of the sender; a mail from a domain that is not among them is not taken.
            real: domains that are really his.
            by: who takes them in.

        Raises:
            BoxUnreadable: the mailbox is gone.
        """
        found, new = [], 0
        waiting = box.waiting()
        while (mail := await asyncio.to_thread(next, waiting, None)) is not None:
            taken = await self.mail(mail.raw, whom, real)
            new += taken.new
            found.append(Taken(mail.name, taken.sighting, taken.new, taken.why))
            await asyncio.to_thread(box.settle, mail.name, taken=taken.sighting is not None)
        if new:
            more: dict[str, int | str] = {"rows": new}
            await self._work.notes.add("intake", "case.intake", by=by, more=more)
        return found

    async def mail(self, raw: bytes, whom: str | Mapping[str, str], real: AbstractSet[str] = frozenset()) -> Taken:
        """Take one forwarded mail in; `whom` and `real` are as for `poll`."""
        services = self._services
        try:
            complaint = await asyncio.to_thread(
                read_complaint, raw, dns=self._dns, received_at=services.clock.now(), arrival=self._arrival
            )
        except ComplaintUnreadable as unreadable:
            return Taken("", None, why=unreadable.reason)
        beneficiary = whom if isinstance(whom, str) else whom.get(complaint.sender_domain)
        if beneficiary is None:
            return Taken("", None, why="unknown_sender")
        self._work.raws.keep(raw)
        subject = await self._subject(complaint.customer)
        if subject is None:
            return Taken("", None, why="no_such_customer")
        marks = [LOOKALIKE] if real and looks_like(complaint.sender_domain, real) else []
        sighting, new = await self._work.book.add(complaint, subject=subject, beneficiary=beneficiary, marks=marks)
        return Taken("", sighting, new)

    async def report(self, reported: Reported, beneficiary: str) -> Taken:
        """Take one sighting in that somebody wrote down: a row, an API call, a canary."""
        db = self._services.db
        (number,) = (await assign(db, "subject", [reported.subject])).values()
        raws: RawMails = self._work.raws
        at = self._services.clock.now()
        sighting, new = await add_reported(db, raws, reported, subject=number, beneficiary=beneficiary, at=at)
        return Taken("", sighting, new)

    async def told(self, reported: Reported, beneficiary: str, *, by: str, door: str) -> tuple[Sighting, bool] | None:
        """Take one sighting in by a door; return it and whether it is new, or None where nobody has this key.

        The entry comes first: what is kept is recorded, and an entry whose sighting a crash cut is followed by that of
        the next try. The same sighting again leaves no second entry.

        Args:
            reported: what was said.
            beneficiary: who profits.
            by: who said it.
            door: where.

        Raises:
            TrailUnavailable: it could not be recorded, and is not kept.
        """
        if reported.subject not in await self._known([reported.subject]):
            return None
        known = await find_reported(self._services.db, reported, beneficiary=beneficiary)
        if known is not None:
            return known, False
        more: dict[str, int | str] = {"rows": 1, "beneficiary": beneficiary, "door": door}
        await self._work.notes.add("intake", "case.intake", by=by, more=more)
        taken = await self.report(reported, beneficiary)
        return None if taken.sighting is None else (taken.sighting, taken.new)

    async def _rows(self, raw: bytes, beneficiary: str) -> list[Taken]:
        try:
            rows = list(read_rows(raw.decode("utf-8-sig")))
        except UnicodeDecodeError as cause:
            raise IntakeImpossible("the table is not UTF-8") from cause
        known = await self._known([row.subject for row in rows])
        found = []
        for number, row in enumerate(rows, 2):
            if row.subject in known:
                each = await self.report(row, beneficiary)
                found.append(Taken(f" line {number}", each.sighting, each.new))
            else:
                found.append(Taken(f" line {number}", None, why="no_such_customer"))
        return found

    async def _known(self, subjects: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for kind in self._services.catalog.subjects.values():
            keys = [each.partition(":")[2] for each in subjects if each.startswith(f"{kind.name}:")]
            if keys:
                rows = await self._services.sources[kind.source].rows(presence_statement(kind), keys=keys)
                found |= {f"{kind.name}:{row['key']}" for row in rows}
        return found

    async def _subject(self, address: str) -> int | None:
        catalog = self._services.catalog
        lookups = [each for each in catalog.lookups.values() if each.form == "email"]
        if not lookups:
            raise IntakeImpossible("the catalog has no lookup of the form `email`")
        for each in lookups:
            rows = await self._services.sources[each.source].rows(
                lookup_statement(each), values=sorted({address, address.lower()})
            )
            keys = {f"{each.subject_kind}:{row['subject']}" for row in rows}
            if len(keys) == 1:
                return next(iter((await assign(self._services.db, "subject", keys)).values()))
        return None


def read_senders(file: Path) -> dict[str, str]:
    """Return who profits by domain of the sender, from a CSV with the columns ``domain`` and ``beneficiary``.

    Raises:
        IntakeImpossible: it cannot be read, or lacks a column.
    """
    try:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as cause:
        raise IntakeImpossible(f"cannot read `{file}`") from cause
    if any(not row.get("domain") or not row.get("beneficiary") for row in rows):
        raise IntakeImpossible(f"`{file}` lacks a domain or a beneficiary", hint="columns: domain,beneficiary")
    return {row["domain"].lower(): row["beneficiary"] for row in rows}


async def case_addresses(services: Services, seen: Sequence[Sighting]) -> dict[int, str]:
    """Return the e-mail address of each sighting's subject, by sighting, where the company knows one."""
    keys = await keys_of(services.db, "subject", [each.subject for each in seen])
    known: dict[str, str] = {}
    for kind in services.catalog.subjects.values():
        field = next(
            (f for f in services.catalog.fields.values() if f.subject_kind == kind.name and "mail" in f.name), None
        )
        mine = [key.partition(":")[2] for key in keys.values() if key.startswith(f"{kind.name}:")]
        if field is not None and mine:
            rows = await services.sources[kind.source].rows(subject_statement(kind, [field]), keys=mine)
            known |= {f"{kind.name}:{row['key']}": str(row["f0"]) for row in rows if row["f0"]}
    return {each.id: known[keys[each.subject]] for each in seen if keys.get(each.subject) in known}


async def still_known(services: Services, seen: Sequence[Sighting]) -> set[int]:
    """Return the sightings whose subject has a key yet: of whoever was erased since, no table can be asked."""
    keys = await keys_of(services.db, "subject", [each.subject for each in seen])
    return {each.id for each in seen if each.subject in keys}


def own_orders(services: Services, where: str) -> OwnOrders:
    """Return a question to the company's orders.

    Args:
        services: with the company's databases.
        where: SOURCE:TABLE:CUSTOMER:SELLER, the two being columns with keys without their kind; and, where it is known,
            :ORDERED, the column of when it was ordered: what was ordered after the contact then explains nothing.

    Raises:
        IntakeImpossible: it is not written so, or names no source; or, when it is asked, there are no such columns.
    """
    names = where.split(":")
    if len(names) not in {4, 5} or names[0] not in services.sources or not all(_plain(each) for each in names):
        raise IntakeImpossible(f"`{where}` does not say where orders are", hint="SOURCE:TABLE:CUSTOMER:SELLER:ORDERED")
    source, table, customer, seller, *ordered = names
    # one order of which nobody knows the time may be the first; what cannot be read is apt to stand at an end of a text
    known = f"case when count(*) = count({ordered[0]}) then %s({ordered[0]}) end" if ordered else ""
    first, last = (known % "min", known % "max") if known else ("null", "null")

    async def asked(subjects: Sequence[int], beneficiary: str) -> dict[int, datetime | None]:
        keys: Mapping[int, str] = await keys_of(services.db, "subject", subjects)
        statement = (
            f"select {customer} as customer, {first} as first_at, {last} as last_at from {table} "
            f"where {seller} = :seller group by {customer}"
        )
        try:
            rows = await services.sources[source].rows(statement, seller=beneficiary.partition(":")[2])
        except SourceRefused as cause:
            hint = "does it have this table and these columns, and may whosaw read them?"
            raise IntakeImpossible(f"orders cannot be read by `{where}`: {cause}", hint=hint) from cause
        bought = {str(row["customer"]): (row["first_at"], row["last_at"]) for row in rows}
        mine = {number: key.partition(":")[2] for number, key in keys.items()}
        return {number: _first(bought[key], where) for number, key in mine.items() if key in bought}

    return asked


def _first(bounds: tuple[object, object], where: str) -> datetime | None:
    """Return the moment of the first of somebody's orders; None where it, or the last, cannot be read as a time.

    It may have been made at any time then, which explains how the seller has the address; a table that is badly kept
    puts nobody under suspicion, and keeps no other case from being checked.
    """
    if None in bounds:
        return None
    try:
        first, _ = (_moment(each) for each in bounds)
    except ValueError:
        _LOG.warning("the last column of `%s` holds something that is no time: such an order counts", where)
        return None
    return first


def _moment(found: object) -> datetime:
    """Return the earliest moment that a column's value can mean: of a time without a zone that of the easternmost one.

    So an order is taken for a later one than the contact only where it was.
    """
    at = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))  # a date is its beginning
    return at if at.tzinfo is not None else at.replace(tzinfo=_EASTERNMOST)


def _plain(name: str) -> bool:
    return name.replace(".", "").replace("_", "").isalnum() and name.isascii()
