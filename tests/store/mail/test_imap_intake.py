"""Complaints that wait on a real IMAP server: read once, marked, and never over a line that others can read."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator

import pytest
from tests.store.mail.private_dovecot import PASSWORD, USER, PrivateDovecot, private_dovecot, why_not

from whosaw.answer.intake import MAX_BYTES
from whosaw.app.complaintboxes import BoxUnreadable, ImapBox

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateDovecot]:
    with private_dovecot() as running:
        yield running


@pytest.fixture
def box(server: PrivateDovecot, request: pytest.FixtureRequest) -> str:
    """A mailbox of this test alone; its address."""
    name = request.node.name[:40].replace("[", "").replace("]", "")
    with imaplib.IMAP4_SSL("127.0.0.1", server.tls_port, ssl_context=server.context) as client:
        client.login(USER, PASSWORD)
        client.create(name)
    return f"imaps://{USER}@127.0.0.1:{server.tls_port}/{name}"


def put(server: PrivateDovecot, box: str, *mails: bytes) -> None:
    with imaplib.IMAP4_SSL("127.0.0.1", server.tls_port, ssl_context=server.context) as client:
        client.login(USER, PASSWORD)
        for mail in mails:
            assert client.append(box.rpartition("/")[2], "", "", mail)[0] == "OK"


def flags(server: PrivateDovecot, box: str) -> list[bytes]:
    with imaplib.IMAP4_SSL("127.0.0.1", server.tls_port, ssl_context=server.context) as client:
        client.login(USER, PASSWORD)
        client.select(box.rpartition("/")[2], readonly=True)
        _, found = client.fetch("1:*", "(FLAGS)")
        return [bytes(each).partition(b"FLAGS ")[2].replace(rb"\Recent", b"").strip(b" ()") for each in found]


def test_what_was_settled_is_read_once_and_the_rest_again(server: PrivateDovecot, box: str) -> None:
    mails = [b"From: a%d@home.example\r\n\r\nforwarded\xe4 %d\r\n" % (number, number) for number in range(3)]
    put(server, box, *mails)
    with ImapBox(box, PASSWORD, context=server.context) as mailbox:
        read = list(mailbox.waiting())
        assert [each.raw for each in read] == mails
        mailbox.settle(read[0].name, taken=True)
        mailbox.settle(read[1].name, taken=False)
    # the run was cut before the third: it is read again, and reading alone marks nothing
    assert flags(server, box) == [rb"\Seen", rb"\Flagged", b""]
    with ImapBox(box, PASSWORD, context=server.context) as mailbox:
        assert [each.raw for each in mailbox.waiting()] == mails[2:]


def test_an_empty_mailbox_and_a_mail_too_large_are_no_trouble(server: PrivateDovecot, box: str) -> None:
    with ImapBox(box, PASSWORD, context=server.context) as mailbox:
        assert list(mailbox.waiting()) == []
    put(server, box, b"From: a@home.example\r\n\r\n" + (b"x" * 76 + b"\r\n") * (MAX_BYTES // 78 + 10))
    with ImapBox(box, PASSWORD, context=server.context) as mailbox:
        (large,) = mailbox.waiting()
    assert len(large.raw) == MAX_BYTES + 1  # what intake refuses as too large, without taking the rest into memory


def test_an_untrusted_server_and_a_wrong_word_are_refused_and_no_word_is_repeated(
    server: PrivateDovecot, box: str
) -> None:
    for context, word in ((None, PASSWORD), (server.context, "another")):
        with pytest.raises(BoxUnreadable) as refused, ImapBox(box, word, context=context):
            raise AssertionError("it let us in")
        assert word not in str(refused.value) and USER not in str(refused.value)
    missing = box.rpartition("/")[0] + "/none"
    with pytest.raises(BoxUnreadable, match="no such mailbox"), ImapBox(missing, PASSWORD, context=server.context):
        raise AssertionError("it has such a mailbox")


def test_a_plain_address_starts_tls_before_the_password(server: PrivateDovecot, box: str) -> None:
    plain = f"imap://{USER}@127.0.0.1:{server.port}/{box.rpartition('/')[2]}"
    with ImapBox(plain, PASSWORD, context=server.context) as mailbox:
        assert list(mailbox.waiting()) == []
    with pytest.raises(BoxUnreadable), ImapBox(plain, PASSWORD):
        raise AssertionError("it trusted a certificate that nobody vouches for")


@pytest.mark.parametrize(
    "url", ["http://u@h/x", "imaps://host/INBOX", "imaps://u:secret@host/INBOX", "imaps:///INBOX", "imaps://u@/x"]
)
def test_an_address_is_written_in_one_way(url: str) -> None:
    with pytest.raises(BoxUnreadable) as refused:
        ImapBox(url, "x")
    assert "secret" not in str(refused.value)
