"""The manifest: the one file that says which files are part of the lake.

Readers open only what it lists, and replacing it is the last thing an import does. So an import that was killed left
nothing that anyone reads, and the next one sweeps its leavings away.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TextIO

from whosaw.lake.errors import LakeDamaged, NotALake
from whosaw.lake.mapping import KINDS, Kind
from whosaw.terms.durable import write_whole

NAME = "LAKE.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Source:
    """One import: which log, read how, and what became of its rows.

    Args:
        name: file name of the log, or the origin of a trail.
        grade: `trail` for whosaw's own record, `imported` for a log that someone else wrote.
        sha256: of the file's bytes; empty where there was no file.
        mapping: digest of the mapping; empty where there was none.
        says_why: whether the log has a column that says why an access happened.
        service: actors that are machines, by their references.
        parts: files under the lake that hold the rows this import added.
        first_us, last_us: time of the first and last row added; None where none was.
        skipped: records that are no access, or that the mapping leaves out.
        unknown: rows added that name no subject.
        letter: how far the log can be believed (`whosaw.lake.grades`); empty for the own trail.
        lowered: why the import lowered the letter; empty where it did not.
        format: of the log, where its mapping names one (`whosaw.lake.formats`).
    """

    name: str
    kind: Kind
    grade: str
    sha256: str = ""
    mapping: str = ""
    says_why: bool = False
    service: tuple[str, ...] = ()
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    parts: tuple[str, ...] = ()
    first_us: int | None = None
    last_us: int | None = None
    skipped: int = 0
    unknown: int = 0
    letter: str = ""
    lowered: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """All imports in their order, and the file that maps numbers to the logs' own references (None while empty)."""

    sources: tuple[Source, ...] = ()
    numbers: str | None = None
    schema: int = field(default=SCHEMA)

    def parts(self, kind: Kind) -> list[str]:
        """Return the files that hold rows of one kind, relative to the lake."""
        return [part for source in self.sources if source.kind == kind for part in source.parts]

    def files(self) -> set[str]:
        """Return every file the lake consists of, relative to it."""
        return {part for kind in KINDS for part in self.parts(kind)} | ({self.numbers} if self.numbers else set())

    def service(self) -> set[str]:
        """Return the references of all service actors; per mapping the latest import has the say."""
        latest = {(source.kind, source.mapping): source.service for source in self.sources}
        return {name for names in latest.values() for name in names}

    def with_source(self, source: Source, numbers: str | None) -> Manifest:
        """Return a manifest that also lists `source`."""
        return replace(self, sources=(*self.sources, source), numbers=numbers)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a lake.

    Raises:
        NotALake: there is none, or a newer version wrote it.
        LakeDamaged: it cannot be read.
    """
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotALake(f"folder `{folder}` is no lake") from error
    except (OSError, UnicodeDecodeError) as error:
        raise LakeDamaged(f"the manifest of lake `{folder}` cannot be read") from error
    try:
        document = json.loads(text)
        if document["schema"] > SCHEMA:
            raise NotALake(f"lake `{folder}` was written by a newer version", hint="update whosaw")
        sources = tuple(_source(entry) for entry in document["sources"])
        return Manifest(sources, document["numbers"], document["schema"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, NotALake):
            raise
        raise LakeDamaged(f"the manifest of lake `{folder}` cannot be read") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in place of the old one, durably and at once."""
    write_whole(folder / NAME, json.dumps(asdict(manifest), indent=1, sort_keys=True), draft=".draft")


def open_private(path: Path) -> TextIO:
    """Open a file for writing text that only its owner may read; an older one at `path` is emptied."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(handle, "w", encoding="utf-8")


def _source(entry: dict[str, object]) -> Source:
    lists: dict[str, object] = {name: tuple(entry[name]) for name in ("service", "parts")}  # type: ignore[arg-type]
    return Source(**{**entry, **lists})  # type: ignore[arg-type]
