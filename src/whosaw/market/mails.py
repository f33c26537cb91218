"""Real mail: what the seller writes to a customer, DKIM-signed, and how the customer forwards it to the company.

The seller's message travels inside the complaint as message/rfc822, byte for byte, so that its signature survives. The
complaint itself carries the signature of the customer's own mail provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from types import MappingProxyType

import numpy as np

from whosaw.market.complaints import PlannedComplaint
from whosaw.market.mail_texts import COVER_NOTES, LETTERS, SUBJECTS
from whosaw.market.seal import Seal
from whosaw.market.timeline import stream
from whosaw.market.values import REGIONS
from whosaw.market.world import World

COMPLAINTS_ADDRESS = "complaints@shop.example"

_POLICY = SMTP.clone(cte_type="7bit")
_CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class ComplaintMail:
    """A complaint as it arrives at `at` (aware UTC): the whole message, with the seller's letter inside."""

    at: datetime
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mailbag:
    """The complaints of a world, and the public keys that verify their signatures.

    Args:
        mails: one for each of the world's complaints, in the same order.
        dns: for each name (``s1._domainkey.lotus-trade.example``, without a final dot) its TXT record.
    """

    mails: Sequence[ComplaintMail]
    dns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Parties:
    customer: Address
    seller: Address
    region: str


def write_complaints(world: World) -> Mailbag:
    """Write the mails of a world's complaints.

    Texts and headers follow from the world's seed; the keys that sign are made anew each time.
    """
    rng = stream(world.seed, "mails")
    seals: dict[str, Seal] = {}
    mails = []
    for complaint in world.complaints:
        parties = _parties(world, complaint)
        for selector, address in (("s1", parties.seller), ("mx", parties.customer)):
            if address.domain not in seals:
                seals[address.domain] = Seal(selector, address.domain)
        letter = seals[parties.seller.domain].sign(_letter(rng, complaint, parties), complaint.contacted_at)
        forward = seals[parties.customer.domain].sign(_forward(rng, complaint, parties, letter), complaint.at)
        mails.append(ComplaintMail(complaint.at, forward))
    return Mailbag(tuple(mails), MappingProxyType({seal.name: seal.record for seal in seals.values()}))


def _parties(world: World, complaint: PlannedComplaint) -> _Parties:
    customer, seller = _row(complaint.customer), _row(complaint.seller)
    return _Parties(
        customer=Address(world.customers.name[customer], addr_spec=world.customers.email[customer]),
        seller=Address(world.sellers.name[seller], "service", world.sellers.mail_domain[seller]),
        region=REGIONS[int(world.customers.region[customer])],
    )


def _letter(rng: np.random.Generator, complaint: PlannedComplaint, parties: _Parties) -> bytes:
    words = {
        "name": parties.customer.display_name,
        "shop": parties.seller.display_name,
        "amount": int(rng.integers(3, 16)) * 5,
    }
    subject = SUBJECTS[parties.region][int(rng.integers(len(SUBJECTS[parties.region])))]
    message = _head(rng, parties.seller, parties.customer, subject.format(**words), complaint.contacted_at)
    text = LETTERS[int(rng.integers(len(LETTERS)))].format(**words)
    message.set_content(text, cte="quoted-printable")
    return message.as_bytes()


def _forward(rng: np.random.Generator, complaint: PlannedComplaint, parties: _Parties, letter: bytes) -> bytes:
    """Return a multipart message of a note and the untouched letter.

    It is put together by hand: the library writes attached messages anew, which would break the letter's signature.
    """
    to = Address("Complaints", addr_spec=COMPLAINTS_ADDRESS)
    message = _head(rng, parties.customer, to, "A seller wrote to my private address", complaint.at)
    boundary = f"=_{rng.bytes(12).hex()}"
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = f'multipart/mixed; boundary="{boundary}"'
    note = EmailMessage(policy=_POLICY)
    note.set_content(COVER_NOTES[int(rng.integers(len(COVER_NOTES)))], cte="quoted-printable")
    attached = (
        b"Content-Type: message/rfc822",
        b'Content-Disposition: attachment; filename="original.eml"',
        b"Content-Transfer-Encoding: 7bit",
        b"",
        letter,
    )
    cut = b"--" + boundary.encode()
    body = (cut, note.as_bytes(), cut, *attached, cut + b"--", b"")
    head, _, _ = message.as_bytes().partition(_CRLF * 2)
    return head + _CRLF * 2 + _CRLF.join(body)


def _head(rng: np.random.Generator, sender: Address, to: Address, subject: str, at: datetime) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = at.replace(microsecond=0)
    message["Message-ID"] = f"<{rng.bytes(12).hex()}@{sender.domain}>"
    return message


def _row(key: str) -> int:
    return int(key.partition("-")[2]) - 1
