"""Notes and keys against vectors of outside origin: the signed-note specification and Go's sumdb/note."""

import pytest

from whosaw.prove import (
    Checkpoint,
    Note,
    NoteInvalid,
    SigningKey,
    VerifierKey,
    open_checkpoint,
    sign_checkpoint,
    sign_note,
)
from whosaw.prove.merkle import EMPTY_ROOT
from whosaw.prove.note import COSIGNATURE, NoteSignature, cosigned_message

# Source: c2sp.org/signed-note, "Example"
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# Source: golang.org/x/mod/sumdb/note, package documentation
GO_SIGNING_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
GO_OTHER_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)


def test_the_specification_s_note_verifies_under_its_key():
    key = VerifierKey.parse(SPEC_KEY)
    assert key.key_id.hex() == "530d903a"
    assert str(key) == SPEC_KEY
    note = Note.parse(SPEC_NOTE.encode())
    assert [signer for signer, _ in note.verify([key])] == [key]
    assert note.text == "This is an example message.\n"
    assert note.format() == SPEC_NOTE.encode()


def test_go_s_signing_key_makes_go_s_signature():
    key = SigningKey.parse(GO_SIGNING_KEY)
    assert str(key.verifier) == GO_KEY
    assert key.secret_text() == GO_SIGNING_KEY
    assert sign_note(GO_TEXT, [key]).format() == f"{GO_TEXT}\n{GO_LINE}".encode()


def test_an_unknown_signature_is_passed_over_and_a_known_bad_one_rejects():
    key = VerifierKey.parse(GO_KEY)
    both = Note.parse(f"{GO_TEXT}\n{GO_LINE}{GO_OTHER_LINE}".encode())
    assert [signer for signer, _ in both.verify([key])] == [key]
    with pytest.raises(NoteInvalid, match="no known key"):
        Note.parse(f"{GO_TEXT}\n{GO_OTHER_LINE}".encode()).verify([key])
    with pytest.raises(NoteInvalid, match="does not verify"):
        Note.parse(f"{GO_TEXT}more\n\n{GO_LINE}".encode()).verify([key])
    with pytest.raises(NoteInvalid, match="signed twice"):
        Note.parse(f"{GO_TEXT}\n{GO_LINE}{GO_LINE}".encode()).verify([key])


def test_the_text_ends_at_the_last_empty_line():
    key = SigningKey.generate("example.com/a")
    note = sign_note("one\n\ntwo\n", [key])
    assert Note.parse(note.format()).text == "one\n\ntwo\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"text only\n",
        GO_TEXT.encode() + b"\n" + GO_LINE.encode()[:-1],
        GO_TEXT.encode() + b"\r\n\n" + GO_LINE.encode(),
        GO_TEXT.encode() + b"\n- PeterNeumann x08go/Z=\n",
        GO_TEXT.encode() + "\n— Peter Neumann x08go/Z=\n".encode(),
        GO_TEXT.encode() + "\n— Peter+Neumann AAAAAAAA\n".encode(),
        GO_TEXT.encode() + "\n— PeterNeumann AAAAAAB=\n".encode(),
        GO_TEXT.encode() + "\n— PeterNeumann AAAA\n".encode(),
        b"\xff\xfe\n\n" + GO_LINE.encode(),
        GO_TEXT.encode() + b"\n" + GO_LINE.encode() * 101,
        b"x" * 1_000_001,
    ],
)
def test_a_malformed_note_is_refused(raw):
    with pytest.raises(NoteInvalid):
        Note.parse(raw)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+530d903a",
        SPEC_KEY.replace("530d903a", "530d903b"),
        SPEC_KEY.replace("530d903a", "530D903A"),
        SPEC_KEY.replace("example.com/foo", "exa mple.com/foo"),
        SPEC_KEY[:-4],
        SPEC_KEY + "=",
        SPEC_KEY.replace("+Aek", "+Bek"),
    ],
)
def test_a_malformed_key_is_refused(text):
    with pytest.raises(NoteInvalid):
        VerifierKey.parse(text)
    with pytest.raises(NoteInvalid):
        SigningKey.parse("PRIVATE+KEY+" + text)


def test_a_key_s_repr_does_not_hold_the_secret():
    key = SigningKey.parse(GO_SIGNING_KEY)
    assert "AYEKFALVFGyNhPJEMzD1QIDr" not in repr(key)
    assert "Ed25519" not in repr(key)


def test_a_cosignature_counts_only_over_its_own_time():
    witness = SigningKey.generate("witness.example")
    key = VerifierKey("witness.example", COSIGNATURE, witness.verifier.public)
    body = Checkpoint("example.com/log", 0, EMPTY_ROOT).format()
    stamp = (1_700_000_000).to_bytes(8, "big") + witness.sign(cosigned_message(body, 1_700_000_000))
    shifted = (1_700_000_001).to_bytes(8, "big") + stamp[8:]
    good = Note(body, (NoteSignature(key.name, key.key_id, stamp),))
    assert Note.parse(good.format()).verify([key])
    with pytest.raises(NoteInvalid):
        Note(body, (NoteSignature(key.name, key.key_id, shifted),)).verify([key])


def test_a_checkpoint_is_opened_only_by_its_origin_s_own_key():
    key, other = SigningKey.generate("example.com/log"), SigningKey.generate("example.com/other")
    checkpoint = Checkpoint("example.com/log", 3, b"r" * 32)
    note = sign_checkpoint(checkpoint, key)
    assert open_checkpoint(note, [other.verifier, key.verifier]) == (checkpoint, key.verifier)
    with pytest.raises(NoteInvalid):
        open_checkpoint(note, [other.verifier])
    with pytest.raises(NoteInvalid):
        open_checkpoint(sign_note(checkpoint.format(), [other]).format(), [other.verifier])
    with pytest.raises(NoteInvalid):
        sign_checkpoint(checkpoint, other)


@pytest.mark.parametrize(
    "body",
    [
        "example.com/log\n3\n",
        "example.com/log\n03\n" + "A" * 43 + "=\n",
        "example.com/log\n+3\n" + "A" * 43 + "=\n",
        "example.com/log\n9223372036854775808\n" + "A" * 43 + "=\n",
        "example.com/log\n3\nAAAA\n",
        "example.com/log\n3\n" + "A" * 43 + "=\nextension\n",
        "example.com/log\n0\n" + "A" * 43 + "=\n",
        "\n3\n" + "A" * 43 + "=\n",
        "example.com/log\n" + "9" * 5000 + "\n" + "A" * 43 + "=\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(body):
    with pytest.raises(NoteInvalid):
        Checkpoint.parse(body)


def test_an_origin_says_when_the_clock_was_simulated():
    assert Checkpoint("whosaw.demo.simulated/trail", 0, EMPTY_ROOT).simulated
    assert not Checkpoint("whosaw.demo/trail", 0, EMPTY_ROOT).simulated
