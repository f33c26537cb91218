"""Real work logs that no one here wrote: imported with the shipped mappings, counted independently, and traced."""

from __future__ import annotations

import csv
import gzip
import os
import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from whosaw.app.tracing import trace_lake
from whosaw.lake import load_exposure, overview, who_saw
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.mapping import load_mapping, read_mapping

pytestmark = pytest.mark.real_data

ROOT = Path(__file__).parents[2]
DATASETS = Path(os.environ.get("WHOSAW_DATASETS") or ROOT.parent / "shared" / "data")
BANK, HELPDESK = "bpic2012_loan_worklog.csv.gz", "helpdesk_italy.csv.gz"
MAPPINGS = {BANK: "bank_worklog", HELPDESK: "helpdesk_italy"}
SUBJECTS = {BANK: "case", HELPDESK: "customer"}
SYSTEM = "112"

Row = dict[str, str]


def dataset(name: str) -> Path:
    path = DATASETS / name
    if not path.is_file():
        pytest.skip(f"data set `{name}` is not under `{DATASETS}` (set WHOSAW_DATASETS)")
    return path


def rows_of(name: str) -> list[Row]:
    with gzip.open(dataset(name), "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bring(name: str, lake: Path, log: Path | None = None) -> ImportReport:
    return import_log(log or dataset(name), load_mapping(ROOT / "examples" / f"{MAPPINGS[name]}.toml"), lake)


@pytest.fixture(scope="module")
def bank_rows() -> list[Row]:
    return rows_of(BANK)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("bank") / "lake"
    bring(BANK, lake)
    return lake


def test_every_row_of_the_bank_log_is_accounted_for(bank: Path, bank_rows: list[Row]) -> None:
    blank = sum(not row["org:resource"] for row in bank_rows)
    found = overview(bank)
    source = found.sources[0]
    assert (source.rows, source.accepted, source.rejected) == (len(bank_rows), len(bank_rows) - blank, blank)
    assert (len(bank_rows), blank) == (262_200, 18_010)
    used = [row for row in bank_rows if row["org:resource"]]
    assert found.accesses == len(used)
    assert found.actors == len({row["org:resource"] for row in used})
    assert found.subjects == len({row["case"] for row in used})
    times = [datetime.fromisoformat(row["time:timestamp"]) for row in used]
    assert (source.first, source.last) == (min(times), max(times))
    assert found.completeness.rejected == blank


def test_who_saw_a_loan_application_is_what_the_log_says(bank: Path, bank_rows: list[Row]) -> None:
    cases = Counter(row["case"] for row in bank_rows)
    for case in (cases.most_common(1)[0][0], bank_rows[0]["case"], bank_rows[-1]["case"]):
        expected = sorted(
            (datetime.fromisoformat(row["time:timestamp"]), row["org:resource"], row["concept:name"])
            for row in bank_rows
            if row["case"] == case and row["org:resource"]
        )
        found = who_saw(bank, case).sights
        assert sorted((sight.at, sight.actor, sight.activity) for sight in found) == expected


def test_importing_the_bank_log_again_changes_nothing(bank: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in bank.glob("*.parquet")}
    report = bring(BANK, bank)
    assert (report.rows, report.accepted, report.rejected, report.duplicates) == (262_200, 0, 18_010, 244_190)
    assert {path: path.stat().st_mtime_ns for path in bank.glob("*.parquet")} == before


def test_two_overlapping_halves_of_the_bank_log_are_the_whole(bank: Path, tmp_path: Path) -> None:
    with gzip.open(dataset(BANK), "rb") as file:
        header, *lines = file.read().splitlines(keepends=True)
    lake = tmp_path / "lake"
    for name, part in (("late.csv", lines[120_000:]), ("early.csv", lines[:150_000])):
        (tmp_path / name).write_bytes(header + b"".join(part))
        bring(BANK, lake, tmp_path / name)
    one, other = load_exposure(bank), load_exposure(lake)
    assert one.actor.size == other.actor.size == 244_190

    def multiset(exposure: Any) -> Counter[tuple[str, str, int]]:
        columns = (exposure.actor.tolist(), exposure.subject.tolist(), exposure.at_us.tolist())
        return Counter((exposure.actors[a], exposure.subjects[s], at) for a, s, at in zip(*columns, strict=True))

    assert multiset(one) == multiset(other)


def test_only_the_banks_system_is_a_service(bank: Path) -> None:
    exposure = load_exposure(bank)
    assert [name for name, flag in zip(exposure.actors, exposure.service, strict=True) if flag] == [SYSTEM]
    assert not exposure.has_reasons


def test_every_row_of_the_help_desk_log_is_accounted_for(tmp_path: Path) -> None:
    rows, lake = rows_of(HELPDESK), tmp_path / "lake"
    assert (
        sum(Counter(tuple(row.values()) for row in rows).values()) - len({tuple(row.values()) for row in rows}) == 127
    )
    report = bring(HELPDESK, lake)
    assert (report.rows, report.accepted, report.rejected, report.duplicates) == (len(rows), len(rows), 0, 0)
    found = overview(lake)
    assert (found.accesses, found.actors, found.subjects) == (21_348, 22, 397)
    exposure = load_exposure(lake)
    customers: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        customers[row["case"]].add(row["customer"])
    assert exposure.has_reasons
    foreign = max(map(len, customers.values())) > 1
    assert bool(exposure.irregular.any()) == foreign


def test_the_help_desk_log_also_gives_work_items(tmp_path: Path) -> None:
    rows, lake = rows_of(HELPDESK), tmp_path / "lake"
    bring(HELPDESK, lake)
    columns = {"subject": "customer", "at": "time:timestamp", "ticket": "case"}
    report = import_log(dataset(HELPDESK), read_mapping({"kind": "tickets", "columns": columns}), lake)
    assert report.accepted == len(rows)
    assert load_exposure(lake).work_subject.size == len({(row["case"], row["customer"]) for row in rows})


def planted(rows: list[Row], draw: random.Random, victims: int) -> tuple[str, list[tuple[str, datetime]]]:
    """Pick an employee with at least 50 cases and some of them, contacted 1 to 14 days after his last touch."""
    last: dict[str, dict[str, datetime]] = defaultdict(dict)
    for row in rows:
        actor, case, at = row["org:resource"], row["case"], datetime.fromisoformat(row["time:timestamp"])
        if actor and actor != SYSTEM:
            last[actor][case] = max(at, last[actor].get(case, at))
    leaker = draw.choice(sorted(actor for actor, cases in last.items() if len(cases) >= 50))
    chosen = draw.sample(sorted(last[leaker]), victims)
    return leaker, [(case, last[leaker][case] + timedelta(days=draw.uniform(1, 14))) for case in chosen]


def test_leaks_planted_in_the_bank_log_are_found_from_a_file_of_sightings(
    bank: Path, bank_rows: list[Row], tmp_path: Path
) -> None:
    draw, path = random.Random(20_260_301), tmp_path / "sightings.csv"
    first, named = 0, 0
    for _ in range(10):
        leaker, contacts = planted(bank_rows, draw, 8)
        lines = [f"{case},{at.isoformat()}" for case, at in contacts]
        path.write_text("subject,contacted_at\n" + "\n".join(lines) + "\n", encoding="utf-8")
        found = trace_lake(bank, path)
        best = found["candidates"][0]
        first += best["actors"] == [leaker]
        named += found["verdict"] == "finding" and best["probability"] >= 0.5
        assert all(SYSTEM not in candidate["actors"] for candidate in found["candidates"])
        assert set(found["scope"]["certain"]) <= {case for case, _ in contacts}
        assert found["scope"]["bound"] is None
    assert first == 10
    assert named >= 9


def test_two_complaints_name_nobody_and_say_what_is_missing(bank: Path, bank_rows: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "sightings.csv"
    _, contacts = planted(bank_rows, random.Random(7), 2)
    path.write_text("subject,contacted_at\n" + "\n".join(f"{case},{at.isoformat()}" for case, at in contacts))
    found = trace_lake(bank, path)
    assert (found["verdict"], found["candidates"]) == ("undecided", [])
    assert "3 complaints are needed" in found["missing"][0]
