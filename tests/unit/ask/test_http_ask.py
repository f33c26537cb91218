from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.ask import AskInvalid, action_from_json, ask_from_json
from whosaw.terms import PurposeRef, SubjectRef

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}


def test_an_ask_is_what_the_body_says_and_the_actor_is_who_the_door_says() -> None:
    ask = ask_from_json(GOOD, actor="E-1", at=NOON)
    assert (ask.actor, ask.subject, ask.fields) == ("E-1", SubjectRef("customer", "C-1"), ("customer.email",))
    assert ask.purpose == PurposeRef("ticket", "T-1")
    assert len(ask.id) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "C-1"},
        {"subject": None},
        {"subject": "customer:\x00"},
        {"subject": "customer:" + "x" * 300},
        {"fields": []},
        {"fields": "customer.email"},
        {"fields": ["customer.email", "customer.email"]},
        {"fields": ["f"] * 65},
        {"fields": [{"a": 1}]},
        {"purpose": ""},
        {"purpose": ["ticket:T-1"]},
        {"actor": "E-2"},
    ],
)
def test_a_body_that_does_not_say_what_is_asked_is_refused_with_a_hint(change: dict[str, object]) -> None:
    with pytest.raises(AskInvalid) as refused:
        ask_from_json({**GOOD, **change}, actor="E-1", at=NOON)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"purpose": ""}, "`purpose` must be a text of 1 to 200 characters"),
        ({"subject": "C-1"}, "`subject`: not a reference: `C-1`"),
        ({"fields": []}, "`fields` must be a list of 1 to 64 texts"),
    ],
)
def test_a_refusal_says_once_what_is_wrong(change: dict[str, object], said: str) -> None:
    with pytest.raises(AskInvalid) as refused:
        ask_from_json({**GOOD, **change}, actor="E-1", at=NOON)
    assert str(refused.value) == said


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_an_ask_or_a_clear_refusal(body: object) -> None:
    for read in (ask_from_json, action_from_json):
        with pytest.raises(AskInvalid):
            read(body, actor="E-1", at=NOON)
