from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import psycopg
import pytest
from aiosmtplib.protocol import SMTPProtocol

from whosaw.answer import Company, Exposure, Facts, Record, Scope, Sighting, Standing, build_facts
from whosaw.answer.delivery import MailServerUnreachable, Sending, send_pending
from whosaw.answer.mailbox import Mailbox
from whosaw.answer.notices import Recipient, queue_notices
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.store.outbox import Mail, Outbox, OutboxBusy
from whosaw.store.relay import Relay
from whosaw.terms import SimulatedClock

AT = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
CLOCK = SimulatedClock(AT)
QUICK = Sending(pause_s=0.01, timeout_s=5, rounds=2, tries=4)
COMPANY = Company("Shop", "privacy@shop.example", "+1 555 0100", "1 Main Street", "shop.example")


def mails(count: int) -> list[Mail]:
    return [
        Mail(str(n), f"<{n}@shop.example>", f"c{n}@home.example", _raw(n)) for n in range(1, count + 1)
    ]  # fmt: skip


def _raw(n: int) -> bytes:
    head = f"From: Shop <privacy@shop.example>\r\nTo: c{n}@home.example\r\nMessage-ID: <{n}@shop.example>\r\n"
    return f"{head}Subject: hello\r\n\r\n.letter {n}\r\n".encode()


def received(box: Mailbox) -> Counter[str]:
    return Counter(str(message_from_bytes(path.read_bytes(), policy=default)["message-id"]) for path in box.files())


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


Reply = Callable[[str, int], str | None]


@asynccontextmanager
async def scripted(reply: Reply) -> AsyncIterator[tuple[int, list[str]]]:
    """A real SMTP server that asks `reply(command, how many such commands so far)` and hangs up on None."""
    seen: Counter[str] = Counter()
    taken: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        body: list[str] | None = None
        try:
            while line := (await reader.readline()).decode():
                if body is not None and line != ".\r\n":
                    body.append(line)
                    continue
                command = "END" if body is not None else line.split()[0].upper()
                seen[command] += 1
                answer = reply(command, seen[command])
                if answer is None:
                    return
                if command == "END" and answer.startswith("250"):
                    taken.append(next(x for x in body or [] if x.startswith("Message-ID")).split()[1])
                body = [] if command == "DATA" and answer.startswith("354") else None
                writer.write(f"{answer}\r\n".encode())
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], taken
    finally:
        server.close()
        await asyncio.sleep(0.02)


def usual(command: str) -> str:
    return {"DATA": "354 go on", "QUIT": "221 bye"}.get(command, "250 ok")


async def test_mail_goes_out_once_and_its_address_is_erased(outbox: Outbox, tmp_path: Path, database_url: str) -> None:
    assert await outbox.queue("CASE-1", mails(30), AT) == 30
    assert await outbox.queue("CASE-1", mails(31), AT) == 1
    with Mailbox(tmp_path) as box:
        first = await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK, how=QUICK)
        again = await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK, how=QUICK)
        assert received(box) == Counter(f"<{n}@shop.example>" for n in range(1, 32))
        assert b"\r\n.letter 1\r\n" in next(p for p in box.files() if b"<1@shop" in p.read_bytes()).read_bytes()
    assert (first.sent, again.sent) == (31, 0)
    assert await outbox.counts("CASE-1") == {"sent": 31}
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select count(*), count(recipient), count(message) from outbox_mail").fetchone()
        assert row == (31, 0, 0)
        assert "home.example" not in str(connection.execute("select outbox_mail::text from outbox_mail").fetchall())


async def test_many_letters_take_seconds(outbox: Outbox, tmp_path: Path) -> None:
    await outbox.queue("CASE-1", mails(250), AT)
    loop = asyncio.get_running_loop()
    with Mailbox(tmp_path) as box:
        began = loop.time()
        assert (await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK)).sent == 250
        assert loop.time() - began < 15
        assert len(received(box)) == 250


async def test_a_cut_in_data_leaves_the_letter_unsure_until_the_server_is_asked(outbox: Outbox) -> None:
    await outbox.queue("CASE-1", mails(6), AT)
    how = Sending(connections=1, pause_s=0.01, rounds=2)

    def cut(command: str, count: int) -> str | None:
        return None if command == "END" and count == 3 else usual(command)

    async with scripted(cut) as (port, taken):
        result = await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=how)
        assert (result.sent, result.unsure) == (5, 1)
        assert len(taken) == 5
        assert await outbox.unsure() == ["<3@shop.example>"]
        # without the server's word it is never sent again
        assert (await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=how)).sent == 0

        async def arrived(ids: Sequence[str]) -> set[str]:
            return set(ids) & set(taken)

        assert (await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=how, arrived=arrived)).sent == 1
        assert Counter(taken) == Counter(f"<{n}@shop.example>" for n in range(1, 7))
    assert await outbox.counts("CASE-1") == {"sent": 6}


async def test_a_letter_that_arrived_before_the_cut_is_not_sent_again(outbox: Outbox) -> None:
    await outbox.queue("CASE-1", mails(1), AT)
    async with scripted(lambda command, count: None if command == "END" else usual(command)) as (port, _):
        assert (await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=QUICK)).unsure == 1

        async def arrived(ids: Sequence[str]) -> set[str]:
            return set(ids)

        assert (await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=QUICK, arrived=arrived)).sent == 0
    assert await outbox.counts("CASE-1") == {"sent": 1}


async def test_a_cut_before_data_and_a_busy_server_are_tried_again(outbox: Outbox) -> None:
    await outbox.queue("CASE-1", mails(3), AT)

    def stumble(command: str, count: int) -> str | None:
        if command == "RCPT" and count <= 2:
            return None if count == 1 else "451 later"
        return usual(command)

    async with scripted(stumble) as (port, taken):
        result = await send_pending(
            outbox, Relay("127.0.0.1", port), clock=CLOCK, how=Sending(connections=1, pause_s=0.01, rounds=3)
        )
    assert (result.sent, result.waiting, sorted(taken)) == (3, 0, [f"<{n}@shop.example>" for n in (1, 2, 3)])


async def test_a_refused_recipient_fails_alone_and_its_error_names_nobody(outbox: Outbox) -> None:
    await outbox.queue("CASE-1", mails(3), AT)

    def refuse(command: str, count: int) -> str | None:
        return "550 no such user c2@home.example" if command == "RCPT" and count == 2 else usual(command)

    async with scripted(refuse) as (port, _):
        result = await send_pending(
            outbox, Relay("127.0.0.1", port), clock=CLOCK, how=Sending(connections=1, pause_s=0.01, rounds=2)
        )
    assert (result.sent, result.failed) == (2, 1)
    failed = next(each for each in await outbox.list("CASE-1") if each.state == "failed")
    assert (failed.recipient_key, failed.error) == ("2", "smtp.550")


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "END"])
async def test_a_cut_that_meets_a_reply_stops_the_sending(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    await outbox.queue("CASE-1", mails(12), AT)
    heard: list[str] = []
    receive = SMTPProtocol.data_received

    def cut(protocol: SMTPProtocol, data: bytes) -> None:
        # the reply is there and nobody has woken up to it: here Python 3.11 drops a cancellation
        receive(protocol, data)
        heard.append(data.decode())
        if f"{at} 3" in heard[-1]:
            run.cancel()

    monkeypatch.setattr(SMTPProtocol, "data_received", cut)

    def say(command: str, count: int) -> str:
        return f"{'354' if command == 'DATA' else '250'} {command} {count}"

    async with scripted(say) as (port, taken):
        how = Sending(connections=1, pause_s=0.01)
        run = asyncio.create_task(send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=how))
        with pytest.raises(asyncio.CancelledError):
            await run
        assert sum(f"{at} 3" in line for line in heard) == 1
        assert len(taken) <= 3
        rest = await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=how)
        # what met the cut is sent, waits, or is unsure: never sent twice
        assert len(taken) == len(set(taken))
        assert rest.sent + len(await outbox.unsure()) + (await outbox.counts("CASE-1"))["sent"] - rest.sent == 12


async def test_retries_end(outbox: Outbox) -> None:
    await outbox.queue("CASE-1", mails(1), AT)
    how = Sending(tries=3, rounds=2, pause_s=0.01)
    async with scripted(lambda command, count: "421 busy" if command == "END" else usual(command)) as (port, _):
        assert (await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=how)).waiting == 1
        assert (await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=how)).failed == 1
    (posted,) = await outbox.list("CASE-1")
    assert (posted.state, posted.attempts, posted.error) == ("failed", 3, "smtp.421")


async def test_a_refused_sender_costs_no_recipient_his_letter(outbox: Outbox) -> None:
    await outbox.queue("CASE-1", mails(2), AT)
    async with scripted(lambda command, count: "550 not you" if command == "MAIL" else usual(command)) as (port, _):
        result = await send_pending(outbox, Relay("127.0.0.1", port), clock=CLOCK, how=QUICK)
    assert (result.failed, result.waiting) == (0, 2)


async def test_without_a_server_everything_waits(outbox: Outbox, unused_port: int) -> None:
    await outbox.queue("CASE-1", mails(3), AT)
    with pytest.raises(MailServerUnreachable, match=str(unused_port)):
        await send_pending(outbox, Relay("127.0.0.1", unused_port), clock=CLOCK, how=QUICK)
    assert await outbox.counts("CASE-1") == {"pending": 3}
    assert [each.attempts for each in await outbox.list("CASE-1")] == [0, 0, 0]


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_two_processes_do_not_send_side_by_side(outbox: Outbox) -> None:
    async with outbox.run():
        with pytest.raises(OutboxBusy):
            async with outbox.run():
                pass


async def test_a_run_that_lost_its_claim_cannot_begin_a_letter(outbox: Outbox) -> None:
    await outbox.queue("CASE-1", mails(1), AT)
    async with outbox.run() as stale:
        (mail,) = await stale.claim(10)
    async with outbox.run() as fresh:
        (again,) = await fresh.claim(10)
        assert not await stale.begin(mail)
        assert await fresh.begin(again)


SENDER = """
import asyncio, sys
from datetime import UTC, datetime
from whosaw.answer.delivery import send_pending
from whosaw.store import Database
from whosaw.store.outbox import Outbox
from whosaw.store.relay import Relay
from whosaw.terms import SimulatedClock

async def main():
    async with Database(sys.argv[1]) as db:
        await send_pending(Outbox(db), Relay("127.0.0.1", int(sys.argv[2])), clock=SimulatedClock(datetime.now(UTC)))

asyncio.run(main())
"""


async def test_kills_at_random_moments_cost_and_double_no_letter(
    outbox: Outbox, tmp_path: Path, database_url: str
) -> None:
    await outbox.queue("CASE-1", mails(120), AT)
    with Mailbox(tmp_path) as box:
        for already in (5, 40, 80):
            command = [sys.executable, "-c", textwrap.dedent(SENDER), database_url, str(box.port)]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220  forking is quick
            for _ in range(1000):
                if len(box.files()) >= already or process.poll() is not None:
                    break
                await asyncio.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

        async def arrived(ids: Sequence[str]) -> set[str]:
            return box.arrived(ids)

        for _ in range(50):
            try:
                await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK, arrived=arrived)
                break
            except OutboxBusy:  # the server has not yet noticed that the killed process is gone
                await asyncio.sleep(0.1)
        assert received(box) == Counter(f"<{n}@shop.example>" for n in range(1, 121))
    assert await outbox.counts("CASE-1") == {"sent": 120}


def facts(numbers: Sequence[int]) -> Facts:
    certain, probable, possible = numbers[:2], numbers[2:4], numbers[4:]
    seen = Exposure(frozenset({"customer.email"}), AT - timedelta(days=9), AT - timedelta(days=8))
    report = Sighting(1, "CASE-1", 1, "seller:S-1", "mail", AT, True, AT, "x.example", True, {}, (), "0" * 64)
    return build_facts(
        Standing("CASE-1", AT),
        COMPANY,
        scope=Scope(tuple(certain), tuple(probable), tuple(possible), len(numbers)),
        sightings=[report],
        record=Record(dict.fromkeys(numbers, seen), True, {"customer.email": "e-mail address"}),
    )


def book(addresses: Mapping[str, str]) -> Callable[[Sequence[str]], Awaitable[Mapping[str, Recipient]]]:
    async def look_up(keys: Sequence[str]) -> Mapping[str, Recipient]:
        return {key: Recipient(f"Name of {key[-1]}", addresses[key]) for key in keys if key in addresses}

    return look_up


async def test_certain_and_probable_get_one_letter_each_and_nobody_else(
    database: Database, outbox: Outbox, tmp_path: Path
) -> None:
    keys = [f"customer:C-{n}" for n in range(6)]
    numbers = await assign(database, "subject", keys)
    now = facts([numbers[key] for key in keys])
    addresses = book({key: f"{key[-1]}@home.example" for key in keys})
    queued = await queue_notices(outbox, now, addresses, clock=CLOCK)
    again = await queue_notices(outbox, now, addresses, clock=CLOCK)
    assert (queued.new, queued.already, queued.unreachable) == (4, 0, ())
    assert (again.new, again.already) == (0, 4)
    with Mailbox(tmp_path) as box:
        await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK, how=QUICK)
        letters = [message_from_bytes(path.read_bytes(), policy=default) for path in box.files()]
    assert sorted(letter["delivered-to"] for letter in letters) == [f"{n}@home.example" for n in range(4)]
    for letter in letters:
        own = letter["delivered-to"][0]
        assert letter["to"] == f"Name of {own} <{own}@home.example>"
        body = letter.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert f"Dear Name of {own}," in text
        assert [f"Name of {n}" in text for n in range(6)].count(True) == 1
        assert letter.get_body(("html",)) is not None


@pytest.mark.parametrize("address", ["", "nobody", "a@b@c", "ä@home.example", "x@y.example\r\nBcc: z@y.example"])
async def test_a_person_whom_mail_cannot_reach_is_listed(database: Database, outbox: Outbox, address: str) -> None:
    keys = [f"customer:C-{n}" for n in range(3)]
    numbers = await assign(database, "subject", keys)
    addresses = book({keys[0]: "0@home.example", keys[1]: address})
    queued = await queue_notices(outbox, facts([numbers[key] for key in keys]), addresses, clock=CLOCK)
    assert (queued.new, set(queued.unreachable)) == (1, {numbers[keys[1]], numbers[keys[2]]})


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    from whosaw.answer.mailbox import MailboxFailed

    with (
        Mailbox(tmp_path / "a") as box,
        pytest.raises(MailboxFailed, match=str(box.port)),
        Mailbox(tmp_path / "b", port=box.port),
    ):
        pass
