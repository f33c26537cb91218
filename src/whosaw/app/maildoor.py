"""Wiring of the mail door over the services of one running whosaw."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import aiosmtplib

from whosaw.answer import RawMails
from whosaw.answer.notes import Notes
from whosaw.answer.signature import Lookup
from whosaw.app.casedesk import case_work
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.app.watchreplies import Replies
from whosaw.catalog import Aliases
from whosaw.catalog.statements import subject_statement
from whosaw.doors.mail import Hits, MailDoor, MessageIds, Senders, Ways, load_mail_key
from whosaw.doors.mail.delivery import NextHop
from whosaw.doors.mail.errors import NextHopFailed
from whosaw.store.numbers import keys_of
from whosaw.store.relay import Relay
from whosaw.terms import SubjectRef

_TIMEOUT_S = 60.0


class AliasesMissing(AppError, LookupError):
    """The catalog names no domain for aliases."""

    code: ClassVar[str] = "app.aliases_missing"
    hint = "write [aliases] with a domain into the catalog (docs/mail.md)"


@dataclass(frozen=True, slots=True)
class CompanysPersons:
    """People's addresses by the company's own tables, as they are now."""

    services: Services

    async def address(self, subject: int, field: str) -> str | None:
        """Return the address; None where the person is gone, erased, or has none."""
        declared = self.services.catalog.fields.get(field)
        key = (await keys_of(self.services.db, "subject", [subject])).get(subject)
        if declared is None or key is None:
            return None
        kind = self.services.catalog.subjects[declared.subject_kind]
        reference = SubjectRef.parse(key)
        if reference.kind != kind.name:
            return None
        source = self.services.sources[kind.source]
        rows = await source.rows(subject_statement(kind, [declared]), keys=[reference.key])
        found = [str(row["f0"]).strip() for row in rows if row["f0"]]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class CompanysParties:
    """Addresses of parties by the catalog's query."""

    services: Services
    aliases: Aliases

    async def addresses(self, party: str) -> Collection[str]:
        """Return a party's addresses, in lower case."""
        if not self.aliases.query:
            return frozenset()
        rows = await self.services.sources[self.aliases.source].rows(
            f"select address from ({self.aliases.query}) as listed where party = :party", party=party
        )
        return frozenset(str(row["address"]).strip().lower() for row in rows if row["address"])


def aliases_of(services: Services) -> Aliases:
    """Return what the catalog says about aliases.

    Raises:
        AliasesMissing: nothing.
    """
    if services.catalog.aliases is None:
        raise AliasesMissing("the catalog has no [aliases]")
    return services.catalog.aliases


def ways_of(services: Services) -> Ways:
    """Return the addresses of the catalog's alias domain."""
    return Ways(services.db, load_mail_key(services.settings.keys_folder), aliases_of(services).domain)


def hits_of(services: Services) -> Hits:
    """Return the hits; their mails lie where complaints lie."""
    work = case_work(services)
    unproved = RawMails(services.settings.state / "mail")
    return Hits(
        services.db, work.raws, unproved, work.book, Notes(services.db, services.clock, services.appender.append)
    )


def mail_door(services: Services, dns: Lookup, next_hop: NextHop) -> MailDoor:
    """Return the mail door.

    Raises:
        AliasesMissing: the catalog names no domain for aliases.
    """
    aliases = aliases_of(services)
    key = load_mail_key(services.settings.keys_folder)
    return MailDoor(
        Ways(services.db, key, aliases.domain),
        Senders(aliases.senders, CompanysParties(services, aliases), dns),
        hits_of(services),
        MessageIds(key, aliases.domain),
        persons=CompanysPersons(services),
        next_hop=next_hop,
        clock=services.clock,
        keep_strangers=aliases.strangers == "keep",
        questions=Replies(services, dns, next_hop),
    )


def smtp_hop(host: str, port: int) -> NextHop:
    """Return a next hop that speaks SMTP without TLS to this machine."""
    relay = Relay(host, port, "never")

    async def hand_over(sender: str, recipient: str, raw: bytes) -> None:
        try:
            async with relay.client(_TIMEOUT_S) as client:
                await client.sendmail(sender or "<>", [recipient], raw)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as cause:
            # neither the address nor what the server answered about it
            code = getattr(cause, "code", type(cause).__name__)
            raise NextHopFailed(f"the next hop at `{host}:{port}` did not take a mail: {code}") from None

    return hand_over
