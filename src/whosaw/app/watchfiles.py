"""Files that stand beside a lake for watch: roles, harms, decisions, prints, reviews; CSV with a header each."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import numpy as np

from whosaw.catalog import Watching
from whosaw.catalog.strict import Table
from whosaw.catalog.watching import watching
from whosaw.terms import WhosawError, to_us, trait_in
from whosaw.watch.errors import ForbiddenAttribute
from whosaw.watch.rows import OPEN, Int64

_MAX_BYTES = 1 << 30


class WatchFileInvalid(WhosawError, ValueError):
    """A file given to watch cannot be read or says something impossible."""

    code: ClassVar[str] = "watch.file"
    hint = "docs/watch.md shows the header of each file; times carry a zone"


class Numbers:
    """References as dense indices, in order of appearance after those given."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._index = {name: at for at, name in enumerate(known)}

    def of(self, name: str) -> int:
        """Return the index of a reference; the empty one is -1."""
        return self._index.setdefault(name, len(self._index)) if name else -1

    def known(self, name: str) -> int:
        """Return the index of a reference, -1 where it is unknown."""
        return self._index.get(name, -1)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the references by index."""
        return tuple(self._index)


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the columns of a CSV file.

    Args:
        path: the file.
        required: columns that must be there.
        optional: columns that may be; empty cells where they are not.

    Raises:
        WatchFileInvalid: it cannot be read, a column is missing or unknown.
        ForbiddenAttribute: it has a column that nothing here may read.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise WatchFileInvalid(f"`{path}` is larger than 1 GiB")
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip() for name in reader.fieldnames or []]
            _check_header(path, header, required, optional)
            columns: dict[str, list[str]] = {name: [] for name in (*required, *optional)}
            for row in reader:
                for name, cells in columns.items():
                    cells.append((row.get(name) or "").strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WatchFileInvalid(f"`{path}` cannot be read: {type(error).__name__}") from error
    return columns


def _check_header(path: Path, header: list[str], required: Sequence[str], optional: Sequence[str]) -> None:
    for name in header:
        if trait_in(name):
            raise ForbiddenAttribute(f"`{path}` has a column `{name}`")
    if missing := [name for name in required if name not in header]:
        raise WatchFileInvalid(f"`{path}` lacks the column `{missing[0]}`")
    if unknown := [name for name in header if name not in (*required, *optional)]:
        raise WatchFileInvalid(f"`{path}` has an unknown column `{unknown[0]}`")


def times(path: Path, name: str, cells: Sequence[str], *, needed: bool = True) -> Int64:
    """Return a column of times in microseconds, `OPEN` where a cell is empty and may be.

    Raises:
        WatchFileInvalid: a cell is no time with a zone.
    """
    found = np.full(len(cells), OPEN, np.int64)
    if needed and "" in cells:
        raise WatchFileInvalid(f"`{path}` row {cells.index('') + 2}: {name} is missing")
    for at, cell in enumerate(cells):
        if cell:
            try:
                found[at] = to_us(datetime.fromisoformat(cell))
            except ValueError as error:
                raise WatchFileInvalid(f"`{path}` row {at + 2}: {name} is no time with a zone") from error
    return found


def integers(path: Path, name: str, cells: Sequence[str], absent: int = -1) -> Int64:
    """Return a column of whole numbers, `absent` where a cell is empty.

    Raises:
        WatchFileInvalid: a cell is none.
    """
    found = np.full(len(cells), absent, np.int64)
    for at, cell in enumerate(cells):
        if cell:
            try:
                found[at] = int(cell)
            except ValueError as error:
                raise WatchFileInvalid(f"`{path}` row {at + 2}: {name} is no whole number") from error
    return found


def read_config(path: Path | None) -> Watching:
    """Return the table ``[watch]`` of a TOML file, read as the catalog's is; an empty one where there is no file.

    Raises:
        WatchFileInvalid: the file is no TOML.
        CatalogInvalid: the table says what cannot be used.
    """
    if path is None:
        return Watching()
    try:
        with path.open("rb") as file:
            told = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WatchFileInvalid(f"`{path}` cannot be read: {type(error).__name__}") from error
    return watching(Table({"watch": told.get("watch", {})}, str(path)).table("watch"))
