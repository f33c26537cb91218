"""The trail's public key: read for our own checks, and published as a policy file for everyone else's."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from whosaw.app.errors import AppError
from whosaw.prove import NoteInvalid, SigningKey, VerifierKey


class NoTrailKey(AppError, LookupError):
    """There is no trail key in this state folder, so there is no trail either."""

    code: ClassVar[str] = "app.no_trail_key"
    hint = "set WHOSAW_STATE to the state folder of the server whose trail is meant"


def trail_key(keys_folder: Path) -> VerifierKey:
    """Return the public half of the trail key in `keys_folder`.

    Raises:
        NoTrailKey: no key can be read there.
    """
    path = keys_folder / "trail.key"
    try:
        return SigningKey.parse(path.read_text().strip()).verifier
    except OSError as cause:
        raise NoTrailKey(f"no trail key at `{path}`: {cause.strerror}") from cause
    except NoteInvalid as cause:
        raise NoTrailKey(f"`{path}` is not a key") from cause


def publish_policy(trail_folder: Path, key: VerifierKey) -> Path:
    """Write who signs this trail as a policy file beside its checkpoint, and return where.

    Hand it to those who will verify, by another way than the bundles: ``whosaw verify BUNDLE --policy FILE``.
    """
    trail_folder.mkdir(parents=True, exist_ok=True)
    path = trail_folder / "policy"
    path.write_text(f"log {key}\nquorum none\n")
    return path
