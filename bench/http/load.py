"""What loads a server: asks that are fresh each time, in closed loops or at moments of their own."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time

from world import ACTORS, CUSTOMERS


class Asker:
    """Asks fresh things of one server, and checks every answer."""

    def __init__(self, address: str, tokens: list[str], numbers: object) -> None:
        host, port = address.removeprefix("http://").split(":")
        self._where, self._tokens, self._numbers = (host, int(port)), tokens, numbers
        self.unanswered = 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self._where)

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        number = next(self._numbers) % CUSTOMERS + 1
        body = json.dumps(
            {"subject": f"customer:C-{number}", "fields": ["customer.email"], "purpose": f"ticket:T-{number}"}
        )
        writer.write(
            f"POST /v1/disclosures HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._tokens[number % ACTORS]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        answer = await reader.readexactly(length)
        if b" 503 " in head.split(b"\r\n")[0]:  # the machine is so busy that the door gave up: it counts as no answer
            self.unanswered += 1
            return False
        if b" 200 " not in head.split(b"\r\n")[0] or f"c{number}@".encode() not in answer:
            raise SystemExit(f"a wrong answer: {head[:60]!r} {answer[:200]!r}")
        return True


async def closed(asker: Asker, clients: int, seconds: float) -> list[float]:
    """Ask in `clients` closed loops for `seconds`; return every latency in milliseconds."""
    ends, latencies = time.perf_counter() + seconds, []

    async def client() -> None:
        reader, writer = await asker.connect()
        while time.perf_counter() < ends:
            began = time.perf_counter()
            if await asker.ask(reader, writer):
                latencies.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return latencies


async def opened(asker: Asker, rate_per_s: float, seconds: float) -> list[float]:
    """Ask at random moments, `rate_per_s` of them a second, whatever is answered; return latencies since the moment."""
    free: asyncio.Queue = asyncio.Queue()
    for _ in range(128):
        free.put_nowait(await asker.connect())
    latencies, tasks, chance = [], [], random.Random(1)

    async def one(due: float) -> None:
        connection = await free.get()
        if await asker.ask(*connection):
            latencies.append((time.perf_counter() - due) * 1000)
        free.put_nowait(connection)

    due = began = time.perf_counter()
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
        due += chance.expovariate(rate_per_s)
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[1].close()
    return latencies


def quantiles(latencies: list[float]) -> tuple[float, float]:
    """Return median and 99th percentile."""
    cut = statistics.quantiles(latencies, n=100)
    return cut[49], cut[98]
