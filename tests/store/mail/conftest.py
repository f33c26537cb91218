"""A company with a mail door: what it hands on is collected, signatures are checked against keys made here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.store.conftest import CATALOG, COMPANY, NOON, Company

from whosaw.answer import RawMails, SightingBook
from whosaw.answer.notes import Notes
from whosaw.app.maildoor import CompanysParties, CompanysPersons
from whosaw.ask import Ask
from whosaw.doors.mail import Hits, MailDoor, MessageIds, Senders, Ways, load_mail_key
from whosaw.doors.mail.errors import NextHopFailed
from whosaw.reveal import Aliased
from whosaw.terms import PurposeRef, SubjectRef

DOMAIN = "a.company.example"
ALIASES = f"""
[aliases]
domain = "{DOMAIN}"
days = 30
senders = ["company.example"]
source = "company"
query = "select 'seller:' || id as party, mail as address from company.sellers"
"""
STAFF = "max.muster@company.example"
SELLER = "shop@seller.example"
STRANGER = "offers@rival.example"
PERSON = "ada1@mail.example"


@pytest.fixture
def company_sql() -> str:
    return COMPANY + (
        "create table company.sellers (id text primary key, mail text);"
        f"insert into company.sellers values ('S-9', '{SELLER.upper()}');"
    )


@pytest.fixture
def catalog_text() -> str:
    return CATALOG.replace('mask = "email"', 'mask = "email"\nreveal = "alias"') + ALIASES


@pytest.fixture(scope="session")
def signing() -> tuple[bytes, str]:
    """A private key, and the TXT record of its public half."""
    import base64

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


@dataclass
class Post:
    """A mail door, and what it handed on as (envelope sender, recipient, mail)."""

    door: MailDoor
    company: Company
    folder: Path
    private: bytes
    handed: list[tuple[str, str, bytes]] = field(default_factory=list)
    refuses: int = 0

    async def hand_over(self, sender: str, recipient: str, raw: bytes) -> None:
        if self.refuses:
            self.refuses -= 1
            raise NextHopFailed("the next hop is away")
        self.handed.append((sender, recipient, raw))

    def signed(self, raw: bytes, sender: str) -> bytes:
        domain = sender.rpartition("@")[2].encode()
        return bytes(dkim.sign(raw, b"s1", domain, self.private)) + raw

    async def alias(self, ticket: int = 1) -> tuple[str, int]:
        """Return the address that a new disclosure carries, and the index of its entry."""
        answer = await self.company.gate.disclose(
            Ask(
                "E-1",
                SubjectRef.parse(f"customer:C-{ticket}"),
                ("customer.email",),
                PurposeRef.parse(f"ticket:T-{ticket}"),
                "http",
                NOON,
                f"{ticket:032x}",
            )
        )
        value = answer.values["customer.email"]
        assert isinstance(value, Aliased)
        return value.address, answer.receipt.index

    async def rows(self, statement: str) -> list[tuple[object, ...]]:
        async with self.company.db.connection() as connection:
            return list(await (await connection.execute(statement)).fetchall())


@dataclass(frozen=True)
class Wired:
    """What the wiring of the door asks for of a running whosaw."""

    db: object
    catalog: object
    sources: object


@pytest.fixture
def make_post(company: Company, tmp_path: Path, signing: tuple[bytes, str]) -> Callable[..., Post]:
    def make(*, keep_strangers: bool = False) -> Post:
        key = load_mail_key(tmp_path / "keys")
        wired: object = Wired(company.db, company.catalog, company.sources)
        assert company.catalog.aliases is not None
        raws = RawMails(tmp_path / "complaints")
        notes = Notes(company.db, company.clock, company.appender.append)
        posts: list[Post] = []

        async def hop(sender: str, recipient: str, raw: bytes) -> None:
            await posts[0].hand_over(sender, recipient, raw)

        door = MailDoor(
            Ways(company.db, key, DOMAIN),
            Senders(
                company.catalog.aliases.senders,
                CompanysParties(wired, company.catalog.aliases),  # type: ignore[arg-type]
                lambda name: signing[1] if name.startswith("s1._domainkey.") else None,
            ),
            Hits(company.db, raws, RawMails(tmp_path / "mail"), SightingBook(company.db), notes),
            MessageIds(key, DOMAIN),
            persons=CompanysPersons(wired),  # type: ignore[arg-type]
            next_hop=hop,
            clock=company.clock,
            keep_strangers=keep_strangers,
        )
        posts.append(Post(door, company, tmp_path, signing[0]))
        return posts[0]

    return make


@pytest.fixture
def post(make_post: Callable[..., Post]) -> Post:
    return make_post()


def letter(sender: str, to: str, *, more: str = "", body: str = "Hello.\r\n", number: int = 1) -> bytes:
    """Return a mail as some server wrote it, with headers that give the sender away."""
    domain = sender.rpartition("@")[2]
    return (
        f"Received: from pc.{domain} ([192.0.2.7]) by mx.{domain}; Mon, 2 Mar 2026 12:00:00 +0000\r\n"
        f"From: Max Muster <{sender}>\r\nTo: {to}\r\nReply-To: private@{domain}\r\nSender: {sender}\r\n"
        f"X-Originating-IP: 192.0.2.7\r\nSubject: Your order\r\nDate: Mon, 2 Mar 2026 12:00:00 +0000\r\n"
        f"Message-ID: <{number}@mx.{domain}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"{more}\r\n{body}"
    ).encode()
