"""A witness's side of add-checkpoint: what it cosigns, and with which status it refuses."""

import threading
from datetime import UTC, datetime

import pytest

from whosaw.prove import Checkpoint, Note, Policy, SigningKey, sign_checkpoint
from whosaw.prove.checkpoint import MAX_SIZE
from whosaw.prove.cosign import CosigningKey, add_signatures, cosigned_at, cosigners, read_cosignatures
from whosaw.prove.errors import NoteInvalid
from whosaw.prove.merkle import EMPTY_ROOT, LeafTree, consistency_proof, leaf_hash, tree_root
from whosaw.prove.note import COSIGNATURE, encode_base64, sign_note
from whosaw.record import KeyRefused
from whosaw.record.witness import AddCheckpoint, Memory, Witness, WitnessDamaged
from whosaw.record.witness.keyfile import load_witness_key
from whosaw.record.witness.memory import origin_hash
from whosaw.terms import SimulatedClock

ORIGIN = "log.example/trail"
LOG = SigningKey.generate(ORIGIN)
NEXT = SigningKey.generate(ORIGIN)  # the same trail's key after a rotation
STRANGER = SigningKey.generate(ORIGIN)
CLOCK = SimulatedClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
TREE = LeafTree([leaf_hash(b"%d" % number) for number in range(300)])
OTHER = LeafTree([leaf_hash(b"other %d" % number) for number in range(300)])


def note(size, key=LOG, tree=TREE, origin=ORIGIN):
    return Note.parse(sign_checkpoint(Checkpoint(origin, size, tree_root(size, tree)), key))


def ask(old, size, key=LOG, tree=TREE):
    return AddCheckpoint(old, tuple(consistency_proof(old, size, tree)), note(size, key, tree)).format()


@pytest.fixture
def key():
    return CosigningKey(SigningKey.generate("witness.example/w1"))


@pytest.fixture
def witness(key, tmp_path):
    return Witness(key, [LOG.verifier, NEXT.verifier], Memory(tmp_path), CLOCK)


def status(witness, body):
    answer = witness.add_checkpoint(body)
    return answer.status, answer.body


# -- what is cosigned


def test_the_first_checkpoint_is_cosigned_and_its_line_verifies_under_the_witness_s_key(witness, key):
    answer = witness.add_checkpoint(ask(0, 10))
    assert answer.status == 200
    (line,) = read_cosignatures(note(10).text, answer.body, key.verifier)
    assert cosigned_at(line) == int(CLOCK.now().timestamp())
    whole = add_signatures(note(10), [line])
    policy = Policy.parse(f"log {LOG.verifier}\nwitness w {key.verifier}\nquorum w\n".encode())
    assert policy.check(whole.format())[0].size == 10
    with pytest.raises(NoteInvalid, match="quorum"):
        policy.check(note(10).format())


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 300), (1, 2), (8, 9), (7, 300), (256, 257), (299, 300)])
def test_every_continuation_is_cosigned(witness, old, size):
    if old:
        assert status(witness, ask(0, old))[0] == 200
    assert status(witness, ask(old, size))[0] == 200


def test_the_same_checkpoint_again_is_cosigned_again(witness):
    assert [status(witness, ask(0, 10))[0], status(witness, ask(10, 10))[0]] == [200, 200]


def test_a_rotated_key_of_the_same_trail_continues_it(witness):
    assert [status(witness, ask(0, 10))[0], status(witness, ask(10, 20, NEXT))[0]] == [200, 200]


def test_lines_of_unknown_keys_are_passed_over_and_not_kept(witness):
    foreign = SigningKey.generate("elsewhere.example/x")
    many = add_signatures(note(10), sign_note(note(10).text, [foreign]).signatures)
    assert witness.add_checkpoint(AddCheckpoint(0, (), many).format()).status == 200
    kept = Note.parse(witness.latest(origin_hash(ORIGIN)))
    assert {line.name for line in kept.signatures} == {ORIGIN, "witness.example/w1"}


# -- what is refused, and how (c2sp.org/tlog-witness)


def test_404_where_the_trail_is_unknown(witness):
    other = SigningKey.generate("other.example/trail")
    body = AddCheckpoint(0, (), note(10, other, origin=other.name)).format()
    assert status(witness, body)[0] == 404


def test_403_where_only_an_unknown_key_signed(witness):
    assert status(witness, ask(0, 10, STRANGER))[0] == 403


def test_403_where_a_known_key_s_line_is_forged_even_beside_a_good_one(witness):
    good, forged = note(10), note(11)
    body = AddCheckpoint(0, (), Note(good.text, forged.signatures)).format()
    assert status(witness, body)[0] == 403
    both = Note(good.text, (*sign_note(good.text, [NEXT]).signatures, *forged.signatures))
    assert status(witness, AddCheckpoint(0, (), both).format())[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"\n\n",
        ask(0, 10).replace(b"old 0", b"old 00"),
        ask(0, 10).replace(b"old 0", b"old  0"),
        ask(0, 10).replace(b"old 0", b"old -1"),
        ask(0, 10).replace(b"old 0", b"old %d" % (MAX_SIZE + 1)),
        ask(0, 10).replace(b"old 0", b"Old 0"),
        ask(0, 10).replace(b"old 0\n", b"old 0\nAAAA\n"),
        ask(0, 10).replace(b"old 0\n", b"old 0\n" + encode_base64(bytes(33)).encode() + b"\n"),
        ask(0, 10).replace(b"old 0\n", b"old 0\n" + (encode_base64(bytes(32)) + "\n").encode() * 64),
        ask(0, 10).replace(b"old 0\n", b"old 0\n!\n"),
        ask(0, 10).replace(b"\n\n", b"\r\n\r\n", 1),
        ask(0, 10)[:-1],
        ask(0, 10) + b"\n",
        b"x" * 70_000,
    ],
)
def test_400_where_the_request_is_malformed(witness, body):
    assert status(witness, body)[0] == 400
    assert status(witness, ask(0, 10))[0] == 200  # and nothing was remembered


def test_400_where_the_checkpoint_is_signed_and_malformed(witness):
    root = encode_base64(TREE.root())
    for text in (f"{ORIGIN}\n010\n{root}\n", f"{ORIGIN}\n10\n{root}\nextension\n", f"{ORIGIN}\n10\nAAAA\n"):
        body = AddCheckpoint(0, (), sign_note(text, [LOG])).format()
        assert status(witness, body)[0] == 400


def test_400_where_the_old_size_is_larger_than_the_new(witness):
    status(witness, ask(0, 20))
    assert status(witness, AddCheckpoint(20, (), note(10)).format())[0] == 400


def test_409_names_the_size_last_cosigned(witness):
    fresh = witness.add_checkpoint(ask(5, 10))
    assert (fresh.status, fresh.body, fresh.content_type) == (409, b"0\n", "text/x.tlog.size")
    status(witness, ask(0, 20))
    for body in (ask(0, 30), ask(10, 30), ask(21, 30), ask(0, 10), ask(10, 10)):
        assert status(witness, body) == (409, b"20\n")


@pytest.mark.parametrize("spoil", [lambda p: p[:-1], lambda p: (*p, bytes(32)), lambda p: (bytes(32), *p[1:])])
def test_422_where_the_proof_does_not_hold(witness, spoil):
    status(witness, ask(0, 7))
    body = AddCheckpoint(7, spoil(tuple(consistency_proof(7, 30, TREE))), note(30)).format()
    assert status(witness, body)[0] == 422


def test_422_where_another_tree_is_signed_by_the_real_key(witness):
    status(witness, ask(0, 20))
    assert status(witness, ask(20, 30, tree=OTHER))[0] == 422
    assert status(witness, ask(20, 30))[0] == 200


def test_422_where_the_size_is_the_same_and_the_root_another(witness):
    status(witness, ask(0, 20))
    assert status(witness, ask(20, 20, tree=OTHER))[0] == 422


def test_422_where_a_proof_is_given_from_nothing(witness):
    assert status(witness, AddCheckpoint(0, (bytes(32),), note(10)).format())[0] == 422


def test_422_where_an_empty_tree_has_another_root(witness):
    text = f"{ORIGIN}\n0\n{encode_base64(bytes(32))}\n"
    assert bytes(32) != EMPTY_ROOT
    assert status(witness, AddCheckpoint(0, (), sign_note(text, [LOG])).format())[0] == 422


# -- what is remembered


def test_what_was_cosigned_survives_a_new_process_and_is_what_monitors_fetch(witness, key, tmp_path):
    status(witness, ask(0, 20))
    again = Witness(key, [LOG.verifier], Memory(tmp_path), CLOCK)
    assert status(again, ask(0, 10)) == (409, b"20\n")
    shown = Note.parse(again.latest(origin_hash(ORIGIN)))
    assert Checkpoint.parse(shown.text).size == 20
    assert [signer for signer, _ in cosigners(shown, [key.verifier])] == [key.verifier]
    assert again.latest(origin_hash("never.seen/trail")) is None
    assert again.latest("../" + origin_hash(ORIGIN)) is None


def test_trails_are_remembered_apart(key, tmp_path):
    other = SigningKey.generate("other.example/trail")
    witness = Witness(key, [LOG.verifier, other.verifier], Memory(tmp_path), CLOCK)
    status(witness, ask(0, 20))
    assert status(witness, AddCheckpoint(0, (), note(10, other, origin=other.name)).format())[0] == 200


def test_a_state_that_cannot_be_read_is_not_taken_for_an_empty_one(witness, tmp_path):
    status(witness, ask(0, 20))
    path = tmp_path / origin_hash(ORIGIN)
    whole = path.read_bytes()
    for broken in (b"", whole[:-20], note(5, STRANGER).format()[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(WitnessDamaged):
            witness.add_checkpoint(ask(0, 10))
    path.write_bytes(whole)
    assert status(witness, ask(20, 30))[0] == 200


def test_nothing_is_answered_that_could_not_be_kept(witness, tmp_path, monkeypatch):
    status(witness, ask(0, 20))

    def fail(*_):
        raise OSError(28, "no space left")

    monkeypatch.setattr("whosaw.terms.durable.os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        witness.add_checkpoint(ask(20, 30))
    monkeypatch.undo()
    assert status(witness, ask(20, 25))[0] == 200


def test_racing_requests_never_roll_the_size_back(witness, tmp_path):
    start, seen = threading.Barrier(8), []

    def run(worker):
        start.wait()
        known = 0
        for size in range(1 + worker, 300, 8):
            while known <= size:
                code, body = status(witness, ask(known, size))
                if code == 200:
                    seen.append(size)
                    known = size
                    break
                assert code == 409
                known = int(body)

    threads = [threading.Thread(target=run, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    sizes = []
    while any(thread.is_alive() for thread in threads):
        kept = witness.latest(origin_hash(ORIGIN))
        if kept:
            sizes.append(Checkpoint.parse(Note.parse(kept).text).size)
    for thread in threads:
        thread.join()
    assert sizes == sorted(sizes)
    assert Checkpoint.parse(Note.parse(witness.latest(origin_hash(ORIGIN))).text).size == max(seen)
    assert len(seen) == len(set(seen))


# -- keys and lines


def test_a_witness_key_is_kept_for_its_owner_alone_and_under_its_name(tmp_path):
    made = load_witness_key(tmp_path / "w", "witness.example/w1")
    assert made.verifier.kind == COSIGNATURE
    assert load_witness_key(tmp_path / "w", "witness.example/w1").verifier == made.verifier
    with pytest.raises(KeyRefused, match="not of"):
        load_witness_key(tmp_path / "w", "witness.example/w2")
    (tmp_path / "w" / "witness.key").chmod(0o644)
    with pytest.raises(KeyRefused, match="open to others"):
        load_witness_key(tmp_path / "w", "witness.example/w1")
    (tmp_path / "w" / "witness.key").chmod(0o600)
    (tmp_path / "w" / "witness.key").write_text("nonsense\n")
    with pytest.raises(KeyRefused, match="not a key"):
        load_witness_key(tmp_path / "w", "witness.example/w1")
    assert "PRIVATE" not in repr(made)


def test_an_answer_is_lines_only_and_this_witness_s_line_over_this_checkpoint(key):
    text, line = note(10).text, key.cosign(note(10).text, 7)
    foreign = CosigningKey(SigningKey.generate("witness.example/w2")).cosign(text, 7)
    assert read_cosignatures(text, (foreign.line() + line.line()).encode(), key.verifier) == (line,)
    shifted = line.line().replace(encode_base64(line.key_id + line.signature)[:12], "A" * 12)
    for bad in (b"", foreign.line().encode(), key.cosign(note(11).text, 7).line().encode(), shifted.encode()):
        with pytest.raises(NoteInvalid):
            read_cosignatures(text, bad, key.verifier)
    with pytest.raises(NoteInvalid):
        read_cosignatures(text, b"more text\n\n" + line.line().encode(), key.verifier)
    with pytest.raises(NoteInvalid, match="not a time"):
        key.cosign(text, -1)
