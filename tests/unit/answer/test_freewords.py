"""Somebody's own words lose every key that they are not to show, and nothing else."""

import pytest

from whosaw.answer.freewords import without_keys

STAFF = {"E-4": "actor #1", "E-44": "actor #2", "4711": "actor #3"}
CUSTOMERS = ("customer:C-1", "customer:17", "c9")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("E-4, e-44 and (E-4).", "actor #1, actor #2 and (actor #1)."),
        ("E-444 and NE-4 are others", "E-444 and NE-4 are others"),
        ("e-4@shop.example wrote", "actor #1@shop.example wrote"),
        ("I, 4711, in 17 days", "I, actor #3, in 17 days"),
        ("customer:17, C-1 and c9 asked", "a customer, a customer and a customer asked"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_a_key_goes_however_it_is_written_and_a_longer_word_stays(said: str, left: str) -> None:
    assert without_keys(said, STAFF, CUSTOMERS) == left


def test_without_anybody_to_hide_the_words_stay() -> None:
    assert without_keys("E-4", {}) == "E-4"
