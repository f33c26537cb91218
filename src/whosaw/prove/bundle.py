"""Evidence bundles: entries with their proofs against one checkpoint, and the files that go with them.

A bundle is a folder or a zip (`archive`) of

    manifest.json    format, origin, size, signer, and the SHA-256 of every file but itself and its seal
    manifest.note    the seal: a note by the trail key over the manifest's SHA-256
    checkpoint       the one signed tree head
    entries.jsonl    {"index", "payload" (canonical text), "proof" (hex hashes), "salt" (hex)} a line, by index
    exposure/HASH    a set of subjects that an entry names: 32 bytes of salt, and a bitmap (`exposure`); may be left out
    files/…          letters, mails, facts

It is verified without server or database. It must not be what tells the verifier which key to trust: with a policy of
his own the report says `trusted`; without one everything is still checked for consistency under the key that the bundle
itself names, and the report says to compare that key.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from whosaw.prove.archive import check_file_name, pack, read_files
from whosaw.prove.bundle_entries import (
    ENTRIES,
    SETS,
    BundleEntry,
    check_entries,
    check_sets,
    read_json,
    within,
    write_entries,
    write_json,
)
from whosaw.prove.checkpoint import Checkpoint, open_checkpoint
from whosaw.prove.cosign import cosigners
from whosaw.prove.errors import BundleInvalid
from whosaw.prove.later import Opened, check_later
from whosaw.prove.note import Note, SigningKey, VerifierKey, sign_note
from whosaw.prove.policy import Policy

FORMAT = "whosaw/bundle/v1"
MANIFEST, SEAL, CHECKPOINT, FILES = "manifest.json", "manifest.note", "checkpoint", "files/"


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What a verified bundle holds.

    Attributes:
        entries: how many entries were proved.
        indices: their places in the trail, ascending.
        files: names of the files beside them, without ``files/``.
        origin: the trail's name.
        size: entries in the trail when the checkpoint was signed.
        signer: the verifier key that signed the checkpoint and the seal.
        trusted: whether a policy given by the caller accepted the signer and the cosignatures; where false, compare
            `signer` with the key the trail's operator published.
        simulated: whether the trail was written under a simulated clock.
        sets: indices of entries whose set of subjects is in the bundle, ascending.
        without_sets: indices of entries that name a set which is not.
        later: entries under the later checkpoint that was proved to continue the bundle's; 0 where none was given.
        witnessed: which witnesses of the caller's policy cosigned the checkpoint, and when (POSIX seconds).
        later_witnessed: the same of the later checkpoint.
    """

    entries: int
    indices: tuple[int, ...]
    files: tuple[str, ...]
    origin: str
    size: int
    signer: str
    trusted: bool
    simulated: bool
    sets: tuple[int, ...] = ()
    without_sets: tuple[int, ...] = ()
    later: int = 0
    witnessed: tuple[tuple[str, int], ...] = ()
    later_witnessed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Manifest:
    files: dict[str, object]
    origin: str
    signer: VerifierKey
    size: int


def write_bundle(
    path: Path,
    *,
    checkpoint: bytes,
    entries: Iterable[BundleEntry],
    files: Mapping[str, bytes],
    seal: SigningKey,
    sets: Mapping[str, bytes] | None = None,
) -> BundleReport:
    """Write a bundle that verifies, whole or not at all.

    Args:
        path: where to; a name ending in ``.zip`` makes a zip, any other a folder. Nothing may stand there.
        checkpoint: the signed note that every proof leads to.
        entries: in any order, each index once.
        files: contents by name, to stand under ``files/``.
        seal: the trail key, whose name is the origin.
        sets: sets of subjects that entries name, salt and bitmap by hash in hex.

    Raises:
        BundleInvalid: something stands at `path`, or what was given does not fit together.
    """
    if path.exists() or path.is_symlink():
        raise BundleInvalid(f"`{path}` exists already", hint="choose another name; a bundle is never overwritten")
    with within(CHECKPOINT):
        head, _ = open_checkpoint(checkpoint, [seal.verifier])
    body = {FILES + name: content for name, content in files.items()}
    body |= {SETS + named: sealed for named, sealed in (sets or {}).items()}
    body |= {CHECKPOINT: checkpoint, ENTRIES: write_entries(entries)}
    manifest = _write_manifest(body, head, seal.verifier)
    body |= {MANIFEST: manifest, SEAL: sign_note(_seal_text(head.origin, manifest), [seal]).format()}
    report = _verify(body, None)
    _place(path, body)
    return report


def verify_bundle(path: Path, policy: Policy | None = None, *, later: bytes | None = None) -> BundleReport:
    """Check everything in the bundle at `path` and say what it holds.

    Args:
        path: a folder, or a zip as `write_bundle` makes it.
        policy: whom to trust, from a source other than the bundle.
        later: what leads to a later checkpoint (`later.write_later`), which is held to the same trust.

    Raises:
        BundleInvalid: anything is missing, extra, altered, malformed or not proved; the message says where.
    """
    return _verify(read_files(path), policy, later)


def _verify(files: Mapping[str, bytes], policy: Policy | None, later: bytes | None = None) -> BundleReport:
    for name in (MANIFEST, SEAL, CHECKPOINT, ENTRIES):
        if name not in files:
            raise BundleInvalid(f"`{name}` is missing")
    manifest = _read_manifest(files[MANIFEST])
    _check_listing(files, manifest)
    with within(SEAL):
        _check_seal(files, manifest)
    opened = _opens(manifest.signer) if policy is None else policy.check
    with within(CHECKPOINT):
        head, signer = opened(files[CHECKPOINT])
    if (head.origin, head.size, signer) != (manifest.origin, manifest.size, manifest.signer):
        raise BundleInvalid(f"`{MANIFEST}` and `{CHECKPOINT}` do not speak of the same trail, size and key")
    proved = check_entries(files[ENTRIES], head)
    keys = policy.logs if policy else (manifest.signer,)
    grown, grown_note = (None, b"") if later is None else check_later(later, head, keys, opened)
    sets = check_sets({name.removeprefix(SETS): files[name] for name in files if name.startswith(SETS)}, proved)
    return BundleReport(
        entries=len(proved),
        indices=tuple(proved),
        files=tuple(sorted(name.removeprefix(FILES) for name in files if name.startswith(FILES))),
        origin=head.origin,
        size=head.size,
        signer=str(signer),
        trusted=policy is not None,
        simulated=head.simulated,
        sets=sets,
        without_sets=tuple(sorted({index for index, said in proved.items() if "exposure" in said} - {*sets})),
        later=grown.size if grown else 0,
        witnessed=_witnessed(files[CHECKPOINT], policy),
        later_witnessed=_witnessed(grown_note, policy) if grown else (),
    )


def _witnessed(note: bytes, policy: Policy | None) -> tuple[tuple[str, int], ...]:
    found = cosigners(Note.parse(note), list(policy.witnesses.values())) if policy else []
    return tuple(sorted({key.name: at for key, at in found}.items()))


def _opens(signer: VerifierKey) -> Opened:
    return lambda note: open_checkpoint(note, [signer])


def _write_manifest(body: Mapping[str, bytes], head: Checkpoint, signer: VerifierKey) -> bytes:
    hashes = {check_file_name(name): sha256(content).hexdigest() for name, content in body.items()}
    manifest = {"files": hashes, "format": FORMAT, "origin": head.origin, "signer": str(signer), "size": head.size}
    return write_json(manifest) + b"\n"


def _read_manifest(raw: bytes) -> _Manifest:
    read = read_json(MANIFEST, raw.removesuffix(b"\n"))
    if set(read) != {"files", "format", "origin", "signer", "size"} or not raw.endswith(b"\n"):
        raise BundleInvalid(f"`{MANIFEST}` is not a manifest")
    if read["format"] != FORMAT:
        raise BundleInvalid(f"`{MANIFEST}` is of another format than `{FORMAT}`")
    files, origin, signer, size = read["files"], read["origin"], read["signer"], read["size"]
    if not isinstance(files, dict) or not isinstance(origin, str) or not isinstance(signer, str):
        raise BundleInvalid(f"`{MANIFEST}` holds a value of the wrong type")
    if type(size) is not int:
        raise BundleInvalid(f"`{MANIFEST}` holds a value of the wrong type")
    with within(MANIFEST):
        return _Manifest(files, origin, VerifierKey.parse(signer), size)


def _check_listing(files: Mapping[str, bytes], manifest: _Manifest) -> None:
    present = set(files) - {MANIFEST, SEAL}
    for name in sorted(present ^ set(manifest.files)):
        where = "in the bundle but not listed" if name in present else "listed but not in the bundle"
        raise BundleInvalid(f"`{name[:200]}` is {where}")
    for name in sorted(present):
        if not name.startswith((FILES, SETS)) and name not in {CHECKPOINT, ENTRIES}:
            raise BundleInvalid(f"`{name}` has no place in a bundle")
        if manifest.files[name] != sha256(files[name]).hexdigest():
            raise BundleInvalid(f"`{name}` was altered: its SHA-256 is not the one in `{MANIFEST}`")


def _seal_text(origin: str, manifest: bytes) -> str:
    return f"{FORMAT}\n{origin}\n{sha256(manifest).hexdigest()}\n"


def _check_seal(files: Mapping[str, bytes], manifest: _Manifest) -> None:
    note = Note.parse(files[SEAL])
    if len(note.signatures) != 1 or note.format() != files[SEAL]:
        raise BundleInvalid(f"`{SEAL}` has exactly one signature")
    note.verify([manifest.signer])
    if note.text != _seal_text(manifest.origin, files[MANIFEST]):
        raise BundleInvalid(f"`{SEAL}` is not over this `{MANIFEST}`")


def _place(path: Path, body: Mapping[str, bytes]) -> None:
    """Write under a name of its own beside `path`, then rename: a bundle exists whole or not at all."""
    scratch = Path(tempfile.mkdtemp(prefix=".bundle-", dir=path.parent))
    try:
        if path.suffix == ".zip":
            source = scratch / "zip"
            source.write_bytes(pack(body))
        else:
            source = scratch / "folder"
            for name, content in body.items():
                target = source / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        os.rename(source, path)  # noqa: PTH104 - same file system by construction
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
