"""Friction on the hot path: signs hold people up at once, each in the record; ordinary work costs no round trip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.store.conftest import CATALOG, Company

from whosaw.ask import ActionAsk, Ask, BulkAsk, LookupAsk, new_ask_id
from whosaw.decide import PolicyHolder, load_policies
from whosaw.gate import Disclosure, Gate
from whosaw.record import entries_from
from whosaw.reveal import Shown
from whosaw.store.alerts import alerts
from whosaw.store.numbers import assign, find
from whosaw.terms import PurposeRef, SubjectRef

LIVE = """
[watch.live]
{more}
[lookups."customer.email"]
source = "company"
subject = "customer"
form = "email"
query = "select email as value, id as subject from company.customers"
[budgets.contact]
class = "contact"
hour = {{ hard = 24 }}
"""


@pytest.fixture
def more() -> str:
    return ""


@pytest.fixture
def catalog_text(more: str) -> str:
    return CATALOG + LIVE.format(more=more)


def ask(company: Company, purpose: str | None, number: int, **said: Any) -> Ask:
    reason = PurposeRef.parse(purpose) if purpose else None
    actor = said.pop("actor", "E-1")
    subject = SubjectRef("customer", f"C-{number}")
    return Ask(actor, subject, ("customer.email",), reason, "http", company.clock.now(), new_ask_id(), **said)


async def entries(company: Company, kind: str = "friction") -> list[dict[str, Any]]:
    return [dict(each.payload) async for each in entries_from(company.db) if each.payload["kind"] == kind]


def reasons(answers: list[Disclosure]) -> list[str]:
    return [each.decision.reason for each in answers]


async def another(company: Company) -> Gate:
    """Return the gate of another process over the same database."""
    policies = PolicyHolder(load_policies())
    gate = Gate(company.db, company.appender, company.catalog, company.sources, policies)
    await gate.friction.refresh(company.clock.now())
    return gate


async def burst(company: Company, gate: Gate | None = None, numbers: range = range(1, 14)) -> list[Disclosure]:
    return [await (gate or company.gate).disclose(ask(company, f"ticket:T-{n}", n)) for n in numbers]


async def test_a_budget_half_spent_within_minutes_asks_for_a_reason_at_once_and_is_recorded(company: Company) -> None:
    answers = await burst(company)
    assert reasons(answers) == ["purpose.verified"] * 12 + ["friction.reason_needed"]
    assert not any(isinstance(value, Shown) for value in answers[-1].values.values())
    (entry,) = await entries(company)
    assert (entry["step"], entry["change"], entry["mode"]) == ("reason", "begun", "enforce")
    assert entry["actor"] == await find(company.db, "actor", "E-1") and "burst" not in str(entry)
    (denial,) = await entries(company, "denial")
    assert denial["reason"] == "friction.reason_needed"
    assert [(each.code, each.about["entry"]) for each in await alerts(company.db)] == [
        ("watch.friction", answers[-1].receipt.index - 1)
    ]
    said = await company.gate.disclose(ask(company, "ticket:T-20", 20, stated="the fair in Ulm was cancelled today"))
    assert said.decision.reason == "purpose.verified" and isinstance(said.values["customer.email"], Shown)
    other = await company.gate.disclose(ask(company, "review_care:M-1", 1, actor="E-2"))
    assert other.decision.outcome == "allow", "nobody else is held up"


async def test_it_ends_by_itself_and_a_second_sign_within_a_day_leads_to_a_second_person(company: Company) -> None:
    await burst(company)
    company.clock.advance_to(company.clock.now() + timedelta(minutes=61))
    assert reasons(await burst(company)) == ["purpose.verified"] * 12 + ["friction.second_person_needed"]
    stated = await company.gate.disclose(ask(company, "ticket:T-20", 20, stated="the fair in Ulm was cancelled"))
    assert stated.decision.reason == "friction.second_person_needed"
    assert [each["step"] for each in await entries(company)] == ["reason", "second_person"]
    company.clock.advance_to(company.clock.now() + timedelta(minutes=61))
    await burst(company)
    assert [each["step"] for each in await entries(company)][-1] == "second_person", "further it does not go by itself"


async def test_whoever_goes_through_the_keys_is_held_up_within_one_batch(company: Company) -> None:
    asks = [ask(company, "ticket:none", n) for n in range(10, 30)]
    got = reasons(await company.gate.disclose_many(asks))
    assert got == ["purpose.not_found"] * 7 + ["friction.reason_needed"] * 13
    assert len(await entries(company)) == 1, "the next step waits until he can have heard of this one"
    company.clock.advance_to(company.clock.now() + timedelta(minutes=2))
    got = reasons(await company.gate.disclose_many([ask(company, "ticket:none", n) for n in range(10, 20)]))
    assert got[-1] == "friction.second_person_needed" and got[0] == "friction.reason_needed"


async def test_work_that_is_borne_out_and_lists_of_masked_rows_are_no_enumeration(company: Company) -> None:
    bulk = BulkAsk(
        "E-1",
        tuple(SubjectRef("customer", f"C-{n}") for n in range(1, 41)),
        ("customer.email",),
        None,
        "http",
        company.clock.now(),
        new_ask_id(),
    )
    assert {each.decision.outcome for each in await company.gate.disclose_bulk(bulk)} == {"mask"}
    assert await entries(company) == []


async def test_a_service_that_asks_what_others_would_be_answered_is_no_enumeration(company: Company) -> None:
    asks = [replace(ask(company, "ticket:none", n), by="pep") for n in range(10, 30)]
    await company.gate.evaluate_many(asks)
    assert await entries(company) == []
    own = await company.gate.evaluate_many([ask(company, "ticket:none", n) for n in range(10, 18)])
    assert own[-1].decision.reason == "friction.reason_needed", "his own questions are steps like any other"


@pytest.mark.parametrize("more", ['misses = 3\nmost = "stop"\nenumeration = "stop"'])
async def test_lookups_of_nobody_stop_where_the_operator_says_so_and_a_probe_learns_nothing(company: Company) -> None:
    work = PurposeRef("ticket", "T-1")

    def lookup(value: str) -> LookupAsk:
        return LookupAsk("E-1", "customer.email", value, work, "http", company.clock.now(), new_ask_id())

    first = [(await company.gate.lookup(lookup(f"nobody{n}@mail.example"))).decision.reason for n in range(3)]
    (entry,) = await entries(company)
    assert entry["step"] == "stop" and "friction.stopped" not in first
    found = [await company.gate.lookup(lookup(value)) for value in ("ada1@mail.example", "nobody@mail.example")]
    assert [each.decision.reason for each in found] == ["friction.stopped"] * 2
    assert [each["found"] for each in await entries(company, "lookup")][-2:] == ["not_sought"] * 2
    (alert,) = await alerts(company.db)
    assert alert.severity == "critical"


async def test_a_touched_canary_answers_like_any_other_and_shows_with_the_next_ask(company: Company) -> None:
    number = (await assign(company.db, "subject", ["customer:C-5"]))["customer:C-5"]
    async with company.db.connection() as connection:
        await connection.execute(
            "insert into canary (subject, place, added_by, added_at) values (%s, 'queue', 'o', %s)",
            [number, company.clock.now()],
        )
    await company.gate.friction.refresh(company.clock.now())
    before, touch, after = [await company.gate.disclose(ask(company, None, n)) for n in (4, 5, 6)]
    assert before.decision == touch.decision and after.decision.reason == "friction.reason_needed"
    assert "canary" not in str(await entries(company)) and "5" not in str(touch.decision.reason)
    delete = ActionAsk("E-2", "review.delete", "R-1", None, "http", company.clock.now(), new_ask_id())
    assert (await company.gate.act(delete)).decision.reason != "friction.reason_needed"
    async with company.db.connection() as connection:
        await connection.execute("update canary set retired_at = now()")
    await company.gate.friction.refresh(company.clock.now())
    assert not company.gate.friction._canaries


async def test_actions_count_and_are_held_up_too(company: Company) -> None:
    await burst(company)
    deed = ActionAsk("E-1", "review.delete", "R-1", None, "http", company.clock.now(), new_ask_id())
    assert (await company.gate.act(deed)).decision.reason == "friction.reason_needed"


async def test_two_places_in_turn_are_told_by_the_door(company: Company) -> None:
    got = []
    for turn in range(6):
        company.gate.friction.seen("E-1", ("203.0.113.7", "198.51.100.9")[turn % 2])
        got.append(await company.gate.disclose(ask(company, f"ticket:T-{turn + 1}", turn + 1)))
    assert reasons(got) == ["purpose.verified"] * 4 + ["friction.reason_needed"] * 2


async def test_another_process_holds_him_up_too_and_counts_for_itself(company: Company) -> None:
    gate = await another(company)
    await burst(company, numbers=range(1, 8))
    assert reasons(await burst(company, gate, range(8, 14))) == ["purpose.verified"] * 6, "each counts its own"
    await burst(company, numbers=range(14, 21))
    await gate.friction.refresh(company.clock.now())
    assert reasons(await burst(company, gate, range(21, 22))) == ["friction.reason_needed"]


@pytest.mark.parametrize("more", ['mode = "observe"'])
async def test_in_observe_mode_it_is_recorded_and_nobody_is_held_up(company: Company) -> None:
    assert reasons(await burst(company)) == ["purpose.verified"] * 13
    (entry,) = await entries(company)
    assert entry["mode"] == "observe"


@pytest.mark.parametrize("more", ['burst = "off"'])
async def test_a_sign_that_is_off_shows_nothing(company: Company) -> None:
    assert reasons(await burst(company)) == ["purpose.verified"] * 13
    assert await entries(company) == []


async def test_where_the_trail_cannot_be_written_nothing_is_revealed_and_he_stays_held_up(company: Company) -> None:
    await burst(company, numbers=range(1, 13))
    appends = ("log_append(text[], bytea[], bytea[])", f"log_append_numbered({'text[], ' * 3}bytea[]{', int[]' * 3})")
    async with company.db.connection() as connection:
        for function in appends:
            await connection.execute(f"alter function {function} rename to away".encode())
    with pytest.raises(Exception, match="recorded"):
        await company.gate.disclose(ask(company, "ticket:T-13", 13))
    async with company.db.connection() as connection:
        for function in appends:
            name, _, bound = function.partition("(")
            await connection.execute(f"alter function away({bound} rename to {name}".encode())
    got = await company.gate.disclose(ask(company, "ticket:T-14", 14))
    assert got.decision.reason == "friction.reason_needed"


@contextmanager
def counted(company: Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count what goes over connections of whosaw's own database."""
    counts: Counter[str] = Counter()
    db = type(company.db)
    with monkeypatch.context() as patch:
        for name in ("ask", "connection", "transaction"):
            real = getattr(db, name)

            def counting(self: Any, *args: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
                counts[_name] += 1
                return _real(self, *args, **more)

            patch.setattr(db, name, counting)
        yield counts


async def test_an_ordinary_ask_costs_no_round_trip_more(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    async def trips(gate: Gate) -> Counter[str]:
        await gate.disclose(ask(company, "ticket:T-1", 1))
        with counted(company, monkeypatch) as counts:
            for n in range(2, 6):
                gate.friction.seen("E-1", "203.0.113.7")
                await gate.disclose(ask(company, f"ticket:T-{n}", n))
        return counts

    without = await another(company)
    without.friction._signs = None
    with_it = await trips(await another(company))
    assert with_it == await trips(without) and with_it.total() > 0


async def test_a_catalog_without_the_table_has_no_friction(company: Company) -> None:
    plain = replace(company.catalog, watch=None)
    gate = Gate(company.db, company.appender, plain, company.sources, PolicyHolder(load_policies()))
    await gate.friction.refresh(company.clock.now())
    gate.friction.seen("E-1", "203.0.113.7")
    assert reasons(await burst(company, gate)) == ["purpose.verified"] * 13 and await entries(company) == []
