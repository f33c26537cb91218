"""Whatever bytes are changed anywhere in a bundle, it never verifies."""

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.prove import (
    BundleEntry,
    BundleInvalid,
    Checkpoint,
    Policy,
    SigningKey,
    canonical,
    entry_leaf,
    sign_checkpoint,
    verify_bundle,
    write_bundle,
)
from whosaw.prove.merkle import LeafTree, inclusion_proof

KEY = SigningKey.generate("example.com/trail")
RAW = [canonical({"kind": "disclosure", "subject": number}) for number in range(9)]
SALTS = [sha256(b"%d" % number).digest() for number in range(9)]
TREE = LeafTree([entry_leaf(salt, raw) for salt, raw in zip(SALTS, RAW, strict=True)])


@pytest.fixture(scope="module")
def bundles():
    folder = Path(tempfile.mkdtemp())
    entries = [BundleEntry(at, SALTS[at], RAW[at].decode(), tuple(inclusion_proof(at, 9, TREE))) for at in (0, 5, 8)]
    note = sign_checkpoint(Checkpoint(KEY.name, 9, TREE.root()), KEY)
    for name in ("b", "b.zip"):
        write_bundle(folder / name, checkpoint=note, entries=entries, files={"a.txt": b"letter", "e": b""}, seal=KEY)
    yield folder
    shutil.rmtree(folder)


@given(data=st.data())
def test_changed_bytes_in_a_zip_never_verify(bundles, data):
    raw = (bundles / "b.zip").read_bytes()
    body = bytearray(raw)
    start = data.draw(st.integers(0, len(raw)))
    body[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    if bytes(body) == raw:
        return
    (bundles / "altered.zip").write_bytes(bytes(body))
    for policy in (None, Policy((KEY.verifier,))):
        with pytest.raises(BundleInvalid):
            verify_bundle(bundles / "altered.zip", policy)


@given(data=st.data())
def test_changed_bytes_in_any_file_of_a_folder_never_verify(bundles, data):
    files = sorted(path for path in (bundles / "b").rglob("*") if path.is_file())
    target = data.draw(st.sampled_from(files))
    raw = target.read_bytes()
    body = bytearray(raw)
    start = data.draw(st.integers(0, len(raw)))
    body[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    if bytes(body) == raw:
        return
    target.write_bytes(bytes(body))
    try:
        with pytest.raises(BundleInvalid):
            verify_bundle(bundles / "b")
    finally:
        target.write_bytes(raw)
