"""What a verdict may not say where not all was weighed, and what one weighs less than another."""

from __future__ import annotations

from typing import Any

import pytest

from whosaw.app.casecaution import ALONE, cap, heed, heeded, silent_about, strongest, weighed_in, weighs_less

HAND_OVER = {"what": "hand-over", "actor": "E-5"}
QUESTION = {"what": "asked in one go", "actor": "E-5", "probability": 0.4}
KNOWN = {"customer:C-1": [{"source": "public dump", "probability": 0.9}]}
BY_ROUTE: dict[str, Any] = {"method": {"matched_by": ["kind of work", "route"]}}
ALL = ("managers", "handovers", "presence", "accounts")


def candidate(rung: str, *actors: str) -> dict[str, Any]:
    return {
        "actors": [*actors],
        "rung": rung,
        "robust": rung == "finding",
        "probability": 0.9,
        "seen": 6,
        "of": 6,
        "expected": 1.0,
        "instead": [],
    }


def told(*candidates: dict[str, Any]) -> dict[str, Any]:
    part = {"bound": 7, "confidence": 0.95}
    return {
        "verdict": candidates[0]["rung"] if candidates[0]["rung"] != "no_signal" else "undecided",
        "candidates": [*candidates],
        "outside_probability": 0.1,
        "missing": [],
        "nothing_else": {"holds": True, "sentence": "…", "because": []},
        "scope": {"bounded": True, "bound": 7, "most": 5, "alone": 4, "confidence": 0.95, "by_class": {"direct": part}},
    }


def computed(*weighed: str, **rows: int) -> dict[str, Any]:
    return {"candidates": [], "inputs": {"weighed": [*weighed], "rows": rows}}


def test_what_nobody_asked_for_names_no_finding_and_gives_no_bound_anywhere() -> None:
    said = told(candidate("finding", "E-9"), candidate("lead", "E-1"))
    cap(said)
    assert said["verdict"] == "lead" and [each["rung"] for each in said["candidates"]] == ["lead", "lead"]
    assert not any(each["robust"] for each in said["candidates"])
    scope = said["scope"]
    assert not scope["bounded"] and {scope[name] for name in ("bound", "most", "alone", "confidence")} == {None}
    assert scope["by_class"]["direct"] == {"bound": None, "confidence": None}
    assert not said["nothing_else"]["holds"] and said["missing"] == [ALONE]


def test_whoever_is_on_a_rung_is_told_the_strongest_first() -> None:
    said = told(candidate("finding", "E-9"), candidate("no_signal", "E-2"), candidate("lead", "E-1", "E-3"))
    assert strongest(said) == ["E-9", "E-1", "E-3"]


def test_whom_an_answer_clears_stands_on_no_rung_of_a_verdict_that_nobody_asked_for() -> None:
    cleared = {"E-9": ["presence"], "E-7": ["device"]}
    for alone, rungs, word in ((True, ["no_signal", "lead"], "lead"), (False, ["finding", "lead"], "finding")):
        said = told(candidate("finding", "E-9"), candidate("lead", "E-1"))
        heed(said, cleared, alone=alone)
        assert ([each["rung"] for each in said["candidates"]], said["verdict"]) == (rungs, word)
        assert said["candidates"][0]["cleared"] == ["presence"] and "cleared" not in said["candidates"][1]
        assert said["missing"][0].startswith("an answer of the case clears 1 candidate")
        assert heeded(said) == {"E-9": ["presence"]}
    said = told(candidate("lead", "E-9", "E-8"))
    heed(said, cleared, alone=True)
    assert said["verdict"] == "undecided" and not strongest(said)


@pytest.mark.parametrize(
    ("before", "declared", "now", "less"),
    [
        ({"duties": [HAND_OVER]}, ("managers",), None, "hand-overs"),
        ({"duties": [HAND_OVER]}, ALL, computed(*ALL, managers=1, accounts=9), "hand-overs"),
        ({"duties": [HAND_OVER]}, ALL, computed(*ALL, managers=1, handovers=3, accounts=9), "hand-overs"),
        ({"duties": [HAND_OVER]}, ALL, computed(*ALL, handovers=3) | {"duties": [HAND_OVER]}, ""),
        ({"duties": [HAND_OVER | {"probability": 0.0}]}, ALL, computed(*ALL, handovers=3), ""),
        ({"duties": [QUESTION]}, ALL, computed(*ALL), "a question in one go"),
        (
            {"duties": [QUESTION]},
            ALL,
            computed(*ALL) | {"duties": [QUESTION | {"actor": "E-6"}]},
            "a question in one go",
        ),
        ({"duties": [QUESTION]}, ALL, computed(*ALL) | {"duties": [QUESTION | {"probability": 0.001}]}, ""),
        ({"duties": [QUESTION | {"probability": 0.001}]}, ALL, computed(*ALL), ""),
        ({"explained": KNOWN}, ALL, computed(*ALL), "sources outside"),
        ({"explained": KNOWN}, ALL, computed(*ALL) | {"explained": KNOWN}, ""),
        ({"found": {"rows": 3}}, ALL, None, "a list that turned up"),
        ({"found": {"rows": 3}}, ALL, {"found": {"rows": 3}}, ""),
        ({"found": None, "skew_s": 300.0}, ("managers",), None, "shifts, badges, devices and other logins"),
        (
            computed("accounts", accounts=9),
            ("accounts",),
            computed("accounts", accounts=0),
            "shared accounts and sites",
        ),
        (computed("accounts", accounts=0), (), computed(), ""),
        (computed("presence", presence=4), ("presence",), computed("presence"), ""),
        (BY_ROUTE, ALL, computed(*ALL), "routes"),
        (BY_ROUTE, (*ALL, "routes"), computed("routes", routes=9), "routes"),
        (BY_ROUTE, (*ALL, "routes"), computed("routes", routes=9) | BY_ROUTE, ""),
        (computed("orders", orders=9), ("orders",), computed("orders", orders=0), "orders"),
    ],
)
def test_what_an_earlier_verdict_weighed_and_this_one_does_not(
    before: dict[str, Any], declared: tuple[str, ...], now: dict[str, Any] | None, less: str
) -> None:
    assert " and ".join(weighs_less([before], declared, now)) == less
    assert " and ".join(weighs_less([before, computed()], declared, now)) == less, "a later one that weighed less"


def test_a_verdict_that_ranks_nobody_on_the_same_complaints_takes_no_suspicion_away_unsaid() -> None:
    before = {"candidates": [candidate("finding", "E-5")], "complaints": {"used": 14}}
    nobody: dict[str, Any] = {"inputs": {}, "candidates": [], "complaints": {"used": 14}}
    assert weighs_less([before], (), nobody) == ["complaints enough to rank somebody"]
    assert weighs_less([before], (), nobody | {"complaints": {"used": 2}}) == [], "complaints fell away"
    assert weighs_less([nobody], (), before) == []


def test_a_record_that_gave_no_row_was_not_weighed() -> None:
    assert weighed_in(computed(*ALL, managers=0, handovers=2)) == {"handovers", "presence"}


def test_presence_and_accounts_that_do_not_know_whoever_is_on_a_rung_say_nothing() -> None:
    said = told(candidate("finding", "E-5"), candidate("no_signal", "E-6"))
    files = {"accounts.csv": "actor,shared,group\ne-5,1,Leipzig\n", "presence.csv": "actor,what\nE-5,badge\n"}
    assert silent_about(said, files) == [
        "nothing to weigh: no row of shared accounts and sites is about 1 account on a rung"
    ]
    assert silent_about(said, files | {"accounts.csv": "actor,shared,group\nE-5,0,\n"}) == []
