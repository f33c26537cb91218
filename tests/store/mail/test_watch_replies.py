"""A question of watch answered by replying to its mail: out by SMTP, back by LMTP, and nobody answers for another."""

from __future__ import annotations

import asyncio
import smtplib
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import dkim
import pytest
from pydantic import SecretStr
from tests.store.watchworld import END, found_company

from whosaw.answer.mailbox import Mailbox
from whosaw.app import watchqueries as queries
from whosaw.app.maildoor import mail_door
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchprompts import mail_prompts, prompts_to
from whosaw.app.watchreplies import own_words
from whosaw.doors.mail.errors import NextHopFailed
from whosaw.doors.mail.lmtp import LmtpServer
from whosaw.record import entries_from
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

DOMAIN = "a.company.example"
ALIASES = f"""
[aliases]
domain = "{DOMAIN}"
days = 30
senders = ["company.example"]
"""
BECAUSE = "She rang about a parcel that got lost\r\nand I looked for its number."


def reply(letter: EmailMessage, text: str, *, sender: str, private: bytes | None, **headers: str) -> bytes:
    """Return a reply with the question quoted, signed by the sender's domain where there is a key."""
    quoted = "\r\n".join(f"> {line}" for line in letter.get_content().splitlines())
    made = EmailMessage(policy=default.clone(linesep="\r\n"))
    made["From"], made["To"], made["Subject"] = sender, str(letter["Reply-To"]), f"Re: {letter['Subject']}"
    made["Date"] = END
    made["Message-ID"], made["In-Reply-To"] = f"<{len(text)}@pc.company.example>", str(letter["Message-ID"])
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(f"{text}\r\n\r\nOn Wed, 25 Feb 2026 whosaw wrote:\r\n{quoted}\r\n")
    raw = made.as_bytes()
    return raw if private is None else bytes(dkim.sign(raw, b"s1", b"company.example", private)) + raw


async def test_a_reply_answers_once_and_only_for_whom_it_was_asked(
    database_url: str, tmp_path: Path, signing: tuple[bytes, str]
) -> None:
    state, (private, record) = tmp_path / "state", signing
    found_company(database_url, state)
    (state / "whosaw.toml").write_text((state / "whosaw.toml").read_text() + ALIASES)
    handed: list[tuple[str, str, bytes]] = []

    down = False

    async def hop(sender: str, recipient: str, raw: bytes) -> None:
        if down:
            raise NextHopFailed("the next hop is down")
        handed.append((sender, recipient, raw))

    clock = SimulatedClock(END)
    async with open_services(
        Settings(state=state, database=SecretStr(database_url)), clock, database_url, door="serve"
    ) as services:
        letters = await mailed(services, tmp_path, clock)
        mine, other, late = letters["e2@company.example"], letters["e3@company.example"], letters["e4@company.example"]
        assert "C-" not in mine.as_string() and len({str(each["Reply-To"]) for each in letters.values()}) == 3
        door = mail_door(services, lambda name: record if name.startswith("s1._domainkey.") else None, hop)

        async with LmtpServer(door, "127.0.0.1:0") as server:

            async def send(raw: bytes, to: str, envelope: str = "e2@company.example") -> str:
                before = dict(door.counted)

                def hand_over() -> None:
                    with smtplib.LMTP("127.0.0.1", server.port) as client:
                        client.sendmail(envelope, [to], raw)

                await asyncio.to_thread(hand_over)
                (outcome,) = [word for word, count in door.counted.items() if count != before.get(word, 0)]
                return outcome

            to = str(mine["Reply-To"])

            async def answered(key: str = "E-2") -> str | None:
                (each,) = await prompts_to(services, key)
                return each.answer

            own = {"sender": "E2@company.example", "private": private}
            local = to.partition("@")[0]
            wrong = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{DOMAIN}"
            assert await send(reply(mine, BECAUSE, **own), wrong) == "unknown"
            crossed = f"{str(other['Reply-To']).partition('.')[0]}.{local.partition('.')[2]}@{DOMAIN}"
            assert await send(reply(mine, BECAUSE, **own), crossed) == "unknown", "the token is of one question alone"
            assert handed == [], "who guesses is told nothing"
            unsigned = reply(mine, BECAUSE, sender="e2@company.example", private=None)
            assert await send(unsigned, to) == "refused"
            forged = reply(mine, BECAUSE, sender="e3@company.example", private=private)
            assert await send(forged, to, "e3@company.example") == "refused"
            altered = reply(mine, BECAUSE, **own).replace(b"She rang", b"He rang")
            assert await send(altered, to) == "refused"
            absent = reply(mine, "I am away until Monday and read no mail", Auto_Submitted="auto-replied", **own)
            assert await send(absent, to) == "unknown"
            assert await send(reply(mine, "x", **own), to) == "refused"
            huge = reply(mine, BECAUSE + "\r\n" + "y" * 300_000, **own)
            assert await send(huge, to) == "refused"
            assert await send(reply(mine, "long " * 300, **own), to) == "refused"
            assert await answered() is None and await answered("E-3") is None
            told = [message_from_bytes(raw, policy=default) for _, recipient, raw in handed]
            assert {recipient for _, recipient, _ in handed} == {"e2@company.example"}, "never to whoever sent it"
            words = " ".join(" ".join(each.get_content().split()) for each in told)
            for why in ("did not sign it", "your address in the directory", "more than 256 KiB"):
                assert why in words
            assert "characters are no answer" in words

            assert await send(reply(mine, BECAUSE, **own), to) == "answered"
            assert await answered() == "She rang about a parcel that got lost and I looked for its number."
            count = len(handed)
            assert await send(reply(mine, "I was only curious about her, to be honest", **own), to) == "refused"
            assert await answered() == "She rang about a parcel that got lost and I looked for its number."
            assert "has its answer" in message_from_bytes(handed[count][2], policy=default).get_content()

            clock.advance_to(END + timedelta(hours=25))
            slow = reply(late, BECAUSE, sender="e4@company.example", private=private)
            down, count = True, len(handed)
            with pytest.raises(smtplib.SMTPException):
                await send(slow, str(late["Reply-To"]), "e4@company.example")
            down = False  # it was recorded, nobody could be told, and the mail comes again
            assert await send(slow, str(late["Reply-To"]), "e4@company.example") == "refused"
            assert len(handed) == count + 1
            assert "after the day" in " ".join(message_from_bytes(handed[-1][2], policy=default).get_content().split())
            before = await queries.answers_before(services.db, END + timedelta(days=9))
            assert len(before) == 1, "what came too late is recorded and counts for nothing"
        said = [each.payload async for each in entries_from(services.db, 0) if each.payload.get("change") == "answered"]
        assert len(said) == 2 and "parcel" not in repr(said)


async def mailed(services: Services, folder: Path, clock: SimulatedClock) -> dict[str, EmailMessage]:
    """Ask three employees about an access each, and return the letters that an SMTP server took, by recipient."""
    actors = await assign(services.db, "actor", ["E-2", "E-3", "E-4"])
    (subject,) = (await assign(services.db, "subject", ["customer:C-1"])).values()
    now = clock.now()
    for actor in actors.values():
        looked = to_us(now - timedelta(hours=5))
        await queries.add_prompt(services.db, (actor, subject, looked, now, now + timedelta(hours=24), 0, 1))
    with Mailbox(folder / "mailbox") as mailbox:
        address = SecretStr(f"smtp://127.0.0.1:{mailbox.port}")
        await mail_prompts(replace(services, settings=services.settings.model_copy(update={"smtp": address})))
    read = [message_from_bytes(path.read_bytes(), policy=default) for path in (folder / "mailbox" / "new").iterdir()]
    return {str(each["To"]): each for each in read}


@pytest.mark.parametrize(
    "text",
    [
        "It was his order\n\n-- please answer above this line --\nOn 2026",
        "It was his order\n> > -- please answer above this line --\n",
        "It was his order\n\nAm 25.02.2026 schrieb whosaw <w@x>:\n> On 2026",
        "It was his order\n--\nMax Muster, Support\nwhosaw wrote:\n",
        "It was his order\n\n-----Original Message-----\nFrom: w\nOn 2026",
        "It was his order\n\nFrom: w\nSent: Wednesday\nTo: me\n\nOn 2026",
        "It was his order\n\n____________________\nVon: w\nGesendet: Mittwoch\n\nOn 2026",
        "It was his order\n\nwhosaw wrote:\n\n-- please answer above this line --\n",
    ],
)
def test_only_what_he_wrote_himself_is_taken(text: str) -> None:
    assert own_words(text) == "It was his order"


@pytest.mark.parametrize(
    "said",
    [
        "The customer wrote:\nmy parcel is lost, please look for it.\nSo I looked up its number.",
        "From: the carrier I heard that it was lost.\nSo I looked up its number.",
        "____________\nOrder 17\nSo I looked up its number.",
    ],
)
def test_a_line_of_his_own_that_looks_like_an_attribution_does_not_cut_his_answer(said: str) -> None:
    assert own_words(f"{said}\n\nOn Wed, 25 Feb 2026 whosaw wrote:\n> On 2026\n") == said


def test_a_mail_of_quotes_alone_has_no_words_of_his_own() -> None:
    assert own_words("> On 2026-02-25 you opened a record\n> why?\n") == ""
