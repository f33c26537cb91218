"""Where the code of conduct is required nobody gets anything without it: disclosures, bulk, lookups, actions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from whosaw.ask import ActionAsk, Ask, BulkAsk, LookupAsk, new_ask_id
from whosaw.catalog.model import Conduct, Lookup
from whosaw.decide import PolicyHolder, load_policies
from whosaw.gate import Gate
from whosaw.gate.conduct import Conducts
from whosaw.record import entries_from
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

REASON = "actor.not_acknowledged"
FIELDS = ("customer.email",)


async def test_no_acknowledgement_no_access_at_any_way_in_and_with_it_all_as_before(company: Company) -> None:
    conduct = Conduct(required=True, valid_days=365)
    by_mail = Lookup(
        "mail", "company", "select email as value, id as subject from company.customers", "customer", "email"
    )
    catalog = replace(company.catalog, conduct=conduct, lookups={"mail": by_mail})
    gate = Gate(company.db, company.appender, catalog, company.sources, PolicyHolder(load_policies()))
    conducts = Conducts(company.db, company.appender, conduct, company.clock)
    await conducts.publish("1", "Look only at what your work needs.", by="P-1")
    at, ticket, observed = company.clock.now(), PurposeRef("ticket", "T-1"), PurposeRef("review_care", "invented")
    customer = SubjectRef("customer", "C-1")

    async def reasons() -> list[str]:
        one = await gate.disclose(Ask("E-1", customer, FIELDS, ticket, "http", at, new_ask_id()))
        open_ = await gate.disclose(Ask("E-2", customer, FIELDS, observed, "http", at, new_ask_id()))
        many = await gate.disclose_bulk(BulkAsk("E-1", (customer,), FIELDS, ticket, "http", at, new_ask_id()))
        found = await gate.lookup(LookupAsk("E-1", "mail", "ada1@mail.example", ticket, "http", at, new_ask_id()))
        care = PurposeRef("review_care", "M-1")
        deed = await gate.act(ActionAsk("E-2", "review.delete", "R-1", care, "http", at, new_ask_id()))
        return [each.decision.reason for each in (one, open_, *many, found, deed)]

    assert await reasons() == [REASON] * 5
    entries = [entry.payload async for entry in entries_from(company.db)]
    assert [entry.get("reason") for entry in entries[1:]] == [REASON] * 5
    for actor in ("E-1", "E-2"):
        await conducts.acknowledge(actor)
    assert REASON not in await reasons()
