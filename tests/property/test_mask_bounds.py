"""A mask shows the parts that docs/masks.md names and depends on nothing else: no way leads from it to its input."""

from __future__ import annotations

import re
import string
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.catalog.load import KEEP_FORMAT, MASKS
from whosaw.market.people import draw_customers
from whosaw.market.timeline import Size
from whosaw.reveal import mask
from whosaw.reveal.bands import band, below
from whosaw.reveal.masks import kept
from whosaw.reveal.tokens import token

KEY = bytes(range(32))
LETTERS = string.ascii_lowercase

hostile = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="•~@.+-0123456789aA ,…()", max_size=40),
    st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.[a-z]{2,5}", fullmatch=True),
    st.from_regex(r"\+?[0-9]{4,16}", fullmatch=True),
    st.dates().map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
)


@given(kind=st.sampled_from([*MASKS, "unheard-of"]), value=hostile, keep_format=st.booleans(), stable=st.booleans())
def test_a_mask_never_returns_its_input(kind: str, value: str, keep_format: bool, stable: bool) -> None:
    shown = mask(kind, value, keep_format=keep_format, token=token(KEY, "f", value) if stable else "")
    assert shown != value
    assert shown
    # once masked is masked: the mask of a mask is no way back either
    assert mask(kind, shown, keep_format=keep_format) != value


@given(kind=st.sampled_from(KEEP_FORMAT), value=hostile)
def test_the_parts_a_mask_keeps_are_short(kind: str, value: str) -> None:
    longest = {"card": 4, "date": 4, "email": 8, "number": 34, "phone": 5, "iban": 4, "name": 9}[kind]
    assert len("".join(kept(kind, value)[: 3 if kind == "name" else 2])) <= longest


def answers(kind: str, values: list[str]) -> set[str]:
    return {mask(kind, value) for value in values} | {mask(kind, value, keep_format=True) for value in values}


word = st.text(alphabet=LETTERS + string.digits + ".", min_size=2, max_size=20)


@given(first=st.sampled_from(LETTERS), ending=st.sampled_from(["com", "de", "example"]), hidden=st.tuples(*[word] * 4))
def test_an_address_shows_a_letter_and_an_ending(first: str, ending: str, hidden: tuple[str, ...]) -> None:
    a, b, c, d = hidden
    assert len(answers("email", [f"{first}{a}@{b}.{ending}", f"{first}{c}@{d}.{ending}"])) == 2


@given(hidden=st.lists(st.integers(10_000, 99_999), min_size=2, max_size=2), last=st.integers(10, 99))
def test_a_phone_number_shows_its_calling_code_and_two_digits(hidden: list[int], last: int) -> None:
    assert len(answers("phone", [f"+49151{each}{last}" for each in hidden])) == 2


@given(hidden=st.lists(st.text(alphabet=LETTERS, min_size=2, max_size=12), min_size=4, max_size=4))
def test_a_name_shows_initials(hidden: list[str]) -> None:
    a, b, c, d = hidden
    assert answers("name", [f"A{a} L{b}", f"A{c} L{d}"]) == {"A• L•", "A. L."}


@given(value=st.text(max_size=200))
def test_a_name_shows_three_letters_at_most(value: str) -> None:
    assert len(re.sub("[• ]", "", mask("name", value))) <= 3 * 3  # a capital can take several signs: ß becomes SS


@given(hidden=st.lists(st.text(alphabet=string.digits, min_size=16, max_size=16), min_size=2, max_size=2))
def test_an_iban_shows_country_length_and_two_signs(hidden: list[str]) -> None:
    assert len(answers("iban", [f"DE89{each}78" for each in hidden])) == 2


@given(hidden=st.lists(st.integers(10**7, 10**15 - 1), min_size=2, max_size=2))
def test_a_card_shows_four_digits_and_not_its_length(hidden: list[int]) -> None:
    assert len(answers("card", [f"{each}1234" for each in hidden])) == 2


@given(year=st.integers(2, 9998), days=st.lists(st.integers(0, 364), min_size=2, max_size=2))
def test_a_date_shows_its_year(year: int, days: list[int]) -> None:
    values = [str(date(year, 1, 1) + timedelta(days=each)) for each in days]
    shown = answers("date", values)
    assert len(shown) == 2
    assert not shown & {str(date(year, 1, 1) + timedelta(days=each)) for each in range(365)}


@given(value=st.decimals(-(10**14), 10**14, allow_nan=False))
def test_a_number_shows_its_range(value: Decimal) -> None:
    low, high = (Decimal(bound) for bound in band(value))
    assert low <= value <= high
    assert len({mask("number", format(each, "f")) for each in (low, value) if value >= 0}) <= 1
    assert not low <= Decimal(below(value)) <= high
    if abs(value) >= 10:
        assert max(abs(low), abs(high)) / min(abs(low), abs(high)) <= Decimal("2.5")


@given(street=st.lists(st.text(alphabet=LETTERS + " 0123456789", max_size=30), min_size=2, max_size=2))
def test_an_address_shows_its_country(street: list[str]) -> None:
    assert {mask("address", f"{each}, France") for each in street} == {"•••, France"}


@given(value=st.text(max_size=300))
def test_a_text_shows_how_long_it_is(value: str) -> None:
    assert mask("text", value) == mask("text", "x" * len(value))


@pytest.mark.parametrize("kind", ["name", "email", "phone", "address"])
def test_among_forty_thousand_customers_a_mask_leaves_many(kind: str) -> None:
    everybody: list[str] = getattr(draw_customers(11, Size()), kind)
    masks = [mask(kind, value) for value in everybody]
    sharing = Counter(masks)
    few = sum(1 for each in masks if sharing[each] < 10)
    assert few <= len(masks) // 100
