from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.terms import PurposeRef, SubjectRef, WhosawError
from whosaw.terms.values import BadReference

kinds = st.text(min_size=1).filter(lambda text: ":" not in text and "\x00" not in text)
keys = st.text(min_size=1).filter(lambda text: "\x00" not in text)


@given(kinds, keys)
def test_a_reference_survives_being_written_and_read(kind: str, key: str) -> None:
    assert SubjectRef.parse(str(SubjectRef(kind, key))) == SubjectRef(kind, key)
    assert PurposeRef.parse(str(PurposeRef(kind, key))) == PurposeRef(kind, key)


@given(st.text())
def test_any_text_is_a_reference_or_a_clear_refusal(text: str) -> None:
    try:
        reference = SubjectRef.parse(text)
    except BadReference as refused:
        assert refused.hint
        assert "\x00" not in str(refused)
        assert len(str(refused)) < 1_000
    else:
        assert str(reference) == text
        assert reference.kind
        assert reference.key


@pytest.mark.parametrize("text", ["", ":", "customer", "customer:", ":C-1", "customer:C\x00"])
def test_what_is_not_kind_and_key_is_refused(text: str) -> None:
    for kind in (SubjectRef, PurposeRef):
        with pytest.raises(BadReference):
            kind.parse(text)


def test_a_key_may_hold_a_colon() -> None:
    assert SubjectRef.parse("customer:a:b") == SubjectRef("customer", "a:b")


def test_an_error_tells_message_code_and_hint() -> None:
    assert WhosawError("it broke").diagnostics() == "error: it broke [whosaw.error]"
    assert WhosawError("it broke", hint="mend it").diagnostics() == "error: it broke [whosaw.error]\nhint: mend it"
