"""No input crashes a parser, and none of what is not exactly right verifies."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.prove import (
    BundleInvalid,
    Checkpoint,
    Note,
    NoteInvalid,
    PayloadRefused,
    Policy,
    PolicyInvalid,
    ReceiptInvalid,
    SigningKey,
    TlogProof,
    VerifierKey,
    canonical,
    decode_receipt,
    open_checkpoint,
    read_payload,
    sign_checkpoint,
)
from whosaw.prove.archive import pack, unpack
from whosaw.prove.bundle_entries import check_entries

KEY = SigningKey.generate("example.com/trail")
NOTE = sign_checkpoint(Checkpoint(KEY.name, 5, b"r" * 32), KEY)
PROOF = TlogProof(3, (b"a" * 32, b"b" * 32), NOTE, b"extra").format()
POLICY = f"# c\nlog {KEY.verifier} https://x\nquorum none\n".encode()

scalars = st.integers(-(2**63), 2**63 - 1) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
)
payloads = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True), scalars | st.lists(scalars, max_size=5)
)


@st.composite
def altered(draw, raw: bytes) -> bytes:
    """`raw` with a few bytes replaced, dropped or put in."""
    body = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        match draw(st.sampled_from(["put", "drop", "replace"])):
            case "put":
                body[at:at] = draw(st.binary(max_size=4))
            case "drop":
                del body[at : at + 1]
            case _:
                body[at : at + 1] = draw(st.sampled_from([b"\n", b" ", b"+", b"=", b"\x00", b"0", b"A", b"\xe2"]))
    return bytes(body)


@given(st.binary() | altered(NOTE))
def test_a_note_parses_or_is_refused_and_an_altered_one_never_verifies(raw):
    with contextlib.suppress(NoteInvalid):
        assert Note.parse(raw).format() == raw
    if raw != NOTE:
        try:
            checkpoint, _ = open_checkpoint(raw, [KEY.verifier])
        except NoteInvalid:
            return
        # only lines of unknown keys may have been added: what was signed is the same
        assert checkpoint == Checkpoint(KEY.name, 5, b"r" * 32)


@given(st.text() | st.from_regex(r"[a-z./]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]*"))
def test_a_key_parses_or_is_refused(text):
    for kind in (VerifierKey, SigningKey):
        with contextlib.suppress(NoteInvalid):
            kind.parse(text)
    with contextlib.suppress(NoteInvalid):
        SigningKey.parse("PRIVATE+KEY+" + text)


@given(st.text())
def test_a_checkpoint_parses_or_is_refused(text):
    with contextlib.suppress(NoteInvalid):
        assert Checkpoint.parse(text).format() == text


@given(st.binary() | altered(PROOF))
def test_a_proof_file_parses_or_is_refused(raw):
    with contextlib.suppress(NoteInvalid):
        assert TlogProof.parse(raw).format() == raw


@given(st.binary() | altered(POLICY))
def test_a_policy_parses_or_is_refused(raw):
    with contextlib.suppress(PolicyInvalid):
        Policy.parse(raw)


@given(payloads)
def test_a_payload_has_one_canonical_form(payload):
    raw = canonical(payload)
    assert read_payload(raw) == payload
    assert canonical(dict(reversed(payload.items()))) == raw


@given(payloads.map(canonical).flatmap(altered) | st.binary())
def test_reading_a_payload_never_accepts_a_second_spelling(raw):
    with contextlib.suppress(PayloadRefused):
        assert canonical(read_payload(raw)) == raw


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.dictionaries(st.text(), json_values) | st.fixed_dictionaries({"origin": json_values, "path": json_values}))
def test_a_written_receipt_is_read_or_refused(record):
    with pytest.raises(ReceiptInvalid):
        decode_receipt(record)


@given(st.binary() | altered(pack({"files/a": b"body", "b": b""})))
def test_a_zip_is_exactly_ours_or_refused(raw):
    with contextlib.suppress(BundleInvalid):
        assert pack(unpack(raw)) == raw


@given(st.binary())
def test_the_lines_of_a_bundle_are_proved_or_refused(raw):
    with contextlib.suppress(BundleInvalid):
        assert check_entries(raw, Checkpoint(KEY.name, 5, b"r" * 32)) == {}
