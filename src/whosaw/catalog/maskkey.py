"""The key under which stable masks are told apart. It lies outside the catalog, which many people read."""

from __future__ import annotations

from pathlib import Path

from whosaw.catalog.model import CatalogInvalid
from whosaw.catalog.strict import Table

KEY_BYTES_LEAST = 32
_KEY_BYTES_MOST = 4096
MAKE = "make one with: (umask 077; head -c 32 /dev/urandom > mask.key)"


def mask_key(table: Table | None, folder: Path) -> bytes:
    """Return the key that ``[masks]`` names, or none.

    Args:
        table: ``[masks]``: ``key_file``, from the catalog's folder, or ``key``, from the environment.
        folder: the catalog's.

    Raises:
        CatalogInvalid: the key cannot be read, is short, or others can read it.
    """
    if table is None:
        return b""
    if ("key_file" in table) == ("key" in table):
        raise CatalogInvalid(f"{table.where}: write either `key_file` or `key`", hint=MAKE)
    if "key" in table:
        if not table.text("key").startswith("env:"):
            raise CatalogInvalid(
                f"{table.where}: `key` stands in the catalog itself, which many people read",
                hint='write key = "env:VARIABLE", or name a file with key_file',
            )
        key = table.secret("key").encode()
    else:
        key = _read(folder / table.text("key_file"), table.where)
    table.done()
    if len(key) < KEY_BYTES_LEAST:
        raise CatalogInvalid(f"{table.where}: the key has {len(key)} bytes; {KEY_BYTES_LEAST} are the least", hint=MAKE)
    return key


def _read(path: Path, where: str) -> bytes:
    try:
        open_to_others = path.stat().st_mode & 0o077
        with path.open("rb") as file:
            key = file.read(_KEY_BYTES_MOST)
    except (OSError, ValueError) as cause:
        said = getattr(cause, "strerror", None) or "no such path"
        raise CatalogInvalid(f"{where}: cannot read the key file `{path}`: {said}", hint=MAKE) from cause
    if open_to_others:
        raise CatalogInvalid(f"{where}: others may read the key file `{path}`", hint=f"chmod 600 {path}")
    return key
