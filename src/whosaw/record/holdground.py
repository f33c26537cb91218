"""A legal hold that outlives its ground: it goes on standing on another one, without a moment in which it does not."""

from __future__ import annotations

from whosaw.record import erasurequeries as queries
from whosaw.record.appender import Appender
from whosaw.record.hold import Hold, NoHold
from whosaw.store import Database
from whosaw.terms import Clock, to_us


async def reground(db: Database, appender: Appender, clock: Clock, hold: Hold, *, ground: str, by: int) -> None:
    """Let a standing hold stand on another ground; recorded first. Who was told that it ends must be told anew.

    Args:
        db: where holds are.
        appender: writes the entry.
        clock: tells the time.
        hold: as it stands now.
        ground: on what it stands from now on.
        by: number of who says so.

    Raises:
        NoHold: it no longer stands on the ground that it had.
        TrailUnavailable: it could not be recorded, and nothing changed.
    """
    await appender.append(
        {
            "kind": "hold",
            "at": to_us(clock.now()),
            "actor": by,
            "door": "console",
            "change": "reground",
            "reason": ground,
            **({"subject": hold.number} if hold.space == "subject" else {"target": hold.number}),
        }
    )
    async with queries.placing(db) as connection:
        done = await connection.execute(
            "update legal_hold set ground = %s, told_at = null "
            "where space = %s and number = %s and ground = %s and lifted_at is null",
            [ground, hold.space, hold.number, hold.ground],
        )
    if done.rowcount != 1:
        raise NoHold("no hold stands on this number and this ground")
