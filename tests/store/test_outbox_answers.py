"""Letters under fire and letters that come back, judged in the receiving mailbox."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from email.message import EmailMessage, Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.test_outbox import AT, CLOCK, QUICK, facts, mails, received

from whosaw.answer.bounces import Bounce, Bounces, read_bounce
from whosaw.answer.delivery import Sending, send_pending
from whosaw.answer.dryrun import write_letters
from whosaw.answer.mailbox import Mailbox
from whosaw.answer.notices import Recipient, queue_notices
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.store.outbox import Outbox, OutboxBusy
from whosaw.store.relay import Relay

LETTERS, KILLS, PER_S = 250, 20, 60

# Imports once and forks for each line it reads: what is killed is a process of its own, and starts at once.
SENDER = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from email.parser import BytesHeaderParser
from whosaw.answer.delivery import Sending, send_pending
from whosaw.store import Database
from whosaw.store.outbox import Outbox, OutboxBusy
from whosaw.store.relay import Relay
from whosaw.terms import SimulatedClock

def there(ids):
    heads = (BytesHeaderParser().parsebytes(path.read_bytes()) for path in (Path(sys.argv[3]) / "new").iterdir())
    return {str(head["message-id"]).strip() for head in heads} & set(ids)

async def arrived(ids):
    return there(ids)

async def main():
    async with Database(sys.argv[1]) as db:
        clock, how = SimulatedClock(datetime.now(UTC)), Sending(per_s=%d)
        print(os.getpid(), flush=True)
        while True:
            try:
                relay = Relay("127.0.0.1", int(sys.argv[2]))
                await send_pending(Outbox(db), relay, clock=clock, how=how, arrived=arrived)
                return
            except OutboxBusy:
                await asyncio.sleep(0.05)

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    if not os.fork():
        asyncio.run(main())
        os._exit(0)
"""


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


async def test_twenty_kills_at_random_moments_cost_and_double_no_letter(
    outbox: Outbox, tmp_path: Path, database_url: str
) -> None:
    dice = random.Random(7)
    await outbox.queue("CASE-1", mails(LETTERS), AT)
    kills = 0
    with Mailbox(tmp_path) as box:
        command = [sys.executable, "-c", SENDER % PER_S, database_url, str(box.port), str(tmp_path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as mother:  # noqa: ASYNC220
            assert mother.stdin is not None
            assert mother.stdout is not None
            for _ in range(KILLS):
                mother.stdin.write(b"\n")
                sender = int(await asyncio.to_thread(mother.stdout.readline))
                await asyncio.sleep(dice.uniform(0.0, 0.3))
                with contextlib.suppress(ProcessLookupError):  # it had sent everything and ended
                    os.kill(sender, signal.SIGKILL)
                    kills += 1
            mother.stdin.close()

        async def arrived(ids: Sequence[str]) -> set[str]:
            return box.arrived(ids)

        for _ in range(100):
            try:
                await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK, arrived=arrived)
                break
            except OutboxBusy:  # the server has not yet noticed that the killed process is gone
                await asyncio.sleep(0.1)
        assert received(box) == Counter(f"<{n}@shop.example>" for n in range(1, LETTERS + 1))
    assert kills >= KILLS // 2  # most of them came while letters went out
    assert await outbox.counts("CASE-1") == {"sent": LETTERS}


async def test_a_rate_is_kept_over_all_connections(outbox: Outbox, tmp_path: Path) -> None:
    await outbox.queue("CASE-1", mails(12), AT)
    loop = asyncio.get_running_loop()
    with Mailbox(tmp_path) as box:
        began = loop.time()
        await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK, how=Sending(per_s=20, connections=4))
        took_s = loop.time() - began
        assert len(box.files()) == 12
    assert took_s >= 11 / 20  # never faster; how much slower is the machine's affair


def report(message_id: str, status: str = "5.1.1", *, headers_only: bool = False) -> bytes:
    mail = EmailMessage()
    mail["From"] = "MAILER-DAEMON@mail.example"
    mail["To"] = "privacy@shop.example"
    mail["Subject"] = "Undelivered Mail Returned to Sender"
    mail.set_content("I am sorry to have to inform you that your message could not be delivered.")
    whole = Message()
    whole["Content-Type"] = "message/delivery-status"
    about, each = Message(), Message()
    about["Reporting-MTA"] = "dns; mail.example"
    each["Final-Recipient"] = "rfc822; c1@home.example"
    each["Action"] = "failed" if status.startswith("5") else "delayed"
    each["Status"] = status
    whole.set_payload([about, each])
    original = EmailMessage()
    original["From"] = "privacy@shop.example"
    original["Message-ID"] = message_id
    original.set_content("hello")
    mail.make_mixed()
    mail.attach(whole)
    if headers_only:
        heads = EmailMessage()
        heads.set_content(f"From: privacy@shop.example\nMessage-ID: {message_id}\n", subtype="rfc822-headers")
        mail.attach(heads)
    else:
        outer = Message()
        outer["Content-Type"] = "message/rfc822"
        outer.set_payload([original])
        mail.attach(outer)
    return mail.as_bytes().replace(b"multipart/mixed", b"multipart/report; report-type=delivery-status", 1)


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_report_names_its_letter_and_status(headers_only: bool) -> None:
    found = read_bounce(report("<7@shop.example>", headers_only=headers_only))
    assert found == Bounce("<7@shop.example>", "5.1.1") and found.permanent
    later = read_bounce(report("<7@shop.example>", "4.4.1", headers_only=headers_only))
    assert later is not None and not later.permanent


@given(st.binary(max_size=300), st.integers(0, 900))
def test_a_damaged_report_is_none_or_one(noise: bytes, at: int) -> None:
    whole = report("<7@shop.example>")
    read_bounce(whole[:at] + noise + whole[at:])
    assert read_bounce(noise) is None


async def test_whoever_a_letter_did_not_reach_is_told_by_a_second_channel(
    database: Database, outbox: Outbox, tmp_path: Path
) -> None:
    keys = [f"customer:C-{n}" for n in range(4)]
    numbers = await assign(database, "subject", keys)
    now = facts([numbers[key] for key in keys])

    async def addresses(asked: Sequence[str]) -> dict[str, Recipient]:
        return {key: Recipient(key, f"{key[-1]}@home.example", language="fi") for key in asked}

    await queue_notices(outbox, now, addresses, clock=CLOCK)
    with Mailbox(tmp_path) as box:
        await send_pending(outbox, Relay("127.0.0.1", box.port), clock=CLOCK, how=QUICK)
        posted = await outbox.list(now.case)
        assert {each.message_id for each in posted} == set(received(box))
        assert all(b"Content-Language: fi" in path.read_bytes() for path in box.files())
    bounces = Bounces(database)
    back = posted[2]
    bounce = read_bounce(report(back.message_id))
    assert bounce is not None
    assert await bounces.note(bounce, AT)
    assert not await bounces.note(bounce, AT)
    assert not await bounces.note(Bounce("<foreign@x.example>", "5.1.1"), AT)
    assert not await bounces.note(Bounce(posted[0].message_id, "4.2.2"), AT)
    (left,) = await bounces.undelivered(now.case)
    assert (left.recipient_key, left.why, left.channel, left.done_at) == (back.recipient_key, "5.1.1", "post", None)
    assert await bounces.done(back.message_id, "post", AT)
    assert not await bounces.done(posted[0].message_id, "post", AT)
    (left,) = await bounces.undelivered(now.case)
    assert left.done_at == AT


async def test_a_dry_run_writes_letters_and_queues_nothing(database: Database, outbox: Outbox, tmp_path: Path) -> None:
    keys = [f"customer:C-{n}" for n in range(4)]
    numbers = await assign(database, "subject", keys)
    now = facts([numbers[key] for key in keys])
    recipients = {numbers[key]: Recipient(key, f"{key[-1]}@home.example") for key in keys[:3]}
    written, unreachable = write_letters(tmp_path / "dry", now, recipients, AT)
    assert (written, unreachable) == (3, (numbers[keys[3]],))
    assert sorted(path.name for path in (tmp_path / "dry").iterdir()) == sorted(f"{n}.eml" for n in recipients)
    assert await outbox.counts(now.case) == {}
