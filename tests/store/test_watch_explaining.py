"""A recall that nobody recorded: two reviewers explain the looks afterwards, and the flag of before stays as it was."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.store.watchworld import BRIBED, END, SOLD, Worlds, worlds

from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchday import note_watch
from whosaw.app.watchdesk import Listed, ReviewRefused, learned, listed, open_case
from whosaw.app.watchexplaining import (
    ExplanationRefused,
    agree,
    declare,
    explanations,
    prune_explanations,
    withdraw,
)
from whosaw.app.watchreplay import replay_stored
from whosaw.record import entries_from
from whosaw.store.alerts import alerts
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

WHY = "the lamps were recalled and he was told to ring every buyer"


@pytest.fixture(scope="module")
def weighed_world(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worlds]:
    """Eight weeks of looks, weighed once."""
    with worlds(postgres_url, template_database, tmp_path_factory.mktemp("explaining"), weighed=True) as made:
        yield made


@pytest.fixture
async def services(weighed_world: Worlds, tmp_path: Path) -> AsyncIterator[Services]:
    """The company opened, with a third reviewer."""
    with weighed_world.copy(tmp_path) as (url, state):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("insert into company.staff values ('P-2', 'officer', 'privacy', '')")
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            yield opened


async def the_case(services: Services) -> Listed:
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    return case


@contextmanager
def company_of(services: Services) -> Iterator[psycopg.Connection]:
    """Lend a connection to the company's tables."""
    assert services.settings.database is not None
    with psycopg.connect(services.settings.database.get_secret_value(), autocommit=True) as connection:
        yield connection


def make_reviewer(services: Services, who: str) -> None:
    with company_of(services) as connection:
        connection.execute("update company.staff set function = 'privacy' where id = %s", [who])


async def entries(services: Services) -> list[dict[str, Any]]:
    return [dict(each.payload) async for each in entries_from(services.db) if each.payload["kind"] == "watch"]


async def test_a_recall_is_explained_afterwards_by_two_others_and_history_stays(services: Services) -> None:
    clock = services.clock
    assert isinstance(clock, SimulatedClock)
    case = await the_case(services)
    with pytest.raises(ReviewRefused):
        await declare(services, case.id, by="E-1", because=WHY)
    make_reviewer(services, f"E-{BRIBED}")
    with pytest.raises(ExplanationRefused, match="conflict of interest"):
        await declare(services, case.id, by=f"E-{BRIBED}", because=WHY)
    for days in (
        {"since": date(2026, 1, 1)},  # the whole record is no recall
        {"until": date(2026, 2, 26)},  # nor may it be about looks to come
        {"since": date(2026, 2, 20), "until": date(2026, 2, 19)},
    ):
        with pytest.raises(ExplanationRefused, match="is not at most"):
            await declare(services, case.id, by="P-1", because=WHY, **days)
    with pytest.raises(ExplanationRefused, match="characters"):
        await declare(services, case.id, by="P-1", because="recall")

    made = await declare(services, case.id, by="P-1", because=WHY)
    assert (made.beneficiary, made.state) == (f"seller:S-{SOLD}", "declared")
    for who, why in (("P-1", "somebody else"), (f"E-{BRIBED}", "conflict of interest")):
        with pytest.raises(ExplanationRefused, match=why):
            await agree(services, made.id, by=who)
    found, again = await agree(services, made.id, by="S-1")
    assert (found.state, found.agreed_by) == ("agreed", "S-1")
    assert (again.tier, again.tier_now) == (case.tier, "none") and again.evidence == case.told["evidence"]
    assert again.looks >= len(case.told["rows"]) and again.people >= 1
    with pytest.raises(ExplanationRefused, match="has been agreed"):
        await agree(services, made.id, by="P-2")

    told, seal = await replay_stored(services, case.id)
    assert told["seal"] == seal == case.seal, "what was flagged is recomputed as it was"
    clock.advance_to(clock.now() + timedelta(days=1))
    noted = await note_watch(services)
    assert noted is not None and noted.cases == 0
    assert (await the_case(services)).id == case.id, "the flag of before still stands on the list"

    assert (await withdraw(services, made.id, by="P-2")).state == "withdrawn"
    (told_of,) = [each for each in await alerts(services.db) if each.kind == "watch.explanation"]
    assert (told_of.code, told_of.about["explanation"]) == ("watch.explanation_withdrawn", made.id)
    assert [each.state for each in await explanations(services)] == ["withdrawn"]
    with pytest.raises(ExplanationRefused, match="stands"):
        await withdraw(services, made.id, by="P-2")
    clock.advance_to(clock.now() + timedelta(days=1))
    noted = await note_watch(services)
    assert noted is not None and noted.cases == 1, "without it he is a case again"
    said = [each for each in await entries(services) if each["change"] in ("declared", "agreed", "withdrawn")]
    assert [each["change"] for each in said] == ["declared", "agreed", "withdrawn"]
    assert "lamps" not in json.dumps(said) and f"S-{SOLD}" not in json.dumps(said)


async def test_who_made_such_looks_explains_none_of_them(services: Services) -> None:
    case = await the_case(services)
    made = await declare(services, case.id, by="P-1", because=WHY, since=date(2026, 2, 1), until=date(2026, 2, 25))
    await _look_at_a_customer_of(services, SOLD, "P-2")
    with pytest.raises(ExplanationRefused, match="conflict of interest"):
        await agree(services, made.id, by="P-2")
    assert (await agree(services, made.id, by="S-1"))[0].state == "agreed"


async def test_whoever_may_not_work_on_the_case_explains_nothing_and_takes_nothing_back(services: Services) -> None:
    case = await the_case(services)
    opened = await open_case(services, case.id, by="P-1", reason="the evidence is strong")
    with company_of(services) as connection:
        verdict = json.dumps({"candidates": [{"rung": "lead", "actors": ["P-2"]}]})
        connection.execute("insert into case_verdict values (%s, 1, now(), 1, %s)", [opened.id, verdict])
    with pytest.raises(ExplanationRefused, match="conflict of interest"):
        await declare(services, case.id, by="P-2", because=WHY)
    with pytest.raises(ExplanationRefused, match="explain nothing"):  # so that it tells nobody anything
        await declare(services, case.id, by="P-2", because="recall")
    with pytest.raises(ExplanationRefused, match="is not at most"):
        await declare(services, case.id, by="P-2", because=WHY, since=date(2026, 1, 1))
    made = await declare(services, case.id, by="P-1", because=WHY)
    with pytest.raises(ExplanationRefused, match="conflict of interest"):
        await agree(services, made.id, by="P-2")
    with company_of(services) as connection:
        connection.execute("update watch_explanation set agreed_by = 'S-1', agreed_at = now(), agreed_entry = 1")
    with pytest.raises(ExplanationRefused, match="conflict of interest"):
        await withdraw(services, made.id, by="P-2")
    tried = [each for each in await entries(services) if each["change"] == "denied"]
    assert len(tried) == 3 and {each["flag"] for each in tried} == {case.id}


async def test_words_and_names_die_in_time_and_all_are_listed(services: Services) -> None:
    clock = services.clock
    assert isinstance(clock, SimulatedClock)
    case = await the_case(services)
    made = await declare(services, case.id, by="P-1", because=WHY)
    with company_of(services) as connection:
        connection.execute(
            "insert into watch_explanation (flag, beneficiary, since_us, until_us, because, declared_by, declared_at, "
            "entry) select flag, beneficiary, since_us, until_us, 'more of it', declared_by, declared_at, entry "
            "from watch_explanation, generate_series(1, 200)"
        )
    assert len(await explanations(services)) == 201, "no list is cut without a word"
    clock.advance_to(clock.now() + timedelta(days=399))
    assert await prune_explanations(services) == 0
    clock.advance_to(clock.now() + timedelta(days=2))
    with company_of(services) as connection:
        connection.execute(
            "insert into legal_hold (space, number, ground, review_on, added_at, added_by) "
            "values ('actor', %s, 'g', '2030-01-01', now(), 1)",
            [case.actor],
        )
        assert await prune_explanations(services) == 0, "he is under a legal hold"
        connection.execute("update legal_hold set lifted_at = now(), lifted_by = 1")
    assert await prune_explanations(services) == 201
    kept = (await explanations(services))[-1]
    assert (kept.because, kept.declared_by) == ("", "")
    assert (kept.id, kept.beneficiary, kept.state) == (made.id, made.beneficiary, "declared")
    with pytest.raises(ExplanationRefused, match="too old"):  # whoever declared it is no second person to himself
        await agree(services, made.id, by="P-1")


async def test_one_matter_flagged_night_after_night_teaches_once(services: Services) -> None:
    case = await the_case(services)
    night = (
        "insert into watch_flag (id, day, actor, tier, beneficiary, seal, entry, told) "
        "select %(id)s, day, %(actor)s, tier, beneficiary, seal, entry, told from watch_flag where id = %(of)s"
    )
    told = (
        "insert into watch_verdict (flag, outcome, record, note, by, at, entry) "
        "values (%(id)s, 'explained', 'recall', 'a recall of lamps', 'P-1', now(), 1)"
    )
    with company_of(services) as connection:
        for actor, lessons in ((case.actor, []), (case.actor, []), (case.actor, []), (77, []), (78, [("recall", 3)])):
            values = {"id": f"f-{actor}-{uuid.uuid4().hex}", "actor": actor, "of": case.id}
            connection.execute(night, values)
            connection.execute(told, values)
            assert [(each.record, each.flags) for each in (await learned(services))[0]] == lessons


async def _look_at_a_customer_of(services: Services, seller: int, who: str) -> None:
    with company_of(services) as connection:
        row = connection.execute("select customer from company.tickets where seller = %s", [f"S-{seller}"]).fetchone()
    assert row is not None
    subject = (await assign(services.db, "subject", [f"customer:{row[0]}"]))[f"customer:{row[0]}"]
    actor = (await assign(services.db, "actor", [who]))[who]
    said = {"kind": "disclosure", "at": to_us(END - timedelta(days=3)), "actor": actor, "subject": subject}
    shown = {"door": "http", "fields": ["customer.email=reveal"], "decision": "reveal", "verified": "no"}
    await services.appender.append({**said, **shown})
