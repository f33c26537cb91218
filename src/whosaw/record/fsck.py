"""Fsck: derive the whole trail again from what is stored, and name what does not fit.

Three witnesses are set against each other: the entries in the database, the tiles in the trail's folder, and the signed
checkpoints. Who rewrites an entry *and* its leaf hash in the database is found by the tiles; who rewrites the tiles too
is found by the checkpoint, which needs the trail key; who puts database and folder back to an older state together is
found only by a checkpoint or a receipt from outside, and the report says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from whosaw.prove import NoteInvalid, Policy, VerifierKey
from whosaw.prove.checkpoint import SIMULATED_SUFFIX
from whosaw.record import auditqueries, queries
from whosaw.record.compare import Comparison, JunctionBroken
from whosaw.record.dating import ByCheckpoints, ByNeighbours, Dating
from whosaw.record.erasurequeries import erased_by
from whosaw.record.findings import Finding, FsckReport
from whosaw.record.handovers import accepted_keys
from whosaw.record.namedsets import NamedSets
from whosaw.record.promises import Promises
from whosaw.record.resume import FsckState, StateFile
from whosaw.record.signed import Signed, read_signed
from whosaw.record.usednumbers import UsedNumbers
from whosaw.store import Database
from whosaw.store.database import Connection

_SAVED_EVERY_S = 2.0
_SIMULATED_US = 24 * 3_600 * 1_000_000  # a simulated day may be played in any order

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a check goes beyond entries, tiles and checkpoints.

    Attributes:
        receipts: journals of doors, whose promises must be kept.
        receipt_keys: public halves of the keys that may have signed receipts.
        policy: says which witnesses must have cosigned a checkpoint from outside.
        numbers: whether the number map must have a row for every number.
        delay_s: seconds that an entry's date may lie outside what checkpoints and receipts say; under a simulated
            clock a day at least, and outside what its neighbours say. None compares no dates.
        state: keeps in the trail's folder how far the check came.
        resume: goes on where the last check that kept its state was interrupted, or ended.
    """

    receipts: Sequence[Path] = ()
    receipt_keys: Sequence[VerifierKey] = ()
    policy: Policy | None = None
    numbers: bool = False
    delay_s: float | None = None
    state: bool = False
    resume: bool = False


async def fsck(
    db: Database,
    folder: Path,
    key: VerifierKey | Sequence[VerifierKey],
    progress: Progress | None = None,
    outside: Sequence[bytes] = (),
    extent: Extent | None = None,
) -> FsckReport:
    """Check every entry, tile and checkpoint.

    Args:
        db: the trail's database, or a copy of it.
        folder: the trail's folder, with checkpoint and tiles.
        key: the trail key's public half, from which published hand-overs are followed; or every one there was.
        progress: called with entries done and entries in all.
        outside: signed checkpoints of this trail that were kept elsewhere.
        extent: what else is checked; by default nothing.

    Raises:
        DatabaseUnreachable: the database does not answer.
        OSError: a receipt journal cannot be read.
    """
    started = time.perf_counter()
    keys = _with_former(folder, key)
    check = _Check(folder, keys, outside, extent or Extent())
    try:
        report = await check.run(db, progress, check.earlier())
    except JunctionBroken:
        check = _Check(folder, keys, outside, extent or Extent())
        line = "the entries are not those that the earlier run had read: everything was checked again"
        check.findings.append(Finding(None, "changed_since", line))
        report = await check.run(db, progress, None)
    return replace(report, seconds=time.perf_counter() - started)


def _with_former(folder: Path, key: VerifierKey | Sequence[VerifierKey]) -> list[VerifierKey]:
    if not isinstance(key, VerifierKey):
        return [*key]
    with suppress(NoteInvalid):  # then checkpoints of other keys are findings
        return [key, *(each for each in accepted_keys(folder, key) if each != key)]
    return [key]


class _Check:
    """One pass over the whole trail."""

    def __init__(self, folder: Path, keys: list[VerifierKey], outside: Sequence[bytes], extent: Extent) -> None:
        self.findings: list[Finding] = []
        self._origin = keys[0].name
        self._keys = keys
        self._folder = folder
        self._outside = outside
        self._extent = extent
        self._file = StateFile(folder)
        self._saved_s = time.monotonic()

    def earlier(self) -> FsckState | None:
        """Return what an earlier run checked, if this one goes on there."""
        return self._file.load(self._origin) if self._extent.resume else None

    async def run(self, db: Database, progress: Progress | None, earlier: FsckState | None) -> FsckReport:
        """Read everything once.

        Raises:
            JunctionBroken: `earlier` does not fit what is stored.
        """
        # before the database: a live trail may only be ahead of its checkpoint
        signed = read_signed(self._folder, self._keys, self._outside, self._extent.policy)
        journals = {path: path.stat().st_size for path in self._extent.receipts}  # a live journal grows meanwhile
        async with queries.snapshot(db) as conn:
            size = await queries.head_size(conn)
            signed.add_kept(await auditqueries.all_checkpoints(conn))
            compared, dating, numbers = Comparison(size, earlier), self._dating(signed), UsedNumbers()
            sets = NamedSets()
            async for rows in auditqueries.audit_rows(conn, earlier.size if earlier else 0):
                single = compared.take(rows)
                sets.take(single)
                if dating is not None:
                    dating.take(rows)
                if self._extent.numbers:
                    numbers.take(rows, single)
                self._save(compared)
                if progress is not None:
                    progress(min(compared.read, size), size)
                await asyncio.sleep(0)
            compared.take_marks(await erased_by(conn))
            self._save(compared, last=True)
            self.findings += [*signed.findings, *compared.finish(signed)]
            self.findings += dating.findings() if dating is not None else []
            self.findings += await sets.compare(conn, numbers.take_set if self._extent.numbers else None)
            self.findings += await numbers.compare(conn) if self._extent.numbers else []
            receipts = await self._check_receipts(conn, journals)
        return FsckReport(
            entries=compared.read,
            size=size,
            signed_size=signed.size,
            outside_size=signed.outside_size,
            findings=tuple(self.findings),
            seconds=0.0,
            outside_names=signed.outside_names,
            receipts=receipts,
            erased=compared.erased,
            resumed_at=earlier.size if earlier else 0,
        )

    @property
    def _simulated(self) -> bool:
        return self._origin.partition("/")[0].endswith(SIMULATED_SUFFIX)

    def _dating(self, signed: Signed) -> Dating | None:
        if self._extent.delay_s is None:
            return None
        bound_us = round(self._extent.delay_s * 1_000_000)
        if self._simulated:
            return ByNeighbours(max(bound_us, _SIMULATED_US))
        return ByCheckpoints(signed.anchors, bound_us)

    async def _check_receipts(self, conn: Connection, journals: Mapping[Path, int]) -> int:
        delay_s = None if self._simulated else self._extent.delay_s
        delay_us = None if delay_s is None else round(delay_s * 1_000_000)
        promises = Promises(self._origin, self._extent.receipt_keys, delay_us)
        await promises.check(conn, journals)
        named = {(finding.index, finding.kind) for finding in self.findings}
        self.findings += [each for each in promises.findings if (each.index, each.kind) not in named]
        return promises.checked

    def _save(self, compared: Comparison, *, last: bool = False) -> None:
        """Keep how far the check came, now and then and at the end of the entries."""
        if not self._extent.state or not (last or time.monotonic() - self._saved_s > _SAVED_EVERY_S):
            return
        self._saved_s = time.monotonic()
        state = compared.state(self._origin)
        if state is not None:
            self._file.save(state)
