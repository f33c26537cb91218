from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from whosaw.answer import ComplaintUnreadable, read_complaint

AT = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
SENT = AT - timedelta(hours=30)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
RECORD = f"v=DKIM1; k=rsa; p={base64.b64encode(PUBLIC).decode()}"
ZONE = {"s1._domainkey.lotus.example": RECORD}


def letter(*, date: str | None = None, sender: str = "Lotus <service@lotus.example>", body: str = "Hello") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = "ann@home.example"
    message["Subject"] = "About your review"
    if date != "":
        message["Date"] = date or SENT.strftime("%a, %d %b %Y %H:%M:%S +0000")
    message["Message-ID"] = "<1@lotus.example>"
    message.set_content(body)
    return message.as_bytes()


def signed(raw: bytes, domain: bytes = b"lotus.example", **options: object) -> bytes:
    return dkim.sign(raw, b"s1", domain, PEM, **options) + raw


def forwarded(original: bytes, *, encoding: str = "7bit") -> bytes:
    body = base64.encodebytes(original).replace(b"\n", b"\r\n") if encoding == "base64" else original
    return (
        b"From: Ann <ann@Home.example>\r\nTo: complaints@shop.example\r\nSubject: look\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b1"\r\n\r\n'
        b"--b1\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--b1\r\nContent-Type: message/rfc822\r\n"
        b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body + b"\r\n--b1--\r\n"
    )


def plain(text: str, sender: str = "ann@home.example") -> bytes:
    return f"From: {sender}\r\nTo: complaints@shop.example\r\n\r\n{text}".encode()


def read(raw: bytes, dns: Callable[[str], str | None] = ZONE.get):  # type: ignore[no-untyped-def]
    return read_complaint(raw, dns=dns, received_at=AT)


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_a_signed_original_is_verified_and_its_date_counts(encoding: str) -> None:
    complaint = read(forwarded(signed(letter()), encoding=encoding))
    assert complaint.verified
    assert complaint.dkim.verdict == "pass"
    assert complaint.dkim.record == RECORD
    assert complaint.dkim.checked_at == AT
    assert (complaint.contacted_at, complaint.contacted_exact) == (SENT, True)
    assert complaint.customer == "ann@home.example"
    assert complaint.sender_domain == "lotus.example"
    assert complaint.message_id == "<1@lotus.example>"
    assert complaint.marks == ()


def test_a_mail_with_bare_line_feeds_is_the_same_complaint() -> None:
    complaint = read(forwarded(signed(letter())).replace(b"\r\n", b"\n"))
    assert complaint.verified


def test_an_altered_body_is_never_verified() -> None:
    complaint = read(forwarded(signed(letter()).replace(b"Hello", b"Hellp")))
    assert complaint.dkim.verdict == "fail"
    assert not complaint.verified
    assert (complaint.contacted_at, complaint.contacted_exact) == (AT, False)
    assert "dkim.fail" in complaint.marks


def test_a_lost_key_is_told_apart_from_an_altered_mail() -> None:
    assert read(forwarded(signed(letter())), lambda name: None).dkim.verdict == "no_key"


def test_a_broken_key_record_is_a_failure_and_no_crash() -> None:
    assert read(forwarded(signed(letter())), lambda name: "v=DKIM1; p=!!").dkim.verdict == "fail"


def test_another_domains_signature_proves_nothing_about_the_sender() -> None:
    raw = signed(letter(sender="boss@victim.example"))
    complaint = read(forwarded(raw))
    assert complaint.dkim.verdict == "weak"
    assert not complaint.verified


def test_a_signature_that_leaves_the_date_out_does_not_carry_it() -> None:
    complaint = read(forwarded(signed(letter(), include_headers=[b"from", b"subject"])))
    assert complaint.dkim.verdict == "weak"
    assert not complaint.contacted_exact


def test_a_signature_over_part_of_the_body_is_weak() -> None:
    assert read(forwarded(signed(letter(), length=True) + b"more\r\n")).dkim.verdict == "weak"


def test_a_second_date_header_is_never_believed() -> None:
    raw = b"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\n" + signed(letter())
    complaint = read(forwarded(raw))
    assert not complaint.verified
    assert not complaint.contacted_exact


@pytest.mark.parametrize(
    ("date", "mark"),
    [
        ("", "date.missing"),
        ("yesterday", "date.missing"),
        ("Thu, 99 Mar 2026 09:00:00 +0000", "date.missing"),
        ((AT + timedelta(days=1)).strftime("%a, %d %b %Y %H:%M:%S +0000"), "date.future"),
        ("Sat, 01 Jan 2000 00:00:00 +0000", "date.old"),
    ],
)
def test_a_date_that_cannot_be_believed_is_marked(date: str, mark: str) -> None:
    message = letter(date="")
    raw = signed(f"Date: {date}\r\n".encode() + message if date else message)
    complaint = read(forwarded(raw))
    assert mark in complaint.marks
    assert (complaint.contacted_at, complaint.contacted_exact) == (AT, False)


def test_a_clock_that_is_a_little_ahead_never_puts_contact_after_arrival() -> None:
    ahead = (AT + timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    complaint = read(forwarded(signed(letter(date=ahead))))
    assert (complaint.contacted_at, complaint.contacted_exact) == (AT, True)


def test_a_letter_to_another_address_is_marked() -> None:
    raw = signed(letter().replace(b"ann@home.example", b"bob@home.example"))
    assert "recipient.differs" in read(forwarded(raw)).marks


def test_an_inline_forward_is_weaker_and_never_verified() -> None:
    text = "---------- Forwarded message ---------\r\nFrom: Lotus <Service@Lotus.example>\r\nDate: x\r\n\r\nHello"
    complaint = read(plain(text))
    assert complaint.form == "inline"
    assert not complaint.verified
    assert complaint.sender_domain == "lotus.example"
    assert "inline" in complaint.marks
    assert complaint.contacted_at == AT


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "malformed"),
        (b"\r\n\r\nno headers", "malformed"),
        (b"\xff\xfe\x00garbage", "malformed"),
        (plain("they wrote to me"), "no_original"),
        (plain("x", sender="not an address"), "no_sender"),
        (plain("x", sender="a@b.example, c@d.example"), "no_sender"),
        (b"To: x@y.example\r\n\r\nbody", "no_sender"),
        (b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno parts", "malformed"),
        (b"From: a@b.example\r\nContent-Type: multipart/mixed\r\n\r\n--x--", "malformed"),
        (forwarded(b""), "original_malformed"),
        (forwarded(letter()).replace(b"7bit", b"x-own"), "original_malformed"),
        (forwarded(letter()).replace(b"7bit", b"base64"), "original_malformed"),
        (b"x" * (5 * 1024 * 1024 + 1), "too_large"),
    ],
)
def test_a_mail_that_is_no_complaint_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(ComplaintUnreadable) as refusal:
        read(raw)
    assert refusal.value.reason == reason
    assert refusal.value.hint


def test_two_originals_in_one_mail_are_refused() -> None:
    part = b"--b1\r\nContent-Type: message/rfc822\r\n\r\n" + letter() + b"\r\n"
    raw = forwarded(letter()).replace(b"--b1--", part + b"--b1--")
    with pytest.raises(ComplaintUnreadable, match="more than one"):
        read(raw)


def test_an_encoded_display_name_cannot_pose_as_the_address() -> None:
    raw = forwarded(letter()).replace(b"Ann <ann@Home.example>", b"=?utf-8?q?boss=40shop=2Eexample?= <eve@x.example>")
    assert read(raw).customer == "eve@x.example"


def test_a_crafted_inline_header_is_read_in_linear_time() -> None:
    complaint = read(plain("From: " + "a" * 2_000_000 + "\r\nFrom: b@c.example\r\n"))
    assert complaint.form == "inline"


@given(st.binary(max_size=400))
def test_any_bytes_as_original_give_an_answer_or_a_refusal(noise: bytes) -> None:
    try:
        complaint = read(forwarded(signed(letter())[:300] + noise))
    except ComplaintUnreadable:
        return
    assert not complaint.verified


@given(st.binary(max_size=60), st.integers(0, 1400), st.integers(0, 40))
def test_a_mail_damaged_anywhere_never_raises_anything_else(noise: bytes, at: int, cut: int) -> None:
    raw = forwarded(signed(letter()))
    try:
        read(raw[:at] + noise + raw[at + cut :])
    except ComplaintUnreadable as refusal:
        assert refusal.reason
