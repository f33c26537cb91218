"""Where a lake lies: a local folder, or an object store by URL. Files come whole and durable, or not at all.

A local file is written beside its place, flushed to the disk and renamed; an object appears when its upload ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.fs as pafs

from whosaw.lake.errors import LakeBusy, LakeDamaged, LakeUnwritable
from whosaw.terms.durable import sync_folder, write_whole

_LOCK = ".lock"
_DRAFT = ".draft"


class Place(Protocol):
    """A folder of whole files; names are relative, with slashes."""

    @property
    def text(self) -> str:
        """Return where it is, for messages."""
        ...

    def names(self) -> list[str]:
        """Return every file, at any depth."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, None where it is not there."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """Write a file, durably and at once, over an older one."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are no fault."""
        ...

    def within(self, folder: str) -> Place:
        """Return a folder of it as a place."""
        ...

    def dataset_files(self, names: Iterable[str]) -> tuple[list[str], Any]:
        """Return paths of files, and the file system (pyarrow) that opens them."""
        ...


class Folder:
    """A folder of this machine, its files its owner's alone."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def text(self) -> str:
        """Return the path."""
        return str(self.path)

    def names(self) -> list[str]:
        """Return every file, at any depth."""
        if not self.path.is_dir():
            return []
        return sorted(str(each.relative_to(self.path)) for each in self.path.rglob("*") if each.is_file())

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, None where it is not there."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeDamaged(f"file `{name}` of lake `{self.text}` cannot be read") from error

    def put(self, name: str, body: bytes) -> None:
        """Write a file, durably and at once, over an older one.

        Raises:
            LakeUnwritable: no room, no permission.
        """
        place = self.path / name
        try:
            self._make(place.parent)
            write_whole(place, body, draft=_DRAFT)
        except OSError as error:
            raise LakeUnwritable(f"cannot write to lake `{self.text}`: {error.strerror or error}") from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are no fault."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def within(self, folder: str) -> Folder:
        """Return a folder of it as a place."""
        return Folder(self.path / folder)

    def dataset_files(self, names: Iterable[str]) -> tuple[list[str], Any]:
        """Return paths of files, and the file system that opens them."""
        return [str(self.path / name) for name in names], pafs.LocalFileSystem()

    def _make(self, folder: Path) -> None:
        """Make a folder and make its name durable, parents first."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


class Store:
    """A prefix of an object store, by any URL that pyarrow opens; access keys come from the environment."""

    def __init__(self, system: pafs.FileSystem, prefix: str) -> None:
        self._system = system
        self._prefix = prefix.rstrip("/")

    @property
    def text(self) -> str:
        """Return bucket and prefix."""
        return self._prefix

    def names(self) -> list[str]:
        """Return every object below the prefix."""
        found = self._system.get_file_info(pafs.FileSelector(self._prefix, allow_not_found=True, recursive=True))
        names = (PurePosixPath(each.path).relative_to(self._prefix) for each in found if each.is_file)
        return sorted(str(name) for name in names)

    def read(self, name: str) -> bytes | None:
        """Return an object's bytes, None where it is not there."""
        try:
            with self._system.open_input_stream(self._path(name)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException) as error:
            raise LakeDamaged(f"object `{name}` of lake `{self.text}` cannot be read") from error

    def put(self, name: str, body: bytes) -> None:
        """Write an object; it appears whole when the upload has ended.

        Raises:
            LakeUnwritable: the store refuses it.
        """
        try:
            with self._system.open_output_stream(self._path(name)) as stream:
                stream.write(body)
        except (OSError, pa.ArrowException) as error:
            raise LakeUnwritable(f"cannot write to lake `{self.text}`") from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; those that are not there are no fault."""
        for name in names:
            try:
                self._system.delete_file(self._path(name))
            except FileNotFoundError:
                continue

    def within(self, folder: str) -> Store:
        """Return a folder of it as a place."""
        return Store(self._system, self._path(folder))

    def dataset_files(self, names: Iterable[str]) -> tuple[list[str], Any]:
        """Return paths of objects, and the file system that opens them."""
        return [self._path(name) for name in names], self._system

    def _path(self, name: str) -> str:
        return f"{self._prefix}/{name}"


def place_of(where: str | Path) -> Folder | Store:
    """Return the place a path or URL names, as ``lake`` or ``s3://bucket/lake?region=eu-central-1``.

    Raises:
        LakeUnwritable: the URL names no store that can be opened.
    """
    if isinstance(where, Path) or "://" not in where:
        return Folder(Path(where))
    try:
        system, prefix = pafs.FileSystem.from_uri(where)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise LakeUnwritable("the URL of the lake names no store that can be opened") from error
    return Folder(Path(prefix)) if isinstance(system, pafs.LocalFileSystem) else Store(system, prefix)


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold a local folder against another writer; an object store is guarded by the trail's own lock alone.

    Raises:
        LakeBusy: another process writes.
    """
    if not isinstance(place, Folder):
        yield
        return
    place.put(f"{_LOCK}.made", b"")
    place.remove([f"{_LOCK}.made"])
    with (place.path / _LOCK).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LakeBusy(f"another process writes this trail to lake `{place.text}`") from error
        yield


def is_ours(name: str) -> bool:
    """Return whether a file beside the rows is one that a writer keeps."""
    return name == _LOCK
