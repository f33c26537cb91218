"""Who somebody is as an approver, for doors that show what waits for him; it decides nothing."""

from __future__ import annotations

from whosaw.gate.approval import Approver
from whosaw.gate.approvalpeople import Directory, approver
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import Clock


class Approvers:
    """Reads directory and signed functions of one person."""

    def __init__(self, db: Database, directory: Directory, clock: Clock) -> None:
        self._db = db
        self._directory = directory
        self._clock = clock

    async def of(self, key: str) -> Approver:
        """Return what the rules of approval know of this person now."""
        row = (await self._directory([key])).get(key)
        number = (await assign(self._db, "actor", [key]))[key]
        async with self._db.connection() as connection:
            return await approver(connection, key, row, (number, None), self._clock.now())

    async def functions(self, key: str) -> frozenset[str]:
        """Return the functions in which somebody may decide now; of whoever is stopped, none."""
        who = await self.of(key)
        return who.functions if who.listed and not who.suspended else frozenset()
