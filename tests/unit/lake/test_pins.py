"""The versions that are pinned because others break: each of these tests fails on the day its pin can go.

ibis 12 calls what DuckDB 2 took away, and with sqlglot 30.18 loses the table's name in DROP. Each test takes the guard
away as far as the installed versions allow, and is a strict expected failure.
"""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[3]
LAKE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]["lake"]
# What ibis 12 calls on a DuckDB connection or result, and DuckDB 2 does not have.
CALLED = ("fetch_record_batch", "fetch_arrow_table")


def version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version(name))[:2])


def needs(name: str) -> str:
    [line] = [line for line in importlib.metadata.requires("ibis-framework") or [] if re.match(rf"{name}\b", line)]
    return line.partition(";")[0]


def test_the_versions_here_are_those_that_were_tried_together() -> None:
    assert version("duckdb")[0] == 1
    assert version("sqlglot") < (30, 18)
    assert version("ibis-framework")[0] == 12
    pins = "\n".join(LAKE)
    for pin in ("duckdb>=1.5.6,<2", "sqlglot>=30,<30.18", "ibis-framework[duckdb]>=12,<13"):
        assert pin in pins


@pytest.mark.xfail(
    strict=True, reason="ibis 12 calls fetch_record_batch and fetch_arrow_table, which DuckDB 2 took away"
)
def test_ibis_no_longer_calls_what_duckdb_2_took_away() -> None:
    source = Path(importlib.import_module("ibis.backends.duckdb").__file__ or "").read_text(encoding="utf-8")
    assert not any(f".{name}(" in source for name in CALLED), "the pin duckdb<2 can go: try it"


@pytest.mark.xfail(
    strict=True, reason="ibis 12 sets no bound on DuckDB, so pip would install one it does not work with"
)
def test_ibis_itself_bounds_duckdb() -> None:
    assert "<" in needs("duckdb"), "ibis bounds duckdb by itself now: the pin can go"


@pytest.mark.xfail(strict=True, reason="ibis 12 sets no bound on sqlglot below 30.18")
def test_ibis_itself_keeps_sqlglot_below_what_breaks_it() -> None:
    bound = re.search(r"<\s*([\d.]+)", needs("sqlglot"))
    assert bound is not None
    assert tuple(int(part) for part in bound[1].split(".")) <= (30, 18), "ibis bounds sqlglot by itself now"


@pytest.mark.xfail(strict=True, reason="ibis 12 names the table of DROP by an argument that sqlglot 30.18 ignores")
def test_a_drop_names_its_table_the_way_sqlglot_30_18_reads_it() -> None:
    backend = Path(importlib.import_module("ibis.backends.duckdb").__file__ or "").parent.parent / "sql" / "__init__.py"
    drops = re.findall(r"sge\.Drop\((.*?)\)", backend.read_text(encoding="utf-8"), re.DOTALL)
    assert drops
    assert all("expressions=" in each or "this=[" in each for each in drops), "the pin sqlglot<30.18 can go: try it"


def test_duckdb_offers_what_is_used_here_without_ibis() -> None:
    with duckdb.connect() as connection:
        assert connection.execute("SELECT 1 AS one").to_arrow_table().to_pylist() == [{"one": 1}]
