"""A verdict as trace itself says it, with everything beside it, goes into a bundle: no key of the lake comes out."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.test_case_evidence import Built, built, files_of, text_of

from whosaw.answer.evidence import build_evidence
from whosaw.answer.numbered import by_number, staff_in, unnamed
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping

__all__ = ["built"]  # a fixture

START = datetime(2026, 1, 1, tzinfo=UTC)
BOOK = [f"cust-{n}" for n in range(0, 200, 10)]
KEYS = re.compile(rb"staff-\w+|cust-\d+")


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What trace says of two with one book, of a manager who is no candidate, with all that may stand beside it."""
    folder = tmp_path_factory.mktemp("lake")
    rows = [f"staff-{n % 19},cust-{n},{at(n / 100)}" for n in range(200)]
    rows += [f"staff-old,{subject},{at(5)}" for subject in BOOK]
    rows += [f"staff-heir,{subject},{at(10)}" for subject in [*BOOK, "cust-5", "cust-15"]]
    rows += [f"staff-boss,{subject},{at(6)}" for subject in BOOK[:10]]
    rows += [f"staff-late,cust-3,{at(30)}"]
    log = write(folder, "log.csv", "actor,subject,at", *rows)
    columns = {"actor": "actor", "subject": "subject", "at": "at"}
    import_log(log, read_mapping({"kind": "accesses", "columns": columns}), folder / "lake")
    victims = [*BOOK[::2][:8], "cust-5", "cust-15"]
    beside = Beside(
        known=write(folder, "known.csv", "subject,source,probability", "cust-20,told by staff-old,0.5"),
        accounts=write(folder, "accounts.csv", "actor,shared,group", "staff-heir,no,team staff-boss"),
        presence=write(
            folder, "presence.csv", "actor,what,from,until,where", f"staff-heir,shift,{at(9)},{at(11)},here"
        ),
        duties=write(
            folder,
            "duties.csv",
            "actor,what,of,subject,since,until",
            f"staff-heir,hand-over,staff-old,,{at(9)},",
            f"staff-late,account management,,,{at(1)},",
            *[f"staff-boss,hand-over,staff-gone,{subject},{at(4)}," for subject in BOOK],
        ),
        calibrate=1,
    )
    sightings = write(folder, "sightings.csv", "subject,contacted_at", *[f"{each},{at(20)}" for each in victims])
    said: dict[str, Any] = json.loads(json.dumps(trace_lake(folder / "lake", sightings, beside=beside)))
    return said


async def test_of_a_verdict_of_trace_itself_no_key_leaves(built: Built, told: dict[str, Any], tmp_path: Path) -> None:
    # the verdict names people wherever it can, or this shows nothing
    assert told["canaries"]["actor"].startswith("staff-") and told["explained"]["cust-20"] and told["groups"]
    declared = {each["actor"] for each in told["duties"] if each["what"] != "asked in one go"}
    assert declared == {"staff-heir", "staff-boss", "staff-late"}
    assert "staff-" in told["verdict_in_words"] and told["candidates"][0]["hits"] and "person" in told["candidates"][0]
    new = {"somebody": "staff-heir", "by_customer": {"cust-10": {"who": ["staff-old"]}}}
    full = {**told, **new, "missing": [*told["missing"], "the log of staff-boss lacks cust-20."]}
    await built.sources.cases.add_verdict(built.case, full, complaints=10)
    path = tmp_path / "bundle"
    await build_evidence(built.sources, built.case, path, facts=built.facts, background=built.background)
    held = files_of(path)
    for file, body in held.items():
        assert not KEYS.findall(body), file
    if shutil.which("pdftotext"):
        assert not KEYS.findall(text_of(held["files/report.pdf"], tmp_path).encode())

    said = json.loads(held["files/verdicts.json"])[-1]
    assert not {"verdict_in_words", "beneficiary", *new} & set(said)
    assert isinstance(said["canaries"]["actor"], int) and said["canaries"]["days"] == told["canaries"]["days"]
    number = {each["what"]: each for each in said["duties"]}["account management"]["actor"]
    assert re.search(r"the log of #\d+ lacks a customer\.", said["missing"][-1]) and isinstance(number, int)
    figures = {"what", "actor", "probability", "seen", "of", "expected", "line"}
    for each in said["duties"]:
        assert set(each) == figures | ({"from"} if each["what"] == "asked in one go" else set())
    assert {f"hand-over to #{each['actor']}" for each in said["duties"] if each["what"] == "hand-over"} == {
        each["line"] for each in said["duties"] if each["what"] == "hand-over"
    }
    assert said["explained"] == [[{"probability": 0.5}]]


def test_all_figures_of_a_verdict_leave(told: dict[str, Any]) -> None:
    numbers = {key: at for at, key in enumerate(sorted(staff_in(told)))}
    said = by_number(told, numbers)
    left_out = {"verdict_in_words", "beneficiary"}
    assert set(told) - set(said) == left_out
    for key in ("method", "completeness", "measured", "complaints", "calibration", "outside_probability", "several"):
        assert said[key] == told[key], key
    for name in ("hits", "person", "rung", "e_value", "bans"):
        assert name in said["candidates"][0]
    first = dict(said["candidates"][0]["hits"][0])
    assert first == {key: each for key, each in told["candidates"][0]["hits"][0].items() if key != "subject"}
    scope = {**said["scope"], "by_class": told["scope"]["by_class"]}
    assert scope == {
        **told["scope"],
        **{tier: len(told["scope"][tier]) for tier in ("certain", "probable", "possible")},
    }


def test_a_key_is_taken_out_of_a_sentence_whole_and_a_count_stays() -> None:
    numbers = {"E-1": 7, "E-17": 8, "3": 9, "Anna Berg": 10}
    assert unnamed("E-17 and E-1. 3 by Anna Berg, E-1.csv", numbers) == "#8 and #7. 3 by #10, E-1.csv"
    assert unnamed("of C-1", {"E-1": "actor #7"}, {"C-1"}) == "of a customer"
