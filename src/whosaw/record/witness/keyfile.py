"""The witness's private key: one file in its folder, readable by its owner alone."""

from __future__ import annotations

from pathlib import Path

from whosaw.prove.cosign import CosigningKey
from whosaw.record.errors import KeyRefused
from whosaw.record.keys import create_key, load_key


def load_witness_key(folder: Path, name: str) -> CosigningKey:
    """Return the witness key in `folder`, made with the folder if absent.

    Args:
        folder: the witness's own.
        name: under which it cosigns; a key of another name is refused.

    Raises:
        KeyRefused: the file is open to others, is no key, or is the key of another name.
    """
    path = folder / "witness.key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            create_key(path, name)
        return CosigningKey(load_key(path, name))
    except OSError as cause:
        if isinstance(cause, KeyRefused):
            raise
        raise KeyRefused(f"cannot use the witness key `{path}`: {cause.strerror or cause}") from cause
