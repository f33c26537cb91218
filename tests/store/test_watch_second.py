"""Blind second decisions: drawn from the trail, decided by somebody who took no part, and weighed the next night."""

from __future__ import annotations

import csv
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from tests.store.watchworld import END, found_company

from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchday import note_watch
from whosaw.app.watchentries import Once, entered
from whosaw.app.watchrun import run_files, told_now, told_of
from whosaw.app.watchsecond import Second, SecondRefused, decide_again, draw, to_decide
from whosaw.record import entries_from
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us
from whosaw.watch.drawing import is_drawn, night_seed, stands_for
from whosaw.watch.settings import WatchSettings, canonical

MORE = """
[actions."review.delete"]
source = "company"
object = "review"
subject = "customer"
beneficiary = "seller"
query = "select id as object, customer as subject, seller as beneficiary from company.reviews"
[actions."review.keep"]
source = "company"
object = "review"
subject = "customer"
query = "select id as object, customer as subject from company.reviews"
[watch.second]
share = 0.5
[[watch.second.kind]]
name = "review"
favourable = ["review.delete"]
other = ["review.keep"]
"""
DECISIONS, MIDNIGHT = 24, END.replace(hour=0)
BECAUSE = "the review names a real defect of the product"


async def decided_things(services: Services) -> dict[str, int]:
    """Append what a day of eight people holds; E-7 had to do with the first three reviews before."""
    actors = await assign(services.db, "actor", [f"E-{n}" for n in range(8)])
    (customer,) = (await assign(services.db, "subject", ["customer:C-1"])).values()
    said = {"door": "http", "subject": customer, "verified": "yes", "reason": "purpose.verified"}
    for place, actor in enumerate(actors.values()):
        at = to_us(MIDNIGHT - timedelta(hours=2, seconds=place))
        shown = {"kind": "disclosure", "decision": "reveal", "fields": ["customer.email=reveal"]}
        await services.appender.append({**said, **shown, "at": at, "actor": actor})
    for number in range(3):
        at = to_us(MIDNIGHT - timedelta(days=9, seconds=number))
        before = {"kind": "action", "action": "review.keep", "object": f"review:R-{number}", "at": at}
        await services.appender.append({**said, **before, "actor": actors["E-7"]})
    for number in range(DECISIONS):
        made = {"kind": "action", "decision": "allow", "action": "review.delete" if number % 3 else "review.keep"}
        about = {"object": f"review:R-{number}", "at": to_us(MIDNIGHT - timedelta(hours=1, seconds=number))}
        actor = actors[f"E-{number % 2}"]
        await services.appender.append({**said, **made, **about, "actor": actor, "beneficiary": "seller:S-3"})
    for again in (1, 2):  # one click allows ten objects, and the tool asks twice
        for number in range(10):
            about = {"object": f"review:R-{90 + number}", "at": to_us(MIDNIGHT - timedelta(minutes=9)) + again}
            made = {"kind": "action", "decision": "allow", "action": "review.delete", "beneficiary": "seller:S-3"}
            await services.appender.append({**said, **made, **about, "actor": actors["E-2"]})
    return actors


async def test_a_share_is_drawn_decided_blind_by_somebody_else_and_weighed(database_url: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    found_company(database_url, state)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table company.reviews (id text primary key, customer text, seller text)")
    catalog = state / "whosaw.toml"
    catalog.write_text(catalog.read_text() + MORE)
    settings, clock = Settings(state=state, database=SecretStr(database_url)), SimulatedClock(END)
    async with open_services(settings, clock, database_url, door="serve") as services:
        actors = await decided_things(services)
        noted = await note_watch(services)
        entries = [each async for each in entries_from(services.db, 0)]
        (run,) = [each.payload for each in entries if each.payload.get("change") == "run"]
        said_later = {name: said for name, said in run.items() if name not in ("kind", "at", "actor", "door")}
        seed = night_seed(WatchSettings().seed, canonical(said_later))
        day = to_us(MIDNIGHT - timedelta(days=1))
        made = {each.index: each.payload for each in entries if each.payload.get("action")}
        clicked = [entry for entry, said in made.items() if said["actor"] == actors["E-2"]][10:]
        click = stands_for(seed, clicked)
        expected = {
            entry: said
            for entry, said in made.items()
            if said["at"] >= day and (said["actor"] != actors["E-2"] or entry == click)
            if is_drawn(seed, entry, canonical(dict(said)), 0.5)
        }
        assert noted is not None and noted.drawn == len(expected) and 6 <= len(expected) <= 19
        drawn = {
            each.payload["of"]: each.payload["target"] for each in entries if each.payload.get("change") == "drawn"
        }
        assert drawn.keys() == expected.keys(), "whoever holds trail and catalog draws the same"
        officers = set((await assign(services.db, "actor", ["P-1", "S-1"])).values())
        for entry, person in drawn.items():
            assert person != expected[entry]["actor"] and person not in officers
            assert person != actors["E-7"] or expected[entry]["object"] not in {f"review:R-{n}" for n in range(3)}
        assert len(set(drawn.values())) > 3
        span = (day, to_us(MIDNIGHT))
        assert await draw(services, span, Once(services, await entered(services, MIDNIGHT)), said_later) == 0

        staff = await assign(services.db, "actor", [f"E-{n}" for n in range(30)])
        mine = {key: await to_decide(services, key) for key in staff if staff[key] in drawn.values()}
        assert sum(map(len, mine.values())) == len(drawn)
        names = {each.name for each in fields(Second)}
        assert names == {"id", "kind", "object", "asked_at", "due_at", "favours", "because", "answered_at"}
        assert all(each.favours is None and "delete" not in repr(each) for rows in mine.values() for each in rows)
        (who, rows), (other, _) = list(mine.items())[:2]
        first = rows[0]
        with pytest.raises(SecondRefused):
            await decide_again(services, first.id, favours=True, because=BECAUSE, by=other)
        with pytest.raises(SecondRefused):
            await decide_again(services, first.id, favours=True, because="no", by=who)
        for key, theirs in mine.items():
            for each in theirs:  # everybody would keep every review
                done = await decide_again(services, each.id, favours=False, because=BECAUSE, by=key)
                assert done.favours is False
        with pytest.raises(SecondRefused):
            await decide_again(services, first.id, favours=True, because=BECAUSE, by=who)
        said = [each.payload async for each in entries_from(services.db, 0) if each.payload.get("change") == "second"]
        assert len(said) == len(drawn) and "defect" not in repr(said)

        told = await told_now(services, END)
        async with run_files(services, told | {"answers_before": (END + timedelta(days=1)).isoformat()}) as run:
            _, files, _ = run
            with files.decisions.open(newline="") as file:
                table = list(csv.DictReader(file))
        assert len(table) == DECISIONS + 3 + 10, "what was decided twice stands once"
        assert len({row["at"] for row in table if row["actor"] == "E-2"}) == 1 and {row["kind"] for row in table} == {
            "review"
        }
        sampled = [row for row in table if row["second"]]
        assert len(sampled) == len(drawn)
        assert all(row["second"] == row["favourable"] for row in sampled), "whoever deleted is disagreed with"
        from whosaw.app.watching import weigh

        clock.advance_to(END + timedelta(days=1))
        told = await told_now(services, END + timedelta(hours=1))
        async with run_files(services, told) as (lake, files, _):
            every = await told_of(services, told)
            weighed = weigh(lake, files, every)
        assert sorted(every.tasks) == sorted(
            (key, "customer:C-1", to_us(each.asked_at), to_us(END)) for key, rows in mine.items() for each in rows
        ), "whom he had to look at in order to decide, until he had"
        assert (weighed.watched.observed.decisions.second >= 0).sum() == len(drawn)
        assert weighed.found.signal("decisions") is not None


async def test_what_is_decided_after_its_days_is_recorded_and_does_not_count(database_url: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    found_company(database_url, state)
    (state / "whosaw.toml").write_text((state / "whosaw.toml").read_text() + MORE)
    settings, clock = Settings(state=state, database=SecretStr(database_url)), SimulatedClock(END)
    async with open_services(settings, clock, database_url, door="serve") as services:
        await decided_things(services)
        for days, run in ((0, {}), (1, {"rows": "a"})):
            span = (to_us(MIDNIGHT - timedelta(days=days)), to_us(MIDNIGHT))
            assert bool(await draw(services, span, Once(services, {}), run)) == (days == 1)
        (who, *_) = [key for key in [f"E-{n}" for n in range(30)] if await to_decide(services, key)]
        clock.advance_to(END + timedelta(days=8))
        (each, *_) = await to_decide(services, who)
        assert (await decide_again(services, each.id, favours=True, because=BECAUSE, by=who)).answered_at is not None
        told = await told_now(services, END + timedelta(days=9))
        async with run_files(services, told) as (_, files, _):
            assert "second" not in files.decisions.read_text().splitlines()[0]
