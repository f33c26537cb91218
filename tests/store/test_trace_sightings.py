"""Complaints and hits of the database become the file that a trace reads."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pytest
from tests.catalogs import settle
from tests.store.conftest import CATALOG, NOON, Company

from whosaw.answer.intake import Complaint
from whosaw.answer.signature import DkimResult
from whosaw.app.casedesk import case_work
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.tracesightings import NoSightings, sightings_of, write_sightings
from whosaw.lake.sightings import choose, read_sightings
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

SIGNED = DkimResult("pass", "rival.example", "s", "v=DKIM1", NOON)


@pytest.fixture
async def services(company: Company, database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    state = settle(tmp_path / "state", CATALOG, database_url)
    async with open_services(Settings(state=state), SimulatedClock(NOON), database_url, door="test") as opened:
        yield opened


async def took_in(
    services: Services, whom: str, beneficiary: str, domain: str, form: Literal["mail", "alias", "canary"] = "mail"
) -> int:
    number = (await assign(services.db, "subject", [whom]))[whom]
    raw = sha256(f"{whom} {domain} {form}".encode()).hexdigest()
    complaint = Complaint(
        "",
        NOON,
        "attached",
        f"x@{domain}",
        domain,
        "",
        "",
        NOON - timedelta(days=1),
        True,
        SIGNED,
        SIGNED,
        (),
        raw,
        raw,
    )
    channel = "mail" if form == "mail" else form
    sighting, _ = await case_work(services).book.add(
        complaint, subject=number, beneficiary=beneficiary, channel=channel, form=form
    )
    return sighting.id


async def test_complaints_and_the_hits_of_the_same_senders_become_the_file_that_a_trace_reads(
    services: Services, tmp_path: Path
) -> None:
    await took_in(services, "customer:C-1", "seller:S-88", "rival.example")
    await took_in(services, "customer:C-2", "seller:S-88", "rival.example")
    await took_in(services, "customer:C-3", "seller:S-9", "other.example")
    await took_in(services, "customer:C-7", "domain:rival.example", "rival.example", "canary")
    await took_in(services, "customer:C-8", "domain:stranger.example", "stranger.example", "canary")
    found = await sightings_of(services, beneficiary="seller:S-88")
    out = tmp_path / "complaints.csv"
    out.write_text("an older file", encoding="utf-8")
    await write_sightings(services, found, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    read = choose(read_sightings(out), None)
    assert read.beneficiary == "seller:S-88"
    told = [(each.subject, each.channel) for each in read.sightings]
    assert told == [("customer:C-1", "mail"), ("customer:C-2", "mail"), ("customer:C-7", "canary")]
    assert {each.contacted_us for each in read.sightings} == {to_us(NOON - timedelta(days=1))}


async def test_where_nothing_was_taken_in_there_is_nothing_to_ask(services: Services) -> None:
    await took_in(services, "customer:C-3", "seller:S-9", "other.example")
    with pytest.raises(NoSightings):
        await sightings_of(services, beneficiary="seller:S-88")


async def test_the_hit_of_an_alias_names_who_alone_was_shown_it(services: Services, tmp_path: Path) -> None:
    await took_in(services, "customer:C-1", "seller:S-88", "rival.example")
    hit = await took_in(services, "customer:C-1", "domain:rival.example", "rival.example", "alias")
    actor = (await assign(services.db, "actor", ["E-7"]))["E-7"]
    subject = (await assign(services.db, "subject", ["customer:C-1"]))["customer:C-1"]
    async with services.db.connection() as connection:
        await connection.execute(
            "insert into mail_alias (address_sha256, entry, field, actor, subject, party, made_at, expires_at) "
            "values (%s, 5, 'customer.email', %s, %s, '', %s, %s)",
            [bytes(32), actor, subject, NOON, NOON + timedelta(days=180)],
        )
        await connection.execute(
            "insert into mail_hit (kind, entry, subject, sighting_id, raw_sha256, sender_domain, dkim, at, note) "
            "values ('alias', 5, %s, %s, %s, 'rival.example', 'pass', %s, 1)",
            [subject, hit, "ab" * 32, NOON],
        )
    out = tmp_path / "complaints.csv"
    await write_sightings(services, await sightings_of(services, beneficiary="seller:S-88"), out)
    told = [(each.subject, each.channel, each.actor) for each in choose(read_sightings(out), None).sightings]
    assert told == [("customer:C-1", "mail", None), ("customer:C-1", "alias", "E-7")]
