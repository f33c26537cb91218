"""The code of conduct: versions, who acknowledged which, and who is missing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from whosaw.gate.conduct import ConductInvalid
from whosaw.gate.standing import standing
from whosaw.record import TrailUnavailable

if TYPE_CHECKING:
    from tests.store.standing.conftest import Desk

EVERYBODY = "select id as key, roles, region, ended, since from company.staff order by id"


async def may(desk: Desk, actor: str) -> bool:
    return (await standing(desk.db, [actor], desk.clock.now(), desk.catalog.conduct))[actor].acknowledged


async def test_a_new_version_shuts_out_whoever_has_not_acknowledged_it_from_its_day_on(desk: Desk) -> None:
    await desk.conducts.publish("2026-1", "Look only at what your work needs.", by="P-1")
    await desk.conducts.acknowledge("E-1")
    assert await may(desk, "E-1")
    assert not await may(desk, "E-2")
    tomorrow = desk.clock.now() + timedelta(days=1)
    await desk.conducts.publish("2026-2", "And never for a friend.", by="P-1", in_force_at=tomorrow)
    await desk.conducts.acknowledge("E-2", "2026-2")
    assert await may(desk, "E-1")
    assert not await may(desk, "E-2"), "what is to come does not stand for what is in force"
    desk.later(days=1)
    assert not await may(desk, "E-1")
    assert await may(desk, "E-2")
    with pytest.raises(ConductInvalid, match="replaced"):
        await desk.conducts.acknowledge("E-1", "2026-1")
    desk.later(days=365)
    assert not await may(desk, "E-2"), "an acknowledgement does not hold for ever"
    await desk.conducts.acknowledge("E-2")
    assert await may(desk, "E-2")


async def test_who_acknowledged_which_text_when_stands_in_the_trail(desk: Desk) -> None:
    code = await desk.conducts.publish("1", "Text", by="P-1")
    await asyncio.gather(*(desk.conducts.acknowledge("E-1") for _ in range(3)))
    published, acknowledged = await desk.entries("conduct")
    assert (published["change"], acknowledged["change"]) == ("published", "acknowledged")
    assert acknowledged["sha256"] == published["sha256"] == code.sha256
    assert acknowledged["actor"] != published["actor"]
    desk.later(days=1)
    await desk.conducts.acknowledge("E-1")
    assert len(await desk.entries("conduct")) == 3


async def test_a_published_version_is_not_changed_and_nonsense_is_not_published(desk: Desk) -> None:
    one = await desk.conducts.publish("1", "Text", by="P-1")
    assert await desk.conducts.publish("1", "Text", by="P-1") == one
    for version, text in [
        ("1", "Another"),
        ("", "Text"),
        ("x" * 41, "Text"),
        ("2", " "),
        ("2", "nul\x00"),
        ("\n", "T"),
    ]:
        with pytest.raises(ConductInvalid):
            await desk.conducts.publish(version, text, by="P-1")
    with pytest.raises(ConductInvalid):
        await desk.conducts.acknowledge("E-1", "invented")
    assert await desk.conducts.text(one) == "Text"


async def test_a_version_cannot_be_put_in_force_backwards(desk: Desk) -> None:
    code = await desk.conducts.publish("1", "Text", by="P-1", in_force_at=desk.clock.now() - timedelta(days=9))
    assert code.in_force_at == desk.clock.now()


async def test_the_campaign_view_names_by_team_who_is_missing_and_nobody_who_left(desk: Desk) -> None:
    everybody = {row[0]: {"roles": row[1], "ended": row[3], "since": row[4]} for row in await desk.rows(EVERYBODY)}
    assert {team.name: len(team.missing) for team in await desk.conducts.missing(everybody)} == {
        "support": 7,
        "gardener": 1,
        "lead": 1,
    }
    await desk.conducts.publish("1", "Text", by="P-1")
    for actor in ("E-1", "G-1", "L-1"):
        await desk.conducts.acknowledge(actor)
    found = {team.name: team for team in await desk.conducts.missing(everybody)}
    assert (found["support"].people, found["support"].missing) == (7, ("E-2", "N-1", "P-1", "P-2", "S-1", "U-1"))
    assert found["gardener"].missing == ()
    desk.later(days=365)
    assert len((await desk.conducts.missing(everybody))[0].missing) == 8  # who began meanwhile is asked too


async def test_what_cannot_be_recorded_does_not_count(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.conducts.publish("1", "Text", by="P-1")

    async def down(*_: object) -> object:
        raise TrailUnavailable("the trail is down")

    monkeypatch.setattr(desk.appender, "append", down)
    with pytest.raises(TrailUnavailable):
        await desk.conducts.acknowledge("E-1")
    assert not await may(desk, "E-1")
