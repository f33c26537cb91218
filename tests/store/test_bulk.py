"""Bulk: the order of answers, an entry each or one set for many, a second person above a number, never half of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from whosaw.ask import ActionAsk, AskInvalid, BulkAsk, new_ask_id
from whosaw.catalog.model import Budget, Limit
from whosaw.decide import PolicyHolder
from whosaw.decide.policy import PolicySet
from whosaw.decide.shipped import schema
from whosaw.gate import Disclosure, Gate
from whosaw.gate.standing import SECOND_PERSON_ABOVE
from whosaw.prove import check_receipt
from whosaw.record import TrailUnavailable, entries_from
from whosaw.record.exposure import EXPOSURE_FROM
from whosaw.reveal import Refused, Shown
from whosaw.store.numbers import assign
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

MORE = """
insert into company.customers
select 'C-' || i, 'Ada Number' || i, 'ada' || i || '@mail.example', '+49', 'Street', 'EU'
    from generate_series(41, 700) i
"""
POLICIES = """
@id("export") permit (principal, action == Action::"reveal", resource == Class::"contact")
when { context.purpose == "review_care" };
@id("names") @duty("cap_rows:5")
permit (principal, action == Action::"reveal", resource == Class::"name") when { context.purpose == "review_care" };
"""
CARE = PurposeRef("review_care", "M-1")


@pytest.fixture
async def gate(company: Company) -> Gate:
    async with company.db.connection() as connection:
        await connection.execute(MORE)
    return gate_over(company)


def gate_over(company: Company, policies: str = POLICIES, **catalog: Any) -> Gate:
    purposes = {**company.catalog.purposes}
    purposes["review_care"] = replace(purposes["review_care"], mode="enforce")
    changed = replace(company.catalog, purposes=purposes, **catalog)
    return Gate(company.db, company.appender, changed, company.sources, PolicyHolder(PolicySet(policies, schema())))


def bulk(company: Company, keys: Sequence[str], field: str = "customer.email") -> BulkAsk:
    subjects = tuple(SubjectRef("customer", key) for key in keys)
    return BulkAsk("E-2", subjects, (field,), CARE, "http", company.clock.now(), new_ask_id())


def customers(first: int, last: int) -> list[str]:
    return [f"C-{number}" for number in range(first, last + 1)]


def value(answer: Disclosure) -> object:
    (found,) = answer.values.values()
    return found.value if isinstance(found, Shown) else answer.decision.reason


async def payloads(company: Company) -> list[dict[str, Any]]:
    return [dict(entry.payload) async for entry in entries_from(company.db)]


async def approved(company: Company, ask: BulkAsk, *, digest: str | None = None) -> int:
    """Put a second person's word in force, as `Grants.approve` leaves it."""
    number = (await assign(company.db, "actor", [ask.actor]))[ask.actor]
    async with company.db.connection() as connection:
        rows = await connection.execute(
            "insert into standing_grant (ask, kind, holder, classes, action, digest, minutes, approvals, state, "
            "requested_at, decide_by, from_at, until_at, entry) values (%s, 'second_person', %s, '{}', 'export', %s, "
            "60, 1, 'in_force', %s, %s, %s, %s, 0) returning id",
            [new_ask_id(), number, digest or ask.digest, *[ask.at] * 3, ask.at + timedelta(hours=1)],
        )
        row = await rows.fetchone()
    assert row is not None
    return int(row[0])


async def test_answers_stand_in_the_order_of_the_ask_each_with_its_own_entry(company: Company, gate: Gate) -> None:
    keys = ["C-9", "C-3", "C-invented", "C-40", "C-1"]
    answers = await gate.disclose_bulk(bulk(company, keys))
    assert [str(each.ask.subject) for each in answers] == [f"customer:{key}" for key in keys]
    shown = ["ada9@mail.example", "ada3@mail.example", "subject.unknown", "ada40@mail.example", "ada1@mail.example"]
    assert [value(each) for each in answers] == shown
    entries = await payloads(company)
    assert [entry["kind"] for entry in entries] == [*["disclosure"] * 2, "denial", *["disclosure"] * 2]
    for answer in answers:
        check_receipt(answer.receipt, company.keys.receipt.verifier)
    assert [answer.receipt.index for answer in answers] == list(range(5))
    assert "subject" not in entries[2], "nobody gets a number by being asked about"


async def test_just_below_the_threshold_each_has_an_entry_and_from_it_on_one_set_for_all(
    company: Company, gate: Gate
) -> None:
    below = await gate.disclose_bulk(bulk(company, customers(1, EXPOSURE_FROM - 1)))
    assert len({each.receipt.index for each in below}) == EXPOSURE_FROM - 1
    keys = [*customers(2, EXPOSURE_FROM), "C-invented"]
    answers = await gate.disclose_bulk(bulk(company, keys))
    assert [value(each) for each in answers] == [f"ada{n}@mail.example" for n in range(2, EXPOSURE_FROM + 1)] + [
        "subject.unknown"
    ]
    shown, unknown = (await payloads(company))[EXPOSURE_FROM - 1 :]
    assert (shown["kind"], shown["subjects"], len(shown["exposure"])) == ("disclosure", EXPOSURE_FROM - 1, 64)
    assert (unknown["kind"], unknown["unknown"]) == ("denial", 1)
    assert "subject" not in shown
    assert answers[0].receipt != answers[-1].receipt
    assert len({each.receipt.index for each in answers}) == 2


async def test_above_the_row_limit_nothing_leaves_without_a_second_person(company: Company, gate: Gate) -> None:
    answers = await gate.disclose_bulk(bulk(company, customers(1, SECOND_PERSON_ABOVE + 1)))
    assert {value(each) for each in answers} == {"second_person.needed"}
    assert all(isinstance(found, Refused) for each in answers for found in each.values.values())
    # the work is about one of them: what is recorded of him is not what is recorded of the others
    entries = await payloads(company)
    assert [(entry["kind"], entry["reason"]) for entry in entries] == [("denial", "second_person.needed")] * 2
    assert sorted(entry["subjects"] for entry in entries) == [1, SECOND_PERSON_ABOVE]
    exactly = await gate.disclose_bulk(bulk(company, customers(1, SECOND_PERSON_ABOVE)))
    assert value(exactly[0]) == "ada1@mail.example"


async def test_a_second_persons_word_opens_exactly_this_ask_and_once(company: Company, gate: Gate) -> None:
    keys = customers(1, SECOND_PERSON_ABOVE + 1)
    ask = bulk(company, keys)
    grant = await approved(company, ask)
    for other in (
        bulk(company, [*keys[1:], "C-700"]),  # one customer for another
        bulk(company, [*keys, "C-700"]),
        replace(ask, fields=("customer.name",)),
        replace(ask, purpose=PurposeRef("review_care", "M-2")),
        replace(ask, actor="E-1"),
    ):
        assert {value(each) for each in await gate.disclose_bulk(other)} == {"second_person.needed"}
    # the same again, in another order, is the same ask
    race = await asyncio.gather(*(gate.disclose_bulk(replace(ask, subjects=ask.subjects[::-1])) for _ in range(3)))
    firsts = sorted(str(value(answers[0])) for answers in race)
    assert firsts == ["ada501@mail.example", "second_person.needed", "second_person.needed"]
    entries = await payloads(company)
    used = [entry for entry in entries if entry["kind"] == "grant"]
    assert [(entry["change"], entry["grant"]) for entry in used] == [("used", grant)]


async def test_the_catalogs_own_number_holds_instead(company: Company, gate: Gate) -> None:
    deletion = company.catalog.actions["review.delete"]
    export = replace(deletion, name="export", second_person_above=3)
    strict = gate_over(company, actions={**company.catalog.actions, "export": export})
    assert value((await strict.disclose_bulk(bulk(company, customers(1, 4))))[0]) == "second_person.needed"
    assert value((await strict.disclose_bulk(bulk(company, customers(1, 3))))[0]) == "ada1@mail.example"


async def test_an_export_by_the_tool_itself_is_held_to_the_same_number(company: Company) -> None:
    deletion = company.catalog.actions["review.delete"]
    actions = {name: replace(deletion, name=name) for name in ("review.delete", "export")}
    house = gate_over(company, 'permit (principal, action == Action::"act", resource);', actions=actions)

    async def reason(action: str, rows: int | None) -> str:
        asked = ActionAsk("E-2", action, "R-1", CARE, "http", company.clock.now(), new_ask_id(), rows=rows)
        return (await house.act(asked)).decision.reason

    assert await reason("export", SECOND_PERSON_ABOVE) == "purpose.verified"
    assert await reason("export", SECOND_PERSON_ABOVE + 1) == "second_person.needed"
    assert await reason("review.delete", SECOND_PERSON_ABOVE + 1) == "purpose.verified"
    assert await reason("review.delete", None) == "purpose.verified"
    with pytest.raises(AskInvalid, match="how many rows"):  # what does not say it is not taken for a small one
        await reason("export", None)


async def test_a_policys_cap_of_rows_refuses_all_of_what_is_above_it(company: Company, gate: Gate) -> None:
    names = await gate.disclose_bulk(bulk(company, customers(1, 5), "customer.name"))
    assert value(names[4]) == "Ada Number5"
    answers = await gate.disclose_bulk(bulk(company, customers(1, 6), "customer.name"))
    assert {value(each) for each in answers} == {"rows.too_many"}
    assert [entry["kind"] for entry in await payloads(company)] == [*["disclosure"] * 5, *["denial"] * 6]


async def test_small_exports_add_up(company: Company, gate: Gate) -> None:
    none = Limit(None, None)
    ten = Budget("contacts", "contact", None, frozenset(), none, Limit(None, 10), none)
    limited = gate_over(company, budgets={"contacts": ten})
    shown: list[object] = []
    for start in range(1, 16, 3):
        shown += [value(each) for each in await limited.disclose_bulk(bulk(company, customers(start, start + 2)))]
    assert shown[:10] == [f"ada{n}@mail.example" for n in range(1, 11)]
    assert set(shown[10:]) == {"budget.exhausted"}


@pytest.mark.parametrize("count", [3, EXPOSURE_FROM])
async def test_where_the_entry_cannot_be_made_durable_nothing_is_fetched(
    company: Company, gate: Gate, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    fetched: list[object] = []

    async def down(*_: object) -> object:
        raise TrailUnavailable("the trail is down")

    async def fetch(*wanted: object) -> object:
        fetched.append(wanted)
        return {}

    monkeypatch.setattr(company.appender, "append_many", down)
    monkeypatch.setattr(gate._bulk._fetcher, "rows", fetch)
    with pytest.raises(TrailUnavailable):
        await gate.disclose_bulk(bulk(company, customers(1, count)))
    assert fetched == []


async def test_where_the_set_cannot_be_kept_no_entry_names_it_and_nothing_is_shown(
    company: Company, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> object:
        raise TrailUnavailable("the set is not durable")

    monkeypatch.setattr(gate._bulk._exposures, "keep", down)
    with pytest.raises(TrailUnavailable):
        await gate.disclose_bulk(bulk(company, customers(1, EXPOSURE_FROM)))
    assert await payloads(company) == []
