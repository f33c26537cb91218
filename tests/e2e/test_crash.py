"""Kill the door at any moment: whatever somebody was shown has its entry, by the witness of those who were shown it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.client import AsyncClient, Denied, DoorError
from whosaw.gate import add_token
from whosaw.prove import check_receipt, decode_receipt, entry_leaf
from whosaw.record import entries_from, fsck
from whosaw.terms import SharedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DOOR = ("-m", "whosaw.app.demo.doorprocess")

# A door that answers first and records a moment later: what the judge below must catch.
HASTY_DOOR = """
import asyncio, os
from whosaw.app.demo import doorprocess
from whosaw.prove import canonical, entry_leaf, sign_batch
from whosaw.record import Appender
from whosaw.record.groups import Durable, Recorded
record = Appender.commit
kept = set()
async def commit(self, drafts):
    drafts = list(drafts)
    async def later():
        await asyncio.sleep(0.3)
        await record(self, drafts)
    task = asyncio.create_task(later())
    kept.add(task)
    leaves = [entry_leaf(os.urandom(32), canonical(draft.payload)) for draft in drafts]
    receipts = sign_batch(self._keys.receipt, self._keys.origin, 0, leaves, 0).receipts()
    done = asyncio.get_running_loop().create_future()
    done.set_result(Recorded(receipts, {key: 1 for draft in drafts for key in draft.missing.values()}))
    return Durable([], done)
Appender.commit = commit
doorprocess.main()
"""


@dataclass
class Running:
    process: asyncio.subprocess.Process
    address: str

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def door_process(state: Path, url: str, program: tuple[str, ...] = DOOR) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write((json.dumps({"folder": str(state), "url": url}) + "\n").encode())
    try:
        address = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        yield Running(process, address)
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 15)


@pytest.fixture
async def services(company_state: Path, database_url: str) -> AsyncIterator[Services]:
    """Everything but the door, in this process: to make tokens, to suspend, and to read what was recorded."""
    clock = SharedClock(company_state / "clock", NOON)
    settings = Settings(state=company_state, catalog=company_state / "whosaw.toml")
    async with open_services(settings, clock, database_url, door="test") as opened:
        yield opened


class Witness:
    """Clients that note, durably and on their own, the ask id and receipt of every value they were shown."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown = 0
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def ask_until_the_door_dies(self, address: str, token: str, http: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        while True:
            number = random.randint(1, 40)
            body = {"subject": f"customer:C-{number}", "fields": ["customer.email"], "purpose": f"ticket:T-{number}"}
            try:
                response = await http.post(f"{address}/v1/disclosures", json=body, headers=headers)
            except httpx.HTTPError:
                return
            if response.status_code == 200:
                assert response.json()["fields"]["customer.email"] == {"value": f"ada{number}@mail.example"}
                os.write(self._handle, response.content + b"\n")
                os.fsync(self._handle)
                self.shown += 1


def lines_of(witnessed: Path) -> list[str]:
    return witnessed.read_text().splitlines()


def shown_without_entry(witnessed: Path, recorded: set[str]) -> list[str]:
    """Return the ask ids of values that were shown although no entry tells of them."""
    return [ask for line in lines_of(witnessed) if (ask := json.loads(line)["ask"]) not in recorded]


async def recorded_asks(services: Services) -> set[str]:
    return {
        str(entry.payload["ask"])
        async for entry in entries_from(services.db)
        if entry.payload["kind"] == "disclosure" and entry.payload["fields"] == ["customer.email=reveal"]
    }


async def killed_under_load(running: Running, witness: Witness, token: str, *, after_s: float) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http, asyncio.TaskGroup() as clients:
        for _ in range(8):
            clients.create_task(witness.ask_until_the_door_dies(running.address, token, http))
        while not witness.shown:
            await asyncio.sleep(0.005)
        await asyncio.sleep(after_s)
        await running.kill()


async def test_every_value_shown_before_the_door_was_killed_has_its_entry_and_its_receipt_holds(
    services: Services, company_state: Path, database_url: str, tmp_path: Path
) -> None:
    token = await add_token(services.db, "E-1", NOON)
    chance = random.Random(7)
    for round_number in range(5):
        witness = Witness(tmp_path / f"shown-{round_number}.jsonl")
        async with door_process(company_state, database_url) as running:
            await killed_under_load(running, witness, token, after_s=chance.uniform(0.01, 0.5))
        assert witness.shown
        assert shown_without_entry(witness.path, await recorded_asks(services)) == []
        await receipts_hold(services, lines_of(witness.path))
    await services.integrator.step()
    report = await fsck(services.db, services.settings.trail_folder, services.keys.trail.verifier)
    assert report.ok, list(report.lines())


async def receipts_hold(services: Services, witnessed: list[str]) -> None:
    """Every receipt that a client kept is about the entry that stands at its index."""
    async with services.db.connection() as connection:
        rows = await connection.execute("select index, salt, payload from trail_entry")
        entries = {index: (salt, payload) for index, salt, payload in await rows.fetchall()}
    for line in witnessed:
        told = json.loads(line)
        receipt = decode_receipt(told["receipt"])
        salt, payload = entries[receipt.index]
        check_receipt(receipt, services.keys.receipt.verifier, entry_leaf(salt, payload.encode()))
        assert json.loads(payload)["ask"] == told["ask"]


async def test_the_judge_names_values_that_a_hasty_door_showed_before_recording(
    services: Services, company_state: Path, database_url: str, tmp_path: Path
) -> None:
    token = await add_token(services.db, "E-1", NOON)
    witness = Witness(tmp_path / "shown.jsonl")
    async with door_process(company_state, database_url, ("-c", HASTY_DOOR)) as running:
        await killed_under_load(running, witness, token, after_s=0.1)
    assert shown_without_entry(witness.path, await recorded_asks(services)) != []
    invented = tmp_path / "invented.jsonl"
    invented.write_text(json.dumps({"ask": "0" * 32}) + "\n")
    assert shown_without_entry(invented, await recorded_asks(services)) == ["0" * 32]


async def test_a_suspension_closes_the_door_of_another_process_within_a_second(
    services: Services, company_state: Path, database_url: str
) -> None:
    token = await add_token(services.db, "E-1", NOON)
    other = await add_token(services.db, "E-2", NOON)
    refused_at: list[float] = []

    async def keep_asking(address: str) -> None:
        async with AsyncClient(address, token) as client:
            while True:
                answer = await client.disclose("customer:C-1", ["customer.email"], "ticket:T-1")
                if isinstance(answer, Denied):
                    assert answer.reason == "actor.suspended"
                    refused_at.append(time.perf_counter())
                    return

    async with door_process(company_state, database_url) as running:
        asking = [asyncio.create_task(keep_asking(running.address)) for _ in range(4)]
        await asyncio.sleep(0.3)
        assert not refused_at
        ordered = time.perf_counter()
        await services.suspensions.suspend("E-1", reason="case", by="officer")
        await asyncio.wait_for(asyncio.gather(*asking), 10)
        assert max(refused_at) - ordered < 1
        async with AsyncClient(running.address, other) as client:
            assert not isinstance(await client.disclose("customer:C-1", ["customer.email"]), Denied)
        await services.suspensions.restore("E-1", reason="cleared", by="officer")
        async with AsyncClient(running.address, token) as client:
            assert not isinstance(await client.disclose("customer:C-1", ["customer.email"], "ticket:T-1"), Denied)


async def test_the_door_ends_with_the_process_that_started_it(
    services: Services, company_state: Path, database_url: str
) -> None:
    async with door_process(company_state, database_url) as running:
        address = running.address
    assert running.process.returncode == 0
    async with AsyncClient(address, "t") as client:
        with pytest.raises(DoorError):
            await client.disclose("customer:C-1", ["customer.email"])
