"""The index beside a lake: the lake's own answers, brought up in parts, refused where it is not current."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whosaw.app.commands.traces import TraceOptions, index_lake, trace
from whosaw.app.traceindex import IndexRefused, open_index
from whosaw.app.tracelake import bring_up, exposure_from_index, index_folder
from whosaw.app.traceover import exposure_over
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake import spark
from whosaw.lake.errors import BeneficiaryUnknown
from whosaw.lake.exposure import Exposure, load_exposure
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping

ACCESSES = {"kind": "accesses", "columns": {"actor": "who", "subject": "whom", "at": "at", "ticket": "ticket"}}
ORDERS = {"kind": "orders", "columns": {"subject": "whom", "beneficiary": "seller", "at": "at"}}
TICKETS = {"kind": "tickets", "columns": {"subject": "whom", "ticket": "ticket", "at": "at", "beneficiary": "seller"}}
VICTIMS = [f"s{n}" for n in range(0, 240, 20)]


def day(number: float) -> str:
    return str(np.datetime64("2026-01-01T00:00:00") + np.timedelta64(int(number * 86400), "s")) + "Z"


def bring_in(lake: Path, name: str, document: dict[str, Any], rows: list[str]) -> None:
    log = lake.parent / f"{name}.csv"
    header = ",".join(document["columns"].values())
    log.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    import_log(log, read_mapping(document), lake)


def touches(seed: int, first: int, count: int) -> Iterator[str]:
    """Genuine work with own tickets, and some that cite the ticket of somebody else."""
    generator = np.random.default_rng(seed)
    for n in range(count):
        whom = int(generator.integers(0, 400))
        ticket = whom if generator.random() < 0.8 else int(generator.integers(0, 400))
        yield f"a{generator.integers(0, 30)},s{whom},{day(first + n / count * 10)},t{ticket}"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 people, of whom 300 ordered with seller S; `mole` opens the victims, citing no ticket."""
    folder = tmp_path_factory.mktemp("imported") / "lake"
    bring_in(folder, "orders", ORDERS, [f"s{n},{'S' if n < 300 else 'T'},{day(n / 100)}" for n in range(400)])
    bring_in(folder, "tickets", TICKETS, [f"s{n},t{n},{day(n / 100 + 0.5)},S" for n in range(0, 400, 3)])
    bring_in(
        folder,
        "first",
        ACCESSES,
        [*touches(1, 4, 900), *[f"mole,{victim},{day(12 + n / 24)}," for n, victim in enumerate(VICTIMS)]],
    )
    return folder


@pytest.fixture
def lake(imported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(imported, tmp_path / "lake"))


@pytest.fixture
def sightings(tmp_path: Path) -> Path:
    path = tmp_path / "complaints.csv"
    rows = [f"{victim},{day(30)},S" for victim in VICTIMS] + [f"s350,{day(31)},S", f"nobody,{day(31)},S"]
    path.write_text("\n".join(["subject,contacted_at,beneficiary", *rows]) + "\n", encoding="utf-8")
    return path


def same(lake: Path) -> Exposure:
    """Return what the index says of seller S and his customers, which must be what the lake says of them."""
    found, whole = exposure_from_index(lake, "S", VICTIMS), load_exposure(lake, "S")
    assert found is not None
    kept = np.isin(np.array(whole.subjects)[whole.subject], found.subjects)
    parts = [
        sorted(
            zip(
                np.array(each.actors)[each.actor[rows]],
                np.array(each.subjects)[each.subject[rows]],
                each.at_us[rows],
                each.irregular[rows],
                strict=True,
            )
        )
        for each, rows in ((whole, kept), (found, slice(None)))
    ]
    assert parts[0] == parts[1]
    assert (found.actors, found.completeness, found.has_reasons) == (
        whole.actors,
        whole.completeness,
        whole.has_reasons,
    )
    return found


def test_the_index_gives_the_answer_of_the_lake(lake: Path, sightings: Path) -> None:
    bring_up(lake)
    told, from_index = (trace_lake(lake, sightings, beside=Beside(index=index)) for index in (False, True))
    assert from_index.pop("from_index") and not told.pop("from_index")
    assert from_index == told
    assert told["candidates"][0]["actors"] == ["mole"] and told["verdict"] == "finding"
    assert any(hit["irregular"] for hit in told["candidates"][0]["hits"])
    assert told["complaints"]["unknown_subject"] == 1


def test_what_is_brought_in_later_makes_the_index_old_and_then_part_of_it(lake: Path, sightings: Path) -> None:
    bring_up(lake)
    bring_in(lake, "later", ACCESSES, list(touches(2, 15, 30)))
    with pytest.raises(IndexRefused, match="older than the lake: it lacks 1 of its files") as refused:
        trace_lake(lake, sightings)
    assert "whosaw trace index" in refused.value.hint
    assert bring_up(lake).rows == 900 + len(VICTIMS) + 30
    same(lake)


def test_a_part_that_changes_nothing_old_leaves_the_old_segments_alone(lake: Path) -> None:
    bring_up(lake)
    before = {path: path.stat().st_mtime_ns for path in index_folder(lake).glob("000000/*")}
    assert len(before) == 4
    bring_in(lake, "own", ACCESSES, [f"a1,s{n},{day(20)},u{n}" for n in range(5)])  # tickets that nobody used before
    disk = bring_up(lake)
    assert {path: path.stat().st_mtime_ns for path in index_folder(lake).glob("000000/*")} == before
    assert len(disk.segments) == 2
    same(lake)


def test_a_ticket_that_turns_out_to_be_somebody_elses_makes_old_openings_irregular(lake: Path, sightings: Path) -> None:
    bring_in(lake, "cited", ACCESSES, [f"a2,{victim},{day(13)},x{victim}" for victim in VICTIMS])
    bring_up(lake)
    before = same(lake).irregular.sum()
    bring_in(lake, "who", TICKETS, [f"s399,x{victim},{day(1)},S" for victim in VICTIMS])
    bring_up(lake)
    assert same(lake).irregular.sum() == before + len(VICTIMS)


def test_a_question_without_orders_reads_the_lake_itself(lake: Path, tmp_path: Path) -> None:
    bring_up(lake)
    path = tmp_path / "plain.csv"
    path.write_text("\n".join(["subject,contacted_at", *[f"{v},{day(30)}" for v in VICTIMS]]) + "\n", encoding="utf-8")
    assert trace_lake(lake, path)["from_index"] is False
    assert exposure_from_index(lake, None, ()) is None
    with pytest.raises(BeneficiaryUnknown):
        exposure_from_index(lake, "Q", ())


def test_the_command_makes_the_index_and_answers_from_it(
    lake: Path, sightings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert index_lake(lake=lake) == 0
    assert "index of 912 accesses in 1 parts" in capsys.readouterr().out
    assert trace(lake=lake, sightings=sightings, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["from_index"] is True


def test_an_index_of_another_version_is_made_anew_and_other_things_are_left_alone(lake: Path) -> None:
    bring_up(lake)
    (index_folder(lake) / "index.json").write_text(json.dumps({"format": "whosaw trace index 1"}), encoding="utf-8")
    assert bring_up(lake).rows == 912
    (index_folder(lake) / "index.json").unlink()
    with pytest.raises(IndexRefused, match="something that is no index"):
        bring_up(lake)


def test_the_index_holds_no_reference_of_anybody(lake: Path) -> None:
    bring_up(lake)
    held = b"".join(path.read_bytes() for path in index_folder(lake).rglob("*") if path.is_file())
    assert b"mole" not in held and b"s200" not in held
    assert open_index(index_folder(lake)).rows == 912


def test_an_engine_gives_the_answer_of_the_lake(lake: Path, sightings: Path) -> None:
    told, by_engine = (trace_lake(lake, sightings, beside=Beside(engine=engine)) for engine in (None, "duckdb"))
    assert by_engine == told
    assert told["verdict"] == "finding" and any(hit["irregular"] for hit in told["candidates"][0]["hits"])
    assert {hit["irregular"] for each in told["candidates"] for hit in each["hits"] if hit["opened_at"]} == {
        True,
        False,
    }


def test_an_engine_reads_the_customers_alone(lake: Path) -> None:
    found = exposure_over(lake, "S", ["s350"], "duckdb")
    assert found is not None and set(found.subjects) == {*(f"s{n}" for n in range(300)), "s350"}
    assert found.actors == load_exposure(lake, "S").actors, "weights are shared by everybody, customers or not"
    assert exposure_over(lake, None, [], "duckdb") is None


def test_logs_of_one_name_that_differ_in_whether_they_say_why_are_read_whole(lake: Path, sightings: Path) -> None:
    bare = {"kind": "accesses", "columns": {"actor": "who", "subject": "whom", "at": "at"}}
    bring_in(lake, "first", bare, [f"a3,s7,{day(13)}"])
    assert exposure_over(lake, "S", [], "duckdb") is None
    assert trace_lake(lake, sightings, beside=Beside(engine="duckdb"))["candidates"][0]["actors"] == ["mole"]


def test_the_command_refuses_an_engine_together_with_invented_leaks(lake: Path, sightings: Path) -> None:
    with pytest.raises(TraceOptions):
        trace(lake=lake, sightings=sightings, engine="duckdb", calibrate=5)


@pytest.mark.spark
@pytest.mark.skipif(bool(spark.missing()), reason=f"left out: {spark.missing()}")
@pytest.mark.filterwarnings("ignore")  # pyspark opens files and sockets and leaves them to the collector
def test_the_command_gives_the_same_answer_on_spark(
    lake: Path, sightings: Path, capsys: pytest.CaptureFixture[str], spark_engine: str
) -> None:
    answers = []
    for engine in (None, spark_engine):
        assert trace(lake=lake, sightings=sightings, engine=engine, as_json=True) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert answers[0]["candidates"][0]["actors"] == ["mole"]
