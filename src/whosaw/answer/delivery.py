"""Sending what waits in the outbox, each letter once, over several SMTP connections side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import SMTP as SMTP_POLICY
from typing import ClassVar

import aiosmtplib

from whosaw.answer.errors import AnswerError
from whosaw.store.outbox import Claimed, Outbox, Run
from whosaw.store.relay import Relay
from whosaw.terms import Clock, stop_if_cancelled

_CLAIM_ROWS = 2_000
_CONNECT_TRIES = 3
_HEADERS = BytesHeaderParser(policy=SMTP_POLICY)


class MailServerUnreachable(AnswerError, ConnectionError):
    """No connection to the mail server; every letter waits."""

    code: ClassVar[str] = "answer.mail_server_unreachable"
    hint = "check the mail server's address, then send again; what was sent is not sent twice"


class MailLoginRefused(AnswerError, PermissionError):
    """The mail server takes no login, or not this one; every letter waits."""

    code: ClassVar[str] = "answer.mail_login_refused"
    hint = "check user and password of WHOSAW_SMTP; a server that offers no TLS gets no password"


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run did: letters taken by the server, refused for good, put back, and unsure."""

    sent: int
    failed: int
    waiting: int
    unsure: int


@dataclass(frozen=True, slots=True)
class Sending:
    """How a run sends.

    Attributes:
        connections: to the server, side by side.
        tries: attempts at one letter over all runs before it counts as failed.
        rounds: attempts at one letter within a run.
        timeout_s: seconds to wait for one reply.
        pause_s: seconds before the second round of a run; doubled for each further one.
        sender: the envelope sender; empty means the letter's own From.
        per_s: letters handed over a second at most, over all connections; None means as fast as the server takes them.
    """

    connections: int = 4
    tries: int = 10
    rounds: int = 3
    timeout_s: float = 30.0
    pause_s: float = 0.2
    sender: str = ""
    per_s: float | None = None


async def send_pending(
    outbox: Outbox,
    relay: Relay,
    *,
    clock: Clock,
    how: Sending | None = None,
    arrived: Callable[[Sequence[str]], Awaitable[set[str]]] | None = None,
) -> Sent:
    """Send what waits in the outbox, each letter once, and report what this run did.

    Args:
        outbox: where letters wait.
        relay: the mail server.
        clock: tells when a letter was sent.
        how: connections, tries and pauses.
        arrived: given Message-IDs, returns those the receiving server has. With it, letters that an earlier cut left
            unsure are decided first; without it they stay unsure and are not sent again.

    Raises:
        OutboxBusy: another process is sending.
        MailServerUnreachable: no connection could be made; everything waits.
        MailLoginRefused: the server does not take the login; everything waits.
    """
    how = how or Sending()
    async with outbox.run() as run:
        if arrived is not None and (unsure := await outbox.unsure()):
            there = await arrived(unsure)
            await outbox.settle(there, set(unsure) - there, clock.now())
        delivery = _Delivery(run, relay, clock, how)
        for number in range(how.rounds):
            if not await delivery.round():
                break
            if number + 1 < how.rounds:
                await asyncio.sleep(how.pause_s * 2**number)
    return delivery.result()


_NO_SERVER = (MailServerUnreachable, MailLoginRefused)
_LOGIN_REFUSED = (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPNotSupported)


class _Lost(Exception):
    """The connection is gone; the present letter has been noted."""


class _Delivery:
    """Some connections that empty one queue."""

    def __init__(self, run: Run, relay: Relay, clock: Clock, how: Sending) -> None:
        self._run = run
        self._relay = relay
        self._clock = clock
        self._how = how
        self._queue: deque[Claimed] = deque()
        self._count = {"sent": 0, "failed": 0, "unsure": 0}
        self._waiting: set[int] = set()
        self._next_at = 0.0  # when the next letter may begin, on the loop's clock

    def result(self) -> Sent:
        """Return what happened so far."""
        return Sent(waiting=len(self._waiting), **self._count)

    async def round(self) -> bool:
        """Try every pending mail once; return whether any still waits.

        Raises:
            MailServerUnreachable: no connection could be made at all.
        """
        self._waiting.clear()
        last = 0
        while claimed := await self._run.claim(_CLAIM_ROWS, after=last):
            last = claimed[-1].id
            await self._send(claimed)
        return bool(self._waiting)

    async def _send(self, mails: Sequence[Claimed]) -> None:
        self._queue = deque(mails)
        workers = min(self._how.connections, len(mails))
        failures = await asyncio.gather(*(self._work() for _ in range(workers)), return_exceptions=True)
        rest = list(self._queue)
        for mail in rest:
            await self._run.put_back(mail, "server.unreachable", tried=False)
            self._waiting.add(mail.id)
        for failure in failures:
            if isinstance(failure, BaseException) and not (isinstance(failure, _NO_SERVER) and not rest):
                raise failure

    async def _work(self) -> None:
        while self._queue:
            client = await self._connect()
            try:
                while self._queue:
                    stop_if_cancelled()
                    await self._wait_turn()
                    if not self._queue:
                        break
                    mail = self._queue.popleft()
                    await self._send_one(client, mail)
            except _Lost:
                continue
            finally:
                await _close(client)

    async def _wait_turn(self) -> None:
        """Keep to the rate: every connection takes the next free moment before it waits for it."""
        if self._how.per_s is None:
            return
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next_at)
        self._next_at = turn + 1 / self._how.per_s
        await asyncio.sleep(turn - now)

    async def _connect(self) -> aiosmtplib.SMTP:
        attempt, where = 0, f"`{self._relay.host}:{self._relay.port}`"
        while True:
            client = self._relay.client(self._how.timeout_s)
            try:
                await client.connect()
            except _LOGIN_REFUSED as cause:
                client.close()
                raise MailLoginRefused(f"the mail server at {where} does not let us in") from cause
            except (aiosmtplib.SMTPException, OSError) as cause:
                client.close()
                attempt += 1
                if attempt == _CONNECT_TRIES:
                    raise MailServerUnreachable(f"no mail server at {where}") from cause
                await asyncio.sleep(self._how.pause_s * 2 ** (attempt - 1))
            else:
                return client

    async def _send_one(self, client: aiosmtplib.SMTP, mail: Claimed) -> None:
        """Hand over one letter; the only uncertain stretch is between `begin` and the server's last reply."""
        try:
            await client.mail(self._how.sender or _sender(mail))
            await client.rcpt(mail.recipient)
        except aiosmtplib.SMTPSenderRefused as refusal:
            # our own address is wrong, not his: he keeps his letter
            await self._retry_later(mail, f"sender.smtp.{refusal.code}", tried=True)
            raise _Lost from refusal
        except aiosmtplib.SMTPResponseException as refusal:
            await self._refused(client, mail, refusal.code, begun=False)
            return
        except (aiosmtplib.SMTPException, OSError) as cause:
            await self._retry_later(mail, "connection.lost", tried=True)
            raise _Lost from cause
        if not await self._run.begin(mail):
            raise _Lost
        try:
            await client.data(mail.message)
        except aiosmtplib.SMTPDataError as refusal:
            await self._refused(client, mail, refusal.code, begun=True)
        except (aiosmtplib.SMTPException, OSError) as cause:
            await self._run.unsure(mail, "connection.lost_in_data")
            self._count["unsure"] += 1
            raise _Lost from cause
        else:
            await self._run.sent(mail, self._clock.now())
            self._count["sent"] += 1

    async def _refused(self, client: aiosmtplib.SMTP, mail: Claimed, code: int, *, begun: bool) -> None:
        # the server's text is not kept: it often repeats the address
        if code >= 500:
            await self._run.failed(mail, f"smtp.{code}")
            self._count["failed"] += 1
        else:
            await self._retry_later(mail, f"smtp.{code}", tried=not begun)
        with suppress(aiosmtplib.SMTPResponseException):
            try:
                await client.rset()
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as cause:
                raise _Lost from cause

    async def _retry_later(self, mail: Claimed, error: str, *, tried: bool) -> None:
        if mail.attempts + 1 >= self._how.tries:
            await self._run.failed(mail, error)
            self._count["failed"] += 1
            return
        await self._run.put_back(mail, error, tried=tried)
        self._waiting.add(mail.id)


def _sender(mail: Claimed) -> str:
    return str(_HEADERS.parsebytes(mail.message)["from"].addresses[0].addr_spec)


async def _close(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        if client.is_connected:
            await client.quit()
    client.close()
