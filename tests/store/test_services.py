"""Two processes of one whosaw that open at the same time agree on everything they share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.catalogs import head

from whosaw.app.services import open_services
from whosaw.app.settings import Settings
from whosaw.record import KeyRefused
from whosaw.store.migrate import engine_url
from whosaw.terms import SimulatedClock, SystemClock

if TYPE_CHECKING:
    from tests.store.conftest import Company

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def settings(company: Company, database_url: str, tmp_path: Path) -> Settings:
    state = tmp_path / "state"
    state.mkdir()
    address = engine_url(database_url).render_as_string(hide_password=False)
    catalog = (
        head(address)
        + """
[actors]
source = "company"
query = "select id as key, roles, region, ended from company.staff"
"""
    )
    (state / "whosaw.toml").write_text(catalog)
    return Settings(state=state)


async def test_several_that_open_at_once_share_keys_and_the_doors_password(
    settings: Settings, database_url: str
) -> None:
    async def use(door: str) -> str:
        async with open_services(settings, SimulatedClock(NOON), database_url, door=door) as services:
            await services.suspensions.suspend(f"E-{door}", reason="x", by="officer")
            assert await services.suspensions.among([f"E-{door}"]) == {f"E-{door}"}
            return services.keys.origin

    origins = await asyncio.gather(*(use(str(number)) for number in range(4)))
    assert len(set(origins)) == 1
    for name in ("trail.key", "receipt.key", "door.password"):
        assert (settings.keys_folder / name).stat().st_mode & 0o777 == 0o600
    assert (settings.trail_folder / "policy").read_text().startswith("log whosaw.local.simulated/trail")


async def test_a_trail_of_a_demonstration_is_never_continued_under_the_real_clock(
    settings: Settings, database_url: str
) -> None:
    async with open_services(settings, SimulatedClock(NOON), database_url, door="a"):
        pass
    with pytest.raises(KeyRefused, match="simulated"):
        async with open_services(settings, SystemClock(), database_url, door="b"):
            pass
