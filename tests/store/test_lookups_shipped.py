"""Lookups as the policies that ship allow them: for work that is borne out, and about whoever that work is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from whosaw.ask import LookupAsk, new_ask_id
from whosaw.catalog.model import Budget, Limit, Lookup
from whosaw.decide import PolicyHolder, load_policies
from whosaw.gate import Gate
from whosaw.gate.left import Leftovers
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

BY_MAIL = Lookup("mail", "company", "select email as value, id as subject from company.customers", "customer", "email")


@pytest.fixture
def gate(company: Company) -> Gate:
    catalog = replace(company.catalog, lookups={"mail": BY_MAIL})
    return Gate(company.db, company.appender, catalog, company.sources, PolicyHolder(load_policies()))


@pytest.mark.parametrize(
    ("actor", "purpose", "value", "found"),
    [
        ("E-1", "ticket:T-1", "ada1@mail.example", "customer:C-1"),
        ("E-1", "ticket:T-1", "ADA1@mail.example", "customer:C-1"),
        ("E-1", "ticket:T-1", "ada2@mail.example", None),  # there is somebody, and the ticket is not about him
        ("E-1", "ticket:T-1", "nobody@mail.example", None),
        ("E-1", "ticket:T-self", "ada1@mail.example", None),
        ("E-1", "ticket:T-old", "ada1@mail.example", None),
        ("E-1", "ticket:T-none", "ada1@mail.example", None),
        ("E-1", None, "ada1@mail.example", None),
        ("E-2", "ticket:T-1", "ada1@mail.example", None),
        ("E-3", "ticket:T-1", "ada1@mail.example", None),
        ("E-4", "ticket:T-1", "ada1@mail.example", None),
    ],
)
async def test_a_value_leads_to_a_person_only_for_work_about_him(
    company: Company, gate: Gate, actor: str, purpose: str | None, value: str, found: str | None
) -> None:
    stated = PurposeRef.parse(purpose) if purpose else None
    answer = await gate.lookup(LookupAsk(actor, "mail", value, stated, "http", company.clock.now(), new_ask_id()))
    assert answer.subject == (SubjectRef.parse(found) if found else None)


async def test_a_budget_of_finds_counts_persons_and_its_end_tells_nothing(company: Company) -> None:
    none = Limit(None, None)
    finds = Budget("finds", None, None, frozenset(), none, Limit(None, 2), none, lookup="mail")
    catalog = replace(company.catalog, lookups={"mail": BY_MAIL}, budgets={"finds": finds})
    gate = Gate(company.db, company.appender, catalog, company.sources, PolicyHolder(load_policies()))

    async def sought(number: int, value: str) -> str:
        purpose = PurposeRef("ticket", f"T-{number}")
        answer = await gate.lookup(LookupAsk("E-1", "mail", value, purpose, "http", company.clock.now(), new_ask_id()))
        return str(answer.subject) if answer.subject else answer.decision.reason

    asked = [(1, 1), (1, 1), (2, 99), (2, 2), (3, 3), (1, 1), (4, 99)]
    answers = [await sought(ticket, f"ada{number}@mail.example") for ticket, number in asked]
    found = ["customer:C-1", "customer:C-1", "lookup.nobody", "customer:C-2"]
    assert answers == [*found, "budget.exhausted", "budget.exhausted", "budget.exhausted"]
    left = await Leftovers(company.db, catalog).of("E-1", frozenset({"support"}), company.clock.now())
    assert [(each.spent, each.left) for each in left if each.counted == "found:mail"] == [(2, 0)]
