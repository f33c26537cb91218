r"""Exposure sets: the subjects of one disclosure that are too many for an entry, named there by a salted hash.

The entry's payload says ``exposure`` (the hash in hex) and ``subjects`` (how many). The set is a file of 32 bytes of
salt and a 64-bit Roaring bitmap in its portable form, little-endian throughout:

    hash   = SHA-256("whosaw/exposure/v1\n" ‖ salt ‖ bitmap)
    bitmap = buckets (8 bytes), then by rising key: key, the numbers' upper 32 bits (4), and a 32-bit Roaring bitmap

Source: the Roaring bitmap format specification (RoaringFormatSpec), with its extension to 64 bits. Read here with the
standard library alone, and strictly: numbers have one order and containers one form each, nothing follows the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from itertools import pairwise
from struct import Struct, unpack_from

from whosaw.prove.canonical import SALT_BYTES
from whosaw.prove.errors import ExposureInvalid

EXPOSURE_DOMAIN = b"whosaw/exposure/v1\n"
MAX_EXPOSURE_BYTES = 32 * 1024 * 1024
MAX_EXPOSURE_NUMBERS = 4_000_000  # a few bytes of runs can stand for any number of them

_HASH = re.compile(r"[0-9a-f]{64}")
_RUNS, _PLAIN = 12_347, 12_346  # the cookies of a 32-bit bitmap with runs and without
_OFFSETS_FROM = 4  # containers from which offsets stand in a bitmap with runs
_ARRAY_MOST = 4_096  # numbers in an array; more of them are a bitmap of 2^16 bits
_BITS_BYTES = 8_192
_U16, _U32, _U64 = Struct("<H"), Struct("<I"), Struct("<Q")


def exposure_hash(salt: bytes, raw: bytes) -> bytes:
    """Return the 32-byte hash by which an entry names a set.

    Args:
        salt: 32 bytes, new for each set: sets can be guessed, and hashes may be public.
        raw: the bitmap.

    Raises:
        ExposureInvalid: the salt has another length.
    """
    if len(salt) != SALT_BYTES:
        raise ExposureInvalid(f"the salt of an exposure set has {SALT_BYTES} bytes")
    return sha256(EXPOSURE_DOMAIN + salt + raw).digest()


def claimed_exposure(payload: Mapping[str, object]) -> tuple[bytes, int] | None:
    """Return the hash and the count of the set that a payload names, or None where it names none.

    Raises:
        ExposureInvalid: what it names cannot be a set.
    """
    if "exposure" not in payload:
        return None
    named, count = payload["exposure"], payload.get("subjects")
    if not isinstance(named, str) or not _HASH.fullmatch(named) or type(count) is not int or count < 1:
        raise ExposureInvalid("an entry names an exposure set by 64 hexadecimal digits, and says how many it holds")
    return bytes.fromhex(named), count


def check_exposure(payload: Mapping[str, object], sealed: bytes) -> list[int]:
    """Return the subjects' numbers, ascending, of the set that an entry names.

    Args:
        payload: the entry's, proved to be in the tree by other means.
        sealed: the set's file: salt and bitmap.

    Raises:
        ExposureInvalid: it is not the set of this entry, or is malformed.
    """
    claimed = claimed_exposure(payload)
    salt, raw = sealed[:SALT_BYTES], sealed[SALT_BYTES:]
    if claimed is None or exposure_hash(salt, raw) != claimed[0]:
        raise ExposureInvalid("the exposure set is not the one that the entry names")
    numbers = read_exposure(raw)
    if len(numbers) != claimed[1]:
        raise ExposureInvalid(f"the exposure set holds {len(numbers)} numbers, and the entry says {claimed[1]}")
    return numbers


def read_exposure(raw: bytes) -> list[int]:
    """Return the numbers of a bitmap, ascending.

    Raises:
        ExposureInvalid: it is malformed, empty, or longer than 32 MiB or 4,000,000 numbers.
    """
    if len(raw) > MAX_EXPOSURE_BYTES:
        raise ExposureInvalid(f"an exposure set longer than {MAX_EXPOSURE_BYTES} bytes")
    try:
        return _read(raw)
    except (IndexError, ValueError, OverflowError) as cause:
        if isinstance(cause, ExposureInvalid):
            raise
        raise ExposureInvalid("an exposure set is cut off") from cause


def _read(raw: bytes) -> list[int]:
    numbers: list[int] = []
    at, before = _U64.size, -1
    for _ in range(_number(_U64, raw, 0)):
        key = _number(_U32, raw, at)
        _need(key > before, "its buckets are not in order")
        low, at = _read_bucket(raw, at + _U32.size)
        numbers += [key << 32 | each for each in low] if key else low
        _need(len(numbers) <= MAX_EXPOSURE_NUMBERS, "it holds too many numbers")
        before = key
    _need(at == len(raw), "something follows its end")
    _need(bool(numbers), "it is empty")
    return numbers


def _read_bucket(raw: bytes, start: int) -> tuple[list[int], int]:
    """Return the numbers of a 32-bit bitmap, and where it ends."""
    heads, runs, offsets, at = _read_heads(raw, start)
    numbers: list[int] = []
    for place, (key, most) in enumerate(zip(heads[::2], heads[1::2], strict=True)):
        _need(place == 0 or key > heads[2 * place - 2], "its containers are not in order")
        _need(not offsets or offsets[place] == at - start, "an offset in it is wrong")
        if runs and runs[place // 8] >> place % 8 & 1:
            low, at = _read_runs(raw, at)
        elif most < _ARRAY_MOST:
            low, at = [*unpack_from(f"<{most + 1}H", _slice(raw, at, 2 * most + 2))], at + 2 * most + 2
            _need(all(a < b for a, b in pairwise(low)), "its numbers are not in order")
        else:
            low, at = _read_bits(_slice(raw, at, _BITS_BYTES)), at + _BITS_BYTES
        _need(len(low) == most + 1, "a container of it counts wrongly")
        numbers += [key << 16 | each for each in low]
        _need(len(numbers) <= MAX_EXPOSURE_NUMBERS, "it holds too many numbers")
    return numbers, at


def _read_heads(raw: bytes, start: int) -> tuple[tuple[int, ...], bytes, tuple[int, ...], int]:
    """Return (key, count - 1) of each container in turn, which are runs, where each begins, where the first does."""
    cookie, at = _number(_U32, raw, start), start + _U32.size
    runs = b""
    if cookie & 0xFFFF == _RUNS:
        containers = (cookie >> 16) + 1
        runs, at = _slice(raw, at, (containers + 7) // 8), at + (containers + 7) // 8
    else:
        _need(cookie == _PLAIN, "it does not begin as a bitmap does")
        containers, at = _number(_U32, raw, at), at + _U32.size
    _need(0 < containers <= 1 << 16, "a bucket of it has no or too many containers")
    heads = unpack_from(f"<{2 * containers}H", _slice(raw, at, 4 * containers))
    at += 4 * containers
    if runs and containers < _OFFSETS_FROM:
        return heads, runs, (), at
    return heads, runs, unpack_from(f"<{containers}I", _slice(raw, at, 4 * containers)), at + 4 * containers


def _read_runs(raw: bytes, at: int) -> tuple[list[int], int]:
    count, at = _number(_U16, raw, at), at + _U16.size
    pairs = unpack_from(f"<{2 * count}H", _slice(raw, at, 4 * count))
    low: list[int] = []
    for first, more in zip(pairs[::2], pairs[1::2], strict=True):
        _need(not low or first > low[-1] + 1, "its runs are not in order")
        _need(first + more < 1 << 16, "a run of it is too long")
        low += range(first, first + more + 1)
    return low, at + 4 * count


def _read_bits(bits: bytes) -> list[int]:
    return [8 * at + bit for at, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1]


def _number(form: Struct, raw: bytes, at: int) -> int:
    return int(form.unpack(_slice(raw, at, form.size))[0])


def _slice(raw: bytes, at: int, size: int) -> bytes:
    _need(at + size <= len(raw), "it is cut off")
    return raw[at : at + size]


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise ExposureInvalid(f"an exposure set is malformed: {what}")
