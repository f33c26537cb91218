"""What lists over many cases show to whoever may not see one of them: nothing of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from icalendar import Calendar
from tests.e2e.test_case_commands import Desk, an_hour_later, desk

from whosaw.answer.erasureanswer import UNTOLD

__all__ = ["desk"]  # the fixture


@pytest.fixture
def two_cases(desk: Desk) -> Desk:
    """Open a case of Ann's and one of Bob's, with a term, a sighting and a covert hold each, and a sighting of none."""
    day = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    for seller in ("seller:S-1", "seller:S-2", "seller:S-3"):
        table = desk.folder / "calls.csv"
        table.write_text("subject,contacted_at\ncustomer:C-1,2026-03-02T08:00+01:00\n")
        desk.ok("sighting", "add", str(table), "--beneficiary", seller)
    verdict = desk.folder / "verdict.json"
    rung = {"actors": ["E-1"], "probability": 0.98, "rung": "lead"}
    scope = {"certain": ["customer:C-1"], "probable": [], "possible": [], "bound": 1}
    said = {
        "verdict": "lead",
        "outside_probability": 0.1,
        "candidates": [rung],
        "scope": scope,
        "complaints": {"used": 1},
    }
    verdict.write_text(json.dumps(said))
    for case, name, who in (("CASE-1", "ann", desk.ann), ("CASE-2", "bob", desk.bob)):
        desk.ok("case", "open", f"seller:S-{case[-1]}", "--reason", "a hint", **who)
        desk.ok("case", "people", case, "--name", name, "--function", "privacy", **who)
        desk.ok("case", "clocks", case, "--start", "awareness", "--at", "2026-03-04T08:15+01:00", **who)
        desk.ok("case", "verdict", case, str(verdict), **who)
        desk.ok("access", "hold", case, "--from-staff", "--why", "he must not hear of it", "--review", day, **who)
    return desk


def test_lists_leave_out_a_case_that_one_may_not_see(two_cases: Desk) -> None:
    desk = two_cases

    def listed(*command: str, **who: str) -> set[str | None]:
        found: list[dict[str, Any]] = json.loads(desk.ok(*command, "--json", **who))
        return {each["case"] for each in found}

    nobody: dict[str, str] = {}
    for who, seen in ((desk.ann, {"CASE-1"}), (desk.bob, {"CASE-2"}), (nobody, {"CASE-1", "CASE-2"})):
        assert listed("case", "clocks", **who) == seen
        assert listed("case", "clocks", "--remind", **who) == seen
        assert listed("sighting", "list", **who) == {*seen, None}
        out = desk.folder / "terms.ics"
        desk.ok("case", "calendar", "--out", str(out), **who)
        todos = Calendar.from_ical(out.read_bytes()).walk("VTODO")
        assert {case for case in ("CASE-1", "CASE-2") if any(case in str(each["summary"]) for each in todos)} == seen
    found = desk.folder / "found.csv"
    desk.ok("trace", "sightings", "--beneficiary", "seller:S-1", "--out", str(found), **desk.ann)
    desk.ok("trace", "sightings", "--beneficiary", "seller:S-3", "--out", str(found), **desk.ann)
    desk.refused(
        "app.no_sightings", "trace", "sightings", "--beneficiary", "seller:S-2", "--out", str(found), **desk.ann
    )


def test_what_is_held_back_and_owed_is_told_to_whoever_may_see_the_case(two_cases: Desk, database_url: str) -> None:
    desk = two_cases
    asked = ("access", "answer", "E-1", "--employee", "--identity", "badge seen", "--reference", "B-1")
    desk.ok(*asked, "--out", str(desk.folder / "answer"), **desk.ann)
    assert [each["case"] for each in json.loads(desk.ok("access", "owed", "--json", **desk.ann))["holds"]] == ["CASE-1"]
    said = desk.ok("access", "release", "2", "--why", "he was heard", **desk.bob)
    assert "nobody is told of CASE-2 before its records are kept" in said
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into legal_hold (space, number, ground, review_on, added_at, added_by) select space, number, "
            "'CASE-2', now(), now(), 1 from number_map where space <> 'purpose'"
        )
    mine, his, all_ = (json.loads(desk.ok("access", "owed", "--json", **who)) for who in (desk.ann, desk.bob, {}))
    assert (mine["owed"], [each["case"] for each in mine["holds"]]) == ([], ["CASE-1"])
    assert [(each["reference"], each["cases"]) for each in his["owed"]] == [("B-1", ["CASE-2"])]
    assert his["owed"] == all_["owed"] and len(all_["holds"]) == 2
    hers, bobs, all_holds = (json.loads(desk.ok("hold", "list", "--json", **who)) for who in (desk.ann, desk.bob, {}))
    staff = [[each["who"] for each in found if each["space"] == "actor"] for found in (bobs, all_holds)]
    assert hers == [] and "actor:E-1" in staff[1] and len(staff[0]) == len(staff[1])
    assert all(who.startswith("actor #") for who in staff[0]), "whom a case holds takes two to unmask"


def test_who_asks_to_be_erased_hears_of_no_case_that_is_covert_or_not_kept(two_cases: Desk, database_url: str) -> None:
    desk, out = two_cases, two_cases.folder / "erasure"

    def told(ground: str, held: str) -> str:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("delete from legal_hold")
            connection.execute(
                "insert into legal_hold (space, number, ground, review_on, added_at, added_by) select space, number, "
                "%s, now(), now(), 1 from number_map where key = any(%s)",
                [ground, held.split()],
            )
        asked = ("access", "erasure", "C-1", "--reference", "R-1", "--identity", "passport seen", "--out", str(out))
        desk.ok(*asked, **desk.bob)
        letter, signed = ((out / name).read_text() for name in ("erasure.txt", "erasure.json"))
        assert ("CASE-" in letter) == ("CASE-" in signed) and (UNTOLD in letter) == (UNTOLD in signed)
        return letter

    everybody = "customer:C-1 seller:S-1 seller:S-2 E-1"
    for ground in ("CASE-2", "the search in CASE-2, ask Bob"):
        assert UNTOLD in told(ground, everybody) and "CASE-2" not in told(ground, everybody), "covert"
    desk.ok("access", "release", "2", "--why", "he was heard", **desk.bob)
    assert UNTOLD in told("CASE-2", "customer:C-1"), "its records are not kept"
    assert "our reference CASE-2" in told("CASE-2", everybody)
    assert "the court, not CASE-99" in told("the court, not CASE-99", everybody)


def test_nothing_is_told_or_done_about_a_case_that_one_may_not_see(two_cases: Desk, database_url: str) -> None:
    desk = two_cases
    hidden = "answer.unknown_case"
    assert "WHOSAW_TOKEN" in desk.refused("gate.token_refused", "case", "list", WHOSAW_TOKEN="nobody's")
    for command in (
        ("alternatives", "CASE-1"),
        ("resume", "CASE-1"),
        ("appeal", "CASE-1/1", "--text", "it was not me"),
        ("open", "seller:S-1", "--reason", "a hint"),
        ("retention", "CASE-99", "--apply"),
    ):
        said = desk.refused(hidden, "case", *command, **desk.bob)
        assert command[0] != "open" or "CASE-" not in said
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into sighting_alternative (sighting_id, kind, source, probability, at, by) "
            "select id, 'earlier_case', 'CASE-2', 0.7, now(), 'service:case' from sighting where case_id = 'CASE-1'"
        )
    for asked in ("alternatives", "sightings"):
        said = desk.ok("case", asked, "CASE-1", "--json", **desk.ann)
        assert "an earlier case" in said and "CASE-2" not in said
        assert "CASE-2" in desk.ok("case", asked, "CASE-1", "--json")

    table = str(desk.folder / "again.csv")
    rows = "subject,contacted_at\ncustomer:C-2,2026-03-02T08:00+01:00\n"
    (desk.folder / "again.csv").write_text(rows)
    for who, case in ((desk.bob, None), (desk.ann, "CASE-1"), ({}, "CASE-1")):
        (taken,) = json.loads(desk.ok("sighting", "add", table, "--beneficiary", "seller:S-1", "--json", **who))
        assert taken["sighting"]["case"] == case

    (one,) = json.loads(desk.ok("case", "show", "CASE-1", "--json", **desk.ann))["verdict"]["candidates"]
    number = one["actors"][0].removeprefix("actor #")
    desk.ok("case", "unmask", "CASE-1", "--actor", number, "--reason", "his access must be cut", **desk.ann)
    dora = {"WHOSAW_TOKEN": desk.ok("user", "add", "E-2").strip().split()[-1]}
    desk.ok("case", "people", "CASE-1", "--name", "E-2", "--function", "security", **desk.ann)
    desk.refused(hidden, "case", "unmask", "CASE-2", "--approve", "1", **dora)
    desk.ok("case", "unmask", "CASE-1", "--approve", "1", **dora)

    desk.ok("case", "report", "--offer", "80 dollars for an address")
    an_hour_later(desk)
    desk.refused(hidden, "case", "approaches", "--take", "1", "--case", "CASE-1", **desk.bob)
    desk.ok("case", "approaches", "--take", "1", "--case", "CASE-1", **desk.ann)
    for who, case in ((desk.bob, None), (desk.ann, "CASE-1")):
        (report,) = json.loads(desk.ok("case", "approaches", "--json", **who))
        assert report["case"] == case

    desk.ok("case", "state", "CASE-1", "closed", "--reason", "nothing was found", **desk.ann)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update case_file set closed_at = closed_at - interval '1096 days' where id = 'CASE-1'")
    assert "no closed case" in desk.ok("case", "retention", **desk.bob)
    assert "CASE-1" in desk.ok("case", "retention", **desk.ann)


def test_no_refusal_of_an_act_tells_whether_a_case_is_there(two_cases: Desk) -> None:
    desk = two_cases
    desk.ok("case", "open", "seller:S-3", "--reason", "a hint", **desk.ann)  # CASE-3, on which nobody works yet
    desk.ok("case", "verdict", "CASE-3", str(desk.folder / "verdict.json"), **desk.ann)
    eve = {"WHOSAW_TOKEN": desk.ok("user", "add", "E-1").strip().split()[-1]}
    acts = (
        ("state", "{}", "closed", "--reason", "x"),
        ("plan", "{}", "suspend_seller", "seller:S-3", "--reason", "x"),
        ("approve", "{}/1"),
        ("do", "{}/1"),
        ("undo", "{}/1", "--reason", "x"),
        ("verdict", "{}", str(desk.folder / "verdict.json")),
        ("people", "{}", "--name", "E-2", "--function", "legal"),
        ("hear", "{}", "#1", "--said", "nothing"),
        ("retention", "{}", "--apply"),
    )
    # a suspect of a case without people, somebody of another case, and a case that nobody ever opened
    for who, case in ((eve, "CASE-3"), (desk.bob, "CASE-1"), (desk.bob, "CASE-77")):
        for act in acts:
            said = desk.refused("answer.unknown_case", "case", *(each.format(case) for each in act), **who)
            assert f"there is no case `{case}` that you may see" in said, act


def test_every_command_refuses_a_case_that_one_may_not_see_as_it_refuses_one_that_is_not_there(two_cases: Desk) -> None:
    desk = two_cases
    (desk.folder / "text.txt").write_text("a text")
    text, out = str(desk.folder / "text.txt"), str(desk.folder / "out")
    for asked in (
        ("case", "unmask", "{}", "--actor", "1", "--reason", "his access must be cut"),
        ("case", "unmask", "{}", "--approve", "1"),
        ("case", "clocks", "{}", "--start", "awareness", "--at", "2026-03-04T08:15+01:00"),
        ("case", "clocks", "{}", "--met", "gdpr_33", "--note", "done"),
        ("case", "exhibit", "{}", text, "--what", "the text as it was filed"),
        ("case", "copies", "{}", text),
        ("case", "entities", "{}", "--add", "domain:lotus.example"),
        ("case", "trace", "{}"),
        ("notice", "risk", "{}", "--why", "addresses got out"),
        ("notice", "forms", "{}", "--out", out),
        ("access", "hold", "{}", "--entries", "1", "--why", "he must not hear", "--review", "2026-12-01"),
    ):
        said = {
            desk.refused("answer.unknown_case", *(each.format(case) for each in asked), **desk.ann).replace(case, "it")
            for case in ("CASE-2", "CASE-99")
        }
        assert len(said) == 1 and "there is no case `it` that you may see" in said.pop(), asked
