"""The lake's folder: who may write to it now, where an import works until it is done, the key of its row identities.

::

    LAKE.json                the manifest (see `whosaw.lake.manifest`)
    accesses-000001.parquet  rows of numbers only; likewise orders-… and tickets-…
    numbers-000002.parquet   number ↔ the logs' own references: the one file that leads back to persons
    identity.key             32 random bytes in hex: keyed row identities cannot be confirmed by guessing the row
    rejects/                 per log the rows that could not be read, with their raw text
    trails/                  trails that flow in by themselves (see `whosaw.lake.trailmanifest`)
    .staging/                an import under way; swept away by the next one where it was killed

Every file is its owner's alone (0600).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from whosaw.lake import manifest as manifests
from whosaw.lake.errors import LakeBusy, LakeDamaged, LakeError, LakeUnwritable, NotALake
from whosaw.lake.manifest import Manifest, open_private, read_manifest, write_manifest
from whosaw.terms.durable import sync_folder, write_whole

REJECTS = "rejects"
STAGING = ".staging"

_LOCK = ".lock"
_KEY = "identity.key"
_KEY_BYTES = 32
_OURS = {_LOCK, _KEY, "identity.draft", f"{_KEY}.draft", STAGING, REJECTS, "trails", f"{manifests.NAME}.draft"}


@dataclass(frozen=True, slots=True)
class Writing:
    """A lake locked for one import.

    Args:
        folder: the lake.
        staging: an empty folder (0700) in it for files that are not part of the lake yet.
        manifest: as it stood when the lock was taken.
        key: what row identities are keyed with.
    """

    folder: Path
    staging: Path
    manifest: Manifest
    key: bytes

    def admit(self, staged: Path, name: str) -> str:
        """Move a finished file from staging into the lake, durably; it counts once the manifest lists it."""
        staged.chmod(0o600)
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        place = self.folder / name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        staged.replace(place)
        sync_folder(place.parent)
        return name


@contextmanager
def writing(folder: Path) -> Iterator[Writing]:
    """Lock a lake for one import, making it where there is none.

    Raises:
        LakeBusy: another import holds it.
        NotALake: the folder holds other things.
        LakeUnwritable: the folder cannot be written.
    """
    try:
        _prepare(folder)
        with open_private(folder / _LOCK) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LakeBusy(f"another import is writing to lake `{folder}`") from error
            yield from _locked(folder.resolve())
    except OSError as error:
        if isinstance(error, LakeError):
            raise
        raise LakeUnwritable(f"cannot write to lake `{folder}`: {error.strerror or error}") from error


def _locked(folder: Path) -> Iterator[Writing]:
    if not (folder / manifests.NAME).exists():
        write_manifest(folder, Manifest())
    manifest = read_manifest(folder)
    _sweep(folder, manifest)
    staging = folder / STAGING
    staging.mkdir(mode=0o700)
    try:
        yield Writing(folder, staging, manifest, _key(folder, manifest))
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _prepare(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotALake(f"`{folder}` is not a folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {entry.name for entry in folder.iterdir()}
    if manifests.NAME not in names and names - _OURS:
        raise NotALake(f"folder `{folder}` holds other things than a lake")


def _sweep(folder: Path, manifest: Manifest) -> None:
    """Remove what an import that was killed left behind."""
    shutil.rmtree(folder / STAGING, ignore_errors=True)
    kept = manifest.files()
    for path in folder.glob("*-*.parquet"):
        if path.name not in kept:
            path.unlink()


def _key(folder: Path, manifest: Manifest) -> bytes:
    path = folder / _KEY
    if not path.exists():
        if manifest.sources:
            raise LakeDamaged(f"`{_KEY}` is missing from lake `{folder}`: rows could no longer be told apart")
        write_whole(path, secrets.token_hex(_KEY_BYTES), draft=".draft")
    return bytes.fromhex(path.read_text())
