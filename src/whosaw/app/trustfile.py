"""The trail's public key: read for our own checks, and published as a policy file for everyone else's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from whosaw.app.errors import AppError
from whosaw.prove import NoteInvalid, SigningKey, VerifierKey
from whosaw.record.keys import read_keyring
from whosaw.terms.durable import UMASK, write_whole


class NoTrailKey(AppError, LookupError):
    """There is no trail key in this state folder, so there is no trail either."""

    code: ClassVar[str] = "app.no_trail_key"
    hint = "set WHOSAW_STATE to the state folder of the server whose trail is meant"


def trail_key(keys_folder: Path) -> VerifierKey:
    """Return the public half of the trail key in `keys_folder`.

    Raises:
        NoTrailKey: no key can be read there.
    """
    return _public_half(keys_folder / "trail.key", "trail")


def receipt_keys(keys_folder: Path) -> tuple[VerifierKey, ...]:
    """Return the public half of every receipt key there ever was, the present one first.

    Raises:
        NoTrailKey: the present key cannot be read.
        KeyRefused: the keyring cannot be read.
    """
    former = [each.key for each in read_keyring(keys_folder) if each.role == "receipt"]
    return tuple(dict.fromkeys((_public_half(keys_folder / "receipt.key", "receipt"), *reversed(former))))


def _public_half(path: Path, what: str) -> VerifierKey:
    try:
        return SigningKey.parse(path.read_text().strip()).verifier
    except OSError as cause:
        raise NoTrailKey(f"no {what} key at `{path}`: {cause.strerror}") from cause
    except NoteInvalid as cause:
        raise NoTrailKey(f"`{path}` is not a key") from cause


def former_keys(keys_folder: Path) -> tuple[VerifierKey, ...]:
    """Return the trail keys that signed before the present one and may still be believed: those not stolen.

    Raises:
        KeyRefused: the keyring cannot be read.
    """
    ring = [each for each in read_keyring(keys_folder) if each.role == "trail"]
    return tuple(each.key for each in ring[:-1] if each.ended != "stolen")


def republish_logs(trail_folder: Path, keys_folder: Path) -> Path:
    """Write who signs into the policy file anew after a rotation; its witness, group and quorum lines stay.

    Raises:
        NoTrailKey: no key can be read.
        KeyRefused: the keyring cannot be read.
    """
    path = trail_folder / "policy"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    rest = "".join(line for line in lines if not line.startswith("log "))
    return publish_policy(trail_folder, trail_key(keys_folder), rest, former_keys(keys_folder))


def publish_policy(
    trail_folder: Path, key: VerifierKey, witnesses: str = "", former: Sequence[VerifierKey] = ()
) -> Path:
    """Write who signs this trail as a policy file beside its checkpoint, and return where.

    Hand it to those who will verify, by another way than the bundles: ``whosaw verify BUNDLE --policy FILE``.

    Args:
        trail_folder: where to; made if absent.
        key: the trail key's public half.
        witnesses: the witness, group and quorum lines; none means that no quorum is demanded.
        former: keys that signed before this one, for what was handed out in their time.
    """
    trail_folder.mkdir(parents=True, exist_ok=True)
    path = trail_folder / "policy"
    logs = "".join(f"log {each}\n" for each in (key, *former))
    write_whole(path, logs + (witnesses or "quorum none\n"), mode=UMASK, draft=f".new-{os.getpid()}")
    return path
