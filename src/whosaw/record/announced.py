"""Which of some entries were erased, each with the entry that announced it; one that is gone otherwise is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from whosaw.record import erasurequeries as queries
from whosaw.record.erased import Announcement, unannounced
from whosaw.record.errors import TrailDamaged
from whosaw.store import Database


async def announced_erasures(db: Database, indices: Collection[int]) -> Mapping[int, int]:
    """Return index → index of the announcing entry of those at `indices` that an erasure or the retention ended.

    An entry that is not in the database at all is none of them. Whether an announcement is under the signed tree, who
    relies on it has proved (`prove_entries`).

    Raises:
        TrailDamaged: the payload of one is gone, and no entry announced that.
    """
    gone = await queries.erased_at(db, sorted(set(indices)))
    announcing = sorted({entry for entry in gone.values() if entry is not None})
    read = [(entry, Announcement.read(text.encode())) for entry, text in await queries.payloads_at(db, announcing)]
    announced = {entry: said for entry, said in read if said is not None}
    odd = unannounced(gone, await queries.marks_of(db, announcing), announced)
    if odd:
        raise TrailDamaged(odd[0].line)
    return {index: entry for index, entry in gone.items() if entry is not None}
