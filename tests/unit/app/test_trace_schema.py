"""Whatever `whosaw trace --json` prints fits the schema that `whosaw trace schema` prints, key for key."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from whosaw.app.cli import run
from whosaw.app.traceschema import trace_schema
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.trail import Payload, TrailNames, export_trail
from whosaw.terms import to_us
from whosaw.trace import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)
VICTIMS = [f"s{n}" for n in range(0, 200, 25)]
ORDINARY = [f"s{n}" for n in range(3, 200, 11)]

Ask = Callable[..., dict[str, Any]]


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def bring(folder: Path, kind: str, names: str, rows: list[str]) -> None:
    log = write(folder / f"{kind}.csv", names, *rows)
    columns = {name: name for name in names.split(",")}
    import_log(log, read_mapping({"kind": kind, "columns": columns}), folder / "lake")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 subjects, each opened once by one of twenty actors in turn; `mole` opens the victims too, with a reason."""
    folder = tmp_path_factory.mktemp("schema")
    rows = [f"a{n % 20},s{n},{at(n / 100)},T-{n}," for n in range(200)]
    rows += [f"mole,{subject},{at(10 + n / 60)},," for n, subject in enumerate(VICTIMS)]
    bring(folder, "accesses", "actor,subject,at,ticket,reason", rows)
    bring(folder, "orders", "subject,beneficiary,at", [f"s{n},seller:1,{at(-n / 10)}" for n in range(200)])
    return folder / "lake"


@pytest.fixture
def ask(lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Ask by the command, and return what it printed."""

    def answered(complaints: list[str], *options: str, header: str = "subject,contacted_at") -> dict[str, Any]:
        sightings = write(tmp_path / "complaints.csv", header, *complaints)
        capsys.readouterr()
        assert run(["trace", "--lake", str(lake), "--sightings", str(sightings), "--json", *options]) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert list(jsonschema.Draft202012Validator(trace_schema()).iter_errors(told)) == []
        return told

    return answered


def complaints(subjects: list[str], *more: str) -> list[str]:
    return [",".join((subject, at(20), *more)) for subject in subjects]


def test_the_command_prints_the_schema_and_the_schema_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trace", "schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == trace_schema()
    jsonschema.Draft202012Validator.check_schema(printed)


def test_answers_of_every_verdict_fit(ask: Ask, tmp_path: Path) -> None:
    accounts = write(tmp_path / "accounts.csv", "actor,shared,group", "mole,yes,north", "a1,no,south")
    facts = ("--accounts", str(accounts))
    kinds = {
        "finding": ask(complaints(VICTIMS)),
        "lead": ask(complaints([*VICTIMS[:3], *ORDINARY[:3]]), "--base-rate", "0.05"),
        "group": ask(complaints(VICTIMS), *facts),
        "undecided": ask(complaints(ORDINARY[:4])),
        "outside": ask(complaints(ORDINARY), "--base-rate", "0.01"),
    }
    assert {told["verdict"] for told in kinds.values()} == set(kinds), {k: t["verdict"] for k, t in kinds.items()}
    assert all(kinds[verdict]["verdict"] == verdict for verdict in kinds)
    assert kinds["group"]["groups"] and kinds["finding"]["candidates"][0]["hits"]


def test_answers_that_rank_nobody_fit(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(complaints(VICTIMS[:2]))["candidates"] == []
    assert ask(complaints(["x1", "x2", "x3"]))["candidates"] == []
    write(tmp_path / "orders.csv", "subject,beneficiary,at", f"s1,seller:1,{at(0)}")
    bring(tmp_path, "orders", "subject,beneficiary,at", [f"s1,seller:1,{at(0)}"])
    empty = write(tmp_path / "three.csv", "subject,contacted_at", *complaints(VICTIMS[:3]))
    assert run(["trace", "--lake", str(tmp_path / "lake"), "--sightings", str(empty), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, trace_schema(), jsonschema.Draft202012Validator)
    assert "the lake holds no accesses" in told["missing"]


def test_answers_with_all_that_may_stand_beside_them_fit(ask: Ask, tmp_path: Path) -> None:
    given = {
        "known": ("subject,source,probability", "s0,own shop,0.5"),
        "duties": ("actor,what,of,subject,since,until", f"mole,hand-over,a0,s0,{at(9)},"),
        "presence": ("actor,what,from,until,where", f"mole,shift,{at(8)},{at(16)},", f"mole,badge,{at(1)},{at(2)},"),
    }
    options = [str(word) for name, lines in given.items() for word in (f"--{name}", write(tmp_path / name, *lines))]
    rows = [*complaints(VICTIMS, "mail,,0.9"), f"s7,{at(21)},canary,,", f"s8,{at(21)},alias,mole,"]
    listed = write(tmp_path / "list.csv", "name,ref", *[f"Person {n},s{n}" for n in range(30)])
    exports = write(tmp_path / "exports.csv", "reference,actor,file,seeds,at", f"x,mole,list.csv,,{at(11)}")
    options += ["--found", str(listed), "--found-at", at(20), "--exports", str(exports), "--key", "ref"]
    told = ask(rows, *options, "--calibrate", "2", header="subject,contacted_at,channel,actor,weight")
    best = told["candidates"][0]
    assert best["person"]["clues"] and best["marks"] == 1 and told["duties"] and told["explained"]
    assert told["found"]["holders"][0]["actor"] == "mole" and told["found"]["holders"][0]["owner"] > 0
    assert told["calibration"]["draws"] == 2


def test_an_answer_with_a_bound_and_classes_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = TrailNames({n: f"e-{n}" for n in range(30)}, {n: f"s{n}" for n in range(200)})
    shown = [(n % 20, n % 200, n, "yes") for n in range(24 * 30)] + [(29, n, 400, "no") for n in range(0, 200, 25)]
    entries: list[tuple[int, Payload]] = []
    for actor, subject, hour, verified in shown:
        what = {"kind": "disclosure", "at": to_us(START + timedelta(hours=hour)), "fields": ["email=reveal"]}
        entries.append((len(entries), {**what, "actor": actor, "subject": subject, "verified": verified}))
    export_trail(entries, tmp_path / "lake", names)
    rows = [f"{subject},{at(24 * 29)}" for subject in VICTIMS]
    sightings = write(tmp_path / "complaints.csv", "subject,contacted_at", *rows)
    classes = write(tmp_path / "classes.csv", "field,class", "email,contact")
    options = ["--lake", str(tmp_path / "lake"), "--sightings", str(sightings), "--classes", str(classes)]
    assert run(["trace", *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, trace_schema(), jsonschema.Draft202012Validator)
    assert told["scope"]["bounded"] and told["scope"]["by_class"]["contact"]["bound"] >= len(VICTIMS)


def test_answers_about_several_beneficiaries_fit(ask: Ask) -> None:
    rows = [f"{s},{at(20)},seller:1" for s in VICTIMS[:4]] + [f"{s},{at(20)},seller:1" for s in ORDINARY[:4]]
    told = ask(rows, "--every-beneficiary", header="subject,contacted_at,beneficiary")
    assert len(told["questions"]) == 1 and told["alpha_each"] == told["alpha"]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every part of the schema that describes an object."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_a_key_that_no_schema_names_fails_wherever_it_stands(ask: Ask) -> None:
    told, checked = ask(complaints(VICTIMS)), jsonschema.Draft202012Validator(trace_schema())
    for path in ((), ("candidates", 0), ("candidates", 0, "hits", 0), ("scope",), ("method", "settings"), ("grade",)):
        more = copy.deepcopy(told)
        part: Any = more
        for step in path:
            part = part[step]
        part["surprise"] = 1
        assert not checked.is_valid(more), path
        fewer = copy.deepcopy(told)
        part = fewer
        for step in path:
            part = part[step]
        del part[next(iter(part))]
        assert not checked.is_valid(fewer), path
    closed = [part.get("additionalProperties") for part in objects(trace_schema())]
    assert None not in closed and True not in closed


def test_every_constant_of_the_method_is_in_the_schema() -> None:
    assert set(trace_schema()["$defs"]["settings"]["properties"]) == {each.name for each in fields(Settings)}
