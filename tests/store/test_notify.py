"""The duty ``notify``: an alert before anything leaves, one an hour for a person and policy, none for a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from whosaw.ask import ActionAsk, Ask, new_ask_id
from whosaw.decide import PolicyHolder
from whosaw.decide.policy import PolicySet
from whosaw.decide.shipped import schema
from whosaw.gate import Gate
from whosaw.record import entries_from
from whosaw.reveal import Shown
from whosaw.store.alerts import Alert, alerts
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

POLICIES = """
@id("loud.contact") @duty("notify")
permit (principal, action == Action::"reveal", resource == Class::"contact") when { context.verified };
@id("quiet.name")
permit (principal, action == Action::"reveal", resource == Class::"name") when { context.verified };
@id("loud.delete") @duty("notify")
permit (principal, action == Action::"act", resource == Deed::"review.delete") when { context.verified };
"""


@pytest.fixture
def gate(company: Company) -> Gate:
    policies = PolicyHolder(PolicySet(POLICIES, schema()))
    return Gate(company.db, company.appender, company.catalog, company.sources, policies)


def ask(company: Company, number: int, field: str = "customer.email", ticket: int | None = None) -> Ask:
    purpose = PurposeRef("ticket", f"T-{ticket or number}")
    customer = SubjectRef("customer", f"C-{number}")
    return Ask("E-1", customer, (field,), purpose, "http", company.clock.now(), new_ask_id())


async def told(company: Company) -> list[Alert]:
    return list(reversed(await alerts(company.db)))


async def test_what_is_allowed_under_it_raises_an_alert_that_names_the_entry(company: Company, gate: Gate) -> None:
    answer = await gate.disclose(ask(company, 1))
    assert isinstance(answer.values["customer.email"], Shown)
    (alert,) = await told(company)
    assert (alert.code, alert.severity, alert.about["entry"]) == ("policy.notify", "high", answer.receipt.index)
    (entry,) = [entry.payload async for entry in entries_from(company.db)]
    assert alert.about["actor"] == entry["actor"]
    await gate.disclose_many([ask(company, number) for number in range(2, 9)])
    assert len(await told(company)) == 1, "a page of customers is one alert"
    company.clock.advance_to(company.clock.now() + timedelta(hours=1))
    await gate.disclose(ask(company, 9))
    assert len(await told(company)) == 2


async def test_of_two_doors_that_allow_it_in_one_hour_one_alert_goes_out(company: Company, gate: Gate) -> None:
    policies = PolicyHolder(PolicySet(POLICIES, schema()))
    other = Gate(company.db, company.appender, company.catalog, company.sources, policies)
    await gate.disclose(ask(company, 1))
    await other.disclose(ask(company, 2))
    assert len(await told(company)) == 1


async def test_a_refusal_and_a_policy_without_the_duty_raise_none(company: Company, gate: Gate) -> None:
    await gate.disclose(ask(company, 1, "customer.name"))
    await gate.disclose(ask(company, 1, ticket=2))
    assert await told(company) == []


async def test_where_one_of_two_fields_leaves_it_is_told(company: Company, gate: Gate) -> None:
    both = replace(ask(company, 1), fields=("customer.email", "customer.address"))
    assert (await gate.disclose(both)).decision.outcome == "deny"
    assert len(await told(company)) == 1


async def test_a_deed_under_it_is_told(company: Company, gate: Gate) -> None:
    purpose = PurposeRef("review_care", "M-1")
    deed = ActionAsk("E-2", "review.delete", "R-1", purpose, "http", company.clock.now(), new_ask_id())
    assert (await gate.act(deed)).decision.outcome == "allow"
    assert len(await told(company)) == 1


async def test_where_the_alert_cannot_be_raised_nothing_is_revealed(company: Company, gate: Gate) -> None:
    async with company.db.connection() as connection:
        await connection.execute("alter table alert add constraint shut check (code <> 'policy.notify')")
    with pytest.raises(psycopg.errors.CheckViolation):
        await gate.disclose(ask(company, 1))
    assert [entry.payload["kind"] async for entry in entries_from(company.db)] == ["disclosure"]


async def test_a_self_made_reason_opens_nothing_and_is_flagged_once_a_day(company: Company) -> None:
    def self_made() -> Ask:
        return replace(ask(company, 1), purpose=PurposeRef("ticket", "T-self"), at=company.clock.now(), id=new_ask_id())

    answer = await company.gate.disclose(self_made())
    assert not isinstance(answer.values["customer.email"], Shown)
    (alert,) = await told(company)
    assert (alert.code, alert.severity, alert.about["entry"]) == ("purpose.self_made", "low", answer.receipt.index)
    await company.gate.disclose_many([self_made() for _ in range(3)])
    other = Gate(company.db, company.appender, company.catalog, company.sources, company.policies)
    await other.disclose(self_made())
    assert len(await told(company)) == 1
    company.clock.advance_to(company.clock.now() + timedelta(days=1))
    await company.gate.disclose(self_made())
    assert len(await told(company)) == 2
    await company.gate.disclose(ask(company, 1))
    assert len(await told(company)) == 2
