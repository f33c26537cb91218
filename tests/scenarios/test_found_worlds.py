"""Two worlds in which a list turns up beside complaints; `bench/trace/found.py` plays thousands."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "trace"))

from found import play

SEED = 1002
"""No measured table used it."""


def test_a_list_lifts_no_innocent_who_asked_for_its_customers_and_speaks_for_whoever_took_it() -> None:
    rows = list(play(SEED, ("team lead", "reviewed")))
    assert len(rows) == 8

    def of(kind: str, k: int) -> dict[str, Any]:
        return next(row for row in rows if row["kind"] == kind and row["k"] == k)

    assert all(not row["beside"]["stated"] for row in rows if row["k"] == 0), "a list alone ranks nobody"
    # nobody inside leaked; the odds of the list would make of the team lead, who asked in one go for it, a finding
    assert of("team lead", 5)["bare"]["other"] == of("team lead", 5)["beside"]["other"] == 0
    for row in rows:
        assert row["beside"]["other"] <= row["bare"]["other"] and row["beside"]["high"] <= row["bare"]["high"]
    # somebody took a list that his team lead had reviewed: he gains
    few = of("reviewed", 3)
    (before, first), (after, still) = few["bare"]["stated"][0], few["beside"]["stated"][0]
    assert first and still and after > 3 * before and few["odds"][0] > 10
