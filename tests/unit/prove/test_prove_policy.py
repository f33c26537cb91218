"""Policy files, and proofs that are checked under them."""

import pytest

from whosaw.prove import (
    Checkpoint,
    NoteInvalid,
    Policy,
    PolicyInvalid,
    ProofMismatch,
    SigningKey,
    TlogProof,
    VerifierKey,
    sign_checkpoint,
)
from whosaw.prove.merkle import LeafTree, inclusion_proof, leaf_hash
from whosaw.prove.note import COSIGNATURE, Note, NoteSignature, cosigned_message

LOG = SigningKey.generate("example.com/trail")
WITNESSES = [SigningKey.generate(f"witness{number}.example") for number in range(3)]
WITNESS_KEYS = [VerifierKey(key.name, COSIGNATURE, key.verifier.public) for key in WITNESSES]
LEAVES = [leaf_hash(b"%d" % number) for number in range(5)]
TREE = LeafTree(LEAVES)
CHECKPOINT = Checkpoint(LOG.name, 5, TREE.root())


def cosigned(*numbers: int) -> bytes:
    note = Note.parse(sign_checkpoint(CHECKPOINT, LOG))
    lines = [*note.signatures]
    for number in numbers:
        stamp = (1_700_000_000).to_bytes(8, "big") + WITNESSES[number].sign(cosigned_message(note.text, 1_700_000_000))
        lines.append(NoteSignature(WITNESS_KEYS[number].name, WITNESS_KEYS[number].key_id, stamp))
    return Note(note.text, tuple(lines)).format()


def policy(*lines: str) -> Policy:
    witnesses = [f"witness W{number} {key} https://w{number}.example" for number, key in enumerate(WITNESS_KEYS)]
    head = ["# whom we trust", "", f"  log\t{LOG.verifier}   https://example.com/trail"]
    return Policy.parse("\n".join([*head, *witnesses, *lines, ""]).encode())


def test_a_quorum_of_none_asks_for_the_log_s_signature_alone():
    assert policy("quorum none").check(cosigned()) == (CHECKPOINT, LOG.verifier)
    stranger = SigningKey.generate("example.com/trail")
    with pytest.raises(NoteInvalid):
        policy("quorum none").check(sign_checkpoint(CHECKPOINT, stranger))


@pytest.mark.parametrize(
    ("lines", "enough", "short"),
    [
        (["quorum W1"], (1,), (0, 2)),
        (["group G 2 W0 W1 W2", "quorum G"], (0, 2), (1,)),
        (["group G any W0 W1", "group H all G W2", "quorum H"], (1, 2), (0, 1)),
    ],
)
def test_a_quorum_counts_cosignatures(lines, enough, short):
    assert policy(*lines).check(cosigned(*enough))[0] == CHECKPOINT
    with pytest.raises(NoteInvalid, match="quorum"):
        policy(*lines).check(cosigned(*short))


def test_a_false_cosignature_rejects_even_where_none_is_needed():
    note = Note.parse(cosigned(0))
    bad = NoteSignature(note.signatures[1].name, note.signatures[1].key_id, bytes(72))
    with pytest.raises(NoteInvalid):
        policy("quorum none").check(Note(note.text, (note.signatures[0], bad)).format())


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["quorum none", "quorum none"],
        ["quorum nobody"],
        ["quorum"],
        ["quorum none extra"],
        ["group none any W0", "quorum none"],
        ["group W1 any W0", "quorum W1"],
        ["group G 3 W0 W1", "quorum G"],
        ["group G 0 W0", "quorum G"],
        ["group G 01 W0", "quorum G"],
        ["group G most W0", "quorum G"],
        ["group G any", "quorum G"],
        ["group G any W9", "quorum G"],
        ["group G any W0 W0", "quorum G"],
        ["group G any W0", "group H any W0", "quorum H"],
        [f"log {LOG.verifier}", "quorum none"],
        [f"log {WITNESS_KEYS[0]}", "quorum none"],
        [f"witness W9 {WITNESS_KEYS[0]}", "quorum none"],
        [f"witness W9 {LOG.verifier}", "quorum none"],
        ["log nonsense", "quorum none"],
        ["log", "quorum none"],
        ["trust me", "quorum none"],
        ["quorum none\r"],
    ],
)
def test_a_policy_that_breaks_the_format_is_refused(lines):
    with pytest.raises(PolicyInvalid):
        policy(*lines)


def test_an_error_names_the_line():
    with pytest.raises(PolicyInvalid, match=r"^line 7: unknown keyword"):
        policy("trust me", "quorum none")


def test_a_proof_file_proves_its_entry_and_no_other():
    proof = TlogProof(3, tuple(inclusion_proof(3, 5, TREE)), cosigned(0), extra=b"salt")
    again = TlogProof.parse(proof.format())
    assert again == proof
    assert again.verify(LEAVES[3], policy("quorum W0")) == CHECKPOINT
    with pytest.raises(ProofMismatch):
        again.verify(LEAVES[2], policy("quorum W0"))
    with pytest.raises(NoteInvalid):
        again.verify(LEAVES[3], policy("quorum W1"))
    single = TlogProof(0, (), cosigned())
    assert TlogProof.parse(single.format()) == single


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("index 3", "index 03"),
        ("index 3", "3"),
        ("index 3\n", "index 3\nAAAA\n"),
        ("index 3\n", "extra %%%\nindex 3\n"),
        ("index 3\n", "index 3\n" + ("A" * 43 + "=\n") * 64),
    ],
)
def test_a_malformed_proof_file_is_refused(old, new):
    raw = TlogProof(3, tuple(inclusion_proof(3, 5, TREE)), cosigned()).format()
    with pytest.raises(NoteInvalid):
        TlogProof.parse(raw.replace(old.encode(), new.encode(), 1))
    with pytest.raises(NoteInvalid):
        TlogProof.parse(b"\xff")
