"""Are the table, the key and the columns of a kind of subject there?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Inspector
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from whosaw.catalog.model import SubjectKind
from whosaw.catalog.statements import subject_statement
from whosaw.catalog.trying import NOBODY, Trial, missing


async def check_subject(trial: Trial, kind: SubjectKind) -> str:
    """Try one kind and its fields; return what was accepted.

    Raises:
        SourceUnreachable, SourceRefused: the database says so.
    """
    place = f"subjects.{kind.name}"
    fields = [each for each in trial.catalog.fields.values() if each.subject_kind == kind.name]
    source = trial.sources[kind.source]
    columns, others, unique = await source.look(lambda inspector: _described(inspector, kind))
    if columns is None:
        trial.problem(place, f"`{kind.source}` has no table `{kind.table}`{missing(kind.table, others)}")
        return ""
    wanted = [("key", kind.key), *([("region", kind.region)] if kind.region else [])]
    wanted += [("identifying", name) for name in kind.identifying]
    wanted += [(f"the field `{each.name}`", each.column) for each in fields]
    absent = [(what, name) for what, name in wanted if name not in columns]
    for what, name in absent:
        trial.problem(place, f"the table `{kind.table}` has no column `{name}`, for {what}{missing(name, columns)}")
    if absent:
        return ""
    if unique is False:
        trial.note(place, f"the key `{kind.key}` is not declared unique: one key may lead to several people")
    if not fields:
        trial.note(place, "it has no fields: nothing of it can be asked for")
    await source.rows(subject_statement(kind, fields), keys=NOBODY)
    return f"{place} ({len(fields)} fields)"


def _described(inspector: Inspector, kind: SubjectKind) -> tuple[list[str] | None, list[str], bool | None]:
    """Return the table's columns (None where it is not there), what else is there, and whether its key is unique."""
    schema, _, table = kind.table.rpartition(".")
    try:
        columns = [each["name"] for each in inspector.get_columns(table, schema or None)]
    except NoSuchTableError:
        columns = []
    if not columns:
        return None, _others(inspector, schema), None
    return columns, [], _is_unique(inspector, table, schema or None, kind.key)


def _others(inspector: Inspector, schema: str) -> list[str]:
    try:
        names = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    except SQLAlchemyError:
        return []
    return [f"{schema}.{name}" if schema else name for name in names]


def _is_unique(inspector: Inspector, table: str, schema: str | None, key: str) -> bool | None:
    if table in inspector.get_view_names(schema):
        return None  # a view declares nothing
    declared: list[list[Any]] = [list(inspector.get_pk_constraint(table, schema).get("constrained_columns") or [])]
    declared += [list(each["column_names"]) for each in inspector.get_unique_constraints(table, schema)]
    declared += [list(each["column_names"]) for each in inspector.get_indexes(table, schema) if each.get("unique")]
    return [key] in declared
