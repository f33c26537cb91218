"""Trace over a lake: the answer uses the log's own references and says what the record cannot speak about."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whosaw.app.tracing import trace_lake
from whosaw.lake.errors import BeneficiaryUnclear, BeneficiaryUnknown, SightingsInvalid
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.trail import Order, Payload, TrailNames, export_orders, export_trail
from whosaw.terms import to_us
from whosaw.trace import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)
VICTIMS = [f"s{n}" for n in range(0, 200, 25)]


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """200 subjects, each opened once by one of twenty actors in turn; `mole` opens the victims too."""
    rows = [f"a{n % 20},s{n},{at(n / 100)}" for n in range(200)]
    rows += [f"mole,{subject},{at(10 + n / 60)}" for n, subject in enumerate(VICTIMS)]
    rows += [f"system,s{n},{at(5)}" for n in range(200)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["actor,subject,at", *rows]) + "\n", encoding="utf-8")
    columns = {"actor": "actor", "subject": "subject", "at": "at"}
    document = {"kind": "accesses", "columns": columns, "actors": {"service": ["system"]}}
    import_log(log, read_mapping(document), tmp_path / "lake")
    return tmp_path / "lake"


def sightings(folder: Path, lines: list[str], header: str = "subject,contacted_at") -> Path:
    path = folder / "sightings.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_the_leaker_is_found_and_the_answer_is_json(lake: Path, tmp_path: Path) -> None:
    found = trace_lake(lake, sightings(tmp_path, [f"{subject},{at(20)}" for subject in VICTIMS]))
    assert json.loads(json.dumps(found, allow_nan=False))["verdict"] == "finding"
    best = found["candidates"][0]
    assert (best["actors"], best["rung"], best["seen"], best["of"]) == (["mole"], "finding", 8, 8)
    assert set(best) >= {"probability", "e_value", "expected"}
    assert found["scope"]["certain"] == sorted(VICTIMS, key=lambda name: int(name[1:]))
    assert (found["scope"]["bound"], found["scope"]["bounded"]) == (None, False)
    assert found["method"]["entered_by"] == "first touch"
    assert found["completeness"]["line"].startswith("imported log")


def test_accesses_after_the_contact_never_count(lake: Path, tmp_path: Path) -> None:
    found = trace_lake(lake, sightings(tmp_path, [f"{subject},{at(9)}" for subject in VICTIMS]))
    assert all("mole" not in candidate["actors"] for candidate in found["candidates"])


def test_a_record_the_caller_vouches_for_gives_a_bound(lake: Path, tmp_path: Path) -> None:
    lines = [f"{subject},{at(20)}" for subject in VICTIMS]
    scope = trace_lake(lake, sightings(tmp_path, lines), settings=Settings(complete=True))["scope"]
    assert scope["bounded"]
    assert scope["bound"] == sum(len(scope[tier]) for tier in ("certain", "probable", "possible"))


def test_complaints_the_record_cannot_speak_about_are_counted(lake: Path, tmp_path: Path) -> None:
    lines = [f"{subject},{at(20)}" for subject in VICTIMS]
    lines += [f"s0,{at(30)}", f"stranger,{at(20)}", f"s7,{at(-5)}"]
    found = trace_lake(lake, sightings(tmp_path, lines))
    assert found["complaints"] == {
        "used": 10,
        "repeated": 1,
        "other_beneficiary": 0,
        "unknown_subject": 1,
        "before_record": 1,
        "after_record": 9,
    }
    assert "the record does not know 1 of 10 complainers" in found["missing"]
    assert "1 contacts lie before the record begins" in found["missing"]


def test_fewer_than_three_complaints_name_nobody(lake: Path, tmp_path: Path) -> None:
    for lines in ([], [f"s0,{at(20)}", f"s25,{at(20)}"]):
        found = trace_lake(lake, sightings(tmp_path, lines))
        assert (found["verdict"], found["candidates"]) == ("undecided", [])
        assert "3 complaints are needed" in found["missing"][0]


def test_orders_with_the_beneficiary_make_the_risk_set(lake: Path, tmp_path: Path) -> None:
    export_orders([Order(f"s{n}", to_us(START) + n, "S-1") for n in range(100)], lake)
    header = "subject,contacted_at,beneficiary"
    lines = [f"{subject},{at(20)},S-1" for subject in VICTIMS[:4]] + [f"s99,{at(20)},S-2"]
    with pytest.raises(BeneficiaryUnclear):
        trace_lake(lake, sightings(tmp_path, lines, header))
    found = trace_lake(lake, sightings(tmp_path, lines, header), "S-1")
    assert (found["beneficiary"], found["method"]["entered_by"]) == ("S-1", "orders")
    assert found["complaints"]["other_beneficiary"] == 1
    assert found["candidates"][0]["actors"] == ["mole"]
    with pytest.raises(BeneficiaryUnknown):
        trace_lake(lake, sightings(tmp_path, lines, header), "S-9")


def test_a_lake_without_accesses_answers_nothing(tmp_path: Path) -> None:
    export_orders([Order(f"s{n}", to_us(START), "S-1") for n in range(50)], tmp_path / "lake")
    lines = [f"s{n},{at(20)}" for n in range(3)]
    found = trace_lake(tmp_path / "lake", sightings(tmp_path, lines))
    assert (found["verdict"], found["candidates"]) == ("undecided", [])
    assert "the lake holds no accesses" in found["missing"]


def test_the_own_trail_counts_as_complete(tmp_path: Path) -> None:
    names = TrailNames({n: f"e-{n}" for n in range(30)}, {n: f"customer:C-{n}" for n in range(300)})
    victims = range(0, 300, 30)
    shown = [(n % 20, n, "yes") for n in range(300)] + [(29, n, "no") for n in victims]
    entries: list[tuple[int, Payload]] = [
        (
            index,
            {
                "kind": "disclosure",
                "at": to_us(START) + index * 60_000_000,
                "actor": actor,
                "subject": subject,
                "fields": ["customer.email=reveal"],
                "verified": verified,
            },
        )
        for index, (actor, subject, verified) in enumerate(shown)
    ]
    export_trail(entries, tmp_path / "lake", names)
    found = trace_lake(tmp_path / "lake", sightings(tmp_path, [f"customer:C-{n},{at(20)}" for n in victims]))
    assert found["verdict"] == "finding"
    assert found["candidates"][0]["actors"] == ["e-29"]
    assert found["method"]["has_reasons"]
    assert found["scope"]["bounded"]


def test_bad_sightings_are_refused_before_the_lake_is_read(tmp_path: Path) -> None:
    with pytest.raises(SightingsInvalid):
        trace_lake(tmp_path / "none", sightings(tmp_path, ["s0,2026-01-01T00:00:00"]))
