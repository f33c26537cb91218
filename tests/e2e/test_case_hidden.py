"""What lists over many cases show to whoever may not see one of them: nothing of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from tests.e2e.test_case_commands import Desk, desk

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


def test_what_is_held_back_and_owed_is_told_to_whoever_may_see_the_case(two_cases: Desk) -> None:
    desk = two_cases
    asked = ("access", "answer", "E-1", "--employee", "--identity", "badge seen", "--reference", "B-1")
    desk.ok(*asked, "--out", str(desk.folder / "answer"), **desk.ann)
    assert [each["case"] for each in json.loads(desk.ok("access", "owed", "--json", **desk.ann))["holds"]] == ["CASE-1"]
    desk.ok("access", "release", "2", "--why", "he was heard", **desk.bob)
    mine, his, all_ = (json.loads(desk.ok("access", "owed", "--json", **who)) for who in (desk.ann, desk.bob, {}))
    assert (mine["owed"], [each["case"] for each in mine["holds"]]) == ([], ["CASE-1"])
    assert [(each["reference"], each["cases"]) for each in his["owed"]] == [("B-1", ["CASE-2"])]
    assert his["owed"] == all_["owed"] and len(all_["holds"]) == 2
