"""The manifest of one trail in a lake: how far it was exported, and which files hold its rows.

::

    trails/NAME/MANIFEST.json             readers open only what it lists; replacing it is what makes a change count
    trails/NAME/day=2026-03-02/….parquet  rows dated that day (UTC), sorted by subject inside
    trails/NAME/month=2026-02/….parquet   days that are past, merged: files of disjoint ranges of subjects
    trails/NAME/quarter=2025-Q4/….parquet months that are past, merged likewise

Each trail has a folder and one writer of its own; several trails meet in one lake without knowing each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

from whosaw.lake.errors import LakeDamaged, NotALake
from whosaw.lake.place import Place
from whosaw.lake.trailrows import SCHEMA

NAME = "MANIFEST.json"
TRAILS = "trails"


@dataclass(frozen=True, slots=True)
class RowFile:
    """One Parquet file.

    Args:
        name: under the trail's folder.
        partition: `day=…`, `month=…` or `quarter=…`.
        rows: how many.
        first, end: its rows are of entries from index `first` on and below `end`.
        size, root: of the signed checkpoint under which the last of them were exported; the root in hex.
        low, high: least and greatest subject; None where no row has one.
        bytes: of the file.
        sha256: of the file, in hex.
    """

    name: str
    partition: str
    rows: int
    first: int
    end: int
    size: int
    root: str
    low: int | None
    high: int | None
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TrailManifest:
    """One trail's state.

    Args:
        origin: the trail.
        end: entries below this index are in the lake.
        root: of the checkpoint of size `end`, in hex; empty before the first export.
        erased: how many erased entries of them were taken out.
        files: what holds the rows.
        classes: field → class, as the catalog said at the last export.
        schema: version of the rows.
    """

    origin: str
    end: int = 0
    root: str = ""
    erased: int = 0
    files: tuple[RowFile, ...] = ()
    classes: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    def names(self) -> list[str]:
        """Return the files' names."""
        return [each.name for each in self.files]

    def swapped(self, out: Iterable[RowFile], into: Iterable[RowFile]) -> TrailManifest:
        """Return it with some files in the place of others."""
        gone = {each.name for each in out}
        kept = [each for each in self.files if each.name not in gone]
        return replace(self, files=tuple(sorted([*kept, *into], key=lambda each: (each.partition, each.name))))


def folder_of(origin: str) -> str:
    """Return the folder of a trail under the lake: readable, and of this origin alone."""
    plain = re.sub(r"[^a-z0-9.-]+", "_", origin.lower()).strip("._")[:60]
    return f"{TRAILS}/{plain}-{sha256(origin.encode()).hexdigest()[:8]}"


def read_trail(place: Place) -> TrailManifest | None:
    """Return the manifest in a trail's folder, None where nothing was exported yet.

    Raises:
        NotALake: a newer version wrote it.
        LakeDamaged: it cannot be read.
    """
    raw = place.read(NAME)
    if raw is None:
        return None
    try:
        said = json.loads(raw)
        if said["schema"] > SCHEMA:
            raise NotALake(f"lake `{place.text}` was written by a newer version", hint="update whosaw")
        files = tuple(RowFile(**each) for each in said.pop("files"))
        return TrailManifest(**said, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, NotALake):
            raise
        raise LakeDamaged(f"the manifest of lake `{place.text}` cannot be read") from error


def write_trail(place: Place, manifest: TrailManifest) -> None:
    """Put the manifest in place of the old one, durably and at once."""
    place.put(NAME, json.dumps(asdict(manifest), indent=1, sort_keys=True).encode())


def trails_in(lake: Place) -> list[tuple[Place, TrailManifest]]:
    """Return every trail of a lake with its folder, by origin."""
    folders = sorted({name.rsplit("/", 1)[0] for name in lake.names() if _is_manifest(name)})
    found = []
    for folder in folders:
        place = lake.within(folder)
        manifest = read_trail(place)
        if manifest is not None:
            found.append((place, manifest))
    return sorted(found, key=lambda each: each[1].origin)


def _is_manifest(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 3 and parts[0] == TRAILS and parts[2] == NAME
