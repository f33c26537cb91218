"""Which columns look personal: by name, by values, and not by accident."""

from __future__ import annotations

import pytest

from whosaw.catalog.personal import looks_personal, words
from whosaw.catalog.tables import Column

EMAILS = [f"p{i}@mail.example" for i in range(9)]
PHONES = ["+4915112345678", "+447400123456", "+33612345678", "+420601123456", "004915198765432"]
IBANS = ["DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606"] * 2
CARDS = ["4111 1111 1111 1111", "5555555555554444", "4012888888881881", "5105105105105100", "378282246310005"]
NAMES = ["Ada Lovelace", "Ben Okafor", "Eva Novák", "Li Bo", "Dana O'Hara"]
STREETS = ["4 Rue des Lilas, Lyon", "2 Mill Lane, Leeds", "9 Hill Road", "1 Beach Street", "7 Park Avenue"]


def guess(name: str, values: list[object], form: str = "text", *, of_people: bool = False) -> str | None:
    found = looks_personal(Column(name, form, True), values, of_people=of_people)  # type: ignore[arg-type]
    return None if found is None else f"{found.confidence} {found.kind}"


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("email", EMAILS, "sure email"),
        ("EMailAddress", EMAILS, "sure email"),
        ("contact_1", EMAILS, "likely email"),
        ("email", [], "likely email"),
        ("mobile", PHONES, "sure phone"),
        ("x", PHONES, "likely phone"),
        ("phone", ["0151 123456"] * 5, "likely phone"),
        ("iban", IBANS, "sure iban"),
        ("payout_to", IBANS, "likely iban"),
        ("card_number", CARDS, "sure card"),
        ("token", CARDS, "likely card"),
        ("lastName", NAMES, "sure name"),
        ("first_name", [], "likely name"),
        ("street_address", STREETS, "sure address"),
        ("postcode", [], "likely address"),
        ("passport_no", [], "likely document"),
        ("user_name", [], "likely username"),
        ("ip_address", ["192.0.2.1"] * 5, "sure ip"),
        ("remote", ["2001:db8::1"] * 5, "likely ip"),
        ("notes", [], "unsure text"),
        ("recipient_name", [], "likely name"),
        ("data", [{"id": 7, "ways": {"mail": [mail]}} for mail in EMAILS], "likely email"),
        ("payload", ['{"to": "+4915112345678", "n": 1}'] * 5, "likely phone"),
        ("mails", [[mail] for mail in EMAILS], "likely email"),
        ("Nachname", NAMES, "sure name"),
        ("vorname", [], "likely name"),
        ("prénom", [], "likely name"),
        ("apellidos", [], "likely name"),
        ("geburtstag", ["1987-03-02"] * 5, "sure birth"),
        ("fecha_nacimiento", [], "likely birth"),
        ("Lieferanschrift", STREETS, "sure address"),
        ("liefer_anschrift", STREETS, "sure address"),
        ("plz", [], "likely address"),
        ("codice_fiscale", [], "likely document"),
        ("handynummer", PHONES, "sure phone"),
        ("blob", ["a long sentence about what somebody said and did, word after word"] * 5, "unsure text"),
    ],
)
def test_a_personal_column_is_recognised_with_how_sure_that_is(name: str, values: list[object], said: str) -> None:
    assert guess(name, values) == said


@pytest.mark.parametrize(
    ("name", "values", "form"),
    [
        ("email_sent_at", ["2026-03-02"] * 5, "moment"),
        ("email", [True, False], "flag"),
        ("email", ["weekly", "daily", "never", "weekly", "daily"], "text"),
        ("phone", ["android", "iphone", "android", "iphone", "other"], "text"),
        ("status", ["open", "closed"] * 5, "text"),
        ("name", ["Red shoe", "Blue shoe"] * 5, "text"),  # of a table that is not of people
        ("total", [4111, 5555, 1234, 99, 10], "number"),
        ("id", [4111111111111112, 4111111111111113, 4111111111111114, 4111111111111115, 4], "number"),
        ("sku", ["1234567890128"] * 2, "text"),
        ("ort", ["Halle 3", "Halle 4"] * 5, "text"),
        ("nombre", ["Zapato rojo", "Zapato azul"] * 5, "text"),
        ("adresse_geprueft_am", ["2026-03-02"] * 5, "moment"),
        ("country", ["FR", "DE"] * 5, "text"),
        ("created_at", ["2026-03-02 12:00"] * 5, "text"),
        ("picture", [b"x"] * 5, "binary"),
        ("settings", [{"theme": "dark", "size": 4111, "on": True}] * 5, "text"),
        ("broken", ["{not json"] * 5, "text"),
    ],
)
def test_a_column_that_only_sounds_so_is_let_be(name: str, values: list[object], form: str) -> None:
    assert guess(name, values, form) is None


def test_a_bare_name_is_a_persons_in_a_table_of_people() -> None:
    assert guess("name", NAMES, of_people=True) == "sure name"
    assert guess("name", [], of_people=True) == "likely name"
    assert guess("name", NAMES) is None


def test_what_stands_within_a_document_gets_no_mask_of_its_kind() -> None:
    found = looks_personal(Column("data", "text", True), [{"mail": mail} for mail in EMAILS])
    assert found is not None
    assert (found.klass, found.mask, found.why) == ("contact", "full", "by values within its documents")


def test_a_birth_date_is_one_by_its_name() -> None:
    assert guess("date_of_birth", ["1987-04-12"] * 5, "moment") == "sure birth"
    assert guess("dob", [], "moment") == "likely birth"


def test_why_never_holds_a_value() -> None:
    found = looks_personal(Column("email", "text", True), EMAILS)
    assert found is not None
    assert found.why == "by its name and its values"


def test_names_are_read_as_words() -> None:
    assert [words(name) for name in ("billingAddress_2", "EMAIL", "HTTPHost", "größe")] == [
        "billing address 2",
        "email",
        "http host",
        "größe",
    ]
