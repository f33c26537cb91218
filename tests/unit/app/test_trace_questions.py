"""One trace about several beneficiaries, weighed sightings, and whether the owner used the account himself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from whosaw.app.cli import run
from whosaw.app.presence import Opening, clues_of
from whosaw.app.tracefiles import Presence, TraceFileInvalid, read_classes, read_presence
from whosaw.app.tracing import Beside, trace_each, trace_lake
from whosaw.lake.errors import SightingsInvalid
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.trace.person import Clue

START = datetime(2026, 1, 1, tzinfo=UTC)
VICTIMS = [f"s{n}" for n in range(0, 200, 25)]
OTHERS = [f"s{n}" for n in range(10, 200, 25)]


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def bring(log: Path, lake: Path, kind: str, columns: dict[str, str], lines: list[str]) -> None:
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_log(log, read_mapping({"kind": kind, "columns": columns}), lake)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """200 subjects bought from S-1 and S-2; `mole` opens eight of them, and eight others, from his own device."""
    rows = [f"a{n % 20},s{n},{at(n / 100)},d{n % 20}" for n in range(200)]
    rows += [f"mole,{subject},{at(10 - n / 60)},d-mole" for n, subject in enumerate(VICTIMS + OTHERS)]
    names = {"actor": "actor", "subject": "subject", "at": "at", "device": "device"}
    bring(tmp_path / "log.csv", tmp_path / "lake", "accesses", names, ["actor,subject,at,device", *rows])
    orders = [f"s{n},{seller},{at(-1)}" for n in range(200) for seller in ("S-1", "S-2")]
    names = {"subject": "subject", "beneficiary": "beneficiary", "at": "at"}
    bring(tmp_path / "orders.csv", tmp_path / "lake", "orders", names, ["subject,beneficiary,at", *orders])
    return tmp_path / "lake"


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def complaints(tmp_path: Path) -> Path:
    lines = [f"{s},{at(20)},S-1" for s in VICTIMS] + [f"{s},{at(21)},S-2" for s in OTHERS]
    return write(tmp_path, "two.csv", "subject,contacted_at,beneficiary", *lines)


def first(told: dict[str, Any]) -> tuple[list[str], str]:
    best = told["candidates"][0]
    return best["actors"], best["rung"]


def test_several_beneficiaries_share_the_stated_rate(lake: Path, complaints: Path) -> None:
    told = trace_each(lake, complaints)
    assert [each["beneficiary"] for each in told["questions"]] == ["S-1", "S-2"]
    assert told["alpha_each"] == pytest.approx(told["alpha"] / 2)
    for each in told["questions"]:
        assert each["method"]["settings"]["alpha"] == pytest.approx(0.025)
        assert first(each) == (["mole"], "finding")
        assert each["complaints"] == each["complaints"] | {"used": 8, "other_beneficiary": 8}
    assert told["in_several"] == ["mole"]
    assert [each["beneficiary"] for each in trace_each(lake, complaints, ["S-2", "S-2"])["questions"]] == ["S-2"]


def test_one_command_asks_about_one_several_or_all(
    lake: Path, complaints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["trace", "--lake", str(lake), "--sightings", str(complaints)]
    assert run([*common, "--beneficiary", "S-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["beneficiary"] == "S-1"
    for chosen in (["--every-beneficiary"], ["--beneficiary", "S-1", "--beneficiary", "S-2"]):
        assert run([*common, *chosen, "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["questions"]) == 2
    assert run([*common, "--every-beneficiary"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "about S-1" in printed and "about S-2" in printed and "share the stated rate of 0.05" in printed


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "lake.beneficiary_unclear"),
        (["--beneficiary", "S-1", "--every-beneficiary"], "app.trace_options"),
        (["--beneficiary", "S-1", "--skew-s", "-1"], "app.trace_options"),
        (["--beneficiary", "S-1", "--beneficiary", "S-9"], "lake.beneficiary_unknown"),
        (["--beneficiary", "S-1", "--presence", "nothing.csv"], "trace.file"),
    ],
)
def test_options_that_mean_nothing_are_refused_with_their_code(
    lake: Path, complaints: Path, options: list[str], code: str
) -> None:
    from whosaw.terms import WhosawError

    with pytest.raises(WhosawError) as raised:
        run(["trace", "--lake", str(lake), "--sightings", str(complaints), *options])
    assert raised.value.code == code and raised.value.hint


def test_sightings_without_a_beneficiary_cannot_be_asked_about_one_by_one(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(SightingsInvalid, match="name no beneficiary"):
        trace_each(lake, write(tmp_path, "none.csv", "subject,contacted_at", f"s0,{at(20)}"))


def test_the_weight_of_a_sighting_bets_only_its_part(lake: Path, tmp_path: Path) -> None:
    def ask(weight: str) -> dict[str, Any]:
        lines = [f"{subject},{at(20)},{weight}" for subject in VICTIMS[:5]]
        return trace_lake(lake, write(tmp_path, f"w{weight}.csv", "subject,contacted_at,weight", *lines))

    whole, empty, half, none = ask("1"), ask(""), ask("0.5"), ask("0")
    assert whole["candidates"] == empty["candidates"]
    assert whole["candidates"][0]["e_value"] > half["candidates"][0]["e_value"] > 1
    assert none["candidates"][0]["e_value"] == pytest.approx(1.0)
    assert none["verdict"] not in ("finding", "lead")


def test_an_opening_within_the_uncertainty_of_a_contact_never_counts(lake: Path, tmp_path: Path) -> None:
    def ask(days: str) -> list[list[str]]:
        lines = [f"{subject},{at(20)},{days}" for subject in VICTIMS]
        told = trace_lake(lake, write(tmp_path, f"u{days}.csv", "subject,contacted_at,uncertain_days", *lines))
        return [c["actors"] for c in told["candidates"]]

    assert ask("0.3")[0] == ["mole"]  # opened ten hours before
    assert ["mole"] not in ask("0.5")


@pytest.mark.parametrize(
    ("header", "cells", "said"),
    [
        ("weight", "1.2", "weight in line 2"),
        ("weight", "nan", "weight in line 2"),
        ("weight", "much", "weight in line 2"),
        ("uncertain_days", "-1", "uncertain_days in line 2"),
        ("uncertain_days", "inf", "uncertain_days in line 2"),
        ("actor", "mole", "line 2 of the sightings names an actor"),
    ],
)
def test_impossible_numbers_of_a_sighting_are_refused(
    lake: Path, tmp_path: Path, header: str, cells: str, said: str
) -> None:
    path = write(tmp_path, "bad.csv", f"subject,contacted_at,{header}", f"s0,{at(20)},{cells}")
    with pytest.raises(SightingsInvalid, match=said):
        trace_lake(lake, path)


def test_a_contact_in_the_future_is_refused(lake: Path, complaints: Path, tmp_path: Path) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    path = write(tmp_path, "later.csv", "subject,contacted_at", f"s0,{at(20)}", f"s1,{later}")
    with pytest.raises(SightingsInvalid, match="line 3 of the sightings lies in the future"):
        trace_lake(lake, path, beside=Beside(now=datetime.now(UTC)))
    assert run(["trace", "--lake", str(lake), "--sightings", str(complaints), "--beneficiary", "S-1"]) == 0


def presence(folder: Path, *lines: str) -> Path:
    return write(folder, "presence.csv", "actor,what,from,until,where", *lines)


def test_a_badge_elsewhere_and_a_foreign_device_speak_against_the_owner(
    lake: Path, complaints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = presence(tmp_path, f"mole,badge,{at(8)},{at(16)},", "mole,device,,,d-mole", f"mole,shift,{at(8)},{at(16)},")
    there = trace_lake(lake, complaints, "S-1", beside=Beside(presence=own))["candidates"][0]["person"]
    away = presence(tmp_path, f"mole,badge,{at(0)},{at(2)},", "mole,device,,,d-7", f"mole,login,{at(9)},{at(11)},d-7")
    told = trace_lake(lake, complaints, "S-1", beside=Beside(presence=away))["candidates"][0]
    assert there["owner"] > 0.99 and (there["for"], there["against"], there["unknown"]) == (8, 0, 0)
    assert told["person"]["owner"] < 0.01 and told["person"]["against"] == 8
    assert told["person"]["himself"] == pytest.approx(told["person"]["owner"] * told["probability"])
    assert told["rung"] == "finding"  # the account is named all the same: who used it is another question
    options = ["trace", "--lake", str(lake), "--sightings", str(complaints), "--beneficiary", "S-1"]
    assert run([*options, "--presence", str(away), "--skew-s", "60"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "that the owner used the account himself < 0.0001" in printed and "clocks within 60 s" in printed


def test_a_clue_on_the_border_counts_half_within_the_skew(lake: Path, complaints: Path, tmp_path: Path) -> None:
    border = presence(tmp_path, f"mole,shift,{at(10.05)},{at(18)},")  # his shift began three minutes after the openings

    def owner(skew_s: float) -> float:
        told = trace_lake(lake, complaints, "S-1", beside=Beside(presence=border, skew_s=skew_s))
        probability: float = told["candidates"][0]["person"]["owner"]
        return probability

    assert owner(0) < owner(300) < 0.95


def test_a_kind_of_entry_that_is_lacking_says_nothing() -> None:
    shift = Presence("x", "shift", 0, 10, "")
    assert [c.clue for c in clues_of(0, Opening(5, "d1"), [shift])] == [Clue.ON_SHIFT]
    assert [c.clue for c in clues_of(0, Opening(11, None), [shift, Presence("x", "device", 0, 0, "d1")])] == [
        Clue.OFF_SHIFT
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x,lunch,2026-01-01T00:00Z,2026-01-01T01:00Z,", "one of shift, badge, login, device"),
        (",shift,2026-01-01T00:00Z,2026-01-01T01:00Z,", "needs an account"),
        ("x,shift,2026-01-01T02:00Z,2026-01-01T01:00Z,", "ends before it begins"),
        ("x,shift,2026-01-01T02:00,2026-01-01T03:00,", "carries no zone"),
        ("x,shift,monday,tuesday,", "no ISO 8601 time"),
        ("x,login,2026-01-01T00:00Z,2026-01-01T01:00Z,", "names no device"),
    ],
)
def test_presence_that_means_nothing_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(TraceFileInvalid, match=said):
        read_presence(presence(tmp_path, line))


def test_classes_of_fields_named_twice_are_refused(tmp_path: Path) -> None:
    assert read_classes(write(tmp_path, "c.csv", "field,class", "customer.email,contact")) == {
        "customer.email": "contact"
    }
    with pytest.raises(TraceFileInvalid, match="line 3"):
        read_classes(write(tmp_path, "c.csv", "field,class", "a,x", "a,y"))
