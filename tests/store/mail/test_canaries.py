"""A person who does not exist: planted, written to, looked at without work; who could have spread it is said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.catalogs import settle
from tests.store.conftest import CATALOG, COMPANY, NOON, Company
from tests.store.mail.conftest import STRANGER, letter

from whosaw.app.canaries import Canaries, CanaryInvalid, CanaryUnknown
from whosaw.app.maildoor import hits_of, mail_door
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.ask import Ask, BulkAsk
from whosaw.record.exposure import EXPOSURE_FROM
from whosaw.store.alerts import raise_alert
from whosaw.store.numbers import find
from whosaw.terms import PurposeRef, SimulatedClock, SubjectRef

WHO = SubjectRef.parse("customer:C-7")
CANARIES = '\n[aliases]\ndomain = "a.company.example"\ncanary_domain = "postbox.example"\n'


@pytest.fixture
def company_sql() -> str:
    return COMPANY


@pytest.fixture
def catalog_text() -> str:
    return CATALOG + CANARIES


@dataclass
class Shop:
    services: Services
    clock: SimulatedClock
    canaries: Canaries
    url: str

    def write(self, address: str) -> None:
        """Let the company give the person its address, as any customer's."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("update company.customers set email = %s where id = 'C-7'", [address])

    async def show(self, actor: str, purpose: str | None, number: int) -> None:
        named = PurposeRef.parse(purpose) if purpose else None
        fields = ("customer.email",)
        await self.services.gate.disclose(Ask(actor, WHO, fields, named, "http", self.clock.now(), f"{number:032x}"))


@pytest.fixture
async def shop(company: Company, database_url: str, tmp_path: Path, catalog_text: str) -> AsyncIterator[Shop]:
    state = settle(tmp_path / "state", catalog_text, database_url)
    clock = SimulatedClock(NOON)
    async with open_services(Settings(state=state), clock, database_url, door="test") as services:
        yield Shop(services, clock, Canaries(services), database_url)


async def test_mail_to_one_names_the_disclosures_that_could_have_spread_it_and_no_later_one(shop: Shop) -> None:
    address = await shop.canaries.add(WHO, "queue:returns", by="officer", like="anna.berg")
    assert address.startswith("anna.berg.")
    assert address.endswith("@postbox.example")
    assert [each.planted for each in await shop.canaries.list()] == [False]
    shop.write(address)
    assert [each.planted for each in await shop.canaries.list()] == [True]
    await shop.show("E-1", "ticket:T-7", 1)
    await shop.show("E-1", None, 2)  # masked: whoever saw that could not spread it
    shop.clock.advance_to(NOON + timedelta(days=2))

    async def nowhere(sender: str, recipient: str, raw: bytes) -> None:
        raise AssertionError("mail to a canary goes nowhere")

    door = mail_door(shop.services, lambda _: None, nowhere)
    for _ in range(2):
        assert await door.take(STRANGER, address.upper(), letter(STRANGER, address)) == "canary"
    shop.clock.advance_to(NOON + timedelta(days=3))
    await shop.show("E-1", "ticket:T-7", 3)
    (hit,) = await hits_of(shop.services).list("canary")
    number = await find(shop.services.db, "subject", str(WHO))
    assert (hit.subject, hit.entry, hit.sender_domain) == (number, None, "rival.example")
    (opening,) = await shop.canaries.spread(hit.subject, hit.at)
    assert (opening.kind, opening.verified, opening.door) == ("disclosure", True, "http")
    async with shop.services.db.connection() as connection:
        rows = await connection.execute("select form, channel, beneficiary from sighting")
        assert await rows.fetchall() == [("canary", "canary", "domain:rival.example")]
        rows = await connection.execute("select about from alert where code = 'canary.hit'")
        ((about,),) = await rows.fetchall()
    assert set(about) == {"sighting"}  # neither who it is nor who saw it


async def test_asking_about_one_without_work_is_a_touch_and_with_work_is_none(shop: Shop) -> None:
    await shop.show("E-1", None, 1)  # before it was one
    shop.clock.advance_to(NOON + timedelta(hours=1))
    await shop.canaries.add(WHO, "queue:returns", by="officer")
    await shop.show("E-1", "ticket:T-7", 2)
    assert await shop.canaries.touches() == []
    await shop.show("E-1", None, 3)
    ((_, touch),) = await shop.canaries.touches()
    assert touch.verified is False
    assert [await shop.canaries.alarm() for _ in range(3)] == [1, 0, 0]  # told once, and not every minute again
    async with shop.services.db.connection() as connection:
        rows = await connection.execute("select about from alert where code = 'canary.hit'")
        assert await rows.fetchall() == [({"entry": touch.entry},)]
    shop.clock.advance_to(NOON + timedelta(hours=2))
    await shop.canaries.retire(WHO)
    await shop.show("E-1", None, 4)
    assert len(await shop.canaries.touches()) == 1


async def test_a_touch_among_hundreds_asked_for_at_once_is_told_and_those_of_before_are_not(shop: Shop) -> None:
    at = shop.clock.now

    async def export(number: int, first: int, last: int) -> None:
        subjects = tuple(SubjectRef("customer", f"C-{n}") for n in range(first, last + 1))
        await shop.services.gate.disclose_bulk(
            BulkAsk("E-1", subjects, ("customer.email",), None, "http", at(), f"{number:032x}")
        )

    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute(
            "insert into company.customers select 'C-' || i, 'Ada ' || i, 'a' || i || '@m.example', '+49', 'S', 'EU' "
            "from generate_series(41, 400) i on conflict do nothing"
        )
    await export(1, 1, EXPOSURE_FROM + 20)  # before it was one
    shop.clock.advance_to(NOON + timedelta(hours=1))
    await shop.canaries.add(WHO, "queue:returns", by="officer")
    await export(2, 8, EXPOSURE_FROM + 20)  # it is not among them
    assert await shop.canaries.touches() == []
    await export(3, 1, EXPOSURE_FROM + 20)
    ((number, touch),) = await shop.canaries.touches()
    assert number == await find(shop.services.db, "subject", str(WHO)) and touch.verified is False
    async with shop.services.db.connection() as connection_of:
        rows = await connection_of.execute("select index from trail_exposed order by index desc limit 1")
        assert await rows.fetchall() == [(touch.entry,)]
    assert [await shop.canaries.alarm() for _ in range(4)] == [1, 0, 0, 0]
    await export(4, 1, EXPOSURE_FROM + 20)  # the same persons again, told by who looked into the first sets already
    assert [await shop.canaries.alarm() for _ in range(2)] == [1, 0]
    assert [await Canaries(shop.services).alarm(), len(await shop.canaries.touches())] == [0, 2]
    shop.clock.advance_to(NOON + timedelta(hours=2))
    await shop.canaries.retire(WHO)
    await export(5, 1, EXPOSURE_FROM + 20)
    assert [await shop.canaries.alarm(), len(await shop.canaries.touches())] == [0, 2]


async def test_a_new_touch_is_told_and_the_old_ones_are_not_told_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.canaries.add(WHO, "queue:returns", by="officer")
    raised: list[int] = []

    async def counted(*given: Any, **more: Any) -> int:
        raised.append(given[4]["entry"])
        return await raise_alert(*given, **more)

    monkeypatch.setattr("whosaw.app.canaries.raise_alert", counted)
    for minute in range(1, 4):
        await shop.show("E-1", None, minute)
        await shop.canaries.alarm()
    assert len(raised) == len(set(raised)) == 3
    async with shop.services.db.connection() as connection:
        rows = await connection.execute(
            "select (about ->> 'entry')::int from alert where code = 'canary.hit' order by 1"
        )
        assert [int(each) for (each,) in await rows.fetchall()] == sorted(raised)


async def test_the_record_does_not_say_who_is_one(shop: Shop) -> None:
    address = await shop.canaries.add(WHO, "queue:returns", by="officer")
    number = await find(shop.services.db, "subject", str(WHO))
    async with shop.services.db.connection() as connection:
        rows = await connection.execute("select payload from trail_entry where payload like '%%canary.added%%'")
        ((note,),) = await rows.fetchall()
    assert json.loads(note).get("subject") is None
    assert str(number) not in {
        str(value) for name, value in json.loads(note).items() if name not in {"actor", "purpose"}
    }
    assert address.partition("@")[0] not in note


async def test_what_cannot_be_one_is_refused(shop: Shop) -> None:
    await shop.canaries.add(WHO, "queue:returns", by="officer")
    with pytest.raises(CanaryInvalid, match="already"):
        await shop.canaries.add(WHO, "queue:returns", by="officer")
    for who, place, like in (("robot:R-1", "x", ""), ("customer:C-8", " ", ""), ("customer:C-8", "x", "a b@c")):
        with pytest.raises(CanaryInvalid):
            await shop.canaries.add(SubjectRef.parse(who), place, by="officer", like=like)
    with pytest.raises(CanaryUnknown):
        await shop.canaries.retire(SubjectRef.parse("customer:C-9"))
