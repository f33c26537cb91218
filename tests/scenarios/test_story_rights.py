"""A customer of the story asks who looked, and another asks to be erased while the case needs his entries (S9)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.catalogs import head
from tests.scenarios.conftest import Results
from tests.scenarios.house import ANN, SELLER, START
from tests.scenarios.test_story_answer import company
from tests.store.test_measures import Door

from whosaw.answer.access import Request, answer_access, answer_text, check_answer, sign_answer
from whosaw.answer.covert import Covert
from whosaw.answer.erasureanswer import ErasureAnswer, ErasureRequests, There, erasure_text
from whosaw.app.erasurework import KEY, RECORD, columns_now, own_now
from whosaw.catalog import parse
from whosaw.catalog.source import open_sources
from whosaw.record import Integrator, fsck
from whosaw.record.erasure import ErasureHeld, Mandate, erase_subject
from whosaw.record.hold import Holds, HoldUntold
from whosaw.store import Database
from whosaw.store.migrate import engine_url
from whosaw.store.numbers import assign, find
from whosaw.terms import to_us

FINN, FRENCH = "customer:C-000022", "customer:C-000033"
COLUMNS = (
    "name",
    "email",
    "phone",
    "address",
    "birth",
    "language",
    "wishlist",
    "shoe_size",
    "iban",
    "note",
    "fax",
    "job",
)
CATALOG = (
    head(table="story.customers")
    + """
[actors]
source = "company"
query = "select id as key, 'support' as roles, 'EU' as region, null::timestamptz as ended from story.customers"
"""
)


async def test_access_is_answered_and_an_inquiry_that_is_covert_is_told_later(
    database: Database, tmp_path: Path, door: Door, results: Results
) -> None:
    async with company(database, tmp_path, door) as house:
        people = await assign(database, "subject", [FINN])
        staff = await assign(database, "actor", [f"E-{number:04}" for number in range(14)])
        (ticket,) = (await assign(database, "purpose", ["ticket:T-7731"])).values()
        looks = [_look(number, actor, people[FINN], ticket) for number, actor in enumerate(staff.values())]
        entries = [each.index for each in await house.appender.append_many(looks)]

        request = Request("A-1", "identity card seen", "Shop")
        now = house.clock.now()
        case = (await house.desk.open(SELLER, by=ANN, reason="customers wrote")).id
        covert = Covert(database, house.clock, house.notes, house.desk)
        why, day = "the suspect must not hear of it", (now + timedelta(days=40)).date()
        hold = await covert.hold(case, entries[:2], from_staff=False, why=why, review_on=day, by=ANN)
        left_out = await covert.held()
        first = await answer_access(database, people[FINN], request, at=now, held=left_out.entries)
        await covert.note_answer("A-1", ("subject", people[FINN]), left_out, 0)
        owed = await covert.release(hold.id, why="he was heard", by=ANN)
        again = [(each.reference, each.number) for each in owed]
        results.least("S9", "who was answered meanwhile is owed the rest", [again == [("A-1", people[FINN])]], 1)
        held = (await covert.held()).entries
        later = await answer_access(database, people[FINN], request, at=now + timedelta(days=40), held=held)
        counts = (len(first.look_ups), len(later.look_ups))
        results.least("S9", "12 looks while an inquiry is covert, all 14 after", [counts == (12, 14)], 1)
        text = answer_text(later) + later.as_json().decode()
        named = any(word in text for word in ("E-00", "T-7731", "S-0088"))
        results.most("S9", "an answer names staff, a ticket or a seller", [named], 0)
        assert {(each.purpose, each.shown) for each in later.look_ups} == {("ticket", ("customer.email",))}
        assert check_answer(later.as_json(), sign_answer(later, house.keys.trail), house.keys.trail.verifier)

        assert len((await answer_access(database, people[FINN], request, at=house.clock.now())).look_ups) == 14


def _look(number: int, actor: int, person: int, ticket: int) -> dict[str, Any]:
    at, fields = to_us(START + timedelta(days=number)), ["customer.email=reveal"]
    said = {"kind": "disclosure", "at": at, "actor": actor, "subject": person, "purpose": ticket, "fields": fields}
    return dict(said)


@pytest.fixture
def company_url(database_url: str) -> str:
    """The company's own table of customers, where the French one has twelve fields."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create schema story")
        told = ", ".join(f"{name} text" for name in COLUMNS)
        connection.execute(f"create table story.customers (id text primary key, {told})".encode())
        values = [f"his {name}" for name in COLUMNS]
        marks = ", ".join(["%s"] * (len(COLUMNS) + 1))
        connection.execute(f"insert into story.customers values ({marks})".encode(), ["C-000033", *values])
    return database_url


async def test_a_customer_is_erased_field_by_field_and_told_before_the_rest_goes(
    database: Database, tmp_path: Path, door: Door, company_url: str, results: Results
) -> None:
    """Day 12: eleven of his fourteen fields go within 30 days; a hold keeps three until day 400."""
    url = engine_url(company_url).render_as_string(hide_password=False)
    fields = "".join(
        f'[fields."customer.{name}"]\ncolumn = "{name}"\nclass = "contact"\nmask = "name"\n' for name in COLUMNS
    )
    catalog = parse(CATALOG.format(url=url) + fields)
    kind = catalog.subjects["customer"]
    async with company(database, tmp_path, door) as house, open_sources(catalog)["company"] as source:
        numbers = await assign(database, "subject", [FRENCH, FINN])
        number = numbers[FRENCH]
        (actor,) = (await assign(database, "actor", ["E-0001"])).values()
        (ticket,) = (await assign(database, "purpose", ["ticket:T-7731"])).values()
        looks = [_look(day, actor, person, ticket) for day in range(14) for person in numbers.values()]
        await house.appender.append_many(looks)
        case = (await house.desk.open(SELLER, by=ANN, reason="customers wrote")).id
        begun = house.clock.now()
        holds = Holds(database, house.appender, house.clock)
        review = (begun + timedelta(days=180)).date()
        await holds.add("subject", number, ground=case, review_on=review, by=actor, fields=["customer.email"])

        async def there(had: frozenset[str] = frozenset()) -> There:
            columns = await columns_now(source, kind, catalog.fields.values(), "C-000033")
            return There(columns, await own_now(database, number, FRENCH, had))

        async def told(*, lifting: bool = False) -> ErasureAnswer:
            hold = next((each for each in await holds.standing() if each.number == number), None)
            now = await there(asked.had)
            return await requests.answer(asked, request, now, hold, by=ANN, lifting=lifting)

        requests = ErasureRequests(database, house.clock, house.notes, "Europe/Paris")
        request = Request("R-12", "identity card seen", "Shop")
        mandate = Mandate(actor, "asked for under article 17")
        house.clock.advance_to(begun + timedelta(days=12))
        asked = await requests.open("R-12", number, await there(), by=ANN)
        assert len(asked.had) == 14
        with pytest.raises(ErasureHeld, match=f"{case}; it is to be reviewed on {review}"):
            await erase_subject(database, house.appender, house.clock, number, mandate)
        first = await told()
        assert (first.count("kept"), first.count("due"), first.count("erased")) == (3, 11, 0)

        # within its month the company's own system empties its columns; whosaw says erased only where it looked
        house.clock.advance_to(begun + timedelta(days=30))
        async with database.connection() as connection:
            empty = ", ".join(f"{name} = null" for name in COLUMNS if name != "email")
            await connection.execute(f"update story.customers set {empty} where id = 'C-000033'".encode())
        second = await told()
        kept = [each for each in second.fields if each.outcome == "kept"]
        grounds = {(each.ground, each.until) for each in kept} == {(case, review)}
        in_time = house.clock.now() <= asked.due_at
        split = (second.count("erased"), len(kept), len(second.fields)) == (11, 3, 14)
        results.least(
            "S9", "11 of 14 fields erased in 30 days, 3 kept with ground and review", [split and grounds and in_time], 1
        )
        letter = erasure_text(second, {f"customer.{name}": name for name in COLUMNS})
        assert (
            all(word in letter for word in (case, str(review), RECORD, KEY, "email"))
            and "Still to be erased" not in letter
        )
        signed = sign_answer(second, house.keys.trail)
        assert check_answer(second.as_json(), signed, house.keys.trail.verifier)["reference"] == "R-12"

        # day 400: he is told first; without that the hold cannot be lifted
        house.clock.advance_to(begun + timedelta(days=400))
        with pytest.raises(HoldUntold):
            await holds.lift("subject", number, reason="the court is done", by=actor)
        ending = await told(lifting=True)
        assert "about to be lifted" in erasure_text(ending, {})
        await holds.tell("subject", number, by=actor)
        await holds.lift("subject", number, reason="the court is done", by=actor)
        found = await requests.get("R-12")
        assert found is not None
        asked = found
        open_again = await told()
        again = {each.until for each in open_again.fields if each.outcome == "due"}
        assert open_again.count("due") == 3
        assert again == {(house.clock.now() + timedelta(days=30)).date()}  # the rest has its month anew
        gone = await erase_subject(database, house.appender, house.clock, number, mandate)
        assert gone.entries >= 14 and await find(database, "subject", FRENCH) is None
        async with database.connection() as connection:
            await connection.execute("delete from story.customers where id = 'C-000033'")
        last = await told()
        results.least("S9", "told first, then all 14 are gone", [last.count("erased") == 14], 1)
        assert not (await answer_access(database, number, request, at=house.clock.now())).look_ups
        await Integrator(database, house.keys, house.trail, house.clock).step()
        whole = await fsck(database, house.trail, house.keys.trail.verifier)
        others = await answer_access(database, numbers[FINN], request, at=house.clock.now())
        kept_whole = whole.ok and len(others.look_ups) == 14
        results.least("S9", "erasure waits for the hold, then goes, and the trail still proves", [kept_whole], 1)
