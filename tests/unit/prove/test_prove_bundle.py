"""Evidence bundles: what was written verifies, anything else does not, and nothing makes a traceback."""

import dataclasses
import io
import json
import os
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from whosaw.prove import (
    BundleEntry,
    BundleInvalid,
    Checkpoint,
    Policy,
    SigningKey,
    canonical,
    entry_leaf,
    sign_checkpoint,
    sign_note,
    verify_bundle,
    write_bundle,
)
from whosaw.prove.archive import pack
from whosaw.prove.merkle import LeafTree, inclusion_proof

KEY = SigningKey.generate("example.simulated/trail")
PAYLOADS = [canonical({"kind": "disclosure", "subject": number, "note": "ü"}) for number in range(20)]
SALTS = [sha256(b"salt %d" % number).digest() for number in range(20)]
TREE = LeafTree([entry_leaf(salt, raw) for salt, raw in zip(SALTS, PAYLOADS, strict=True)])
NOTE = sign_checkpoint(Checkpoint(KEY.name, 20, TREE.root()), KEY)
ENTRIES = [
    BundleEntry(index, SALTS[index], PAYLOADS[index].decode(), tuple(inclusion_proof(index, 20, TREE)))
    for index in (17, 3, 8)
]
FILES = {"letters/notice-1.html": b"<p>Dear customer</p>", "facts.json": b"{}"}


def write(path: Path, **changes):
    return write_bundle(path, **{"checkpoint": NOTE, "entries": ENTRIES, "files": FILES, "seal": KEY, **changes})


@pytest.fixture(params=["bundle", "bundle.zip"])
def bundle(request, tmp_path: Path) -> Path:
    write(tmp_path / request.param)
    return tmp_path / request.param


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_bundle_verifies_and_says_what_it_holds(bundle):
    report = verify_bundle(bundle)
    assert (report.entries, report.indices, report.size) == (3, (3, 8, 17), 20)
    assert report.files == ("facts.json", "letters/notice-1.html")
    assert (report.origin, report.signer) == (KEY.name, str(KEY.verifier))
    assert not report.trusted
    assert report.simulated


def test_only_the_caller_s_policy_makes_it_trusted(bundle):
    assert verify_bundle(bundle, Policy((KEY.verifier,))).trusted
    with pytest.raises(BundleInvalid, match="checkpoint"):
        verify_bundle(bundle, Policy((SigningKey.generate(KEY.name).verifier,)))


def test_a_bundle_of_no_entries_and_no_files_verifies(tmp_path):
    assert write(tmp_path / "b.zip", entries=[], files={}).entries == 0
    assert verify_bundle(tmp_path / "b.zip").files == ()


def test_a_zip_of_the_same_content_is_the_same_bytes(tmp_path):
    write(tmp_path / "a.zip")
    write(tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as other:
        assert other.testzip() is None
        assert other.read("files/facts.json") == b"{}"


def test_every_byte_counts(tmp_path):
    write(tmp_path / "b.zip")
    raw = (tmp_path / "b.zip").read_bytes()
    target = tmp_path / "altered.zip"
    for at in range(len(raw)):
        target.write_bytes(raw[:at] + bytes([raw[at] ^ 0x20]) + raw[at + 1 :])
        with pytest.raises(BundleInvalid):
            verify_bundle(target)


@pytest.mark.parametrize(
    "change",
    [lambda raw: b"x" + raw, lambda raw: raw + b"x", lambda raw: raw[:-1], lambda raw: raw[:200], lambda _: b""],
)
def test_a_zip_with_more_or_less_is_refused(tmp_path, change):
    write(tmp_path / "b.zip")
    (tmp_path / "b.zip").write_bytes(change((tmp_path / "b.zip").read_bytes()))
    with pytest.raises(BundleInvalid):
        verify_bundle(tmp_path / "b.zip")


def test_a_zip_packed_by_another_program_is_refused_with_advice(folder, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as other:
        for path in folder.rglob("*"):
            if path.is_file():
                other.write(path, path.relative_to(folder).as_posix())
    (tmp_path / "other.zip").write_bytes(buffer.getvalue())
    with pytest.raises(BundleInvalid) as refused:
        verify_bundle(tmp_path / "other.zip")
    assert "unpack" in refused.value.hint or "zip" in str(refused.value)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "files/../../x", "files//x", "files/a\\b", "a" * 200, "files/.hidden", "files/ü"]
)
def test_a_name_that_climbs_or_surprises_is_refused(tmp_path, name):
    with pytest.raises(BundleInvalid):
        write(tmp_path / "b", files={name: b""})
    if name.isascii():
        (tmp_path / "b.zip").write_bytes(pack({name: b"x"}))
        with pytest.raises(BundleInvalid):
            verify_bundle(tmp_path / "b.zip")


def test_a_file_too_many_too_few_or_altered_is_named(folder):
    letter = folder / "files/letters/notice-1.html"
    before = letter.read_bytes()
    letter.write_bytes(before + b" ")
    with pytest.raises(BundleInvalid, match=r"notice-1\.html` was altered"):
        verify_bundle(folder)
    letter.unlink()
    with pytest.raises(BundleInvalid):
        verify_bundle(folder)
    letter.write_bytes(before)
    (folder / "extra").write_bytes(b"")
    with pytest.raises(BundleInvalid, match="`extra` is in the bundle but not listed"):
        verify_bundle(folder)
    (folder / "extra").unlink()
    assert verify_bundle(folder).entries == 3


@pytest.mark.parametrize(
    "make",
    [lambda at: at.symlink_to("/etc/passwd"), os.mkfifo, lambda at: at.mkdir(), lambda at: at.symlink_to("/etc")],
)
def test_what_is_not_a_file_is_refused(folder, make):
    make(folder / "files" / "odd")
    with pytest.raises(BundleInvalid):
        verify_bundle(folder)


def test_a_link_in_place_of_a_file_is_refused(folder, tmp_path):
    (folder / "checkpoint").rename(tmp_path / "elsewhere")
    (folder / "checkpoint").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleInvalid):
        verify_bundle(folder)


def test_a_manifest_written_again_over_altered_files_lacks_the_seal(folder):
    (folder / "files/facts.json").write_bytes(b'{"forged":1}')
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["files/facts.json"] = sha256(b'{"forged":1}').hexdigest()
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    (folder / "manifest.json").write_bytes(raw)
    with pytest.raises(BundleInvalid, match=r"manifest\.note"):
        verify_bundle(folder)
    forger = SigningKey.generate(KEY.name)
    seal = sign_note(f"whosaw/bundle/v1\n{KEY.name}\n{sha256(raw).hexdigest()}\n", [forger])
    (folder / "manifest.note").write_bytes(seal.format())
    with pytest.raises(BundleInvalid):
        verify_bundle(folder)


def reseal(folder: Path, **manifest_changes) -> None:
    """What someone who has the trail key could write."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in manifest["files"]:
        manifest["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
    manifest.update(manifest_changes)
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    (folder / "manifest.json").write_bytes(raw)
    seal = sign_note(f"whosaw/bundle/v1\n{KEY.name}\n{sha256(raw).hexdigest()}\n", [KEY])
    (folder / "manifest.note").write_bytes(seal.format())


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        '{"index":3}',
        "[" * 100_000,
        '{"index":' + "9" * 10_000 + "}",
        '{"index":3.0,"payload":"{}","proof":[],"salt":""}',
        '{"index":true,"payload":"{}","proof":[],"salt":""}',
        '{"index":-1,"payload":"{}","proof":[],"salt":"' + "00" * 32 + '"}',
        '{"index":99999999999999999999,"payload":"{}","proof":[],"salt":"' + "00" * 32 + '"}',
        '{"index":3,"payload":"{}","proof":"x","salt":"' + "00" * 32 + '"}',
        '{"index":3,"payload":"\\ud800","proof":[],"salt":"' + "00" * 32 + '"}',
        '{"index":3,"payload":"{\\"a\\": 1}","proof":[],"salt":"' + "00" * 32 + '"}',
    ],
)
def test_a_malformed_entry_is_named_by_line_even_under_a_good_seal(folder, line):
    entries = folder / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().splitlines(keepends=True)[0] + line.encode() + b"\n")
    reseal(folder)
    with pytest.raises(BundleInvalid, match=r"entries\.jsonl line 2"):
        verify_bundle(folder)


def test_doubled_and_misplaced_entries_are_refused_even_under_a_good_seal(folder):
    entries = folder / "entries.jsonl"
    lines = entries.read_bytes().splitlines(keepends=True)
    for wrong in (
        [lines[0], lines[0]],
        [lines[1], lines[0]],
        [lines[0].replace(b'"index":3', b'"index":4')],
        [lines[0][:-1]],
    ):
        entries.write_bytes(b"".join(wrong))
        reseal(folder)
        with pytest.raises(BundleInvalid, match=r"entries\.jsonl"):
            verify_bundle(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 19},
        {"size": "20"},
        {"origin": "other"},
        {"signer": "x"},
        {"signer": 1},
        {"files": []},
        {"format": "v2"},
        {"more": 1},
    ],
)
def test_a_manifest_that_contradicts_the_checkpoint_is_refused_even_under_a_good_seal(folder, changes):
    reseal(folder, **changes)
    with pytest.raises(BundleInvalid):
        verify_bundle(folder)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.note", "checkpoint", "entries.jsonl"])
def test_a_missing_part_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(BundleInvalid, match=name):
        verify_bundle(folder)


def test_nothing_there_and_nothing_readable_are_clear_errors(tmp_path):
    with pytest.raises(BundleInvalid, match="cannot read"):
        verify_bundle(tmp_path / "absent.zip")
    with pytest.raises(BundleInvalid):
        verify_bundle(tmp_path)


def test_a_bundle_that_would_not_verify_is_not_written(tmp_path):
    forged = dataclasses.replace(ENTRIES[0], payload=PAYLOADS[1].decode())
    for changes in (
        {"entries": [forged]},
        {"entries": [ENTRIES[0], ENTRIES[0]]},
        {"checkpoint": b"nonsense"},
        {"seal": SigningKey.generate(KEY.name)},
    ):
        with pytest.raises(BundleInvalid):
            write(tmp_path / "b", **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_never_overwritten(bundle):
    with pytest.raises(BundleInvalid, match="exists already"):
        write(bundle)
