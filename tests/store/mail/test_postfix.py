"""The door behind a real Postfix, with the lines that `whosaw mail postfix` prints; mail is sent by swaks."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from tests.store.mail.conftest import DOMAIN, PERSON, STAFF, STRANGER, Post, letter
from tests.store.mail.private_postfix import (
    PrivatePostfix,
    certificate,
    free_port,
    private_postfix,
    private_srs,
    swaks,
    why_not,
)

from whosaw.answer.mailbox import Mailbox
from whosaw.app.maildoor import smtp_hop
from whosaw.app.postfixtext import Wiring, main_cf, main_cf_outside, master_cf, srs
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

    async def send(self, sender: str, recipient: str, raw: bytes, *, tls: bool = False) -> int:
        self.sent += 1
        file = self.post.folder / f"sent-{self.sent}.eml"
        file.write_bytes(raw)
        return await asyncio.to_thread(swaks, self.postfix.port, sender, recipient, file, tls=tls)

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


@dataclass(frozen=True)
class Host:
    """A mail server as docs/mail.md sets it up, with TLS and, where postsrsd is there, SRS."""

    postfix: PrivatePostfix
    world: Mailbox
    wiring: Wiring
    back: int


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    # not tmp_path: pytest's folders are for root alone, and Postfix runs as another user
    folder = Path(tempfile.mkdtemp(prefix="whosaw-postfix-"))
    folder.chmod(0o755)
    back, lmtp = free_port(), free_port()
    wiring = Wiring(DOMAIN, f"127.0.0.1:{lmtp}", f"127.0.0.1:{back}", "mx.test")
    chain, key = certificate(folder, "mx.test")
    printed = main_cf(wiring) + main_cf_outside(wiring)
    for name, path in (("fullchain.pem", chain), ("privkey.pem", key)):
        printed = printed.replace(f"/etc/letsencrypt/live/mx.test/{name}", str(path))
    # besides what is printed: the host has mail of its own, and a list that it forwards
    printed += "smtpd_tls_loglevel = 1\nmydestination = mx.test\nlocal_recipient_maps =\n"
    printed += "virtual_alias_domains = club.test\n"
    printed += "virtual_alias_maps = inline:{ { team@club.test = member@far.example } }\n"
    with ExitStack() as stack:
        if shutil.which("postsrsd"):
            ports = stack.enter_context(private_srs(folder, wiring.hostname, DOMAIN))
            lines = [line.removeprefix("#   ") for line in srs(wiring).splitlines() if "_canonical_" in line]
            printed += "\n".join(lines).replace("10001", str(ports[0])).replace("10002", str(ports[1])) + "\n"
        world = stack.enter_context(Mailbox(folder / "world"))
        running = private_postfix(folder / "postfix", printed, master_cf(wiring), world.port)
        yield Host(stack.enter_context(running), world, wiring, back)
    shutil.rmtree(folder)


@pytest.fixture
def line(make_post: Callable[..., Post], host: Host) -> Line:
    for path in host.world.files():
        path.unlink()
    post, hop = make_post(), smtp_hop("127.0.0.1", host.back)
    post.hand_over = hop  # type: ignore[method-assign]
    return Line(post, host.postfix, host.world, host.wiring.listen, hop)


async def test_mail_passes_both_ways_and_a_stranger_leaves_evidence(line: Line) -> None:
    alias, entry = await line.post.alias()
    async with LmtpServer(line.post.door, line.listen):
        assert await line.send(STAFF, alias, line.post.signed(letter(STAFF, alias), STAFF), tls=True) == 0
        came = await line.arrived(1)
        assert "TLS connection established from" in line.postfix.log()
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


@pytest.mark.skipif(shutil.which("postsrsd") is None, reason="needs the system package postsrsd")
async def test_what_the_host_forwards_besides_is_rewritten_by_srs_and_comes_back_to_its_sender(line: Line) -> None:
    writer = "writer@origin.example"
    assert await line.send(writer, "team@club.test", letter(writer, "team@club.test"), tls=True) == 0
    mail = message_from_bytes(await line.arrived(1))
    sender = mail["Return-Path"].strip("<>")
    assert mail["Delivered-To"] == "member@far.example" and sender.startswith("SRS0=") and sender.endswith("@mx.test")
    report = f"From: MAILER-DAEMON@far.example\r\nTo: {sender}\r\nSubject: not delivered\r\n\r\nno such box\r\n"
    assert await line.send("<>", sender, report.encode()) == 0
    back = message_from_bytes(await line.arrived(2))
    assert (back["Delivered-To"], back["Return-Path"].strip("<>")) == (writer, "")
    assert await line.send("<>", "SRS0=fake=AA=origin.example=writer@mx.test", report.encode()) in (0, 24)
    await line.quiet()
    assert len(line.world.files()) == 2, "what nobody here had rewritten goes nowhere"


async def test_postfix_takes_every_line_that_is_printed(line: Line) -> None:
    wiring = Wiring(DOMAIN, "unix:/run/whosaw/lmtp", "127.0.0.1:10026", "mx.test")
    etc = line.post.folder / "etc"  # a copy: the running one reads its own again now and then
    shutil.copytree(line.postfix.folder / "etc", etc)
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
