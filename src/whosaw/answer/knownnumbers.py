"""Numbers of keys that stand in old verdicts: who was erased since has none, and is given none by being read of."""

from __future__ import annotations

from collections.abc import Iterable

from whosaw.store import Database
from whosaw.store.numbers import Space


async def known_numbers(db: Database, space: Space, keys: Iterable[str]) -> dict[str, int]:
    """Return the number of every key that has one, in the order of the keys; nobody gets a new one."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    async with db.connection() as connection:
        rows = await connection.execute(
            "select key, number from number_map where space = %s and key = any(%s)", [space, wanted]
        )
        found = dict(await rows.fetchall())
    return {key: found[key] for key in wanted if key in found}
