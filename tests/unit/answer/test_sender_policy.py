"""SPF of a complaint as our own mail server saw it come, and the language of what the customer got."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.answer.test_intake import ZONE, forwarded, letter, plain, signed

from whosaw.answer import read_complaint
from whosaw.answer.senderpolicy import Arrival, DnsSilent, Hop, check_spf, read_hop
from whosaw.answer.tongue import tongue_of

AT = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
OURS = {"mx.shop.example", "mail.shop.example"}
DNS = {
    ("home.example", "TXT"): ["v=spf1 include:_spf.home.example -all", "another text"],
    ("_spf.home.example", "TXT"): ["v=spf1 ip4:192.0.2.0/28 ip6:2001:db8::/64 mx ~all"],
    ("_spf.home.example", "MX"): ["10 out.home.example."],
    ("out.home.example", "A"): ["198.51.100.7"],
    ("soft.example", "TXT"): ["v=spf1 a ~all"],
    ("loop.example", "TXT"): ["v=spf1 include:loop.example -all"],
    ("twice.example", "TXT"): ["v=spf1 -all", "v=spf1 +all"],
    ("void.example", "TXT"): ["v=spf1 a:n1.void.example a:n2.void.example a:n3.void.example -all"],
}
ENDLESS = "v=spf1 " + " ".join(f"include:d{number}.wide.example" for number in range(40)) + " -all"


def records(name: str, kind: str) -> Sequence[str]:
    if name == "silent.example":
        raise DnsSilent("nobody answers")
    if name.endswith("wide.example"):
        return [ENDLESS] if kind == "TXT" else []
    return DNS.get((name, kind), [])


def received(address: str, by: str = "mx.shop.example", helo: str = "out.home.example") -> bytes:
    shown = f"IPv6:{address}" if ":" in address else address
    return (
        f"Received: from {helo} (unknown [{shown}])\r\n\tby {by} (Postfix) with ESMTPS id 4X;\r\n"
        "\tThu, 12 Mar 2026 09:29:58 +0000\r\n"
    ).encode()


def delivered(address: str, sender: str = "ann@home.example") -> bytes:
    inside = b"Received: from mx.shop.example (mx.shop.example [10.0.0.3])\r\n\tby mail.shop.example with LMTP id 9\r\n"
    return f"Return-Path: <{sender}>\r\n".encode() + inside + received(address)


@pytest.mark.parametrize(
    ("address", "sender", "verdict"),
    [
        ("192.0.2.5", "ann@home.example", "pass"),
        ("198.51.100.7", "ann@home.example", "pass"),
        ("2001:db8::9", "ann@home.example", "pass"),
        ("203.0.113.9", "ann@home.example", "fail"),
        ("203.0.113.9", "ann@soft.example", "softfail"),
        ("203.0.113.9", "ann@nothing.example", "none"),
        ("203.0.113.9", "ann@loop.example", "permerror"),
        ("203.0.113.9", "ann@twice.example", "permerror"),
        ("203.0.113.9", "ann@void.example", "permerror"),
        ("203.0.113.9", "ann@wide.example", "permerror"),
        ("203.0.113.9", "ann@silent.example", "temperror"),
        ("192.0.2.5", "", "none"),  # a mail without a sender is asked for by the name the server gave itself
    ],
)
def test_the_policy_of_the_senders_domain_decides(address: str, sender: str, verdict: str) -> None:
    found = check_spf(read_hop(delivered(address, sender) + plain("x"), OURS), records, AT)
    assert (found.verdict, found.address) == (verdict, address)


def test_every_record_asked_for_is_kept_as_it_was_answered() -> None:
    found = check_spf(Hop("198.51.100.7", "x", "ann@home.example"), records, AT)
    assert found.records["TXT home.example"] == tuple(DNS["home.example", "TXT"])
    assert found.records["A out.home.example"] == ("198.51.100.7",)
    kept = json.loads(json.dumps(found.as_json()))

    def from_kept(name: str, kind: str) -> Sequence[str]:
        return list(kept["records"][f"{kind} {name}"])  # nothing beyond what was kept is asked for

    again = check_spf(Hop("198.51.100.7", "x", "ann@home.example"), from_kept, AT)
    assert again == found


def test_only_what_our_own_server_wrote_is_believed() -> None:
    honest = received("203.0.113.9")
    forged = received("192.0.2.5")
    hop = read_hop(honest + forged + plain("x"), OURS)  # a line below the first hop from outside is the sender's
    assert hop is not None and hop.address == "203.0.113.9"
    assert read_hop(received("192.0.2.5", by="mx.attacker.example") + plain("x"), OURS) is None
    foreign_first = received("192.0.2.5", by="mx.attacker.example") + honest
    assert read_hop(foreign_first + plain("x"), OURS) is None
    assert read_hop(plain("x"), OURS) is None
    assert check_spf(None, records, AT).verdict == "unknown"


def test_a_complaint_from_an_address_that_may_not_send_is_marked() -> None:
    raw = forwarded(signed(letter()))
    arrival = Arrival(OURS, records)

    def read(address: str) -> tuple[str, tuple[str, ...], bool]:
        mail = delivered(address) + raw
        complaint = read_complaint(mail, dns=ZONE.get, received_at=AT, arrival=arrival)
        return complaint.customer_spf.verdict, complaint.marks, complaint.verified

    assert read("192.0.2.5") == ("pass", (), True)
    assert read("203.0.113.9") == ("fail", ("spf.fail",), True)  # what was forwarded is still what it is
    unchecked = read_complaint(raw, dns=ZONE.get, received_at=AT)
    assert unchecked.customer_spf.verdict == "unknown" and unchecked.marks == ()


@given(st.binary(max_size=400), st.text(max_size=60))
def test_no_line_of_a_mail_makes_it_stumble(noise: bytes, sender: str) -> None:
    raw = b"Return-Path: <" + sender.encode("utf-8", "replace") + b">\r\n" + received("203.0.113.9") + noise
    hop = read_hop(raw, OURS)
    assert check_spf(hop, records, AT).verdict in {"none", "unknown", "permerror", "fail", "softfail", "neutral"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Please change your review to five stars and we offer you a full refund of your order.", "en"),
        ("Bitte ändern Sie Ihre Bewertung, wir erstatten Ihnen den vollen Kaufpreis.", "de"),
        ("Ole hyvä ja muuta arvostelusi, palautamme koko ostohinnan sinulle.", "fi"),
        ("您好,请您把评价改成五星,我们会给您全额退款,谢谢您的支持", "zh"),
        ("Veuillez modifier votre avis et nous vous rembourserons la totalité de votre commande.", "fr"),
        ("ok", ""),
        ("https://r1.paytrack.example/8f3a " * 5, ""),
        ("kjh kjhkj hkjh kjh kjh kjh kjhkj hkj hkj hkj xqz", ""),
    ],
)
def test_a_language_is_said_where_it_is_sure(text: str, language: str) -> None:
    assert tongue_of(text) == language


def test_the_language_is_that_of_the_message_and_not_of_the_customer() -> None:
    got = "Bitte ändern Sie Ihre Bewertung, wir erstatten Ihnen den vollen Kaufpreis."
    mine = "I received this message and I did not ask for it, please have a look at what happened here.\r\n"
    inline = plain(f"{mine}\r\n---------- Forwarded message ---------\r\nFrom: x@lotus.example\r\n\r\n{got}")
    assert read_complaint(inline, dns=ZONE.get, received_at=AT).language == "de"
    attached = forwarded(signed(letter(body=got)))
    assert read_complaint(attached, dns=ZONE.get, received_at=AT).language == "de"
