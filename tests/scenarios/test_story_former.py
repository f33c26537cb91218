"""A ring one of whom left twenty days ago and recruits for the broker now (S2): he stays a candidate, and is out."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.catalogs import EMAIL, head
from tests.scenarios.conftest import Results
from tests.scenarios.house import ANN, BOB
from tests.scenarios.test_story_answer import company
from tests.scenarios.test_story_attribution import answer, named, nobody, of
from tests.store.test_measures import Door

from whosaw.answer import StepRefused, Steps
from whosaw.answer.effects import Effects
from whosaw.app.casestaff import leavers
from whosaw.ask import Ask, new_ask_id
from whosaw.catalog import parse
from whosaw.catalog.source import open_sources
from whosaw.decide import PolicyHolder, load_policies
from whosaw.gate import Gate
from whosaw.gate.approvalpeople import catalog_directory
from whosaw.store import Database
from whosaw.store.migrate import engine_url
from whosaw.terms import PurposeRef, SubjectRef
from worlds.story import DAY_US, Told, ring

SEEDS = int(os.environ.get("WHOSAW_STORY_SEEDS", "6"))
LEFT_DAY, GONE, HERE = 40, 45, 5
CATALOG = (
    head(table="story.customers")
    + EMAIL
    + """
[purposes.ticket]
source = "company"
subject = "customer"
query = '''select 'T-1' as reference, s.id as assignee, 'C-1' as subject, 'customer:C-1' as origin,
    timestamptz '2026-01-01Z' as opened_at, null::timestamptz as closed_at from story.staff s'''
[actors]
source = "company"
query = "select id as key, roles, region, ended from story.staff"
"""
)


def left(told: Told) -> Told:
    """Take away what the third opened after he had left."""
    kept = (told.actor != GONE) | (told.at_us < LEFT_DAY * DAY_US)
    return replace(
        told, actor=told.actor[kept], subject=told.subject[kept], at_us=told.at_us[kept], irregular=told.irregular[kept]
    )


def test_who_has_left_is_named_with_the_other_two_and_nobody_else(results: Results) -> None:
    found = [answer(left(ring(seed))) for seed in range(SEEDS)]
    three = [all(of(f, person) >= 0.90 for person in (HERE, 25, GONE)) for f in found]
    results.least("S2", "one of three has left: all three at P ≥ 0.90", three, 0.9)
    results.most("S2", "one of three has left: the fourth on a rung", [65 in named(f) for f in found], 0)
    without = [answer(left(ring(seed, leakers=False))) for seed in range(SEEDS)]
    nobody(results, "S2", without, "control of who has left")


@pytest.fixture
def staff_url(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("""
            create schema story;
            create table story.customers (id text primary key, email text);
            insert into story.customers values ('C-1', 'ada@mail.example');
            create table story.staff (id text primary key, roles text, region text, ended timestamptz);
            insert into story.staff values ('E-0005', 'support', 'EU', null), ('E-0007', 'support', 'EU', null),
                ('E-0045', 'support', 'EU', '2026-02-10Z');
        """)
    return engine_url(database_url).render_as_string(hide_password=False)


async def test_measures_against_somebody_who_has_left_are_refused_with_the_day(
    database: Database, tmp_path: Path, door: Door, staff_url: str, results: Results
) -> None:
    catalog = parse(CATALOG.replace("{url}", staff_url))
    sources = open_sources(catalog)
    people = [f"E-{number:04}" for number in (HERE, GONE)]
    said = {
        "verdict": "finding",
        "outside_probability": 0.01,
        "candidates": [{"actors": [key], "probability": 0.97, "rung": "finding"} for key in people],
    }
    async with company(database, tmp_path, door) as house, sources["company"]:
        gone = leavers(catalog_directory(catalog, sources), house.clock)
        effects = Effects(house.steps._effects.doors, house.market, house._notify)
        house.steps = Steps(
            database, house.clock, record=house.appender.append, effects=effects, desk=house.desk, gone=gone
        )
        case = await house.open_case([said], [44])
        for key in people:
            await house.question_everything(case, key)
            await house.desk.hear(case, key, heard_at=house.clock.now(), said="he says nothing", by=ANN)
        refused = []
        for kind in ("warn_actor", "suspend_actor", "propose_dismissal"):
            with pytest.raises(StepRefused, match="he has left on 2026-02-10") as refusal:
                await house.steps.plan(case, kind, people[1], by=ANN, reason="a finding")  # type: ignore[arg-type]
            refused.append(refusal.value.reason == "gone")
        results.least("S2", "a measure against who has left is refused with the day", refused, 1)
        assert (await house.do(case, "suspend_actor", people[0])).state == "done"
        # whoever leaves between plan and deed is gone as well
        step = await house.steps.plan(case, "propose_dismissal", people[0], by=ANN, reason="a finding")
        for person in (ANN, BOB):
            await house.steps.approve(step.id, person)
        async with database.connection() as connection:
            await connection.execute("update story.staff set ended = '2026-02-20Z' where id = 'E-0005'")
        with pytest.raises(StepRefused, match="2026-02-20"):
            await house.steps.carry_out(step.id, by=BOB)
        assert (await house.steps.undo((await house.steps.list(case))[0].id, by=[ANN], reason="x")).state == "undone"

        # he was cut on the day he left, before anybody knew of the leak: the door refuses him, and says so
        gate = Gate(database, house.appender, catalog, sources, PolicyHolder(load_policies()))
        asks = [
            Ask(
                actor, SubjectRef("customer", "C-1"), ("customer.email",), PurposeRef("ticket", "T-1"), "http",
                house.clock.now(), new_ask_id(),
            )
            for actor in (people[1], "E-0007")
        ]  # fmt: skip
        his, colleagues = await gate.disclose_many(asks)
        assert "ada@mail.example" in str(colleagues.values)
        cut = "actor.ended" in his.decision.policies and "ada@mail.example" not in str(his.values)
        results.least("S2", "who has left is shown nothing at any door", [cut], 1)
