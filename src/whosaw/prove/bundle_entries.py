"""The entries of a bundle: written one JSON object a line, read strictly, each proved against the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from whosaw.prove.canonical import Payload, entry_leaf, read_payload
from whosaw.prove.checkpoint import Checkpoint
from whosaw.prove.errors import BundleInvalid, ProveError
from whosaw.prove.exposure import check_exposure, claimed_exposure
from whosaw.prove.merkle import check_inclusion

ENTRIES = "entries.jsonl"
SETS = "exposure/"
_NAMES = {"index", "payload", "proof", "salt"}
_MAX_PATH = 63
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One entry and its path to the root of the bundle's checkpoint.

    Attributes:
        index: the entry's place in the trail.
        salt: 32 bytes.
        payload: the canonical text.
        proof: hashes from the leaf's sibling to the root's child, 32 bytes each.
    """

    index: int
    salt: bytes
    payload: str
    proof: tuple[bytes, ...]


@contextmanager
def within(where: str) -> Iterator[None]:
    """Turn any failed check inside into a `BundleInvalid` that says where."""
    try:
        yield
    except BundleInvalid:
        raise
    except ProveError as cause:
        raise BundleInvalid(f"`{where}`: {cause}") from cause


def write_json(value: object) -> bytes:
    """Return the one spelling a bundle uses: UTF-8, sorted names, no spaces."""
    return _ENCODE(value).encode()


def read_json(where: str, raw: bytes) -> dict[str, object]:
    """Read what `write_json` wrote and nothing else.

    Raises:
        BundleInvalid: not JSON, not an object, or not in the one spelling.
    """
    try:
        read = json.loads(raw.decode("utf-8"))
        same = isinstance(read, dict) and write_json(read) == raw
    except (ValueError, RecursionError) as cause:  # numbers too long to read are a ValueError
        raise BundleInvalid(f"`{where}` is not JSON") from cause
    if not same:
        raise BundleInvalid(f"`{where}` is not written as a bundle writes it")
    return read  # type: ignore[no-any-return]


def write_entries(entries: Iterable[BundleEntry]) -> bytes:
    """Return the lines of the entries, ordered by index."""
    return b"".join(_line(each) for each in sorted(entries, key=lambda each: each.index))


def check_entries(raw: bytes, head: Checkpoint) -> dict[int, Payload]:
    """Prove every line against the checkpoint and return the payloads by index, ascending.

    Raises:
        BundleInvalid: a line is malformed, out of order, or its entry is not in the tree; the message names the line.
    """
    proved: dict[int, Payload] = {}
    last = -1
    if raw and not raw.endswith(b"\n"):
        raise BundleInvalid(f"`{ENTRIES}` is cut off")
    for number, line in enumerate(raw.split(b"\n")[:-1], 1):
        where = f"{ENTRIES} line {number}"
        entry = _read(where, line)
        if proved and entry.index <= last:
            raise BundleInvalid(f"`{where}`: the entries are not in order, or one stands twice")
        with within(where):
            text = entry.payload.encode()
            payload = read_payload(text)
            check_inclusion(entry_leaf(entry.salt, text), entry.index, head.size, entry.proof, head.root)
        last = entry.index
        proved[last] = payload
    return proved


def check_sets(sets: Mapping[str, bytes], proved: Mapping[int, Payload]) -> tuple[int, ...]:
    """Check every set of subjects against the entries that name it; return the indices of these, ascending.

    Args:
        sets: salt and bitmap by the hash in hex under which the file stands.
        proved: payloads of the bundle by index.

    Raises:
        BundleInvalid: a set is not the one that its name says, is malformed, or no entry of the bundle names it.
    """
    covered = []
    for index, payload in proved.items():
        with within(f"{ENTRIES}: entry {index}"):
            claimed = claimed_exposure(payload)
        if claimed is not None and (sealed := sets.get(claimed[0].hex())) is not None:
            with within(SETS + claimed[0].hex()):
                check_exposure(payload, sealed)
            covered.append(index)
    unnamed = sorted(sets.keys() - {proved[index]["exposure"] for index in covered})
    if unnamed:
        raise BundleInvalid(f"no entry of the bundle names the set `{SETS}{unnamed[0]}`")
    return tuple(covered)


def _line(entry: BundleEntry) -> bytes:
    proof = [each.hex() for each in entry.proof]
    line = {"index": entry.index, "payload": entry.payload, "proof": proof, "salt": entry.salt.hex()}
    return write_json(line) + b"\n"


def _read(where: str, line: bytes) -> BundleEntry:
    fields = read_json(where, line)
    if set(fields) != _NAMES:
        raise BundleInvalid(f"`{where}` is not an entry")
    index, payload, proof = fields["index"], fields["payload"], fields["proof"]
    if type(index) is not int or not isinstance(payload, str):
        raise BundleInvalid(f"`{where}` holds a value of the wrong type")
    if not isinstance(proof, list) or len(proof) > _MAX_PATH:
        raise BundleInvalid(f"`{where}`: the proof is a list of at most {_MAX_PATH} hashes")
    return BundleEntry(index, _hex(where, fields["salt"]), payload, tuple(_hex(where, each) for each in proof))


def _hex(where: str, text: object) -> bytes:
    try:
        raw = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != 32 or raw.hex() != text:
        raise BundleInvalid(f"`{where}`: a hash or salt is 64 lower-case hexadecimal digits")
    return raw
