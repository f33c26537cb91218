"""Setting receipts against the trail: what a door was promised must be there, at its index, with its leaf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whosaw.prove import ReceiptInvalid, SignedBatch, VerifierKey, check_receipt
from whosaw.record import auditqueries
from whosaw.record.findings import Finding
from whosaw.record.journal import read_batches
from whosaw.store.database import Connection

_LOOKED_UP_AT_ONCE = 8_192
_MOST_NAMED = 10_000  # a journal of a trail that is gone would name every entry there ever was

_Promise = tuple[int, bytes, int]  # index, leaf hash, when the receipt was signed in µs


@dataclass(slots=True)
class Promises:
    """Checks journals against one trail.

    Attributes:
        origin: the trail's name.
        keys: public halves of the receipt keys that may have signed.
        delay_us: how far an entry's time may lie from its receipt's, or None where time is not compared.
        checked: promised entries that were looked for.
        findings: what is wrong, in the order found.
    """

    origin: str
    keys: Sequence[VerifierKey]
    delay_us: int | None
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    _unnamed: int = 0

    async def check(self, conn: Connection, journals: Mapping[Path, int]) -> None:
        """Check every receipt of every journal.

        Args:
            conn: sees the trail as it was at one moment.
            journals: each with how many bytes it held before that moment; what came later is left out.

        Raises:
            OSError: a journal cannot be read.
        """
        for path, end_bytes in journals.items():
            waiting: list[_Promise] = []
            for batch in self._signed_batches(path, end_bytes):
                waiting += [(index, leaf, batch.at_us) for index, leaf in enumerate(batch.leaves, batch.first)]
                if len(waiting) >= _LOOKED_UP_AT_ONCE:
                    await self._compare(conn, path, waiting)
                    waiting = []
            await self._compare(conn, path, waiting)
            if self._unnamed:
                line = f"`{path.name}`: {self._unnamed} more receipts whose entries are not there"
                self.findings.append(Finding(None, "receipt_missing", line))
                self._unnamed = 0

    def _signed_batches(self, path: Path, end_bytes: int) -> Iterator[SignedBatch]:
        for number, batch in read_batches(path, end_bytes):
            problem = batch if isinstance(batch, ReceiptInvalid) else self._problem(batch)
            if problem is None:
                yield batch  # type: ignore[misc]  # an invalid one is a problem
            else:
                line = f"line {number} of `{path.name}`: {problem}"
                self.findings.append(Finding(None, "receipt_invalid", line))

    def _problem(self, batch: SignedBatch) -> ReceiptInvalid | None:
        if batch.origin != self.origin:
            return ReceiptInvalid(f"receipts of another trail, `{batch.origin[:80]}`")
        receipt = batch.receipts()[0]  # one signature covers the batch
        problem = ReceiptInvalid("no receipt key is known")
        for key in self.keys:
            try:
                check_receipt(receipt, key)
            except ReceiptInvalid as cause:
                problem = cause
            else:
                return None
        return problem

    async def _compare(self, conn: Connection, path: Path, promises: list[_Promise]) -> None:
        stored = await auditqueries.stored_at(conn, [index for index, _, _ in promises])
        self.checked += len(promises)
        for index, leaf, signed_us in promises:
            there, at_us = stored.get(index, (None, None))
            if there is None:
                self._miss(index, path)
            elif there != leaf:
                line = f"entry {index}: `{path.name}` holds a receipt for another entry at this index"
                self.findings.append(Finding(index, "receipt_mismatch", line))
            elif self.delay_us is not None and at_us is not None and abs(signed_us - at_us) > self.delay_us:
                late = (signed_us - at_us) / 1e6
                line = f"entry {index}: dated {abs(late):.0f} s {'before' if late > 0 else 'after'} its receipt"
                self.findings.append(Finding(index, "back_dated" if late > 0 else "post_dated", line))

    def _miss(self, index: int, path: Path) -> None:
        if len(self.findings) >= _MOST_NAMED:
            self._unnamed += 1
            return
        line = f"entry {index}: `{path.name}` holds a receipt for it, and it is not there"
        self.findings.append(Finding(index, "receipt_missing", line))
