"""A long list of numbers is planned otherwise than a short one, and finds the same rows."""

from __future__ import annotations

from typing import Any

import pytest

from whosaw.lake.among import FEW, among
from whosaw.lake.answers import ask
from whosaw.lake.duck import duck_sql
from whosaw.lake.named import ENTRIES, Asked

EU, US = "eu.example/trail", "us.example/trail"


@pytest.mark.parametrize("many", [1, FEW, FEW + 1, 4000])
def test_who_saw_finds_the_disclosures_of_a_list_of_any_length(made: Any, many: int) -> None:
    wanted = {EU: tuple(range(1, 1 + many)), US: tuple(range(3, 3 + many))}
    expected = sorted((p["at"], t, i, s, p["actor"]) for t, i, s, p in made.disclosures() if s in wanted[t])
    found = ask(made.folder, "who-saw", Asked(subjects=wanted)).table.to_pylist()
    assert expected
    assert [(r["at_us"], r["trail"], r["entry"], r["subject"], r["actor"]) for r in found] == expected


def test_repeated_numbers_count_once_and_a_long_list_is_one_text() -> None:
    short, long = ([*range(size), *range(size)] for size in (FEW, FEW + 1))
    assert "STR_SPLIT" not in duck_sql(ENTRIES.filter(among(ENTRIES.subject, short)))
    said = duck_sql(ENTRIES.filter(among(ENTRIES.subject, long)))
    assert said.count("STR_SPLIT") == 1
    assert said.count(f"{FEW},") == 0 and said.count(f"{FEW - 1},{FEW}'") == 1
