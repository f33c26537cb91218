"""The mails of a world: real messages whose signatures verify after any ordinary reading."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage

import dkim
import pytest

from whosaw.market import Size, World, build_world
from whosaw.market.mails import COMPLAINTS_ADDRESS, Mailbag, write_complaints


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(3, Size(customers=2_000, staff=40, days=14))[0]


@pytest.fixture(scope="module")
def bag(world: World) -> Mailbag:
    return write_complaints(world)


def verifies(message: bytes, bag: Mailbag) -> bool:
    def lookup(name: bytes, timeout: float = 5) -> bytes | None:
        record = bag.dns.get(name.decode().rstrip("."))
        return record.encode() if record else None

    return bool(dkim.verify(message, dnsfunc=lookup))


def letter_of(message: bytes, reading: policy.Policy = policy.default) -> EmailMessage:
    outer = email.message_from_bytes(message, policy=reading)
    attached = [part for part in outer.walk() if part.get_content_type() == "message/rfc822"]
    assert len(attached) == 1
    inner = attached[0].get_payload(0)
    assert isinstance(inner, email.message.Message)
    return inner  # type: ignore[return-value]


def test_each_complaint_has_its_mail_in_the_same_order(world: World, bag: Mailbag) -> None:
    assert [mail.at for mail in bag.mails] == [one.at for one in world.complaints]
    for mail, complaint in zip(bag.mails, world.complaints, strict=True):
        outer = email.message_from_bytes(mail.message, policy=policy.default)
        customer = world.customers.email[int(complaint.customer[2:]) - 1]
        assert outer["From"].addresses[0].addr_spec == customer
        assert outer["To"].addresses[0].addr_spec == COMPLAINTS_ADDRESS
        assert outer["Date"].datetime == complaint.at.replace(microsecond=0)
        inner = letter_of(mail.message)
        seller = world.sellers.mail_domain[int(complaint.seller[2:]) - 1]
        assert inner["From"].addresses[0].domain == seller
        assert inner["To"].addresses[0].addr_spec == customer
        assert inner["Date"].datetime == complaint.contacted_at.replace(microsecond=0)
        assert "hange your review" in inner.get_content()


def test_the_messages_are_whole(bag: Mailbag) -> None:
    for mail in bag.mails:
        outer = email.message_from_bytes(mail.message, policy=policy.default)
        assert not any(part.defects for part in outer.walk())
        assert max(map(len, mail.message.split(b"\r\n"))) <= 998
        assert mail.message.isascii()
        assert b"\n" not in mail.message.replace(b"\r\n", b"")


def test_both_signatures_verify(bag: Mailbag) -> None:
    for mail in bag.mails:
        assert verifies(mail.message, bag)
        assert verifies(letter_of(mail.message).as_bytes(), bag)


@pytest.mark.parametrize("reading", [policy.default, policy.SMTP, policy.compat32, policy.SMTP.clone(cte_type="7bit")])
def test_the_letters_signature_survives_the_usual_ways_of_reading_mail(bag: Mailbag, reading: policy.Policy) -> None:
    assert verifies(letter_of(bag.mails[0].message, reading).as_bytes(), bag)


def test_an_altered_letter_does_not_verify(bag: Mailbag) -> None:
    letter = letter_of(bag.mails[0].message).as_bytes()
    assert not verifies(letter.replace(b"hange your review", b"eep your review"), bag)
    assert not verifies(letter.replace(b"\nFrom: ", b"\nFrom: Another ", 1), bag)


def test_a_signature_states_the_time_of_the_world(world: World, bag: Mailbag) -> None:
    stamp = int(world.complaints[0].contacted_at.timestamp())
    assert f"t={stamp};" in letter_of(bag.mails[0].message)["DKIM-Signature"].replace(" ", "")


def test_texts_follow_from_the_seed(world: World, bag: Mailbag) -> None:
    again = write_complaints(world)
    for first, second in zip(bag.mails, again.mails, strict=True):
        assert letter_of(first.message).get_content() == letter_of(second.message).get_content()
        assert letter_of(first.message)["Message-ID"] == letter_of(second.message)["Message-ID"]
