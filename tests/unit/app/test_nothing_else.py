"""The scope by class of fields, and the sentence about everything else: said where it is true, and only there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from whosaw.app.cli import run
from whosaw.app.nothingelse import Whole, nothing_else
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake.coverage import Around, Coverage, DayCoverage
from whosaw.lake.gaps import Gap, SourceGaps
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.trail import Payload, TrailNames, export_trail
from whosaw.terms import to_us

START = datetime(2026, 1, 1, tzinfo=UTC)
LAST = START + timedelta(days=70)
VICTIMS = range(0, 300, 30)


def trail(lake: Path, *, gap: bool = False) -> Path:
    """Ten weeks of one access an hour; `e-29` opens ten people: the e-mail of all, the phone of every second one."""
    names = TrailNames({n: f"e-{n}" for n in range(30)}, {n: f"customer:C-{n}" for n in range(300)})
    shown = [(n % 20, n % 300, "customer.email=reveal,customer.phone=mask", n, "yes") for n in range(24 * 70)]
    if gap:
        shown = [row for row in shown if not 800 <= row[3] < 812]
    for at, n in enumerate(VICTIMS):
        fields = "customer.email=reveal,customer.phone=reveal" if at % 2 else "customer.email=reveal"
        shown.append((29, n, fields, 24 * 60 + at, "no"))
    entries: list[tuple[int, Payload]] = [
        (
            index,
            {
                "kind": "disclosure",
                "at": to_us(START + timedelta(hours=hour)),
                "actor": actor,
                "subject": subject,
                "fields": [*fields.split(",")],
                "verified": verified,
            },
        )
        for index, (actor, subject, fields, hour, verified) in enumerate(shown)
    ]
    export_trail(entries, lake, names)
    return lake


def complaints(folder: Path, at: datetime = START + timedelta(days=65)) -> Path:
    path = folder / "sightings.csv"
    lines = [f"customer:C-{n},{at.isoformat()}" for n in VICTIMS]
    path.write_text("\n".join(["subject,contacted_at", *lines]) + "\n", encoding="utf-8")
    return path


def test_the_scope_is_told_by_field_and_by_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = trail(tmp_path / "lake")
    told = trace_lake(lake, complaints(tmp_path))
    assert told["candidates"][0]["actors"] == ["e-29"] and told["scope"]["confidence"] == pytest.approx(0.95)
    parts = told["scope"]["by_class"]
    assert set(parts) == {"customer.email", "customer.phone"}
    assert len(parts["customer.email"]["certain"]) == 10
    assert parts["customer.phone"]["certain"] == [f"customer:C-{n}" for n in list(VICTIMS)[1::2]]
    assert parts["customer.phone"]["bound"] == 5 and parts["customer.phone"]["confidence"] == pytest.approx(0.95)
    classes = tmp_path / "classes.csv"
    classes.write_text("field,class\ncustomer.email,contact\ncustomer.phone,contact\n", encoding="utf-8")
    joined = trace_lake(lake, complaints(tmp_path), beside=Beside(classes=classes))["scope"]["by_class"]
    assert set(joined) == {"contact"} and len(joined["contact"]["certain"]) == 10
    assert run(["trace", "--lake", str(lake), "--sightings", str(complaints(tmp_path))]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "customer.phone: 5 certain" in printed and "at most 5 with 95% confidence" in printed


def test_a_foreign_log_that_does_not_say_what_it_showed_gives_no_scope_by_class(tmp_path: Path) -> None:
    rows = [f"a{n % 20},s{n},{(START + timedelta(hours=n / 100)).isoformat()}" for n in range(200)]
    rows += [f"mole,s{n},{(START + timedelta(hours=10, minutes=n)).isoformat()}" for n in range(0, 200, 25)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["actor,subject,at", *rows]) + "\n", encoding="utf-8")
    columns = {"actor": "actor", "subject": "subject", "at": "at"}
    import_log(log, read_mapping({"kind": "accesses", "columns": columns}), tmp_path / "lake")
    path = tmp_path / "sightings.csv"
    lines = [f"s{n},{(START + timedelta(hours=20)).isoformat()}" for n in range(0, 200, 25)]
    path.write_text("\n".join(["subject,contacted_at", *lines]) + "\n", encoding="utf-8")
    told = trace_lake(tmp_path / "lake", path)
    assert told["verdict"] == "finding" and told["scope"]["by_class"] == {}
    assert any("not known by class" in each for each in told["missing"])
    assert not told["nothing_else"]["holds"]
    assert "whether `log.csv` held every access is not known" in told["nothing_else"]["sentence"]


def test_without_an_audit_log_the_sentence_says_what_is_not_known(tmp_path: Path) -> None:
    told = trace_lake(trail(tmp_path / "lake"), complaints(tmp_path))
    assert told["scope"]["bounded"] and told["nothing_else"]["because"] == [
        "no audit log of the database says whether anything went around the doors"
    ]
    assert told["nothing_else"]["sentence"].startswith("What those who are not excluded opened on the record")


def test_empty_hours_and_a_record_that_ends_too_early_are_named(tmp_path: Path) -> None:
    told = trace_lake(trail(tmp_path / "lake", gap=True), complaints(tmp_path, LAST + timedelta(days=1)))
    because = "; ".join(told["nothing_else"]["because"])
    assert "`trail` has 12 empty hours in which it usually writes, 12 of them from 2026-02-03 08:00 (UTC)" in because
    assert "the record ends at 2026-03-11 23:00 (UTC), before the last contact" in because


def test_where_nobody_is_ranked_nothing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    lines = [f"customer:C-{n},{(START + timedelta(days=65)).isoformat()}" for n in (0, 30)]
    path.write_text("\n".join(["subject,contacted_at", *lines]) + "\n", encoding="utf-8")
    told = json.loads(json.dumps(trace_lake(trail(tmp_path / "lake"), path)))
    assert told["nothing_else"]["sentence"] == "Nothing can be said about what else leaked: nobody was ranked."


WHOLE = Whole(
    gaps=(SourceGaps("trail", "trail", 1000, 1680, 0, 0, 1.0, ()),),
    coverage=Coverage(10, 10, 0, (), (DayCoverage(START.date(), 5, 5), DayCoverage(LAST.date(), 5, 5)), ()),
    rejected={},
    first=START,
    last=LAST,
    contacted=LAST - timedelta(days=1),
)


def answered(*, bounded: bool = True, excluded: bool = True, listed: int = 3) -> dict[str, Any]:
    scope = {"certain": ["s"] * listed, "probable": [], "possible": [], "bounded": bounded}
    return {"scope": scope, "outside_excluded": excluded}


def test_it_is_said_where_the_record_is_whole_and_somebody_outside_is_excluded() -> None:
    said = nothing_else(answered(), WHOLE, 0.05)
    assert said["holds"] and said["because"] == []
    assert said["sentence"] == (
        "Beyond the 3 subjects listed, no other information leaked through anybody inside up to 2026-03-11 00:00 "
        "(UTC), with 95% confidence, if at most two leaked; later leaks are not covered."
    )


AROUND = Around("batch", "10.0.0.1", "select", 3, 3, 3, START, LAST)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"coverage": None}, "no audit log of the database"),
        ({"coverage": Coverage(0, 0, None, (), (), ())}, "holds no access, so it cannot speak"),
        ({"coverage": replace(WHOLE.coverage, around=(AROUND,))}, "3 accesses went around the doors"),  # type: ignore[type-var]
        ({"coverage": replace(WHOLE.coverage, unrecorded=2)}, "2 accesses of the audit log are not in the own trail"),  # type: ignore[type-var]
        (
            {"coverage": replace(WHOLE.coverage, days=(DayCoverage(LAST.date(), 5, 5),))},  # type: ignore[type-var]
            "audit log covers 2026-03-12 to 2026-03-12 alone",
        ),
        ({"rejected": {"trail": 4}}, "4 rows of `trail` could not be used"),
        ({"gaps": (SourceGaps("old.csv", "B", 9, 9, 0, 0, 1.0, ()),)}, "whether `old.csv` held every access"),
        ({"gaps": (SourceGaps("trail", "trail", 9, 9, 0, 0, None, ()),)}, "spans too few weeks"),
        ({"gaps": (SourceGaps("trail", "trail", 9, 900, 7, 7, 0.9, (Gap(START, 7),)),)}, "7 empty hours"),
        ({"contacted": LAST + timedelta(days=1)}, "the record ends at"),
        ({"first": None, "last": None}, "the record is empty"),
    ],
)
def test_each_thing_that_is_not_proven_takes_the_sentence_back(changed: dict[str, Any], said: str) -> None:
    told = nothing_else(answered(), replace(WHOLE, **changed), 0.05)
    assert not told["holds"] and said in told["sentence"]
    assert "no other information leaked" not in told["sentence"]


def test_a_gap_after_the_last_contact_does_not_matter() -> None:
    late = SourceGaps("trail", "trail", 9, 900, 7, 7, 0.9, (Gap(LAST, 7),))
    assert nothing_else(answered(), replace(WHOLE, gaps=(late,)), 0.05)["holds"]


def test_a_source_outside_or_no_bound_takes_the_sentence_back_on_a_whole_record() -> None:
    outside = nothing_else(answered(excluded=False), WHOLE, 0.05)
    assert outside["sentence"] == "It cannot be said that nothing else leaked: a source outside is not excluded."
    unbounded = nothing_else(answered(bounded=False, listed=0), WHOLE, 0.05)
    assert unbounded["sentence"].endswith("no one actor and no two explain the complaints.")
    assert not outside["holds"] and not unbounded["holds"]
