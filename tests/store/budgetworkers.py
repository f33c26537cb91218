"""A process that races others for the last units of a budget: asks for customers one by one, says what it got."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from whosaw.gate.budgets import Limits, Unit
from whosaw.gate.queries import spend
from whosaw.store import Database
from whosaw.terms import to_us

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def units(first: int, count: int, hard: int) -> list[dict[str, object]]:
    """Return units about `count` persons from the place `first` on; the actor stands at place 1."""
    limits = Limits((None, None, None), (hard, hard, hard))
    made = []
    for place in range(first, first + count):
        unit = Unit("E-1", "contact", limits, f"customer:C-{place}")
        made.append(
            {
                "n": place - first + 1,
                "actor": 1,
                "class": unit.counted,
                "subject": place - first + 2,
                "amount": 1,
                "stated": False,
                "soft": limits.soft,
                "hard": limits.hard,
            }
        )
    return made


async def main(url: str, worker: int, asks: int, per_ask: int, hard: int) -> None:
    """Ask `asks` times for `per_ask` persons whom nobody else asks for, four at once; print how many were allowed."""
    allowed = 0
    async with Database(url, pool_size=4) as db:

        async def ask(number: int) -> int:
            first = (worker * asks + number) * per_ask + 1
            keys = [("actor", "E-1"), *(("subject", f"customer:C-{first + i}") for i in range(per_ask))]
            _, verdicts = await spend(db, keys, to_us(AT), units(first, per_ask, hard))
            return verdicts.count(0)

        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)  # all begin together
        for start in range(0, asks, 4):
            allowed += sum(await asyncio.gather(*(ask(number) for number in range(start, min(start + 4, asks)))))
    sys.stdout.write(f"{allowed}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *(int(each) for each in sys.argv[2:])))
