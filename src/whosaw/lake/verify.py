"""Proving every row of a lake against the trail: payload → leaf → signed root, and what the row must be → what it is.

The leaves are derived from payload and salt (an erased entry has only its leaf), the root from the leaves, and compared
with the checkpoint; then the rows that the payloads make are compared with those in the files, value by value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whosaw.lake import trailqueries as queries
from whosaw.lake.engine import engine
from whosaw.lake.errors import LakeDamaged
from whosaw.lake.place import Place, place_of
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
    findings: list[RowFinding] = []
    wanted = {head.size: ("the published checkpoint", head.root)}
    for file in manifest.files:
        wanted.setdefault(file.size, (file.name, bytes.fromhex(file.root)))
        findings += _told_otherwise(file, wanted[file.size][1])
    grown, rows = CompactRange(), 0
    with _in_order(place, manifest, findings) as held:
        for first in range(0, head.size, CHUNK_ENTRIES):
            end = min(first + CHUNK_ENTRIES, head.size)
            erased, wrong = await _grow(trail, (first, end), grown, wanted)
            findings += wrong
            if first < manifest.end:
                end = min(end, manifest.end)
                expected, _ = await rows_between(trail, first, end)
                there = await asyncio.to_thread(held.below, end)
                rows += there.num_rows
                findings += _compare(expected, there, erased)
            if len(findings) > MOST_FINDINGS:
                break
        else:
            findings += _compare(COLUMNS.empty_table(), held.below(None), set())
    if len(findings) > MOST_FINDINGS:
        more = RowFinding("more", "", None, "more is wrong; not all of it is named")
        findings = [*findings[:MOST_FINDINGS], more]
    return LakeReport(trail.origin, head.size, rows, len(manifest.files), tuple(findings))


class _Ordered:
    """Rows of every file in the order of entries, taken off from the front."""

    def __init__(self, batches: pa.RecordBatchReader) -> None:
        self._batches = batches
        self._rest = batches.schema.empty_table()

    def below(self, end: int | None) -> pa.Table:
        """Return the rows of entries below index `end`, of all that are left where it is None."""
        parts = []
        while True:
            inside = self._rest if end is None else self._rest.filter(pc.less(self._rest["entry"], end))
            parts.append(inside)
            if inside.num_rows < self._rest.num_rows:
                self._rest = self._rest.slice(inside.num_rows)
                break
            try:
                self._rest = pa.Table.from_batches([self._batches.read_next_batch()])
            except StopIteration:
                self._rest = self._rest.schema.empty_table()
                break
        return pa.concat_tables(parts).sort_by(_KEYS)


@contextmanager
def _in_order(place: Place, manifest: TrailManifest, findings: list[RowFinding]) -> Iterator[_Ordered]:
    """Read every file once, note what is wrong with files as such, and sort their rows; what is large goes to disk."""
    schema = pa.schema([*COLUMNS, ("file", pa.string())])
    told = pa.RecordBatchReader.from_batches(schema, _batches(place, manifest, findings))
    with engine(None) as connection:
        connection.register("told", told)
        ordered = connection.execute("SELECT * FROM told ORDER BY entry").to_arrow_reader(CHUNK_ENTRIES)
        yield _Ordered(ordered)


def _batches(place: Place, manifest: TrailManifest, findings: list[RowFinding]) -> Iterator[pa.RecordBatch]:
    for file in manifest.files:
        body = place.read(file.name)
        if body is None or len(body) != file.bytes or sha256(body).hexdigest() != file.sha256:
            what = "is not there" if body is None else "is not the file that was written"
            kind = "file_damaged" if body is None else "file_altered"
            findings.append(RowFinding(kind, file.name, None, f"file `{file.name}`: it {what}"))
        if body is None:
            continue
        try:
            opened = pq.ParquetFile(pa.BufferReader(body))
            findings += _metadata(file, manifest, opened.metadata.metadata or {})
            rows = opened.read().select(COLUMNS.names).cast(COLUMNS)
        except (pa.ArrowException, OSError, KeyError):
            line = f"file `{file.name}`: it cannot be read; its rows are missing"
            findings.append(RowFinding("file_damaged", file.name, None, line))
            continue
        yield from rows.append_column("file", pa.array([file.name] * rows.num_rows, pa.string())).to_batches()


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
