"""Real witnesses, each a process of its own, and a trail that asks them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from whosaw.prove import VerifierKey
from whosaw.record import Integrator, Keys, load_or_create
from whosaw.record.witness import Circle, Pace, Witnessing, WitnessState, read_state
from whosaw.store import Database
from whosaw.terms import SimulatedClock

CLOCK = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))
PACE = Pace(grace_s=1.0, timeout_s=1.5, poll_s=0.02, first_wait_s=0.1, most_wait_s=0.4)
START = (
    "import sys; from pathlib import Path; from whosaw.app.commands.witness import serve;"
    "serve(folder=Path(sys.argv[1]), name=sys.argv[2], port=int(sys.argv[3]), log=sys.argv[4:])"
)


@dataclass
class RunningWitness:
    """A witness's process, and how to hurt it."""

    folder: Path
    name: str
    logs: list[str]
    process: subprocess.Popen[str] | None = None
    url: str = ""
    key: str = ""

    def start(self) -> None:
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, "-c", START, str(self.folder), self.name, port, *self.logs]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def ready(self) -> RunningWitness:
        assert self.process is not None and self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        self.key = self.process.stdout.readline().split()[-1]
        return self

    def send(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def stop(self, number: int = signal.SIGKILL) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.send(signal.SIGCONT)
        self.send(number)
        self.process.wait(10)
        self.process.stdout.close()
        self.process = None

    def post(self, body: bytes) -> httpx.Response:
        return httpx.post(self.url + "/add-checkpoint", content=body, trust_env=False)

    def shown(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}/{path}/checkpoint", trust_env=False)

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey.parse(self.key)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return load_or_create(tmp_path / "keys", CLOCK, "test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "trail"


@pytest.fixture
def integrator(database: Database, keys: Keys, folder: Path) -> Integrator:
    return Integrator(database, keys, folder, CLOCK)


@pytest.fixture
def witnesses(tmp_path: Path, keys: Keys) -> Iterator[Callable[[int], list[RunningWitness]]]:
    """Starts so many witnesses of this trail, at the same time."""
    running: list[RunningWitness] = []

    def begin(count: int) -> list[RunningWitness]:
        for number in range(1, count + 1):
            made = RunningWitness(tmp_path / f"w{number}", f"witness.example/w{number}", [str(keys.trail.verifier)])
            made.start()
            running.append(made)
        return [each.ready() for each in running]

    yield begin
    for each in running:
        if each.process is not None:
            each.stop()


def circle_of(members: list[RunningWitness], rule: str = "all") -> Circle:
    lines = [f"witness w{number} {each.key} {each.url}/" for number, each in enumerate(members, 1)]
    names = " ".join(f"w{number}" for number in range(1, len(members) + 1))
    return Circle.parse("\n".join([*lines, f"group g {rule} {names}", "quorum g", ""]).encode())


@pytest.fixture
def circle() -> Callable[..., Circle]:
    """Writes the policy over running witnesses."""
    return circle_of


@pytest.fixture
def asking(keys: Keys, folder: Path) -> Callable[..., object]:
    """Runs the asking side for a while."""

    @asynccontextmanager
    async def run(circle: Circle, pace: Pace = PACE, keys: Keys = keys) -> AsyncIterator[Witnessing]:
        made = Witnessing(circle, keys.verifiers, folder, pace=pace)
        task = asyncio.create_task(made.run())
        yield made
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    return run


async def until(folder: Path, holds: Callable[[WitnessState], bool], limit_s: float = 8.0) -> WitnessState:
    began = time.monotonic()
    while not holds(state := read_state(folder)):
        assert time.monotonic() - began < limit_s, state
        await asyncio.sleep(0.01)
    return state


@pytest.fixture
def reach(folder: Path) -> Callable[..., object]:
    """Waits until the state of the witnessing is such."""

    async def wait(holds: Callable[[WitnessState], bool], limit_s: float = 8.0) -> WitnessState:
        return await until(folder, holds, limit_s)

    return wait
