"""Receipts: every entry of a batch gets a promise of its own, and a changed promise does not check."""

import dataclasses
import json

import pytest

from whosaw.prove import ReceiptInvalid, SigningKey, check_receipt, decode_receipt, encode_receipt, sign_batch
from whosaw.prove.merkle import leaf_hash
from whosaw.prove.receipt import decode_batch, encode_batch

KEY = SigningKey.generate("example.com/receipt")
LEAVES = [leaf_hash(b"%d" % number) for number in range(11)]


def batch(count: int = 11):
    return sign_batch(KEY, "example.com/trail", 100, LEAVES[:count], 1_700_000_000_000_000)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 11])
def test_every_receipt_of_a_batch_checks_and_survives_its_written_form(count):
    for at, receipt in enumerate(batch(count).receipts()):
        check_receipt(receipt, KEY.verifier, LEAVES[at])
        assert receipt.index == 100 + at
        assert decode_receipt(json.loads(json.dumps(encode_receipt(receipt)))) == receipt
    assert decode_batch(json.loads(json.dumps(encode_batch(batch(count))))) == batch(count)


@pytest.mark.parametrize(
    "change",
    [
        {"index": 104},
        {"first": 101},
        {"first": 99, "index": 102},
        {"count": 12},
        {"at_us": 1_700_000_000_000_001},
        {"origin": "example.com/other"},
        {"leaf_hash": leaf_hash(b"x")},
        {"batch_root": leaf_hash(b"x")},
        {"signature": bytes(64)},
        {"path": ()},
        {"index": 0},
        {"count": 0},
        {"at_us": 1 << 70},
        {"origin": "\ud800"},
    ],
)
def test_a_changed_receipt_does_not_check(change):
    receipt = dataclasses.replace(batch().receipts()[3], **change)
    with pytest.raises(ReceiptInvalid):
        check_receipt(receipt, KEY.verifier)


def test_another_key_or_another_entry_does_not_check():
    receipt = batch().receipts()[3]
    with pytest.raises(ReceiptInvalid):
        check_receipt(receipt, SigningKey.generate("example.com/receipt").verifier)
    with pytest.raises(ReceiptInvalid, match="another entry"):
        check_receipt(receipt, KEY.verifier, LEAVES[4])


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": "3"},
        {"index": True},
        {"count": 1 << 63},
        {"leaf_hash": "zz"},
        {"leaf_hash": "AB" * 32},
        {"path": "x"},
        {"path": [1]},
        {"path": ["00" * 32] * 64},
        {"origin": 5},
        {"origin": ""},
        {"extra": 1},
        {"signature": None},
    ],
)
def test_a_malformed_written_receipt_is_refused(change):
    record = {**encode_receipt(batch().receipts()[3]), **change}
    with pytest.raises(ReceiptInvalid):
        decode_receipt(record)


def test_an_empty_batch_has_no_written_form():
    with pytest.raises(ReceiptInvalid):
        decode_batch({**encode_batch(batch()), "leaves": []})
    with pytest.raises(ReceiptInvalid):
        decode_batch({})
