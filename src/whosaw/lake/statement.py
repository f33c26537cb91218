"""Whether an analyst's statement is a plain reading of the lake's tables, judged from DuckDB's own syntax tree.

What is not known here is refused: statements, sources of rows, functions. The connection that runs it is locked down
besides. Whether it is about one member of staff can be judged as far as names and constants show it, and by its rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from whosaw.lake.errors import StatementRefused

MOST_BYTES = 16_384
TABLES = frozenset({"entries", "disclosures", "classes"})
PSEUDONYM = re.compile(r"p-[0-9a-f]{12}")

_SOURCES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"})
_CONDITIONS = ("where_clause", "having", "qualify", "condition", "filter", "when_expr")
_TESTS = frozenset({"COMPARISON", "FUNCTION", "OPERATOR", "BETWEEN", "CONJUNCTION"})
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
    """A statement that may run, and whether it singles a member of staff out."""

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
    return Judged(text, _singles_out(tree))


def singles_out(rows: Any) -> bool:
    """Return whether the rows of an answer (an Arrow table) show the pseudonym of exactly one member of staff."""
    shown: set[str] = set()
    for column in rows.columns:
        for value in column.unique().to_pylist():
            shown |= set(PSEUDONYM.findall(str(value)))
            if len(shown) > 1:
                return False
    return len(shown) == 1


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


def _singles_out(tree: dict[str, Any]) -> bool:
    """Return whether a condition compares the actor with something written out, or a pseudonym is written anywhere."""
    named = _actor_names(tree)
    for node in _nodes(tree):
        if node.get("class") == "CONSTANT" and _written(node).startswith("p-"):
            return True
        for condition in (node.get(name) for name in _CONDITIONS):
            for test in _nodes(condition):
                if test.get("class") in _TESTS and _mentions(test, named) and _is_fixed(test):
                    return True
    return False


def _written(constant: dict[str, Any]) -> str:
    value = constant.get("value")
    return str(value.get("value", "")) if isinstance(value, dict) else str(value)


def _actor_names(tree: dict[str, Any]) -> set[str]:
    """Return the names under which the actor is known in the statement: its own, and every alias of it."""
    named = {"actor"}
    grown = True
    while grown:
        before = len(named)
        for node in _nodes(tree):
            if node.get("alias") and node.get("class") and _mentions(node, named):
                named.add(node["alias"].lower())
            named |= {str(each).lower() for each in node.get("column_name_alias") or []}
            named |= {str(each).lower() for each in node.get("aliases") or []}
        grown = len(named) > before
    return named


def _mentions(tree: Any, named: set[str]) -> bool:
    return any(
        node.get("class") == "COLUMN_REF" and str(node["column_names"][-1]).lower() in named for node in _nodes(tree)
    )


def _is_fixed(tree: Any) -> bool:
    return any(node.get("class") == "CONSTANT" for node in _nodes(tree))
