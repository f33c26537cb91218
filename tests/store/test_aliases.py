"""An address of its own instead of the person's: shown, recorded, kept as a hash, and counted like the value."""

from __future__ import annotations

import re

import httpx
import psycopg
import pytest
from tests.store.conftest import CATALOG, NOON, Company

from whosaw.app.server import build_app
from whosaw.ask import Ask, BulkAsk
from whosaw.client import Alias
from whosaw.client.wire import answer_of
from whosaw.decide import PolicySet, load_policies
from whosaw.doors.http import House, HttpDoor
from whosaw.gate import add_token
from whosaw.gate.aliasing import address_sha256
from whosaw.reveal import Aliased, Masked, Refused, Shown
from whosaw.terms import PurposeRef, SubjectRef

ALIASES = '\n[aliases]\ndomain = "a.company.example"\nsenders = ["company.example"]\n'
ADDRESS = re.compile(r"[a-z2-7]{16}@a\.company\.example")


@pytest.fixture
def catalog_text() -> str:
    return CATALOG.replace('mask = "email"', 'mask = "email"\nreveal = "alias"') + ALIASES


def ask(subject: str = "customer:C-1", ticket: str = "ticket:T-1", number: int = 1) -> Ask:
    fields = ("customer.email", "customer.name")
    return Ask("E-1", SubjectRef.parse(subject), fields, PurposeRef.parse(ticket), "http", NOON, f"{number:032x}")


async def rows(company: Company) -> list[tuple[object, ...]]:
    async with company.db.connection() as connection:
        found = await connection.execute("select address_sha256, entry, field, party, expires_at from mail_alias")
        return list(await found.fetchall())


async def test_a_disclosure_carries_an_address_of_its_own_and_its_entry_says_so(company: Company) -> None:
    answer = await company.gate.disclose(ask())
    alias, name = answer.values["customer.email"], answer.values["customer.name"]
    assert isinstance(alias, Aliased)
    assert ADDRESS.fullmatch(alias.address)
    assert alias.rule == "ticket.contact"
    assert name == Shown("Ada Number1")
    assert answer.decision.outcome == "alias"
    async with company.db.connection() as connection:
        found = await connection.execute("select payload from trail_entry where index = %s", [answer.receipt.index])
        row = await found.fetchone()
    assert row is not None
    assert '"customer.email=alias"' in str(row[0])
    assert alias.address not in str(row[0])
    ((known, entry, field, party, _),) = await rows(company)
    assert (known, entry, field, party) == (
        address_sha256(alias.address),
        answer.receipt.index,
        "customer.email",
        "seller:S-9",
    )


async def test_no_two_disclosures_share_an_address_and_none_is_kept_in_the_clear(company: Company) -> None:
    answers = await company.gate.disclose_many([ask(number=n) for n in range(1, 6)])
    shown = {value.address for each in answers if isinstance(value := each.values["customer.email"], Aliased)}
    assert len(shown) == 5
    async with company.db.connection() as connection:
        found = await connection.execute("select mail_alias::text from mail_alias")
        kept = str(await found.fetchall())
    assert not [each for each in shown if each.partition("@")[0] in kept]


async def test_a_bulk_disclosure_gives_each_subject_his_own(company: Company) -> None:
    subjects = tuple(SubjectRef.parse(f"customer:C-{n}") for n in range(1, 4))
    purpose = PurposeRef.parse("ticket:T-1")
    answers = await company.gate.disclose_bulk(
        BulkAsk("E-1", subjects, ("customer.email",), purpose, "http", NOON, "b" * 32)
    )
    first, second, _ = (each.values["customer.email"] for each in answers)
    assert isinstance(first, Aliased)
    assert not isinstance(second, Aliased)  # the ticket is about the first alone
    assert len(await rows(company)) == 1


async def test_a_denial_and_an_empty_value_make_no_address(company: Company, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.customers set email = null where id = 'C-1'")
    empty = await company.gate.disclose(ask())
    assert empty.values["customer.email"] == Shown(None)
    denied = await company.gate.disclose(ask("customer:C-2"))
    assert isinstance(denied.values["customer.email"], (Refused, Masked))
    assert await rows(company) == []


async def test_a_policy_may_want_the_alias_for_one_role_alone(company: Company) -> None:
    text = load_policies().text.replace(
        '@id("ticket.contact")\npermit (principal, action == Action::"reveal"',
        '@id("ticket.contact")\npermit (principal, action == Action::"alias"',
    )
    assert 'Action::"alias"' in text
    company.policies.swap(PolicySet(text, load_policies().schema))
    answer = await company.gate.disclose(ask())
    assert isinstance(answer.values["customer.email"], Aliased)
    assert isinstance(answer.values["customer.name"], Masked)  # a name has no alias: it is masked as before


async def test_the_http_door_marks_it_and_the_client_reads_it_as_text(company: Company, house: House) -> None:
    token = await add_token(company.db, "E-1", NOON)
    transport = httpx.ASGITransport(build_app(HttpDoor(house).router))
    body = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        said = await client.post("/v1/disclosures", json=body, headers={"Authorization": f"Bearer {token}"})
    field = said.json()["fields"]["customer.email"]
    assert field == {"value": field["value"], "isAlias": True, "rule": "ticket.contact"}
    assert ADDRESS.fullmatch(field["value"])
    answer = answer_of(said.json())
    value = answer.fields["customer.email"]  # type: ignore[union-attr]
    assert isinstance(value, Alias)
    assert value == field["value"]
