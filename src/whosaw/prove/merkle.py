"""The Merkle tree of RFC 6962 over SHA-256: roots, inclusion and consistency proofs, growing at the right edge.

A proof is made from perfect subtrees only, so the same code serves leaves in memory and tiles on disk: both are a
`NodeReader`, a function from (height, index) to the root of the 2^height leaves that start at index·2^height.
Sources: RFC 6962 §2.1 (tree and proofs), RFC 9162 §2.1.3.2 and §2.1.4.2 (checking).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from whosaw.prove.errors import ProofMismatch

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the 32-byte hash of a leaf holding `entry`."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of the node over two 32-byte children."""
    return sha256(b"\x01" + left + right).digest()


def pair_up(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the parents of neighbouring hashes; an odd last one has none and is left out."""
    return [sha256(b"\x01" + a + b).digest() for a, b in zip(hashes[::2], hashes[1::2], strict=False)]


class CompactRange:
    """A tree known only by the roots of its perfect subtrees, largest first: enough to grow it and to say its root."""

    # invariant: one hash per set bit of `size`, from the highest bit to the lowest

    def __init__(self) -> None:
        self.size = 0
        self._hashes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right edge."""
        carry, bits = leaf, self.size
        while bits & 1:
            carry = node_hash(self._hashes.pop(), carry)
            bits >>= 1
        self._hashes.append(carry)
        self.size += 1

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes at the right edge, whole levels at a time."""
        at = 0
        while at < len(leaves):
            fits = (self.size & -self.size) if self.size else 1 << 62
            step = 1 << (min(fits, len(leaves) - at).bit_length() - 1)
            level: Sequence[bytes] = leaves[at : at + step]
            while len(level) > 1:
                level = pair_up(level)
            self.append_subtree(level[0], step)
            at += step

    def copy(self) -> CompactRange:
        """Return the same range, to grow apart from this one."""
        twin = CompactRange()
        twin.size, twin._hashes = self.size, [*self._hashes]
        return twin

    def root(self) -> bytes:
        """Return the 32-byte root of all leaves so far."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            root = node_hash(left, root)
        return root

    def append_subtree(self, subtree: bytes, leaves: int) -> None:
        """Add the root of a perfect subtree of 2^k `leaves` at once; the size so far is a multiple of `leaves`."""
        carry, bits = subtree, self.size // leaves
        while bits & 1:
            carry = node_hash(self._hashes.pop(), carry)
            bits >>= 1
        self._hashes.append(carry)
        self.size += leaves


class LeafTree:
    """Every perfect subtree over leaf hashes held in memory; call it as a `NodeReader`."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(pair_up(self._levels[-1]))
        self.size = len(self._levels[0])

    def __call__(self, height: int, index: int) -> bytes:
        """Return the root of the perfect subtree of 2^height leaves that starts at leaf index·2^height."""
        return self._levels[height][index]

    def root(self) -> bytes:
        """Return the 32-byte root over all leaves."""
        return tree_root(self.size, self)


def tree_root(size: int, nodes: NodeReader) -> bytes:
    """Return the 32-byte root of the first `size` leaves."""
    return _range_hash(0, size, nodes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: NodeReader) -> list[bytes]:
    """Return the sibling hashes from leaf `index` up to the root of the first `size` leaves.

    Raises:
        IndexError: `index` is no leaf of a tree of that size.
    """
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} in a tree of {size}")
    proof: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_hash(middle, high, nodes))
            high = middle
        else:
            proof.append(_range_hash(low, middle, nodes))
            low = middle
    proof.reverse()
    return proof


def all_inclusion_proofs(leaves: Sequence[bytes]) -> tuple[bytes, list[tuple[bytes, ...]]]:
    """Return the root over at least one leaf hash, and the inclusion proof of every leaf in it.

    An odd last node of a level goes up unchanged; that is the same tree as splitting at the largest power of two.
    """
    proofs: list[list[bytes]] = [[] for _ in leaves]
    level, height = list(leaves), 0
    while len(level) > 1:
        end = len(level)
        for at, proof in enumerate(proofs):
            sibling = (at >> height) ^ 1
            if sibling < end:
                proof.append(level[sibling])
        level = pair_up(level) + level[end & ~1 :]
        height += 1
    return level[0], [tuple(proof) for proof in proofs]


def consistency_proof(old_size: int, size: int, nodes: NodeReader) -> list[bytes]:
    """Return the hashes that show the tree of `old_size` leaves to be the beginning of the tree of `size` leaves.

    Raises:
        IndexError: the old tree is larger than the new one, or negative.
    """
    if not 0 <= old_size <= size:
        raise IndexError(f"a tree of {old_size} is not the beginning of a tree of {size}")
    if old_size in {0, size}:
        return []
    proof: list[bytes] = []
    low, high = 0, size
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            proof.append(_range_hash(middle, high, nodes))
            high = middle
        else:
            proof.append(_range_hash(low, middle, nodes))
            low = middle
    if low:  # where the old tree is itself a perfect left subtree its root is known to who holds it
        proof.append(_range_hash(low, high, nodes))
    proof.reverse()
    return proof


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf` is leaf `index` of the tree of `size` leaves with this root.

    Raises:
        ProofMismatch: it is not, or the proof has the wrong shape.
    """
    if not 0 <= index < size:
        raise ProofMismatch(f"no leaf {index} in a tree of {size}")
    _check_shape((leaf, *proof, root))
    at, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofMismatch(f"the proof of leaf {index} is too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofMismatch(f"the proof of leaf {index} is too short")
    if found != root:
        raise ProofMismatch(f"leaf {index} is not in the tree of {size} with this root")


def check_consistency(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> None:
    """Check that the `old` tree (size, root) is the beginning of the `new` one.

    Raises:
        ProofMismatch: it is not, or the proof has the wrong shape.
    """
    (old_size, old_root), (size, root) = old, new
    _check_shape((old_root, root, *proof))
    if not 0 <= old_size <= size:
        raise ProofMismatch(f"a tree of {old_size} is not the beginning of a tree of {size}")
    if old_size in {0, size}:
        wanted = root if old_size else EMPTY_ROOT
        if proof or old_root != wanted or (size == 0 and root != EMPTY_ROOT):
            raise ProofMismatch(f"the trees of {old_size} and {size} do not agree")
        return
    path = [*proof] if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        raise ProofMismatch("the consistency proof is too short")
    _check_path(path, (old_size, old_root), (size, root))


def _check_path(path: Sequence[bytes], old: tuple[int, bytes], new: tuple[int, bytes]) -> None:
    at, last = old[0] - 1, new[0] - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_found = new_found = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofMismatch("the consistency proof is too long")
        if at & 1 or at == last:
            old_found, new_found = node_hash(sibling, old_found), node_hash(sibling, new_found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new_found = node_hash(new_found, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofMismatch("the consistency proof is too short")
    if old_found != old[1] or new_found != new[1]:
        raise ProofMismatch(f"the tree of {old[0]} is not the beginning of the tree of {new[0]}")


def _check_shape(hashes: Iterable[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofMismatch(f"a hash has {HASH_BYTES} bytes")


def _split(leaves: int) -> int:
    """Return the largest power of two below `leaves`, which is > 1."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _range_hash(low: int, high: int, nodes: NodeReader) -> bytes:
    leaves = high - low
    if not leaves & (leaves - 1):
        height = leaves.bit_length() - 1
        return nodes(height, low >> height)
    middle = low + _split(leaves)
    return node_hash(_range_hash(low, middle, nodes), _range_hash(middle, high, nodes))
