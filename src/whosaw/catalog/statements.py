"""The statements the catalog leads to. The company's own queries stay whole; ours only pick rows from them by key.

Keys are bound as one expanding list, so that one statement serves one ask and a thousand, on any database, and as
text without a type, so that a database compares them with whatever the column holds: text, whole numbers, UUIDs. What
is ours is written with SQLAlchemy's own elements, because each database quotes a name in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    TableClause,
    bindparam,
    column,
    literal_column,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from whosaw.catalog.model import Action, ActorQuery, Field, Lookup, Purpose, SubjectKind
from whosaw.catalog.told import Ending, Key, Listed, Moment

# what databases tell in several ways; a column that a statement does not have is passed over
_TOLD: dict[str, TypeEngine[Any]] = {
    "roles": Listed(),
    "ended": Ending(),
    "opened_at": Moment(),
    "closed_at": Moment(),
    "changed_at": Moment(),
    "since": Moment(),
    "until": Moment(),
}
_COLON = re.compile(r"(?<![:\w\\]):(?=\w)")


@lru_cache(maxsize=256)
def work_statement(purpose: Purpose) -> Executable:
    """Return the work items with a reference in ``:references``."""
    beneficiary = ", w.beneficiary" if purpose.beneficiary_kind else ""
    return _picked(
        f"select w.reference, w.assignee, w.subject, w.origin, w.opened_at, w.closed_at{beneficiary} "
        f"from ({_whole(purpose.query)}) w where w.reference in :references",
        "references",
    )


@lru_cache(maxsize=256)
def work_about_statement(purpose: Purpose) -> Executable:
    """Return the work items about a subject in ``:subjects``, columns as of `work_statement`."""
    beneficiary = ", w.beneficiary" if purpose.beneficiary_kind else ""
    return _picked(
        f"select w.reference, w.assignee, w.subject, w.origin, w.opened_at, w.closed_at{beneficiary} "
        f"from ({_whole(purpose.query)}) w where w.subject in :subjects",
        "subjects",
    )


@lru_cache(maxsize=256)
def object_statement(action: Action) -> Executable:
    """Return the objects of `action` with a key in ``:objects``, and whom they concern."""
    beneficiary = ", o.beneficiary" if action.beneficiary_kind else ""
    return _picked(
        f"select o.object, o.subject{beneficiary} from ({_whole(action.query)}) o where o.object in :objects", "objects"
    )


@lru_cache(maxsize=8)
def actor_statement(actors: ActorQuery) -> Executable:
    """Return the staff rows with a key in ``:keys``: key, roles, region, ended, and the declared attributes."""
    attributes = "".join(f", a.{name}" for name in actors.attributes)
    return _picked(
        f"select a.key, a.roles, a.region, a.ended{attributes} from ({_whole(actors.query)}) a where a.key in :keys",
        "keys",
    )


@lru_cache(maxsize=8)
def everybody_statement(actors: ActorQuery) -> Executable:
    """Return the whole staff directory, columns as of `actor_statement`."""
    attributes = "".join(f", a.{name}" for name in actors.attributes)
    listed = text(f"select a.key, a.roles, a.region, a.ended{attributes} from ({_whole(actors.query)}) a")
    return listed.columns(**_TOLD)


@lru_cache(maxsize=8)
def roles_statement(actors: ActorQuery) -> Executable:
    """Return every distinct combination of roles and region in the directory."""
    return text(f"select distinct a.roles, a.region from ({_whole(actors.query)}) a").columns(roles=Listed())


@lru_cache(maxsize=64)
def lookup_statement(lookup: Lookup) -> Executable:
    """Return ``value, subject`` for the values in ``:values``, exactly as the database compares them."""
    return _picked(f"select l.value, l.subject from ({_whole(lookup.query)}) l where l.value in :values", "values")


@lru_cache(maxsize=64)
def presence_statement(kind: SubjectKind) -> Executable:
    """Return key and region of the subjects with a key in ``:keys``: what a decision needs, and no protected value."""
    region = _column(kind.region) if kind.region else literal_column("''")
    return _by_key(kind, (region.label("region"),))


def subject_statement(kind: SubjectKind, fields: Sequence[Field]) -> Executable:
    """Return the protected columns of `fields`, named by position ``f0, f1 …``, for the keys in ``:keys``."""
    return _subject_statement(kind, tuple(fields))


@lru_cache(maxsize=256)
def _subject_statement(kind: SubjectKind, fields: tuple[Field, ...]) -> Executable:
    return _by_key(kind, tuple(_column(field.column).label(f"f{i}") for i, field in enumerate(fields)))


def column_query(kind: SubjectKind, field: Field, url: str) -> str:
    """Return SQL that lists a field's column as ``value`` beside the key of its row as ``subject``.

    Args:
        kind: whose table.
        field: whose column.
        url: address of the database, which says how it quotes names.
    """
    column_, key = _quoted(field.column, url), _quoted(kind.key, url)
    name = ".".join(_quoted(part, url) for part in kind.table.split("."))
    return f"select {column_} as value, {key} as subject from {name}"


@lru_cache(maxsize=16)
def about_actors_statement(query: str, columns: tuple[str, ...], rows: int | None = None) -> Executable:
    """Return `columns` of the rows of the company's `query` whose ``actor`` is in ``:keys``; so many rows at most."""
    return about_statement(query, columns, "actor", rows)


@lru_cache(maxsize=16)
def about_statement(query: str, columns: tuple[str, ...], by: str, rows: int | None = None) -> Executable:
    """Return `columns` of the rows of the company's `query` whose column `by` is in ``:keys``; so many rows at most.

    Args:
        query: as the catalog has it.
        columns: which of its columns.
        by: a name of ours: ``actor``, ``beneficiary`` or ``subject``.
        rows: how many at most.
    """
    named = ", ".join(f"r.{name}" for name in columns)
    most = "" if rows is None else f" limit {rows}"
    return _picked(f"select {named} from ({_whole(query)}) r where r.{by} in :keys{most}", "keys")


def columns_statement(query: str) -> Executable:
    """Return a statement that has the columns of the company's `query`, and no rows."""
    return text(f"select * from ({_whole(query)}) q where 1 = 0")


def sample_statement(query: str, columns: Sequence[str], rows: int) -> Executable:
    """Return a statement for `columns` of the first `rows` rows that the company's `query` gives."""
    whole = text(_whole(query)).columns(*(column(name, _TOLD.get(name)) for name in columns)).subquery("q")
    return select(*(whole.c[name] for name in columns)).limit(rows)


def _picked(statement: str, bound: str) -> Executable:
    return text(statement).bindparams(bindparam(bound, expanding=True, type_=Key())).columns(**_TOLD)


def _whole(query: str) -> str:
    """Return the company's query with its colons kept: a word after one is no parameter of ours."""
    return _COLON.sub(r"\\:", query)


def _by_key(kind: SubjectKind, columns: tuple[ColumnElement[object], ...]) -> Executable:
    key = _column(kind.key)
    keys: ColumnElement[object] = bindparam("keys", expanding=True, type_=Key())
    return select(key.label("key"), *columns).select_from(_table(kind.table)).where(key.in_(keys))


def _column(name: str) -> ColumnElement[object]:
    return column(quoted_name(name, quote=True))


def _table(name: str) -> TableClause:
    """Return a table by its name; a dot separates schema and table."""
    schema, _, last = name.rpartition(".")
    return table(quoted_name(last, quote=True), schema=quoted_name(schema, quote=True) if schema else None)


def _quoted(name: str, url: str) -> str:
    """Return an identifier as the database behind `url` writes it; an address nobody understands gets the standard."""
    try:
        return make_url(url).get_dialect()().identifier_preparer.quote_identifier(name)
    except (SQLAlchemyError, ImportError):
        return '"' + name.replace('"', '""') + '"'
