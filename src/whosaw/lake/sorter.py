"""Tell the rows of a log that can be used from those that cannot, and write these down with the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import compress
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whosaw.lake.batches import MALFORMED, Batch
from whosaw.lake.columns import AT, Column
from whosaw.lake.errors import ZoneMissing
from whosaw.lake.kept import Keeper
from whosaw.lake.mapping import REQUIRED, Mapping
from whosaw.lake.stage import Rows, row_identities, row_identity
from whosaw.lake.times import NO_ZONE, Times, read_times

SUBJECT = "subject"

_written = json.encoder.encode_basestring


class Sorter:
    """Sorts batch after batch of one log.

    Args:
        mapping: what the columns mean.
        key: the lake's, for row identities.
        rejects: where rows that cannot be used are written, a JSON object a line.
        keeper: where the columns go that the mapping keeps; None where it keeps none.
        needs_subject: whether a row without a subject is unusable; otherwise it counts as one whose subject is unknown.

    Attributes:
        rows: usable and unusable rows so far.
        rejected: unusable ones.
        skipped: records that are no row.
    """

    def __init__(
        self, mapping: Mapping, key: bytes, rejects: IO[str], keeper: Keeper | None = None, needs_subject: bool = True
    ) -> None:
        self.rows = 0
        self.rejected = 0
        self.skipped = 0
        self._mapping = mapping
        self._key = key
        self._rejects = rejects
        self._keeper = keeper
        self._required = [name for name in REQUIRED[mapping.kind] if name != SUBJECT or needs_subject]
        self._saw_zone = False

    def sort(self, batch: Batch) -> Rows:
        """Return the usable rows of a batch."""
        self._reject([(line, MALFORMED, raw, row_identity(self._key, raw)) for line, raw in batch.malformed])
        batch = self._filtered(batch)
        self.skipped += batch.skipped
        self.rows += len(batch.raws) + len(batch.malformed)
        columns = self._columns(batch)
        times = self._times(batch)
        reasons = self._reasons(columns, times)
        lines, at_us = batch.lines, times.at_us
        identities = row_identities(self._key, batch.raws)
        kept = {name: batch.cells[name] for name in self._mapping.keep} if self._keeper is not None else {}
        if reasons:
            bad = sorted(reasons.items())
            self._reject([(lines[place], why, batch.raws[place], identities[place]) for place, why in bad])
            good = np.ones(len(identities), np.bool_)
            good[[place for place, _ in bad]] = False
            lines, identities = list(compress(lines, good)), list(compress(identities, good))
            places = pa.array(np.flatnonzero(good))
            at_us = at_us.take(places)
            columns = {name: values.take(places) for name, values in columns.items()}
            kept = {name: values.take(places) for name, values in kept.items()}
        if self._keeper is not None:
            self._keeper.keep(identities, kept)
        return Rows(lines=lines, identities=identities, at_us=at_us, columns=columns)

    def _filtered(self, batch: Batch) -> Batch:
        """Leave out the rows that the mapping does not count."""
        rows = self._mapping.rows
        if not rows.columns or not batch.raws:
            return batch
        good = np.ones(len(batch.raws), np.bool_)
        for part, wanted in ((rows.only, True), (rows.without, False)):
            for name, values in part:
                found = pc.is_in(batch.cells[name], value_set=pa.array(sorted(values), pa.string()))
                good &= found.to_numpy(zero_copy_only=False) == wanted
        places = np.flatnonzero(good).tolist()
        if len(places) == len(batch.raws):
            return batch
        taken = pa.array(places, pa.int64())
        times = batch.times
        if times is not None:
            reasons = {new: times.reasons[old] for new, old in enumerate(places) if old in times.reasons}
            times = Times(times.at_us.take(taken), reasons)
        return Batch(
            lines=[batch.lines[index] for index in places],
            raws=[batch.raws[index] for index in places],
            cells={name: values.take(taken) for name, values in batch.cells.items()},
            times=times,
            malformed=batch.malformed,
            skipped=batch.skipped + len(batch.raws) - len(places),
        )

    def _columns(self, batch: Batch) -> dict[str, pa.Array]:
        size = len(batch.raws)
        columns = {}
        for name, column in self._mapping.columns.items():
            if name == AT:
                continue
            if column.source is None:
                columns[name] = pa.repeat(pa.scalar(column.constant, pa.string()), size)
            else:
                columns[name] = _read(column, batch)
        return columns

    def _times(self, batch: Batch) -> Times:
        if batch.times is not None:
            self._find_zone(batch, batch.times)
            return batch.times
        column = self._mapping.columns[AT]
        # a blank time is told from one that cannot be read where times are read
        plain = column.is_plain and not column.also
        cells = batch.cells[column.source or ""] if plain else _read(column, batch)
        times = read_times(cells, self._mapping.time)
        self._find_zone(batch, times)
        return times

    def _find_zone(self, batch: Batch, times: Times) -> None:
        """Refuse a log whose first readable time has no zone; a single such row later on is only rejected."""
        if self._saw_zone:
            return
        for index, line in enumerate(batch.lines):
            reason = times.reasons.get(index)
            if reason == NO_ZONE:
                raise ZoneMissing(f"the time in line {line} carries no zone and the mapping names none")
            if reason is None:
                self._saw_zone = True
                return

    def _reasons(self, columns: dict[str, pa.Array], times: Times) -> dict[int, str]:
        reasons = dict(times.reasons)
        for name in reversed(self._required):
            if name != AT and columns[name].null_count:
                empty = np.flatnonzero(columns[name].is_null().to_numpy(zero_copy_only=False))
                reasons.update((index, f"{name}.empty") for index in empty.tolist())
        return reasons

    def _reject(self, rows: Sequence[tuple[int, str, bytes, bytes]]) -> None:
        """Write down line, reason, raw bytes and identity of rows that cannot be used."""
        self.rejected += len(rows)
        self._rejects.writelines(
            f'{{"line": {line}, "reason": "{why}", "identity": "{identity.hex()}", "raw": {_written(_text(raw))}}}\n'
            for line, why, raw, identity in rows
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _read(column: Column, batch: Batch) -> pa.Array:
    """Return the canonical values of a column; every distinct cell is read once."""
    first, *also = column.sources
    cells = batch.cells[first]
    for name in also:
        # what counts as nothing is decided per column before the next one is looked into
        cells = pc.coalesce(_each(column, cells, raw=True), batch.cells[name])
    return _each(column, cells)


def _each(column: Column, cells: pa.Array, raw: bool = False) -> pa.Array:
    if column.is_plain:
        return _without_blanks(cells)
    written = cells.dictionary_encode()
    distinct = written.dictionary.to_pylist()
    read = [column.read(cell) for cell in distinct]
    if raw:  # the cell as it stands, where it holds something
        read = [cell if value is not None else None for cell, value in zip(distinct, read, strict=True)]
    if read == distinct:
        return cells
    return pa.array(read, pa.string()).take(written.indices)


def _without_blanks(cells: pa.Array) -> pa.Array:
    """Return cells as they stand; white space alone is as blank as nothing."""
    distinct = cells.unique().to_pylist()
    blank = [cell for cell in distinct if cell is not None and (not cell or cell.isspace())]
    if not blank:
        return cells
    is_blank = pc.is_in(cells, value_set=pa.array(blank, pa.string()))
    return pc.if_else(is_blank, pa.scalar(None, pa.string()), cells)
