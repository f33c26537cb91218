"""Letters to everyone affected: written from the facts and queued once per case and person."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from whosaw.answer.facts import Certainty, Facts, Person
from whosaw.answer.identitytheft import theft_help
from whosaw.answer.letters import LANGUAGES, Letter, business, write_notice
from whosaw.store.numbers import keys_of
from whosaw.store.outbox import Mail, Outbox
from whosaw.terms import Clock

_ASK_ROWS = 500
_POLICY = SMTP_POLICY.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Recipient:
    """How a person is addressed and reached; held in memory and, until the letter is sent, in its outbox row.

    Attributes:
        name: how he is addressed; may be empty.
        email: where to.
        language: of the letter, one of `letters.LANGUAGES`; a language without words gets English.
        jurisdiction: whose law protects him: ``EU``, ``US-CA``; empty where nobody knows.
    """

    name: str = field(repr=False)
    email: str = field(repr=False)
    language: str = "en"
    jurisdiction: str = ""


Addresses = Callable[[Sequence[str]], Awaitable[Mapping[str, Recipient]]]
"""Gives the recipients of subject keys such as ``customer:C-000017``; keys it does not know are left out."""

Obliged = Callable[[str], bool | None]
"""Says of a jurisdiction whether its law asks for a letter; None where that is not decided."""


def undecided(jurisdiction: str) -> None:
    """Say of no place whether its law asks for a letter, so that no letter says either."""
    del jurisdiction


@dataclass(frozen=True, slots=True)
class Wording:
    """What makes one letter say other sentences than another of its case.

    Attributes:
        certainty: whether his data certainly or probably got out.
        business: whether it goes to a business.
        required: whether a law of his place asks for it; None where the letter says nothing of that.
        place: whose law adds sentences of its own to it; empty where none does.
    """

    certainty: Certainty
    business: bool
    required: bool | None
    place: str = ""

    @property
    def name(self) -> str:
        """A name for a file: ``certain``, ``probable-business``, ``certain-voluntary``."""
        asked = {True: "-required", False: "-voluntary", None: ""}[self.required]
        adds = f"-{self.place.lower()}" if self.place else ""
        return f"{self.certainty}{'-business' if self.business else ''}{asked}{adds}"


@dataclass(frozen=True, slots=True)
class Queued:
    """What queuing did.

    Attributes:
        new: letters added.
        already: persons who had a letter of this case.
        unreachable: numbers of persons without an address that mail can reach; they need another channel.
    """

    new: int
    already: int
    unreachable: tuple[int, ...]


async def queue_notices(
    outbox: Outbox, facts: Facts, addresses: Addresses, *, clock: Clock, obliged: Obliged = undecided
) -> Queued:
    """Queue one letter to each certain and each probable person of a case; again, it adds nothing.

    Args:
        outbox: where letters wait; its database holds the number map.
        facts: of the case; `facts.persons` are written to and nobody else.
        addresses: gives names and addresses, asked in portions of 500 keys.
        clock: tells the time written as the letters' date.
        obliged: says whether a law asks for a letter to persons of a place; where none does the letter says so.
    """
    had = await outbox.keys(facts.case)
    todo = [person for person in facts.persons if str(person.subject) not in had]
    keys = await keys_of(outbox.db, "subject", [person.subject for person in todo])
    new, unreachable = 0, []
    for start in range(0, len(todo), _ASK_ROWS):
        portion = todo[start : start + _ASK_ROWS]
        known = await addresses([keys[person.subject] for person in portion if person.subject in keys])
        mails = []
        for person in portion:
            recipient = known.get(keys.get(person.subject, ""))
            mail = write_mail(facts, person, recipient, clock.now(), obliged) if recipient else None
            if mail is None:
                unreachable.append(person.subject)
            else:
                mails.append(mail)
        new += await outbox.queue(facts.case, mails, clock.now())
    return Queued(new, len(facts.persons) - len(todo), tuple(unreachable))


def wording_of(person: Person, jurisdiction: str, obliged: Obliged, on: date | None = None) -> Wording:
    """Return the wording of the letter to one person whom the law of a place protects, by its rules on a day."""
    is_business = bool(business(person))
    # the laws known here protect people: whether one asks for a letter to a business is not said
    adds = on is not None and not is_business and theft_help(person, jurisdiction, on) is not None
    place = jurisdiction if adds else ""
    return Wording(person.certainty, is_business, None if is_business else obliged(jurisdiction), place)


def letter_to(facts: Facts, person: Person, recipient: Recipient, obliged: Obliged = undecided) -> Letter:
    """Return the letter to one person in his language; a language without words gets English."""
    language = recipient.language if recipient.language in LANGUAGES else "en"
    required = wording_of(person, recipient.jurisdiction, obliged).required
    place = recipient.jurisdiction
    return write_notice(facts, person, name=recipient.name, language=language, required=required, place=place)


def write_mail(
    facts: Facts, person: Person, recipient: Recipient, at: datetime, obliged: Obliged = undecided
) -> Mail | None:
    """Return the letter to one person as a mail with an identity of its own, or None where mail cannot reach him."""
    # outside the block below: a letter that cannot be written stops the run, it makes nobody unreachable
    letter = letter_to(facts, person, recipient, obliged)
    try:
        to = Address(" ".join(recipient.name.split()), addr_spec=recipient.email.strip())
        message_id = f"<notice.{secrets.token_hex(16)}@{facts.company.mail_domain}>"
        raw = _message(facts, letter, to, message_id, at).as_bytes()
        to.addr_spec.encode("ascii")
    except Exception:  # the library's address parser raises whatever it stumbles over; the person is listed
        return None
    return Mail(str(person.subject), message_id, to.addr_spec, raw)


def _message(facts: Facts, letter: Letter, to: Address, message_id: str, at: datetime) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(facts.company.name, addr_spec=facts.company.contact_email)
    message["To"] = to
    message["Subject"] = letter.title
    message["Date"] = at.replace(microsecond=0)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = letter.language  # last: setting content takes such headers away
    return message
