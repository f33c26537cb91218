"""The letter to a member of staff and its PDF, and letters to a business whose figures got out."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.answer.test_letters import facts

from whosaw.answer.accesspdf import write_access_pdf
from whosaw.answer.employeeaccess import UNSAID, EmployeeAnswer, OwnCase, employee_text
from whosaw.answer.employeedecisions import OwnDecision, OwnSecond
from whosaw.answer.employeeheld import Held, OwnException, OwnFlag, OwnHold, OwnPrompt, OwnStory, OwnUnmasking
from whosaw.answer.letters import LANGUAGES, _wording, write_notice

ANSWER = EmployeeAnswer(
    reference="B-1",
    company="Shop",
    made_at="2026-04-02T08:00:00+00:00",
    identity_checked="badge seen",
    person="E-0417",
    covers=1234,
    entries={"action": 2, "disclosure": 31},
    first_at="2026-01-02T08:00:00+00:00",
    last_at="2026-03-30T08:00:00+00:00",
    customers=30,
    without_reason=4,
    suspended_since="",
    cases=(
        OwnCase(
            "CASE-1",
            "lead",
            0.61,
            {"device": "open"},
            ('2026-04-01: #read("/etc/passwd") *not* me',),
            ("suspend_actor, done",),
        ),
    ),
    held=Held(
        flags=(
            OwnFlag(
                id="f00d",
                day="2026-03-29",
                tier="review",
                says="9 people looked up, where 2.0 would be expected",
                evidence="34 : 1",
                signals=("9 people: 34 : 1",),
                stories=(
                    OwnStory("half were a quality sample", 12.3, "the sample's list"),
                    OwnStory("all were", 3.2e41, "the list"),
                ),
                verdicts=("cleared",),
                cases=("CASE-1",),
            ),
        ),
        unmaskings=(OwnUnmasking("CASE-1", "2026-03-30T08:00:00+00:00", "security", ("hr",), "", "over"),),
        holds=(OwnHold("CASE-1", "2026-03-30T08:00:00+00:00", "2026-10-01", ""),),
        prompts=(OwnPrompt("2026-03-01T08:00", "2026-03-02T08:00", "2026-03-03T08:00", "she called me", "2026-03-02"),),
        exceptions=(
            OwnException("grant", "field_access", ("contact",), "2026-02-01", "2026-02-02", "expired", ("privacy",)),
        ),
        decisions=(
            OwnDecision("refund", "2026-03-04T08:00", True, "2026-03-05T02:00", "2026-03-12T02:00", "other"),
            OwnDecision("refund", "2026-03-31T08:00", False, "2026-04-01T02:00", "2026-04-08T02:00", "open"),
        ),
        seconds=(
            OwnSecond("refund", "2026-03-06T02:00", "2026-03-13T02:00", False, "no receipt was shown", "2026-03-07"),
            OwnSecond("refund", "2026-03-08T02:00", "2026-03-15T02:00", None, "", ""),
        ),
    ),
)


def test_a_member_of_staff_reads_what_stands_about_him() -> None:
    text = employee_text(ANSWER)
    assert "33 entries, from 2026-01-02 to 2026-03-30" in text and "30 people or businesses; 4 looks" in text
    assert (
        "CASE-1: of you the method says a lead (a reason to look further, not to act), with probability 0.610" in text
    )
    assert "Was the device used by this person alone? Not asked." in text and "31: looks at customers' data" in text
    assert "Measure: the member of staff's access to customers' data stopped: done." in text
    assert "refuses you" not in text
    for line in (
        "2026-03-29, tier review, flag f00d: 9 people looked up, where 2.0 would be expected; reviewers said: cleared.",
        "It may have come about honestly: half were a quality sample. Then the evidence is 12 times weaker",
        "It may have come about honestly: all were. Then the evidence is more than 1,000,000 times weaker",
        "2026-03-30, CASE-1, by security, approved by hr\n",
        "since 2026-03-30, to be looked at again on 2026-10-01, for CASE-1\n",
        "2026-03-02, about a look on 2026-03-01; you answered: she called me",
        "2026-03-04, refund, in favour: somebody else decided otherwise\n",
        "2026-03-31, refund, not in favour: to be decided by somebody else, by 2026-04-08\n",
        "2026-03-06, refund: not in favour, you wrote: no receipt was shown\n",
        "2026-03-08, refund: you did not\n",
        "2026-02-01 until 2026-02-02: an exception (field access) to contact, expired, decided by privacy",
    ):
        assert f"- {line}" in text
    assert UNSAID in text and "Why: " not in text
    let_out = employee_text(replace(ANSWER, grounds="the hearing was that day"))
    assert "\nWhy: the hearing was that day\n" in let_out and UNSAID not in let_out
    bare = replace(ANSWER, entries={}, first_at="", last_at="", cases=(), customers=0, without_reason=0, held=Held())
    assert "stand 0 entries." in employee_text(bare) and "flag" not in employee_text(bare)
    assert UNSAID not in employee_text(bare)


def test_the_pdf_is_the_same_each_time_and_reads_nothing_as_markup() -> None:
    made = write_access_pdf(ANSWER)
    assert made == write_access_pdf(ANSWER)
    assert made.startswith(b"%PDF-1.7") and b"answer.json" in made and b"pdfaid" in made
    assert b"root:" not in made


def test_a_business_is_told_of_its_figures_in_every_language() -> None:
    given = facts()
    person = replace(given.persons[0], fields_seen=("sales figures",), kind="seller")
    for language in LANGUAGES:
        words = _wording(language)
        letter = write_notice(given, person, name="Lotus Trade", language=language)
        text = " ".join(letter.text.split())
        assert words["fields"]["sales figures"] in text and words["next"] not in text
        assert words["next_business"].split()[0] in text
