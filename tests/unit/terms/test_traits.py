"""What a person is, by the names of columns and by what stands in them."""

from __future__ import annotations

import pytest

from whosaw.terms import trait_in, trait_of


@pytest.mark.parametrize(
    "name",
    [
        *("nationality", "herkunft", "dob_year", "birthYear", "Geburtsjahr", "Staatsangehörigkeit", "monthly_pay"),
        *("GEHALT", "âge", "edad", "Geschlecht", "mother_tongue", "preferredLanguage", "Gewerkschaft", "sick_days"),
        *("krankenstand", "płeć", "nacionalidad", "religion", "disabilityLevel", "salaire_brut", "ethnicity"),
    ],
)
def test_a_column_named_after_what_a_person_is_is_known(name: str) -> None:
    assert trait_in(name)


@pytest.mark.parametrize(
    "name",
    [
        *("queue", "product", "shift", "role", "region", "employer", "part_time", "page", "payments_queue", "agent"),
        *("stage", "opened_by", "reunion", "sector", "hour", "message", "package", "image", "key", "essex_office"),
    ],
)
def test_a_column_about_work_is_not_taken_for_one(name: str) -> None:
    assert trait_in(name) == ""


@pytest.mark.parametrize(
    ("values", "trait"),
    [
        (["m", "f", "", "f"], "sex"),
        (["Männlich", "weiblich", "divers"], "sex"),
        ([*map(str, range(1960, 1981)), "external"], "birth"),
        (["1971-03-02", "1984-11-30", "02.07.1990", "2001-01-01", "1/2/1966", ""], "birth"),
        (["early", "late", "night"], ""),
        (["F", "M", "S", "N"], ""),  # a plan's letters for early, middle, late, night
        (["M", "T", "W", "F"], ""),
        ([*map(str, range(2001, 2011))], ""),  # numbers of queues
        (["1950", "1960", "1970", "1980", "1990"], ""),
        (["1971-03-02", "1984-11-30", "02.07.1990", "2001-01-01"], ""),
        (["returns", "fraud", "mr claims"], ""),
        (["1", "2", "3", "4", "5", "6"], ""),
        (["2024", "2025", "2026", "2023", "2022"], ""),
        (["1971", "1984"], ""),
        ([], ""),
    ],
)
def test_sexes_and_birth_dates_are_known_by_what_stands_there(values: list[str], trait: str) -> None:
    assert trait_of(values) == trait
