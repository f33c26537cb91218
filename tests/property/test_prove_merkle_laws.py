"""Laws of the tree over random sizes: proofs hold where they should and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.prove import ProofMismatch, check_consistency, check_inclusion
from whosaw.prove.merkle import (
    CompactRange,
    LeafTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(2_000)]
TREE = LeafTree(LEAVES)
hashes = st.binary(min_size=32, max_size=32)


@given(st.data())
def test_an_inclusion_proof_holds_for_its_own_leaf_index_and_size(data):
    size = data.draw(st.integers(1, 2_000))
    index = data.draw(st.integers(0, size - 1))
    root = tree_root(size, TREE)
    proof = inclusion_proof(index, size, TREE)
    check_inclusion(LEAVES[index], index, size, proof, root)
    other = data.draw(st.integers(0, size).filter(lambda at: at != index))
    with pytest.raises(ProofMismatch):
        check_inclusion(LEAVES[index], other, size, proof, root)


@given(st.data())
def test_a_consistency_proof_joins_any_two_sizes(data):
    size = data.draw(st.integers(1, 2_000))
    old = data.draw(st.integers(0, size))
    before, after = (old, tree_root(old, TREE)), (size, tree_root(size, TREE))
    check_consistency(before, after, consistency_proof(old, size, TREE))
    if 0 < old < size:
        with pytest.raises(ProofMismatch):
            check_consistency((old, leaf_hash(b"rewritten")), after, consistency_proof(old, size, TREE))


@given(hashes, st.integers(), st.integers(), st.lists(hashes, max_size=70), hashes)
def test_an_invented_inclusion_proof_raises_and_nothing_else(leaf, index, size, proof, root):
    if (size, index, proof) == (1, 0, []) and leaf == root:
        return
    with pytest.raises(ProofMismatch):
        check_inclusion(leaf, index, size, proof, root)


@given(st.integers(), hashes, st.integers(), hashes, st.lists(hashes, max_size=70))
def test_an_invented_consistency_proof_raises_and_nothing_else(old, old_root, size, root, proof):
    if 0 < old == size and old_root == root and not proof:
        return
    with pytest.raises(ProofMismatch):
        check_consistency((old, old_root), (size, root), proof)


@given(st.lists(st.integers(0, 300), max_size=6))
def test_growing_in_any_steps_gives_the_same_root(steps):
    grown, at = CompactRange(), 0
    for step in steps:
        grown.extend(LEAVES[at : at + step])
        at += step
    assert (grown.size, grown.root()) == (at, tree_root(at, TREE))
    assert grown.copy().root() == grown.root()
