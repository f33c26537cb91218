"""The trail's keys: private ones in files that their owner alone can read, public ones in a keyring beside them.

Two keys, because a receipt is signed by every door and a checkpoint by the one integrator. A key's name is what it
speaks for: ``<base>/trail`` (the origin) and ``<base>/receipt``; under a clock that is not the world's the base ends in
``.simulated``, so that nothing signed by it can be taken for the real thing.

trail.key, receipt.key   the private keys that sign now, mode 0600
trail.key.next           while a rotation is under way: the key that will follow
keyring                  every public key there ever was, oldest first: ``trail|receipt VKEY [lost|stolen]``
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from whosaw.prove import NoteInvalid, SigningKey, VerifierKey
from whosaw.prove.checkpoint import SIMULATED_SUFFIX
from whosaw.prove.handover import KeyRole
from whosaw.record.errors import KeyRefused
from whosaw.terms import Clock
from whosaw.terms.durable import sync_folder, write_whole

Ended = Literal["", "lost", "stolen"]  # why a key ended other than by a planned rotation

_WIDER_THAN_OWNER = 0o077
_ROLES: tuple[KeyRole, ...] = ("trail", "receipt")


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs checkpoints, the key that signs receipts, and the public keys that went before them.

    Attributes:
        trail_former: earlier trail keys, oldest first; what they signed in their time still stands.
        receipt_former: earlier receipt keys, oldest first.
    """

    trail: SigningKey
    receipt: SigningKey
    trail_former: tuple[VerifierKey, ...] = ()
    receipt_former: tuple[VerifierKey, ...] = ()

    @property
    def origin(self) -> str:
        """The trail's name, which is the trail key's."""
        return self.trail.name

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """Every trail key, the one that signs now first."""
        return (self.trail.verifier, *reversed(self.trail_former))

    @property
    def receipt_verifiers(self) -> tuple[VerifierKey, ...]:
        """Every receipt key, the one that signs now first."""
        return (self.receipt.verifier, *reversed(self.receipt_former))


@dataclass(frozen=True, slots=True)
class RingKey:
    """A public key in the keyring: what it signs, and why it ended where that was not planned."""

    role: KeyRole
    key: VerifierKey
    ended: Ended = ""


def load_or_create(folder: Path, clock: Clock, base: str = "whosaw.local") -> Keys:
    """Return the keys in `folder`, making what was never there.

    Args:
        folder: where ``trail.key`` and ``receipt.key`` lie; made with mode 0700 if absent.
        clock: decides whether the origin says ``.simulated``.
        base: whose trail it is, as a host-like name.

    Raises:
        KeyRefused: a file is open to others, is not a key, is the key of another trail, or is gone.
    """
    owner = owner_name(clock, base)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ring = read_keyring(folder)
        found = [_current(folder, role, f"{owner}/{role}", ring) for role in _ROLES]
        fresh = [
            RingKey(role, key.verifier)
            for role, key in zip(_ROLES, found, strict=True)
            if all(each.role != role for each in ring)
        ]
        if fresh:
            write_keyring(folder, [*ring, *fresh])
        former = [[each.key for each in ring if each.role == role][:-1] for role in _ROLES]
        return Keys(found[0], found[1], tuple(former[0]), tuple(former[1]))
    except OSError as cause:
        if isinstance(cause, KeyRefused):
            raise
        raise KeyRefused(f"cannot use the keys in `{folder}`: {cause.strerror or cause}") from cause


def owner_name(clock: Clock, base: str = "whosaw.local") -> str:
    """Return what comes before the slash in the names of a trail's keys."""
    return base + SIMULATED_SUFFIX if clock.simulated else base


def read_keyring(folder: Path) -> list[RingKey]:
    """Return the public keys in a folder's keyring, oldest first; none where there is no keyring.

    Raises:
        KeyRefused: a line is not a key.
    """
    try:
        text = (folder / "keyring").read_text()
    except FileNotFoundError:
        return []
    ring = []
    for number, line in enumerate(text.splitlines(), 1):
        role, _, rest = line.partition(" ")
        vkey, _, ended = rest.partition(" ")
        if role not in _ROLES or ended not in ("", "lost", "stolen"):
            raise KeyRefused(f"line {number} of the keyring cannot be read", hint="restore the file from its backup")
        try:
            ring.append(RingKey(role, VerifierKey.parse(vkey), cast("Ended", ended)))
        except NoteInvalid as cause:
            raise KeyRefused(f"line {number} of the keyring is not a key: {cause}") from cause
    return ring


def write_keyring(folder: Path, ring: Sequence[RingKey]) -> None:
    """Replace a folder's keyring, durably."""
    text = "".join(f"{each.role} {each.key} {each.ended}".rstrip() + "\n" for each in ring)
    write_whole(folder / "keyring", text, draft=f".{os.getpid()}")


def load_key(path: Path, name: str) -> SigningKey:
    """Return the private key in a file.

    Raises:
        KeyRefused: the file is open to others, is not a key, or is the key of another name.
        OSError: it cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle) as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & _WIDER_THAN_OWNER:
            raise KeyRefused(
                f"the key file `{path}` is open to others",
                hint=f"chmod 600 {path}, and make a new key if anyone may have read it: `whosaw key rotate --stolen`",
            )
        text = file.read(10_000)
    try:
        key = SigningKey.parse(text.strip())
    except NoteInvalid as cause:
        raise KeyRefused(f"`{path}` is not a key: {cause}", hint="restore the file from its backup") from cause
    if key.name != name:
        raise KeyRefused(
            f"`{path}` is the key of `{key.name}`, not of `{name}`",
            hint="a trail keeps its origin and its kind of clock; use another folder for another trail",
        )
    return key


def create_key(path: Path, name: str) -> None:
    """Write a fresh key whole under `path`, mode 0600; where another process was first, its key stays.

    Raises:
        OSError: the disk refuses.
    """
    handle, scratch = tempfile.mkstemp(prefix=".key-", dir=path.parent)  # mode 0600 by contract
    try:
        with os.fdopen(handle, "w") as file:
            file.write(SigningKey.generate(name).secret_text() + "\n")
            file.flush()
            os.fsync(handle)
        os.link(scratch, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(scratch)  # noqa: PTH108 - mkstemp gave a string


def finish_switch(folder: Path, role: KeyRole, name: str, ring: Sequence[RingKey]) -> None:
    """Put the following key in its place where a rotation stopped after it had changed the keyring."""
    following = folder / f"{role}.key.next"
    known = [each.key for each in ring if each.role == role]
    if known and following.exists() and load_key(following, name).verifier == known[-1]:
        following.rename(folder / f"{role}.key")
        sync_folder(folder)


def _current(folder: Path, role: KeyRole, name: str, ring: Sequence[RingKey]) -> SigningKey:
    """Return the private key that signs now."""
    path = folder / f"{role}.key"
    known = [each.key for each in ring if each.role == role]
    finish_switch(folder, role, name, ring)
    if not path.exists():
        if known:
            raise KeyRefused(
                f"the key file `{path}` is gone",
                hint=f"restore it from its backup, or go on with another: `whosaw key rotate --key {role} --lost`",
            )
        create_key(path, name)
    key = load_key(path, name)
    if known and key.verifier != known[-1]:
        raise KeyRefused(
            f"`{path}` is not the key that signs this trail now",
            hint="restore the file that belongs to the last line of the keyring",
        )
    return key
