"""Hand-overs: a verifier follows from a key it trusts to the next, and nobody else can lead it anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.prove import Checkpoint, NoteInvalid, Policy, SigningKey, sign_checkpoint
from whosaw.prove.handover import Handover, follow, follow_policy, open_handover, sign_handover

NAME = "acme.example/trail"
KEYS = [SigningKey.generate(NAME) for _ in range(4)]
OLD, NEW, NEXT, STRANGER = KEYS


def tree(size: int, fill: bytes = b"r") -> Checkpoint:
    return Checkpoint(NAME, size, fill * 32)


def handed(old: SigningKey, new: SigningKey, size: int = 10, *, by_old: bool = True, role: str = "trail") -> bytes:
    return sign_handover(Handover(role, tree(size), old.verifier, new.verifier), new, old if by_old else None)


def test_it_is_a_note_of_seven_lines_that_both_keys_signed():
    raw = handed(OLD, NEW)
    handover, by_old = open_handover(raw)
    assert (handover.old, handover.new, handover.last, by_old) == (OLD.verifier, NEW.verifier, tree(10), True)
    text, _, signatures = raw.decode().rpartition("\n\n")
    assert text.split("\n")[:4] == ["whosaw/handover/v1", "trail", NAME, "10"]
    assert signatures.count("\n") == 2
    assert Handover.parse(handover.format()) == handover


def test_who_trusts_the_old_key_follows_to_the_new_one_and_on():
    found = follow([OLD.verifier], [handed(NEW, NEXT, 20), handed(OLD, NEW, 10)])
    assert set(found.keys) == {OLD.verifier, NEW.verifier, NEXT.verifier}
    for size, key in ((10, OLD), (20, NEW), (500, NEXT)):
        assert found.open(sign_checkpoint(tree(size), key)) == (tree(size), key.verifier)


def test_who_trusts_the_new_key_believes_the_old_one_up_to_its_last_tree():
    found = follow([NEXT.verifier], [handed(OLD, NEW, 10), handed(NEW, NEXT, 20)])
    assert found.open(sign_checkpoint(tree(3), OLD)) == (tree(3), OLD.verifier)
    for size, key in ((11, OLD), (21, NEW)):
        with pytest.raises(NoteInvalid, match="had ended"):
            found.open(sign_checkpoint(tree(size), key))


def test_an_ended_key_cannot_sign_another_tree_of_the_last_size():
    found = follow([OLD.verifier], [handed(OLD, NEW, 10)])
    with pytest.raises(NoteInvalid, match="had ended"):
        found.open(sign_checkpoint(tree(10, b"x"), OLD))


def test_without_the_old_signature_nobody_is_led_forward():
    raw = handed(OLD, NEW, by_old=False)
    assert follow([OLD.verifier], [raw]).keys == (OLD.verifier,)
    assert set(follow([NEW.verifier], [raw]).keys) == {OLD.verifier, NEW.verifier}


def test_a_stranger_leads_nobody():
    by_stranger = handed(STRANGER, NEXT)
    assert follow([OLD.verifier], [by_stranger]).keys == (OLD.verifier,)
    raw = sign_handover(Handover("trail", tree(10), OLD.verifier, STRANGER.verifier), STRANGER, None)
    assert follow([OLD.verifier], [raw]).keys == (OLD.verifier,)  # he named the old key and could not sign for it


def test_a_key_handed_over_to_two_is_a_fork():
    with pytest.raises(NoteInvalid, match="handed over to two"):
        follow([OLD.verifier], [handed(OLD, NEW), handed(OLD, STRANGER)])


def test_a_receipt_key_is_no_trail_key():
    raw = handed(OLD, NEW, role="receipt")
    assert follow([OLD.verifier], [raw]).keys == (OLD.verifier,)
    assert NEW.verifier in follow([OLD.verifier], [raw], role="receipt").keys


def test_a_policy_gains_the_keys_that_its_own_lead_to():
    policy = Policy.parse(f"log {OLD.verifier}\nquorum none\n".encode())
    later = sign_checkpoint(tree(30), NEW)
    with pytest.raises(NoteInvalid):
        policy.check(later)
    followed = follow_policy(policy, [handed(OLD, NEW)])
    assert followed.check(later) == (tree(30), NEW.verifier)
    assert followed.logs == (OLD.verifier, NEW.verifier)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("v1", "v2"),
        lambda text: text.replace("\ntrail\n", "\nwitness\n"),
        lambda text: text + "more\n",
        lambda text: text.replace(str(NEW.verifier), str(OLD.verifier)),
        lambda text: text.replace(str(NEW.verifier), str(SigningKey.generate("other/trail").verifier)),
        lambda text: text.replace("\n10\n", "\n010\n"),
    ],
)
def test_another_text_is_no_hand_over(change):
    text = Handover("trail", tree(10), OLD.verifier, NEW.verifier).format()
    with pytest.raises(NoteInvalid):
        Handover.parse(change(text))


def test_keys_that_are_not_named_cannot_sign():
    handover = Handover("trail", tree(10), OLD.verifier, NEW.verifier)
    for new, old in ((STRANGER, OLD), (NEW, STRANGER)):
        with pytest.raises(NoteInvalid):
            sign_handover(handover, new, old)


@given(st.data())
def test_a_flipped_byte_never_leads_anywhere(data):
    raw = bytearray(handed(OLD, NEW))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        found = follow([OLD.verifier], [bytes(raw)])
    except NoteInvalid:
        return
    assert found.keys == (OLD.verifier,)
    assert found.last[OLD.verifier] is None


@given(st.permutations(range(3)), st.integers(0, 3))
def test_the_order_in_which_hand_overs_are_read_does_not_matter(order, trusted):
    notes = [handed(KEYS[at], KEYS[at + 1], 10 * (at + 1)) for at in range(3)]
    found = follow([KEYS[trusted].verifier], [notes[at] for at in order])
    assert set(found.keys) == {key.verifier for key in KEYS}
    assert [key for key, last in found.last.items() if last is None] == [KEYS[3].verifier]
