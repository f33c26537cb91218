"""What happens without anybody asking, as a server runs it: alerts go out, grants run out, glass is raised again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from tests.catalogs import settle
from tests.store.standing.conftest import CATALOG, NOON, STAFF
from tests.store.standing.people import wanted
from tests.store.standing.receivers import SECRET, Receiver, receiver

from whosaw.answer.mailbox import Mailbox
from whosaw.app import background
from whosaw.app.background import run_background
from whosaw.app.rounds import every
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.gate.glassask import GlassAsk
from whosaw.store.alerts import alerts
from whosaw.terms import SimulatedClock

WEBHOOK = """
[alerts.webhooks.desk]
url = "http://127.0.0.1:{port}/alerts"
secret = "{secret}"
"""


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another task does."""
    async with asyncio.timeout(60):
        while not await check():
            await asyncio.sleep(0.02)


async def test_a_server_sends_alerts_ends_grants_and_raises_what_nobody_reviews(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "ALERTS_EVERY_S", 0.05)
    monkeypatch.setattr(background, "STANDING_EVERY_S", 0.05)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(STAFF)
    clock = SimulatedClock(NOON)
    with Mailbox(tmp_path / "mail") as box, receiver(Receiver(), lambda: clock.now().timestamp()) as taken:
        hook = WEBHOOK.format(port=taken.port, secret=SECRET)
        state = settle(tmp_path / "state", CATALOG + hook, database_url)
        settings = Settings(state=state, database=database_url, smtp=f"smtp://127.0.0.1:{box.port}")
        async with open_services(settings, clock, database_url, door="serve") as services:
            running = [asyncio.create_task(run_background(services)) for _ in range(2)]  # as two processes do
            await _play(services, clock, box, taken)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def _play(services: Services, clock: SimulatedClock, box: Mailbox, taken: Receiver) -> None:
    await services.conducts.publish("1", "Text", by="P-1")
    await services.conducts.acknowledge("E-1")
    await services.grants.request(wanted())
    await services.glasses.break_(GlassAsk("E-1", "a life is in danger"))

    async def told(count: int) -> bool:
        return len(taken.seen) == count == len(box.files())

    await until(lambda: told(1))
    clock.advance_to(clock.now() + timedelta(hours=72))

    async def over() -> bool:
        return [each.state for each in await services.grants.latest()] == ["expired"]

    await until(over)
    await until(lambda: told(5))
    codes = sorted(each.code for each in await alerts(services.db))
    assert codes == ["alert.unread", "glass.broken", *["glass.unreviewed"] * 3]


async def test_what_fails_is_put_off_and_the_rest_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    async def step() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("ada@mail.example")

    task = asyncio.create_task(every(0.01, step))
    async with asyncio.timeout(10):
        while len(calls) < 5:
            await asyncio.sleep(0.01)
    task.cancel()
    assert "put off: ValueError" in caplog.text
    assert "ada@" not in caplog.text
