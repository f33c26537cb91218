"""The door behind a real Postfix, with the lines that `whosaw mail postfix` prints; mail is sent by swaks."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from tests.store.mail.conftest import DOMAIN, PERSON, STAFF, STRANGER, Post, letter
from tests.store.mail.private_postfix import PrivatePostfix, free_port, private_postfix, swaks, why_not

from whosaw.answer.mailbox import Mailbox
from whosaw.app.maildoor import smtp_hop
from whosaw.app.postfixtext import Wiring, main_cf, main_cf_outside, master_cf
from whosaw.doors.mail import LmtpServer
from whosaw.doors.mail.delivery import NextHop

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(why_not()), reason=why_not())]
WAIT_S = 30


@dataclass
class Line:
    """Everything between two mailboxes: Postfix, the door, and the rest of the world as one mailbox."""

    post: Post
    postfix: PrivatePostfix
    world: Mailbox
    listen: str
    hop: NextHop
    sent: int = 0

    async def send(self, sender: str, recipient: str, raw: bytes) -> int:
        self.sent += 1
        file = self.post.folder / f"sent-{self.sent}.eml"
        file.write_bytes(raw)
        return await asyncio.to_thread(swaks, self.postfix.port, sender, recipient, file)

    async def arrived(self, number: int) -> bytes:
        """Return the mail that came as the `number`-th; fails with Postfix's log where it does not come."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while len(self.world.files()) < number:
            assert asyncio.get_running_loop().time() < deadline, self.postfix.log()[-3_000:]
            await asyncio.sleep(0.1)
        return max(self.world.files(), key=lambda path: path.stat().st_mtime_ns).read_bytes()

    async def quiet(self) -> None:
        """Wait until nothing waits in Postfix."""
        for _ in range(WAIT_S * 5):
            if "queue is empty" in await asyncio.to_thread(self.postfix.waiting):
                return
            await asyncio.sleep(0.2)
        raise AssertionError(self.postfix.log()[-3_000:])


@pytest.fixture
async def line(make_post: Callable[..., Post]) -> AsyncIterator[Line]:
    # not tmp_path: pytest's folders are for root alone, and Postfix runs as another user
    folder = Path(tempfile.mkdtemp(prefix="whosaw-postfix-"))
    post = make_post()
    back, lmtp = free_port(), free_port()
    wiring = Wiring(DOMAIN, f"127.0.0.1:{lmtp}", f"127.0.0.1:{back}", "mx.test")
    post.hand_over = smtp_hop("127.0.0.1", back)  # type: ignore[method-assign]
    with (
        Mailbox(post.folder / "world") as world,
        private_postfix(folder, main_cf(wiring), master_cf(wiring), world.port) as postfix,
    ):
        yield Line(post, postfix, world, wiring.listen, smtp_hop("127.0.0.1", back))
    shutil.rmtree(folder)


async def test_mail_passes_both_ways_and_a_stranger_leaves_evidence(line: Line) -> None:
    alias, entry = await line.post.alias()
    async with LmtpServer(line.post.door, line.listen):
        assert await line.send(STAFF, alias, line.post.signed(letter(STAFF, alias), STAFF)) == 0
        came = await line.arrived(1)
        mail = message_from_bytes(came)
        assert mail["Delivered-To"] == PERSON
        assert b"company.example" not in came.replace(DOMAIN.encode(), b"")
        back = mail["Return-Path"].strip("<>")
        assert back.endswith(DOMAIN)
        assert await line.post.rows("select * from mail_hit") == []  # signed, and the signature held

        assert await line.send(PERSON, back, letter(PERSON, back, number=2)) == 0
        answer = await line.arrived(2)
        told = message_from_bytes(answer)
        assert (told["Delivered-To"], told["From"], told["Return-Path"]) == (STAFF, alias, f"<{alias}>")
        assert b"mail.example" not in answer

        assert await line.send(STRANGER, alias, line.post.signed(letter(STRANGER, alias, number=3), STRANGER)) == 0
        await line.arrived(3)
        assert await line.post.rows("select entry, sender_domain, dkim from mail_hit") == [
            (entry, "rival.example", "pass")
        ]
        ghost = f"nobody@{DOMAIN}"
        assert await line.send(STRANGER, ghost, letter(STRANGER, ghost)) == 0
        assert (
            await line.send(STRANGER, "else@where.example", letter(STRANGER, "x@where.example")) != 0
        )  # no open relay
        await line.quiet()
        assert len(line.world.files()) == 3  # nobody was written to who had not written: no backscatter


async def test_what_a_dying_door_had_not_handed_on_comes_later_and_once(line: Line) -> None:
    alias, entry = await line.post.alias()
    stuck = asyncio.Event()

    async def hangs(sender: str, recipient: str, raw: bytes) -> None:
        del sender, recipient, raw
        stuck.set()
        await asyncio.sleep(3_600)

    line.post.hand_over = hangs  # type: ignore[method-assign]
    async with LmtpServer(line.post.door, line.listen):
        assert await line.send(STRANGER, alias, letter(STRANGER, alias)) == 0
        await asyncio.wait_for(stuck.wait(), WAIT_S)
    assert line.world.files() == []
    assert len(await line.post.rows("select * from mail_hit")) == 1  # the evidence was durable before
    line.post.hand_over = line.hop  # type: ignore[method-assign]
    async with LmtpServer(line.post.door, line.listen):
        await asyncio.to_thread(line.postfix.flush)
        await line.arrived(1)
        await line.quiet()
    assert await line.post.rows("select entry from mail_hit") == [(entry,)]
    assert len(line.world.files()) == 1


async def test_postfix_takes_every_line_that_is_printed(line: Line) -> None:
    wiring = Wiring(DOMAIN, "unix:/run/whosaw/lmtp", "127.0.0.1:10026", "mx.test")
    etc = line.postfix.folder / "etc"
    for file, text in (("main.cf", main_cf(wiring) + main_cf_outside(wiring)), ("master.cf", master_cf(wiring))):
        with (etc / file).open("a") as handle:
            handle.write(text)
    asked = await asyncio.create_subprocess_exec(
        "postconf", "-c", str(etc), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await asked.communicate()
    assert asked.returncode == 0
    unused = [row for row in errors.decode().splitlines() if "unused parameter" in row]
    assert unused == []
    assert b"lmtp_destination_recipient_limit" in out or errors == b""
