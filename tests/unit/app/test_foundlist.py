"""A found list in a trace: worth what it can prove, for everybody who had its rows, proof against none of several."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whosaw.app.cli import run
from whosaw.app.foundbeside import beside_complaints
from whosaw.app.foundholders import Holder
from whosaw.app.foundlist import Given, Weighed, told_list, weigh_list, with_list
from whosaw.app.foundrows import write_prints
from whosaw.app.posing import Question, pose
from whosaw.app.tracefiles import Known, TraceFileInvalid
from whosaw.app.tracelake import bring_up, exposure_from_index
from whosaw.app.traceover import exposure_over
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake.errors import SightingsInvalid
from whosaw.lake.exposure import NEVER, Exposure, load_exposure
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.sightings import Complaints, Sighting
from whosaw.terms import WhosawError, to_us
from whosaw.trace import Duties, InputRefused, Marks, attribute
from whosaw.trace.index import build_index
from whosaw.trace.marking import counted, viewers
from whosaw.trace.posterior import MarkFactors
from whosaw.trace.told import found_line

START = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS = 600
TURNED_UP = to_us(START + timedelta(days=30))

TENTH = list(range(0, CUSTOMERS, 10))
"""What `exporter` took."""
TWINS = list(range(5, CUSTOMERS, 10))
"""What `twin-1` took, and `twin-2` with a few more."""
NIGHTLY = list(range(7, CUSTOMERS, 10))
"""What `clerk` took, and a machine every night."""
LATE = list(range(3, CUSTOMERS, 10))
"""What `late` took after the list had turned up."""


def day(number: float) -> str:
    return (START + timedelta(days=number)).isoformat()


def query(actor: str, people: list[int], number: float) -> list[str]:
    """Return a query: ten people a second."""
    return [f"{actor},customer:C-{n},{day(number + at / 864_000)}" for at, n in enumerate(people)]


def bring(folder: Path, name: str, kind: str, columns: str, rows: list[str], **more: Any) -> None:
    log = folder / f"{name}.csv"
    log.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    document: dict[str, Any] = {"kind": kind, "columns": {each: each for each in columns.split(",")}}
    import_log(log, read_mapping(document | more), folder / "lake")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 customers of seller S, each served once by one of twenty agents, and what was taken in bulk."""
    folder = tmp_path_factory.mktemp("found")
    bring(folder, "o", "orders", "subject,beneficiary,at", [f"customer:C-{n},S,{day(n / 100)}" for n in range(600)])
    rows = [f"a{n % 7}{n % 3},customer:C-{n},{day(10 + n / 100)}" for n in range(CUSTOMERS)]
    rows += query("exporter", TENTH, 20)
    rows += query("twin-1", TWINS, 21) + query("twin-2", [*TWINS, 1, 2, 3], 22)
    rows += query("clerk", NIGHTLY, 23) + query("machine", NIGHTLY, 24)
    rows += query("late", LATE, 40) + query("allseer", list(range(CUSTOMERS)), 19)
    bring(folder, "a", "accesses", "actor,subject,at", rows, actors={"service": ["machine"]})
    return folder / "lake"


@pytest.fixture(scope="module")
def exposure(lake: Path) -> Exposure:
    return load_exposure(lake, "S")


def asked(exposure: Exposure, people: list[int] = []) -> Question:  # noqa: B006 - never changed
    sightings = tuple(Sighting(f"customer:C-{n}", TURNED_UP + at, beneficiary="S") for at, n in enumerate(people))
    return pose(exposure, Complaints(sightings, 0, 0, "S"))


def listed(folder: Path, people: list[int], seed: int = 1) -> Path:
    """Write a list as a dealer would sell it: shuffled, re-typed, with columns of its own."""
    rows = [f"c {n},x" for n in people]
    random.Random(seed).shuffle(rows)
    path = folder / "found.csv"
    path.write_text("\n".join(["Customer,source", *rows]) + "\n", encoding="utf-8")
    return path


def given(sample: Path, found_us: int = TURNED_UP) -> Given:
    return Given(sample, found_us, key="Customer", prefix="customer:")


def odds(weighed: Weighed) -> dict[str, float]:
    return {each.actor: each.odds for each in weighed.holders}


def test_a_changed_and_partial_list_speaks_for_whoever_took_it_and_by_no_more_than_a_guess_may(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    weighed = weigh_list(given(listed(tmp_path, TENTH[:55])), lake, asked(exposure), {})
    best = weighed.holders[0]
    assert (best.actor, best.how, best.rows, weighed.used) == ("exporter", "query", 55, 55)
    assert 10 < best.odds <= 20 and set(odds(weighed)) == {"exporter"}
    few = weigh_list(given(listed(tmp_path, TENTH[:3])), lake, asked(exposure), {})
    assert odds(few)["exporter"] < 1.25, "three rows that an agent and somebody with a query of all had too"
    mixed = weigh_list(given(listed(tmp_path, [*TENTH[:40], *range(1, 5)])), lake, asked(exposure), {})
    assert odds(mixed)["exporter"] > 5, "some rows from elsewhere"


def test_a_list_that_several_took_speaks_for_each_alike_and_names_none(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    sample = listed(tmp_path, TWINS[4:])
    weighed = weigh_list(given(sample), lake, asked(exposure), {})
    both = odds(weighed)
    assert both["twin-1"] == both["twin-2"] > 5
    alone = odds(weigh_list(given(listed(tmp_path, TENTH[4:])), lake, asked(exposure), {}))
    assert both["twin-1"] < alone["exporter"], "a row that one more had counts for less"
    question = asked(exposure, TWINS[:4])
    marked = replace(question, marks=with_list(question.marks, weighed, exposure.actors))
    for each in (question, marked):
        found = attribute(each.accesses, each.population, each.sightings, each.actors, marks=each.marks)
        assert all(str(candidate.rung) == "no_signal" for candidate in found.candidates)
        twins = [c for c in found.candidates if {"twin-1", "twin-2"} & {exposure.actors[a] for a in c.actors}]
        assert twins and all(c.probability < 0.6 for c in twins)


def test_a_list_that_came_from_outside_speaks_for_nobody(lake: Path, exposure: Exposure, tmp_path: Path) -> None:
    anybody = random.Random(3).sample(range(CUSTOMERS), 60)
    for dump in (anybody, list(range(CUSTOMERS)), list(range(0, CUSTOMERS, 2))):
        weighed = weigh_list(given(listed(tmp_path, dump)), lake, asked(exposure), {})
        assert weighed.holders == () and weighed.used == len(dump), "nor for whoever had opened everybody"
        in_order = tmp_path / "sorted.csv"
        in_order.write_text("\n".join(["Customer", *[f"C-{n}" for n in sorted(dump)]]) + "\n", encoding="utf-8")
        assert weigh_list(given(in_order), lake, asked(exposure), {}).holders == (), "nor in the order of his query"
        assert with_list(Marks(), weighed, exposure.actors).odds.size == 0
    strangers = weigh_list(given(listed(tmp_path, list(range(7000, 7040)))), lake, asked(exposure), {})
    assert (strangers.used, strangers.strangers, strangers.holders) == (0, 40, ())


def test_a_dump_of_just_what_somebody_innocent_took_names_nobody_by_itself(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    sample = given(listed(tmp_path, TENTH))
    for seed in range(6):
        question = asked(exposure, random.Random(seed).sample(range(1, CUSTOMERS), 8))
        weighed = weigh_list(sample, lake, question, {})
        assert odds(weighed)["exporter"] > 10
        marks = with_list(question.marks, weighed, exposure.actors)
        found = attribute(question.accesses, question.population, question.sightings, question.actors, marks=marks)
        assert all(str(candidate.rung) == "no_signal" for candidate in found.candidates)


def test_what_was_taken_after_the_list_turned_up_is_not_its_source(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    weighed = weigh_list(given(listed(tmp_path, LATE)), lake, asked(exposure), {})
    assert "late" not in odds(weighed)
    before = to_us(START + timedelta(days=19.5))
    assert "exporter" not in odds(weigh_list(given(listed(tmp_path, TENTH), before), lake, asked(exposure), {}))
    with pytest.raises(SightingsInvalid, match="in the future"):
        weigh_list(given(listed(tmp_path, LATE)), lake, asked(exposure), {}, TURNED_UP - 1)


def test_index_and_engine_say_the_same_of_a_list(lake: Path, exposure: Exposure, tmp_path: Path) -> None:
    bring_up(lake)
    whom = [f"customer:C-{n}" for n in TENTH[:3]]
    for people in (TWINS,):
        sample = given(listed(tmp_path, people))
        told = weigh_list(sample, lake, asked(exposure, TENTH[:3]), {})
        assert told.holders
        for other in (exposure_from_index(lake, "S", whom), exposure_over(lake, "S", whom, "duckdb")):
            assert other is not None and weigh_list(sample, lake, asked(other, TENTH[:3]), {}) == told


def test_what_a_machine_took_as_well_accuses_nobody(lake: Path, exposure: Exposure, tmp_path: Path) -> None:
    assert weigh_list(given(listed(tmp_path, NIGHTLY)), lake, asked(exposure), {}).holders == ()


def test_complainers_and_known_sources_are_not_counted_once_more(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    sample = given(listed(tmp_path, TENTH[:40]))
    bare = odds(weigh_list(sample, lake, asked(exposure), {}))["exporter"]
    complained = weigh_list(sample, lake, asked(exposure, TENTH[:30]), {})
    assert complained.complainers == 30 and complained.used == 10 and odds(complained)["exporter"] < bare / 2
    dump = {f"customer:C-{n}": [Known("dump of 2019", 0.9)] for n in TENTH}
    assert odds(weigh_list(sample, lake, asked(exposure), dump))["exporter"] < 1.5
    dump = {name: [Known("dump of 2019", 1.0)] for name in dump}
    assert weigh_list(sample, lake, asked(exposure), dump).holders == ()


def test_the_export_that_explains_the_list_is_named_and_not_one_of_everybody(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    exports = kept(tmp_path, f"all,exporter,all.csv,,{day(20)}", f"tenth,exporter,a.csv,,{day(21)}")
    write(tmp_path / "all.csv", [person(n) for n in range(CUSTOMERS)])
    sample = Given(write(tmp_path / "found.csv", [person(n) for n in [*TENTH[:16], 1]]), TURNED_UP, exports)
    (holder,) = weigh_list(sample, lake, asked(exposure), {}).holders
    assert (holder.reference, holder.rows) == ("tenth", 16)
    assert holder.odds <= 20 ** (16 / 20)


def test_what_a_duty_had_brought_somebody_says_nothing_against_him(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    question = asked(exposure)
    place = exposure.subject_indices()
    book = np.array([place[f"customer:C-{n}"] for n in TENTH[:50]])
    since_us = np.full(50, to_us(START + timedelta(days=20)))
    duties = Duties(np.array([exposure.actors.index("exporter")]), np.zeros(50, np.int64), book, since_us)
    sample = given(listed(tmp_path, TENTH[:40]))
    assert weigh_list(sample, lake, replace(question, duties=duties), {}).holders == ()
    later = replace(duties, since_us=since_us + 20 * 86_400_000_000)
    assert odds(weigh_list(sample, lake, replace(question, duties=later), {}))["exporter"] > 5


def test_who_had_opened_the_rows_one_by_one_gains_as_well_and_no_more(tmp_path: Path) -> None:
    people = list(range(0, 200, 10))
    rows = [f"customer:C-{n},S,{day(n / 100)}" for n in range(400)]
    bring(tmp_path, "o", "orders", "subject,beneficiary,at", rows)
    rows = [f"a{n % 7},customer:C-{n},{day(10 + n / 100)}" for n in range(400) if n % 10]
    rows += [f"carer,customer:C-{n},{day(10 + n / 100)}" for n in people] + query("exporter", TENTH[:40], 20)
    bring(tmp_path, "a", "accesses", "actor,subject,at", rows)
    question = asked(load_exposure(tmp_path / "lake", "S"))
    both = odds(weigh_list(given(listed(tmp_path, people)), tmp_path / "lake", question, {}))
    assert set(both) == {"exporter", "carer"} and 1 < both["carer"] <= both["exporter"]


def test_several_who_had_it_explain_it_no_better_than_the_likeliest_of_them(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    weighed = weigh_list(given(listed(tmp_path, TENTH[:40])), lake, asked(exposure), {})
    one = weighed.holders[0]
    several = replace(
        weighed,
        holders=(
            replace(one, odds=10_000.0),
            replace(one, actor="twin-1", odds=12.0),
            replace(one, actor="late", odds=3.0),
        ),
    )
    marks = with_list(Marks(), several, exposure.actors)
    index = build_index(asked(exposure).accesses, asked(exposure).actors, len(exposure.subjects))
    seen = viewers(index, marks)
    at = {name: exposure.actors.index(name) for name in ("exporter", "twin-1", "late", "clerk")}
    factors = MarkFactors(seen, np.log(marks.odds))
    for members, worth in (
        (("exporter",), 10_000.0),
        (("twin-1",), 12.0),
        (("late",), 3.0),
        (("clerk",), 1.0),
        (("exporter", "twin-1"), 10_000.0),
        (("twin-1", "late"), 12.0),
    ):
        assert np.exp(factors.of(np.array([[at[m] for m in members]]))[0]) == pytest.approx(worth)
    assert counted(seen, marks)[at["exporter"]] == 1, "one list is one mark, however many levels it has"
    with pytest.raises(InputRefused, match="had a mark"):
        question = asked(exposure, TENTH[:3])
        bad = replace(marks, holder=marks.holder + 10_000)
        attribute(question.accesses, question.population, question.sightings, question.actors, marks=bad)


def test_one_sentence_tells_what_a_list_is_worth_to_who_may_know_all_and_to_who_may_not() -> None:
    holders = tuple(Holder(f"E-{at}", 9.4, "export", "export 7", 60_000_000, 30, 2, 1.0) for at in range(30))
    weighed = Weighed(0, 32, 30, 0, 0, 0, 0, holders)
    told = told_list(weighed, (), 0.0)
    assert told["line"] == (
        "30 of 32 rows of the found list say something: export 7, made by E-0, holds 30, 2 of them seeded, which "
        "multiplies the odds of that account by 9.4; 29 other accounts had such rows too; who made an export need not "
        "be who passed it on."
    )
    assert (told["found_at"], told["holders"][0]["made_at"]) == (
        "1970-01-01T00:00:00+00:00",
        "1970-01-01T00:01:00+00:00",
    )
    assert "; at least 24 other accounts had such rows too; " in found_line(told), "a verdict keeps the first of them"
    query = replace(holders[0], how="query", reference="query 3")
    opened = replace(holders[0], how="openings", reference="", made_us=0)
    for one, said in ((query, "a query of E-0 holds 30"), (opened, "what E-0 had opened holds 30")):
        assert f": {said}, 2 of them seeded" in told_list(replace(weighed, holders=(one,)), (), 0.0)["line"]
    nobody = told_list(replace(weighed, holders=()), (), 0.0)
    assert nobody["line"] == "30 of 32 rows of the found list say something; they speak for nobody on record."


def test_what_complaints_say_already_of_one_who_had_the_rows_a_list_says_once_more_of_nobody(
    lake: Path, tmp_path: Path
) -> None:
    sightings = tmp_path / "complaints.csv"
    people = TENTH[:5]  # a source outside was about just those for whom `exporter` had asked for his work
    rows = [f"customer:C-{n},{day(32)},S" for n in people]
    sightings.write_text("\n".join(["subject,contacted_at,beneficiary", *rows]) + "\n", encoding="utf-8")
    bare = trace_lake(lake, sightings, "S")
    told = trace_lake(lake, sightings, "S", beside=Beside(found=given(listed(tmp_path, TENTH[5:45]))))
    first = bare["candidates"][0]
    assert first["actors"] == ["exporter"] and first["e_value"] > 20
    assert told["found"]["holders"][0]["actor"] == "exporter", "the answer says who had the rows"
    assert [each["odds"] for each in told["found"]["holders"]] == [1.0]
    for name in ("probability", "rung"):
        assert [each[name] for each in told["candidates"]] == [each[name] for each in bare["candidates"]]
    assert told["outside_probability"] == bare["outside_probability"] and told["verdict"] == bare["verdict"]


def test_of_several_who_had_the_rows_nobody_gains_what_complaints_say_of_one_but_for_a_seeded_row(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    question = asked(exposure, TWINS[:3])
    weighed = weigh_list(given(listed(tmp_path, TWINS[3:])), lake, question, {})
    found = attribute(question.accesses, question.population, question.sightings, question.actors)
    said = {exposure.actors[actor]: each.e_value for each in found.candidates for actor in each.actors}
    assert said["twin-1"] > 1 and odds(weighed)["twin-1"] > 1
    one = weighed.holders[0]
    several = replace(
        weighed,
        holders=(one, replace(one, actor="late", odds=15.0), replace(one, actor="clerk", odds=9_000.0, seeds=1)),
    )
    beside = odds(beside_complaints(several, found, exposure.actors))
    assert beside[one.actor] == pytest.approx(max(1.0, one.odds / said[one.actor]), rel=0.02)
    assert beside["late"] == pytest.approx(max(1.0, 15.0 / said[one.actor]), rel=0.02)
    assert beside["clerk"] == 9_000.0, "which nobody who asked the same question has"
    nobody = attribute(question.accesses, question.population, asked(exposure).sightings, question.actors)
    assert beside_complaints(several, nobody, exposure.actors) == several, "without complaints it is worth all it is"


def test_a_trace_shows_the_list_beside_statistics_and_alternatives(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sightings = tmp_path / "complaints.csv"
    people = [*TENTH[:3], 11, 22, 33, 44]
    sightings.write_text(
        "\n".join(["subject,contacted_at,beneficiary", *[f"customer:C-{n},{day(32)},S" for n in people]]) + "\n",
        encoding="utf-8",
    )
    presence = tmp_path / "presence.csv"
    presence.write_text(f"actor,what,from,until,where\nexporter,badge,{day(1)},{day(2)},house\n", encoding="utf-8")
    sample = given(listed(tmp_path, TENTH[3:45]))
    bare = trace_lake(lake, sightings, "S")
    told = trace_lake(lake, sightings, "S", beside=Beside(found=sample, presence=presence))
    assert bare["found"] is None

    def of(answer: dict[str, Any]) -> float:
        return next(float(c["probability"]) for c in answer["candidates"] if c["actors"] == ["exporter"])

    holder = told["found"]["holders"][0]
    assert holder["actor"] == "exporter" and holder["made_at"].startswith("2026-01-21T")
    gained = (of(told) / (1 - of(told))) / (of(bare) / (1 - of(bare)))
    assert 1.5 < gained <= holder["odds"] * 1.01, "by no more than the list is worth"
    assert told["candidates"][0]["marks"] == 0, "rows alone are no mark that nobody can guess"
    assert holder["owner"] < 0.6, "his badge was elsewhere when the query ran"
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("actor,shared,group\nexporter,yes,\n", encoding="utf-8")
    shared = trace_lake(lake, sightings, "S", beside=Beside(found=sample, accounts=accounts))
    assert all(c["rung"] == "no_signal" for c in shared["candidates"] if c["actors"] == ["exporter"])
    options = ["--found", str(sample.sample), "--found-at", day(30), "--key", "Customer", "--prefix", "customer:"]
    assert run(["trace", "--lake", str(lake), "--sightings", str(sightings), *options]) == 0
    assert "a query of exporter holds 42" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--found", "F"], "needs exports"),
        (["--found", "F", "--key", "Customer"], "no ISO 8601 time"),
        (["--found", "F", "--key", "Customer", "--found-at", "2026-01-31T00:00:00"], "carries no zone"),
        (["--found", "F", "--key", "who", "--found-at", day(30)], "lacks column `who`"),
        (["--found", "E", "--key", "Customer", "--found-at", day(30)], "holds no row"),
        (["--found", "M", "--key", "Customer", "--found-at", day(30)], "other cells than the header"),
        (["--found", "N", "--key", "Customer", "--found-at", day(30)], "cannot open"),
        (["--key", "Customer"], "none is given"),
        (["--found", "F", "--key", "Customer", "--salt", "F", "--found-at", day(30)], "no exports that it could be of"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused(options: list[str], said: str, lake: Path, tmp_path: Path) -> None:
    files = {"F": listed(tmp_path, TENTH), "E": tmp_path / "empty.csv", "M": tmp_path / "bad.csv", "N": tmp_path / "no"}
    files["E"].write_text("Customer,source\n", encoding="utf-8")
    files["M"].write_text("Customer,source\nC-1\n", encoding="utf-8")
    sightings = tmp_path / "complaints.csv"
    sightings.write_text(f"subject,contacted_at\ncustomer:C-1,{day(32)}\n", encoding="utf-8")
    words = [str(files.get(word, word)) for word in options]
    with pytest.raises(WhosawError, match=said):
        run(["trace", "--lake", str(lake), "--sightings", str(sightings), *words])


def person(n: int) -> dict[str, str]:
    return {"id": f"C-{n}", "name": f"N{n}", "email": f"p{n}@example.org"}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def kept(folder: Path, *rows: str) -> Path:
    """Write the exports on record: one by `exporter` with two seeded rows, the same rows again by `twin-1`."""
    write(folder / "a.csv", [person(n) for n in TENTH])
    write(folder / "b.csv", [person(n) for n in TWINS])
    write(folder / "seeds.csv", [person(9001), person(9002)])
    path = folder / "exports.csv"
    path.write_text("\n".join(["reference,actor,file,seeds,at", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_seeded_row_is_a_mark_that_nobody_can_guess(lake: Path, exposure: Exposure, tmp_path: Path) -> None:
    exports = kept(tmp_path, f"x,exporter,a.csv,seeds.csv,{day(20)}", f"y,twin-1,a.csv,,{day(21)}")
    rows = [{"E-Mail": person(n)["email"].upper(), "Name": person(n)["name"]} for n in (9001, *TENTH[:30])]
    sample = Given(write(tmp_path / "found.csv", rows), TURNED_UP, exports)
    weighed = weigh_list(sample, lake, asked(exposure), {})
    found = odds(weighed)
    assert 9_000 < found["exporter"] <= 10_000 and weighed.holders[0].seeds == 1
    assert 1 < found["twin-1"] <= 20, "who took the same rows without it gains as a guess may"
    plain = replace(sample, sample=write(tmp_path / "plain.csv", rows[1:]))
    without = odds(weigh_list(plain, lake, asked(exposure), {}))
    assert without["exporter"] == without["twin-1"] <= 20
    older = replace(sample, found_us=to_us(START + timedelta(days=20)))
    weighed = weigh_list(older, lake, asked(exposure), {})
    assert weighed.holders == () and weighed.later == 2
    question = asked(exposure, TENTH[:3])
    marks = with_list(question.marks, weigh_list(sample, lake, question, {}), exposure.actors)
    answer = attribute(question.accesses, question.population, question.sightings, question.actors, marks=marks)
    assert answer.candidates[0].actors == (exposure.actors.index("exporter"),) and answer.candidates[0].marks == 1


def test_a_column_that_tells_nobody_apart_says_nothing(lake: Path, exposure: Exposure, tmp_path: Path) -> None:
    exports = kept(tmp_path, f"x,exporter,a.csv,,{day(20)}")
    towns = [{"town": f"Town {n % 30}"} for n in range(60)]
    write(tmp_path / "a.csv", [person(n) | town for n, town in zip(TENTH, towns, strict=True)])
    rows = [{"Town": town["town"], "Alias": f"x{n}"} for n, town in enumerate(towns)]
    sample = Given(write(tmp_path / "found.csv", rows), TURNED_UP, exports)
    assert weigh_list(sample, lake, asked(exposure), {}).holders == ()
    exports = kept(tmp_path, f"x,exporter,a.csv,seeds.csv,{day(20)}")
    write(tmp_path / "a.csv", [person(n) | town for n, town in zip(TENTH, towns, strict=True)])
    write(tmp_path / "seeds.csv", [person(9001) | {"town": "Ulm"}])
    seeded = write(tmp_path / "found.csv", [*rows[1:], {"Town": "Ulm", "Alias": "x99"}])
    assert weigh_list(replace(sample, sample=seeded), lake, asked(exposure), {}).holders == (), "nor does a seeded town"


def test_a_seed_by_its_name_alone_is_somebody_of_that_name_unless_its_export_explains_the_list(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    exports = kept(tmp_path, f"x,exporter,a.csv,seeds.csv,{day(20)}")
    write(tmp_path / "seeds.csv", [person(n) | {"name": f"Anna {n}"} for n in (9001, 9002)])
    elsewhere = [{"Name": f"Person {n}", "E-Mail": f"{n}@example.net"} for n in range(300)]

    def found(*rows: dict[str, str]) -> dict[str, tuple[float, int]]:
        given = Given(write(tmp_path / "found.csv", [*rows]), TURNED_UP, exports)
        return {each.actor: (each.odds, each.seeds) for each in weigh_list(given, lake, asked(exposure), {}).holders}

    for names in (["anna 9001"], ["anna 9001", "Anna-9002"]):
        assert found(*elsewhere, *({"Name": name, "E-Mail": "x@example.net"} for name in names)) == {}
    odds, seeds = found({"Name": "anna 9001"}, *({"Name": person(n)["name"]} for n in TENTH[:25]))["exporter"]
    assert odds > 9_000 and seeds == 1, "the rest of the list is his export"
    odds, seeds = found({"Name": "anna 9001"}, {"Name": "anna 9002"})["exporter"]
    assert odds > 9_000 and seeds == 2
    assert found({"Name": "anna 9001"})["exporter"] < (1.2, 1), "a name"
    odds, seeds = found(*elsewhere, {"Name": "anna 9001", "E-Mail": person(9001)["email"]})["exporter"]
    assert odds > 9_000 and seeds == 1, "name and address: nobody else"


def test_without_a_key_rows_say_nothing_where_it_matters_whom_they_are_about(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    exports = kept(tmp_path, f"x,exporter,a.csv,seeds.csv,{day(20)}", f"y,twin-1,a.csv,,{day(21)}")
    rows = [{"E-Mail": person(n)["email"], "Name": person(n)["name"]} for n in TENTH[:40]]
    sample = Given(write(tmp_path / "found.csv", rows), TURNED_UP, exports)
    question, none = asked(exposure), asked(exposure, TENTH[:20])
    place, since_us = exposure.subject_indices(), np.array([to_us(START)])
    book = Duties(np.array([0]), np.array([0]), np.array([place["customer:C-1"]]), since_us)
    assert odds(weigh_list(sample, lake, question, {}))["exporter"] > 5
    dump = {"customer:C-0": [Known("dump of 2019", 0.1)]}
    for each, known in ((none, {}), (replace(question, duties=book), {}), (question, dump)):
        weighed = weigh_list(sample, lake, each, known)
        assert (weighed.holders, weighed.used, weighed.unkeyed) == ((), 0, 40)
    seeded = replace(
        sample, sample=write(tmp_path / "s.csv", [*rows, {"E-Mail": "p9001@example.org", "Name": "N9001"}])
    )
    weighed = weigh_list(seeded, lake, none, {})
    assert set(odds(weighed)) == {"exporter"} and weighed.used == 1, "a seeded row is about nobody"
    sightings = tmp_path / "complaints.csv"
    sightings.write_text(
        "\n".join(["subject,contacted_at", *[f"customer:C-{n},{day(32)}" for n in TENTH[:20]]]), encoding="utf-8"
    )
    told = trace_lake(lake, sightings, "S", beside=Beside(found=sample))
    assert any("40 rows of the found list are worth nothing: without --key" in said for said in told["missing"])
    keyed = Given(write(tmp_path / "keyed.csv", [person(n) for n in TENTH[:40]]), TURNED_UP, exports, None, "id")
    assert not weigh_list(replace(keyed, prefix="customer:"), lake, none, {}).unkeyed


def test_a_seeded_row_is_no_stranger_and_a_person_on_record_no_seed(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    exports = kept(tmp_path, f"x,exporter,a.csv,seeds.csv,{day(20)}", f"y,twin-1,a.csv,,{day(21)}")
    rows = [person(n) for n in (9001, 9002, *TENTH[:30])]
    sample = Given(write(tmp_path / "found.csv", rows), TURNED_UP, exports, key="id", prefix="customer:")
    weighed = weigh_list(sample, lake, asked(exposure), {})
    found = odds(weighed)
    assert (
        found["exporter"] > 9_000 and found["twin-1"] < 20 and weighed.strangers == 0 and weighed.holders[0].seeds == 2
    )
    write(tmp_path / "seeds.csv", [person(1), person(2)])  # not in his export, but customers like any other
    listed_real = replace(sample, sample=write(tmp_path / "real.csv", [person(n) for n in (1, 2, *TENTH[:30])]))
    found = odds(weigh_list(listed_real, lake, asked(exposure), {}))
    assert found["exporter"] == found["twin-1"] < 20
    entered_us = exposure.entered_us.copy()
    entered_us[[exposure.subjects.index(f"customer:C-{n}") for n in (1, 2)]] = NEVER
    elsewhere = replace(exposure, entered_us=entered_us)
    found = odds(weigh_list(listed_real, lake, asked(elsewhere), {}))
    assert found["exporter"] == found["twin-1"] < 20, "nor people whom the lake knows as customers of somebody else"


def test_a_seed_that_looks_like_an_ordinary_row_is_none(lake: Path, exposure: Exposure, tmp_path: Path) -> None:
    exports = kept(tmp_path, f"x,exporter,a.csv,seeds.csv,{day(20)}", f"y,twin-1,b.csv,,{day(21)}")
    write(tmp_path / "seeds.csv", [person(9001) | {"name": person(TWINS[0])["name"]}])
    rows = [{"Name": person(n)["name"]} for n in TWINS[:25]]
    found = odds(weigh_list(Given(write(tmp_path / "found.csv", rows), TURNED_UP, exports), lake, asked(exposure), {}))
    assert "exporter" not in found and found["twin-1"] <= 20


def test_prints_serve_as_well_and_an_export_of_an_unknown_account_takes_from_the_others(
    lake: Path, exposure: Exposure, tmp_path: Path
) -> None:
    exports = kept(tmp_path, f"x,exporter,a.json,,{day(20)}")
    salt = tmp_path / "salt"
    write_prints(tmp_path / "a.csv", salt, tmp_path / "a.json")
    sample = Given(write(tmp_path / "found.csv", [person(n) for n in TENTH[:40]]), TURNED_UP, exports, salt)
    assert odds(weigh_list(sample, lake, asked(exposure), {}))["exporter"] > 10
    keyed = replace(sample, key="id", prefix="customer:")
    weighed = weigh_list(keyed, lake, asked(exposure, TENTH[:20]), {})
    assert weighed.complainers == 20, "the column of the references says who complained"
    exports.write_text(exports.read_text(encoding="utf-8") + f"z,vendor-9,a.json,,{day(21)}\n", encoding="utf-8")
    assert weigh_list(sample, lake, asked(exposure), {}).holders == ()


def test_an_export_without_a_time_is_refused(lake: Path, exposure: Exposure, tmp_path: Path) -> None:
    sample = write(tmp_path / "found.csv", [person(n) for n in TENTH])
    for rows, said in (
        (("x,exporter,a.csv,,",), "no ISO 8601"),
        (("x,exporter,a.csv,,2026-01-05T00:00:00",), "no zone"),
        ((f",exporter,a.csv,,{day(1)}",), "needs a file"),
    ):
        with pytest.raises(TraceFileInvalid, match=said):
            weigh_list(Given(sample, TURNED_UP, kept(tmp_path, *rows)), lake, asked(exposure), {})
    with pytest.raises(TraceFileInvalid, match="lacks column `at`"):
        path = kept(tmp_path)
        path.write_text("reference,actor,file,seeds\nx,exporter,a.csv,\n", encoding="utf-8")
        weigh_list(Given(sample, TURNED_UP, path), lake, asked(exposure), {})
