"""Metrics and spans of a served house: counts and times, and nothing of anybody."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.catalogs import settle

from whosaw.app.coverageday import note_coverage
from whosaw.app.httpdoor import http_door
from whosaw.app.measured import MeasuredGate
from whosaw.app.metrics import Metrics, Now
from whosaw.app.metricsdoor import MetricsDoor, metrics_door
from whosaw.app.server import build_app
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.spans import Spans
from whosaw.gate.tokens import add_token
from whosaw.store import DatabaseUnreachable
from whosaw.store.alerts import raise_alert
from whosaw.terms import SimulatedClock

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "scrape-" + "s" * 30
KNOWN = (
    "E-1", "E-4", "C-1", "C-7", "C-40", "ada1", "ada7", "mail.example", "T-1", "T-77", "customer.email", "contact",
    "ticket", "4915100000", "Street", "127.0.0.1", "/v1/", "query=secret-words", "secret-words", "Company", "no_such",
)  # fmt: skip


@dataclass
class Heard:
    """What an OTLP receiver got."""

    bodies: list[bytes] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    port: int = 0

    def spans(self) -> list[tuple[str, dict[str, int]]]:
        found = []
        for body in self.bodies:
            for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in each.scope_spans:
                    for span in scope.spans:
                        found.append((span.name, {a.key: a.value.int_value for a in span.attributes}))
        return found


@contextmanager
def otlp() -> Iterator[Heard]:
    heard = Heard()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            heard.headers.append(str(self.headers))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    heard.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Served:
    services: Services
    metrics: Metrics
    http: httpx.AsyncClient
    token: str
    spans: Spans
    heard: Heard

    async def ask(self, subject: str, purpose: str = "ticket:T-1", **more: object) -> httpx.Response:
        body = {"subject": f"customer:{subject}", "fields": ["customer.email"], "purpose": purpose} | more
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.http.post("/v1/disclosures", json=body, headers=headers)


@pytest.fixture
async def served(database_url: str, tmp_path: Path, company_sql: str, catalog_text: str) -> AsyncIterator[Served]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(company_sql)
    state = settle(tmp_path / "state", catalog_text, database_url)
    settings = Settings(state=state, database=database_url, metrics_token=TOKEN)
    with otlp() as heard:
        async with open_services(settings, SimulatedClock(START), database_url, door="serve") as services:
            metrics, spans = Metrics(), Spans.to(f"http://127.0.0.1:{heard.port}/v1/traces")
            services.appender.on_commit = metrics.appended
            gated = replace(services, gate=MeasuredGate(services.gate, metrics, spans))
            app = build_app(http_door(gated).router, metrics_door(services, metrics).router)
            token = await add_token(services.db, "E-1", START)
            transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5))
            async with httpx.AsyncClient(transport=transport, base_url="http://whosaw.example") as http:
                yield Served(services, metrics, http, token, spans, heard)
            spans.close()


def samples(text: str) -> dict[str, float]:
    """Return name with labels → value."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


async def test_what_is_asked_is_counted_and_nothing_of_it_is_told(served: Served) -> None:
    assert (await served.ask("C-1")).status_code == 200
    assert (await served.ask("C-7", "ticket:T-7")).status_code == 200
    await served.ask("C-40", "ticket:T-77")
    await served.ask("C-1", fields=["customer.no_such"])
    refused = await served.http.get("/v1/me?query=secret-words", headers={"Authorization": f"Bearer {served.token}"})
    assert refused.status_code == 400
    action = {"action": "review.delete", "objects": ["review:R-1"], "purpose": "ticket:T-1"}
    await served.http.post("/v1/actions", json=action, headers={"Authorization": f"Bearer {served.token}"})
    told = (await served.http.get("/metrics?query=secret-words")).text
    found = samples(told)
    assert found['whosaw_asks_total{kind="disclosure",outcome="allow"}'] == 2
    denied = [found[f'whosaw_asks_total{{kind="disclosure",outcome="{each}"}}'] for each in ("deny", "mask")]
    assert sum(denied) == 1
    assert found['whosaw_asks_total{kind="disclosure",outcome="invalid"}'] == 1
    assert found['whosaw_ask_seconds_count{kind="disclosure"}'] == 4
    assert found["whosaw_trail_entries"] == found["whosaw_trail_appended_total"] >= 3
    assert found["whosaw_append_seconds_count"] >= 3
    served.spans.close()
    names = [name for name, _ in served.heard.spans()]
    assert names.count("whosaw.disclosure") == 4
    assert ("whosaw.disclosure", {"whosaw.outcome.allow": 1}) in served.heard.spans()
    everything = told + "\n".join(repr(body) for body in served.heard.bodies) + "\n".join(served.heard.headers)
    for value in KNOWN:
        held = everything.replace(f"Host: 127.0.0.1:{served.heard.port}", "")
        assert value not in held, value


async def test_labels_are_words_of_the_program(served: Served) -> None:
    await served.ask("C-1")
    text = (await served.http.get("/metrics")).text
    labels = set(re.findall(r'(\w+)="([^"]*)"', text))
    assert {name for name, _ in labels} == {"kind", "outcome", "le", "status"}
    with pytest.raises(ValueError, match="a word that this module knows"):
        served.metrics.answered("disclosure", "customer:C-1", 1, 0.1)


async def test_how_the_trail_stands_is_told(served: Served) -> None:
    services = served.services
    await served.ask("C-1")
    before = samples((await served.http.get("/metrics")).text)
    assert before["whosaw_trail_unsigned_entries"] == before["whosaw_trail_entries"] == 1
    assert before['whosaw_witnesses{status="none"}'] == 1
    assert before["whosaw_lake_lag_entries"] != before["whosaw_lake_lag_entries"], "there is no lake: not a number"
    await services.integrator.step()
    await raise_alert(services.db, "policy", "high", "policy.changed", {"n": 1}, at=services.clock.now())
    assert isinstance(services.clock, SimulatedClock)
    services.clock.advance_to(datetime(2026, 3, 3, 13, tzinfo=UTC))
    await note_coverage(services)
    after = samples((await served.http.get("/metrics")).text)
    assert (after["whosaw_trail_entries"], after["whosaw_trail_unsigned_entries"]) == (2, 1)
    assert after["whosaw_checkpoint_age_seconds"] == after["whosaw_alert_oldest_unread_seconds"] == 25 * 3_600
    assert after["whosaw_alerts_unread"] == 1


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("192.0.2.7", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("192.0.2.7", {"Authorization": f"Bearer {TOKEN[:-1]}"}, 403),
        ("192.0.2.7", {"Authorization": "Bearer "}, 403),
        ("192.0.2.7", {"Authorization": "Bearer é".encode()}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 403),
    ],
)
async def test_the_metrics_are_for_this_machine_or_their_token(
    served: Served, client: str, headers: dict[str, str], status: int
) -> None:
    app = build_app(metrics_door(served.services, served.metrics).router)
    transport = httpx.ASGITransport(app=app, client=(client, 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://whosaw.example") as http:
        answer = await http.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("whosaw_asks" in answer.text) == (status == 200)


async def test_what_was_counted_is_told_while_the_database_does_not_answer(served: Served) -> None:
    await served.ask("C-1")

    async def now() -> Now:
        raise DatabaseUnreachable("the database does not answer")

    app = build_app(MetricsDoor(served.metrics, now).router)
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://whosaw.example") as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert samples(answer.text)['whosaw_asks_total{kind="disclosure",outcome="allow"}'] == 1
