"""The page `docs/format.md` is true: its example is recomputed, its verifier runs without whosaw on real bundles.

Run as a program this file writes the example into the page again, after a deliberate change of the format.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from whosaw.prove import (
    BundleEntry,
    Checkpoint,
    SigningKey,
    TlogProof,
    VerifierKey,
    canonical,
    check_exposure,
    check_receipt,
    entry_bytes,
    entry_leaf,
    sign_batch,
    sign_checkpoint,
    verify_bundle,
    write_bundle,
)
from whosaw.prove.canonical import commitment
from whosaw.prove.merkle import LeafTree, inclusion_proof, node_hash
from whosaw.prove.note import encode_base64
from whosaw.prove.policy import Policy
from whosaw.record.tiles import TileEdge

PAGE = Path(__file__).parents[2] / "docs" / "format.md"
_BLOCK = re.compile(r"(<!-- example: (?P<name>[a-z]+) -->\n```[a-z]*\n)(?P<body>.*?)(^```$)", re.M | re.S)

AT_US = 1_795_490_489_075_523
PAYLOADS = [
    canonical({"kind": "denial", "at": AT_US - 2, "actor": 7}),
    canonical(
        {
            "kind": "disclosure",
            "at": AT_US - 1,
            "actor": 7,
            "subject": 17,
            "fields": ["customer.email=reveal", "customer.phone=mask"],
            "reason": 'Zoë: "no"\n',
        }
    ),
    canonical({"kind": "action", "at": AT_US, "actor": 9, "action": "review.delete", "object": "review:R-12"}),
]
SALTS = [bytes(range(0x20 * n, 0x20 * (n + 1))) for n in (5, 6, 7)]
LETTER = "Dear Zoë\n".encode()
# the numbers 1, 2 and 70,000 as RoaringFormatSpec says: one bucket, two array containers, their offsets
SET = bytes(32) + struct.pack("<QIIIHHHHIIHHH", 1, 0, 12_346, 2, 0, 1, 1, 0, 24, 28, 1, 2, 4_464)
SET_HASH = sha256(b"whosaw/exposure/v1\n" + SET).hexdigest()


def fixed_key(name: str, seed: bytes) -> SigningKey:
    """A key whose secret is known, by way of its written form."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    key_id = VerifierKey(name, 1, public).key_id.hex()
    return SigningKey.parse(f"PRIVATE+KEY+{name}+{key_id}+{encode_base64(bytes([1]) + seed)}")


TRAIL = fixed_key("acme.example/trail", bytes(range(0x20)))
RECEIPTS = fixed_key("acme.example/receipt", bytes(range(0x20, 0x40)))


def example() -> dict[str, str]:
    """Return the body of every marked block of the page but the verifier."""
    leaves = [entry_leaf(salt, raw) for salt, raw in zip(SALTS, PAYLOADS, strict=True)]
    tree = LeafTree(leaves)
    path = tuple(inclusion_proof(1, 3, tree))
    checkpoint = sign_checkpoint(Checkpoint(TRAIL.name, 3, tree.root()), TRAIL)
    batch = sign_batch(RECEIPTS, TRAIL.name, 0, leaves, AT_US)
    receipt = batch.receipts()[1]
    check_receipt(receipt, RECEIPTS.verifier, leaves[1])
    edge = TileEdge()
    edge.extend(leaves)
    (tile,) = edge.partials()
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        entry = BundleEntry(1, SALTS[1], PAYLOADS[1].decode(), path)
        write_bundle(bundle, checkpoint=checkpoint, entries=[entry], files={"letter.txt": LETTER}, seal=TRAIL)
        written = {
            name: (bundle / name).read_text("utf-8") for name in ("entries.jsonl", "manifest.json", "manifest.note")
        }
    head = b"whosaw/receipt/v1\n" + TRAIL.name.encode() + b"\n"
    message = head + (0).to_bytes(8, "big") + (3).to_bytes(8, "big") + tree.root() + AT_US.to_bytes(8, "big")
    values = {
        "trail key, secret": bytes(range(0x20)).hex(),
        "trail key": str(TRAIL.verifier),
        "receipt key, secret": bytes(range(0x20, 0x40)).hex(),
        "receipt key": str(RECEIPTS.verifier),
        "payload": PAYLOADS[1].decode(),
        "salt": SALTS[1].hex(),
        "commitment": commitment(SALTS[1], PAYLOADS[1]).hex(),
        "entry": entry_bytes(SALTS[1], PAYLOADS[1]).hex(),
        "leaf 0": leaves[0].hex(),
        "leaf 1": leaves[1].hex(),
        "leaf 2": leaves[2].hex(),
        "node of 0, 1": node_hash(leaves[0], leaves[1]).hex(),
        "root of 3": tree.root().hex(),
        "path of 1": " ".join(each.hex()[:8] + "…" for each in path) + " (leaf 0, leaf 2)",
        "tile": f"{tile.path} = leaf 0 ‖ leaf 1 ‖ leaf 2, SHA-256 {sha256(tile.body).hexdigest()[:16]}…",
    }
    assert tile.body == b"".join(leaves) and path == (leaves[0], leaves[2])
    assert RECEIPTS.verifier.verifies(message, receipt.signature)
    return {
        "values": aligned(values),
        "receipt": aligned({"message": message.hex(), "signature": receipt.signature.hex()}),
        "checkpoint": checkpoint.decode(),
        "proof": TlogProof(1, path, checkpoint).format().decode(),
        "entries": written["entries.jsonl"],
        "manifest": written["manifest.json"],
        "seal": written["manifest.note"],
    }


def aligned(values: dict[str, str]) -> str:
    wide = max(map(len, values))
    return "".join(f"{name:{wide}}  {value}\n" for name, value in values.items())


def on_page() -> dict[str, str]:
    return {match["name"]: match["body"] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", ["values", "receipt", "checkpoint", "proof", "entries", "manifest", "seal"])
def test_the_example_on_the_page_is_what_the_code_computes(name: str) -> None:
    assert on_page()[name] == example()[name]


def test_nothing_on_the_page_is_marked_and_not_checked() -> None:
    assert on_page().keys() == {*example(), "verifier"}


Verifier = Callable[[Path, object], subprocess.CompletedProcess[str]]


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    """The verifier of the page as a program that sees the standard library alone."""
    program = tmp_path / "verifier.py"
    program.write_text(on_page()["verifier"], encoding="utf-8")

    def run(bundle: Path, key: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-X", "utf8", str(program), str(bundle), str(key)]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)

    return run


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of eleven entries out of a thousand, a set of subjects that one of them names, and two files."""
    payloads = [
        canonical({"kind": "disclosure", "at": at, "actor": at % 9, "reason": "é" * (at % 5)}) for at in range(1000)
    ]
    payloads[511] = canonical({"kind": "disclosure", "at": 511, "exposure": SET_HASH, "subjects": 3})
    salts = [sha256(at.to_bytes(2, "big")).digest() for at in range(1000)]
    tree = LeafTree(entry_leaf(salt, raw) for salt, raw in zip(salts, payloads, strict=True))
    shown = [0, 1, 2, 255, 256, 500, 511, 512, 767, 998, 999]
    path = tmp_path / "bundle"
    write_bundle(
        path,
        checkpoint=sign_checkpoint(Checkpoint(TRAIL.name, 1000, tree.root()), TRAIL),
        entries=[
            BundleEntry(at, salts[at], payloads[at].decode(), tuple(inclusion_proof(at, 1000, tree))) for at in shown
        ],
        files={"letter.txt": LETTER, "mails/1.eml": b"Subject: x\r\n\r\n"},
        seal=TRAIL,
        sets={SET_HASH: SET},
    )
    return path


def test_the_verifier_of_the_page_needs_nothing_and_proves_a_real_bundle(bundle: Path, verifier: Verifier) -> None:
    done = verifier(bundle, TRAIL.verifier)
    assert (done.returncode, done.stderr) == (0, "")
    policy = Policy.parse(f"log {TRAIL.verifier}\nquorum none\n".encode())
    report = verify_bundle(bundle, policy)
    assert [int(line.split(" ")[0]) for line in done.stdout.splitlines()] == [*report.indices]
    assert '500 {"actor":5,"at":500,"kind":"disclosure","reason":""}' in done.stdout
    imports = re.findall(r"^(?:import|from) .*$", on_page()["verifier"], re.M)
    assert imports == ["import base64, hashlib, json, pathlib, sys"]


def flip(path: Path, at: int) -> None:
    body = bytearray(path.read_bytes())
    body[at] ^= 0x04
    path.write_bytes(body)


def swap_payloads(bundle: Path) -> None:
    path = bundle / "entries.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"actor', b'"aktor', 1))


@pytest.mark.parametrize(
    "alter",
    [
        *(lambda bundle, at=at: flip(bundle / "entries.jsonl", at) for at in (12, 40, 90, 700, -4)),
        *(lambda bundle, at=at: flip(bundle / "checkpoint", at) for at in (0, 20, 30, -20, -80)),
        *(lambda bundle, at=at: flip(bundle / "manifest.note", at) for at in (0, 25, 60, -20)),
        *(lambda bundle, at=at: flip(bundle / "manifest.json", at) for at in (20, 200, -4)),
        lambda bundle: flip(bundle / "exposure" / SET_HASH, 40),
        lambda bundle: (bundle / "exposure" / SET_HASH).rename(bundle / "exposure" / ("ab" * 32)),
        lambda bundle: flip(bundle / "files/letter.txt", 0),
        lambda bundle: (bundle / "files/letter.txt").unlink(),
        lambda bundle: (bundle / "files/more.txt").write_bytes(b""),
        lambda bundle: shutil.copy(bundle / "manifest.note", bundle / "checkpoint"),
        swap_payloads,
    ],
)
def test_the_verifier_of_the_page_refuses_what_whosaw_refuses(
    bundle: Path, verifier: Verifier, alter: Callable[[Path], object]
) -> None:
    alter(bundle)
    with pytest.raises(ValueError):
        verify_bundle(bundle)
    assert verifier(bundle, TRAIL.verifier).returncode != 0


def test_the_verifier_of_the_page_checks_sets_itself(bundle: Path, verifier: Verifier) -> None:
    assert check_exposure({"exposure": SET_HASH, "subjects": 3}, SET) == [1, 2, 70_000]
    kept = bundle / "exposure" / SET_HASH
    other = SET[:-2] + b"\x71\x11"
    kept.unlink()
    for name, body in ((SET_HASH, other), (sha256(b"whosaw/exposure/v1\n" + other).hexdigest(), other)):
        (bundle / "exposure" / name).write_bytes(body)
        reseal(bundle)
        with pytest.raises(ValueError, match="exposure"):
            verify_bundle(bundle)
        assert verifier(bundle, TRAIL.verifier).returncode != 0
        (bundle / "exposure" / name).unlink()
    kept.write_bytes(SET)
    reseal(bundle)
    assert verify_bundle(bundle).sets == (511,)
    assert verifier(bundle, TRAIL.verifier).returncode == 0


def test_the_verifier_of_the_page_proves_entries_itself_and_does_not_lean_on_the_seal(
    bundle: Path, verifier: Verifier
) -> None:
    # whoever holds the trail key can seal a bundle whose entries are not in the tree it names
    entries = (bundle / "entries.jsonl").read_bytes()
    for wrong in (
        entries.replace(b'"index":256', b'"index":257'),
        entries.replace(b'\\"actor\\":5', b'\\"actor\\":6', 1),
        re.sub(rb'"proof":\["[0-9a-f]{64}",', b'"proof":[', entries, count=1),
    ):
        assert wrong != entries
        (bundle / "entries.jsonl").write_bytes(wrong)
        reseal(bundle)
        with pytest.raises(ValueError, match=r"entries\.jsonl line"):
            verify_bundle(bundle)
        done = verifier(bundle, TRAIL.verifier)
        assert done.returncode != 0 and "NOT VERIFIED" in done.stderr


def reseal(bundle: Path) -> None:
    from whosaw.prove import sign_note

    manifest = bundle / "manifest.json"
    digest = sha256((bundle / "entries.jsonl").read_bytes()).hexdigest()
    manifest.write_bytes(re.sub(rb'(?<="entries.jsonl":")[0-9a-f]{64}', digest.encode(), manifest.read_bytes()))
    text = f"whosaw/bundle/v1\n{TRAIL.name}\n{sha256(manifest.read_bytes()).hexdigest()}\n"
    (bundle / "manifest.note").write_bytes(sign_note(text, [TRAIL]).format())


def test_the_verifier_of_the_page_trusts_the_key_it_was_given_only(bundle: Path, verifier: Verifier) -> None:
    other = fixed_key(TRAIL.name, b"\x07" * 32).verifier
    assert verifier(bundle, other).returncode != 0
    assert verifier(bundle, VerifierKey("acme.example/other", 1, TRAIL.verifier.public)).returncode != 0


if __name__ == "__main__":
    fresh = example()
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(
        _BLOCK.sub(lambda found: found[1] + fresh.get(found["name"], found["body"]) + found[4], text), encoding="utf-8"
    )
