"""``whosaw why`` and ``whosaw policy forecast`` over a real company: what they say is what the gate then does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import CATALOG, NOON

from whosaw.app.forecast import forecast
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.why import NotADecision, Why, decision_at, explain, explain_entry, index_of
from whosaw.app.whydeeds import explain_deed, explain_deed_entry
from whosaw.ask import ActionAsk, Ask, AskInvalid, LookupAsk, new_ask_id
from whosaw.decide import PolicySet, schema
from whosaw.prove import encode_receipt
from whosaw.record import entries_from
from whosaw.store.migrate import engine_url
from whosaw.terms import PurposeRef, SimulatedClock, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

CONTACT = ("customer.email",)
LOOKUP = '[lookups."customer.email"]\nform = "email"\n'


@pytest.fixture
async def services(company: Company, database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    state = tmp_path / "state"
    state.mkdir()
    url = engine_url(database_url).render_as_string(hide_password=False)
    (state / "whosaw.toml").write_text(CATALOG.format(url=url) + LOOKUP)
    async with open_services(Settings(state=state), SimulatedClock(NOON), database_url, door="t") as opened:
        yield opened


def ask(actor: str, subject: str, purpose: str = "", fields: tuple[str, ...] = CONTACT) -> Ask:
    reason = PurposeRef.parse(purpose) if purpose else None
    return Ask(actor, SubjectRef("customer", subject), fields, reason, "http", NOON, new_ask_id())


async def told_of(services: Services, index: int) -> Why:
    payload = await decision_at(services, index)
    explained = explain_entry if "fields" in payload else explain_deed_entry
    return await explained(services, index, payload)


@pytest.mark.parametrize(
    ("actor", "subject", "purpose"),
    [
        ("E-1", "C-1", "ticket:T-1"),
        ("E-1", "C-1", ""),
        ("E-1", "C-2", "ticket:T-1"),
        ("E-1", "C-1", "ticket:T-self"),
        ("E-2", "C-1", "review_care:M-1"),
        ("E-3", "C-1", "ticket:T-1"),
        ("E-4", "C-1", ""),
        ("E-9", "C-1", ""),
        ("E-1", "C-none", ""),
    ],
)
async def test_what_is_explained_is_what_the_gate_then_answers(
    services: Services, actor: str, subject: str, purpose: str
) -> None:
    asked = ask(actor, subject, purpose, ("customer.email", "customer.address"))
    why = await explain(services, asked)
    answer = await services.gate.disclose(asked)
    told = {name: effect for each in why.classes for name, effect in each.fields.items()}
    assert told == {item.field: item.effect for item in answer.decision.fields}
    assert (why.outcome, why.reason) == (answer.decision.outcome, answer.decision.reason)


async def test_where_nobody_is_asked_about_no_policy_is_named_as_the_cause(services: Services) -> None:
    (why,) = (await explain(services, ask("E-1", "C-none"))).classes
    assert (why.fields, why.policies, why.reason) == ({"customer.email": "deny"}, (), "subject.unknown")
    (why,) = (await explain(services, ask("E-1", "C-1"))).classes
    assert (why.policies, why.reason) == (("masked.without_reason",), None)


async def test_explaining_leaves_no_disclosure_no_number_and_no_count(services: Services, company: Company) -> None:
    for actor, subject in [("E-1", "C-7"), ("E-1", "C-none")]:
        await explain(services, ask(actor, subject))
    assert [entry.payload["kind"] async for entry in entries_from(services.db)] == []
    async with services.db.connection() as connection:
        for query in ("select count(*) from number_map", "select count(*) from gate_budget"):
            assert await (await connection.execute(query)).fetchone() == (0,)  # type: ignore[arg-type]


async def test_following_what_is_told_opens_it(services: Services) -> None:
    why = await explain(services, ask("E-1", "C-2", "ticket:T-1"))
    [contact] = why.classes
    assert contact.fields == {"customer.email": "deny"}
    assert ("purpose.verified:ticket",) in [change.facts for change in contact.changes]
    opened = await services.gate.disclose(ask("E-1", "C-2", "ticket:T-2"))
    assert opened.decision.outcome == "allow"


async def test_an_unknown_field_is_refused_as_at_the_door(services: Services) -> None:
    with pytest.raises(AskInvalid, match="unknown field"):
        await explain(services, ask("E-1", "C-1", fields=("customer.shoe",)))


async def test_a_past_decision_is_explained_by_its_receipt(services: Services, tmp_path: Path) -> None:
    answer = await services.gate.disclose(ask("E-1", "C-2", "ticket:T-1"))
    kept = tmp_path / "receipt.json"
    kept.write_text(json.dumps({"receipt": encode_receipt(answer.receipt)}))
    why = await told_of(services, index_of(str(kept)))
    assert why.recorded is not None
    assert why.recorded.agrees
    assert why.recorded.fields == {"customer.email": "deny"}
    assert (why.actor, why.subject, why.purpose, why.reason) == (
        "E-1",
        "customer:C-2",
        "ticket:T-1",
        "purpose.other_subject",
    )


async def test_a_past_decision_that_no_longer_follows_says_so(services: Services, company: Company) -> None:
    answer = await services.gate.disclose(ask("E-1", "C-1", "ticket:T-1"))
    async with company.db.connection() as connection:
        await connection.execute("update company.staff set roles = 'gardener' where id = 'E-1'")
    why = await told_of(services, answer.receipt.index)
    assert why.recorded is not None
    assert not why.recorded.agrees
    assert why.recorded.fields == {"customer.email": "reveal"}


@pytest.mark.parametrize(
    ("actor", "name", "purpose"),
    [
        ("E-2", "R-1", "review_care:M-1"),
        ("E-2", "R-1", ""),
        ("E-1", "R-1", "ticket:T-1"),
        ("E-2", "R-none", "review_care:M-1"),
        ("E-3", "R-1", ""),
    ],
)
async def test_an_action_is_explained_as_it_is_answered_before_and_after(
    services: Services, actor: str, name: str, purpose: str
) -> None:
    stated = PurposeRef.parse(purpose) if purpose else None
    why = await explain_deed(services, actor, "review.delete", name, stated)
    deed = await services.gate.act(ActionAsk(actor, "review.delete", name, stated, "http", NOON, new_ask_id()))
    assert (why.outcome, why.reason) == (deed.decision.outcome, deed.decision.reason)
    assert (why.subject, why.classes[0].fields) == (
        f"review.delete on review:{name}",
        {"review.delete": deed.decision.outcome},
    )
    past = await told_of(services, deed.receipt.index)
    assert past.recorded is not None
    assert past.recorded.agrees
    assert (past.outcome, past.reason, past.classes) == (why.outcome, why.reason, why.classes)


async def test_a_refused_action_says_what_would_open_it(services: Services) -> None:
    (line,) = (await explain_deed(services, "E-1", "review.delete", "R-1", None)).classes
    assert line.policies == ()
    assert {"role:review_care", "purpose.verified:review_care"} in [set(change.facts) for change in line.changes]


@pytest.mark.parametrize(
    ("actor", "purpose"), [("E-1", "ticket:T-1"), ("E-1", ""), ("E-1", "ticket:T-self"), ("E-3", "")]
)
async def test_a_lookup_is_explained_as_it_is_answered_before_and_after(
    services: Services, actor: str, purpose: str
) -> None:
    stated = PurposeRef.parse(purpose) if purpose else None
    why = await explain_deed(services, actor, "lookup:customer.email", "", stated)
    asked = LookupAsk(actor, "customer.email", "ada1@mail.example", stated, "http", NOON, new_ask_id())
    found = await services.gate.lookup(asked)
    assert (why.outcome, why.reason) == (found.decision.outcome, found.decision.reason)
    past = await told_of(services, found.receipt.index)
    assert past.recorded is not None
    assert past.recorded.agrees
    assert past.classes == why.classes


async def test_explaining_an_action_counts_and_records_nothing(services: Services) -> None:
    await explain_deed(services, "E-2", "review.delete", "R-none", None)
    await explain_deed(services, "E-1", "lookup:customer.email", "", None)
    assert [entry.payload["kind"] async for entry in entries_from(services.db)] == []
    for unknown in ("review.drop", "lookup:nothing"):
        with pytest.raises(AskInvalid, match="unknown"):
            await explain_deed(services, "E-2", unknown, "R-1", None)


async def test_a_past_ask_about_nobody_is_said_to_be_one(services: Services) -> None:
    answer = await services.gate.disclose(ask("E-1", "C-none"))
    with pytest.raises(NotADecision, match=r"subject\.unknown"):
        await told_of(services, answer.receipt.index)


async def test_what_is_no_decision_is_refused(services: Services, tmp_path: Path) -> None:
    await services.suspensions.suspend("E-2", reason="x", by="officer")
    for index in (0, 99):
        with pytest.raises(NotADecision):
            await told_of(services, index)
    (tmp_path / "odd").write_text("[]")
    for text in ("nothing", str(tmp_path / "odd")):
        with pytest.raises(NotADecision):
            index_of(text)


async def test_the_forecast_says_what_enforcement_takes_away(services: Services) -> None:
    # review care is in observe mode: its people see addresses that no policy gives them
    for _ in range(3):
        await services.gate.disclose(ask("E-2", "C-1", "review_care:M-1", ("customer.address",)))
    await services.gate.disclose(ask("E-1", "C-1", "ticket:T-1", ("customer.address",)))
    found = await forecast(services, services.policies.current, days=1)
    [line] = found.lines
    assert (line.team, line.purpose, line.about, line.before, line.after) == (
        "review_care",
        "review_care",
        "address",
        "reveal",
        "deny",
    )
    assert (line.asks, line.people, line.less) == (3, 1, True)
    assert (found.entries, found.unchanged) == (4, 1)


async def test_the_forecast_of_other_policies_counts_gains_too_and_only_those_days(services: Services) -> None:
    await services.gate.disclose(ask("E-4", "C-1", fields=("customer.name",)))
    text = services.policies.current.text + (
        '@id("garden") permit (principal, action == Action::"mask", resource == Class::"name") '
        'when { principal.roles.contains("gardener") };'
    )
    found = await forecast(services, PolicySet(text, schema()), days=1)
    assert [(line.team, line.before, line.after, line.less) for line in found.lines] == [
        ("gardener", "deny", "mask", False)
    ]
    assert isinstance(services.clock, SimulatedClock)
    services.clock.advance_to(NOON + timedelta(days=3))
    assert (await forecast(services, PolicySet(text, schema()), days=1)).entries == 0


async def test_who_has_left_the_directory_is_counted_apart(services: Services, company: Company) -> None:
    await services.gate.disclose(ask("E-1", "C-1", "ticket:T-1"))
    async with company.db.connection() as connection:
        await connection.execute("delete from company.staff where id = 'E-1'")
    found = await forecast(services, services.policies.current, days=1)
    assert (found.entries, found.left_out, found.lines) == (1, 1, ())
