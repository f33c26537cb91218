from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.catalog import parse
from whosaw.decide import Decision, FieldDecision
from whosaw.prove import Receipt
from whosaw.reveal import Masked, Refused, Shown, mask, reveal

CATALOG = parse("""
[company]
name = "Shop"
contact = "privacy@shop.example"
[sources.shop]
url = "sqlite://"
[subjects.customer]
source = "shop"
table = "customers"
key = "id"
[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
[fields."customer.phone"]
column = "phone"
class = "contact"
mask = "phone"
[actors]
source = "shop"
query = "select key, roles, region, ended from staff"
""")
RECEIPT = Receipt("shop.example/trail", 0, bytes(32), 0, 1, 0, (), bytes(32), bytes(64))


def decision(*effects: str) -> Decision:
    fields = ("customer.email", "customer.phone")
    decided = tuple(FieldDecision(f, e, None, ("p",)) for f, e in zip(fields, effects, strict=False))  # type: ignore[arg-type]
    return Decision(decided, "deny", "purpose.missing", None, "v1", ("p",))


def test_only_what_was_decided_leaves() -> None:
    row = {"customer.email": "ada@mail.example", "customer.phone": "+4915112345678"}
    values = reveal(decision("reveal", "mask"), RECEIPT, row, CATALOG)
    assert values == {"customer.email": Shown("ada@mail.example"), "customer.phone": Masked("+49 •••78", "p")}
    assert reveal(decision("deny", "deny"), RECEIPT, row, CATALOG) == {
        "customer.email": Refused("purpose.missing"),
        "customer.phone": Refused("purpose.missing"),
    }


@pytest.mark.parametrize("not_a_receipt", [None, True, object(), {"index": 0}])
def test_without_a_receipt_nothing_is_revealed(not_a_receipt: object) -> None:
    with pytest.raises(TypeError):
        reveal(decision("reveal"), not_a_receipt, {"customer.email": "ada@mail.example"}, CATALOG)  # type: ignore[arg-type]


def test_a_document_is_shown_as_the_json_that_it_is() -> None:
    row = {"customer.email": {"mail": "adä@mail.example", "old": [None, True]}, "customer.phone": ["+49"]}
    values = reveal(decision("reveal", "reveal"), RECEIPT, row, CATALOG)
    assert values == {
        "customer.email": Shown('{"mail": "adä@mail.example", "old": [null, true]}'),
        "customer.phone": Shown('["+49"]'),
    }


def test_an_absent_value_is_shown_as_absent() -> None:
    assert reveal(decision("mask"), RECEIPT, {}, CATALOG) == {"customer.email": Shown(None)}


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("email", "ada.lovelace@mail.example", "a•••@•••.example"),
        ("email", "x@mail.example", "•••"),
        ("phone", "+49 151 1234 5678", "+49 •••78"),
        ("name", "Ada Lovelace", "A• L•"),
        ("address", "Unter den Linden 1, 10117 Berlin, Germany", "•••, Germany"),
        ("address", "Unter den Linden 1", "•••"),
        ("full", "anything", "•••"),
    ],
)
def test_a_mask_keeps_what_helps_to_recognise(kind: str, value: str, masked: str) -> None:
    assert mask(kind, value) == masked


@given(kind=st.sampled_from(["email", "phone", "name", "address", "full", "unheard-of"]), value=st.text(max_size=80))
def test_a_mask_never_returns_its_input(kind: str, value: str) -> None:
    masked = mask(kind, value)
    assert masked != value
    assert "•" in masked


@given(
    local=st.from_regex(r"[a-z0-9.]{2,20}", fullmatch=True),
    domain=st.from_regex(r"[a-z]{2,12}\.[a-z]{2,3}", fullmatch=True),
)
def test_a_masked_address_can_stand_for_many(local: str, domain: str) -> None:
    masked = mask("email", f"{local}@{domain}")
    assert local not in masked.partition("@")[0]
    assert domain not in masked
