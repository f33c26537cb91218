from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.doors.console.questions import NoSuchPage, QuestionUnreadable, before_index, case_id, who_question
from whosaw.doors.console.recordreads import WhoQuestion
from whosaw.terms import SubjectRef


def test_a_bare_key_is_a_customer() -> None:
    assert who_question({"subject": " C-000017 "}, "customer") == WhoQuestion(SubjectRef("customer", "C-000017"))


def test_a_key_with_its_kind_keeps_it() -> None:
    assert who_question({"subject": "seller:S-88"}, "customer").subject == SubjectRef("seller", "S-88")


def test_keys_of_any_script_are_keys() -> None:
    assert who_question({"subject": "customer:李雷/7:b"}, "customer").subject == SubjectRef("customer", "李雷/7:b")


@pytest.mark.parametrize(
    ("written", "since"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T08:00Z", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01T08:00+08:00", datetime(2026, 3, 1, 0, tzinfo=UTC)),
        ("0001-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
        ("", None),
    ],
)
def test_since_is_a_day_or_a_time_with_its_zone(written: str, since: datetime | None) -> None:
    assert who_question({"subject": "C-1", "since": written}, "customer").since == since


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"subject": ""},
        {"subject": "   "},
        {"subject": ":"},
        {"subject": "customer:"},
        {"subject": ":C-1"},
        {"subject": "Customer Number:C-1"},
        {"subject": "C-1\x00"},
        {"subject": "C-1\n"},
        {"subject": "C-\u202e1"},
        {"subject": "C-\ud800"},
        {"subject": "C-\ufffd"},
        {"subject": "C" * 201},
        {"subject": "C-1", "since": "yesterday"},
        {"subject": "C-1", "since": "2026-02-30"},
        {"subject": "C-1", "since": "2026-03-01T08:00"},
        {"subject": "C-1", "since": "0001-01-01T00:00+14:00"},
        {"subject": "C-1", "since": "2026-03-01T08:00Z; drop table"},
        {"subject": "C-1", "field": "email"},
        {"subject": "C-1", "field": "customer.email'--"},
        {"subject": "C-1", "before": "-1"},
        {"subject": "C-1", "before": "9223372036854775808"},
        {"subject": "C-1", "before": "١"},
        {"subject": "C-1", "before": "1e3"},
    ],
)
def test_what_cannot_be_read_is_refused_with_a_hint(parameters: dict[str, str]) -> None:
    with pytest.raises(QuestionUnreadable) as refused:
        who_question(parameters, "customer")
    assert refused.value.hint
    assert refused.value.code == "console.question_unreadable"
    assert len(str(refused.value)) < 200


def test_an_index_may_be_zero_and_as_large_as_the_record_can_hold() -> None:
    assert before_index({"before": "0"}) == 0
    assert before_index({"before": str(2**63 - 1)}) == 2**63 - 1
    assert before_index({}) is None


@pytest.mark.parametrize("text", ["../x", "-1", "a b", "a" * 65, "CASE\x001", "<script>", "٣"])
def test_what_no_case_is_called_is_not_found(text: str) -> None:
    with pytest.raises(NoSuchPage):
        case_id(text)


@given(st.dictionaries(st.sampled_from(["subject", "since", "field", "before"]), st.text(max_size=300)))
def test_anything_is_a_question_or_an_error_of_ours(parameters: dict[str, str]) -> None:
    try:
        question = who_question(parameters, "customer")
    except QuestionUnreadable:
        return
    assert "\x00" not in str(question.subject)
    assert question.since is None or question.since.year >= 1970
