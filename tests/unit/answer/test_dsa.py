"""Statements of reasons against the rules that the DSA transparency database publishes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.unit.answer.test_letters import COMPANY, FOREIGN, facts

from whosaw.answer.dsa import StatementInvalid, calls, database_record, seller_letter, writer_note
from whosaw.answer.dsarules import problems, words
from whosaw.answer.statement import removal_statement, safety_statement, seller_statement, termination_statement
from whosaw.app.casestatements import ReviewsUnreadable, read_reviews

AT = datetime(2026, 4, 2, 9, tzinfo=UTC)
WRITTEN = date(2026, 3, 2)


def removal(review: str = "review:R-1") -> dict[str, Any]:
    return removal_statement("CASE-1", COMPANY, review=review, clause="terms 9", written_on=WRITTEN, at=AT)


def account(**changed: Any) -> dict[str, Any]:
    made = seller_statement(facts(), seller="S-0088", clause="terms 4.2", at=AT, withhold=True)
    return {**database_record(made), **changed}


KINDS = {
    "suspension": seller_statement(facts(), seller="S-0088", clause="terms 4.2", at=AT, withhold=True),
    "termination": termination_statement(facts(), seller="S-0088", clause="terms 4.2", at=AT),
    "again": safety_statement("CASE-1", COMPANY, seller="S-0088", clause="terms 4", at=AT),
    "removal": removal(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_statement_passes_and_holds_nobody(kind: str) -> None:
    record = database_record(KINDS[kind])
    assert problems(record) == []
    assert not [word for word in (*FOREIGN, "S-0088", "R-1") if word in json.dumps(record)]
    assert not {"redress", "effective_at", "reasons_for", "termination_not_before"} & set(record)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        *("decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts"),
        *("source_type", "automated_detection", "automated_decision", "puid"),
        *("incompatible_content_ground", "incompatible_content_explanation"),
    ],
)
@pytest.mark.parametrize("empty", [None, "", "  ", []])
def test_what_is_required_is_required_of_every_kind(kind: str, name: str, empty: object) -> None:
    with pytest.raises(StatementInvalid, match=f"`{name}` is missing"):
        database_record({**KINDS[kind], name: empty})


@pytest.mark.parametrize(
    ("counts", "says", "automated", "source"),
    [
        ((2, 2, 1), "2 unsolicited messages that served this account were reported to us; received ", "No", "NOTIFIED"),
        ((1, 1, 0), "1 unsolicited message that served this account was reported to us; received ", "No", "NOTIFIED"),
        (
            (5, 2, 5),
            "2 unsolicited messages that served this account were reported to us, and 3 more arrived at addresses of "
            "our own, which we watch; received ",
            "Yes",
            "NOTIFIED",
        ),
        (
            (3, 0, 0),
            "3 unsolicited messages that served this account arrived at addresses of our own, which we watch; ",
            "Yes",
            "VOLUNTARY",
        ),
    ],
)
def test_a_statement_says_what_was_reported_and_what_our_own_addresses_received(
    counts: tuple[int, int, int], says: str, automated: str, source: str
) -> None:
    complaints, reported, signed = counts
    known = replace(facts(), complaints=complaints, reported=reported, verified_complaints=signed)
    made = seller_statement(known, seller="S-0088", clause="terms 4.2", at=AT, withhold=False)
    assert made["decision_facts"].startswith(says) and database_record(made)
    carries = {0: "None of them carries", 1: "1 of them carries", 5: "5 of them carry"}[signed]
    assert f" {carries} a valid signature of the domain that sent it." in made["decision_facts"]
    assert made["automated_detection"] == automated
    assert (
        made["source_type"] == {"NOTIFIED": "SOURCE_TYPE_OTHER_NOTIFICATION", "VOLUNTARY": "SOURCE_VOLUNTARY"}[source]
    )


@pytest.mark.parametrize("certain", [0, 1, 4])
def test_a_statement_claims_of_no_more_people_what_the_record_shows_of_few(certain: int) -> None:
    known = replace(facts(), certain=certain, complaints=9)
    said = seller_statement(known, seller="S-0088", clause="terms 4.2", at=AT, withhold=False)["decision_facts"]
    assert (f"data of {certain} of those who were contacted had been opened before" in said) == bool(certain)
    assert ("data of" in said) == bool(certain)


def test_a_suspension_decides_on_account_and_money_and_a_removal_on_visibility_alone() -> None:
    decisions = {
        kind: {name: each for name, each in database_record(made).items() if name.startswith("decision_") and
               name not in {"decision_ground", "decision_facts"}}
        for kind, made in KINDS.items()
    }  # fmt: skip
    assert decisions == {
        "suspension": {
            "decision_account": "DECISION_ACCOUNT_SUSPENDED",
            "decision_monetary": "DECISION_MONETARY_SUSPENSION",
        },
        "termination": {"decision_account": "DECISION_ACCOUNT_TERMINATED"},
        "again": {"decision_account": "DECISION_ACCOUNT_SUSPENDED"},
        "removal": {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"]},
    }
    for kind, made in KINDS.items():
        bare = {name: each for name, each in made.items() if name not in decisions[kind]}
        with pytest.raises(StatementInvalid, match="names a decision"):
            database_record(bare)


@pytest.mark.parametrize("name", sorted(words()))
def test_every_word_of_a_closed_list_is_taken_and_no_other(name: str) -> None:
    lists = {"decision_visibility", "content_type", "category_addition", "category_specification", "territorial_scope"}
    others = {word for word in words()[name] if word.endswith("_OTHER") and name != "category_specification"}
    for word in sorted(words()[name] - others - {"DECISION_GROUND_ILLEGAL_CONTENT"}):
        assert problems(account(**{name: [word] if name in lists else word}) | _fitting(name, word)) == []
    wrong = account(**{name: ["NO_SUCH_WORD"] if name in lists else "NO_SUCH_WORD"})
    assert f"`{name}` holds what the database does not know" in problems(wrong)


def _fitting(name: str, word: str) -> dict[str, Any]:
    """What else a word asks for, or forbids."""
    return {"content_type_other": None} if name == "content_type" and word != "CONTENT_TYPE_OTHER" else {}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"decision_visibility": "DECISION_VISIBILITY_CONTENT_REMOVED"}, "`decision_visibility` is a list"),
        ({"decision_visibility": ["DECISION_VISIBILITY_OTHER"]}, "`decision_visibility_other` is missing"),
        ({"decision_visibility_other": "hidden"}, "is for `DECISION_VISIBILITY_OTHER` alone"),
        ({"decision_monetary": "DECISION_MONETARY_OTHER"}, "`decision_monetary_other` is missing"),
        ({"decision_monetary": ["DECISION_MONETARY_SUSPENSION"]}, "`decision_monetary` is one word"),
        ({"decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT"}, "`illegal_content_legal_ground` is missing"),
        ({"illegal_content_explanation": "it is"}, "does not belong to this ground"),
        ({"incompatible_content_illegal": "Perhaps"}, "`incompatible_content_illegal` holds"),
        ({"content_type": ["CONTENT_TYPE_TEXT"]}, "is for `CONTENT_TYPE_OTHER` alone"),
        ({"category_specification_other": "x" * 501}, "more than 500"),
        ({"incompatible_content_explanation": "x" * 2001}, "more than 2000"),
        ({"decision_facts": "x" * 5001}, "more than 5000"),
        ({"puid": "a b"}, "`puid` holds letters"),
        ({"puid": "a\n"}, "`puid` holds letters"),
        ({"content_date": "2026-02-30"}, "`content_date` holds no day"),
        ({"content_date": "1999-12-31"}, "does not take"),
        ({"application_date": "2026-04-02-09"}, "`application_date` holds no day"),
        ({"end_date_account_restriction": "2038-01-02"}, "does not take"),
        ({"territorial_scope": ["DE", "UK"]}, "`territorial_scope` holds"),
        ({"content_language": "de"}, "`content_language` holds"),
        ({"source_type": "SOURCE_VOLUNTARY", "source_identity": "a watch group"}, "own initiative"),
        ({"decision_ground_reference_url": "terms"}, "no address of a page"),
        ({"content_id_ean": "123"}, "EAN"),
        ({"content_id": {"EAN-13": "12345678901234"}}, "EAN"),
        ({"seller": "S-0088"}, "`seller` is no field"),
        ({"decision_facts": "write to bob@home.example"}, "address"),
        ({"source_identity": "call +49 30 5550 100"}, "telephone"),
    ],
)
def test_what_the_database_would_refuse_or_drop_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(StatementInvalid) as refusal:
        database_record(account(**changed))
    assert says in str(refusal.value)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    assert len(problems(account(puid="a b", category="NONE", decision_facts=None))) == 3


def test_a_hundred_statements_go_in_one_call_and_no_id_twice() -> None:
    made = [removal(f"review:R-{number}") for number in range(250)]
    assert [len(body["statements"]) for body in calls(made)] == [100, 100, 50]
    with pytest.raises(StatementInvalid, match="two statements"):
        list(calls([made[0], made[0]]))


def test_whom_a_measure_hits_reads_what_was_decided_why_and_where_to_complain() -> None:
    ended = seller_letter(KINDS["termination"], COMPANY)
    assert "is terminated as of 2026-04-02" in ended and "not be terminated before" not in ended
    note = writer_note(removal(), COMPANY)
    assert "your review was removed on 2026-04-02" in note and COMPANY.contact_email in note
    assert not [word for word in (*FOREIGN, "R-1") if word in note]


def test_a_table_of_reviews_is_read_whole_or_refused() -> None:
    assert read_reviews(["review,written_on", "review:R-1,2026-03-02"]) == {"review:R-1": WRITTEN}
    for lines in (["review,written_on"], ["review", "review:R-1"], ["review,written_on", "review:R-1,yesterday"]):
        with pytest.raises(ReviewsUnreadable):
            read_reviews(lines)
