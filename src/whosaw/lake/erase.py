"""Erase a person's key from a lake: number map, names in the manifest, rejected rows, kept columns.

The rows of numbers stay: nothing leads from them to the person any more. What is rewritten is put in place before the
old file goes, so an erasure that was killed is done again and ends the same. Logs that were imported are not the
lake's: erase there too, or the next import brings the key back.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from whosaw.lake.engine import engine, from_files
from whosaw.lake.errors import KeyUnknown
from whosaw.lake.expiry import purge
from whosaw.lake.folder import REJECTS, Writing, writing
from whosaw.lake.kept import KEPT, Keeper, add_key, forget_keys, keys_of, read_kept
from whosaw.lake.manifest import Manifest, Source, open_private, write_manifest
from whosaw.terms import Clock, SystemClock

ERASED = "(erased)"

_PEOPLE = ("subject", "actor")


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed.

    Args:
        numbers: rows of the number map.
        rejects: rejected rows.
        kept: rows of kept columns.
        names: sources and service actors whose names held the key.
        expired: files that were past their day and went with it.
    """

    numbers: int
    rejects: int
    kept: int
    names: int
    expired: int


def erase_key(lake: Path, key: str, also: Iterable[str] = (), clock: Clock | None = None) -> Erased:
    """Erase a key, wherever it stands by itself; letters and digits around it make it another key.

    Args:
        lake: the folder.
        key: as `who` prints it; what follows a colon in it (`customer:4711`) is looked for in raw text too.
        also: other writings of the same key in the logs, looked for everywhere.
        clock: the machine's where absent.

    Raises:
        KeyUnknown: it stands nowhere in the lake.
        NotALake, LakeBusy, LakeDamaged, LakeUnwritable: the lake cannot be changed.
    """
    with writing(lake) as held:
        expired = purge(held.folder, (clock or SystemClock()).now())
        others = list(also)
        exact, loose = _pattern([key, *others]), _pattern([key, key.partition(":")[2], *others])
        identities = _identities(held, key)
        rejects = sum(_clean_rejects(held, path, loose) for path in sorted((held.folder / REJECTS).glob("*.jsonl")))
        kept = _clean_kept(held, loose, identities)
        manifest, names = _clean_names(held.manifest, exact)
        numbers = _clean_numbers(held, manifest, exact)
        if not numbers + rejects + kept + names:
            raise KeyUnknown(f"the key stands nowhere in lake `{lake}`")
        return Erased(numbers, rejects, kept, names, expired)


def _pattern(forms: Iterable[str]) -> re.Pattern[str]:
    written = "|".join(re.escape(form) for form in sorted(set(forms), key=len, reverse=True) if form)
    return re.compile(rf"(?<![^\W_])(?:{written})(?![^\W_])", re.IGNORECASE)


def _identities(held: Writing, key: str) -> set[str]:
    """Return the identities of the rows about the person, so that what is kept of them is found without the key."""
    manifest, folder = held.manifest, held.folder
    found: set[str] = set()
    if manifest.numbers is None:
        return found
    with engine(folder, held.staging / "spill") as connection:
        numbers = connection.execute(
            f"SELECT space, number FROM {from_files(folder, [manifest.numbers])} WHERE key = ?", [key]
        ).fetchall()
        for space, number in numbers:
            parts = [part for source in manifest.sources if _has(source, space) for part in source.parts]
            if parts:
                rows = f'SELECT identity FROM {from_files(folder, parts)} WHERE "{space}" = ?'
                found |= {bytes(row[0]).hex() for row in connection.execute(rows, [number]).fetchall()}
    return found


def _has(source: Source, space: str) -> bool:
    return space in _PEOPLE and (space == "subject" or source.kind != "orders")


def _clean_rejects(held: Writing, path: Path, pattern: re.Pattern[str]) -> int:
    draft, removed = held.staging / path.name, 0
    with path.open(encoding="utf-8") as rows, open_private(draft) as left:
        for row in rows:
            if pattern.search(json.loads(row)["raw"]):
                removed += 1
            else:
                left.write(row)
    if removed:
        held.admit(draft, f"{REJECTS}/{path.name}")
    return removed


def _clean_kept(held: Writing, pattern: re.Pattern[str], identities: set[str]) -> int:
    """Rewrite what holds the person under a new key; with the old key goes every copy of the old file."""
    removed = 0
    for name, key in keys_of(held.folder).items():
        path, gone = held.folder / KEPT / name, 0
        if not path.exists():
            continue
        draft = held.staging / name
        with Keeper(draft) as keeper:
            for rows in read_kept(path, key):
                left = [
                    row for row in rows if row[0] not in identities and not any(map(pattern.search, row[1].values()))
                ]
                gone += len(rows) - len(left)
                keeper.write(left)
        if gone:
            fresh = _renamed(name)
            add_key(held.folder, fresh, keeper.key)
            held.admit(draft, f"{KEPT}/{fresh}")
            path.unlink()
            removed += gone
    forget_keys(held.folder)
    return removed


def _renamed(name: str) -> str:
    """Return another name of the same log and last day: a file and its key are never changed in place."""
    stem, _, last = name.partition("-until-")
    return f"{re.sub('-r[0-9a-f]{8}$', '', stem)}-r{secrets.token_hex(4)}-until-{last}"


def _clean_names(manifest: Manifest, pattern: re.Pattern[str]) -> tuple[Manifest, int]:
    sources, changed = [], 0
    for source in manifest.sources:
        service = tuple(name for name in source.service if not pattern.search(name))
        name = ERASED if pattern.search(source.name) else source.name
        changed += (name != source.name) + len(source.service) - len(service)
        sources.append(replace(source, name=name, service=service))
    return replace(manifest, sources=tuple(sources)), changed


def _clean_numbers(held: Writing, manifest: Manifest, pattern: re.Pattern[str]) -> int:
    """Rewrite the number map without the key, and the manifest with what was cleaned of it."""
    folder, removed, name = held.folder, 0, manifest.numbers
    if name is not None:
        fresh = f"numbers-{len(manifest.sources):06d}-{secrets.token_hex(4)}.parquet"
        draft = held.staging / fresh
        with (
            pq.ParquetFile(folder / name) as file,
            pq.ParquetWriter(draft, file.schema_arrow, compression="zstd") as writer,
        ):
            for batch in file.iter_batches():
                keep = [pattern.search(key) is None for key in batch.column("key").to_pylist()]
                removed += len(keep) - sum(keep)
                writer.write_batch(batch.filter(keep))
        if removed:
            name = held.admit(draft, fresh)
    if removed or manifest != held.manifest:
        write_manifest(folder, replace(manifest, numbers=name))
    if removed and manifest.numbers is not None:
        (folder / manifest.numbers).unlink()
    return removed
