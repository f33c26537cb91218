"""Alerts: raised once, read by each for himself, and never holding words or values."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from whosaw.store import Database
from whosaw.store.alerts import AlertInvalid, NoSuchAlert, alerts, mark_read, raise_alert

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def raised(db: Database, **about: int | str) -> int:
    return await raise_alert(db, "break_glass", "high", "glass.broken", about, at=NOON)


async def test_the_same_alert_is_one_however_often_and_at_once_it_is_raised(database: Database) -> None:
    ids = await asyncio.gather(*(raised(database, glass=1, actor=7) for _ in range(8)))
    assert len(set(ids)) == 1
    assert await raised(database, actor=7, glass=1) == ids[0]
    assert await raised(database, glass=2, actor=7) != ids[0]
    assert len(await alerts(database)) == 2


async def test_what_makes_it_another_may_be_less_than_what_it_says(database: Database) -> None:
    first = await raise_alert(database, "policy", "high", "policy.notify", {"entry": 1}, at=NOON, once={"actor": 7})
    again = await raise_alert(database, "policy", "high", "policy.notify", {"entry": 2}, at=NOON, once={"actor": 7})
    other = await raise_alert(database, "policy", "high", "policy.notify", {"entry": 3}, at=NOON, once={"actor": 8})
    assert first == again != other
    assert [each.about for each in await alerts(database)] == [{"entry": 3}, {"entry": 1}]


@pytest.mark.parametrize(
    "about",
    [
        {"reason": "a life is in danger"},
        {"mail": "ada@mail.example"},
        {"name": "Ada\nNumber"},
        {"Bad": 1},
        {"yes": True},
        {"part": 0.5},
        {"empty": ""},
        {"long": "x" * 65},
    ],
)
async def test_free_text_and_values_are_no_part_of_an_alert(database: Database, about: dict[str, int | str]) -> None:
    with pytest.raises(AlertInvalid):
        await raised(database, **about)
    with pytest.raises(AlertInvalid):
        await raise_alert(database, "policy", "high", "policy.notify", {}, at=NOON, once=about)
    assert await alerts(database) == []


async def test_an_alert_that_is_rolled_back_with_what_it_is_about_was_never_raised(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await raise_alert(connection, "break_glass", "high", "glass.broken", {"glass": 1}, at=NOON)
            raise ZeroDivisionError
    assert await alerts(database) == []


async def test_each_reader_reads_for_himself_and_it_stands_who_did(database: Database) -> None:
    ids = [await raised(database, glass=number) for number in (1, 2)]
    assert await mark_read(database, [ids[0], ids[0]], "P-1", NOON) == 1
    assert await mark_read(database, [ids[0]], "P-1", NOON) == 0
    assert [each.id for each in await alerts(database, unread_by="P-1")] == [ids[1]]
    assert [each.id for each in await alerts(database, unread_by="P-2")] == [ids[1], ids[0]]
    assert [each.read_by for each in await alerts(database)] == [(), ("P-1",)]
    with pytest.raises(NoSuchAlert):
        await mark_read(database, [ids[1], 999], "P-1", NOON)
    assert [each.read_by for each in await alerts(database)] == [(), ("P-1",)]
