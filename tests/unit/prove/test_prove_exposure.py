"""Exposure sets: what another library writes is read as it was meant, and nothing else is."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from whosaw.prove import ExposureInvalid, check_exposure, exposure_hash, read_exposure
from whosaw.prove import exposure as module
from whosaw.prove.exposure import claimed_exposure

SALT = bytes(range(32))
NUMBERS = st.one_of(
    st.sets(st.integers(1, 300), min_size=1, max_size=120),
    st.sets(st.integers(1, (1 << 63) - 1), min_size=1, max_size=40),
    st.builds(
        lambda starts, length, step: {start + step * i for start in starts for i in range(length)},
        st.sets(st.sampled_from([1, 65_500, 1 << 20, (1 << 32) - 9, (1 << 32) + 7, 5 << 32]), min_size=1, max_size=5),
        st.sampled_from([1, 40, 4_096, 4_097, 9_000]),
        st.sampled_from([1, 2, 3, 70_001]),
    ),
)


def bitmap(numbers, *, runs=True) -> bytes:
    made = BitMap64(numbers)
    if runs:
        made.run_optimize()
    return made.serialize()


def named(raw: bytes, count: int, salt: bytes = SALT) -> dict:
    return {"exposure": exposure_hash(salt, raw).hex(), "subjects": count}


@given(NUMBERS, st.booleans())
def test_the_numbers_are_those_that_were_written(numbers, runs):
    raw = bitmap(numbers, runs=runs)
    assert read_exposure(raw) == sorted(numbers)
    assert check_exposure(named(raw, len(numbers)), SALT + raw) == sorted(numbers)


@given(NUMBERS, st.data())
def test_a_set_that_was_cut_or_altered_is_refused_or_is_another_set(numbers, data):
    raw = bitmap(numbers)
    at = data.draw(st.integers(0, len(raw) - 1))
    altered = data.draw(st.sampled_from([raw[:at], raw + b"\x00", _flipped(raw, at, data.draw(st.integers(0, 7)))]))
    with pytest.raises(ExposureInvalid):
        check_exposure(named(raw, len(numbers)), SALT + altered)
    try:
        read = read_exposure(altered)
    except ExposureInvalid:
        return
    assert read == sorted({*read})
    assert bitmap(read, runs=False) == altered or bitmap(read) == altered or BitMap64.deserialize(altered) == {*read}


def _flipped(raw: bytes, at: int, bit: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(raw):
    with contextlib.suppress(ExposureInvalid):
        assert read_exposure(raw)


def test_another_salt_or_another_count_is_another_set():
    raw = bitmap({1, 2, 3})
    assert exposure_hash(SALT, raw) != exposure_hash(bytes(32), raw)
    for payload, sealed in [
        (named(raw, 3), bytes(32) + raw),
        (named(raw, 4), SALT + raw),
        (named(raw, 3), SALT + bitmap({1, 2, 4})),
        (named(raw, 3), b""),
        ({"kind": "disclosure", "subject": 1}, SALT + raw),
    ]:
        with pytest.raises(ExposureInvalid):
            check_exposure(payload, sealed)


@pytest.mark.parametrize(
    "claim",
    [
        {"exposure": "ab"},
        {"exposure": "A" * 64, "subjects": 1},
        {"exposure": "a" * 64},
        {"exposure": "a" * 64, "subjects": 0},
        {"exposure": "a" * 64, "subjects": "1"},
        {"exposure": "a" * 64, "subjects": True},
        {"exposure": 7, "subjects": 1},
        {"exposure": "a" * 64 + "\n", "subjects": 1},
    ],
)
def test_what_cannot_name_a_set_is_refused(claim):
    with pytest.raises(ExposureInvalid):
        claimed_exposure(claim)


def test_an_entry_without_a_set_claims_none():
    assert claimed_exposure({"kind": "denial", "subjects": 7}) is None


def test_a_few_bytes_do_not_become_any_number_of_numbers():
    run = struct.pack("<HHH", 1, 0, 65_535)
    containers = 200
    heads = b"".join(struct.pack("<HH", key, 65_535) for key in range(containers))
    flags = b"\xff" * (containers // 8)
    start = 4 + len(flags) + len(heads) + 4 * containers
    offsets = b"".join(struct.pack("<I", start + len(run) * each) for each in range(containers))
    cookie = struct.pack("<I", 12_347 | (containers - 1) << 16)
    raw = struct.pack("<QI", 1, 0) + cookie + flags + heads + offsets + run * containers
    assert len(BitMap64.deserialize(raw)) == containers << 16  # well formed, and 13 million numbers in 3 kB
    with pytest.raises(ExposureInvalid, match="too many numbers"):
        read_exposure(raw)


def test_a_file_that_is_too_long_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(module, "MAX_EXPOSURE_BYTES", 20)
    with pytest.raises(ExposureInvalid, match="longer than 20 bytes"):
        read_exposure(bitmap({1}) + bytes(20))


def test_an_empty_set_and_numbers_out_of_order_are_refused():
    with pytest.raises(ExposureInvalid, match="empty"):
        read_exposure(BitMap64().serialize())
    raw = bytearray(bitmap({5, 6, 9}, runs=False))
    raw[-6:-4], raw[-4:-2] = raw[-4:-2], raw[-6:-4]
    with pytest.raises(ExposureInvalid, match="not in order"):
        read_exposure(bytes(raw))
