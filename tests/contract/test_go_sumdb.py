"""Notes, trees, proofs and tiles against golang.org/x/mod/sumdb, in both directions.

That package is the origin of the signed-note and tile formats and shares no code with whosaw. What one side writes the
other must accept; what is corrupted both must refuse, and where whosaw is the stricter one the difference is named.
"""

from __future__ import annotations

import base64
import random
from hashlib import sha256
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

import pytest

from whosaw.prove import (
    Checkpoint,
    Note,
    NoteInvalid,
    ProofMismatch,
    SigningKey,
    VerifierKey,
    check_consistency,
    check_inclusion,
    open_checkpoint,
    sign_checkpoint,
    sign_note,
)
from whosaw.prove.merkle import LeafTree, consistency_proof, inclusion_proof, leaf_hash, tree_root
from whosaw.prove.note import check_key_name
from whosaw.record.tiles import TileEdge, tile_path, tiles_of

pytestmark = pytest.mark.system

ALL_PAIRS = 40
LARGE = 70_000  # three levels of tiles: 273 full and one of 112, one full and one of 17, one of 1
SIZES = [255, 256, 257, 511, 512, 513, 1000, 4095, 4096, 65_535, 65_536, 65_537, LARGE]
ORIGIN = "example.com/trail"

Check = dict[str, Any]
Tree = tuple[LeafTree, list[bytes]]  # ours, and Go's root of every size of it, from 1 on


def entries(count: int) -> list[bytes]:
    """Distinct entries, the empty one first, with lengths on both sides of SHA-256's block."""
    return [b"", *(sha256(at.to_bytes(4, "big")).digest() * (1 + at % 4) for at in range(1, count))][:count]


def raw(text: str) -> bytes:
    return base64.b64decode(text)


@pytest.fixture(scope="module")
def small(sumdb: Any) -> Tree:
    body = entries(ALL_PAIRS)
    roots = [raw(each) for each in sumdb.ask("grow", entries=body)["roots"]]
    return LeafTree(leaf_hash(each) for each in body), roots


@pytest.fixture(scope="module")
def large(sumdb: Any) -> Tree:
    body = entries(LARGE)
    roots = [raw(each) for each in sumdb.ask("grow", entries=body)["roots"]]
    return LeafTree(leaf_hash(each) for each in body), roots


def inclusion(tree: LeafTree, roots: list[bytes], size: int, index: int) -> Check:
    path = inclusion_proof(index, size, tree)
    return {"index": index, "size": size, "leaf": tree(0, index), "root": roots[size - 1], "path": path}


def consistency(tree: LeafTree, roots: list[bytes], size: int, old: int) -> Check:
    path = consistency_proof(old, size, tree)
    return {"old_size": old, "old_root": roots[old - 1], "size": size, "root": roots[size - 1], "path": path}


def every_check(tree: LeafTree, roots: list[bytes]) -> list[Check]:
    """Every inclusion and consistency proof of every tree up to `ALL_PAIRS`."""
    sizes = range(1, ALL_PAIRS + 1)
    within = [inclusion(tree, roots, size, index) for size in sizes for index in range(size)]
    return within + [consistency(tree, roots, size, old) for size in sizes for old in range(1, size + 1)]


def some_checks(tree: LeafTree, roots: list[bytes]) -> list[Check]:
    """Proofs about the large sizes, at their edges and at random places."""
    draw = random.Random(1)
    checks = []
    for size in SIZES:
        for index in {0, 1, size // 2, size - 2, size - 1, *(draw.randrange(size) for _ in range(12))}:
            checks.append(inclusion(tree, roots, size, index))
            checks.append(consistency(tree, roots, size, index + 1))
    return checks


def ours_holds(check: Check) -> bool:
    try:
        if "old_root" in check:
            old, new = (check["old_size"], check["old_root"]), (check["size"], check["root"])
            check_consistency(old, new, check["path"])
        else:
            check_inclusion(check["leaf"], check["index"], check["size"], check["path"], check["root"])
    except ProofMismatch:
        return False
    return True


def corrupted(check: Check) -> list[Check]:
    """`check` with one thing wrong, each thing in turn."""

    def flip(body: bytes, at: int) -> bytes:
        return body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]

    path, wrong = check["path"], []
    for name in ("leaf", "root", "old_root"):
        if name in check:
            wrong.append(check | {name: flip(check[name], 7)})
    wrong += [check | {"path": [*path[:at], flip(one, 31), *path[at + 1 :]]} for at, one in enumerate(path)]
    wrong += [check | {"path": [*path[:at], *path[at + 1 :]]} for at in range(len(path))]
    wrong.append(check | {"path": [*path, check["root"]]})
    wrong.append(check | {"path": [check["root"], *path]})
    wrong.append(check | {"path": [*path[:-1], path[-1][:-1]] if path else [b"short"]})
    if len(set(path)) > 1:
        wrong.append(check | {"path": path[::-1]})
    return wrong


def moved(check: Check) -> list[Check]:
    """`check` about another place, or about another size: a path alone does not bind the size, the checkpoint does."""
    name = "old_size" if "old_root" in check else "index"
    shifts = [(name, -1), (name, 1), ("size", -1), ("size", 1), ("size", 2)]
    return [check | {key: check[key] + by, "moved": key} for key, by in shifts]


def test_every_root_is_go_s(sumdb: Any, small: Tree, large: Tree) -> None:
    for tree, roots in (small, large):
        step = 1 if tree.size == ALL_PAIRS else 97
        assert [tree_root(size, tree) for size in range(1, tree.size + 1, step)] == roots[::step]
        assert tree.root() == roots[-1]


def test_go_accepts_every_proof_of_ours(sumdb: Any, small: Tree, large: Tree) -> None:
    checks = every_check(*small) + some_checks(*large)
    assert all(sumdb.ask("check", checks=checks)["hold"])
    assert all(ours_holds(each) for each in checks)


def test_go_s_proofs_are_ours_hash_for_hash(sumdb: Any, small: Tree, large: Tree) -> None:
    for (tree, _), checks in ((small, every_check(*small)), (large, some_checks(*large))):
        sumdb.ask("grow", entries=entries(tree.size))
        within, between = [c for c in checks if "leaf" in c], [c for c in checks if "old_root" in c]
        for name, asked in (("inclusion", within), ("consistency", between)):
            proofs = sumdb.ask(name, checks=asked)["proofs"]
            assert [[raw(each) for each in proof] for proof in proofs] == [each["path"] for each in asked]


def test_both_refuse_every_corrupted_proof(sumdb: Any, small: Tree, large: Tree) -> None:
    wrong = [bad for each in every_check(*small) + some_checks(*large)[::7] for bad in corrupted(each)]
    assert len(wrong) > 15_000
    assert not any(sumdb.ask("check", checks=wrong)["hold"])
    assert not any(ours_holds(each) for each in wrong)


def test_both_say_the_same_of_a_proof_moved_to_another_place(sumdb: Any, small: Tree) -> None:
    wrong = [bad for each in every_check(*small) for bad in moved(each)]
    go = sumdb.ask("check", checks=wrong)["hold"]
    # Go does not define the tree of nothing, which whosaw accepts with its one root only
    assert [ours_holds(each) for each in wrong] == go
    other_place = [said for bad, said in zip(wrong, go, strict=True) if "leaf" in bad and bad["moved"] == "index"]
    assert len(other_place) == 2 * ALL_PAIRS * (ALL_PAIRS + 1) // 2
    assert not any(other_place)


def test_go_opens_our_notes_and_checkpoints(sumdb: Any) -> None:
    for size in (0, 1, 1000, 2**63 - 1):
        key, other = SigningKey.generate(ORIGIN), SigningKey.generate("weißt.example/größe")
        root = sha256(b"" if size == 0 else b"x").digest()
        signed = sign_checkpoint(Checkpoint(ORIGIN, size, root), key)
        said = sumdb.ask("open", note=signed, keys=[str(key.verifier)])
        assert said == {"text": Checkpoint(ORIGIN, size, root).format(), "signers": [ORIGIN]}
        both = sign_note("one\n\n— not a signature\n\ntwo ünï\n", [key, other]).format()
        said = sumdb.ask("open", note=both, keys=[str(other.verifier), str(key.verifier)])
        assert said == {"text": "one\n\n— not a signature\n\ntwo ünï\n", "signers": [key.name, other.name]}
        assert Note.parse(both).text == said["text"]
        # an unknown signer is passed over; with nobody known there is no note
        assert sumdb.ask("open", note=both, keys=[str(key.verifier)])["signers"] == [key.name]
        assert "error" in sumdb.try_ask("open", note=both, keys=[])


def test_we_open_go_s_notes_with_go_s_keys(sumdb: Any) -> None:
    made = [sumdb.ask("key", name=name) for name in (ORIGIN, "b", "日本.example")]
    text = Checkpoint(ORIGIN, 12, b"r" * 32).format()
    signed = raw(sumdb.ask("sign", text=text, keys=[each["secret"] for each in made])["note"])
    keys = [VerifierKey.parse(each["verifier"]) for each in made]
    note = Note.parse(signed)
    assert [key for key, _ in note.verify(keys)] == keys
    assert note.format() == signed
    assert open_checkpoint(signed, keys[:1]) == (Checkpoint(ORIGIN, 12, b"r" * 32), keys[0])
    # Go's signing keys are ours, in both directions, and Ed25519 leaves no choice in the signature
    ours = [SigningKey.parse(each["secret"]) for each in made]
    assert [each.secret_text() for each in ours] == [each["secret"] for each in made]
    assert sign_note(text, ours).format() == signed


def test_both_refuse_a_key_that_is_not_written_right(sumdb: Any) -> None:
    key = str(SigningKey.generate(ORIGIN).verifier)
    name, key_id, body = key.split("+", 2)
    flipped = f"{int(key_id, 16) ^ 1:08x}"
    for bad in (f"{name}+{flipped}+{body}", f"{name}x+{key_id}+{body}", f"{name}+{key_id}+{body[:-4]}", name, ""):
        assert "error" in sumdb.try_ask("open", note=b"x", keys=[bad])
        with pytest.raises(NoteInvalid):
            VerifierKey.parse(bad)


def test_where_go_opens_a_corrupted_note_and_we_do_not_we_are_stricter_in_a_named_way(sumdb: Any) -> None:
    key = SigningKey.generate(ORIGIN)
    good = sign_checkpoint(Checkpoint(ORIGIN, 3, b"r" * 32), key)
    draw = random.Random(2)
    tried = [bytes([*good[:at], byte, *good[at + 1 :]]) for at in range(len(good)) for byte in b"\n A=+\xff"]
    tried += [good[:at] + good[at + 1 :] for at in range(len(good))] + [good[:at] for at in range(len(good))]
    for _ in range(500):
        a, b = sorted(draw.choices(range(len(good)), k=2))
        tried.append(good[:b] + good[a:])
    line = good.partition(b"\n\n")[2]
    # of the last letter's six bits two say nothing: three more letters spell the same signature
    letters = ascii_uppercase + ascii_lowercase + digits + "+/"
    tried += [good + line, *(good[:-3] + letter.encode() + good[-2:] for letter in letters)]
    stricter = set()
    for each in {*tried} - {good}:
        go = sumdb.try_ask("open", note=each, keys=[str(key.verifier)])
        try:
            checkpoint, _ = open_checkpoint(each, [key.verifier])
        except NoteInvalid as why:
            if "error" not in go:
                stricter.add(str(why))
                assert good.startswith(go["text"].encode()), "Go verified the signed text and no other"
            continue
        assert go["text"] == checkpoint.format()
    assert stricter == {"base64 that is not in its canonical spelling", f"`{ORIGIN}` signed twice"}


def test_a_name_go_refuses_we_refuse(sumdb: Any) -> None:
    for point in sumdb.ask("spaces")["spaces"]:
        with pytest.raises(NoteInvalid):
            check_key_name(f"a{chr(point)}b")


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, LARGE])
def test_every_tile_is_go_s_byte_for_byte(sumdb: Any, large: Tree, size: int) -> None:
    sumdb.ask("grow", entries=entries(size))
    tree, _ = large
    edge = TileEdge()
    ours = edge.extend([tree(0, at) for at in range(size)]) + edge.partials()
    go = sumdb.ask("tiles", size=size)["tiles"]
    # Go names every width on the way to this size too; each is the beginning of the widest
    widest: dict[tuple[int, int], dict[str, Any]] = {}
    for each in sorted(go, key=lambda each: each["width"]):
        widest[each["level"], each["number"]] = each
    for each in go:
        assert raw(widest[each["level"], each["number"]]["body"]).startswith(raw(each["body"]))
    # Go's paths carry the tile height, which tlog-tiles fixes at 8 and leaves out
    theirs = {each["path"].replace("tile/8/", "tile/", 1): raw(each["body"]) for each in widest.values()}
    assert {each.path: each.body for each in ours} == theirs
    assert {tile_path(*each) for each in tiles_of(size)} == theirs.keys()


def test_every_tile_path_is_go_s(sumdb: Any) -> None:
    draw = random.Random(3)
    numbers = [
        0,
        9,
        99,
        999,
        1000,
        1001,
        999_999,
        1_000_000,
        1_234_067,
        2**40,
        *(draw.randrange(2**40) for _ in range(200)),
    ]
    places = [
        {"level": level, "number": number, "width": width}
        for level, number in zip([*range(64)] * 4, numbers, strict=False)
        for width in (1, 2, 10, 255, 256)
    ]
    ours = [tile_path(**each) for each in places]
    with_height = [each.replace("tile/", "tile/8/", 1) for each in ours]
    assert sumdb.ask("paths", tiles=places)["paths"] == with_height
    assert sumdb.ask("paths", paths=with_height)["tiles"] == places
