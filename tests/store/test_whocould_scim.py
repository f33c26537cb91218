"""Who could see a customer, where an identity provider sends the staff: exactly those whom the door would answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from whosaw.ask import Ask, new_ask_id
from whosaw.catalog.model import ActorQuery
from whosaw.gate import Gate
from whosaw.gate.identity import SignIns
from whosaw.gate.identitydirectory import STAFF
from whosaw.gate.identitystaff import GroupDraft, Order, PersonDraft, Powers, Staff, group_roles
from whosaw.gate.identitystaffqueries import Person
from whosaw.gate.whocould import NotASearcher, Reach, WhoCould
from whosaw.record import entries_from
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

CUSTOMER = SubjectRef("customer", "C-1")
FIELDS = ("customer.email",)
IDP = Order("scim:test")


@dataclass
class Provided:
    """The company, whose staff a provider sends."""

    company: Company
    gate: Gate
    staff: Staff
    who_could: WhoCould
    people: dict[str, Person]

    async def person(self, key: str, *, active: bool = True, **extension: str) -> None:
        """Let the provider send somebody."""
        resource: dict[str, Any] = {STAFF: {"region": "EU", **extension}}
        self.people[key] = await self.staff.add_person(PersonDraft(key, key, None, active, resource), IDP)

    async def group(self, name: str, *keys: str) -> None:
        """Let the provider send a group."""
        await self.staff.add_group(GroupDraft(name, None, tuple(self.people[key].id for key in keys)), IDP)

    def ask(self, actor: str, purpose: str | None = None) -> Ask:
        """Return an ask about the customer."""
        stated = PurposeRef.parse(purpose) if purpose else None
        return Ask(actor, CUSTOMER, FIELDS, stated, "http", self.company.clock.now(), new_ask_id())

    async def could(self) -> list[str]:
        """Return who could, as the auditor is told."""
        return list((await self.who_could.search(self.ask("A-1"))).actors)

    async def answered(self) -> list[str]:
        """Return who is answered, asked one by one in every way there is."""
        ways = [None, "ticket:none", "ticket:T-1", "ticket:T-2", "ticket:T-x", "ticket:T-b", "ticket:T-e", "ticket:T-g"]
        seen = []
        for key in sorted(self.people):
            told = await self.gate.evaluate_many([self.ask(key, way) for way in ways])
            seen += [key] if any(each.decision.outcome == "allow" for each in told) else []
        return seen


@pytest.fixture
def catalog_text(catalog_text: str) -> str:
    """Everything enforced: observe mode would open a customer to everybody, and the search would say so."""
    assert 'mode = "observe"' in catalog_text
    return catalog_text.replace('mode = "observe"', "")


@pytest.fixture
async def provided(company: Company, database_url: str) -> AsyncIterator[Provided]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop table company.staff")  # nobody reads it any more
        for letter, assignee in (("x", "E-out"), ("b", "E-later"), ("e", "E-gone"), ("g", "G-1")):
            connection.execute(
                f"insert into company.tickets values ('T-{letter}', '{assignee}', 'C-1', 'customer:C-1', "
                "'2026-03-01Z', null, null)"
            )
    catalog = replace(company.catalog, actors=ActorQuery("scim", ""))
    sign_ins = SignIns(company.db, company.clock)
    roles = group_roles("Support=support; Auditors=auditor")
    staff = Staff(company.db, company.clock, Powers(company.appender, company.suspensions, sign_ins, roles))
    reach = Reach(company.db, company.appender, catalog, company.sources, company.policies)
    gate = Gate(company.db, company.appender, catalog, company.sources, company.policies)
    made = Provided(company, gate, staff, WhoCould(reach, frozenset({"auditor"})), {})
    now = company.clock.now()
    await made.person("A-1")
    for key in ("E-1", "E-2", "G-1"):
        await made.person(key)
    await made.person("E-out", active=False)
    await made.person("E-gone", until=(now - timedelta(seconds=1)).isoformat())
    await made.person("E-later", since=(now + timedelta(hours=1)).isoformat())
    await made.group("Support", "E-1", "E-2", "E-out", "E-gone", "E-later")
    await made.group("Auditors", "A-1")
    await made.group("Gardeners", "G-1")
    yield made


async def test_the_search_finds_who_would_be_answered_among_the_providers_staff(provided: Provided) -> None:
    assert await provided.could() == await provided.answered() == ["E-1"]
    provided.company.clock.advance_to(provided.company.clock.now() + timedelta(hours=2))
    assert await provided.could() == await provided.answered() == ["E-1", "E-later"]


async def test_the_search_follows_what_the_provider_changes(provided: Provided) -> None:
    assert await provided.could() == ["E-1"]
    e1 = provided.people["E-1"]

    def inactive(old: Person) -> PersonDraft:
        return PersonDraft(old.key, old.user_name, old.external_id, False, old.resource)

    await provided.staff.change_person(str(e1.id), inactive, IDP)
    assert await provided.could() == []
    await provided.staff.remove_person(str(provided.people["E-later"].id), IDP)
    provided.company.clock.advance_to(provided.company.clock.now() + timedelta(hours=2))
    assert await provided.could() == []


async def test_among_the_providers_staff_the_search_has_its_own_permission_and_is_recorded(provided: Provided) -> None:
    for actor in ("E-1", "G-1", "Z-nobody"):
        with pytest.raises(NotASearcher):
            await provided.who_could.search(provided.ask(actor))
    await provided.could()
    found = [each.payload async for each in entries_from(provided.company.db) if each.payload["kind"] == "search"]
    assert [entry["found"] for entry in found] == [1]
