"""Sending alerts to a real mail server and a real HTTP server: each once at least, none lost, doubles told apart."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest
from tests.store.standing.receivers import RECIPIENT, Receiver, alerting, receiver, relay

from whosaw.answer.mailbox import Mailbox
from whosaw.app.alertsending import AlertSending, Round
from whosaw.catalog.model import Alerting
from whosaw.store import Database
from whosaw.store.alertposts import AlertPosts
from whosaw.store.alerts import alerts, raise_alert
from whosaw.store.relay import Relay, SmtpInvalid
from whosaw.terms import SimulatedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REFUSED = "127.0.0.1", 1


async def raised(db: Database, count: int) -> set[str]:
    for number in range(count):
        about = {"glass": number, "actor": 7}
        await raise_alert(db, "break_glass", "critical", "glass.unreviewed", about, at=NOON)
    return {each.identity for each in await alerts(db, limit=count)}


def sending(db: Database, clock: SimulatedClock, hears: Alerting, mail: Relay | None) -> AlertSending:
    return AlertSending(AlertPosts(db), hears, mail, clock, "company.example/trail")


def letters(box: Mailbox) -> list[EmailMessage]:
    return [cast(EmailMessage, message_from_bytes(path.read_bytes(), policy=default)) for path in box.files()]


async def test_an_alert_goes_out_once_by_mail_and_by_webhook_and_says_the_same(
    database: Database, tmp_path: Path
) -> None:
    clock = SimulatedClock(NOON)
    (identity,) = await raised(database, 1)
    with Mailbox(tmp_path) as box, receiver(Receiver(), NOON.timestamp) as taken:
        async with sending(database, clock, alerting(taken.port), relay(box.port)) as sender:
            rounds = await asyncio.gather(*(sender.round() for _ in range(4)))
            assert sum(each.sent for each in rounds) == 2
            assert await sender.round() == Round(0, 0)
        (letter,) = letters(box)
    ((seen, body),) = taken.seen
    told = json.loads(body)
    assert seen == told["id"] == identity
    assert (told["code"], told["severity"], told["about"]) == ("glass.unreviewed", "critical", {"glass": 0, "actor": 7})
    assert told["raised_at"] == "2026-03-02T12:00:00Z"
    assert letter["message-id"] == f"<{identity}@company.example>"
    assert (letter["to"], letter["auto-submitted"]) == (RECIPIENT, "auto-generated")
    assert "critical" in letter["subject"]
    words = letter.get_content()
    assert "was not reviewed in time" in words
    assert identity in words
    assert await AlertPosts(database).undelivered() == []


@pytest.mark.parametrize("status", [301, 307, 400, 404, 429, 500, 503])
async def test_what_is_not_taken_is_tried_again_later_each_time_and_never_given_up(
    database: Database, status: int
) -> None:
    clock = SimulatedClock(NOON)
    (identity,) = await raised(database, 1)
    with receiver(Receiver(answer=lambda n: status if n < 14 else 200), lambda: clock.now().timestamp()) as taken:
        async with sending(database, clock, alerting(taken.port, mail=False), None) as sender:
            waits = []
            for _ in range(14):
                assert await sender.round() == Round(0, 1)
                (late,) = await AlertPosts(database).undelivered()
                assert late.last_error == f"http.{status}"
                waits.append((late.due_at - clock.now()).total_seconds())
                clock.advance_to(late.due_at - timedelta(seconds=1))
                assert await sender.round() == Round(0, 0)
                clock.advance_to(late.due_at)
            assert waits[:4] == [5, 10, 20, 40]
            assert waits[-3:] == [3600] * 3
            assert await sender.round() == Round(1, 0)
    assert [seen for seen, _ in taken.seen] == [identity] * 15, "a redirect is not followed"
    assert await AlertPosts(database).undelivered() == []


async def test_a_way_that_is_down_holds_up_no_other_and_no_address_is_told(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SimulatedClock(NOON)
    await raised(database, 3)
    with receiver(Receiver(), NOON.timestamp) as taken:
        async with sending(database, clock, alerting(taken.port), relay(REFUSED[1])) as sender:
            assert await sender.round() == Round(3, 3)
    late = await AlertPosts(database).undelivered()
    assert {each.way for each in late} == {f"mail:{RECIPIENT}"}
    assert all(each.last_error.startswith("unreachable.") for each in late)
    assert RECIPIENT not in caplog.text


async def test_without_a_mail_server_mail_waits_until_there_is_one(database: Database, tmp_path: Path) -> None:
    clock = SimulatedClock(NOON)
    await raised(database, 2)
    hears = Alerting(mail=(RECIPIENT,))
    async with sending(database, clock, Alerting(), None) as sender:
        assert await sender.round() == Round(0, 0)
    async with sending(database, clock, hears, None) as sender:
        assert await sender.round() == Round(0, 0)
    assert len(await AlertPosts(database).undelivered()) == 2
    with Mailbox(tmp_path) as box:
        async with sending(database, clock, hears, relay(box.port)) as sender:
            assert await sender.round() == Round(2, 0)
        assert len(letters(box)) == 2


async def test_whoever_took_a_post_and_died_leaves_it_to_the_next_after_the_lease(database: Database) -> None:
    posts, way = AlertPosts(database), "webhook:desk"
    await raised(database, 1)
    assert await posts.fan_out([way], NOON) == 1
    assert await posts.fan_out([way], NOON) == 0
    (taken,) = await posts.take([way], NOON)
    assert await posts.take([way], NOON + timedelta(seconds=59)) == []
    (again,) = await posts.take([way], NOON + timedelta(seconds=60))
    assert (taken.attempts, again.attempts) == (1, 2)
    assert taken.alert.identity == again.alert.identity
    await posts.put_back(taken, "http.500", NOON)  # the slow one comes to, and changes nothing
    assert await posts.take([way], NOON + timedelta(seconds=60)) == []
    await posts.sent(again, NOON)
    assert await posts.undelivered() == []


async def test_kill_9_of_the_sender_loses_no_alert_and_doubles_bear_one_identity(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    wanted = await raised(database, 20)
    script = str(Path(__file__).with_name("receivers.py"))
    kills = 0
    with Mailbox(tmp_path) as box, receiver(Receiver(delay_s=0.05)) as taken:
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, script, database_url, str(taken.port), str(box.port))
            )
            before = len(taken.seen)
            async with asyncio.timeout(60):
                while len(taken.seen) < before + 6 and process.returncode is None:
                    await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
            kills += 1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, script, database_url, str(taken.port), str(box.port))
        )
        try:
            async with asyncio.timeout(90):
                while await AlertPosts(database).undelivered() or len(taken.seen) < 20:
                    await asyncio.sleep(0.1)
        finally:
            process.kill()
            await process.wait()
        mailed = Counter(str(letter["message-id"]).partition("@")[0].removeprefix("<") for letter in letters(box))
    assert kills == 2
    assert set(mailed) == wanted
    assert {identity for identity, _ in taken.seen} == wanted
    assert {json.loads(body)["id"] for _, body in taken.seen} == wanted


@pytest.mark.parametrize("address", ["", "smtp://", "http://host:25", "smtp://host:port", "host:25", "smtp://h/x"])
def test_an_address_that_is_no_mail_server_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SmtpInvalid) as refused:
        Relay.read(address, "whosaw@company.example")
    assert not address or address not in str(refused.value)


def test_the_address_of_a_mail_server_is_read() -> None:
    assert Relay.read("smtp://mail.example", "a@b.example").port == 25
    read = Relay.read("smtps://us%40er:pa%3Ass@mail.example", "a@b.example")
    assert (read.port, read.tls, read.user, read.password) == (465, "first", "us@er", "pa:ss")
    assert "pa:ss" not in repr(read)
