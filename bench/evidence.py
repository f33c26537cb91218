"""How long a bundle of 100,000 entries takes to verify: with nothing but Python, and with whosaw.

    PYTHONPATH=src python bench/evidence.py [ENTRIES]

Prints seconds side by side, and the bundle's size.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from whosaw.answer.evidence import verifier_source
from whosaw.prove import BundleEntry, Checkpoint, SigningKey, canonical, entry_leaf, sign_checkpoint, write_bundle
from whosaw.prove.merkle import LeafTree, inclusion_proof


def build(path: Path, count: int) -> SigningKey:
    """Write a bundle of disclosures."""
    key = SigningKey.generate("example.com/trail")
    raw = [
        canonical({"kind": "disclosure", "at": n, "actor": n % 97, "subject": n, "fields": ["customer.email=reveal"]})
        for n in range(count)
    ]
    salts = [sha256(b"%d" % n).digest() for n in range(count)]
    tree = LeafTree([entry_leaf(salt, each) for salt, each in zip(salts, raw, strict=True)])
    entries = [BundleEntry(n, salts[n], raw[n].decode(), tuple(inclusion_proof(n, count, tree))) for n in range(count)]
    note = sign_checkpoint(Checkpoint(key.name, count, tree.root()), key)
    write_bundle(path, checkpoint=note, entries=entries, files={"verify.py": verifier_source()}, seal=key)
    return key


def timed(*command: str) -> float:
    """Return the seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Build, verify, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path, alone = Path(folder) / "case.zip", Path(folder) / "verify.py"
        began = time.perf_counter()
        key = build(path, count)
        built_s = time.perf_counter() - began
        alone.write_bytes(verifier_source())
        bare_s = timed(sys.executable, "-I", "-S", str(alone), str(path), "--key", str(key.verifier))
        ours_s = timed(sys.executable, "-m", "whosaw", "verify", str(path))
        size_mb = path.stat().st_size / 1e6
    print(f"{count:,} entries, {size_mb:.0f} MB; built in {built_s:.1f} s")
    print(f"verify.py alone {bare_s:.1f} s, whosaw verify {ours_s:.1f} s ({bare_s / ours_s:.2f} of it)")


if __name__ == "__main__":
    main()
