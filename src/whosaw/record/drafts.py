"""Entries whose numbers are given by the append itself, so that numbering costs no round trip of its own.

A draft carries 0, which is nobody's number, where a number is to come. The database gives the numbers, fills them in,
hashes and appends, in one transaction; the door fills them in as well and signs only what it hashed itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from whosaw.prove import Payload, PayloadRefused, canonical
from whosaw.prove.canonical import MAX_PAYLOAD_BYTES

NAMES = ("actor", "subject", "purpose")
Key = tuple[str, str]  # the map's name, and the company's key

_DIGITS_MOST = 19


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry, and whose numbers it waits for.

    Attributes:
        payload: with 0 under every name in `missing`.
        missing: which of `NAMES` → the key whose number belongs there.
    """

    payload: Payload
    missing: Mapping[str, Key] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """Canonical bytes of an entry, still without the numbers in `missing`."""

    raw: bytes
    missing: Mapping[str, Key]

    @classmethod
    def of(cls, draft: Draft) -> Written:
        """Write a draft down.

        Raises:
            PayloadRefused: it has no canonical form, or would not fit once it is filled in.
        """
        raw = canonical(draft.payload)
        if draft.missing:
            if any(name not in NAMES or draft.payload.get(name) != 0 for name in draft.missing):
                raise PayloadRefused("a number that is to come stands as 0 under an actor, subject or purpose")
            if len(raw) + _DIGITS_MOST * len(draft.missing) > MAX_PAYLOAD_BYTES:
                raise PayloadRefused(f"a payload longer than {MAX_PAYLOAD_BYTES} bytes")
        return cls(raw, draft.missing)

    def filled(self, numbers: Mapping[Key, int]) -> bytes:
        """Return the canonical bytes with the numbers in their places."""
        raw = self.raw
        for name, key in self.missing.items():
            # inside a string a quote is escaped, so this is the member itself; no number begins with 0
            raw = raw.replace(b'"%b":0' % name.encode(), b'"%b":%d' % (name.encode(), numbers[key]))
        return raw


def places(written: Sequence[Written]) -> tuple[list[Key], list[list[int]]]:
    """Return every missing key once, and per name in `NAMES` its place among them for every entry; 0 for none."""
    keys: dict[Key, int] = {}
    for each in written:
        for key in each.missing.values():
            keys.setdefault(key, len(keys) + 1)
    return list(keys), [[_place(keys, each.missing.get(name)) for each in written] for name in NAMES]


def any_missing(written: Iterable[Written]) -> bool:
    """Return whether any of them waits for a number."""
    return any(each.missing for each in written)


def _place(keys: Mapping[Key, int], key: Key | None) -> int:
    return 0 if key is None else keys[key]
