"""Letters in six languages, forms for others, what may be said, and which law asks for it: one facts object."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.answer.test_letters import AT, COMPANY, FOREIGN, LABELS, facts, html_text, sighting

from whosaw.answer import Exposure, Facts, Record, Scope, Standing, build_facts, write_notice
from whosaw.answer.bundlefiles import letter_files
from whosaw.answer.claims import SENTENCES, NotCarried, say, weigh
from whosaw.answer.covered import UNMEASURED, Covered
from whosaw.answer.duties import Risk, decide_duties, required_of
from whosaw.answer.forms import Course, attorney_general_copy, authority_draft, internal_note, press_text
from whosaw.answer.law import agencies_on, rule_on
from whosaw.answer.letters import LANGUAGES, LetterUnwritable, _wording
from whosaw.answer.notices import Recipient, letter_to, wording_of

RISK = Risk(high=False, by="privacy", why="an e-mail address alone")
DONE = ("suspend_actor", "suspend_seller", "restore_reviews")
SEEN = Exposure(frozenset({"customer.email"}), AT - timedelta(days=9), AT - timedelta(days=7))
GAP = (date(2026, 3, 3), date(2026, 3, 9))


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_words(language: str) -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shape(each) for name, each in value.items() if name != "fields"}
        if isinstance(value, list):
            return len(value)
        return set(re.findall(r"{\w+}", value))

    assert shape(_wording(language)) == shape(_wording("en"))
    assert set(_wording(language)["fields"]) == set(_wording("en")["fields"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_letter_in_any_language_says_the_same_and_fills_every_gap(language: str, complete: bool, number: int) -> None:
    now = facts(complete=complete, steps=DONE)
    letter = write_notice(now, now.persons[number], name="Ann", language=language)
    assert not re.search(r"[{}]", letter.text + letter.html.replace("{", "{") if "{" in letter.text else letter.text)
    assert f'<html lang="{language}">' in letter.html
    assert letter.html.count("<h2>") == 5 and letter.html.count("<h1>") == 1
    assert str(now.told) in letter.text
    days = (now.as_of.date(), now.persons[number].first_on, now.persons[number].last_on)
    allowed = {str(n) for day in days for n in (day.day, day.year, day.month)} | {str(now.told)}
    allowed |= numbers(f"{COMPANY} {now.case}")
    assert numbers(letter.text) <= allowed
    assert numbers(letter.text) == numbers(html_text(letter.html))
    for word in FOREIGN:
        assert word not in letter.text + letter.html


def test_languages_differ_and_dates_are_written_as_there() -> None:
    now = facts()
    texts = {language: write_notice(now, now.persons[0], name="Ann", language=language).text for language in LANGUAGES}
    assert len(set(texts.values())) == len(LANGUAGES)
    assert "2. April 2026" in texts["de"]
    assert "2 avril 2026" in texts["fr"]
    assert "2 de abril de 2026" in texts["es"]
    assert "2026年4月2日" in texts["zh"]
    assert "2. huhtikuuta 2026" in texts["fi"]


def test_a_language_or_a_kind_of_data_without_words_is_refused() -> None:
    now = facts()
    with pytest.raises(LetterUnwritable, match="no words"):
        write_notice(now, now.persons[0], name="Ann", language="tlh")
    odd = replace(now.persons[0], fields_seen=("shoe size",))
    with pytest.raises(LetterUnwritable, match="shoe size"):
        write_notice(now, odd, name="Ann", language="fi")


@given(st.sampled_from(LANGUAGES), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_name_fills_one_gap_and_opens_none(language: str, name: str) -> None:
    now = facts()
    hostile = name + " {company} {0.__class__}"
    letter = write_notice(now, now.persons[0], name=hostile, language=language)
    assert "{company}" in letter.text and "{0.__class__}" in letter.text
    for word in FOREIGN:
        if word not in name:
            assert word not in letter.text + letter.html


def test_where_no_law_asks_the_letter_says_so() -> None:
    now = facts()
    for language in LANGUAGES:
        said = _wording(language)["voluntary"]
        person = now.persons[0]
        assert said in write_notice(now, person, name="A", language=language, required=False).text
        for required in (True, None):
            assert said not in write_notice(now, person, name="A", language=language, required=required).text


OFFER = "write to Example Guard, code {company} 4711"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["social security number", "identity document"])
def test_a_californian_whose_number_got_out_is_told_whom_to_ask_and_what_is_offered(language: str, kind: str) -> None:
    now = facts()
    now = replace(now, company=replace(COMPANY, identity_offer=OFFER))
    agencies = agencies_on(AT.date())
    person = replace(now.persons[0], fields_seen=("name", kind))

    def written(person: Any, place: str, given: Facts = now) -> str:
        letter = write_notice(given, person, name="A", language=language, required=True, place=place)
        assert flat(html_text(letter.html)).count("Equifax") == flat(letter.text).count("Equifax")
        return letter.text

    text, words = written(person, "US-CA"), _wording(language)
    assert {each.name for each in agencies} == {"Equifax", "Experian", "TransUnion"}
    for each in agencies:
        assert f"{each.name}, {each.phone}, {each.address}" in text
    offered = words["doing_offer"].partition("{")[0]
    assert offered in text and OFFER in text and "12" in text and words["can_agencies"] in text
    for other in (replace(person, fields_seen=("e-mail address",)), replace(person, kind="seller")):
        assert "Equifax" not in written(other, "US-CA") and offered not in written(other, "US-CA")
    for place in ("", "EU", "NY"):
        assert "Equifax" not in written(person, place)

    none = replace(now, company=replace(COMPANY, identity_offer="none"))
    assert "Equifax" in written(person, "US-CA", none) and offered not in written(person, "US-CA", none)
    silent = replace(now, company=COMPANY)
    with pytest.raises(LetterUnwritable, match="identity theft"):
        written(person, "US-CA", silent)
    assert "Equifax" not in written(person, "EU", silent)


def test_the_letter_of_a_place_whose_law_adds_sentences_is_a_wording_of_its_own() -> None:
    now = facts()
    person = replace(now.persons[0], fields_seen=("social security number",))
    wording = wording_of(person, "US-CA", lambda place: True, AT.date())
    assert (wording.place, wording.name) == ("US-CA", "certain-required-us-ca")
    assert wording_of(person, "EU", lambda place: True, AT.date()).place == ""
    assert wording_of(person, "US-CA", lambda place: True, date(2014, 12, 31)).place == "", "before AB 1710"
    sent = letter_files(replace(now, company=replace(COMPANY, identity_offer=OFFER)), {wording: person})
    assert b"TransUnion" in sent["letters/certain-required-us-ca.txt"]
    assert rule_on("us.ca.identity_theft", AT.date()).months == 12
    mine = Recipient("A", "a@b.example", "en", "US-CA")
    assert "Experian" in letter_to(replace(now, company=replace(COMPANY, identity_offer="none")), person, mine).text


def test_no_letter_says_that_no_law_asks_where_that_was_not_decided() -> None:
    now = residents(2, "EU")
    places = {0: "EU", 1: "UK"}
    undecided = decide_duties(now, places, None, AT.date())
    assert [required_of(undecided, place) for place in ("EU", "UK", "CN", "CA-QC")] == [None] * 4
    assert {duty.required for duty in undecided if duty.to == "persons"} == {None}
    draft = authority_draft(now, Course(AT, AT + timedelta(hours=72)), None, undecided)
    assert draft["risk"] is None and draft["open"] == ["how high the risk is, and who decided on it"]
    low = decide_duties(now, places, RISK, AT.date())
    assert required_of(low, "EU") is False
    assert required_of(low, "UK") is None  # nobody has checked that rule
    assert required_of(decide_duties(now, places, replace(RISK, high=True), AT.date()), "UK") is True
    assert required_of(decide_duties(now, {0: "CN"}, RISK, AT.date()), "CN") is True


SHOP = Exposure(frozenset({"seller.revenue"}), AT - timedelta(days=9), AT - timedelta(days=7))
MORE = LABELS | {
    "customer.mobile": "telephone number",
    "seller.revenue": "sales figures",
    "seller.email": "e-mail address",
    "customer.iban": "bank account",
}


def mixed(*, steps: tuple[str, ...] = ()) -> Facts:
    return build_facts(
        Standing("CASE-1", AT, frozenset(steps)),
        COMPANY,
        scope=Scope((1,), (2,), (), 2),
        sightings=[sighting(1)],
        record=Record(
            {1: replace(SEEN, fields=frozenset({"customer.phone"})), 2: SHOP}, True, MORE, kinds={2: "seller"}
        ),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_business_whose_figures_were_shown_is_told_as_one_and_a_person_as_a_person(language: str) -> None:
    now, words = mixed(), _wording(language)
    person, shop = (flat(write_notice(now, each, name="", language=language).text) for each in now.persons)

    def start(key: str) -> str:
        return flat(words[key].partition("{")[0])

    for key in ("lead_probable", "happened_probable", "rights", "next"):
        assert start(f"{key}_business") in shop and start(key) not in shop, key
    assert start("lead_certain") in person and start("rights") in person and start("next") in person
    assert flat(words["can_business"]) in shop and flat(words["can"][0]) in person
    assert flat(words["fields"]["sales figures"]) in shop
    # neither is told of what only the other kind has, and what was opened under one name is not said to be unopened
    assert flat(words["fields"]["sales figures"]) not in person
    assert flat(words["fields"]["bank account"]) not in shop and flat(words["fields"]["bank account"]) in person
    assert person.count(flat(words["fields"]["telephone number"])) == 1
    both = flat(words["doing_told_all"].partition("{")[0])
    assert both in shop and both in person


def test_texts_for_others_count_persons_and_businesses_apart() -> None:
    now = mixed()
    draft = authority_draft(now, Course(AT, AT + timedelta(hours=72)), RISK, ())
    assert draft["categories_of_persons"] == {"customer": 1, "seller": 1}
    assert draft["records"]["opened"] == 2
    for text in (press_text(now), internal_note(now)):
        assert "1 customer and 1 seller" in text


def test_what_a_canary_saw_is_not_said_to_be_reported() -> None:
    canary = replace(sighting(1), form="canary")
    now = build_facts(
        Standing("CASE-1", AT),
        COMPANY,
        scope=Scope((1,), (), (), 1),
        sightings=[canary],
        record=Record({1: SEEN}, True, LABELS),
    )
    assert (now.complaints, now.reported) == (1, 0)
    for language in LANGUAGES:
        said = flat(_wording(language)["reported"])
        told = facts()
        assert said not in flat(write_notice(now, now.persons[0], name="A", language=language).text)
        assert said in flat(write_notice(told, told.persons[0], name="A", language=language).text)
    assert "told us" not in press_text(now) and "told us" in press_text(facts())


def test_nobody_may_say_that_everyone_was_told_before_the_letters_arrived() -> None:
    alone = replace(facts(steps=("notify_subjects",)), possible=0)
    assert weigh(alone, "everyone_told").carried
    assert "have not gone out" in weigh(replace(alone, steps_done=()), "everyone_told").why_not
    assert "3 of the letters did not arrive" in weigh(replace(alone, undelivered=3), "everyone_told").why_not


def test_a_delay_for_the_police_is_said_in_the_letter() -> None:
    now = replace(facts(), police_delayed=True)
    for language in LANGUAGES:
        text = write_notice(now, now.persons[0], name="A", language=language).text
        assert _wording(language)["delayed"] in text and _wording(language)["not_delayed"] not in text


def texts(now: Facts) -> dict[str, str]:
    course = Course(AT, AT + timedelta(hours=72))
    duties = decide_duties(now, {person.subject: "EU" for person in now.persons}, RISK, AT.date())
    return {
        "draft": json.dumps(authority_draft(now, course, RISK, duties)),
        "press": press_text(now),
        "note": internal_note(now),
        **{
            f"letter {language}": write_notice(now, now.persons[0], name="A", language=language).text
            for language in LANGUAGES
        },
    }


@given(
    st.integers(1, 40), st.integers(0, 40), st.integers(0, 60), st.integers(1, 90), st.booleans(), st.booleans()
)  # fmt: skip
def test_all_texts_agree_number_by_number(
    certain: int, probable: int, possible: int, complaints: int, complete: bool, gap: bool
) -> None:
    person = facts().persons[0]
    people = tuple(replace(person, subject=n) for n in range(certain + probable))
    now = replace(
        facts(complete=complete and not gap, steps=DONE),
        persons=people,
        certain=certain,
        probable=probable,
        possible=possible,
        bound=certain + probable + possible,
        complaints=complaints,
        reported=complaints,
        verified_complaints=complaints // 2,
        gaps=(GAP,) if gap else (),
        covered=Covered(3, 3, 71 * complaints, 71 * complaints) if complete else UNMEASURED,
    )
    days = [now.as_of.date(), now.first_on, now.last_on, person.first_on, person.last_on, *(GAP if gap else ())]
    fixed = numbers(f"{COMPANY} {now.case} {AT.isoformat()} {(AT + timedelta(hours=72)).isoformat()} GDPR 33 34 1 72 h")
    fixed |= {text for day in days for text in numbers(f"{day.isoformat()} {day.day} {day.month} {day.year}")}
    counts = {certain, probable, possible, now.told, now.bound, complaints, now.verified_complaints, now.records}
    allowed = fixed | {str(each) for each in counts} | numbers(now.covered.line)
    for name, text in texts(now).items():
        assert numbers(text) <= allowed, (name, numbers(text) - allowed)
    said = texts(now)
    for name in ("draft", "press", "note"):
        assert {str(now.told), str(certain), str(probable), str(complaints)} <= numbers(said[name]), name
    for word in FOREIGN:
        assert not [name for name, text in said.items() if word in text]


def test_a_sentence_that_the_record_does_not_carry_is_refused_with_why() -> None:
    holed = replace(facts(complete=False), gaps=(GAP,))
    with pytest.raises(NotCarried, match="completeness of 3 March 2026 to 9 March 2026 is unproven"):
        say(holed, "nothing_else")
    whole = replace(facts(), covered=Covered(3, 3, 900, 900))
    assert say(whole, "nothing_else") == SENTENCES["nothing_else"]
    for covered, why in (
        (UNMEASURED, "no audit log of the database"),
        (Covered(3, 2, 900, 900), "covers 2 of 3 days"),
        (Covered(3, 3, 0, 0), "cannot speak for the doors"),
    ):
        with pytest.raises(NotCarried, match=why):
            say(replace(facts(), covered=covered), "nothing_else")
    assert "possible" not in say(facts(), "at_most") and "5" in say(facts(), "at_most")
    with pytest.raises(NotCarried, match="gives no bound"):
        say(replace(facts(), bound=None), "at_most")
    with pytest.raises(NotCarried, match="2 more cannot be ruled out"):
        say(facts(steps=("notify_subjects",)), "everyone_told")
    for claim, step in (("seller_stopped", "suspend_seller"), ("access_cut", "suspend_actor")):
        assert not weigh(facts(), claim).carried  # type: ignore[arg-type]
        assert weigh(facts(steps=(step,)), claim).carried  # type: ignore[arg-type]
    assert "completeness of 3 March 2026" in press_text(holed)
    assert SENTENCES["nothing_else"] not in press_text(holed)
    assert "3 March 2026 to 9 March 2026" in internal_note(holed)


def test_what_went_around_the_doors_takes_the_sentence_about_the_rest_away() -> None:
    past = build_facts(
        Standing("CASE-1", AT),
        COMPANY,
        scope=Scope((1,), (), (), 1),
        sightings=[sighting(1)],
        record=Record({1: SEEN}, True, LABELS, covered=Covered(3, 3, 900, 895)),
    )
    assert not past.record_complete and past.persons[0].fields_unseen == ()
    with pytest.raises(NotCarried, match="5 of 900 accesses went around the doors"):
        say(past, "nothing_else")
    assert "5 of 900 accesses" in press_text(past) and "99.44% went through" in internal_note(past)
    for language in LANGUAGES:
        words = _wording(language)
        letter = write_notice(past, past.persons[0], name="A", language=language).text
        assert flat(words["not_proven"]) in flat(letter)
        for covered, said, not_said in (
            (Covered(3, 3, 900, 900), "covered", "not_covered"),
            (UNMEASURED, "not_covered", "covered"),
        ):
            now = replace(facts(), covered=covered)
            text = flat(write_notice(now, now.persons[0], name="A", language=language).text)
            assert flat(words[said]) in text and flat(words[not_said]) not in text


def flat(text: str) -> str:
    return "".join(text.split())


def test_the_draft_for_the_authority_says_what_is_open() -> None:
    now = facts()
    first = authority_draft(now, Course(None, None, missing=("the number of records",)), RISK, ())
    assert first["open"] == ["the number of records", "the minute of awareness, and who decided on it"]
    late = Course(AT - timedelta(hours=80), AT - timedelta(hours=8), phase=2)
    assert authority_draft(now, late, RISK, ())["open"] == ["the reasons for the delay (art. 33(1))"]
    full = authority_draft(now, Course(AT, AT + timedelta(hours=72), phase=2), RISK, ())
    assert full["open"] == [] and full["phase"] == 2
    assert full["persons"] == {"certain": 2, "probable": 1, "possible": 2, "told": 3, "at_most": 5}


def residents(count: int, place: str, fields: tuple[str, ...] = ("e-mail address",)) -> Facts:
    person = replace(facts().persons[0], fields_seen=fields)
    return replace(facts(), persons=tuple(replace(person, subject=n) for n in range(count)), certain=count, probable=0)


@pytest.mark.parametrize(
    ("count", "fields", "persons", "attorney"),
    [
        (88, ("e-mail address",), False, False),
        (6, ("e-mail address", "security answer"), True, False),
        (501, ("e-mail address", "security answer"), True, True),
        (500, ("e-mail address", "security answer"), True, False),
        (501, ("e-mail address",), False, False),
    ],
)
def test_california_asks_by_kind_of_data_and_number_of_residents(
    count: int, fields: tuple[str, ...], persons: bool, attorney: bool
) -> None:
    now = residents(count, "US-CA", fields)
    duties = decide_duties(now, dict.fromkeys(range(count), "US-CA"), RISK, AT.date())
    found = {duty.to: duty.required for duty in duties}
    assert found == {"persons": persons, "attorney_general": attorney}
    assert required_of(duties, "US-CA") is persons
    if attorney:
        # the first person lives elsewhere and lost less: the sample is not his letter, and the count is without him
        stranger = replace(now.persons[0], subject=-1, fields_seen=("orders",))
        more, places = replace(now, persons=(stranger, *now.persons)), dict.fromkeys(range(count), "US-CA")
        due = next(duty for duty in decide_duties(more, places, RISK, AT.date()) if duty.to == "attorney_general")
        copy = attorney_general_copy(more, due, places)
        assert copy["residents"] == count and "[name]" in copy["sample"] and "security answer" in copy["sample"]


def test_europe_asks_for_the_authority_and_for_persons_only_at_high_risk() -> None:
    now = residents(41, "EU")
    place = dict.fromkeys(range(41), "EU")
    low = {duty.to: duty.required for duty in decide_duties(now, place, RISK, AT.date())}
    high = {duty.to: duty.required for duty in decide_duties(now, place, replace(RISK, high=True), AT.date())}
    assert low == {"authority": True, "persons": False} and high == {"authority": True, "persons": True}
    china = decide_duties(now, dict.fromkeys(range(41), "CN"), RISK, AT.date())
    assert [(duty.to, duty.check) for duty in china] == [("authority", True), ("persons", True)]
    assert decide_duties(now, {}, RISK, AT.date()) == ()
    old = decide_duties(now, dict.fromkeys(range(41), "US-CA"), RISK, datetime(2025, 6, 1, tzinfo=AT.tzinfo).date())
    assert {duty.rule.valid_from.year for duty in old} == {2020}
