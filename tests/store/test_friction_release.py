"""Friction on a server: a stop becomes a suspension, reviewers release others, and touched canaries are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from tests.store.watchworld import END, found_company

from whosaw.app import watchlive
from whosaw.app.canaries import Canaries
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchdesk import ReviewRefused
from whosaw.app.watchlive import NoSuchFriction, held, holding, keep_canaries, keep_live, release, stop_who_must
from whosaw.app.watchlivequeries import prune
from whosaw.app.webreads import WebReads
from whosaw.ask import Ask, new_ask_id
from whosaw.record import entries_from
from whosaw.store.alerts import alerts
from whosaw.store.numbers import find
from whosaw.terms import SimulatedClock, SubjectRef

LIVE = """
[watch.live]
enumeration = "stop"
run = 5
[aliases]
domain = "a.company.example"
canary_domain = "postbox.example"
"""
NOTE = "the customers were read out to him by the auditor"


@pytest.fixture
async def services(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    found_company(database_url, tmp_path / "state")
    catalog = tmp_path / "state" / "whosaw.toml"
    catalog.write_text(catalog.read_text() + LIVE)
    settings = Settings(state=tmp_path / "state", database=database_url)
    async with open_services(settings, SimulatedClock(END), database_url, door="serve") as opened:
        yield opened


async def walk(services: Services, actor: str) -> str:
    """Go through five keys, and return why the last was refused."""
    reason = ""
    for n in range(5):
        subject = SubjectRef("customer", f"C-{n}")
        ask = Ask(actor, subject, ("customer.email",), None, "http", services.clock.now(), new_ask_id())
        reason = (await services.gate.disclose(ask)).decision.reason
    return reason


async def test_a_stop_becomes_a_suspension_once_and_a_reviewer_releases_others_alone(
    services: Services, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:  # a role to which nothing is shown
        connection.execute("update company.staff set roles = 'gardener' where id in ('E-1', 'E-2', 'P-1')")
    assert await walk(services, "E-1") == "friction.stopped"
    assert sum(await asyncio.gather(*(stop_who_must(services) for _ in range(3)))) == 1
    assert await services.suspensions.among(["E-1", "E-2"]) == {"E-1"} and await stop_who_must(services) == 0
    suspended = [each.payload async for each in entries_from(services.db) if each.payload["kind"] == "suspension"]
    assert [each["safety"] for each in suspended] == ["yes"]

    assert await walk(services, "P-1") == "friction.stopped"
    own, first = await held(services)
    shown = await WebReads(services).watch("P-1")
    assert shown is not None and shown.held is not None and await WebReads(services).watch("E-2") is None
    assert [(each.number, each.actor, each.step) for each in shown.held] == [
        (own.id, own.actor, "stop"),
        (first.id, first.actor, "stop"),
    ]
    assert all(each.until == each.since + timedelta(hours=1) and each.enforced for each in shown.held)
    assert (first.sign, first.step, first.actor) == ("enumeration", "stop", await find(services.db, "actor", "E-1"))
    for number, by, note in ((first.id, "E-2", NOTE), (first.id, "P-1", "no"), (own.id, "P-1", NOTE)):
        with pytest.raises(ReviewRefused):
            await release(services, number, by=by, note=note)
    with pytest.raises(NoSuchFriction):
        await release(services, 99, by="P-1", note=NOTE)
    assert [each.own for each in shown.held] == [True, False]
    reads = WebReads(services)
    assert await reads.release(first.id, NOTE, "E-2") is None  # not even told that somebody is held up
    assert await reads.release(own.id, NOTE, "P-1") == "nobody releases himself"
    assert await reads.release(first.id, "no", "P-1") == "a release needs its why"
    assert await reads.release(99, NOTE, "P-1") == "nothing of number 99 holds anybody up"
    assert [each.id for each in await holding(services)] == [own.id, first.id]
    assert await reads.release(first.id, NOTE, "P-1") == ""
    assert next(each for each in await held(services) if each.id == first.id).released_by == "P-1"
    assert [each.id for each in await holding(services)] == [own.id]
    with pytest.raises(NoSuchFriction):
        await release(services, first.id, by="S-1", note=NOTE)
    assert await services.suspensions.among(["E-1"]) == {"E-1"}, "a suspension takes two"
    (said,) = [each.payload async for each in entries_from(services.db) if each.payload.get("change") == "released"]
    assert said["target"] == first.actor and NOTE not in str(said)
    assert await walk(services, "E-2") == "friction.stopped"
    last = (await held(services))[0]
    await release(services, last.id, by="S-1", note=NOTE)
    assert await walk(services, "E-2") != "friction.reason_needed"


async def test_what_ended_by_itself_is_over(services: Services, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.staff set roles = 'gardener' where id = 'E-1'")
    await walk(services, "E-1")
    (found,) = await held(services)
    assert isinstance(services.clock, SimulatedClock)
    services.clock.advance_to(services.clock.now() + timedelta(minutes=61))
    with pytest.raises(NoSuchFriction):
        await release(services, found.id, by="P-1", note=NOTE)
    assert await prune(services.db, services.clock.now() - timedelta(days=1)) == 0
    assert await prune(services.db, services.clock.now()) == 1 and await held(services) == []


async def test_a_server_keeps_in_step_and_tells_of_touched_canaries(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchlive, "REFRESH_EVERY_S", 0.05)
    monkeypatch.setattr(watchlive, "CANARIES_EVERY_S", 0.05)
    await Canaries(services).add(SubjectRef("customer", "C-1"), "queue", by="operator:test")
    tasks = [asyncio.create_task(keep_live(services)), asyncio.create_task(keep_canaries(services))]
    try:
        async with asyncio.timeout(20):
            while not services.gate.friction._canaries:
                await asyncio.sleep(0.02)
            ask = Ask("E-2", SubjectRef("customer", "C-1"), ("customer.email",), None, "http", END, new_ask_id())
            await services.gate.disclose(ask)
            while {each.code for each in await alerts(services.db)} != {"watch.friction", "canary.hit"}:
                await asyncio.sleep(0.02)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert [(each.sign, each.step) for each in await held(services)] == [("canary", "reason")]
