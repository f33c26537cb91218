from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from whosaw.ask import ActionAsk, Ask, AskInvalid, new_ask_id
from whosaw.gate import Disclosure
from whosaw.prove import check_receipt
from whosaw.record import entries_from
from whosaw.reveal import Masked, Refused, Shown
from whosaw.terms import PurposeRef, SubjectRef, WhosawError

if TYPE_CHECKING:
    from tests.store.conftest import Company

EMAIL = ("customer.email",)


def ask(
    company: Company,
    purpose: str | None,
    subject: str = "customer:C-1",
    actor: str = "E-1",
    fields: tuple[str, ...] = EMAIL,
) -> Ask:
    reason = PurposeRef.parse(purpose) if purpose else None
    return Ask(actor, SubjectRef.parse(subject), fields, reason, "http", company.clock.now(), new_ask_id())


async def payloads(company: Company) -> list[dict[str, object]]:
    return [dict(entry.payload) async for entry in entries_from(company.db)]


async def test_a_verified_ticket_reveals_and_the_entry_says_who_saw_what_of_whom_and_why(company: Company) -> None:
    answer = await company.gate.disclose(ask(company, "ticket:T-1", fields=("customer.email", "customer.address")))
    assert answer.values["customer.email"] == Shown("ada1@mail.example")
    assert answer.decision.reason == "purpose.verified"
    check_receipt(answer.receipt, company.keys.receipt.verifier)
    (entry,) = await payloads(company)
    assert entry["kind"] == "disclosure"
    assert entry["fields"] == ["customer.email=reveal", "customer.address=reveal"]
    assert (entry["verified"], entry["beneficiary"], entry["ask"]) == ("yes", "seller:S-9", answer.ask.id)
    assert "ada1" not in str(entry)


@pytest.mark.parametrize(
    ("purpose", "subject", "actor", "reason", "outcome"),
    [
        (None, "customer:C-1", "E-1", "purpose.missing", "mask"),
        ("ticket:T-self", "customer:C-1", "E-1", "purpose.self_made", "mask"),
        ("ticket:T-old", "customer:C-1", "E-1", "purpose.closed", "mask"),
        ("ticket:T-1", "customer:C-2", "E-1", "purpose.other_subject", "deny"),
        ("ticket:T-1", "customer:C-1", "E-2", "purpose.not_assigned", "deny"),
        ("ticket:none", "customer:C-1", "E-1", "purpose.not_found", "deny"),
        ("ticket:T-1", "customer:C-999", "E-1", "subject.unknown", "deny"),
        ("ticket:T-1", "customer:C-1", "E-3", "actor.ended", "deny"),
        (None, "customer:C-1", "E-3", "actor.ended", "deny"),
        (None, "customer:C-1", "E-4", "purpose.missing", "deny"),
        (None, "customer:C-1", "E-nobody", "actor.ended", "deny"),
    ],
)
async def test_without_a_reason_that_holds_nothing_is_revealed_and_the_attempt_is_recorded(
    company: Company, purpose: str | None, subject: str, actor: str, reason: str, outcome: str
) -> None:
    answer = await company.gate.disclose(ask(company, purpose, subject, actor))
    assert (answer.decision.reason, answer.decision.outcome) == (reason, outcome)
    assert isinstance(answer.values["customer.email"], Masked if outcome == "mask" else Refused)
    (entry,) = await payloads(company)
    assert entry["kind"] == ("disclosure" if outcome == "mask" else "denial")
    assert entry["reason"] == reason


async def test_work_of_which_nobody_says_when_it_was_opened_holds_for_nobody_and_fails_no_other_ask(
    company: Company, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into company.tickets values ('T-blank', 'E-1', 'C-1', 'customer:C-1', null, null, null)"
        )
    asks = [ask(company, "ticket:T-blank"), ask(company, "ticket:T-1")]
    blank, good = await company.gate.disclose_many(asks)
    assert (blank.decision.reason, blank.decision.outcome) == ("purpose.not_found", "deny")
    assert good.values["customer.email"] == Shown("ada1@mail.example")


async def test_observe_mode_reveals_records_and_marks_what_enforcement_would_do(company: Company) -> None:
    answer = await company.gate.disclose(ask(company, "review_care:invented", actor="E-2"))
    assert answer.values["customer.email"] == Shown("ada1@mail.example")
    (entry,) = await payloads(company)
    assert (entry["mode"], entry["would"], entry["verified"]) == ("observe", "deny", "no")


async def test_in_bulk_the_decisions_and_entries_are_those_of_one_by_one(company: Company) -> None:
    def asks() -> list[Ask]:
        some = [ask(company, f"ticket:T-{i}", f"customer:C-{i}") for i in range(1, 9)]
        return [*some, ask(company, None), ask(company, "ticket:T-2"), ask(company, "review_care:M-9", actor="E-2")]

    def told(answers: list[Disclosure]) -> list[object]:
        return [(a.decision.outcome, a.decision.reason, a.decision.would, dict(a.values)) for a in answers]

    singly = [await company.gate.disclose(each) for each in asks()]
    together = await company.gate.disclose_many(asks())
    at_once = await asyncio.gather(*(company.gate.disclose(each) for each in asks()))
    assert told(singly) == told(together) == told(list(at_once))
    entries = [{k: v for k, v in entry.items() if k != "ask"} for entry in await payloads(company)]
    assert entries[:11] == entries[11:22]
    assert sorted(map(str, entries[22:])) == sorted(map(str, entries[:11]))


async def test_a_suspended_actor_is_refused_at_once_even_in_observe_mode_and_may_be_restored(company: Company) -> None:
    assert await company.suspensions.suspend("E-2", reason="case", by="officer")
    assert not await company.suspensions.suspend("E-2", reason="case", by="officer")
    refused = await company.gate.disclose(ask(company, "review_care:M-1", actor="E-2"))
    assert (refused.decision.outcome, refused.decision.reason) == ("deny", "actor.suspended")
    assert await company.suspensions.restore("E-2", reason="cleared", by="officer")
    assert (await company.gate.disclose(ask(company, "review_care:M-1", actor="E-2"))).decision.outcome == "allow"
    assert [e["kind"] for e in await payloads(company)].count("suspension") == 3


async def test_an_action_is_decided_and_recorded_with_its_object_and_whom_it_serves(company: Company) -> None:
    at = company.clock.now()
    deed = await company.gate.act(
        ActionAsk("E-2", "review.delete", "R-1", PurposeRef.parse("review_care:M-1"), "http", at, new_ask_id())
    )
    assert (deed.decision.outcome, deed.decision.would, deed.beneficiary) == ("allow", None, "seller:S-9")
    for actor, purpose, review in (("E-1", None, "R-1"), ("E-2", "review_care:M-1", "R-none")):
        reason = PurposeRef.parse(purpose) if purpose else None
        refused = await company.gate.act(ActionAsk(actor, "review.delete", review, reason, "http", at, new_ask_id()))
        assert refused.decision.outcome == "deny"
    entries = await payloads(company)
    assert [(e["kind"], e["object"]) for e in entries] == [
        ("action", "review:R-1"),
        ("denial", "review:R-1"),
        ("denial", "review:R-none"),
    ]


@pytest.mark.parametrize(
    ("subject", "fields", "purpose"),
    [
        ("supplier:C-1", EMAIL, None),
        ("customer:C-1", ("customer.shoe_size",), None),
        ("customer:C-1", EMAIL, "whim:1"),
    ],
)
async def test_an_ask_that_names_what_the_catalog_does_not_have_is_an_error_with_what_it_has(
    company: Company, subject: str, fields: tuple[str, ...], purpose: str | None
) -> None:
    with pytest.raises(AskInvalid) as refused:
        await company.gate.disclose(ask(company, purpose, subject, fields=fields))
    assert "known:" in refused.value.hint
    assert await payloads(company) == []


async def test_where_the_entry_cannot_be_made_durable_nothing_is_revealed(company: Company, postgres_url: str) -> None:
    await company.gate.disclose(ask(company, "ticket:T-1"))
    await company.appender.close()
    with pytest.raises(WhosawError):
        await company.gate.disclose(ask(company, "ticket:T-1"))


async def test_where_the_company_database_is_gone_nothing_is_revealed_and_the_message_holds_no_value(
    company: Company, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table company.customers rename to gone")
    with pytest.raises(WhosawError) as failed:
        await company.gate.disclose(ask(company, "ticket:T-1"))
    assert "C-1" not in str(failed.value)
