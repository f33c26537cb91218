"""The letter to a member of staff and its PDF, and letters to a business whose figures got out."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.answer.test_letters import facts

from whosaw.answer.accesspdf import write_access_pdf
from whosaw.answer.employeeaccess import EmployeeAnswer, OwnCase, employee_text
from whosaw.answer.letters import LANGUAGES, _wording, write_notice

ANSWER = EmployeeAnswer(
    reference="B-1",
    company="Shop",
    made_at="2026-04-02T08:00:00+00:00",
    identity_checked="badge seen",
    person="E-0417",
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
    bare = replace(ANSWER, entries={}, first_at="", last_at="", cases=(), customers=0, without_reason=0)
    assert "stand 0 entries." in employee_text(bare)


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
