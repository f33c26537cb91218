"""A probability is never written as one or nought."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.terms import chance

SOURCE = Path(__file__).parents[3] / "src" / "whosaw"


@given(st.floats(0, 1), st.integers(1, 6))
def test_no_probability_is_written_as_certain_or_impossible(probability: float, decimals: int) -> None:
    for spoken in (False, True):
        text = chance(probability, decimals, spoken=spoken)
        number = float(re.sub("[a-z<> ]", "", text))
        assert 0 < number < 1 and len(text.partition(".")[2]) == decimals
        assert abs(number - probability) <= 10.0**-decimals
        if text[0] in "<l":
            assert probability < number
        if text[0] in ">m":
            assert probability > number


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, "< 0.0001"),
        (0.00009, "< 0.0001"),
        (0.0001, "0.0001"),
        (0.5, "0.5000"),
        (0.9999, "0.9999"),
        (0.99996, "> 0.9999"),
        (1.0, "> 0.9999"),
        (float("nan"), "unknown"),
    ],
)
def test_what_cannot_be_shown_is_more_or_less_than_the_last_that_can(probability: float, text: str) -> None:
    assert chance(probability) == text


def test_percent_and_sentences() -> None:
    assert chance(1.0, 3, percent=True) == "> 99.9\u00a0%" and chance(0.25, 3, percent=True) == "25.0\u00a0%"
    assert chance(0.0, 3, spoken=True) == "less than 0.001" and chance(0.9999, 3, spoken=True) == "more than 0.999"
