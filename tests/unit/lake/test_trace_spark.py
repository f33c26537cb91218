"""One question of attribution on DuckDB and on Spark, over the same lake: the same leads, number for number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from whosaw.app.traceasked import Asked
from whosaw.app.traceengine import accesses_about, rank_over
from whosaw.lake import spark
from whosaw.lake.answers import ask
from whosaw.lake.named import Asked as AskedOfLake
from whosaw.trace import Rung, Settings, Sightings

DAY_US = 86_400_000_000
EU = "eu.example/trail"


def test_the_openings_are_those_that_the_lake_answers_with(made: Any) -> None:
    table = ask(made.folder, "who-saw", AskedOfLake(subjects={EU: (3, 4, 5)})).table
    found = accesses_about(made.folder, EU, np.array([5, 3, 4]))
    assert found.actor.tolist() == table.column("actor").to_pylist()
    assert np.array([5, 3, 4])[found.subject].tolist() == table.column("subject").to_pylist()
    assert found.irregular.tolist() == [each is not True for each in table.column("verified").to_pylist()]
    assert found.at_us.size


@pytest.mark.spark
@pytest.mark.skipif(bool(spark.missing()), reason=f"left out: {spark.missing()}")
@pytest.mark.filterwarnings("ignore")  # pyspark opens files and sockets and leaves them to the collector
def test_a_million_rows_give_the_same_leads_on_both(million: Any, spark_engine: str) -> None:
    bench, folder = million
    trail = bench.TRAIL
    subjects = np.arange(1, 5001)
    log = accesses_about(folder, trail, subjects)
    last_us = int(log.at_us.max())
    early = np.unique(np.stack([log.actor, log.subject])[:, log.at_us < last_us - 20 * DAY_US], axis=1)
    count = np.bincount(early[0])
    leaker = int(np.where(count >= 60, count, count.max() + 1).argmin())  # nobody who opened most of everything
    sold = np.random.default_rng(3).choice(early[1][early[0] == leaker], 30, replace=False)
    asked = Asked(subjects, np.zeros(5000, np.int64), Sightings(sold, np.full(30, last_us)))
    one, other = (rank_over(folder, trail, asked, Settings(), engine=engine) for engine in ("duckdb", spark_engine))
    assert one == other
    assert one.candidates[0].actors == (leaker,)
    assert one.candidates[0].rung is not Rung.NO_SIGNAL
