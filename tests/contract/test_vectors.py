"""Vectors of outside origin: the RFCs' own, Go's, and the examples in the C2SP specifications.

`tests/contract/vectors` holds small files, each with its source. The specifications' examples are read from a copy of
the C2SP repository in the folder that `WHOSAW_C2SP` names (``git clone https://github.com/C2SP/C2SP``).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from whosaw.prove import (
    Checkpoint,
    Note,
    NoteInvalid,
    SigningKey,
    VerifierKey,
    canonical,
    check_consistency,
    check_inclusion,
    sign_note,
)
from whosaw.prove.merkle import EMPTY_ROOT, LeafTree, consistency_proof, inclusion_proof, leaf_hash
from whosaw.prove.note import COSIGNATURE, cosigned_message
from whosaw.prove.proof import PROOF_HEADER
from whosaw.record.tiles import tile_path

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "scripts" / "vectors"
SUMDB = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")


def vectors(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((HERE / "vectors" / f"{name}.json").read_text(encoding="utf-8"))
    assert read["source"]
    return read


def unhex(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in hashes]


# RFC 6962: trees


def test_the_roots_and_proofs_of_the_reference_tree_are_ours() -> None:
    known = vectors("rfc6962")
    leaves = [leaf_hash(each) for each in unhex(known["entries"])]
    roots, tree = unhex(known["roots"]), LeafTree(leaves)
    assert EMPTY_ROOT.hex() == known["empty"]
    assert [LeafTree(leaves[:size]).root() for size in range(1, 9)] == roots
    for each in known["inclusion"]:
        index, size, path = each["index"], each["size"], unhex(each["path"])
        assert inclusion_proof(index, size, tree) == path
        check_inclusion(leaves[index], index, size, path, roots[size - 1])
    for each in known["consistency"]:
        old, size, proof = each["old"], each["size"], unhex(each["proof"])
        assert consistency_proof(old, size, tree) == proof
        check_consistency((old, roots[old - 1]), (size, roots[size - 1]), proof)


# RFC 8032: signatures; RFC 8785: canonical JSON


def test_our_signatures_are_those_of_the_rfc() -> None:
    for each in vectors("rfc8032")["signatures"]:
        secret, public, message, signature = (
            bytes.fromhex(each[name]) for name in ("secret", "public", "message", "signature")
        )
        key = SigningKey("rfc.example", Ed25519PrivateKey.from_private_bytes(secret))
        assert key.verifier.public == public
        assert key.sign(message) == signature
        assert key.verifier.verifies(message, signature)
        assert not key.verifier.verifies(message + b"x", signature)


def test_strings_and_integers_are_written_as_the_rfc_writes_them() -> None:
    known = vectors("rfc8785")
    for each in known["strings"] + known["integers"]:
        assert canonical({"v": each["value"]}) == f'{{"v":{each["canonical"]}}}'.encode()


# golang.org/x/mod/sumdb


def test_go_s_notes_and_keys_are_ours() -> None:
    known = vectors("sumdb")
    keys = {key.name: key for key in map(VerifierKey.parse, known["keys"])}
    assert [str(key) for key in keys.values()] == known["keys"]
    peter, enoch = known["signature_lines"][:2]
    note = Note.parse(f"{known['text']}\n{peter}\n{enoch}\n".encode())
    assert [key.name for key, _ in note.verify(keys.values())] == ["PeterNeumann", "EnochRoot"]
    signer = SigningKey.parse(known["signing_key"])
    assert signer.verifier == keys["PeterNeumann"]
    assert sign_note(known["text"], [signer]).format() == f"{known['text']}\n{peter}\n".encode()


def test_what_go_refuses_as_a_key_we_refuse() -> None:
    known = vectors("sumdb")
    good = known["keys"][0]
    pieces = {good[low:high] for low in range(len(good)) for high in range(low, len(good) + 1)} - {good}
    shifted = {good[:at] + chr(ord(good[at]) + 1) + good[at + 1 :] for at in range(len(good))}
    assert len(known["bad_keys"]) == 2
    for bad in (*known["bad_keys"], *pieces, *shifted):
        with pytest.raises(NoteInvalid):
            VerifierKey.parse(bad)


def test_go_s_tile_paths_are_ours_without_the_height() -> None:
    rows = [(each["path"].split("/"), each["tile"]) for each in vectors("sumdb")["tiles"]]
    hashes = [(path, tile) for path, tile in rows if tile and tile[1] >= 0]
    assert len(hashes) >= 5
    for (_, height, *rest), (_, level, number, width) in hashes:
        ours = tile_path(level, number, width if width < 1 << int(height) else 256)
        assert ours == "/".join(["tile", *rest])


def test_go_s_tree_text_holds_our_hash_of_its_record() -> None:
    known = vectors("sumdb")["tree"]
    origin, size, root = known["text"].splitlines()
    assert base64.b64decode(root) == leaf_hash(known["record"].encode())
    # Go's own origin has spaces, which no key name of ours may have; the two lines that follow are the same
    ours = Checkpoint("go.sum.example", int(size), leaf_hash(known["record"].encode()))
    assert ours.format() == known["text"].replace(origin, "go.sum.example")


@pytest.mark.system
def test_the_vectors_are_those_of_the_installed_sources() -> None:
    if not SUMDB.is_dir():
        pytest.skip("needs Debian's golang-golang-x-mod-dev (scripts/system-packages)")
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# The C2SP specifications


Pages = Callable[[str], str]


@pytest.fixture
def spec() -> Pages:
    folder = os.environ.get("WHOSAW_C2SP")
    if not folder:
        pytest.skip("reads the specifications from the folder in WHOSAW_C2SP")

    return lambda name: Path(folder, f"{name}.md").read_text(encoding="utf-8")


def only(pattern: str, page: str) -> str:
    (found,) = set(re.findall(pattern, page, re.M))
    return str(found)


def fenced(page: str, holding: str) -> str:
    """Return the code block of a page, fenced or indented, that holds a text."""
    found = re.findall(r"^```[^\n]*\n(.*?)^```$", page, re.M | re.S)
    found += [re.sub(r"^    ", "", each, flags=re.M) for each in re.findall(r"(?:^(?:    [^\n]*)?\n)+", page, re.M)]
    return str(next(block for block in found if holding in block))


def test_the_note_of_the_signed_note_specification_verifies(spec: Pages) -> None:
    page = spec("signed-note")
    key = VerifierKey.parse(only(r"^    (example\.com/foo\+\S+)$", page))
    assert key.key_id.hex() == "530d903a"
    note = Note.parse(fenced(page, "— example.com/foo").encode())
    assert [signer for signer, _ in note.verify([key])] == [key]
    assert note.text == "This is an example message.\n"


def test_the_checkpoint_of_the_specification_is_one_to_us(spec: Pages) -> None:
    note = Note.parse(fenced(spec("tlog-checkpoint"), "20852163").encode())
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.format() == note.text
    assert [line.name for line in note.signatures] == ["example.com/behind-the-sofa"]


def test_the_message_of_the_cosignature_specification_is_what_we_sign(spec: Pages) -> None:
    page = spec("tlog-cosignature")
    message = fenced(page, "cosignature/v1").strip("\n") + "\n"
    seconds = int(only(r"^time (\d+)$", message))
    note = Note.parse(fenced(page, "— witness.example.com/w1").encode())
    assert cosigned_message(note.text, seconds) == message.encode()
    (line,) = [line for line in note.signatures if line.name == "witness.example.com/w1"]
    # the line's time and length are those of the message; its key is not in the specification
    assert int.from_bytes(line.signature[:8], "big") == seconds
    assert len(line.signature) == 72
    assert VerifierKey("w", COSIGNATURE, bytes(32)).key_id != VerifierKey("w", 1, bytes(32)).key_id


def test_the_head_of_the_proof_specification_is_what_we_write(spec: Pages) -> None:
    page = spec("tlog-proof")
    assert PROOF_HEADER in page
    example = fenced(page, PROOF_HEADER + "\n")
    head, _, rest = example.partition("\n\n")
    lines = head.strip("\n").split("\n")
    assert lines[0] == PROOF_HEADER
    assert any(line.startswith("index ") for line in lines[1:3])
    hashes = [base64.b64decode(line, validate=True) for line in lines if re.fullmatch(r"[A-Za-z0-9+/]{43}=", line)]
    assert hashes and {len(each) for each in hashes} == {32}
    assert Checkpoint.parse("\n".join(rest.split("\n")[:3]) + "\n").origin == "example.com/fancylog"


def test_the_tile_paths_of_the_specification_are_ours(spec: Pages) -> None:
    page = spec("tlog-tiles")
    assert tile_path(0, 1_234_067).removeprefix("tile/0/") in page
    for level, number, width in re.findall(r"tile/(\d+)/(\d{3})\.p/(\d+)", page):
        assert tile_path(int(level), int(number), int(width)) in page
