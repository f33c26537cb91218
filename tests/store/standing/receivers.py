"""A real HTTP server that takes webhooks, and the process that sends alerts, for the tests of sending."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from whosaw.app.alertsending import AlertSending
from whosaw.catalog.model import Alerting, Webhook
from whosaw.store import Database
from whosaw.store.alertposts import AlertPosts
from whosaw.store.relay import Relay
from whosaw.store.webhook import check
from whosaw.terms import SystemClock

SECRET = "a secret that both sides know"
RECIPIENT = "security@company.example"


@dataclass
class Receiver:
    """What came in, in order, as (identity, body); each was checked before it was answered.

    Attributes:
        port: where it listens.
        answer: status by how many came before; asked anew for each.
        seen: every request, refused ones too.
        delay_s: before each answer.
    """

    port: int = 0
    answer: Callable[[int], int] = lambda _: 204
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    delay_s: float = 0.0


@contextmanager
def receiver(taken: Receiver, now_s: Callable[[], float] = time.time) -> Iterator[Receiver]:
    """Run a receiver on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            identity = check(SECRET, headers, body, now_s())
            status = taken.answer(len(taken.seen))
            taken.seen.append((identity, body))
            time.sleep(taken.delay_s)
            self.send_response(status)
            if status in (301, 307):
                self.send_header("location", f"http://127.0.0.1:{taken.port}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", taken.port), Handler)
    taken.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def alerting(http_port: int, *, mail: bool = True) -> Alerting:
    """Return who hears: one webhook, one address."""
    hook = Webhook("desk", f"http://127.0.0.1:{http_port}/alerts", SECRET)
    return Alerting(mail=(RECIPIENT,) if mail else (), webhooks=(hook,))


def relay(port: int) -> Relay:
    """Return the mail server on loopback."""
    return Relay("127.0.0.1", port, sender="whosaw@company.example")


async def send_for_ever(url: str, http_port: int, smtp_port: int) -> None:
    """Be the process that sends."""
    async with Database(url, pool_size=3) as db:
        posts = AlertPosts(db, lease=timedelta(seconds=1))
        async with AlertSending(posts, alerting(http_port), relay(smtp_port), SystemClock(), "test") as sending:
            while True:
                await sending.round()
                await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(send_for_ever(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
