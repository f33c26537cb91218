"""What becomes of a mail: both ways without the other's address, evidence of strangers, no loops, no reports."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message

import pytest
from tests.store.conftest import NOON
from tests.store.mail.conftest import DOMAIN, PERSON, SELLER, STAFF, STRANGER, Post, letter

from whosaw.doors.mail.errors import NextHopFailed
from whosaw.doors.mail.keeping import Keeping

BACK = re.compile(rf"[a-z2-7]{{26}}@{re.escape(DOMAIN)}")


def header(mail: Message, name: str) -> str:
    return str(mail[name] or "")


async def forwarded(post: Post, sender: str = STAFF, **more: object) -> tuple[str, Message]:
    alias, _ = await post.alias()
    raw = letter(sender, alias, **more)  # type: ignore[arg-type]
    assert await post.door.take(sender, alias, post.signed(raw, sender)) == "forwarded"
    return alias, message_from_bytes(post.handed[-1][2])


async def test_the_party_reaches_the_person_and_shows_no_address(post: Post) -> None:
    alias, mail = await forwarded(post)
    envelope, recipient, raw = post.handed[0]
    assert recipient == PERSON
    assert BACK.fullmatch(envelope)
    assert header(mail, "From") == f"Max Muster <{envelope}>"
    assert header(mail, "To") == PERSON
    assert header(mail, "Subject") == "Your order"
    assert b"company.example" not in raw.replace(DOMAIN.encode(), b"")
    assert b"192.0.2.7" not in raw
    assert raw.endswith(b"\r\n\r\nHello.\r\n")
    assert set(mail.keys()) == {
        *("From", "To", "Message-ID", "Subject", "Date", "MIME-Version", "Content-Type", "Whosaw-Hops")
    }
    assert await post.rows("select * from mail_hit") == []
    assert alias not in raw.decode()


@pytest.mark.parametrize("party", [STAFF, SELLER])
async def test_an_answer_goes_back_as_from_the_alias_and_the_thread_holds(post: Post, party: str) -> None:
    alias, mail = await forwarded(post, party)
    back = post.handed[0][0]
    more = f"In-Reply-To: {header(mail, 'Message-ID')}\r\nReferences: {header(mail, 'Message-ID')}\r\n"
    answer = letter(PERSON, back, more=more, number=2)
    assert await post.door.take(PERSON, back, answer) == "answered"
    envelope, recipient, raw = post.handed[1]
    told = message_from_bytes(raw)
    assert (envelope, recipient) == (alias, party)
    assert header(told, "From") == alias  # without the person's name: it may be one that the party may not see
    assert header(told, "In-Reply-To") == f"<1@mx.{party.rpartition('@')[2]}>"
    assert b"mail.example" not in raw
    again = letter(party, alias, more=f"In-Reply-To: {header(told, 'Message-ID')}\r\n", number=3)
    assert await post.door.take(party, alias, post.signed(again, party)) == "forwarded"
    assert header(message_from_bytes(post.handed[2][2]), "In-Reply-To") == "<2@mx.mail.example>"
    assert post.handed[2][0] == back


async def test_an_id_of_one_alias_is_not_read_at_another(post: Post) -> None:
    _, mail = await forwarded(post)
    other, _ = await post.alias(2)
    raw = letter(STAFF, other, more=f"In-Reply-To: {header(mail, 'Message-ID')}\r\n", number=4)
    await post.door.take(STAFF, other, post.signed(raw, STAFF))
    assert b"mx.company.example" not in post.handed[1][2]


async def test_a_stranger_is_evidence_that_names_the_disclosure_and_no_person(post: Post) -> None:
    alias, entry = await post.alias()
    raw = post.signed(letter(STRANGER, alias), STRANGER)
    assert await post.door.take(STRANGER, alias, raw) == "forwarded"
    ((kind, named, sighting, sha256, domain, dkim),) = await post.rows(
        "select kind, entry, sighting_id, raw_sha256, sender_domain, dkim from mail_hit"
    )
    assert (kind, named, domain, dkim) == ("alias", entry, "rival.example", "pass")
    assert await post.rows("select id, form, channel, beneficiary, verified, contacted_exact from sighting") == [
        (sighting, "alias", "alias", "domain:rival.example", True, True)
    ]
    assert await post.rows("select code, severity, about from alert") == [
        ("alias.hit", "high", {"entry": entry, "sighting": sighting})
    ]
    path = post.folder / "complaints" / f"{sha256}.eml"
    assert path.read_bytes() == raw
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ((note,),) = await post.rows("select payload from trail_entry where kind = 'case_work'")
    assert f'"entry":{entry}' in str(note)
    assert alias not in str(note)


async def test_the_same_mail_brought_again_is_one_hit(post: Post) -> None:
    alias, _ = await post.alias()
    post.refuses = 1
    with pytest.raises(NextHopFailed):
        await post.door.take(STRANGER, alias, letter(STRANGER, alias))
    assert post.handed == []
    assert await post.door.take(STRANGER, alias, letter(STRANGER, alias)) == "forwarded"
    counts = "(select count(*) from sighting), (select count(*) from alert), (select count(*) from mail_hit)"
    assert await post.rows(f"select {counts}") == [(1, 1, 1)]
    assert len(post.handed) == 1


async def test_a_stranger_is_kept_back_where_the_catalog_says_so(make_post: Callable[..., Post]) -> None:
    post = make_post(keep_strangers=True)
    alias, _ = await post.alias()
    assert await post.door.take(STRANGER, alias, letter(STRANGER, alias)) == "kept"
    assert post.handed == []
    assert len(await post.rows("select * from mail_hit")) == 1


async def test_a_forged_party_is_neither_trusted_nor_an_accusation(post: Post) -> None:
    alias, _ = await post.alias()
    assert await post.door.take(STAFF, alias, letter(STAFF, alias)) == "forwarded"
    assert await post.rows("select * from mail_hit") == []
    assert await post.rows("select * from sighting") == []
    assert len(list((post.folder / "mail").iterdir())) == 1


async def test_an_alias_that_ended_leads_to_nobody_and_still_tells(post: Post) -> None:
    _, mail = await forwarded(post)
    back = post.handed[0][0]
    alias, entry = await post.alias()
    post.company.clock.advance_to(post.company.clock.now() + timedelta(days=31))
    assert await post.door.take(STRANGER, alias, letter(STRANGER, alias)) == "expired"
    assert await post.rows("select entry from mail_hit") == [(entry,)]
    assert await post.door.take(PERSON, back, letter(PERSON, back)) == "expired"
    assert len(post.handed) == 1
    assert mail["To"] == PERSON


async def test_nobody_is_answered_like_somebody(post: Post) -> None:
    assert await post.door.take(STRANGER, f"nobody@{DOMAIN}", letter(STRANGER, f"nobody@{DOMAIN}")) == "unknown"
    assert post.handed == []


@pytest.mark.parametrize("more", ["Whosaw-Hops: 3\r\n", "Whosaw-Hops: x\r\n", "Received: by x\r\n" * 51])
async def test_what_goes_round_ends(post: Post, more: str) -> None:
    alias, _ = await post.alias()
    raw = post.signed(letter(STAFF, alias, more=more), STAFF)
    assert await post.door.take(STAFF, alias, raw) == "loop"
    assert post.handed == []


async def test_a_person_who_was_erased_gets_nothing(post: Post) -> None:
    alias, _ = await post.alias()
    async with post.company.db.connection() as connection:
        await connection.execute("delete from number_map where space = 'subject'")
    assert await post.door.take(STAFF, alias, post.signed(letter(STAFF, alias), STAFF)) == "gone"


def report(about: str, recipient: str, status: str = "5.1.1") -> bytes:
    """Return what a mail server writes about a mail it could not deliver: full of addresses."""
    return (
        "From: MAILER-DAEMON@mx.mail.example\r\nTo: x\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\n<{recipient}>: unknown\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {about}\r\nSubject: x\r\n\r\nx\r\n--b--\r\n"
    ).encode()


async def test_a_report_is_told_in_words_that_name_nobody(post: Post) -> None:
    alias, mail = await forwarded(post)
    back = post.handed[0][0]
    assert await post.door.take("", back, report(header(mail, "Message-ID"), PERSON)) == "reported"
    envelope, recipient, raw = post.handed[1]
    told = message_from_bytes(raw)
    assert (envelope, recipient) == ("", STAFF)
    assert b"mail.example" not in raw
    assert header(told, "In-Reply-To") == "<1@mx.company.example>"
    assert header(told, "Auto-Submitted") == "auto-replied"
    assert f"Your message to {alias} was not delivered." in raw.decode()
    assert "5.1.1" in raw.decode()


async def test_a_report_about_an_answer_is_told_to_the_person(post: Post) -> None:
    alias, _ = await forwarded(post)
    back = post.handed[0][0]
    await post.door.take(PERSON, back, letter(PERSON, back, number=2))
    answered = header(message_from_bytes(post.handed[1][2]), "Message-ID")
    assert await post.door.take("", alias, report(answered, STAFF)) == "reported"
    assert post.handed[2][:2] == ("", PERSON)
    assert b"company.example" not in post.handed[2][2].replace(DOMAIN.encode(), b"")


async def test_a_made_up_report_moves_nothing_and_hides_no_stranger(post: Post) -> None:
    alias, mail = await forwarded(post)
    back = post.handed[0][0]
    assert await post.door.take("", back, report(f"<m.aaaa@{DOMAIN}>", PERSON)) == "bounce"
    assert await post.door.take("", back, report(header(mail, "Message-ID"), PERSON, "4.4.1")) == "bounce"
    assert await post.door.take("", alias, letter(STRANGER, alias)) == "kept"  # spam without a sender is evidence too
    assert len(await post.rows("select * from mail_hit")) == 1
    assert len(post.handed) == 1


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n", b"\r\n\r\nbody", b"From", b"From: a@b\r\nFrom: c@d\r\n\r\nx", b"\0\xff\xfe", b"From: <@>\r\n\r\n",
     b"Content-Type: multipart/mixed\r\nFrom: =?utf-8?q?a=40b?= <a@rival.example>\r\n\r\n", b"From: a@b.c" + b"\n" * 9,
     b"From: Max <a@rival.example>\r\nContent-Type: a; b=" + b"x" * 100_000 + b"\r\n\r\n"],
)  # fmt: skip
async def test_a_mail_that_is_none_crashes_nothing(post: Post, raw: bytes) -> None:
    alias, entry = await post.alias()
    assert await post.door.take(STRANGER, alias, raw) in {"forwarded", "kept"}
    assert await post.rows("select entry from mail_hit") == [(entry,)]


async def test_the_tables_and_the_key_lead_to_nobodys_address(post: Post) -> None:
    alias, _ = await forwarded(post)
    tables = str(await post.rows("select a::text, r::text from mail_alias a, mail_reverse r"))
    for secret in (alias, post.handed[0][0], STAFF, PERSON):
        assert secret.partition("@")[0] not in tables
        assert secret.partition("@")[0].encode().hex() not in tables


async def test_kept_mail_dies_in_time_and_what_a_case_or_a_hold_needs_stays(post: Post) -> None:
    names = []
    for number in (1, 2, 3):
        alias, _ = await post.alias(number)
        await post.door.take(STRANGER, alias, letter(STRANGER, alias, number=number))
        (found,) = await post.rows("select raw_sha256 from mail_hit order by id desc limit 1")
        names.append(f"{found[0]}.eml")
    alias, _ = await post.alias()
    await post.door.take(STAFF, alias, letter(STAFF, alias))
    async with post.company.db.connection() as connection:
        await connection.execute(
            "insert into case_file (id, beneficiary, opened_at, opened_by) values ('CASE-1', 'domain:x', now(), 'x'); "
            "update sighting set case_id = 'CASE-1' where id = (select min(id) from sighting)"
        )
        await connection.execute(
            "insert into legal_hold (space, number, ground, review_on, added_at, added_by) "
            "select 'subject', subject, 'x', '2030-01-01', now(), 1 from mail_hit order by id offset 1 limit 1"
        )
    at = datetime.now(UTC)
    keeping = Keeping(post.company.db, post.folder / "complaints", post.folder / "mail", 30)
    assert await keeping.prune(NOON + timedelta(days=29)) == 0
    await keeping.prune(max(at, NOON) + timedelta(days=31))
    left = {path.name for path in (post.folder / "complaints").iterdir()}
    assert left == {names[0], names[1]}
    assert list((post.folder / "mail").iterdir()) == []
    assert len(await post.rows("select * from mail_hit")) == 3
