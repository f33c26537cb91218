"""Proving every row of a lake against the trail: payload → leaf → signed root, and what the row must be → what it is.

The leaves are derived from payload and salt (an erased entry has only its leaf), the root from the leaves, and compared
with the checkpoint; then the rows that the payloads make are compared with those in the files, value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whosaw.lake import trailqueries as queries
from whosaw.lake.errors import LakeDamaged
from whosaw.lake.place import Place, place_of
from whosaw.lake.trailfiles import read_file
from whosaw.lake.trailmanifest import RowFile, TrailManifest, folder_of, read_trail
from whosaw.lake.trailread import Trail, rows_between
from whosaw.lake.trailrows import COLUMNS
from whosaw.prove import entry_leaf
from whosaw.prove.merkle import CompactRange
from whosaw.record.queries import snapshot

CHUNK_ENTRIES = 131_072
MOST_FINDINGS = 1_000
_KEYS = [("entry", "ascending"), ("subject", "ascending")]


@dataclass(frozen=True, slots=True)
class RowFinding:
    """What is wrong, and where.

    Args:
        kind: `altered`, `missing`, `doubled`, `foreign` (a row that no entry makes), `erased` (its entry was erased),
            `file_damaged`, `file_altered`, `root_mismatch`, `leaf_mismatch` or `beyond`.
        file: name of the file; empty where it concerns none.
        entry: index in the trail; None where it concerns none.
        text: one line for a person.
    """

    kind: str
    file: str
    entry: int | None
    text: str


@dataclass(frozen=True, slots=True)
class LakeReport:
    """What a check found.

    Args:
        origin: the trail.
        entries: checked against the signed root.
        rows: compared.
        files: read.
        findings: in order of the trail; at most 1,000 and one that says so.
    """

    origin: str
    entries: int
    rows: int
    files: int
    findings: tuple[RowFinding, ...]


async def verify_lake(trail: Trail, where: str | Path) -> LakeReport:
    """Check every row that a lake holds of a trail.

    Raises:
        LakeDamaged: there is no manifest of this trail, or it cannot be read.
    """
    place = place_of(where).within(folder_of(trail.origin))
    manifest = read_trail(place)
    if manifest is None:
        raise LakeDamaged(f"lake `{place.text}` holds nothing of this trail", hint="run `whosaw lake export` first")
    head = trail.head()
    if head is None or head.size < manifest.end:
        line = f"the lake says it holds {manifest.end} entries; the trail's checkpoint covers fewer"
        return LakeReport(trail.origin, 0, 0, 0, (RowFinding("beyond", "", None, line),))
    findings, files = _check_files(place, manifest)
    wanted = {head.size: ("the published checkpoint", head.root)}
    for file in manifest.files:
        wanted.setdefault(file.size, (file.name, bytes.fromhex(file.root)))
        findings += _told_otherwise(file, wanted[file.size][1])
    grown, rows = CompactRange(), 0
    for first in range(0, head.size, CHUNK_ENTRIES):
        end = min(first + CHUNK_ENTRIES, head.size)
        erased, wrong = await _grow(trail, (first, end), grown, wanted)
        findings += wrong
        if first < manifest.end:
            span = (first, min(end, manifest.end))
            expected, _ = await rows_between(trail, *span)
            held = _held(place, files, span)
            rows += held.num_rows
            findings += _compare(expected, held, erased)
        if len(findings) > MOST_FINDINGS:
            findings = [
                *findings[:MOST_FINDINGS],
                RowFinding("more", "", None, "more is wrong; not all of it is named"),
            ]
            break
    return LakeReport(trail.origin, head.size, rows, len(files), tuple(findings))


def _check_files(place: Place, manifest: TrailManifest) -> tuple[list[RowFinding], list[RowFile]]:
    """Return what is wrong with files as such, and those that can be read."""
    findings, whole = [], []
    for file in manifest.files:
        body = place.read(file.name)
        if body is None or len(body) != file.bytes or sha256(body).hexdigest() != file.sha256:
            what = "is not there" if body is None else "is not the file that was written"
            kind = "file_damaged" if body is None else "file_altered"
            findings.append(RowFinding(kind, file.name, None, f"file `{file.name}`: it {what}"))
        try:
            if body is not None:
                told = pq.read_metadata(pa.BufferReader(body)).metadata or {}
                bounds = pc.min_max(read_file(place, file, columns=["entry"])["entry"])
                whole.append(_as_it_is(file, bounds["min"].as_py(), bounds["max"].as_py()))
                findings += _metadata(file, manifest, told)
        except (LakeDamaged, pa.ArrowException, OSError):
            line = f"file `{file.name}`: it cannot be read; its rows are missing"
            findings.append(RowFinding("file_damaged", file.name, None, line))
    return findings, whole


def _as_it_is(file: RowFile, least: int | None, most: int | None) -> RowFile:
    """Return a file with the range of entries that it really holds: a row in the wrong file must show."""
    return file if least is None or most is None else replace(file, first=least, end=most + 1)


def _metadata(file: RowFile, manifest: TrailManifest, told: dict[bytes, bytes]) -> list[RowFinding]:
    says = (told.get(b"whosaw.trail"), told.get(b"whosaw.entries"), told.get(b"whosaw.checkpoint_root"))
    meant = (manifest.origin.encode(), f"{file.first}-{file.end}".encode(), file.root.encode())
    if says == meant:
        return []
    line = f"file `{file.name}`: it names another trail, range or root than the manifest does"
    return [RowFinding("file_altered", file.name, None, line)]


def _told_otherwise(file: RowFile, root: bytes) -> list[RowFinding]:
    if bytes.fromhex(file.root) == root:
        return []
    line = f"file `{file.name}`: its root is not the one of the checkpoint over {file.size} entries"
    return [RowFinding("root_mismatch", file.name, None, line)]


async def _grow(
    trail: Trail, span: tuple[int, int], grown: CompactRange, wanted: dict[int, tuple[str, bytes]]
) -> tuple[set[int], list[RowFinding]]:
    """Derive the leaves of a span, grow the tree by them, and compare the roots that files and checkpoint name."""
    async with snapshot(trail.db) as conn:
        sealed = await queries.sealed_between(conn, *span)
    findings, erased = [], set()
    if [each[0] for each in sealed] != list(range(*span)):
        findings.append(RowFinding("leaf_mismatch", "", span[0], f"the trail lacks entries from {span[0]} on"))
    for index, leaf, salt, payload in sealed:
        if salt is None or payload is None:
            erased.add(index)
        elif entry_leaf(salt, payload) != leaf:
            findings.append(
                RowFinding("leaf_mismatch", "", index, f"entry {index}: payload and salt do not give its leaf")
            )
    leaves = [each[1] for each in sealed]
    at = span[0]
    for size in sorted(size for size in wanted if span[0] < size <= span[1]):
        grown.extend(leaves[at - span[0] : size - span[0]])
        at = size
        name, root = wanted[size]
        if grown.root() != root:
            line = f"{name}: the trail's first {size} entries do not give the root that it names"
            findings.append(RowFinding("root_mismatch", name, None, line))
    grown.extend(leaves[at - span[0] :])
    return erased, findings


def _held(place: Place, files: Sequence[RowFile], span: tuple[int, int]) -> pa.Table:
    """Return the rows of a span of entries, each with the number of its file, in order of entry and subject."""
    parts = [pa.table({**{each.name: pa.array([], each.type) for each in COLUMNS}, "file": pa.array([], pa.string())})]
    for file in files:
        if file.end <= span[0] or file.first >= span[1]:
            continue
        rows = read_file(place, file)
        rows = rows.filter(pc.and_(pc.greater_equal(rows["entry"], span[0]), pc.less(rows["entry"], span[1])))
        if rows.num_rows:
            parts.append(rows.append_column("file", pa.array([file.name] * rows.num_rows, pa.string())))
    return pa.concat_tables(parts).sort_by(_KEYS)


def _compare(expected: pa.Table, held: pa.Table, erased: set[int]) -> Iterator[RowFinding]:
    expected = expected.sort_by(_KEYS)
    if held.select(COLUMNS.names).equals(expected):
        return
    meant = {(row["entry"], row["subject"]): row for row in expected.to_pylist()}
    seen: dict[tuple[int, int | None], str] = {}
    for row in held.to_pylist():
        file = row.pop("file")
        key = (row["entry"], row["subject"])
        about = f"file `{file}`: the row of entry {key[0]}"
        if key in seen:
            yield RowFinding("doubled", file, key[0], f"{about} is there twice, also in `{seen[key]}`")
        elif key not in meant:
            kind = "erased" if key[0] in erased else "foreign"
            why = (
                "stays although the entry was erased"
                if kind == "erased"
                else "is about somebody the entry is not about"
            )
            yield RowFinding(kind, file, key[0], f"{about} {why}")
        elif row != meant[key]:
            names = ", ".join(name for name in COLUMNS.names if row[name] != meant[key][name])
            yield RowFinding("altered", file, key[0], f"{about} says something else than the trail: {names}")
        seen.setdefault(key, file)
    for key in meant.keys() - seen.keys():
        yield RowFinding("missing", "", key[0], f"entry {key[0]}: a row of it is missing")
