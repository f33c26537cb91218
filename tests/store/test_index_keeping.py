"""The index beside a server's lake follows by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from tests.catalogs import settle

from whosaw.app.lakekeeping import follow_lake
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.traceindex import open_index
from whosaw.app.tracelake import has_index, index_folder, is_behind
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.terms import SimulatedClock

CLOCK = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))
MAPPING = read_mapping({"kind": "accesses", "columns": {"actor": "who", "subject": "whom", "at": "at"}})


@pytest.fixture
async def services(database_url: str, tmp_path: Path, company_sql: str, catalog_text: str) -> AsyncIterator[Services]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(company_sql)
    state = settle(tmp_path / "state", catalog_text, database_url)
    settings = Settings(state=state, database=database_url)
    async with open_services(settings, CLOCK, database_url, door="serve") as opened:
        yield opened


async def test_the_index_follows_the_lake_of_the_server(services: Services) -> None:
    lake = services.settings.state / "lake"
    assert not await follow_lake(services), "there is no lake yet"
    for day in (1, 2):
        log = services.settings.state / f"log-{day}.csv"
        log.write_text(f"who,whom,at\na1,C-{day},2026-02-0{day}T10:00:00Z\n", encoding="utf-8")
        import_log(log, MAPPING, lake, clock=services.clock)
        assert is_behind(lake)
        assert await follow_lake(services)
        assert has_index(lake) and not is_behind(lake)
        assert open_index(index_folder(lake)).rows == day
        assert not await follow_lake(services), "it is not made again where nothing changed"
