"""What is forwarded carries nothing that was not listed, whatever came; and what Postfix is told."""

from __future__ import annotations

import re
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.app.postfixtext import Wiring, main_cf, master_cf
from whosaw.doors.mail.errors import MailKeyInvalid
from whosaw.doors.mail.ids import MessageIds, load_mail_key
from whosaw.doors.mail.letters import Outside, forwarded, read

IDS = MessageIds(bytes(32), "a.company.example").of("alias@a.company.example")
OUTSIDE = Outside("back@a.company.example", "ada@mail.example", "Max")
ALLOWED = {
    *("from", "to", "message-id", "in-reply-to", "references", "subject", "date", "mime-version", "content-type"),
    *("content-transfer-encoding", "content-language", "content-disposition", "auto-submitted", "precedence"),
    *("importance", "whosaw-hops"),
}
_names = st.sampled_from(
    [b"X-Mailer", b"Received", b"Subject", b"Cc", b"From", b"References", b"Message-ID", b"x", b" "]
)
_lines = st.lists(st.tuples(_names, st.binary(max_size=40)).map(lambda pair: pair[0] + b": " + pair[1]), max_size=12)


@given(_lines, st.binary(max_size=200), st.sampled_from([b"\r\n", b"\n"]))
def test_no_header_passes_that_is_not_listed(lines: list[bytes], body: bytes, end: bytes) -> None:
    raw = end.join(lines) + end + end + body
    read(raw)
    head, _, _ = forwarded(raw, OUTSIDE, IDS).partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line[:1] not in (b" ", b"\t"):
            assert line.partition(b":")[0].decode("ascii").lower() in ALLOWED
    assert len(re.findall(rb"(?im)^from:", head)) == 1
    assert len(re.findall(rb"(?im)^to:", head)) == 1


@given(st.binary(max_size=400))
def test_any_bytes_are_read_and_forwarded_without_a_crash(raw: bytes) -> None:
    read(raw)
    assert forwarded(raw, OUTSIDE, IDS).startswith(b"From: Max <back@a.company.example>\r\nTo: ada@mail.example\r\n")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_folded_header_stays_and_a_hidden_one_does_not_pass(ends: str) -> None:
    raw = ends.join(["From: m@x.example", "Subject: a", "  b", "X-Id: 1", "\tCc: m@x.example", "", "text"]).encode()
    mail = message_from_bytes(forwarded(raw, OUTSIDE, IDS))
    assert re.sub(r"\s+", " ", mail["Subject"]) == "a b"
    assert "x.example" not in mail.as_string()
    assert mail.get_payload().strip() == "text"


def test_an_encoded_name_that_is_an_address_does_not_pass() -> None:
    assert read(b"From: =?utf-8?q?real=40x.example?= <m@x.example>\r\n\r\n").name == ""
    assert read(b"From: =?utf-8?q?J=C3=B6rg?= <m@X.Example>\r\n\r\n").name == "Jörg"
    assert read(b"From: m@X.Example\r\n\r\n").sender == "m@x.example"


@given(st.from_regex(r"<[a-zA-Z0-9.$%+-]{1,60}@[a-z0-9.-]{1,60}>", fullmatch=True))
def test_an_id_comes_back_and_only_under_its_alias(message_id: str) -> None:
    outward = IDS.outward(message_id)
    assert re.fullmatch(r"<m\.[a-z2-7]+@a\.company\.example>", outward)
    assert outward == IDS.outward(message_id)
    assert IDS.outward(outward) == IDS.stood_for(outward) == message_id
    assert MessageIds(bytes(32), "a.company.example").of("other@a.company.example").stood_for(outward) == ""
    flipped = outward.replace("<m.a", "<m.b") if outward.startswith("<m.a") else "<m.a" + outward[4:]
    assert IDS.stood_for(flipped) == ""


def test_the_longest_id_still_fits_a_line() -> None:
    assert len(IDS.outward(f"<{'x' * 900}@y>")) < 990
    assert len(IDS.outward(f"<{'x' * 396}@y>")) < 990


def test_the_key_is_made_once_and_never_taken_where_others_may_read_it(tmp_path: Path) -> None:
    key = load_mail_key(tmp_path)
    assert load_mail_key(tmp_path) == key
    assert len(key) == 32
    assert (tmp_path / "mail.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "mail.key").chmod(0o644)
    with pytest.raises(MailKeyInvalid):
        load_mail_key(tmp_path)


def test_postfix_is_told_both_domains_and_never_to_relay_for_others() -> None:
    wiring = Wiring("a.x.example", "unix:/run/w", "127.0.0.1:10026", "mx.x.example", "post.example")
    text = main_cf(wiring)
    assert "relay_domains = a.x.example, post.example" in text
    assert "{ { a.x.example = lmtp:unix:/run/w }, { post.example = lmtp:unix:/run/w } }" in text
    assert "reject_unauth_destination" in text
    assert "permit_mynetworks,reject" in master_cf(wiring)
    assert "post.example" not in main_cf(Wiring("a.x.example", "unix:/run/w", "127.0.0.1:10026", "mx"))
