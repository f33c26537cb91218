"""The trail's private keys: one file each, readable by their owner alone.

Two keys, because a receipt is signed by every door and a checkpoint by the one integrator. A key's name is what it
speaks for: ``<base>/trail`` (the origin) and ``<base>/receipt``; under a clock that is not the world's the base ends in
``.simulated``, so that nothing signed by it can be taken for the real thing.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from whosaw.prove import NoteInvalid, SigningKey
from whosaw.prove.checkpoint import SIMULATED_SUFFIX
from whosaw.record.errors import KeyRefused
from whosaw.terms import Clock

_WIDER_THAN_OWNER = 0o077


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs checkpoints and the key that signs receipts."""

    trail: SigningKey
    receipt: SigningKey

    @property
    def origin(self) -> str:
        """The trail's name, which is the trail key's."""
        return self.trail.name


def load_or_create(folder: Path, clock: Clock, base: str = "whosaw.local") -> Keys:
    """Return the keys in `folder`, making what is not there.

    Args:
        folder: where ``trail.key`` and ``receipt.key`` lie; made with mode 0700 if absent.
        clock: decides whether the origin says ``.simulated``.
        base: whose trail it is, as a host-like name.

    Raises:
        KeyRefused: a file is open to others, is not a key, or is the key of another trail.
    """
    owner = base + SIMULATED_SUFFIX if clock.simulated else base
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Keys(_load(folder / "trail.key", f"{owner}/trail"), _load(folder / "receipt.key", f"{owner}/receipt"))
    except OSError as cause:
        if isinstance(cause, KeyRefused):
            raise
        raise KeyRefused(f"cannot use the keys in `{folder}`: {cause.strerror or cause}") from cause


def _load(path: Path, name: str) -> SigningKey:
    if not path.exists():
        _create(path, SigningKey.generate(name))
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle) as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & _WIDER_THAN_OWNER:
            raise KeyRefused(
                f"the key file `{path}` is open to others",
                hint=f"chmod 600 {path}, and make a new key if anyone may have read it",
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


def _create(path: Path, key: SigningKey) -> None:
    """Write the key whole under its name; where another process was first, its key stays."""
    handle, scratch = tempfile.mkstemp(prefix=".key-", dir=path.parent)  # mode 0600 by contract
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key.secret_text() + "\n")
            file.flush()
            os.fsync(handle)
        os.link(scratch, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(scratch)  # noqa: PTH108 - mkstemp gave a string
