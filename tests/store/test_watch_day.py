"""Watch on a server: the daily run, its flags and alerts, reviewers' verdicts, cases, and questions to employees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.store.watchworld import BRIBED, END, PEOPLE, SOLD, found_company, work_for_weeks

from whosaw.app import watchqueries as queries
from whosaw.app.alerttexts import sentence
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchday import NoSuchFlag, due, note_watch, replay_stored
from whosaw.app.watchdesk import ReviewRefused, decide, learned, listed, may_review, open_case, rates
from whosaw.app.watchprompts import Prompt, PromptRefused, answer, prompts_to
from whosaw.record import entries_from
from whosaw.store.alerts import alerts
from whosaw.store.numbers import find
from whosaw.terms import SimulatedClock


@pytest.fixture
async def services(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    found_company(database_url, tmp_path / "state")
    settings = Settings(state=tmp_path / "state", database=database_url)
    async with open_services(settings, SimulatedClock(END), database_url, door="serve") as opened:
        await work_for_weeks(opened)
        yield opened


async def entries(services: Services) -> list[dict[str, Any]]:
    return [dict(each.payload) async for each in entries_from(services.db) if each.payload["kind"] == "watch"]


async def asked(services: Services) -> tuple[str, Prompt]:
    """Return who was asked, and what: one person, for a day has some fifty looks."""
    found = [(f"E-{n}", each) for n in range(PEOPLE) for each in await prompts_to(services, f"E-{n}")]
    (only,) = found
    return only


def later(services: Services, **by: float) -> None:
    assert isinstance(services.clock, SimulatedClock)
    services.clock.advance_to(services.clock.now() + timedelta(**by))


async def test_a_day_is_weighed_once_and_the_bribed_is_flagged_by_number(services: Services) -> None:
    assert await due(services)
    found = [each for each in await asyncio.gather(*(note_watch(services) for _ in range(3))) if each is not None]
    assert len(found) == 1 and found[0].day == date(2026, 2, 25) and found[0].cases == 1
    assert not await due(services) and await note_watch(services) is None

    bribed = await find(services.db, "actor", f"E-{BRIBED}")
    flags = await listed(services)
    (case,) = [each for each in flags if each.tier != "review"]
    assert (case.actor, case.beneficiary) == (bribed, f"seller:S-{SOLD}")
    assert len(case.told["rows"]) >= 9 and case.told["stories"] and case.told["signals"]
    assert "E-5" not in json.dumps(case.told) and "C-" not in json.dumps(case.told)

    said = await entries(services)
    (run,) = [each for each in said if each["change"] == "run"]
    assert (run["day"], run["flags"]) == ("2026-02-25", len(flags)) and len(run["rows"]) == 64
    (flagged,) = [each for each in said if each["change"] == "flagged" and each["flag"] == case.id]
    assert (flagged["target"], flagged["seal"], flagged["tier"]) == (bribed, case.seal, case.tier)

    raised = [each for each in await alerts(services.db) if each.kind == "watch.flag"]
    assert [(each.code, each.about["person"]) for each in raised] == [("watch.case", bribed)]
    assert "E-5" not in json.dumps(dict(raised[0].about)) and sentence("watch.case") != "watch.case"
    day, measured = await rates(services)
    assert day == date(2026, 2, 25) and measured["false_cases_a_month"] == 0.2
    assert {each["name"] for each in measured["health"]} >= {"beneficiary", "volume"}

    later(services, days=1)
    assert (await note_watch(services)) is not None
    assert len([each for each in await alerts(services.db) if each.kind == "watch.flag"]) == 1, "one alert a month"


async def test_a_stored_flag_is_recomputed_bit_for_bit_from_the_trail(services: Services, database_url: str) -> None:
    await note_watch(services)
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    later(services, days=3)
    found, seal = await replay_stored(services, case.id)
    assert found["seal"] == seal == case.seal
    with pytest.raises(NoSuchFlag):
        await replay_stored(services, "0" * 16)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.tickets set seller = 'S-1' where seller = 'S-7'")
    with pytest.raises(Exception, match="no flag"):  # the company's record is another now, and the replay says so
        await replay_stored(services, case.id)


async def test_reviewers_decide_and_nobody_is_silenced(services: Services) -> None:
    await note_watch(services)
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    note = "the ten customers had written to him by telephone"
    assert await may_review(services, "P-1") and not await may_review(services, "E-1")
    for who, outcome, why, record in (
        ("E-1", "cleared", note, ""),
        ("P-1", "silenced", note, ""),
        ("P-1", "cleared", "no", ""),
        ("P-1", "explained", note, ""),
    ):
        with pytest.raises(ReviewRefused):
            await decide(services, case.id, outcome, by=who, note=why, record=record)
    assert (await decide(services, case.id, "confirmed", by="P-1", note=note)).stands == ""
    with pytest.raises(ReviewRefused, match="has decided"):
        await decide(services, case.id, "confirmed", by="P-1", note=note)
    assert (await decide(services, case.id, "confirmed", by="S-1", note=note)).stands == "confirmed"
    assert (await learned(services))[1] == (1, 0)
    said = [each for each in await entries(services) if each["change"] == "confirmed"]
    assert len(said) == 2 and note not in json.dumps(said)

    opened = await open_case(services, case.id, by="P-1", reason="two reviewers confirmed the flag")
    assert opened.beneficiary == f"seller:S-{SOLD}"
    assert (await open_case(services, case.id, by="S-1", reason="two reviewers confirmed the flag")).id == opened.id
    later(services, days=1)
    await note_watch(services)
    assert [each.actor for each in await listed(services) if each.tier != "review"] == [case.actor]


async def test_nobody_decides_about_himself(services: Services, database_url: str) -> None:
    await note_watch(services)
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.staff set function = 'privacy' where id = 'E-5'")
    with pytest.raises(ReviewRefused, match="himself"):
        await decide(services, case.id, "cleared", by="E-5", note="there is nothing to see here at all")


async def test_an_employee_is_asked_and_his_answer_is_half_an_excuse(services: Services) -> None:
    noted = await note_watch(services)
    assert noted is not None and noted.asked == 1
    who, prompt = await asked(services)
    other = "E-4" if who != "E-4" else "E-6"
    assert prompt.due_at - prompt.asked_at == timedelta(hours=24) and not await prompts_to(services, other)
    with pytest.raises(PromptRefused):
        await answer(services, prompt.id, "she rang about a parcel that got lost", by=other)
    with pytest.raises(PromptRefused):
        await answer(services, prompt.id, "because", by=who)
    done = await answer(services, prompt.id, "she rang about a parcel that got lost", by=who)
    assert done.answer == "she rang about a parcel that got lost"
    with pytest.raises(PromptRefused, match="has its answer"):
        await answer(services, prompt.id, "she rang about a parcel that got lost", by=who)
    said = [each for each in await entries(services) if each["change"] in ("asked", "answered")]
    assert len(said) == 2 and "parcel" not in json.dumps(said)
    assert await queries.answers_before(services.db, services.clock.now()) == []
    later(services, days=1)
    assert await queries.answers_before(services.db, services.clock.now()) == [
        (prompt.actor, prompt.subject, int(prompt.looked_at.timestamp() * 1_000_000))
    ]
    noted = await note_watch(services)
    assert noted is not None and noted.asked == 0


async def test_an_answer_after_a_day_does_not_count(services: Services) -> None:
    await note_watch(services)
    who, prompt = await asked(services)
    later(services, hours=25)
    await answer(services, prompt.id, "she rang about a parcel that got lost", by=who)
    later(services, days=1)
    assert await queries.answers_before(services.db, services.clock.now()) == []
