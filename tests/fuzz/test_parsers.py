"""Whatever arrives from outside: malformed input is refused with the stage's own error, in time, and never verifies.

Two kinds of input: anything at all, and valid input altered with knowledge of its structure (lines, words, digits,
base64 and JSON values swapped, doubled, moved between documents), which reaches the checks random bytes never reach.
`WHOSAW_FUZZ_EXAMPLES` says how many of each a run tries; where it is set, every run tries others.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whosaw.prove import (
    BundleEntry,
    Checkpoint,
    Note,
    Policy,
    ProveError,
    Receipt,
    SigningKey,
    TlogProof,
    VerifierKey,
    canonical,
    check_receipt,
    decode_receipt,
    encode_receipt,
    entry_leaf,
    open_checkpoint,
    read_payload,
    sign_batch,
    sign_checkpoint,
    sign_note,
    verify_bundle,
    write_bundle,
)
from whosaw.prove.archive import pack, unpack
from whosaw.prove.bundle_entries import check_entries
from whosaw.prove.cosign import CosigningKey, add_signatures, read_cosignatures
from whosaw.prove.handover import Handover, open_handover, sign_handover
from whosaw.prove.merkle import LeafTree, inclusion_proof
from whosaw.prove.receipt import decode_batch, encode_batch

EXAMPLES = int(os.environ.get("WHOSAW_FUZZ_EXAMPLES", "200"))
LIMIT_S = 2.0  # of this thread's own work, for inputs of a megabyte; what takes longer grows faster than its input

fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="WHOSAW_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # long inputs are meant

# One small trail with everything that can be said about it.
KEY, OTHER, RECEIPTS = (
    SigningKey.generate(name) for name in ("acme.example/trail", "b.example", "acme.example/receipt")
)
WITNESSES = [CosigningKey(SigningKey.generate(f"w{n}.example")) for n in (1, 2)]
PAYLOADS = [canonical({"kind": "disclosure", "at": at, "actor": 3, "fields": ["a=mask", 'ü"\n']}) for at in range(5)]
SALTS = [sha256(bytes([at])).digest() for at in range(5)]
LEAVES = [entry_leaf(salt, raw) for salt, raw in zip(SALTS, PAYLOADS, strict=True)]
TREE = LeafTree(LEAVES)
HEAD = Checkpoint(KEY.name, 5, TREE.root())
SIGNED = sign_checkpoint(HEAD, KEY)
FOREIGN = sign_note(HEAD.format(), [OTHER]).format()  # another log's key under this log's head
COSIGNED = add_signatures(
    Note.parse(SIGNED), [each.cosign(HEAD.format(), 1_700_000_000) for each in WITNESSES]
).format()
POLICY = (
    f"# whom to trust\nlog {KEY.verifier} https://acme.example/trail\n"
    f"witness w1 {WITNESSES[0].verifier}\nwitness w2 {WITNESSES[1].verifier} https://w2.example\n"
    "group both all w1 w2\nquorum both\n"
).encode()
TRUST = Policy.parse(POLICY)
NEXT = SigningKey.generate(KEY.name)
HANDOVER = sign_handover(Handover("trail", HEAD, KEY.verifier, NEXT.verifier), NEXT, KEY)
PATH = tuple(inclusion_proof(3, 5, TREE))
PROOF = TlogProof(3, PATH, COSIGNED, b"extra").format()
BATCH = sign_batch(RECEIPTS, KEY.name, 0, LEAVES, 1_700_000_000_000_000)
RECEIPT = BATCH.receipts()[1]  # first 0, index 1: to Python false and true are the same numbers
ENTRIES = [BundleEntry(at, SALTS[at], PAYLOADS[at].decode(), tuple(inclusion_proof(at, 5, TREE))) for at in (0, 3, 4)]

_TOKENS = [
    *(
        b"\n",
        b"\n\n",
        b" ",
        b"\t",
        b"\r\n",
        b"\x00",
        b"\x7f",
        b"\xff",
        b"\xc2\xa0",
        b"\xe2\x80\x94 ",
        b"+",
        b"=",
        b"/",
        b"x",
    ),
    *(
        b"0",
        b"-1",
        b"+1",
        b"01",
        b"1e3",
        b"1_0",
        b"9" * 20,
        b"9" * 5000,
        "٣".encode(),
        b"AAAA",
        b"A" * 43 + b"=",
        b"none",
    ),
    *(
        b"null",
        b"true",
        b"1.0",
        b"[]",
        b"{}",
        b'"',
        b"\\",
        b"\\ud800",
        b"\\u0000",
        b"index ",
        b"extra ",
        b"quorum none\n",
    ),
    *(line + b"\n" for line in (SIGNED + POLICY + PROOF).split(b"\n")),
]


@st.composite
def altered(draw: st.DrawFn, raw: bytes) -> bytes:
    """`raw` after one to four alterations that know about lines, words and letters."""
    body = raw
    for _ in range(draw(st.integers(1, 4))):
        cut = draw(st.sampled_from([b"\n", b" ", b"+", b",", b":", b""]))
        parts = body.split(cut) if cut else [bytes([each]) for each in body]
        at, to = (draw(st.integers(0, max(0, len(parts) - 1))) for _ in "ab")
        match draw(
            st.sampled_from(
                [
                    "drop",
                    "double",
                    "swap",
                    "replace",
                    "put",
                    "bit",
                    "code",
                    "code",
                    "number",
                    "spell",
                    "case",
                    "cut",
                    "repeat",
                ]
            )
        ):
            case "drop":
                del parts[at : at + 1]
            case "double":
                parts[at:at] = parts[at : at + 1]
            case "swap" if parts:
                parts[at], parts[to] = parts[to], parts[at]
            case "replace":
                parts[at : at + 1] = [draw(st.sampled_from(_TOKENS) | st.binary(max_size=4))]
            case "put":
                parts[at:at] = [draw(st.sampled_from(_TOKENS) | st.binary(max_size=4))]
            case "bit" if parts and parts[at]:
                word = bytearray(parts[at])
                word[draw(st.integers(0, len(word) - 1))] ^= 1 << draw(st.integers(0, 7))
                parts[at] = bytes(word)
            case "code":  # one bit of what some base64 in it spells
                found = draw(st.sampled_from([*re.finditer(rb"[A-Za-z0-9+/]{30,}={0,2}", body), None]))
                if found and len(found[0]) % 4 == 0:
                    word = bytearray(base64.b64decode(found[0]))
                    word[draw(st.integers(0, len(word) - 1))] ^= 1 << draw(st.integers(0, 7))
                    body = body[: found.start()] + base64.b64encode(word) + body[found.end() :]
                continue
            case "number":  # another number, or the same in another spelling
                found = draw(st.sampled_from([*re.finditer(rb"[0-9]+", body), None]))
                if found and len(found[0]) < 20:
                    near = [b"0%s", b"+%s", b"-%s", b"%s.0", b"%s0", b" %s", b"%se0", b"%s_", b"%d"]
                    how = draw(st.sampled_from(near))
                    new = (
                        how % (int(found[0]) + draw(st.sampled_from([-1, 1, 256]))) if how == b"%d" else how % found[0]
                    )
                    body = body[: found.start()] + new + body[found.end() :]
                continue
            case "spell":  # the same JSON in another spelling
                with suppress(ValueError, RecursionError):
                    indent, plain, ordered = (draw(st.booleans()) for _ in "abc")
                    read = json.loads(body)
                    body = json.dumps(read, indent=indent or None, ensure_ascii=plain, sort_keys=ordered).encode()
                continue
            case "case" if parts:
                parts[at] = parts[at].swapcase()
            case "cut":
                parts = parts[: at + 1]
            case "repeat":
                parts[at : at + 1] = parts[at : at + 1] * draw(st.sampled_from([3, 70, 200]))
        body = cut.join(parts)
    return body


@contextmanager
def refused_or_right() -> Iterator[None]:
    """What runs inside ends within the limit, by itself or with the stage's own error and a hint in plain words."""
    began = time.thread_time()
    try:
        yield
    except ProveError as error:
        assert error.code.startswith("prove.")
        assert len(str(error)) < 600, "an error shows no more of its input than a line"
    assert time.thread_time() - began < LIMIT_S


# Notes, checkpoints, keys, policies


@fuzz
@given(st.binary() | altered(SIGNED) | altered(COSIGNED) | st.just(FOREIGN) | altered(FOREIGN))
def test_a_note_that_verifies_says_what_was_signed(raw: bytes) -> None:
    with refused_or_right():
        assert Note.parse(raw).format() == raw
    with refused_or_right():
        assert open_checkpoint(raw, [KEY.verifier, OTHER.verifier]) == (HEAD, KEY.verifier)


@fuzz
@given(st.text(st.characters(codec=None)) | st.text(st.sampled_from("a\n\r\ud800—é")))
def test_a_text_that_can_be_signed_is_read_back(text: str) -> None:
    with refused_or_right():
        signed = sign_note(text, [KEY, OTHER])
        assert Note.parse(signed.format()) == signed
        assert len(signed.verify([KEY.verifier, OTHER.verifier])) == 2


@fuzz
@given(altered(COSIGNED) | altered(SIGNED))
def test_a_checkpoint_that_a_policy_accepts_has_its_quorum(raw: bytes) -> None:
    with refused_or_right():
        assert TRUST.check(raw) == (HEAD, KEY.verifier)
        lines = {(line.name, line.signature) for line in Note.parse(raw).signatures}
        assert {(line.name, line.signature) for line in Note.parse(COSIGNED).signatures} <= lines


@fuzz
@given(st.binary() | altered(COSIGNED.partition(b"\n\n")[2]))
def test_a_witness_s_answer_counts_only_with_its_own_signature(raw: bytes) -> None:
    witness = WITNESSES[0].verifier
    with refused_or_right():
        (line,) = read_cosignatures(HEAD.format(), raw, witness)
        assert line in Note.parse(COSIGNED).signatures


SIZES = [
    HEAD.format().replace("\n5\n", f"\n{size}\n") for size in ("05", "+5", "-5", "5.0", "٥", "5 ", "0x5", "5_0", "")
]


@fuzz
@given(
    st.text()
    | st.sampled_from(SIZES)
    | altered(HEAD.format().encode()).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
)
def test_a_checkpoint_has_one_spelling(text: str) -> None:
    with refused_or_right():
        assert Checkpoint.parse(text).format() == text


@fuzz
@given(st.text() | altered(str(KEY.verifier).encode()).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_a_verifier_key_has_one_spelling_and_another_one_verifies_nothing(text: str) -> None:
    with refused_or_right():
        key = VerifierKey.parse(text)
        assert str(key) == text
        if key != KEY.verifier:
            with pytest.raises(ProveError):
                open_checkpoint(SIGNED, [key])


@fuzz
@given(altered(KEY.secret_text().encode()).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_a_signing_key_has_one_spelling_and_its_error_never_holds_it(text: str) -> None:
    secret = KEY.secret_text().rpartition("+")[2]
    try:
        assert SigningKey.parse(text).secret_text() == text
    except ProveError as error:
        told = str(error) + (error.hint or "")
        assert not any(secret[at : at + 8] in told for at in range(len(secret) - 7))


@fuzz
@given(st.binary() | altered(POLICY))
def test_a_policy_is_read_or_refused_and_no_altered_one_moves_what_was_signed(raw: bytes) -> None:
    with refused_or_right():
        policy = Policy.parse(raw)
        assert policy.check(COSIGNED) == (HEAD, KEY.verifier)


@fuzz
@given(st.binary() | altered(HANDOVER))
def test_a_hand_over_that_opens_is_the_one_that_was_signed(raw: bytes) -> None:
    with refused_or_right():
        assert open_handover(raw)[0] == Handover("trail", HEAD, KEY.verifier, NEXT.verifier)


# Proofs and receipts


@fuzz
@given(st.binary() | altered(PROOF))
def test_a_proof_file_that_verifies_proves_the_same_entry_at_the_same_place(raw: bytes) -> None:
    with refused_or_right():
        proof = TlogProof.parse(raw)
        assert proof.format() == raw
        assert proof.verify(LEAVES[3], TRUST) == HEAD
        assert (proof.index, proof.path) == (3, PATH)


@fuzz
@given(altered(PROOF), st.binary(min_size=32, max_size=32) | st.sampled_from([LEAVES[0], LEAVES[2], TREE.root()]))
def test_no_proof_file_proves_an_entry_that_is_not_there(raw: bytes, leaf: bytes) -> None:
    with pytest.raises(ProveError):
        replace(TlogProof.parse(raw), index=3).verify(leaf, TRUST)


def values() -> st.SearchStrategy[Any]:
    """JSON values: of every type, and near misses of what a receipt holds."""
    hexes = st.sampled_from([LEAVES[1].hex(), LEAVES[2].hex(), RECEIPT.signature.hex(), BATCH.leaves[0].hex()])
    near = hexes.flatmap(
        lambda text: st.sampled_from(
            [text, text.upper(), text[:-2] + "  ", " " + text[1:], text[:-1], text + "00", "0x" + text]
        )
    )
    numbers = st.integers() | st.sampled_from([0, 1, 2, 4, 5, 2**31, 2**63 - 1, 2**63, 2**64, -1])
    scalars = st.none() | st.booleans() | st.floats() | numbers | st.text(max_size=8) | near
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    )


def altered_record(valid: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """`valid` with one or two values replaced, or a name more or less."""
    name = st.sampled_from([*valid, "more"])
    return st.dictionaries(name, values(), min_size=1, max_size=2).map(lambda new: valid | new) | name.map(
        lambda gone: {key: value for key, value in valid.items() if key != gone}
    )


def check_written_receipt(record: Any) -> None:
    with refused_or_right():
        if isinstance(record, dict):
            receipt = decode_receipt(record)
            assert encode_receipt(receipt) == record
            assert {type(getattr(receipt, name)) for name in ("index", "first", "count", "at_us")} == {int}
            check_receipt(receipt, RECEIPTS.verifier, LEAVES[1])
            assert receipt == RECEIPT


@fuzz
@given(altered_record(encode_receipt(RECEIPT)) | st.dictionaries(st.text(max_size=9), values(), max_size=9))
def test_a_receipt_with_another_value_is_refused(record: dict[str, Any]) -> None:
    check_written_receipt(record)


@pytest.mark.parametrize("name", ["index", "first", "count", "at_us"])
@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, [1], -1, 2**63])
def test_a_number_of_a_receipt_is_a_whole_number(name: str, value: object) -> None:
    with pytest.raises(ProveError):
        decode_receipt(encode_receipt(RECEIPT) | {name: value})


@fuzz
@given(altered(json.dumps(encode_receipt(RECEIPT)).encode()))
def test_an_altered_receipt_is_refused(raw: bytes) -> None:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return
    check_written_receipt(record)


@fuzz
@given(
    st.integers(0, 9),
    st.integers(0, 2**64),
    st.integers(-(2**64), 2**64),
    st.lists(st.sampled_from([*LEAVES, *RECEIPT.path, b"", b"x" * 31]), max_size=5),
)
def test_a_receipt_made_of_parts_of_others_is_refused(leaf: int, first: int, index: int, path: list[bytes]) -> None:
    forged = replace(RECEIPT, leaf_hash=(LEAVES * 2)[leaf], first=first, index=index, path=tuple(path))
    with refused_or_right():
        check_receipt(forged, RECEIPTS.verifier)
        assert forged in BATCH.receipts()


@fuzz
@given(altered_record(encode_batch(BATCH)))
def test_a_batch_with_another_value_gives_no_receipt_that_holds(record: dict[str, Any]) -> None:
    with refused_or_right():
        batch = decode_batch(record)
        receipts: list[Receipt] = batch.receipts()
        for receipt in receipts:
            check_receipt(receipt, RECEIPTS.verifier)
        assert batch == BATCH


# Payloads and bundles


@fuzz
@given(st.binary() | st.sampled_from(PAYLOADS).flatmap(altered))
def test_a_payload_has_one_spelling(raw: bytes) -> None:
    with refused_or_right():
        payload = read_payload(raw)
        assert canonical(payload) == raw
        assert json.loads(raw) == payload


@fuzz
@given(st.dictionaries(st.text(max_size=5) | st.just("at"), values(), max_size=4))
def test_only_a_payload_has_canonical_bytes(record: dict[str, Any]) -> None:
    with refused_or_right():
        assert read_payload(canonical(record)) == record


@fuzz
@given(st.binary() | st.data())
def test_lines_of_entries_prove_only_what_is_in_the_tree(drawn: Any) -> None:
    from whosaw.prove.bundle_entries import write_entries

    lines = write_entries(ENTRIES)
    raw = drawn if isinstance(drawn, bytes) else drawn.draw(altered(lines))
    with refused_or_right():
        indices = check_entries(raw, HEAD)
        assert set(raw.splitlines(keepends=True)) <= set(lines.splitlines(keepends=True))
        assert list(indices) == sorted(set(indices))


def bundle_of(path: Path, letter: bytes) -> dict[str, bytes]:
    """Write a whole bundle and return its files by name."""
    write_bundle(path, checkpoint=COSIGNED, entries=ENTRIES, files={"a/letter.txt": letter}, seal=KEY)
    assert verify_bundle(path, TRUST).trusted
    return unpack(path.read_bytes())


@pytest.fixture(scope="module")
def bundle_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return bundle_of(tmp_path_factory.mktemp("fuzz") / "bundle.zip", b"Dear all\n")


@pytest.mark.parametrize("name", ["manifest.json", "manifest.note", "files/a/letter.txt"])
def test_a_file_of_another_bundle_by_the_same_key_is_refused(
    bundle_files: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    other = bundle_of(tmp_path / "other.zip", b"Dear nobody\n")
    (tmp_path / "mixed.zip").write_bytes(pack(bundle_files | {name: other[name]}))
    with pytest.raises(ProveError):
        verify_bundle(tmp_path / "mixed.zip")


@fuzz
@given(st.data())
def test_a_zip_is_byte_for_byte_what_was_written_or_refused(
    bundle_files: dict[str, bytes], tmp_path: Path, data: st.DataObject
) -> None:
    whole = pack(bundle_files)
    raw = data.draw(altered(whole) | st.binary())
    path = tmp_path / "bundle.zip"
    path.write_bytes(raw)
    for policy in (TRUST, None):
        with refused_or_right():
            verify_bundle(path, policy)
            assert raw == whole


@fuzz
@given(st.data())
def test_a_bundle_with_one_altered_file_is_refused(
    bundle_files: dict[str, bytes], tmp_path: Path, data: st.DataObject
) -> None:
    """The manifest and its listing too: files renamed, left out, put in, exchanged."""
    names = [*bundle_files, "files/more", "../up", "files/.hidden", "files//x", "Files/a"]
    files = dict(bundle_files)
    name = data.draw(st.sampled_from(names))
    if data.draw(st.booleans()):
        files[name] = data.draw(altered(files.get(name, b"x")) | st.sampled_from([*bundle_files.values()]))
    else:
        moved = files.pop(name, b"new")
        files |= {data.draw(st.sampled_from(names)): moved}
    path = tmp_path / "bundle.zip"
    path.write_bytes(pack(files))
    for policy in (TRUST, None):
        with refused_or_right():
            verify_bundle(path, policy)
            assert files == bundle_files


# Large and deep


def _keys(count: int) -> list[VerifierKey]:
    return [VerifierKey("a", 1, sha256(at.to_bytes(4, "big")).digest()) for at in range(count)]


LARGE: dict[str, Callable[[], object]] = {
    "a note of newlines": lambda: Note.parse(b"\n" * 1_000_000),
    "a note of dashes": lambda: Note.parse(b"x\n\n" + "— ".encode() * 200_000),
    "a note of equal signatures": lambda: Note.parse(b"x\n\n" + SIGNED.partition(b"\n\n")[2] * 10_000),
    "a hundred good signatures": lambda: open_checkpoint(SIGNED + SIGNED.partition(b"\n\n")[2] * 99, [KEY.verifier]),
    "a long size": lambda: Checkpoint.parse("a\n" + "9" * 900_000 + "\n" + "A" * 43 + "=\n"),
    "a long key": lambda: VerifierKey.parse("a+" * 400_000),
    "a proof of hashes": lambda: TlogProof.parse(b"c2sp.org/tlog-proof@v1\nindex 0\n" + (b"A" * 43 + b"=\n") * 20_000),
    "a policy of blanks": lambda: Policy.parse(b" \t" * 500_000),
    "a policy of logs": lambda: Policy.parse("".join(f"log {key}\n" for key in _keys(15_000)).encode()),
    "a policy of one group": lambda: Policy.parse(b"group a any" + b" a" * 400_000),
    "a payload of brackets": lambda: read_payload(b'{"a":' + b"[" * 60_000),
    "a payload of digits": lambda: read_payload(b'{"a":' + b"9" * 60_000 + b"}"),
    "entries of brackets": lambda: check_entries(b"[" * 1_000_000 + b"\n", HEAD),
    "entries of digits": lambda: check_entries(b'{"index":' + b"9" * 1_000_000 + b"}\n", HEAD),
    "a zip of nothing": lambda: unpack(b"PK\x03\x04" * 250_000),
}


@pytest.mark.parametrize("what", LARGE)
def test_what_is_large_or_deep_is_refused_in_bounded_time(what: str) -> None:
    with refused_or_right():
        LARGE[what]()
        pytest.fail("none of these is valid")
