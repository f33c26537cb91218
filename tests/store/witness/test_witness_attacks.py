"""What the operator may try with everything in his hands: each attempt meets a witness in a process of its own."""

import shutil

import pytest

from whosaw.prove import Checkpoint, Note, NoteInvalid, Policy, ProofMismatch, check_consistency, sign_checkpoint
from whosaw.prove.cosign import add_signatures, read_cosignatures
from whosaw.prove.merkle import LeafTree, consistency_proof, leaf_hash, tree_root
from whosaw.record import Appender, Integrator, fsck
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.record.witness import AddCheckpoint
from whosaw.record.witness.memory import origin_hash
from whosaw.terms import SystemClock


def payload(number: int):
    return {"kind": "disclosure", "at": number, "actor": number % 7, "subject": number % 10, "purpose": 3}


def tree(mark: str) -> LeafTree:
    """300 leaves of which the first hundred are the same in every tree."""
    return LeafTree([leaf_hash(f"{mark if number >= 100 else ''}{number}".encode()) for number in range(300)])


TRUE, FORKED = tree("true"), tree("forked")


def signed(keys, size, of) -> Note:
    return Note.parse(sign_checkpoint(Checkpoint(keys.origin, size, tree_root(size, of)), keys.trail))


def ask(keys, old, size, of) -> bytes:
    return AddCheckpoint(old, tuple(consistency_proof(old, size, of)), signed(keys, size, of)).format()


def cosigned(keys, member, size, of, body) -> Note:
    note = signed(keys, size, of)
    return add_signatures(note, read_cosignatures(note.text, body, member.verifier))


def shown(member, keys) -> Checkpoint:
    return Checkpoint.parse(Note.parse(member.shown(origin_hash(keys.origin)).content).text)


def test_a_split_view_is_accepted_by_no_reader_whose_quorum_spans_both_and_two_readers_can_prove_it(
    keys, witnesses, circle
):
    first, second = witnesses(2)
    for member in (first, second):
        assert member.post(ask(keys, 0, 100, TRUE)).status_code == 200
    # from here on one reader is shown the true trail and the other a forked one, each with one witness's word
    told = cosigned(keys, first, 200, TRUE, first.post(ask(keys, 100, 200, TRUE)).content)
    lied = cosigned(keys, second, 210, FORKED, second.post(ask(keys, 100, 210, FORKED)).content)
    assert first.post(ask(keys, 200, 210, FORKED)).status_code == 422
    assert second.post(ask(keys, 210, 211, TRUE)).status_code == 422

    chosen = circle([first, second])
    policy = Policy.parse(f"log {keys.trail.verifier}\n{chosen.lines}".encode())
    for note in (told, lied):
        with pytest.raises(NoteInvalid, match="quorum"):
            policy.check(note.format())

    # readers content with one witness each accept their view, and are undone by comparing with the other's witness
    for member, note in ((first, told), (second, lied)):
        text = f"log {keys.trail.verifier}\nwitness w {member.key}\nquorum w\n"
        Policy.parse(text.encode()).check(note.format())
    one, other = shown(first, keys), shown(second, keys)
    assert (one.size, other.size) == (200, 210)
    for of in (TRUE, FORKED):  # no tree the operator holds links the two
        with pytest.raises(ProofMismatch):
            check_consistency((one.size, one.root), (other.size, other.root), consistency_proof(200, 210, of))


def test_a_tree_rewritten_with_the_stolen_trail_key_is_refused_by_whoever_holds_an_older_cosigned_checkpoint(
    keys, witnesses
):
    (member,) = witnesses(1)
    held = cosigned(keys, member, 200, TRUE, member.post(ask(keys, 0, 200, TRUE)).content)
    old = Checkpoint.parse(held.text)
    # the thief signs a perfect tree with the real key: larger, as large, and smaller
    for size in (250, 200, 150):
        new = Checkpoint.parse(signed(keys, size, FORKED).text)
        for proof_of in (TRUE, FORKED):
            with pytest.raises((ProofMismatch, IndexError)):
                check_consistency((old.size, old.root), (new.size, new.root), consistency_proof(200, size, proof_of))
    assert member.post(ask(keys, 200, 250, FORKED)).status_code == 422
    assert member.post(ask(keys, 200, 200, FORKED)).status_code == 422
    assert member.post(ask(keys, 0, 150, FORKED)).status_code == 409
    assert member.post(ask(keys, 0, 150, FORKED)).text == "200\n"
    assert shown(member, keys) == old


def put_back(forge, folder, kept, size: int) -> None:
    """What a restore of database and folder from matching backups leaves behind."""
    forge.execute("delete from trail_entry where index >= %s", [size])
    forge.execute("delete from trail_checkpoint where size > %s", [size])
    forge.execute("update trail_head set size = %s", [size])
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


@pytest.mark.parametrize(("then", "word"), [(0, "rolled_back"), (5, "rolled_back"), (40, "forked")])
async def test_a_restored_older_state_is_refused_and_reported_with_the_evidence(
    database, keys, folder, tmp_path, integrator, forge, witnesses, circle, asking, reach, then, word
):
    (member,) = witnesses(1)
    async with Appender(database, keys, SystemClock()) as appender:
        async with asking(circle([member])):
            await appender.append_many([payload(number) for number in range(10)])
            await integrator.step()
            await reach(lambda state: state.quorum_size == 10)
            shutil.copytree(folder, tmp_path / "backup")
            await appender.append_many([payload(number) for number in range(20)])
            await integrator.step()
            await reach(lambda state: state.quorum_size == 30)
        put_back(forge, folder, tmp_path / "backup", 10)
        # nothing inside contradicts the older state: the integrator signs on, and only the witness knows better
        if then:
            await appender.append_many([payload(1_000 + number) for number in range(then)])
        assert (await Integrator(database, keys, folder, SystemClock()).step()).size == 10 + then
        (folder / "checkpoint").write_bytes(bare(Shelf(folder).checkpoint(), keys))
        async with asking(circle([member])):
            state = await reach(lambda state: state.status == "contradicted")
    assert state.witnesses[0].error == word
    assert state.line().startswith("CONTRADICTED")
    assert Checkpoint.parse(Note.parse(Shelf(folder).cosigned()).text).size == 10  # nothing newer has the quorum
    (evidence,) = Shelf(folder).contradictions()
    held = Checkpoint.parse(Note.parse(evidence).text)
    assert held.size == 30
    if word == "forked":
        assert tree_root(30, TileNodes(Shelf(folder), 10 + then)) != held.root
    report = await fsck(database, folder, keys.trail.verifier, outside=[evidence])
    assert not report.ok
    for kept in folder.glob("contradiction-*"):
        kept.unlink()
    assert (await fsck(database, folder, keys.trail.verifier)).ok  # without it the roll-back could not be seen


def bare(note: bytes, keys) -> bytes:
    """The checkpoint without cosignatures, as the signer made it."""
    parsed = Note.parse(note)
    return Note(parsed.text, tuple(line for line in parsed.signatures if line.name == keys.origin)).format()
