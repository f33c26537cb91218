"""The tree against the known roots of the Certificate Transparency reference tests, and every small proof."""

import pytest

from whosaw.prove import ProofMismatch, check_consistency, check_inclusion
from whosaw.prove.merkle import (
    EMPTY_ROOT,
    CompactRange,
    LeafTree,
    all_inclusion_proofs,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
)

# Source: the eight entries and roots of RFC 6962's reference implementation (certificate-transparency merkle_tree_test)
KNOWN_ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MOST = 40


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(count)]


def by_definition(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(by_definition(hashes[:split]), by_definition(hashes[split:]))


def test_the_empty_tree_has_the_hash_of_nothing():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert CompactRange().root() == LeafTree([]).root() == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_known_ones(size):
    hashes = [leaf_hash(bytes.fromhex(entry)) for entry in KNOWN_ENTRIES[:size]]
    grown = CompactRange()
    for each in hashes:
        grown.append(each)
    assert grown.root().hex() == KNOWN_ROOTS[size - 1]
    assert LeafTree(hashes).root().hex() == KNOWN_ROOTS[size - 1]


def test_growing_by_one_by_many_and_by_definition_agree():
    for size in range(1, 300):
        hashes = leaves(size)
        by_one, by_many = CompactRange(), CompactRange()
        for each in hashes:
            by_one.append(each)
        for start in range(0, size, 7):
            by_many.extend(hashes[start : start + 7])
        assert by_one.size == by_many.size == size
        assert by_one.root() == by_many.root() == by_definition(hashes) == all_inclusion_proofs(hashes)[0]


def test_every_inclusion_proof_holds_for_its_leaf_and_place_only():
    for size in range(1, MOST):
        tree = LeafTree(leaves(size))
        root, together = all_inclusion_proofs(leaves(size))
        assert root == tree.root()
        for index in range(size):
            proof = inclusion_proof(index, size, tree)
            assert list(together[index]) == proof
            check_inclusion(tree(0, index), index, size, proof, root)
            wrong = [
                (tree(0, (index + 1) % size) if size > 1 else EMPTY_ROOT, index, size, proof, root),
                (tree(0, index), index, size, [*proof, EMPTY_ROOT], root),
                (tree(0, index), index, size, proof[:-1] or [EMPTY_ROOT], root),
                (tree(0, index), index, size, proof, EMPTY_ROOT),
                (tree(0, index), size, size, proof, root),
                (tree(0, index), -1, size, proof, root),
                (tree(0, index)[:-1], index, size, proof, root),
            ]
            for each in wrong:
                with pytest.raises(ProofMismatch):
                    check_inclusion(*each)


def test_every_consistency_proof_holds_for_its_pair_only():
    for size in range(1, MOST):
        tree = LeafTree(leaves(size))
        for old in range(size + 1):
            proof = consistency_proof(old, size, tree)
            before, after = (old, tree_root(old, tree)), (size, tree.root())
            check_consistency(before, after, proof)
            with pytest.raises(ProofMismatch):
                check_consistency(before, after, [*proof, EMPTY_ROOT])
            with pytest.raises(ProofMismatch):
                check_consistency((old, leaf_hash(b"forged")), after, proof)
            if 0 < old < size:
                with pytest.raises(ProofMismatch):
                    check_consistency(before, (size, leaf_hash(b"forged")), proof)
                with pytest.raises(ProofMismatch):
                    check_consistency(before, after, proof[:-1])


def test_an_index_beyond_the_tree_has_no_proof():
    tree = LeafTree(leaves(3))
    for index in (-1, 3):
        with pytest.raises(IndexError):
            inclusion_proof(index, 3, tree)
    with pytest.raises(IndexError):
        consistency_proof(4, 3, tree)
