r"""Receipts: the signed promise that an entry is durable at its index.

One Ed25519 signature covers a whole batch, because a signature is dearer than the disk's share of an entry:

    signed = "whosaw/receipt/v1\n" ‖ origin ‖ "\n" ‖ first index (8) ‖ count (8) ‖ batch root (32) ‖ time µs (8)

with big-endian integers. The batch root is the RFC 6962 root over the batch's leaf hashes alone, and a receipt carries
the path from its leaf to that root.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whosaw.prove.errors import NoteInvalid, ProofMismatch, ReceiptInvalid
from whosaw.prove.merkle import HASH_BYTES, CompactRange, all_inclusion_proofs, check_inclusion
from whosaw.prove.note import SigningKey, VerifierKey, check_key_name

RECEIPT_DOMAIN = b"whosaw/receipt/v1\n"
_NUMBERS = struct.Struct(">QQ32sq")
_MAX_INDEX = (1 << 63) - 1

Record = dict[str, int | str | list[str]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The signed promise that the entry with hash `leaf_hash` is durable at `index` of the trail `origin`.

    Attributes:
        origin: the trail's name.
        index: the entry's place in the trail, from 0.
        leaf_hash: 32 bytes.
        first: index of the first entry of the batch.
        count: entries in the batch, > 0.
        at_us: when the batch was signed, microseconds since 1970.
        path: hashes from the leaf to the batch root, 32 bytes each.
        batch_root: 32 bytes.
        signature: 64 bytes of the receipt key.
    """

    origin: str
    index: int
    leaf_hash: bytes
    first: int
    count: int
    at_us: int
    path: tuple[bytes, ...]
    batch_root: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """One signed batch: every receipt in it follows from its leaf hashes."""

    origin: str
    first: int
    at_us: int
    leaves: tuple[bytes, ...]
    signature: bytes

    def receipts(self) -> list[Receipt]:
        """Return the receipt of every entry, in the order of the batch."""
        root, paths = all_inclusion_proofs(self.leaves)
        first, count, origin, at_us, signature = self.first, len(self.leaves), self.origin, self.at_us, self.signature
        return [
            Receipt(origin, index, leaf, first, count, at_us, path, root, signature)
            for index, (leaf, path) in enumerate(zip(self.leaves, paths, strict=True), first)
        ]


def sign_batch(key: SigningKey, origin: str, first: int, leaves: Sequence[bytes], at_us: int) -> SignedBatch:
    """Sign one durable batch.

    Args:
        key: the receipt key.
        origin: the trail's name.
        first: index of the first entry.
        leaves: the batch's leaf hashes, 32 bytes each, at least one.
        at_us: the present, microseconds since 1970.
    """
    tree = CompactRange()
    tree.extend(leaves)
    message = _message(origin, first, tree.size, tree.root(), at_us)
    return SignedBatch(origin, first, at_us, tuple(leaves), key.sign(message))


def check_receipt(receipt: Receipt, key: VerifierKey, leaf_hash: bytes | None = None) -> None:
    """Check that the receipt key promised this entry at this index.

    Args:
        receipt: what a door kept.
        key: the receipt key's public half, from a place the receipt did not come from.
        leaf_hash: the hash of the entry in hand (`entry_leaf`), when there is one.

    Raises:
        ReceiptInvalid: the signature or the path does not hold, or the receipt is about another entry.
    """
    if leaf_hash is not None and leaf_hash != receipt.leaf_hash:
        raise ReceiptInvalid(f"the receipt of index {receipt.index} is about another entry")
    try:
        check_inclusion(
            receipt.leaf_hash, receipt.index - receipt.first, receipt.count, receipt.path, receipt.batch_root
        )
    except ProofMismatch as cause:
        raise ReceiptInvalid(f"the path of the receipt of index {receipt.index} does not hold: {cause}") from cause
    try:
        message = _message(receipt.origin, receipt.first, receipt.count, receipt.batch_root, receipt.at_us)
    except (struct.error, UnicodeEncodeError) as cause:
        raise ReceiptInvalid("a receipt with impossible numbers") from cause
    if not key.verifies(message, receipt.signature):
        raise ReceiptInvalid(f"the signature on the receipt of index {receipt.index} does not verify")


def encode_receipt(receipt: Receipt) -> Record:
    """Return the receipt as a JSON-able record; bytes are lower-case hex."""
    return {
        "origin": receipt.origin,
        "index": receipt.index,
        "leaf_hash": receipt.leaf_hash.hex(),
        "first": receipt.first,
        "count": receipt.count,
        "at_us": receipt.at_us,
        "path": [each.hex() for each in receipt.path],
        "batch_root": receipt.batch_root.hex(),
        "signature": receipt.signature.hex(),
    }


def decode_receipt(record: Mapping[str, object]) -> Receipt:
    """Read what `encode_receipt` wrote.

    Raises:
        ReceiptInvalid: a field is missing, unknown or of the wrong form.
    """
    if set(record) != set(Receipt.__slots__):
        raise ReceiptInvalid("the fields of a receipt are not complete, or there are others")
    path = record["path"]
    if not isinstance(path, list) or len(path) > 63:
        raise ReceiptInvalid("the path of a receipt is a list of at most 63 hashes")
    return Receipt(
        origin=_read_origin(record),
        index=_read_number(record, "index"),
        leaf_hash=_read_hex(record["leaf_hash"], HASH_BYTES),
        first=_read_number(record, "first"),
        count=_read_number(record, "count"),
        at_us=_read_number(record, "at_us"),
        path=tuple(_read_hex(each, HASH_BYTES) for each in path),
        batch_root=_read_hex(record["batch_root"], HASH_BYTES),
        signature=_read_hex(record["signature"], 64),
    )


def encode_batch(batch: SignedBatch) -> Record:
    """Return the batch as a JSON-able record, one hash per entry instead of one path."""
    return {
        "origin": batch.origin,
        "first": batch.first,
        "at_us": batch.at_us,
        "leaves": [each.hex() for each in batch.leaves],
        "signature": batch.signature.hex(),
    }


def decode_batch(record: Mapping[str, object]) -> SignedBatch:
    """Read what `encode_batch` wrote.

    Raises:
        ReceiptInvalid: a field is missing, unknown or of the wrong form.
    """
    if set(record) != set(SignedBatch.__slots__):
        raise ReceiptInvalid("the fields of a batch are not complete, or there are others")
    leaves = record["leaves"]
    if not isinstance(leaves, list) or not leaves:
        raise ReceiptInvalid("a batch holds at least one entry")
    return SignedBatch(
        origin=_read_origin(record),
        first=_read_number(record, "first"),
        at_us=_read_number(record, "at_us"),
        leaves=tuple(_read_hex(each, HASH_BYTES) for each in leaves),
        signature=_read_hex(record["signature"], 64),
    )


def _message(origin: str, first: int, count: int, root: bytes, at_us: int) -> bytes:
    return RECEIPT_DOMAIN + origin.encode() + b"\n" + _NUMBERS.pack(first, count, root, at_us)


def _read_origin(record: Mapping[str, object]) -> str:
    origin = record["origin"]
    if not isinstance(origin, str):
        raise ReceiptInvalid("the origin of a receipt is not a key name")
    try:
        return check_key_name(origin)
    except NoteInvalid as cause:
        raise ReceiptInvalid("the origin of a receipt is not a key name") from cause


def _read_number(record: Mapping[str, object], name: str) -> int:
    number = record[name]
    if type(number) is not int or not 0 <= number <= _MAX_INDEX:
        raise ReceiptInvalid(f"`{name}` of a receipt is not a whole number in range")
    return number


def _read_hex(text: object, length: int) -> bytes:
    try:
        raw = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        raw = b""
    if len(raw) == length and raw.hex() == text:  # fromhex passes over spaces
        return raw
    raise ReceiptInvalid(f"a receipt holds {length} bytes as lower-case hex")
