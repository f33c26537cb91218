"""Time stamps against a real authority: openssl's, on this machine."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from whosaw.prove import Checkpoint
from whosaw.prove.stamp import StampExtraMissing, StampInvalid, check_stamp, read_roots, read_stamp, stamp_request

TREE = Checkpoint("log.example/trail", 42, b"\x07" * 32)
OTHER = Checkpoint("log.example/trail", 43, b"\x07" * 32)


@pytest.fixture(scope="module")
def reply(authority):
    return authority.reply(stamp_request(TREE).body)


def test_a_stamp_says_when_the_tree_existed_and_leads_to_the_authority_s_root(authority):
    asked = stamp_request(TREE)
    reply = authority.reply(asked.body)
    stamp = check_stamp(reply, TREE, authority.roots)
    assert abs(datetime.now(UTC) - stamp.at) < timedelta(minutes=1)
    assert stamp.policy == "1.3.6.1.4.1.99999.1"
    assert read_stamp(reply, TREE, asked.nonce) == stamp


def test_each_request_has_a_number_of_its_own_and_an_older_answer_is_refused(authority):
    first, second = stamp_request(TREE), stamp_request(TREE)
    assert first.nonce != second.nonce
    with pytest.raises(StampInvalid, match="another request"):
        read_stamp(authority.reply(first.body), TREE, second.nonce)


def test_a_stamp_over_another_tree_is_refused(authority, reply):
    with pytest.raises(StampInvalid, match="something else"):
        check_stamp(reply, OTHER, authority.roots)


def test_a_stamp_of_another_authority_is_refused(stranger, reply):
    with pytest.raises(StampInvalid, match="does not verify"):
        check_stamp(reply, TREE, stranger.roots)
    with pytest.raises(StampInvalid, match="no certificate"):
        check_stamp(reply, TREE, [])


def test_an_authority_that_sends_its_whole_chain_out_of_order_is_refused_as_malformed(authority):
    with pytest.raises(StampInvalid, match="malformed"):
        check_stamp(authority.reply(stamp_request(TREE).body, "-chain", "ca.pem"), TREE, authority.roots)


def test_a_refusal_is_no_stamp():
    refused = bytes.fromhex("3009300702010230020c00")  # PKIStatusInfo: rejection
    for reply in (refused, bytes.fromhex("30053003020102")):
        with pytest.raises(StampInvalid):
            read_stamp(reply, TREE)


def test_an_altered_or_cut_stamp_never_verifies_and_never_crashes(authority, reply):
    stamp = check_stamp(reply, TREE, authority.roots)
    for at in range(0, len(reply), 7):
        with pytest.raises(StampInvalid):
            check_stamp(reply[:at], TREE, authority.roots)
    for at in range(len(reply)):
        broken = bytearray(reply)
        broken[at] ^= 0x01
        try:
            found = check_stamp(bytes(broken), TREE, authority.roots)
        except StampInvalid:
            continue
        assert found == stamp  # a byte that says nothing about time, tree or signer


def test_what_is_too_long_or_not_a_certificate_is_refused(reply):
    with pytest.raises(StampInvalid, match="longer"):
        read_stamp(reply + bytes(70_000), TREE)
    for pem in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(StampInvalid, match="not certificates"):
            read_roots(pem)


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(StampExtraMissing) as raised:
        stamp_request(TREE)
    assert raised.value.hint == "pip install 'whosaw[stamp]'"
