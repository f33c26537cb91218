"""Machines that open everything are left out of a watch run before their sets are read; people never are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.store.watchworld import END, LOOKS, worlds

from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchlake import run_lake
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.opened import opened
from whosaw.record.exposure import Exposures
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us


@pytest.fixture
def world(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Iterator[tuple[str, Path]]:
    with (
        worlds(postgres_url, template_database, tmp_path_factory.mktemp("machines"), weighed=False) as made,
        made.copy(tmp_path) as lent,
    ):
        yield lent


@pytest.fixture
async def services(world: tuple[str, Path]) -> AsyncIterator[Services]:
    url, state = world
    async with open_services(
        Settings(state=state, database=SecretStr(url)), SimulatedClock(END), url, door="serve"
    ) as found:
        yield found


async def test_what_a_machine_opened_is_left_out_unread_and_nobody_of_the_staff_passes_for_one(
    services: Services, tmp_path: Path
) -> None:
    subjects = await assign(services.db, "subject", [f"customer:C-{n}" for n in range(12)])
    actors = await assign(services.db, "actor", ["batch", "E-6"])
    kept = await Exposures(services.db).keep(subjects.values())
    said = {"kind": "disclosure", "at": to_us(END) - 3_600_000_000, "door": "http", "decision": "reveal"}
    shown = {"fields": ["customer.email=reveal"], "verified": "no", **kept}
    for name in ("batch", "E-6"):
        await services.appender.append({**said, **shown, "actor": actors[name]})
    log = tmp_path / "crm.csv"
    log.write_text(f"actor,subject,at\nbatch,customer:C-1,{END:%Y-%m-%dT%H:%M:%SZ}\n")
    columns = {name: name for name in ("actor", "subject", "at")}
    mapping = {"kind": "accesses", "columns": columns, "actors": {"service": ["batch", "E-6"]}}
    import_log(log, read_mapping(mapping), services.settings.state / "lake")

    async with run_lake(services, 0, to_us(END)) as (lake, left_out):
        assert (left_out.machines, left_out.sets_unread) == (1, 0)
        with opened(lake) as held:
            names = held.keys("actor")
            rows = held.connection.execute("select actor, count(*) from accesses group by actor").fetchall()
    counts = {names[actor]: count for actor, count in rows}
    assert "batch" not in counts and counts["E-6"] >= 12
    assert sum(counts.values()) == LOOKS + 11 + 12
