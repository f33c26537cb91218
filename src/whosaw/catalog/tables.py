"""The company's tables as their database describes them, and a few of their rows to judge a column by.

Rows that are sampled stay in this process and are never written down: what leaves is what kind of thing a column holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Inspector, column, select, table, text
from sqlalchemy.dialects.postgresql.base import PGInspector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import Boolean, Date, DateTime, Integer, LargeBinary, Numeric, TypeEngine

from whosaw.catalog.model import CatalogError
from whosaw.catalog.source import Source

SAMPLE_ROWS = 200
_TEXT_MOST = 2_000
_SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys"})
_PARTS = text(
    "select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname = :schema and c.relispartition"
)
Form = Literal["text", "number", "moment", "flag", "binary"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what kind of value it holds, and whether it may be empty."""

    name: str
    form: Form
    nullable: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A column of one table that holds keys of another, which is named as in the catalog."""

    column: str
    table: str
    referred: str


@dataclass(frozen=True, slots=True)
class TableShape:
    """One table or view.

    Attributes:
        name: as the catalog writes it: with its schema where that is not the database's own.
        columns: in their order.
        primary_key: its columns; empty where there is none.
        foreign_keys: of a single column each.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()

    @property
    def bare(self) -> str:
        """The name without its schema."""
        return self.name.rpartition(".")[2]

    def column(self, name: str) -> Column | None:
        """Return a column by its name."""
        return next((each for each in self.columns if each.name == name), None)


async def read_tables(source: Source) -> tuple[TableShape, ...]:
    """Return every table and view of a database that its login may see, by name.

    Raises:
        SourceUnreachable, SourceRefused: as for `Source.rows`.
    """
    return await source.look(_shapes)


async def sample(source: Source, shape: TableShape) -> Mapping[str, Sequence[Any]]:
    """Return column → some of its values, empty ones left out; nothing of a table that may not be read."""
    schema, _, last = shape.name.rpartition(".")
    named = table(quoted_name(last, quote=True), schema=quoted_name(schema, quote=True) if schema else None)
    read = [each for each in shape.columns if each.form != "binary"]
    columns: list[ColumnElement[Any]] = [
        column(quoted_name(each.name, quote=True)).label(f"c{i}") for i, each in enumerate(read)
    ]
    if not columns:
        return {}
    try:
        rows = await source.rows(select(*columns).select_from(named).limit(SAMPLE_ROWS))
    except CatalogError:
        return {}
    return {
        each.name: [value for row in rows if (value := _short(row[f"c{i}"])) not in (None, "")]
        for i, each in enumerate(read)
    }


def _short(value: object) -> object:
    return value[:_TEXT_MOST] if isinstance(value, str) else value


def _shapes(inspector: Inspector) -> tuple[TableShape, ...]:
    own = inspector.default_schema_name
    schemas = [name for name in _schemas(inspector) if name == own or own is None]
    if inspector.dialect.name not in {"mysql", "mariadb", "sqlite"}:  # a schema there is another database
        schemas += [name for name in _schemas(inspector) if name not in schemas]
    return tuple(shape for schema in schemas for shape in _of_schema(inspector, schema, own))


def _schemas(inspector: Inspector) -> list[str]:
    return [name for name in inspector.get_schema_names() if name not in _SYSTEM_SCHEMAS]


def _of_schema(inspector: Inspector, schema: str, own: str | None) -> list[TableShape]:
    names = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
    if isinstance(
        inspector, PGInspector
    ):  # what copies people's columns, and the parts of one table, which are no more
        names |= {*inspector.get_materialized_view_names(schema), *inspector.get_foreign_table_names(schema)}
        names -= _parts(inspector, schema)
    found = []
    for name in sorted(names):
        try:
            found.append(_shape(inspector, name, schema, own))
        except SQLAlchemyError:  # a view whose table is gone, a table the login may not look into
            continue
    return found


def _parts(inspector: PGInspector, schema: str) -> set[str]:
    """Return the partitions of a schema: each is a piece of a table that is looked at as a whole."""
    connection = inspector.bind
    return (
        set(connection.execute(_PARTS, {"schema": schema}).scalars()) if isinstance(connection, Connection) else set()
    )


def _shape(inspector: Inspector, name: str, schema: str, own: str | None) -> TableShape:
    keys = inspector.get_pk_constraint(name, schema).get("constrained_columns") or []
    foreign = [
        ForeignKey(
            each["constrained_columns"][0],
            _named(each["referred_table"], each.get("referred_schema") or schema, own),
            (each["referred_columns"] or [""])[0],
        )
        for each in inspector.get_foreign_keys(name, schema)
        if len(each["constrained_columns"]) == 1
    ]
    columns = tuple(
        Column(each["name"], _form(each["type"]), bool(each.get("nullable", True)))
        for each in inspector.get_columns(name, schema)
    )
    return TableShape(_named(name, schema, own), columns, tuple(keys), tuple(foreign))


def _named(name: str, schema: str | None, own: str | None) -> str:
    return name if schema in (None, own) or own is None else f"{schema}.{name}"


def _form(kind: TypeEngine[Any]) -> Form:
    forms: tuple[tuple[Any, Form], ...] = (
        (Boolean, "flag"),
        ((Integer, Numeric), "number"),
        ((Date, DateTime), "moment"),
        (LargeBinary, "binary"),
    )
    return next((form for of, form in forms if isinstance(kind, of)), "text")
