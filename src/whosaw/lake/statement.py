"""Whether an analyst's statement is a plain reading of the lake's tables, judged from DuckDB's own syntax tree.

What is not known here is refused: statements, sources of rows, functions. The connection that runs it is locked down
besides. Whether it speaks of members of staff shows in the columns it names; outside a case the tables have no such
column, so a way around the names finds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from whosaw.lake.errors import StatementRefused

MOST_BYTES = 16_384
ACTOR = "actor"
TABLES = frozenset({"entries", "disclosures", "classes"})

_SOURCES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"})
_WORDS = """
    + - * / // % ** || ~~ !~~ ~~* !~~* abs and any_value arg_max arg_min avg between bool_and bool_or ceil ceiling
    coalesce concat contains count count_if count_star cume_dist date_diff date_part date_trunc day dayofweek dense_rank
    epoch_us first_value floor greatest hour in isodow lag last_value lead least length like_escape lower ltrim
    list_contains make_timestamp max median min minute mod month mode nullif ntile or percent_rank power quantile_cont
    quantile_disc quarter rank regexp_extract regexp_matches replace round row_number rtrim sign split split_part sqrt
    starts_with stddev stddev_samp string_agg string_split strftime substr substring sum suffix ends_with trim unnest
    upper variance week weekofyear year
"""
_FUNCTIONS = frozenset(_WORDS.split())


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement that may run, and whether it speaks of members of staff."""

    text: str
    of_actor: bool


def judge(text: str) -> Judged:
    """Return a statement that may run.

    Raises:
        StatementRefused: it is not one SELECT over the lake's tables with functions that are known.
    """
    if len(text.encode()) > MOST_BYTES or "\0" in text:
        raise StatementRefused(f"a statement has at most {MOST_BYTES} bytes and no NUL")
    tree = _tree(text)
    made_here = {entry["key"].lower() for node in _nodes(tree) for entry in node.get("cte_map", {}).get("map", [])}
    for node in _nodes(tree):
        _check(node, made_here)
    return Judged(text, any(_names_actor(node) for node in _nodes(tree)))


def _tree(text: str) -> dict[str, Any]:
    with duckdb.connect(":memory:", config={"enable_external_access": False}) as connection:
        try:
            row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
        except duckdb.Error as error:
            raise StatementRefused("the statement cannot be read") from error
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        raise StatementRefused("not a SELECT that can be read" if tree.get("error_type") != "parser" else "not SQL")
    if len(tree["statements"]) != 1:
        raise StatementRefused("one statement at a time")
    found: dict[str, Any] = tree["statements"][0]
    return found


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _check(node: dict[str, Any], made_here: set[str]) -> None:
    source = node.get("from_table")
    if isinstance(source, dict) and source.get("type") not in _SOURCES:
        raise StatementRefused(f"rows can only come from {', '.join(sorted(TABLES))}")
    kind = node.get("type")
    if not isinstance(kind, str):
        kind = ""
    if kind in {"TABLE_FUNCTION", "SHOW_REF", "PIVOT", "DELIM_GET", "COLUMN_DATA"}:
        raise StatementRefused(f"rows can only come from {', '.join(sorted(TABLES))}")
    if kind == "BASE_TABLE":
        name = str(node.get("table_name", "")).lower()
        if node.get("schema_name") or node.get("catalog_name") or name not in TABLES | made_here:
            raise StatementRefused(f"rows can only come from {', '.join(sorted(TABLES))}")
    function = node.get("function_name")
    if function is not None and str(function).lower() not in _FUNCTIONS:
        raise StatementRefused(f"function `{str(function)[:40]}` is not among those that may be used")
    if node.get("class") in {"PARAMETER", "LAMBDA"}:
        raise StatementRefused("a statement has no parameters")


def _names_actor(node: dict[str, Any]) -> bool:
    """Return whether a node is the column `actor`, taken as it is or left out of all of them."""
    if node.get("class") == "COLUMN_REF":
        return str(node["column_names"][-1]).lower() == ACTOR
    return node.get("class") == "CONSTANT" and ACTOR in _written(node).lower()


def _written(constant: dict[str, Any]) -> str:
    value = constant.get("value")
    return str(value.get("value", "")) if isinstance(value, dict) else str(value)
