"""What a question in one go or duties explain stands wherever a candidate stands beside nobody inside: by number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from whosaw.answer.bundletexts import Background, exculpatory_file
from whosaw.answer.case import Snapshot
from whosaw.answer.numbered import by_number
from whosaw.answer.reporttold import _beside, _exculpatory, answer
from whosaw.app.commands.case import say_verdict
from whosaw.app.hrfile import _explained
from whosaw.terms import from_us
from whosaw.trace.explained import by_what, explained_chance, in_words, rows_of

ASKED_AT = "2026-03-01T00:00:00+00:00"
QUESTION = {
    "what": "asked in one go",
    "actor": "E-7",
    "from": ASKED_AT,
    "line": f"what E-7 asked for in one go, from {ASKED_AT} on, should a source outside hold the same",
    "probability": 0.479,
    "seen": 10,
    "of": 10,
    "expected": 1.2,
}
HAND_OVER = QUESTION | {
    "what": "hand-over",
    "actor": "E-9",
    "from": "Anna Schmidt",
    "line": "hand-over from Anna Schmidt to E-9",
    "probability": 0.02,
}
VERDICT: dict[str, Any] = {
    "verdict": "undecided",
    "candidates": [
        {"actors": ["E-7"], "probability": 0.471, "rung": "no_signal", "seen": 10, "of": 10, "expected": 1.3}
    ],
    "outside_probability": 0.03,
    "missing": [],
    "duties": [QUESTION, HAND_OVER],
}
NUMBERS = {"E-7": 17, "E-9": 4}
SENTENCE = (
    f"Explained by what #17 asked for in one go, from {ASKED_AT} on, should a source outside hold the same: "
    "probability 0.479, all together 0.499 (it had shown 10 of 10 complainers, where matched customers make one expect "
    "1.2; one question is one coincidence)."
)


def test_by_number_the_line_is_made_of_what_leaves_and_a_question_keeps_its_time() -> None:
    question, duty = by_number(VERDICT, NUMBERS)["duties"]
    assert question["from"] == ASKED_AT and question["actor"] == 17
    assert duty["line"] == "hand-over to #4" and "from" not in duty
    assert by_number(VERDICT, {"E-7": "actor #17"})["duties"][0]["line"].startswith("what actor #17 asked for")
    named = by_number(VERDICT | {"duties": [QUESTION | {"from": "Anna Schmidt"}, HAND_OVER | {"from": ASKED_AT}]}, {})
    assert not {"from"} & {key for each in named["duties"] for key in each}
    assert not [word for word in ("Anna", "E-7", "E-9") if word in json.dumps([question, duty, named])]


def test_the_report_says_what_the_candidate_and_nobody_inside_leave_over() -> None:
    said = answer(VERDICT, NUMBERS)
    whole = "nobody inside, 0.030; that it is explained by duties and questions in one go, 0.499. By the rules"
    assert whole in " ".join(said) and SENTENCE in said
    assert "explained by duties and questions in one go, 0.499" in _beside(VERDICT)
    lines = _exculpatory(VERDICT, Background(), NUMBERS)["lines"]
    assert "The probability that it is explained by duties and questions in one go: 0.499." in lines
    assert SENTENCE in lines
    plain = VERDICT | {"duties": []}
    assert "xplained" not in " ".join([*answer(plain, NUMBERS), _beside(plain)])


def test_what_speaks_for_the_named_holds_it_in_the_bundle() -> None:
    look = Snapshot(seq=1, at=from_us(0), complaints=10, verdict=VERDICT)
    held = json.loads(exculpatory_file(Background(), [look], NUMBERS))
    assert held["explained_probability"] == pytest.approx(0.499)
    assert [each["actor"] for each in held["explained_by"]] == [17, 4]
    assert "Anna" not in json.dumps(held)


def test_the_command_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    say_verdict(by_number(VERDICT, {"E-7": "actor #17", "E-9": "actor #4"}))
    said = " ".join(capsys.readouterr().out.split())
    assert "nobody inside 0.0300; explained by duties and questions in one go 0.4990" in said
    assert SENTENCE.replace("#17", "actor #17") in said


def test_the_paper_for_personnel_says_it_and_names_nobody_else() -> None:
    his, others = _explained(VERDICT, "E-7"), _explained(VERDICT, "E-1")
    assert his["explained"] == others["explained"] == pytest.approx(0.499)
    assert his["explained_by"] == "duties and questions in one go"
    assert "what E-7 asked for in one go" in his["explained_in_words"] and others["explained_in_words"] == ""
    assert not [word for word in ("E-9", "Anna", "E-7") if word in json.dumps(others)]
    assert _explained(VERDICT | {"duties": []}, "E-7") == {"explained": 0.0}


def test_a_verdict_that_came_as_a_file_need_not_hold_every_figure() -> None:
    assert rows_of({}) == rows_of({"duties": "none"}) == [] and in_words([]) == ""
    rows = rows_of({"duties": [{"what": "hand-over", "actor": 4, "probability": 0.6}, "E-5", {"probability": None}]})
    assert (by_what(rows), explained_chance(rows)) == ("duties", 0.6)
    assert in_words(rows) == "Explained by hand-over to #4, whoever passed them on: probability 0.600."
