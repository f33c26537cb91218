"""How long kept mail stays: evidence of a case as long as the case, everything else for a stated time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from whosaw.store import Database

_DUE = (
    "select distinct h.raw_sha256 from mail_hit h where h.at < %(before)s and not exists (select from mail_hit o "
    "left join sighting s on s.id = o.sighting_id where o.raw_sha256 = h.raw_sha256 and (s.case_id is not null or "
    "o.at >= %(before)s or exists (select from legal_hold l where l.lifted_at is null and l.space = 'subject' "
    "and l.number = o.subject)))"
)


class Keeping:
    """Lets kept mail die that is older than the catalog keeps it; what a case or a legal hold needs stays."""

    def __init__(self, db: Database, evidence: Path, unproved: Path, days: float) -> None:
        """Describe it.

        Args:
            db: where hits and cases are.
            evidence: folder of the mails of hits, by hash.
            unproved: folder of mails that are evidence of nothing yet.
            days: how long, > 0.
        """
        self._db = db
        self._evidence = evidence
        self._unproved = unproved
        self._days = timedelta(days=days)

    async def prune(self, at: datetime) -> int:
        """Delete what is due and return how many mails that were; the rows about hits stay, with their hashes."""
        before = at - self._days
        async with self._db.connection() as connection:
            rows = await connection.execute(_DUE, {"before": before})
            due = [str(row[0]) for row in await rows.fetchall()]
            # ways back of aliases that ended long ago lead nowhere any more
            await connection.execute(
                "delete from mail_reverse r using mail_alias a where a.address_sha256 = r.alias_sha256 "
                "and a.expires_at < %s",
                [before],
            )
        return await asyncio.to_thread(self._delete, due, before)

    def _delete(self, due: list[str], before: datetime) -> int:
        gone = 0
        for path in [self._evidence / f"{name}.eml" for name in due]:
            if path.exists():
                path.unlink()
                gone += 1
        for path in self._unproved.glob("*.eml") if self._unproved.exists() else ():
            if path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)
                gone += 1
        return gone
