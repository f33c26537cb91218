"""Whom a copy of a bundle leaves out is somebody whom the record knows: else he who is meant would stay in it."""

from __future__ import annotations

import psycopg
import pytest
from tests.store.test_case_pages import services

from whosaw.app.commands.evidence import _subjects
from whosaw.app.commands.opened import UnknownPerson
from whosaw.app.services import Services
from whosaw.store.numbers import assign

__all__ = ["services"]  # the fixture of the same world


async def test_a_number_that_the_record_never_gave_is_refused_as_a_key_is(
    services: Services, database_url: str
) -> None:
    one, two = (await assign(services.db, "subject", ["customer:C-1", "customer:C-2"])).values()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("delete from number_map where space = 'subject' and number = %s", [two])
        connection.execute("insert into number_erased values ('subject', %s)", [two])
    assert await _subjects(services, f"customer:C-1, {two},") == {one, two}, "who was erased may be left out by number"
    assert await _subjects(services, f"{one}") == {one}
    for text in ("99999", f"{one},0", "9" * 30, "customer:C-77"):
        with pytest.raises(UnknownPerson) as refused:
            await _subjects(services, text)
        assert refused.value.hint
