"""The same questions on Spark, in a real JVM: the rows are those that DuckDB gives. One session for all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whosaw.lake import spark
from whosaw.lake.answers import ask
from whosaw.lake.importer import import_log
from whosaw.lake.lookover import look_over
from whosaw.lake.mapping import read_mapping
from whosaw.lake.named import QUESTIONS, Asked

ENGINE = "local[2]"  # that of `spark_engine`
EU, US = "eu.example/trail", "us.example/trail"
ASKED = Asked(subjects={EU: (3, 4, 5), US: (3, 9)}, actors={EU: (2,)}, least=100, times=3)

# question → why Spark cannot answer it: `notimpl` (we could), `notyet` (upstream must), `never`
GAPS: dict[str, tuple[str, str]] = {}

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(bool(spark.missing()), reason=f"left out: {spark.missing()}"),
    pytest.mark.filterwarnings("ignore"),  # pyspark opens files and sockets and leaves them to the collector
]


@pytest.fixture(scope="module", autouse=True)
def one_session(spark_engine: str) -> str:
    return spark_engine


@pytest.fixture(scope="module")
def asked_of_million(million: Any) -> tuple[Path, Asked]:
    """A lake of a million made disclosures, and what is asked about it."""
    bench, folder = million
    return folder, Asked(subjects={bench.TRAIL: bench.subjects_of(1_000_000)}, actors={bench.TRAIL: (2,)})


def questions() -> list[Any]:
    return [
        pytest.param(name, marks=[pytest.mark.xfail(strict=True, reason=": ".join(GAPS[name]))] if name in GAPS else [])
        for name in QUESTIONS
    ]


def rows_of(table: Any, name: str) -> list[dict[str, Any]]:
    """Return rows in the order of the answer, or in one of their own where a question promises none."""
    rows: list[dict[str, Any]] = table.to_pylist()
    return sorted(rows, key=repr) if name == "actor-beneficiary" else rows


@pytest.mark.parametrize("name", questions())
def test_spark_gives_the_rows_that_duckdb_gives(made: Any, name: str) -> None:
    one = ask(made.folder, name, ASKED).table
    other = ask(made.folder, name, ASKED, engine=ENGINE).table
    assert other.column_names == one.column_names
    assert rows_of(other, name) == rows_of(one, name)
    assert one.num_rows


@pytest.mark.parametrize("name", questions())
def test_a_million_rows_give_the_same_on_both(asked_of_million: Any, name: str) -> None:
    folder, asked = asked_of_million
    one = ask(folder, name, asked).table
    other = ask(folder, name, asked, engine=ENGINE).table
    assert rows_of(other, name) == rows_of(one, name)
    assert one.num_rows or name == "unusual-exports"  # of sets there are none


def test_the_gaps_are_of_questions_that_exist() -> None:
    assert GAPS.keys() <= QUESTIONS.keys()
    assert {kind for kind, _ in GAPS.values()} <= {"notimpl", "notyet", "never"}


def test_a_lake_in_an_object_store_is_refused_with_what_to_do(made: Any) -> None:
    from dataclasses import replace

    import pyarrow.fs as pafs

    from whosaw.lake.errors import EngineMissing
    from whosaw.lake.place import Store

    look = replace(look_over(made.folder), place=Store(pafs.LocalFileSystem(), str(made.folder)))
    with pytest.raises(EngineMissing, match="object store"):
        spark.run_spark(look, None, ENGINE)


def test_a_log_with_quotes_in_its_name_keeps_it_on_both(tmp_path: Path) -> None:
    log = tmp_path / "it's \\a log'.csv"
    log.write_text("who,whom,at\nkim,C-1,1772409600000000\n")
    columns = {"actor": "who", "subject": "whom", "at": "at"}
    mapping = read_mapping({"kind": "accesses", "columns": columns, "time": {"format": "epoch_us"}})
    import_log(log, mapping, tmp_path / "l")
    for engine in ("duckdb", ENGINE):
        assert ask(tmp_path / "l", "actor-exposure", engine=engine).table["trail"].to_pylist() == [log.name]
