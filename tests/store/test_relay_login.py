"""Letters through a mail server that asks for a login: over TLS or not at all."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from aiosmtplib import SMTPAuthenticationError, SMTPException
from tests.store.mail.private_postfix import free_port
from tests.store.test_outbox import AT, CLOCK, mails

from whosaw.answer.delivery import MailLoginRefused, MailServerUnreachable, Sending, send_pending
from whosaw.app.alertmail import hand_over
from whosaw.app.maildoor import smtp_hop
from whosaw.doors.mail.errors import NextHopFailed
from whosaw.store import Database
from whosaw.store.outbox import Outbox
from whosaw.store.relay import Relay, SmtpInvalid


class Taking:
    """Notes what arrived, and who tried to log in over what."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.logins: list[tuple[bool, str]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert session.ssl is not None and session.authenticated
        self.arrived += envelope.rcpt_tos
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((session.ssl is not None, data.login.decode()))
        return AuthResult(success=data == LoginPassword(b"whosaw", b"a long word"), handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


@contextmanager
def relay(certificate: Path, taking: Taking, *, tls: bool = True) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    port = free_port()
    controller = Controller(
        taking,
        hostname="127.0.0.1",
        port=port,
        tls_context=context if tls else None,
        require_starttls=tls,
        auth_required=tls,
        auth_require_tls=tls,
        authenticator=taking.authenticate,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


ONCE = Sending(pause_s=0.01, timeout_s=5, rounds=1, connections=2)


def through(port: int, certificate: Path, word: str = "a long word", *, trusted: bool = True) -> Relay:
    context = ssl.create_default_context(cafile=str(certificate / "cert.pem")) if trusted else None
    return Relay("127.0.0.1", port, user="whosaw", password=word, context=context)


async def test_letters_go_through_a_relay_that_asks_for_a_login(database: Database, certificate: Path) -> None:
    outbox, taking = Outbox(database), Taking()
    await outbox.queue("CASE-1", mails(5), AT)
    with relay(certificate, taking) as port:
        sent = await send_pending(outbox, through(port, certificate), clock=CLOCK, how=ONCE)
    assert sent.sent == 5 and sorted(taking.arrived) == [f"c{n}@home.example" for n in range(1, 6)]
    assert set(taking.logins) == {(True, "whosaw")}


async def test_a_refused_login_leaves_every_letter_waiting_and_repeats_no_word(
    database: Database, certificate: Path
) -> None:
    outbox, taking = Outbox(database), Taking()
    await outbox.queue("CASE-1", mails(3), AT)
    with relay(certificate, taking) as port, pytest.raises(MailLoginRefused) as refused:
        wrong = through(port, certificate, "not that one")
        await send_pending(outbox, wrong, clock=CLOCK, how=ONCE)
    assert "not that one" not in str(refused.value) and "not that one" not in repr(wrong)
    assert await outbox.counts("CASE-1") == {"pending": 3} and taking.arrived == []


async def test_no_password_goes_to_a_server_without_tls_or_one_that_nobody_trusts(
    database: Database, certificate: Path
) -> None:
    outbox, taking = Outbox(database), Taking()
    await outbox.queue("CASE-1", mails(2), AT)
    for tls, trusted in ((False, True), (True, False)):
        with relay(certificate, taking, tls=tls) as port, pytest.raises((MailServerUnreachable, MailLoginRefused)):
            await send_pending(outbox, through(port, certificate, trusted=trusted), clock=CLOCK, how=ONCE)
    assert taking.logins == [] and await outbox.counts("CASE-1") == {"pending": 2}


async def test_an_alert_and_the_doors_next_hop_take_the_same_way_as_a_letter(certificate: Path) -> None:
    taking = Taking()
    message = EmailMessage()
    message["From"], message["To"] = "whosaw@company.example", "officer@company.example"
    with relay(certificate, taking) as port:
        await hand_over(through(port, certificate), message, 5)
        with pytest.raises(SMTPAuthenticationError):
            await hand_over(through(port, certificate, "not that one"), message, 5)
        with pytest.raises(NextHopFailed):  # it speaks in the clear, and this server takes nothing so
            await smtp_hop("127.0.0.1", port)("a@home.example", "b@home.example", b"Subject: x\r\n\r\nx")
    with relay(certificate, taking, tls=False) as port, pytest.raises(SMTPException):
        await hand_over(through(port, certificate), message, 5)
    assert taking.arrived == ["officer@company.example"] and {over for over, _ in taking.logins} == {True}


def test_a_login_in_the_clear_cannot_be_said() -> None:
    with pytest.raises(SmtpInvalid, match="in the clear"):
        Relay("127.0.0.1", 25, "never", user="whosaw", password="a long word")
