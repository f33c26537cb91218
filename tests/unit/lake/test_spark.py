"""The same questions on Spark, in a real JVM: the rows are those that DuckDB gives. One session for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from whosaw.lake import spark
from whosaw.lake.answers import ask
from whosaw.lake.lookover import look_over
from whosaw.lake.named import QUESTIONS, Asked

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
def one_session() -> Iterator[None]:
    yield
    spark.stop()


def questions() -> list[Any]:
    return [
        pytest.param(name, marks=[pytest.mark.xfail(strict=True, reason=": ".join(GAPS[name]))] if name in GAPS else [])
        for name in QUESTIONS
    ]


@pytest.mark.parametrize("name", questions())
def test_spark_gives_the_rows_that_duckdb_gives(made: Any, name: str) -> None:
    one = ask(made.folder, name, ASKED).table
    other = ask(made.folder, name, ASKED, engine="local[1]").table
    assert other.column_names == one.column_names
    assert other.to_pylist() == one.to_pylist()
    assert one.num_rows


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
        spark.run_spark(look, None, "local[1]")
