"""A question asked in one go explains what a source outside that holds the same would: told with the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from whosaw.app.commands.traces import trace
from whosaw.app.tracing import trace_lake
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping


def test_the_answer_on_a_lake_says_which_question_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    entered = np.sort(rng.uniform(0, 40, 1200))

    def at(days: float) -> str:
        return (start + timedelta(days=days)).isoformat()

    rows = [
        f"a{rng.integers(0, 40)},s{n},{at(entered[n] + rng.uniform(0, 5))}"
        for n in rng.integers(0, 1200, 4000).tolist()
    ]
    held = np.flatnonzero((entered >= 15) & (entered < 25)).tolist()
    rows += [f"analyst,s{n},{at(45.3)}" for n in held]
    log, complaints = tmp_path / "log.csv", tmp_path / "complaints.csv"
    log.write_text("\n".join(["actor,subject,at", *rows]) + "\n")
    chosen = rng.choice(held, 10, replace=False)
    complaints.write_text("\n".join(["subject,contacted_at", *(f"s{n},{at(60)}" for n in chosen)]) + "\n")
    columns = {"actor": "actor", "subject": "subject", "at": "at"}
    import_log(log, read_mapping({"kind": "accesses", "columns": columns}), tmp_path / "lake")
    told = trace_lake(tmp_path / "lake", complaints)
    (row,) = told["duties"]
    assert (row["what"], row["actor"], row["from"]) == ("asked in one go", "analyst", "2026-02-15T07:12:00+00:00")
    assert told["verdict"] == "undecided" and "explained by a question in one go" in told["verdict_in_words"]
    assert trace(lake=tmp_path / "lake", sightings=complaints) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "a source outside may hold what somebody asked for in one go" in said
    assert "complainers whom that does not explain" in said
