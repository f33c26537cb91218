from __future__ import annotations

import json

import pytest

from whosaw.ask import AskInvalid
from whosaw.catalog import SourceUnreachable
from whosaw.decide.purpose import _NEARNESS
from whosaw.doors.http.problems import WAYS_IN, denied_response, problem_response
from whosaw.gate import TokenRefused
from whosaw.gate.acting import SECOND_PERSON_NEEDED, TOO_MANY
from whosaw.gate.deciding import EXHAUSTED, REASON_NEEDED
from whosaw.gate.friction import REASONS
from whosaw.gate.lookups import NOBODY
from whosaw.terms import WhosawError


@pytest.mark.parametrize(
    ("problem", "status"),
    [(AskInvalid("`fields` must be a list"), 422), (TokenRefused("no valid token"), 401)],
)
def test_a_fault_of_the_caller_is_told_with_its_hint(problem: WhosawError, status: int) -> None:
    response = problem_response(problem)
    told = json.loads(bytes(response.body))
    assert (response.status_code, told["detail"], told["hint"]) == (status, str(problem), problem.hint)
    assert told["type"] == f"urn:whosaw:{problem.code}"


def test_a_fault_that_is_not_the_callers_tells_nothing_inner() -> None:
    response = problem_response(SourceUnreachable("the source `shop` at db.internal does not answer"))
    assert response.status_code == 503
    assert "internal" not in bytes(response.body).decode()
    assert "hint" not in json.loads(bytes(response.body))


def test_every_reason_to_deny_comes_with_a_way_in() -> None:
    others = {"purpose.missing", "subject.unknown", "subjects.unnamed"}
    others |= {"actor.suspended", "actor.ended", "actor.not_acknowledged"}
    beside = {EXHAUSTED, REASON_NEEDED, SECOND_PERSON_NEEDED, TOO_MANY, NOBODY}
    assert set(_NEARNESS) | others | beside | set(REASONS.values()) == set(WAYS_IN)
    for reason, way in WAYS_IN.items():
        told = json.loads(bytes(denied_response(reason, {"index": 1}, {"ask": "a"}).body))
        assert (told["status"], told["reason"], told["hint"], told["ask"]) == (403, reason, way, "a")
        assert told["receipt"] == {"index": 1}


def test_no_answer_may_be_stored() -> None:
    for response in (problem_response(AskInvalid("x")), denied_response("purpose.missing", {}, {})):
        assert response.headers["cache-control"] == "no-store"
