"""A few cases per setting of the worlds with a known truth; `bench/trace/calibrate.py` plays thousands."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "trace"))

from adapter import Outcome, answer, judge, make_case

from worlds import Spec

SEEDS = int(os.environ.get("WHOSAW_WORLD_SEEDS", "4"))
"""`make scenarios` plays 20."""


def play(*specs: Spec) -> list[Outcome]:
    found = []
    for spec in specs:
        for seed in range(1000, 1000 + SEEDS):  # seeds that no measured table used
            case = make_case(spec, seed)
            found.append(judge(case, answer(case)))
    return found


def test_without_an_insider_no_finding_and_hardly_a_lead() -> None:
    found = play(
        *[
            Spec(mode, k, strange=strange)
            for strange in (False, True)
            for k in (5, 20)
            for mode in ("own", "breach", "star")
        ]
    )
    assert not any(x.innocent_finding for x in found)
    assert sum(bool(x.innocent_lead) for x in found) <= max(2, 0.08 * len(found))


@pytest.mark.parametrize("mode", ["lookup", "legit", "mixed"])
def test_a_leaker_is_first_and_no_innocent_is_named(mode: str) -> None:
    found = play(Spec(mode, 10))
    assert sum(x.first for x in found) >= 0.95 * len(found)
    assert sum(x.lead for x in found) >= 0.5 * len(found)
    assert not any(x.innocent_lead for x in found)


def test_a_decoy_and_a_twin_are_not_named() -> None:
    found = play(Spec("lookup", 10, decoy=True), Spec("lookup", 10, twin=0.8))
    assert not any(x.bystander for x in found)


def test_bounds_hold_what_leaked() -> None:
    found = [x for x in play(Spec("lookup", 20), Spec("legit", 10)) if x.bounded]
    assert len(found) >= SEEDS
    assert all(x.covered and x.leaked <= x.extra["most"] <= x.size for x in found)
    assert all(x.extra["in_set"] != 0 for x in found)


def test_worlds_know_neither_the_method_nor_the_market() -> None:
    for path in (Path(__file__).resolve().parents[1] / "worlds").glob("*.py"):
        assert "whosaw" not in path.read_text(encoding="utf-8")
