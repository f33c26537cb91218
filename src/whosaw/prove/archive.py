"""The files of a bundle, from a folder or a zip, read without trusting either.

A zip is accepted only if it is, byte for byte, the zip that `pack` makes of its files: no compression, fixed dates,
names in order. So no byte of it can change unseen (comments, extra fields, leading or trailing bytes, times), and there
is nothing to decompress.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from whosaw.prove.errors import BundleInvalid

MAX_FILES = 10_000
MAX_BYTES = 512 * 1024 * 1024
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_DEPTH = 6

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION, _MADE_BY, _DATE_1980, _MODE = 20, 0x031E, 0x0021, 0o100644 << 16


def check_file_name(name: str) -> str:
    """Return `name` if a bundle may hold a file of this name.

    Raises:
        BundleInvalid: it is absolute, climbs, is nested too deep, or holds anything but letters, digits, ``._-``.
    """
    parts = name.split("/")
    if len(parts) > _MAX_DEPTH or not all(_PART.fullmatch(part) for part in parts):
        raise BundleInvalid(
            f"a bundle holds no file named `{name[:200]!r}`",
            hint="names are letters, digits, dot, dash and underscore, with / between folders",
        )
    return name


def read_files(path: Path) -> dict[str, bytes]:
    """Return every file of the bundle at `path`, a folder or a zip, by name.

    Raises:
        BundleInvalid: there is none, it holds what no bundle holds, or it is larger than 512 MiB or 10,000 files.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        raw = _read_file(path, follow=True, room=MAX_BYTES)
    except OSError as cause:
        raise BundleInvalid(f"cannot read `{path}`: {cause.strerror or cause}") from cause
    return unpack(raw)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the one zip of these files (stored, names in order, dated 1980)."""
    bodies: list[bytes] = []
    central: list[bytes] = []
    at = 0
    for name in sorted(files):
        body, label = files[name], name.encode("ascii")
        crc, size = zlib.crc32(body), len(body)
        head = _LOCAL.pack(b"PK\x03\x04", _VERSION, 0, 0, 0, _DATE_1980, crc, size, size, len(label), 0) + label
        central.append(
            _CENTRAL.pack(
                *(b"PK\x01\x02", _MADE_BY, _VERSION, 0, 0, 0, _DATE_1980, crc, size, size),
                *(len(label), 0, 0, 0, 0, _MODE, at),
            )
            + label
        )
        bodies += (head, body)
        at += len(head) + size
    listing = b"".join(central)
    end = _END.pack(b"PK\x05\x06", 0, 0, len(central), len(central), len(listing), at, 0)
    return b"".join((*bodies, listing, end))


def unpack(raw: bytes) -> dict[str, bytes]:
    """Return the files of a zip that `pack` wrote.

    Raises:
        BundleInvalid: it is not exactly such a zip.
    """
    files: dict[str, bytes] = {}
    for name, body in _members(raw):
        if name in files:
            raise BundleInvalid(f"`{name}` is in the zip twice")
        files[name] = body
        if len(files) > MAX_FILES:
            raise BundleInvalid(f"more than {MAX_FILES} files")
    if not files or pack(files) != raw:
        raise BundleInvalid(
            "the zip is not as whosaw wrote it",
            hint="if it was packed again by another program, unpack it and verify the folder",
        )
    return files


def _members(raw: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while raw[at : at + 4] == b"PK\x03\x04" and at + _LOCAL.size <= len(raw):
        fields = _LOCAL.unpack_from(raw, at)
        size, label_bytes = fields[8], fields[9]
        start = at + _LOCAL.size + label_bytes
        if start + size > len(raw):
            raise BundleInvalid("the zip is cut off")
        yield check_file_name(raw[at + _LOCAL.size : start].decode("latin-1")), raw[start : start + size]
        at = start + size


def _read_folder(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    room = MAX_BYTES
    for name, path in _walk(folder, ""):
        if len(files) == MAX_FILES:
            raise BundleInvalid(f"more than {MAX_FILES} files")
        files[name] = _read_file(path, follow=False, room=room)
        room -= len(files[name])
    return files


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    inside = 0
    with os.scandir(folder) as listing:
        for item in listing:
            inside += 1
            name = check_file_name(prefix + item.name)
            if item.is_dir(follow_symlinks=False):
                yield from _walk(folder / item.name, name + "/")
            elif item.is_file(follow_symlinks=False):
                yield name, folder / item.name
            else:
                raise BundleInvalid(f"`{name}` is neither a file nor a folder")
    if prefix and not inside:
        raise BundleInvalid(f"`{prefix}` is an empty folder")


def _read_file(path: Path, *, follow: bool, room: int) -> bytes:
    # O_NONBLOCK: opening a pipe must not wait for a writer; it is refused right after
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BundleInvalid(f"`{path.name}` is not a regular file")
        body = file.read(room + 1)
    if len(body) > room:
        raise BundleInvalid(f"a bundle larger than {MAX_BYTES} bytes")
    return body
