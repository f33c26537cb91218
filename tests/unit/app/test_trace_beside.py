"""What an investigator adds to a trace: known sources, facts about accounts, canaries, calibration on the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from whosaw.answer import reporttold
from whosaw.app.commands.case import say_verdict
from whosaw.app.commands.traces import _print, trace
from whosaw.app.tracedetail import verdict_in_words
from whosaw.app.tracefiles import TraceFileInvalid, read_accounts, read_known
from whosaw.app.tracepictures import write_pictures
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake.exposure import load_exposure
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.trace import ranking

START = datetime(2026, 1, 1, tzinfo=UTC)
RATES = ("nobody_finding", "nobody_lead", "leak_first", "leak_finding")
VICTIMS = [f"s{n}" for n in range(0, 200, 25)]


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """200 subjects, each opened once by one of twenty actors in turn; `mole` opens the victims too."""
    rows = [f"a{n % 20},s{n},{at(n / 100)}" for n in range(200)]
    rows += [f"mole,{subject},{at(10 + n / 60)}" for n, subject in enumerate(VICTIMS)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["actor,subject,at", *rows]) + "\n", encoding="utf-8")
    document = {"kind": "accesses", "columns": {"actor": "actor", "subject": "subject", "at": "at"}}
    import_log(log, read_mapping(document), tmp_path / "lake")
    return tmp_path / "lake"


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def complaints(tmp_path: Path) -> Path:
    return write(tmp_path, "complaints.csv", "subject,contacted_at", *[f"{subject},{at(20)}" for subject in VICTIMS])


def test_an_answer_says_what_else_could_be_true_and_how_often_the_method_errs(lake: Path, complaints: Path) -> None:
    told = json.loads(json.dumps(trace_lake(lake, complaints), allow_nan=False))
    best = told["candidates"][0]
    assert best["bans"] > 2 and best["to_finding"] == 0 and best["to_clear"] > 1 and best["instead"] == []
    assert [hit["opened_at"] for hit in best["hits"]] == [at(10 + n / 60) for n in range(8)]
    rows = {row["inside"]: row for row in told["base_rates"]}
    assert rows[1e-4]["probability"] < rows[1e-2]["probability"] < rows[0.5]["probability"]
    assert [step["complaints"] for step in told["history"]] == list(range(3, 9))
    assert told["measured"]["line"]
    assert "mole had opened 8 of 8" in told["verdict_in_words"]
    assert told["not_excluded"] == ["mole"]


def test_who_else_could_explain_it_is_named_beside_whoever_is_named(tmp_path: Path) -> None:
    left, right = ([f"s{n}" for n in range(first, 200, 25)] for first in (0, 7))
    rows = [f"a{n % 20},s{n},{at(n / 100)}" for n in range(200)]
    both = (("left", left), ("right", right))
    rows += [f"{who},{subject},{at(10 + n / 60)}" for who, his in both for n, subject in enumerate(his)]
    log = write(tmp_path, "log.csv", "actor,subject,at", *rows)
    document = {"kind": "accesses", "columns": {"actor": "actor", "subject": "subject", "at": "at"}}
    import_log(log, read_mapping(document), tmp_path / "lake")
    mixed = [subject for pair in zip(left, right, strict=True) for subject in pair]
    told = trace_lake(
        tmp_path / "lake",
        write(tmp_path, "mixed.csv", "subject,contacted_at", *[f"{s},{at(20 + n)}" for n, s in enumerate(mixed)]),
    )
    by_name = {"/".join(each["actors"]): each for each in told["candidates"]}
    assert (by_name["left"]["rung"], by_name["right"]["rung"]) == ("finding", "finding")
    assert by_name["left"]["instead"] == [["right"]] and by_name["right"]["instead"] == [["left"]]
    assert all(each["instead"] == [] for name, each in by_name.items() if name not in ("left", "right"))
    assert told["verdict_in_words"].endswith("; 1 other could explain it.")
    assert [by_name[name]["robust"] for name in ("left", "right")].count(True) == 1, "and the other is a finding still"


@pytest.mark.parametrize("said", ["nobody", "everybody"])
def test_whether_a_finding_is_robust_changes_nothing_else(
    said: str, lake: Path, complaints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = trace_lake(lake, complaints)
    assert measured["candidates"][0]["robust"]
    monkeypatch.setattr(ranking, "_robust", lambda *_: frozenset(range(21) if said == "everybody" else ()))
    other = trace_lake(lake, complaints)
    assert other["candidates"][0]["robust"] is (said == "everybody")
    for told in (measured, other):
        for candidate in told["candidates"]:
            del candidate["robust"]
    assert other == measured


def test_known_sources_take_the_complaints_out_of_the_sum(lake: Path, complaints: Path, tmp_path: Path) -> None:
    known = write(tmp_path, "known.csv", "subject,source,probability", *[f"{s},own shop,1" for s in VICTIMS[:6]])
    told = trace_lake(lake, complaints, beside=Beside(known=known))
    assert told["verdict"] != "finding"
    assert told["explained"]["s0"] == [{"source": "own shop", "probability": 1.0}]


def test_a_shared_account_is_never_named_and_a_site_may_be(lake: Path, complaints: Path, tmp_path: Path) -> None:
    facts = ["mole,yes,north", *[f"a{n},no,{'north' if n % 5 == 0 else 'south'}" for n in range(20)]]
    accounts = write(tmp_path, "accounts.csv", "actor,shared,group", *facts)
    told = trace_lake(lake, complaints, beside=Beside(accounts=accounts))
    assert told["verdict"] == "group"
    assert all(c["rung"] == "no_signal" for c in told["candidates"])
    assert told["groups"][0]["group"] == "north" and told["groups"][0]["probability"] > 0.95
    assert told["verdict_in_words"].startswith("Somebody of north stands out with probability ")
    assert "the record does not say who of them: mole had opened 8 of 8" in told["verdict_in_words"]


def test_where_no_site_is_known_a_group_is_those_whom_the_record_cannot_tell_apart(
    lake: Path, complaints: Path, tmp_path: Path
) -> None:
    accounts = write(tmp_path, "accounts.csv", "actor,shared,group", "mole,yes,")
    told = trace_lake(lake, complaints, beside=Beside(accounts=accounts))
    assert told["verdict"] == "group" and told["groups"] == []
    assert told["verdict_in_words"].startswith("Somebody of a group stands out and the record cannot tell")


def test_every_key_of_the_answer_is_documented(
    lake: Path, complaints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    presence = write(tmp_path, "presence.csv", "actor,what,from,until,where", f"mole,shift,{at(8)},{at(16)},")
    duties = write(tmp_path, "duties.csv", "actor,what,of,subject,since,until", f"mole,hand-over,a0,s0,{at(9)},")
    accounts = write(tmp_path, "accounts.csv", "actor,shared,group", "mole,no,north")
    exports = write(tmp_path, "exports.csv", "reference,actor,file,seeds,at", f"x,mole,list.csv,,{at(11)}")
    listed = write(tmp_path, "list.csv", "name,ref", *[f"Person {n},s{n}" for n in range(30)])
    given = {"presence": presence, "duties": duties, "accounts": accounts, "calibrate": 4, "found": listed}
    given |= {"exports": exports, "found_at": at(20), "key": "ref"}
    assert trace(lake=lake, sightings=complaints, as_json=True, **given) == 0  # type: ignore[arg-type]
    told = json.loads(capsys.readouterr().out)
    page = (Path(__file__).parents[3] / "docs" / "trace.md").read_text(encoding="utf-8")
    words = page[page.index("## The answer as JSON") : page.index("## On arrays")]
    best = told["candidates"][0]
    parts = {
        "": told,
        "candidates[]": best,
        "candidates[].hits[]": best["hits"][0],
        "candidates[].person": best["person"],
        "scope": told["scope"],
        "base_rates[]": told["base_rates"][0],
        "history[]": told["history"][0],
        "groups[]": told["groups"][0],
        "duties[]": told["duties"][0],
        "found": told["found"],
        "found.holders[]": told["found"]["holders"][0],
        "complaints": told["complaints"],
        "nothing_else": told["nothing_else"],
    }
    lacking = [f"{of} {key}" for of, part in parts.items() for key in part if f"{key}`" not in words]
    assert not lacking


def test_an_alias_speaks_against_him_alone_who_was_shown_it(lake: Path, tmp_path: Path) -> None:
    lines = [f"{subject},{at(20)},," for subject in VICTIMS[:4]]
    several = load_exposure(lake)
    openers = {
        several.actors[a]
        for a, s in zip(several.actor, several.subject, strict=True)
        if several.subjects[s] == VICTIMS[7]
    }
    other = sorted(openers - {"mole"})[0]

    def ask(actor: str) -> dict[str, float]:
        header, mark = "subject,contacted_at,channel,actor", f"{VICTIMS[7]},{at(21)},alias,{actor}"
        told = trace_lake(lake, write(tmp_path, f"alias-{actor}.csv", header, *lines, mark))
        assert told["complaints"]["used"] == 4
        return {c["actors"][0]: c["probability"] for c in told["candidates"]}

    everybody, his, unknown = ask(""), ask(other), ask("nobody-here")
    assert his[other] > everybody[other], "the alias that he alone was shown"
    assert his["mole"] < everybody["mole"], "who opened the record, and was shown another one"
    assert unknown["mole"] < everybody["mole"]


def test_a_mark_and_a_complaint_of_one_person_both_count(lake: Path, tmp_path: Path) -> None:
    lines = [f"{subject},{at(20)}," for subject in VICTIMS[:4]]
    told = trace_lake(
        lake, write(tmp_path, "both.csv", "subject,contacted_at,channel", *lines, f"{VICTIMS[0]},{at(21)},canary")
    )
    assert told["complaints"]["used"] == 4 and told["complaints"]["repeated"] == 0
    bare = trace_lake(lake, write(tmp_path, "bare.csv", "subject,contacted_at,channel", *lines))
    assert told["candidates"][0]["probability"] > bare["candidates"][0]["probability"]


def test_a_canary_in_the_sightings_is_a_mark_and_no_complaint(lake: Path, tmp_path: Path) -> None:
    lines = [f"{subject},{at(20)},mail" for subject in VICTIMS[:3]]
    plain = write(tmp_path, "plain.csv", "subject,contacted_at,channel", *lines)
    marked = write(tmp_path, "marked.csv", "subject,contacted_at,channel", *lines, f"{VICTIMS[7]},{at(21)},canary")
    before, after = trace_lake(lake, plain), trace_lake(lake, marked)
    assert after["complaints"]["used"] == before["complaints"]["used"] == 3
    mole = next(c for c in after["candidates"] if c["actors"] == ["mole"])
    assert mole["marks"] == 1
    assert mole["probability"] > next(c for c in before["candidates"] if c["actors"] == ["mole"])["probability"]


def test_the_log_calibrates_itself_on_demand(lake: Path, complaints: Path) -> None:
    told = trace_lake(lake, complaints, beside=Beside(calibrate=6))
    made = told["calibration"]
    assert made["draws"] == 6 and made["complaints"] == 8
    assert made["rates"]["nobody_finding"] == 0.0
    assert made["probability"] is None or 0 <= made["probability"] <= 1


def test_the_command_prints_base_rates_and_measured_rates(
    lake: Path, complaints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace(lake=lake, sightings=complaints) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "of such leaks came from inside" in printed
    assert "measured on" in printed


def test_no_probability_is_printed_as_one_or_nought(
    lake: Path, complaints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = trace_lake(lake, complaints) | {"grade": {"line": ""}, "coverage": "", "skew_s": 60.0}
    best = told["candidates"][0]
    best |= {"probability": 0.99996, "person": {"owner": 1.0, "himself": 1.0, "for": 1, "against": 0, "unknown": 0}}
    told |= {
        "candidates": [best],
        "outside_probability": 0.00004,
        "groups": [{"group": "g", "probability": 1.0, "prior": 0}],
    }
    told |= {"base_rates": [{"inside": 0.5, "first": ["mole"], "probability": 1.0, "outside_probability": 0.0}]}
    told |= {"calibration": {"draws": 6, "rates": dict.fromkeys(RATES, 0.5), "probability": 0.9999}}
    _print(told)
    say_verdict(told)
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("> 0.9999") == 6 and printed.count("< 0.0001") == 4 and "first > 0.999" in printed
    assert "1.000" not in printed and "0.0000" not in printed


def test_pictures_show_every_complaint_and_escape_names(lake: Path, complaints: Path, tmp_path: Path) -> None:
    told = trace_lake(lake, complaints)
    told["candidates"][0]["actors"] = ["<mole>&"]
    paths = write_pictures(told, tmp_path / "pictures")
    overlap, evidence = (ElementTree.parse(path).getroot() for path in paths)
    drawn = len(overlap.findall(".//{*}rect"))
    assert drawn == 8 * min(12, len(told["candidates"]))
    assert len(evidence.findall(".//{*}polyline")) == 2
    told["candidates"] = []
    assert write_pictures(told, tmp_path / "none") == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["subject,source", "s1,x"], "lacks column"),
        (["subject,source,probability", "s1,x,1.5"], "between 0 and 1"),
        (["subject,source,probability", "s1,x,much"], "between 0 and 1"),
        (["subject,source,probability", ",x,0.5"], "needs a subject"),
        (["subject,source,probability", "s1,x"], "other cells"),
    ],
)
def test_known_sources_that_mean_nothing_are_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(TraceFileInvalid, match=said):
        read_known(write(tmp_path, "known.csv", *lines))


def test_an_account_named_twice_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceFileInvalid, match="named before"):
        read_accounts(write(tmp_path, "accounts.csv", "actor,shared,group", "a,no,x", "a,yes,x"))
    with pytest.raises(TraceFileInvalid, match="cannot open"):
        read_accounts(tmp_path / "nothing.csv")


def test_the_sentence_is_about_who_is_named_and_not_about_an_account_of_several_people() -> None:
    def told(who: str, rung: str, instead: list[list[str]]) -> dict[str, Any]:
        numbers = {"probability": 0.99, "seen": 8, "of": 13, "expected": 0.7}
        return {"actors": [who], "rung": rung, "instead": instead, **numbers}

    several = [told("desk", "no_signal", []), told("kim", "finding", [["desk"]])]
    answer = {"verdict": "finding", "candidates": several, "outside_probability": 0.001, "missing": []}
    said = verdict_in_words(answer)
    assert said.startswith("kim had opened") and "1 other could explain it" in said
    report = " ".join(reporttold.answer(answer, {"desk": 17, "kim": 18}))
    assert "staff number 18 is the source" in report and "a finding" in report
