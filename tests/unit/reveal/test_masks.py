"""What each mask shows, in its plain form and in the form of its type."""

from __future__ import annotations

import pytest

from whosaw.catalog import Field, parse
from whosaw.catalog.load import KEEP_FORMAT, MASKS
from whosaw.decide import Decision, FieldDecision
from whosaw.prove import Receipt
from whosaw.reveal import Masked, mask, reveal
from whosaw.reveal.formats import FORMATS
from whosaw.reveal.masks import _MASKS
from whosaw.reveal.tokens import token
from whosaw.reveal.values import masked

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("kind", "value", "plain", "formed"),
    [
        ("email", "ada.lovelace@mail.example", "a•••@•••.example", "a@masked.invalid"),
        ("email", "Ada@shop.co.uk", "a•••@•••.uk", "a@masked.invalid"),
        ("email", "ada@house.lovelace", "a•••@•••", "a@masked.invalid"),
        ("email", "jo@mail.example", "•••", "masked@masked.invalid"),
        ("email", "no address", "•••", "masked@masked.invalid"),
        ("phone", "+49 151 1234 5678", "+49 •••78", "+49000000078"),
        ("phone", "+49 151 1234 5678 ext. 9", "+49 •••78", "+49000000078"),
        ("phone", "0151 12345678", "•••78", "+000000078"),
        ("phone", "911", "•••", "+000000000"),
        ("name", "Ada Lovelace", "A• L•", "A. L."),
        ("name", "Li Bo", "•••", "N. N."),
        ("name", "王小明", "•••", "N. N."),
        ("name", "ada maria bettina carla lovelace", "A• M• L•", "A. M. L."),
        ("name", "ada@mail.example", "•••", "N. N."),
        ("iban", "DE89 3704 0044 0532 0130 00", "DE•••00", "DE00000000000000000000"),
        ("iban", "nothing", "•••", "XX00000000000000000000"),
        ("card", "4111 1111 1111 1234", "••• 1234", "0000000000001234"),
        ("card", "1234", "•••", "0000000000000000"),
        ("date", "1987-04-12", "1987-••-••", "1986-12-31"),
        ("date", "1987-04-12 10:00:00+00:00", "1987-••-••", "1986-12-31"),
        ("date", "12 April", "•••", "9999-12-31"),
        ("number", "7", "0…10", "-1"),
        ("number", "73.40", "50…100", "49"),
        ("number", "-73", "-100…-50", "-101"),
        ("number", "12 apples", "•••", "0"),
    ],
)
def test_a_mask_shows_what_the_page_says(kind: str, value: str, plain: str, formed: str) -> None:
    assert (mask(kind, value), mask(kind, value, keep_format=True)) == (plain, formed)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Unter den Linden 1, 10117 Berlin, Germany", "•••, Germany"),
        ("4 Rue des Lilas\n69001 Lyon\nFrance", "•••, France"),
        ("1 Main St, Springfield, US", "•••, US"),
        ("2 Mill Lane, Smallham", "•••"),
        ("Germany", "•••"),
        ("Hofstraße 3, 10117", "•••"),
    ],
)
def test_an_address_keeps_a_country_and_no_village(value: str, shown: str) -> None:
    assert mask("address", value) == shown


def test_a_text_keeps_how_long_it_is() -> None:
    assert mask("text", "x" * 120) == "••• (100…200 characters)"
    assert mask("text", "x" * 1_000_000) == "••• (10000… characters)"


def test_every_mask_of_the_catalog_exists_and_so_do_the_forms() -> None:
    assert set(_MASKS) == set(MASKS)
    assert set(FORMATS) == set(KEEP_FORMAT)


def test_a_value_that_looks_like_its_own_mask_is_not_returned() -> None:
    assert mask("full", "•••") == "••••••"
    assert mask("email", "a•••@•••.example") != "a•••@•••.example"
    assert mask("card", "0000000000001234", keep_format=True) == "•••"


def test_equal_values_look_equal_only_where_the_catalog_says_so() -> None:
    stable = Field("customer.email", "customer", "email", "contact", "email", stable=True)
    one, other = (masked(stable, value, KEY) for value in ("ada@mail.example", "ann@mail.example"))
    assert one != other
    assert one == masked(stable, "ADA@mail.example ", KEY)
    assert one.startswith("a•••@•••.example ~")
    plain = Field("customer.email", "customer", "email", "contact", "email")
    assert masked(plain, "ada@mail.example", KEY) == masked(plain, "ann@mail.example", KEY)


def test_a_token_depends_on_the_key_and_on_the_field() -> None:
    tokens = {token(key, field, "ada@mail.example") for key in (KEY, bytes(32)) for field in ("a.email", "b.email")}
    assert len(tokens) == 4
    assert all(len(each) == 10 and each.isalnum() and each == each.lower() for each in tokens)


def test_forms_with_a_token_keep_the_form() -> None:
    stands_for = token(KEY, "customer.x", "value")
    assert mask("email", "ada@mail.example", keep_format=True, token=stands_for) == f"{stands_for}@masked.invalid"
    for kind, value, begin, length in (
        ("phone", "+4915112345678", "+49000", 15),
        ("card", "4111111111111234", "0000", 16),
        ("iban", "DE89370400440532013000", "DE00", 22),
    ):
        shown = mask(kind, value, keep_format=True, token=stands_for)
        assert shown.startswith(begin)
        assert len(shown) == length
        assert shown[1 if kind == "phone" else 2 :].isdigit()


def test_what_leaves_the_gate_is_masked_as_the_catalog_wants() -> None:
    catalog = parse(
        """
        [company]
        name = "Shop"
        contact = "privacy@shop.example"
        [sources.shop]
        url = "sqlite+aiosqlite:///x"
        [subjects.customer]
        source = "shop"
        table = "customers"
        key = "id"
        [fields."customer.iban"]
        column = "iban"
        class = "payment"
        mask = "iban"
        keep_format = true
        [actors]
        source = "shop"
        query = "select key, roles, region, ended from staff"
        """
    )
    decided = (FieldDecision("customer.iban", "mask", None, ("p",)),)
    decision = Decision(decided, "mask", "purpose.missing", None, "v1", ("p",))
    receipt = Receipt("shop.example/trail", 0, bytes(32), 0, 1, 0, (), bytes(32), bytes(64))
    row = {"customer.iban": "DE89370400440532013000"}
    assert reveal(decision, receipt, row, catalog) == {"customer.iban": Masked("DE00000000000000000000", "p")}
