"""Where staff sits, where the customer lives, who employs whom: the shipped example, over a real directory and gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import whosaw.decide
from whosaw.ask import ActionAsk, Ask, new_ask_id
from whosaw.catalog.model import Action
from whosaw.decide import PolicyHolder, load_policies
from whosaw.gate import Gate
from whosaw.record import entries_from
from whosaw.reveal import Refused, Shown
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

EXAMPLE = Path(__file__).parents[2] / "docs/examples/regions.cedar"
SHIPPED = Path(whosaw.decide.__file__).parent / "policies/whosaw.cedar"
STAFF = """
create table company.people (id text primary key, roles text, region text, ended timestamptz, employer text, site text,
    since timestamptz);
insert into company.people values
    ('E-EU', 'support', 'EU', null, 'Company', 'Berlin', null),
    ('E-US', 'support', 'US', null, 'Company', 'Austin', null),
    ('E-NO', 'support', '', null, 'Company', 'Berlin', null),
    ('V-OK', 'support', 'EU', '2026-06-30 22:00Z', 'Vendor Ltd', 'Porto', '2026-01-01Z'),
    ('V-HOME', 'support', 'EU', '2026-06-30 22:00Z', 'Vendor Ltd', 'Home', '2026-01-01Z'),
    ('V-NEXT', 'support', 'EU', null, 'Vendor Ltd', 'Porto', '2026-04-01Z');
update company.customers set region = 'US' where id = 'C-2';
update company.customers set region = null where id = 'C-3';
insert into company.tickets
select 'P-' || p.id || '-' || i, p.id, 'C-' || i, 'customer:C-' || i, '2026-03-01Z', null, null
    from company.people p, generate_series(1, 3) i;
"""
LIVES = {1: "EU", 2: "US", 3: ""}
SITS = {"E-EU": "EU", "E-US": "US", "E-NO": ""}


@pytest.fixture
async def gate(company: Company) -> Gate:
    async with company.db.connection() as connection:
        await connection.execute(STAFF)
    actors = replace(
        company.catalog.actors,
        query="select id as key, roles, region, ended, employer, site, since from company.people",
        attributes=("employer", "site", "since"),
    )
    paid = replace(company.catalog.fields["customer.email"], name="customer.iban", column="phone", klass="payment")
    fields = {**company.catalog.fields, "customer.iban": paid}
    metrics = Action(
        "metrics",
        "company",
        "select distinct seller as object, seller as subject from company.reviews",
        "customer",
        "customer",
        None,
    )
    actions = {**company.catalog.actions, "metrics": metrics}
    catalog = replace(company.catalog, actors=actors, fields=fields, actions=actions)
    paying = company.trail.parent / "paying.cedar"
    paying.write_text("""
        @id("ticket.payment")
        permit (principal, action == Action::"reveal", resource == Class::"payment") when { context.verified };
        @id("metrics")
        permit (principal, action == Action::"act", resource == Deed::"metrics");
    """)
    policies = PolicyHolder(load_policies([SHIPPED, EXAMPLE, paying]))
    return Gate(company.db, company.appender, catalog, company.sources, policies)


async def shown(company: Company, gate: Gate, actor: str, number: int, field: str) -> bool:
    """Return whether the value is shown; what is not is refused, not even masked."""
    purpose, customer = PurposeRef("ticket", f"P-{actor}-{number}"), SubjectRef("customer", f"C-{number}")
    answer = await gate.disclose(Ask(actor, customer, (field,), purpose, "http", company.clock.now(), new_ask_id()))
    value = answer.values[field]
    assert isinstance(value, Shown | Refused)
    return isinstance(value, Shown)


async def test_region_of_staff_against_region_of_subject_class_by_class(company: Company, gate: Gate) -> None:
    for (actor, sits), (number, lives) in product(SITS.items(), LIVES.items()):
        at_home = sits != "" and sits == lives
        assert await shown(company, gate, actor, number, "customer.iban") == at_home, (actor, number)
        allowed = lives != "EU" or sits == "EU"
        for field in ("customer.email", "customer.address"):
            assert await shown(company, gate, actor, number, field) == allowed, (actor, number, field)
        assert await shown(company, gate, actor, number, "customer.name")


async def test_a_vendors_staff_has_its_site_and_its_classes_and_nothing_else(company: Company, gate: Gate) -> None:
    assert await shown(company, gate, "V-OK", 1, "customer.email")
    assert not await shown(company, gate, "V-OK", 1, "customer.address")
    assert not await shown(company, gate, "V-OK", 1, "customer.iban")
    assert not await shown(company, gate, "V-HOME", 1, "customer.email")


async def test_a_contract_opens_with_its_first_day_and_ends_with_its_last(company: Company, gate: Gate) -> None:
    assert not await shown(company, gate, "V-NEXT", 1, "customer.email")
    company.clock.advance_to(company.clock.now().replace(month=4, day=1, hour=0))
    assert await shown(company, gate, "V-NEXT", 1, "customer.email")
    last = company.clock.now().replace(month=6, day=30, hour=22)
    company.clock.advance_to(last - timedelta(microseconds=1))
    assert await shown(company, gate, "V-OK", 1, "customer.email")
    company.clock.advance_to(last)
    assert not await shown(company, gate, "V-OK", 1, "customer.email")
    entries = [entry.payload async for entry in entries_from(company.db)]
    assert entries[-1]["kind"] == "denial"


async def test_a_metric_query_names_the_sellers_it_shows_and_one_that_names_none_is_refused_and_recorded(
    company: Company, gate: Gate
) -> None:
    async def asked(*sellers: str) -> tuple[str, str]:
        first, others = (sellers[0], sellers[1:]) if sellers else ("", ())
        deed = await gate.act(
            ActionAsk("E-EU", "metrics", first, None, "http", company.clock.now(), new_ask_id(), others=others)
        )
        return deed.decision.outcome, deed.decision.reason

    assert (await asked("S-9"))[0] == "allow"
    assert await asked() == ("deny", "subjects.unnamed")
    assert (await asked("S-9", "S-invented"))[0] == "deny"
    entries = [entry.payload async for entry in entries_from(company.db)]
    assert [entry["kind"] for entry in entries] == ["action", "denial", "denial", "denial"]
    assert "subject" in entries[0]
    assert entries[1]["reason"] == "subjects.unnamed"
