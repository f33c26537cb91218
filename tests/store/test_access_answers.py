"""Answers to persons: exact up to a stated place in the trail, and silent about what may not be told yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.store.test_case_pages import SUSPECT, covertly, flagged, opened_case, services, shown
from tests.store.watchworld import END

from whosaw.answer.access import AccessAnswer, Request, answer_text
from whosaw.answer.employeeaccess import employee_text
from whosaw.app import accessanswers
from whosaw.app.accessanswers import HeldUnknown, indices_of, to_staff, to_subject
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.casepreserve import Preserve
from whosaw.app.services import Services
from whosaw.record import entries_from
from whosaw.store.alerts import alerts
from whosaw.store.numbers import assign
from whosaw.terms import to_us

__all__ = ["services"]  # the fixture of the same world
ASKED = Request("A-1", "passport seen", "Shop")


async def looked(services: Services, purpose: str = "ticket:T-7") -> int:
    """Let somebody look at customer C-1 and return the entry."""
    (subject,) = (await assign(services.db, "subject", ["customer:C-1"])).values()
    (actor,) = (await assign(services.db, "actor", ["E-1"])).values()
    (why,) = (await assign(services.db, "purpose", [purpose])).values()
    said: dict[str, Any] = {"kind": "disclosure", "at": to_us(END), "actor": actor, "subject": subject, "door": "http"}
    said |= {"purpose": why, "fields": ["customer.email=reveal"]}
    return (await services.appender.append(said)).index


async def customer(services: Services) -> int:
    """Return the number of customer C-1."""
    return (await assign(services.db, "subject", ["customer:C-1"]))["customer:C-1"]


async def told(services: Services, work: CaseWork, held: str = "") -> AccessAnswer:
    """Answer C-1."""
    return await to_subject(services, work, await customer(services), ASKED, held=held, by="P-1")


@pytest.mark.parametrize("moment", ["as it is recorded", "as it is read", "when it was read"])
async def test_an_answer_holds_every_look_up_to_the_place_it_states_and_none_after(
    services: Services, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    work = case_work(services)
    first = await looked(services)
    between: list[int] = []
    add, read = work.notes.add, accessanswers.answer_access

    async def adding(*given: Any, **more: Any) -> int:
        if moment == "as it is recorded":
            between.append(await looked(services))
        return await add(*given, **more)

    async def reading(*given: Any, **more: Any) -> AccessAnswer:
        if moment == "as it is read":
            between.append(await looked(services))
        answer = await read(*given, **more)
        if moment == "when it was read":
            between.append(await looked(services))
        return answer

    monkeypatch.setattr(work.notes, "add", adding)
    monkeypatch.setattr(accessanswers, "answer_access", reading)
    answer = await told(services, work)
    (late,) = between
    # judged by the trail alone: every look below the place, and no other
    looks = {each.index async for each in entries_from(services.db) if each.payload["kind"] == "disclosure"}
    assert {each.entry for each in answer.look_ups} == {index for index in looks if index < answer.covers}
    assert looks == {first, late} and (late < answer.covers) == (moment == "as it is recorded")
    record = [each async for each in entries_from(services.db)][answer.covers]
    assert record.payload["action"] == "access.answer", "the place is the entry that records the answer"
    assert f"the first {answer.covers:,} entries" in answer_text(answer)


async def test_a_look_that_is_held_while_the_answer_is_made_is_not_in_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, case = await opened_case(services)
    await looked(services)
    read, made = accessanswers.answer_access, list[int]()

    async def reading(*given: Any, **more: Any) -> AccessAnswer:
        if not made:
            made.append(await looked(services, "ticket:T-8"))
            soon = (END + timedelta(days=30)).date()
            why = "the police asked for silence"
            await work.covert.hold(case, made, from_staff=False, why=why, review_on=soon, by="P-1")
        return await read(*given, **more)

    monkeypatch.setattr(accessanswers, "answer_access", reading)
    assert len((await told(services, work)).look_ups) == 1
    monkeypatch.undo()
    (standing,) = await work.covert.list()
    assert await work.covert.owed() == [], "nothing that the answer covers was left out of it"
    assert len((await told(services, work)).look_ups) == 1
    (owed,) = await work.covert.release(standing.id, why="it is over", by="P-1")
    assert owed.reference == "A-1" and len((await told(services, work)).look_ups) == 2


async def test_looks_for_a_case_that_is_covert_are_not_told_to_the_customer_who_may_be_its_suspect(
    services: Services,
) -> None:
    work, case = await opened_case(services)
    await Preserve(services).do(case, case, {})
    await looked(services)
    standing = await covertly(work, case)
    await looked(services, f"case:{case}")  # after the hold, which lists no entry
    await looked(services, "case:CASE-77")
    assert [each.purpose for each in (await told(services, work)).look_ups] == ["ticket", "case"]
    assert await work.covert.owed() == []
    owed = await work.covert.release(standing, why="he was heard", by="P-1")
    assert ("A-1", "subject", {case}) in [(each.reference, each.space, each.cases) for each in owed]
    assert len((await told(services, work)).look_ups) == 3


async def test_looks_for_a_case_whose_records_are_not_kept_yet_are_told_to_no_customer_and_owed_then(
    services: Services,
) -> None:
    work, case = await opened_case(services)
    await looked(services)
    await looked(services, f"case:{case}")
    assert [each.purpose for each in (await told(services, work)).look_ups] == ["ticket"]
    assert await work.covert.owed() == [], "it may not be told yet"
    await Preserve(services).do(case, case, {})
    (owed,) = await work.covert.owed()
    assert (owed.space, owed.cases) == ("subject", {case})
    assert [each.purpose for each in (await told(services, work)).look_ups] == ["ticket", "case"]
    assert await work.covert.owed() == []


@pytest.mark.parametrize("held", ["CASE-1", "x", "1,,-2", "\u0661"])
async def test_what_is_no_index_is_not_held_back_in_silence(held: str) -> None:
    with pytest.raises(HeldUnknown):
        indices_of(held)


async def test_what_is_to_be_held_back_and_is_not_there_is_an_error_before_anything_is_recorded(
    services: Services,
) -> None:
    work, case = await opened_case(services)
    mine, other = await looked(services), (await services.appender.append({"kind": "x", "at": 1, "actor": 1})).index
    assert len((await told(services, work, held=f"{mine}")).look_ups) == 0
    before = len([each async for each in entries_from(services.db)])

    async def staff(held: str, by: str = "P-1") -> object:
        return await to_staff(services, work, SUSPECT, ASKED, held=held, by=by)

    refused: list[Callable[[], Any]] = [
        lambda: told(services, work, held=f"{other}"),
        lambda: told(services, work, held=f"{mine},99999"),
        lambda: staff("CASE-99"),
        lambda: staff(f"{case},case-1"),
        lambda: staff(case, by="E-1"),  # one that he may not see is as one that is not there
    ]
    for each in refused:
        with pytest.raises(HeldUnknown) as refusal:
            await each()
        assert refusal.value.hint
    assert len([each async for each in entries_from(services.db)]) == before


async def test_staff_hear_of_no_case_whose_records_are_not_kept_yet_and_are_owed_it_then(
    services: Services, database_url: str
) -> None:
    work, case = await opened_case(services)
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    flagged(database_url, number, f1="seller:S-7", f2=None)
    early = await to_staff(services, work, SUSPECT, ASKED, held="", by="P-1")
    assert early.cases == () and early.held.flags == () and case not in early.as_json().decode()
    assert await work.covert.owed() == [], "he may not be told yet"
    (waiting,) = await work.covert.unkept()
    assert (waiting.case, waiting.since, waiting.persons) == (case, END, 1)
    await Preserve(services).do(case, case, {})
    (owed,) = await work.covert.owed()
    assert (owed.number, owed.cases) == (number, {case})
    assert await work.covert.unkept() == []
    whole = await to_staff(services, work, SUSPECT, ASKED, held="", by="P-1")
    assert [each.case for each in whole.cases] == [case] and len(whole.held.flags) == 2
    assert await work.covert.owed() == []


async def test_an_inquiry_released_whose_records_nobody_keeps_is_named_with_how_many_wait_and_alarmed_after_a_week(
    services: Services,
) -> None:
    work, case = await opened_case(services)
    standing = await covertly(work, case)
    assert await work.covert.unkept() == []
    assert await work.covert.release(standing, why="he was heard", by="P-1") == []
    (waiting,) = await work.covert.unkept()
    assert (waiting.case, waiting.since, waiting.persons) == (case, END, 1)
    for days, raised in ((6, 0), (7, 1), (9, 1)):
        services.clock.advance_to(END + timedelta(days=days))  # type: ignore[attr-defined]
        assert await work.covert.remind() == raised
        found = [each for each in await alerts(services.db) if each.code == "access.not_kept"]
        assert [each.about for each in found] == [{"case": case}] * raised, "once, and nobody is named"
    await Preserve(services).do(case, case, {})
    assert await work.covert.unkept() == [] and len(await work.covert.owed()) == 1


async def test_staff_are_told_what_earlier_verdicts_said_and_what_else_is_kept(
    services: Services, database_url: str
) -> None:
    work, case = await opened_case(services)
    await work.cases.add_verdict(case, shown(SUSPECT, "lead"), complaints=4)
    await work.cases.add_verdict(case, shown("E-6"), complaints=5)
    await Preserve(services).do(case, case, {})
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into gate_token (id, actor, secret_sha256, made_at) values ('x', %s, 'x', now())", [SUSPECT]
        )
    answer = await to_staff(services, work, SUSPECT, ASKED, held="", by="P-1")
    (mine,) = answer.cases
    assert (mine.says, mine.probability) == ("not_named", None), "the newest speaks of somebody else"
    assert [each.says for each in mine.earlier] == ["finding", "lead"]
    text = employee_text(answer)
    assert f"{case}: the newest verdict does not speak of you." in text and "on it said a lead" in text
    assert answer.kept["tokens for programs of yours (as a hash)"] == 1
    assert "E-6" not in answer.as_json().decode() + text


async def test_an_unmasking_for_no_case_that_is_led_here_is_told_without_its_words_and_not_while_one_is_covert(
    services: Services, database_url: str
) -> None:
    work, case = await opened_case(services)
    await Preserve(services).do(case, case, {})
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into standing_grant (ask, kind, holder, target, case_ref, classes, minutes, approvals, "
            "requested_at, decide_by, entry) values ('a', 'unmask', %s, %s, %s, '{}', 5, 2, now(), now(), 1)",
            [number + 1, number, f"{case.lower()} covert, P. Miller reported him"],
        )
    whole = await to_staff(services, work, SUSPECT, ASKED, held="", by="P-1")
    assert [each.case for each in whole.held.unmaskings] == [""] and "Miller" not in employee_text(whole)
    await covertly(work, case)
    assert (await to_staff(services, work, SUSPECT, ASKED, held="", by="P-1")).held.unmaskings == ()
