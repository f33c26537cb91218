"""What was not weighed, by code and in words."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from whosaw.app.lacks import Lack, Sentence, may_clear

VALUES: dict[str, int | str] = {
    "count": 1200,
    "known": 7,
    "rows": "2 rows",
    "customers": "3 customers",
    "records": "shared accounts and sites",
    "accounts": "1 account",
    "sightings": "4 sightings",
    "source": "own orders",
}
CLEAR_NOBODY = {Lack.MANAGERS_OF_OTHERS, Lack.HANDED_UNKNOWN, Lack.ORDERS_OF_NOBODY}


@pytest.mark.parametrize("lack", Lack)
def test_every_lack_has_a_sentence_and_says_whether_it_may_clear_somebody(lack: Lack) -> None:
    said = Sentence.of(lack, **VALUES)
    assert said and "{" not in said and said.lack is lack
    assert may_clear(["something else", said]) == (lack not in CLEAR_NOBODY)
    assert may_clear(deepcopy([said])) == may_clear([said]), "a copy of a verdict is as careful"


def test_people_and_files_are_given_the_sentence_alone() -> None:
    said = Sentence.of(Lack.HANDED_UNKNOWN, count=1200, customers="1,300 customers")
    assert said == "the record does not know 1,200 of 1,300 customers handed over"
    assert json.dumps([said]) == f'["{said}"]'
    assert not may_clear(json.loads(json.dumps([Sentence.of(Lack.HANDED_NONE_KNOWN)]))), "what was kept has no code"
