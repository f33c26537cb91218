from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.answer import (
    Company,
    Exposure,
    Facts,
    FactsContradict,
    Record,
    Scope,
    Sighting,
    Standing,
    build_facts,
    exposures,
    seller_statement,
    write_notice,
)
from whosaw.terms import to_us

AT = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
COMPANY = Company("Shop & Co", "privacy@shop.example", "+1 555 0100", "1 Main Street, Springfield", "shop.example")
LABELS = {
    "customer.email": "e-mail address",
    "customer.phone": "telephone number",
    "customer.address": "postal address",
}
HEADINGS = [
    "What Happened",
    "What Information Was Involved",
    "What We Are Doing",
    "What You Can Do",
    "For More Information",
]
FOREIGN = ["S-0088", "Lotus", "lotus.example", "E-0417", "T-001009", "C-000017", "R-000012", "bob@home.example"]


def sighting(subject: int, *, verified: bool = True) -> Sighting:
    at = AT - timedelta(days=subject)
    return Sighting(
        subject, "CASE-1", subject, "seller:S-0088", "mail", at, True, at, "lotus.example", verified, {}, (), "0" * 64
    )


def facts(*, complete: bool = True, steps: tuple[str, ...] = (), exposed: dict[int, Exposure] | None = None) -> Facts:
    seen = frozenset({"customer.email"})
    first, last = AT - timedelta(days=20), AT - timedelta(days=18)
    exposed = exposed or {
        1: Exposure(seen, first, last),
        2: Exposure(seen | {"customer.phone"}, first, first),
        3: Exposure(seen, last, last),
    }
    return build_facts(
        Standing("CASE-1", AT, frozenset(steps)),
        COMPANY,
        scope=Scope((1, 2), (3,), (4, 5), 5),
        sightings=[sighting(1), sighting(2, verified=False)],
        record=Record(exposed, complete, LABELS),
    )


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def html_text(html: str) -> str:
    parser = Text()
    parser.feed(html)
    return " ".join(" ".join(parser.words).split())


@pytest.mark.parametrize("number", [0, 1, 2])
def test_both_forms_have_the_five_headings_in_order(number: int) -> None:
    letter = write_notice(facts(), facts().persons[number], name="Ann")
    for text in (letter.text, html_text(letter.html)):
        places = [text.lower().index(heading.lower()) for heading in HEADINGS]
        assert places == sorted(places)


def test_certain_and_probable_are_worded_differently() -> None:
    certain, _, probable = (write_notice(facts(), person, name="Ann").text for person in facts().persons)
    assert "cannot prove it" in probable
    assert "probably" in probable
    assert "cannot prove it" not in certain
    assert "were probably" not in certain


def test_each_is_told_the_fields_of_his_own_record() -> None:
    one, two, _ = (write_notice(facts(), person, name="Ann").text for person in facts().persons)
    assert "was shown your e-mail address." in one
    assert "was not shown your telephone number or postal address" in one
    assert "was shown your e-mail address and telephone number." in two
    assert "was not shown your postal address" in two


def test_nothing_is_ruled_out_where_the_record_is_not_proven_complete() -> None:
    text = write_notice(facts(complete=False), facts(complete=False).persons[0], name="Ann").text
    assert "was not shown" not in text
    assert "cannot say for certain that nothing else was seen" in text
    assert all(person.fields_unseen == () for person in facts(complete=False).persons)


def test_a_letter_claims_only_steps_that_are_done() -> None:
    before = write_notice(facts(), facts().persons[0], name="Ann").text
    now = facts(steps=("suspend_actor", "suspend_seller"))
    after = write_notice(now, now.persons[0], name="Ann").text
    assert "no longer has access" not in before
    assert "We suspended the business" not in before
    assert "no longer has access" in after
    assert "We suspended the business" in after


@pytest.mark.parametrize("complete", [True, False])
def test_every_number_in_a_letter_is_one_of_the_facts(complete: bool) -> None:
    now = facts(complete=complete)
    for person in now.persons:
        letter = write_notice(now, person, name="Ann")
        days = (now.as_of.date(), person.first_on, person.last_on)
        allowed = {str(n) for day in days for n in (day.day, day.year)} | {str(now.told)}
        allowed |= set(re.findall(r"\d+", f"{COMPANY} {now.case}"))
        assert set(re.findall(r"\d+", letter.text)) <= allowed
        assert set(re.findall(r"\d+", html_text(letter.html))) <= allowed
        assert set(re.findall(r"\d+", letter.text)) == set(re.findall(r"\d+", html_text(letter.html)))


def test_text_and_html_say_the_same() -> None:
    letter = write_notice(facts(), facts().persons[1], name="Ann")
    flat = " ".join(letter.text.split())
    for sentence in (
        "was shown your e-mail address and telephone number",
        "We are writing to everyone",
        "What we hold about you was opened",
    ):
        assert sentence in flat
        assert sentence in html_text(letter.html)


@given(st.sampled_from([0, 1, 2]), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_letter_names_another(number: int, name: str) -> None:
    now = facts(steps=("suspend_actor", "suspend_seller", "restore_reviews"))
    letter = write_notice(now, now.persons[number], name=name)
    own = " ".join(name.split())
    assert letter.text.count("Dear ") == 1
    for word in FOREIGN:
        if word not in own:
            assert word not in letter.text
            assert word not in letter.html
    if "<" in own:
        assert own not in letter.html


def test_a_name_is_text_and_never_markup() -> None:
    letter = write_notice(facts(), facts().persons[0], name="<script>x</script>\r\nBcc: a@b.example")
    assert "<script>" not in letter.html
    assert "\nBcc" not in letter.text


def test_facts_count_what_they_were_given() -> None:
    now = facts()
    assert (now.complaints, now.verified_complaints) == (2, 1)
    assert (now.certain, now.probable, now.possible, now.bound, now.told) == (2, 1, 2, 5, 3)
    assert now.fields_leaked == ("e-mail address", "telephone number")
    assert (now.first_on, now.last_on) == ((AT - timedelta(days=20)).date(), (AT - timedelta(days=18)).date())
    assert now.as_json()["persons"][0]["first_on"] == "2026-03-13"


def test_facts_have_no_place_for_a_seller_or_an_employee() -> None:
    assert not [word for word in FOREIGN if word in str(facts().as_json())]


def test_a_person_without_an_opened_field_is_a_contradiction() -> None:
    seen = Exposure(frozenset({"customer.email"}), AT, AT)
    with pytest.raises(FactsContradict, match="no field opened"):
        facts(exposed={1: seen, 2: seen})


def test_a_person_in_two_tiers_is_a_contradiction() -> None:
    seen = Exposure(frozenset({"customer.email"}), AT, AT)
    with pytest.raises(FactsContradict, match="twice"):
        build_facts(
            Standing("CASE-1", AT),
            COMPANY,
            scope=Scope((1,), (1,), (), None),
            sightings=[sighting(1)],
            record=Record({1: seen}, True, LABELS),
        )


def test_only_values_shown_as_they_are_count_as_seen() -> None:
    def entry(actor: int, subject: int, *fields: str, kind: str = "disclosure") -> dict[str, object]:
        return {"kind": kind, "actor": actor, "subject": subject, "at": to_us(AT), "fields": list(fields)}

    found = exposures(
        [
            entry(7, 1, "customer.email=reveal", "customer.phone=mask"),
            entry(7, 2, "customer.email=mask"),
            entry(8, 3, "customer.email=reveal"),
            entry(7, 4, "customer.email=reveal", kind="denial"),
            entry(7, 1, "customer.phone=alias", "customer.address=reveal"),
        ],
        actors=[7],
        labels=LABELS,
    )
    assert set(found) == {1}
    assert found[1].fields == {"customer.email", "customer.address"}


def test_the_statement_of_reasons_holds_facts_and_no_person() -> None:
    statement = seller_statement(facts(), seller="S-0088", clause="4.2 customer data", at=AT, withhold=True)
    assert statement["decision_account"] == "DECISION_ACCOUNT_SUSPENDED"
    assert statement["decision_monetary"] == "DECISION_MONETARY_SUSPENSION"
    assert statement["termination_not_before"] == "2026-05-02"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,500}", statement["puid"])
    assert statement["decision_facts"].startswith("2 unsolicited messages")
    assert not [word for word in FOREIGN if word in str(statement)]
    assert "decision_monetary" not in seller_statement(facts(), seller="S", clause="4", at=AT, withhold=False)


def test_an_unknown_word_in_a_letter_is_an_error() -> None:
    class Bare:
        certainty = "certain"

    with pytest.raises(Exception, match="has no attribute"):
        write_notice(facts(), Bare(), name="Ann")  # type: ignore[arg-type]


def test_one_person_is_told_in_the_singular() -> None:
    alone = replace(facts(), persons=facts().persons[:1])
    assert "passed on: 1 person." in write_notice(alone, alone.persons[0], name="Ann").text
