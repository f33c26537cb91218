"""Exposure sets: the subjects of one disclosure that are too many for an entry, kept beside it by a salted hash.

A set is durable before the entry that names it is appended: an entry never names what is not there. A set that no entry
came to name is swept away by the owner (``trail_sweep_exposures``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

import psycopg
from pyroaring import BitMap64

from whosaw.prove import Payload
from whosaw.prove.canonical import SALT_BYTES
from whosaw.record import exposurequeries as queries
from whosaw.record.closed import failure_of
from whosaw.store import Database, StoreError

EXPOSURE_FROM = 300
"""Subjects from which on one entry names a set; below, each has an entry, and evidence that shows nobody else."""

_KEPT_WITHIN_S = 10.0


class Exposures:
    """Keeps the sets of one process."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def keep(self, numbers: Iterable[int]) -> Payload:
        """Keep the set of `numbers` durably and return what an entry says of it: ``exposure`` and ``subjects``.

        Args:
            numbers: of the subjects, each > 0; doubled ones are one.

        Raises:
            ValueError: there are none.
            TrailUnavailable: it is not known to be durable; append no entry that names it.
        """
        bitmap = BitMap64(numbers)
        if not bitmap:
            raise ValueError("an exposure set of nobody")
        bitmap.run_optimize()
        try:
            async with asyncio.timeout(_KEPT_WITHIN_S):
                named = await queries.keep(self._db, os.urandom(SALT_BYTES), bitmap.serialize())
        except (psycopg.Error, StoreError, TimeoutError) as cause:
            raise failure_of(cause) from cause
        return {"exposure": named.hex(), "subjects": len(bitmap)}
