"""Files that are there whole or not at all, whenever the machine stops: the one part of the words that touches a disk.

It stands here because a lake, a witness and the trail write such files, and each may be installed without the others.
"""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ALONE, UMASK = 0o600, 0o666
"""Who may read a file: its owner alone, or whoever the process's umask lets."""


def write_whole(path: Path, body: bytes | str, *, mode: int = OWNER_ALONE, draft: str = ".new") -> None:
    """Write a file in place of an older one: on return it is on the disk under its name, and readers see old or new.

    A process that dies leaves at most the draft, which the next write takes over.

    Args:
        path: where, in a folder that is there.
        body: what; text as UTF-8.
        mode: of a file that is new.
        draft: what the draft's name has more than the file's; where several processes may write one file at a time,
            something of each one's own.

    Raises:
        OSError: the disk refuses; the older file stays.
    """
    fresh = path.with_name(path.name + draft)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(body.encode() if isinstance(body, str) else body)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were made or changed in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
