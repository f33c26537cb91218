"""A company whose staff can do all that the HTTP door offers, and a running door over it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from whosaw.app.server import Server, bind, build_app
from whosaw.decide import PolicySet
from whosaw.doors.http import House, HttpDoor, Pace, Throttle
from whosaw.doors.http.models import Denied, Problem
from whosaw.doors.http.openapi import OPERATIONS, document
from whosaw.gate import add_tokens
from whosaw.record import entries_from

if TYPE_CHECKING:
    from tests.store.conftest import Company

STATED = document()

STAFF = """
alter table company.staff add column function text, add column changed_at timestamptz default '2025-01-01Z';
insert into company.staff (id, roles, region, ended, function) values
    ('L-1', 'lead', 'EU', null, 'team_lead'), ('P-1', 'support', 'EU', null, 'privacy'),
    ('P-2', 'support', 'EU', null, 'privacy'), ('S-1', 'lead', 'EU', null, 'security'),
    ('S-2', 'lead', 'EU', null, 'security'), ('A-1', 'auditor', 'EU', null, null),
    ('PEP-1', 'pep', 'EU', null, null), ('IN-1', 'intake', 'EU', null, null), ('E-5', 'support', 'EU', null, null);
create table company.sellers (id text primary key, name text);
insert into company.sellers values ('C-1', 'A shop with the key of a customer');
create table company.seller_tickets (id text primary key, assignee text, seller text, opened_by text,
    opened_at timestamptz);
insert into company.seller_tickets values ('ST-1', 'E-1', 'C-1', 'seller:C-1', '2026-03-01Z');
"""

CATALOG = """
[subjects.seller]
source = "company"
table = "company.sellers"
key = "id"
[fields."seller.name"]
column = "name"
class = "name"
mask = "name"
[lookups."customer.email"]
form = "email"
[grants.extended_contact]
classes = ["contact"]
approvers = ["team_lead", "privacy"]
hours_most = 8
[grants.second_person]
approvers = ["privacy", "security"]
hours_most = 1
[break_glass]
roles = ["support"]
classes = ["contact"]
reviewers = ["privacy", "security"]
[budgets.contact]
class = "contact"
day = { soft = 20, hard = 30 }
"""

LOOKUPS = """
@id("support.lookups")
permit (principal, action == Action::"act", resource == Deed::"lookup")
when { context.verified && principal.roles.contains("support") };
"""

ACTORS = ("E-1", "E-2", "E-3", "E-4", "E-5", "L-1", "P-1", "P-2", "S-1", "S-2", "A-1", "PEP-1", "IN-1")


@pytest.fixture
def company_sql(company_sql: str) -> str:
    return company_sql + STAFF


@pytest.fixture
def catalog_text(catalog_text: str) -> str:
    actors = 'query = "select id as key, roles, region, ended from company.staff"'
    more = (
        'query = "select id as key, roles, region, ended, function, changed_at from company.staff"\n'
        'attributes = ["function", "changed_at"]'
    )
    seller_ticket = """[purposes.seller_ticket]
source = "company"
subject = "seller"
query = '''select id as reference, assignee, seller as subject, opened_by as origin, opened_at,
    null::timestamptz as closed_at from company.seller_tickets'''
"""
    assert actors in catalog_text
    return catalog_text.replace(actors, more) + seller_ticket + CATALOG


@dataclass(frozen=True)
class Office:
    """A running door, and everybody's token."""

    company: Company
    http: httpx.AsyncClient
    tokens: dict[str, str]
    address: str

    def as_actor(self, actor: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[actor]}"}

    async def post(self, path: str, body: object, actor: str = "E-1", **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.as_actor(actor) | headers)

    async def get(self, path: str, actor: str = "E-1") -> httpx.Response:
        return await self.http.get(path, headers=self.as_actor(actor))

    async def entries(self, *kinds: str) -> list[dict[str, Any]]:
        found = [dict(entry.payload) async for entry in entries_from(self.company.db)]
        return [entry for entry in found if not kinds or entry["kind"] in kinds]


@pytest.fixture
def pace() -> Pace:
    """How often one may knock; a test that asks much has its own."""
    return Pace(rate_per_s=10_000, burst=100_000, failures_most=100_000)


async def is_stated(response: httpx.Response) -> None:
    """Check that an answer, whichever test asked, is one that the OpenAPI document states."""
    path, method = response.request.url.path, response.request.method.lower()
    for operation in OPERATIONS:
        form = re.escape(operation.path).replace(r"\{number\}", "[0-9]+").replace(r"\{actor\}", "[^/]+")
        if operation.method != method or not re.fullmatch(form, path):
            continue
        await response.aread()
        stated = STATED["paths"][operation.path][method]["responses"]
        assert str(response.status_code) in stated, (method, path, response.status_code)
        (kind,) = stated[str(response.status_code)]["content"]
        assert response.headers["content-type"] == kind
        problem = Denied if response.status_code == 403 else Problem
        good = response.status_code == operation.status
        (operation.answers if good else problem).model_validate_json(response.content, strict=True)


@pytest.fixture
async def office(company: Company, house: House, pace: Pace) -> AsyncIterator[Office]:
    shipped = company.policies.current
    company.policies.swap(PolicySet(shipped.text + LOOKUPS, shipped.schema))
    made = await add_tokens(company.db, ACTORS, company.clock.now())
    door = HttpDoor(replace(house, throttle=Throttle(pace)))
    app = build_app(door.router, direct=door.direct)
    server = Server(app, bind("127.0.0.1", 0))
    serving = asyncio.create_task(server.run())
    await server.started()
    hooks = {"response": [is_stated]}
    async with httpx.AsyncClient(base_url=server.address, trust_env=False, timeout=30, event_hooks=hooks) as http:
        yield Office(company, http, dict(zip(ACTORS, made, strict=True)), server.address)
    server.stop()
    await serving
