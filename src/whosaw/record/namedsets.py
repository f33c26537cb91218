"""The sets of subjects that entries name, against the sets that are stored: every one is read again from its bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from whosaw.prove import ExposureInvalid, exposure_hash, read_exposure
from whosaw.prove.exposure import claimed_exposure
from whosaw.record import exposurequeries
from whosaw.record.findings import Finding, FindingKind
from whosaw.store.database import Connection

_MARK = b'"exposure":'
Take = Callable[[int, Iterable[int]], None]


class NamedSets:
    """Collects which entries name which sets, then looks at every set that is stored."""

    # invariant: `_named` holds every intact claim of an entry that was taken; a malformed payload is named elsewhere

    def __init__(self) -> None:
        self._named: dict[bytes, list[tuple[int, int]]] = {}  # hash → (index, how many it says)
        self._found: list[Finding] = []

    def take(self, payloads: Iterable[tuple[int, bytes]]) -> None:
        """Note what entries name: index and payload of all that may name a set."""
        for index, raw in payloads:
            if _MARK in raw:
                self._take_claim(index, raw)

    async def compare(self, conn: Connection, take: Take | None) -> list[Finding]:
        """Read every stored set and return what is wrong, ordered by entry.

        Args:
            conn: the snapshot that the entries were read from.
            take: called with each entry and the numbers in its set, ascending, where that is whole.
        """
        there: set[bytes] = set()
        for named, waits, linked in await exposurequeries.stored(conn):
            there.add(named)
            claims = self._named.get(named, [])
            indices = [index for index, _ in claims]
            for index in sorted({*indices} ^ {*linked}):
                self._find(index, "exposure_unlinked", "the row that leads to its set is missing, or leads elsewhere")
            if not claims and not waits:
                line = f"a set of subjects is stored that no entry names: {named.hex()}"
                self._found.append(Finding(None, "exposure_orphan", line))
            await self._read(conn, named, claims, take)
        for named, claims in self._named.items():
            if named not in there:
                for index, _ in claims:
                    self._find(index, "exposure_missing", "the set of subjects it names is not there")
        return sorted(self._found, key=lambda each: (-1 if each.index is None else each.index, each.kind))

    async def _read(self, conn: Connection, named: bytes, claims: list[tuple[int, int]], take: Take | None) -> None:
        salt, raw, counted = await exposurequeries.bitmap(conn, named)
        try:
            if exposure_hash(salt, raw) != named:
                raise ExposureInvalid("its bytes have another hash")
            numbers = read_exposure(raw)
        except ExposureInvalid as cause:
            for index, _ in claims:
                self._find(index, "exposure_altered", f"the set of subjects it names was altered: {cause}")
            if not claims:
                line = f"a stored set of subjects was altered: {named.hex()}"
                self._found.append(Finding(None, "exposure_altered", line))
            return
        for index, said in claims:
            if {said, counted} != {len(numbers)}:
                what = f"its set holds {len(numbers)} subjects, the entry says {said}, and the set's row {counted}"
                self._find(index, "exposure_miscounted", what)
            if take is not None:
                take(index, numbers)

    def _take_claim(self, index: int, raw: bytes) -> None:
        try:
            claimed = claimed_exposure(json.loads(raw))
        except ExposureInvalid:
            self._find(index, "exposure_missing", "what it names cannot be a set of subjects")
        except (ValueError, TypeError, RecursionError):
            return  # no payload at all
        else:
            if claimed is not None:
                self._named.setdefault(claimed[0], []).append((index, claimed[1]))

    def _find(self, index: int, kind: FindingKind, what: str) -> None:
        self._found.append(Finding(index, kind, f"entry {index}: {what}"))
