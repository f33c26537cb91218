"""The trail's own files and what strangers send: tiles, tile names, journals of receipts, requests to a witness."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whosaw.prove import (
    Checkpoint,
    ProofMismatch,
    ProveError,
    ReceiptInvalid,
    SigningKey,
    check_inclusion,
    check_receipt,
    sign_batch,
)
from whosaw.prove.merkle import LeafTree, consistency_proof, inclusion_proof, leaf_hash, tree_root
from whosaw.prove.note import Note, sign_note
from whosaw.prove.receipt import encode_batch
from whosaw.record import TrailDamaged, read_journal
from whosaw.record.published import published_tile
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.record.tiles import TileEdge, tile_path, tiles_of
from whosaw.record.witness.ask import AddCheckpoint

fuzz = settings(
    max_examples=int(os.environ.get("WHOSAW_FUZZ_EXAMPLES", "150")),
    deadline=None,
    derandomize="WHOSAW_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
LIMIT_S = 2.0

SIZE = 70_000  # three levels of tiles
TREE = LeafTree(leaf_hash(at.to_bytes(4, "big")) for at in range(SIZE))
ROOT = TREE.root()
KEY, RECEIPTS = SigningKey.generate("acme.example/trail"), SigningKey.generate("acme.example/receipt")


@contextmanager
def in_time() -> Iterator[None]:
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < LIMIT_S


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail's folder with every tile of the tree, and a checkpoint and other files beside them."""
    path = tmp_path_factory.mktemp("trail")
    edge = TileEdge()
    tiles = edge.extend([TREE(0, at) for at in range(SIZE)]) + edge.partials()
    for tile in tiles:  # as the shelf lays them, without its waiting for the disk
        (path / tile.path).parent.mkdir(parents=True, exist_ok=True)
        (path / tile.path).write_bytes(tile.body)
    (path / "checkpoint").write_bytes(sign_note(Checkpoint(KEY.name, SIZE, ROOT).format(), [KEY]).format())
    (path / "lock").touch()
    (path / "tile" / "secret").write_bytes(b"not a tile")
    return path


NAMES = [tile_path(*each).removeprefix("tile/") for each in tiles_of(SIZE)]
_PIECES = [
    *"/.px019",
    "..",
    "../",
    "//",
    "./",
    ".p/",
    "x",
    "000",
    "x000/",
    "256",
    "\x00",
    "%2e",
    "٣",
    "data",
    "entries",
    "-1",
    "\n",
]


OTHER_NAMES = [
    *(
        "../checkpoint",
        "../lock",
        "secret",
        "0",
        "0/000.p",
        "",
        "0/",
        "0/x000/000",
        "1/x000/x000/001",
        "00/000",
        "64/000",
    ),
    *("0/000.p/256", "0/000.p/0", "0/000.p/1", "0/273.p/0112", "0/273.p/112/", "/0/000", "0/x999/x999/999", "0/274"),
]


@st.composite
def altered_names(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(NAMES))
    for _ in range(draw(st.integers(1, 3))):
        low, high = sorted((draw(st.integers(0, len(name))), draw(st.integers(0, len(name)))))
        name = name[:low] + draw(st.sampled_from(_PIECES) | st.text(max_size=2)) + name[high:]
    return name


@fuzz
@given(altered_names() | st.text() | st.sampled_from(OTHER_NAMES))
def test_only_the_one_name_of_a_tile_opens_it_and_nothing_else_in_the_folder(folder: Path, name: str) -> None:
    with in_time():
        body = published_tile(folder, name)
    assert (body is not None) == (name in NAMES)
    if body is not None:
        assert body == (folder / "tile" / name).read_bytes()


@pytest.mark.parametrize("name", NAMES[::40] + NAMES[-4:])
def test_every_tile_opens_by_its_name(folder: Path, name: str) -> None:
    assert published_tile(folder, name) == (folder / "tile" / name).read_bytes()


@fuzz
@given(st.data())
def test_an_altered_tile_gives_no_proof_that_holds(folder: Path, data: st.DataObject) -> None:
    name, index = data.draw(st.sampled_from(NAMES)), data.draw(st.integers(0, SIZE - 1))
    path = folder / "tile" / name
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    wrong = data.draw(
        st.sampled_from([b"", whole[:at], whole[at:], whole + bytes(32), whole[32:], whole * 2, whole[::-1]])
        | st.integers(0, 7).map(lambda bit: whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    )
    path.write_bytes(wrong)
    try:
        with in_time():
            proof = inclusion_proof(index, SIZE, TileNodes(Shelf(folder), SIZE))
            check_inclusion(TREE(0, index), index, SIZE, proof, ROOT)
    except (TrailDamaged, ProofMismatch):
        return
    finally:
        path.write_bytes(whole)
    assert proof == inclusion_proof(index, SIZE, TREE), "the altered tile was not needed, or its altered part"


def test_the_tiles_give_the_tree(folder: Path) -> None:
    nodes = TileNodes(Shelf(folder), SIZE)
    assert tree_root(SIZE, nodes) == ROOT
    for index in (0, 255, 256, 65_535, 65_536, SIZE - 1):
        check_inclusion(TREE(0, index), index, SIZE, inclusion_proof(index, SIZE, nodes), ROOT)


BATCHES = [
    sign_batch(RECEIPTS, KEY.name, first, [TREE(0, at) for at in range(first, first + count)], 1_700_000_000_000_000)
    for first, count in ((0, 1), (1, 5), (6, 3))
]
JOURNAL = b"".join(json.dumps(encode_batch(each)).encode() + b"\n" for each in BATCHES)
PROMISED = [receipt for batch in BATCHES for receipt in batch.receipts()]


@st.composite
def altered_bytes(draw: st.DrawFn, raw: bytes) -> bytes:
    body = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        at, to = draw(st.integers(0, len(body))), draw(st.integers(0, 80))
        put = draw(st.binary(max_size=3) | st.sampled_from([b"\n", b"{}", b"[]", b'"', b"null\n", b"  ", b"9" * 400]))
        body[at : at + draw(st.sampled_from([0, 1, to]))] = put
    return bytes(body)


@fuzz
@given(altered_bytes(JOURNAL) | st.binary())
def test_a_journal_holds_no_receipt_that_was_not_promised(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "door.jsonl"
    path.write_bytes(raw)
    with in_time(), suppress(ReceiptInvalid):
        for receipt in read_journal(path):
            with suppress(ReceiptInvalid):
                check_receipt(receipt, RECEIPTS.verifier)
                assert receipt in PROMISED


ASK = AddCheckpoint(
    1_000,
    tuple(consistency_proof(1_000, SIZE, TREE)),
    Note.parse(sign_note(Checkpoint(KEY.name, SIZE, ROOT).format(), [KEY]).format()),
).format()


@fuzz
@given(altered_bytes(ASK) | st.binary())
def test_a_request_to_a_witness_is_read_as_it_was_written_or_refused(raw: bytes) -> None:
    with in_time(), suppress(ProveError):
        assert AddCheckpoint.parse(raw).format() == raw
