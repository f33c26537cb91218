"""The number maps: company keys in, dense integers out, and back while the row still exists."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Literal

from whosaw.store.database import Database

Space = Literal["actor", "subject", "purpose"]

MEMORY_S = 60.0  # how long a process may go on using a number that was erased


async def assign(db: Database, space: Space, keys: Iterable[str]) -> dict[str, int]:
    """Return the number of every key, in the order of the keys, giving new dense numbers to those that have none.

    Args:
        db: where the maps are.
        space: which map; each counts from 1.
        keys: company keys; repeated keys are one key.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    async with db.connection() as connection:
        rows = await connection.execute("select key, number from assign_numbers(%s, %s)", [space, wanted])
        numbers = dict(await rows.fetchall())
    return {key: numbers[key] for key in wanted}


async def keys_of(db: Database, space: Space, numbers: Iterable[int]) -> dict[int, str]:
    """Return the key of every number whose map row still exists."""
    wanted = list(dict.fromkeys(numbers))
    async with db.connection() as connection:
        rows = await connection.execute(
            "select number, key from number_map where space = %s and number = any(%s)", [space, wanted]
        )
        return dict(await rows.fetchall())


async def every_key(db: Database, space: Space) -> dict[int, str]:
    """Return number → key of every map row of `space`."""
    async with db.connection() as connection:
        rows = await connection.execute("select number, key from number_map where space = %s", [space])
        return dict(await rows.fetchall())


async def find(db: Database, space: Space, key: str) -> int | None:
    """Return the number of `key`, or None where it has none; never gives a new one."""
    async with db.connection() as connection:
        rows = await connection.execute("select number from number_map where space = %s and key = %s", [space, key])
        row = await rows.fetchone()
        return None if row is None else int(row[0])


async def find_all(db: Database, space: Space, keys: Iterable[str]) -> dict[str, int]:
    """Return the number of every key that has one, in the order of the keys; nobody gets a new one.

    For keys out of old verdicts: who was erased since has no number, and must not be given one by being read of.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    async with db.connection() as connection:
        rows = await connection.execute(
            "select key, number from number_map where space = %s and key = any(%s)", [space, wanted]
        )
        found = dict(await rows.fetchall())
    return {key: found[key] for key in wanted if key in found}


async def count_erased(db: Database, space: Space) -> int:
    """Return how many numbers lead to nobody because somebody was erased."""
    async with db.connection() as connection:
        rows = await connection.execute("select count(*) from number_erased where space = %s", [space])
        row = await rows.fetchone()
        return 0 if row is None else int(row[0])


async def was_given(db: Database, space: Space, number: int) -> bool:
    """Return whether a number was ever given to anybody, who may have been erased since."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select 1 from number_map where space = %(space)s and number = %(number)s::numeric "
            "union all select 1 from number_erased where space = %(space)s and number = %(number)s::numeric limit 1",
            {"space": space, "number": str(number)},
        )
        return await rows.fetchone() is not None


class NumberMap:
    """The maps as one process remembers them, so that the hot path rarely asks the database.

    Everything is forgotten once a minute: a number may have been erased, and whoever comes back after that is somebody
    new to the record.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[Space, dict[str, int]] = {"actor": {}, "subject": {}, "purpose": {}}
        self._forget_at = time.monotonic() + MEMORY_S

    async def numbers(self, space: Space, keys: Sequence[str]) -> list[int]:
        """Return one number per key, in the order of `keys`."""
        if time.monotonic() >= self._forget_at:
            self._known = {"actor": {}, "subject": {}, "purpose": {}}
            self._forget_at = time.monotonic() + MEMORY_S
        known = self._known[space]
        missing = [key for key in keys if key not in known]
        if missing:
            known.update(await assign(self._db, space, missing))
        return [known[key] for key in keys]
