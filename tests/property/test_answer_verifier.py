"""The one-file verifier of bundles: right where the bundle holds, and never where any byte of it was changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.__main__ import _when
from whosaw.answer.evidence import verifier_source
from whosaw.prove import (
    BundleEntry,
    BundleInvalid,
    Checkpoint,
    NoteInvalid,
    Policy,
    SigningKey,
    canonical,
    entry_leaf,
    open_checkpoint,
    sign_checkpoint,
    verify_bundle,
    write_bundle,
    write_later,
)
from whosaw.prove.cosign import CosigningKey
from whosaw.prove.later import check_later
from whosaw.prove.merkle import LeafTree, consistency_proof, inclusion_proof
from whosaw.prove.note import Note, sign_note

KEY, OTHER = SigningKey.generate("example.com/trail"), SigningKey.generate("example.com/trail")
WITNESS = CosigningKey(SigningKey.generate("witness.example"))
SIZE = 13
RAW = [canonical({"kind": "disclosure", "at": 1, "subject": number}) for number in range(SIZE)]
SALTS = [sha256(b"%d" % number).digest() for number in range(SIZE)]
LEAVES = [entry_leaf(salt, raw) for salt, raw in zip(SALTS, RAW, strict=True)]
TREE = LeafTree(LEAVES)
LATER = 21
GROWN = [*LEAVES, *(sha256(b"later %d" % number).digest() for number in range(SIZE, LATER))]


def load() -> Any:
    path = Path(tempfile.mkdtemp()) / "verify.py"
    path.write_bytes(verifier_source())
    loader = SourceFileLoader("bundle_verifier", str(path))
    spec = spec_from_loader("bundle_verifier", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


VERIFY = load()


def checkpoint(size: int, *, cosigned: bool = True) -> bytes:
    plain = sign_checkpoint(Checkpoint(KEY.name, size, LeafTree(LEAVES[:size]).root()), KEY)
    note = Note.parse(plain)
    lines = note.signatures + ((WITNESS.cosign(note.text, 1_775_000_000),) if cosigned else ())
    return Note(note.text, lines).format()


def path(index: int) -> tuple[bytes, ...]:
    return tuple(inclusion_proof(index, SIZE, TREE))


def files() -> dict[str, bytes]:
    line = {"index": 3, "leaf": LEAVES[3].hex(), "proof": [each.hex() for each in path(3)]}
    found = {"a.txt": b"letter", "verify.py": verifier_source()}
    found["redacted.jsonl"] = json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    for older in (1, 5, 8, SIZE):
        proof = [each.hex() for each in consistency_proof(older, SIZE, TREE)]
        found[f"stamps/{older}/checkpoint"] = checkpoint(older, cosigned=False)
        found[f"stamps/{older}/consistency.json"] = json.dumps({"proof": proof}).encode()
    return found


@pytest.fixture(scope="module")
def bundles() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    entries = [BundleEntry(at, SALTS[at], RAW[at].decode(), path(at)) for at in (0, 5, 8, 12)]
    for name in ("b", "b.zip"):
        write_bundle(folder / name, checkpoint=checkpoint(SIZE), entries=entries, files=files(), seal=KEY)
    yield folder
    shutil.rmtree(folder)


def verifies(where: Path, *, key: Any = None) -> bool:
    try:
        VERIFY.verify(VERIFY.read_files(str(where)), key)
    except VERIFY.NotVerified:
        return False
    return True


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_a_bundle_verifies_with_nothing_but_python(bundles: Path, name: str) -> None:
    alone = bundles / "elsewhere.py"
    alone.write_bytes(verifier_source())
    keys = ["--key", str(KEY.verifier), "--witness", str(WITNESS.verifier)]
    # -I -S: no site-packages, no environment, no user's folder
    command = [sys.executable, "-I", "-S", str(alone), str(bundles / name)]
    done = subprocess.run([*command, *keys], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 entries proved against a checkpoint over 13 entries" in done.stdout
    # as many files as whosaw itself counts
    assert f"1 redacted leaves, 4 stamped checkpoints, {len(files())} files" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("VERIFIED under the key you gave; cosigned by 1 witness that")
    assert f"{WITNESS.verifier.name} cosigned that checkpoint on 2026-" in done.stdout
    unnamed = subprocess.run([*command, "--key", str(KEY.verifier)], capture_output=True, text=True, check=False)
    assert unnamed.stdout.splitlines()[-1] == "VERIFIED under the key you gave; no witness was named"
    no_witness = [*command, "--key", str(KEY.verifier), "--witness", str(KEY.verifier)]
    own = subprocess.run(no_witness, capture_output=True, text=True, check=False)
    assert own.returncode == 1 and "belongs to no witness" in own.stdout
    unsure = subprocess.run(command, capture_output=True, text=True, check=False)
    assert unsure.returncode == 0 and "compare this key" in unsure.stdout
    wrong = subprocess.run([*command, "--key", str(OTHER.verifier)], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1 and wrong.stdout.startswith("NOT VERIFIED")


def test_the_verifier_inside_a_bundle_verifies_the_bundle_it_lies_in(bundles: Path) -> None:
    copy = bundles / "whole"
    shutil.copytree(bundles / "b", copy)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", str(copy / "files" / "verify.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(copy)


@given(data=st.data())
def test_changed_bytes_in_a_zip_never_verify(bundles: Path, data: st.DataObject) -> None:
    raw = (bundles / "b.zip").read_bytes()
    body = bytearray(raw)
    start = data.draw(st.integers(0, len(raw)))
    body[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    if bytes(body) == raw:
        return
    (bundles / "altered.zip").write_bytes(bytes(body))
    assert not verifies(bundles / "altered.zip")


@given(data=st.data())
def test_one_changed_byte_in_any_file_of_a_folder_never_verifies(bundles: Path, data: st.DataObject) -> None:
    whole = VERIFY.read_files(str(bundles / "b"))
    name = data.draw(st.sampled_from(sorted(whole)))
    at = data.draw(st.integers(0, len(whole[name]) - 1))
    change = data.draw(st.integers(1, 255))
    body = bytearray(whole[name])
    body[at] ^= change
    with pytest.raises(VERIFY.NotVerified):
        VERIFY.verify({**whole, name: bytes(body)})


@given(data=st.data())
def test_a_file_taken_away_or_added_never_verifies(bundles: Path, data: st.DataObject) -> None:
    whole = VERIFY.read_files(str(bundles / "b"))
    name = data.draw(st.sampled_from(sorted(whole)))
    with pytest.raises(VERIFY.NotVerified):
        VERIFY.verify({each: body for each, body in whole.items() if each != name})
    with pytest.raises(VERIFY.NotVerified):
        VERIFY.verify({**whole, "files/more.txt": data.draw(st.binary(max_size=9))})


def later(old: int = SIZE, size: int = LATER, key: SigningKey = KEY, seal: SigningKey = KEY) -> bytes:
    """Return what leads from the bundle's tree, or a smaller one, to a later one."""
    head = Checkpoint(KEY.name, old, LeafTree(GROWN[:old]).root())
    text = Note.parse(sign_checkpoint(Checkpoint(KEY.name, size, LeafTree(GROWN[:size]).root()), key))
    note = Note(text.text, (*text.signatures, WITNESS.cosign(text.text, 1_775_000_000))).format()
    return write_later(head, note, consistency_proof(old, size, LeafTree(GROWN[:size])), seal)


LED = later()


def both_refuse(bundles: Path, raw: bytes) -> None:
    with pytest.raises(VERIFY.NotVerified):
        VERIFY.verify(VERIFY.read_files(str(bundles / "b")), later=raw)
    with pytest.raises(BundleInvalid):
        verify_bundle(bundles / "b", later=raw)


def test_a_bundle_is_led_to_a_later_checkpoint_by_either_verifier(bundles: Path) -> None:
    file = bundles / "later"
    file.write_bytes(later())
    alone = bundles / "elsewhere.py"
    alone.write_bytes(verifier_source())
    command = [sys.executable, "-I", "-S", str(alone), str(bundles / "b.zip"), "--key", str(KEY.verifier)]
    command += ["--witness", str(WITNESS.verifier), "--later", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"the trail had {LATER} entries later, and was only added to since" in done.stdout
    assert f"{WITNESS.verifier.name} cosigned the later checkpoint on 2026-03-31 at 23:33:20 UTC" in done.stdout
    trusted = f"log {KEY.verifier}\nwitness w {WITNESS.verifier}\nquorum w\n".encode()
    report = verify_bundle(bundles / "b", Policy.parse(trusted), later=file.read_bytes())
    assert (report.later, report.size, report.trusted) == (LATER, SIZE, True)
    assert report.later_witnessed == ((WITNESS.verifier.name, 1_775_000_000),) and len(report.witnessed) == 1
    with pytest.raises(BundleInvalid, match="another checkpoint") as found:
        verify_bundle(bundles / "b", later=later(old=8))
    assert "for this very bundle" in found.value.hint
    with pytest.raises(VERIFY.NotVerified, match="the file of --later: it was made for another bundle"):
        VERIFY.verify(VERIFY.read_files(str(bundles / "b")), later=later(old=8))
    assert verify_bundle(bundles / "b").later == 0
    # a key that followed: nobody believes it unasked
    new = later(key=OTHER, seal=OTHER)
    both_refuse(bundles, new)
    whole = VERIFY.read_files(str(bundles / "b"))
    assert VERIFY.verify(whole, later=new, later_key=VERIFY.Key(str(OTHER.verifier)))["later"] == LATER
    both = Policy.parse(f"log {KEY.verifier}\nlog {OTHER.verifier}\nquorum none\n".encode())
    assert verify_bundle(bundles / "b", both, later=new).later == LATER


def test_what_leads_elsewhere_or_back_or_lacks_the_witness_is_refused(bundles: Path) -> None:
    for raw in (
        later(old=8),
        later(old=SIZE - 1, size=SIZE),
        later(size=SIZE),
        later(key=OTHER),
        later(seal=OTHER),
        b"",
    ):
        both_refuse(bundles, raw)
    head = Checkpoint(KEY.name, SIZE, TREE.root())
    rewritten = [*LEAVES[:5], sha256(b"x").digest(), *GROWN[6:]]
    other = sign_checkpoint(Checkpoint(KEY.name, LATER, LeafTree(rewritten).root()), KEY)
    for tree in (GROWN, rewritten):  # whoever holds the key cannot prove what is not so
        both_refuse(bundles, write_later(head, other, consistency_proof(SIZE, LATER, LeafTree(tree)), KEY))
    grown = sign_checkpoint(Checkpoint(KEY.name, LATER, LeafTree(GROWN).root()), KEY)
    uncosigned = write_later(head, grown, consistency_proof(SIZE, LATER, LeafTree(GROWN)), KEY)
    assert verify_bundle(bundles / "b", later=uncosigned).later == LATER
    trusted = Policy.parse(f"log {KEY.verifier}\nwitness w {WITNESS.verifier}\nquorum w\n".encode())
    with pytest.raises(BundleInvalid, match="quorum"):
        verify_bundle(bundles / "b", trusted, later=uncosigned)
    with pytest.raises(VERIFY.NotVerified, match="not signed by"):
        whole, witness = VERIFY.read_files(str(bundles / "b")), VERIFY.Key(str(WITNESS.verifier))
        VERIFY.verify(whole, witnesses=[witness], later=uncosigned)


@given(data=st.data())
def test_a_later_file_with_changed_bytes_never_verifies(data: st.DataObject) -> None:
    raw = LED
    body = bytearray(raw)
    start = data.draw(st.integers(0, len(raw)))
    body[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    if bytes(body) == raw:
        return
    head = Checkpoint(KEY.name, SIZE, TREE.root())
    with pytest.raises(BundleInvalid):
        check_later(bytes(body), head, [KEY.verifier], lambda note: open_checkpoint(note, [KEY.verifier]))
    with pytest.raises(VERIFY.NotVerified):
        VERIFY.check_later(bytes(body), (KEY.name, SIZE, TREE.root()), VERIFY.Key(str(KEY.verifier)))


def resealed(whole: dict[str, bytes], changed: dict[str, bytes], key: SigningKey = KEY) -> dict[str, bytes]:
    """Return the bundle with files changed and the seal made anew: what whoever holds the key could write."""
    body = {**whole, **changed}
    manifest = json.loads(body["manifest.json"])
    manifest["files"] = {name: sha256(body[name]).hexdigest() for name in manifest["files"]}
    body["manifest.json"] = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    sealed = f"whosaw/bundle/v1\n{key.name}\n{sha256(body['manifest.json']).hexdigest()}\n"
    return body | {"manifest.note": sign_note(sealed, [key]).format()}


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (
            "entries.jsonl",
            lambda raw: raw.replace(b'\\"subject\\":5', b'\\"subject\\":6'),
            "entry 5 is not in the tree",
        ),
        ("entries.jsonl", lambda raw: b"".join(reversed(raw.splitlines(keepends=True))), "not in order"),
        ("files/redacted.jsonl", lambda raw: raw.replace(b'"index":3', b'"index":4'), "redacted entry 4"),
        ("files/stamps/5/checkpoint", lambda raw: checkpoint(8, cosigned=False), "tree|proof"),
        ("files/stamps/8/consistency.json", lambda raw: b'{"proof": []}', "tree|proof"),
    ],
)
def test_even_with_the_operators_key_a_false_entry_or_history_does_not_verify(
    bundles: Path, name: str, change: Any, says: str
) -> None:
    whole = VERIFY.read_files(str(bundles / "b"))
    body = change(whole[name])
    assert body != whole[name]
    VERIFY.verify(resealed(whole, {}))
    with pytest.raises(VERIFY.NotVerified, match=says):
        VERIFY.verify(resealed(whole, {name: body}))


def test_a_missing_or_false_cosignature_is_found(bundles: Path) -> None:
    whole = VERIFY.read_files(str(bundles / "b"))
    VERIFY.verify(whole, witnesses=[VERIFY.Key(str(WITNESS.verifier))])
    stranger = CosigningKey(SigningKey.generate("witness.example")).verifier
    with pytest.raises(VERIFY.NotVerified, match="not signed by"):
        VERIFY.verify(whole, witnesses=[VERIFY.Key(str(stranger))])


def test_two_cosignatures_of_one_witness_are_one_too_many_for_either_verifier(bundles: Path) -> None:
    whole = VERIFY.read_files(str(bundles / "b"))
    once = Note.parse(whole["checkpoint"])
    twice = Note(once.text, (*once.signatures, WITNESS.cosign(once.text, 1_775_000_100))).format()
    made = resealed(whole, {"checkpoint": twice})
    trusted = f"log {KEY.verifier}\nwitness w {WITNESS.verifier}\nquorum w\n"
    with pytest.raises(VERIFY.NotVerified, match="signed a note twice"):
        VERIFY.verify(made, witnesses=[VERIFY.Key(str(WITNESS.verifier))])
    where = bundles / "twice"
    for name, body in made.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(body)
    with pytest.raises((BundleInvalid, NoteInvalid), match="signed twice"):
        verify_bundle(where, Policy.parse(trusted.encode()))


@pytest.mark.parametrize("seconds", [253_402_300_800, 10**15, 2**62, 2**64])
def test_a_witness_may_set_its_clock_to_any_year_and_either_verifier_says_so(seconds: int) -> None:
    for said in (_when(seconds), VERIFY._when(seconds)):
        assert said == f"second {seconds} since 1970" or (said.endswith(" UTC") and int(said.split("-")[0]) > 9999)
    assert _when(1_775_000_000) == VERIFY._when(1_775_000_000) == "2026-03-31 at 23:33:20 UTC"


@given(st.integers(1, SIZE), st.integers(1, SIZE))
def test_growth_is_proved_for_every_pair_of_sizes(one: int, other: int) -> None:
    old, size = min(one, other), max(one, other)
    proof = consistency_proof(old, size, LeafTree(LEAVES[:size]))
    VERIFY.check_growth(old, LeafTree(LEAVES[:old]).root(), size, LeafTree(LEAVES[:size]).root(), proof)
    if old < size:
        with pytest.raises(VERIFY.NotVerified):
            VERIFY.check_growth(old, sha256(b"x").digest(), size, LeafTree(LEAVES[:size]).root(), proof)


@given(st.binary(min_size=1, max_size=60))
def test_signatures_are_those_of_the_library(message: bytes) -> None:
    signature = KEY.sign(message)
    VERIFY.check_signature(KEY.verifier.public, signature, message)
    with pytest.raises(VERIFY.NotVerified):
        VERIFY.check_signature(KEY.verifier.public, signature, message + b"!")
