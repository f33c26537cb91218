"""A process that takes in the reports of a folder, and is killed by itself in the middle of one where it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from whosaw.answer import RawMails
from whosaw.answer import foundqueries as queries
from whosaw.answer.approach import Approaches
from whosaw.answer.notes import Notes
from whosaw.app.approachspool import ApproachSpool
from whosaw.record import Appender, load_or_create
from whosaw.store import Database
from whosaw.terms import SimulatedClock


def die() -> None:
    """End as a machine that loses its power does."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, folder: Path, now: datetime, killed: str) -> None:
    """Say ready, wait for a line, take in once, and say how many were taken in."""
    clock = SimulatedClock(now)
    async with (
        Database(url, pool_size=4) as db,
        Appender(db, load_or_create(folder / f"keys-{os.getpid()}", clock, "test"), clock) as appender,
    ):

        async def record(payload: Mapping[str, Any]) -> Any:
            if killed == "before_entry":
                die()
            receipt = await appender.append(payload)
            if killed == "after_entry":
                die()
            return receipt

        kept = queries.add_approach

        async def add(*given: Any) -> bool:
            done = await kept(*given)
            if killed == "after_row":
                die()
            return done

        queries.add_approach = add
        approaches = Approaches(db, clock, Notes(db, clock, record), RawMails(folder / "complaints"))
        spool = ApproachSpool(folder / "approaches", settled=timedelta(0))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)  # all begin together
        taken = await spool.take_in(approaches, now)
    sys.stdout.write(f"{taken}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), sys.argv[4]))
