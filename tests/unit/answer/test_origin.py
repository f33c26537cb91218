"""Who asked for a verdict, and what a found list speaks for, as whoever reads a case is told it: by number."""

from __future__ import annotations

import json

from whosaw.answer.numbered import by_number, staff_in
from whosaw.answer.origin import origin_lines

VERDICT = {
    "verdict": "lead",
    "candidates": [],
    "inputs": {
        "asked": "nobody",
        "capped": True,
        "weighed": ["managers"],
        "not_weighed": ["not weighed: hand-overs; the catalog has no [trace.handovers]", "seen by E-5"],
        "evidence": "0c0ffee",
        "files": {"known.csv": "00"},
    },
    "found": {
        "rows": 32,
        "used": 30,
        "line": "the list of Anna Schmidt, made by E-5, holds 30",
        "holders": [
            {"actor": "E-5", "odds": 9.4, "how": "export", "reference": "for Anna Schmidt", "rows": 30, "seeds": 2},
            {"actor": "E-6", "odds": 9.4, "how": "query", "reference": "query 3", "rows": 30, "seeds": 0},
        ],
    },
}


def test_a_found_list_is_told_by_number_with_whoever_else_had_such_rows() -> None:
    assert staff_in(VERDICT) == {"E-5", "E-6"}
    told = by_number(VERDICT, {"E-5": 17, "E-6": 4})
    assert told["found"]["line"] == (
        "30 of 32 rows of the found list say something: an export of #17 holds 30, 2 of them seeded, which multiplies "
        "the odds of that account by 9.4; 1 other account had such rows too; who made an export need not be who passed "
        "it on"
    )
    said = json.dumps(told)
    assert not [word for word in ("E-5", "E-6", "Anna", "query 3", "c0ffee") if word in said]
    assert told["inputs"]["weighed"] == ["managers"] and told["inputs"]["not_weighed"][1] == "seen by #17"


def test_who_asked_and_what_was_capped_is_told() -> None:
    assert origin_lines(by_number(VERDICT, {}))[:2] == [
        "computed by a server; no person asked for it",
        "capped: it says lead at most and gives no bound, for not all was weighed",
    ]
    assert origin_lines({"inputs": {"asked": "a person", "capped": False}}) == ["computed here; a person asked for it"]
    assert origin_lines({"verdict": "lead"}) == ["computed elsewhere; a person filed it"]
