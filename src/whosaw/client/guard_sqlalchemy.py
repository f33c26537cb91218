"""The guard before a mapped SQLAlchemy class.

Values are replaced as a row is loaded or refreshed, as committed ones: the unit of work sees no change, so nothing
hidden is written back. A statement that selects a guarded column by itself is refused in ORM sessions; so is a union of
whole models that is executed as it is, which loads no model, and text that names a guarded column in a list of columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    TextClause,
    TextualSelect,
    event,
    inspect,
)
from sqlalchemy.orm import Mapper, ORMExecuteState, Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseList

from whosaw.client.hidden import GuardRefused, Hidden

_COUNTED = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)
_EVERY_COLUMN = re.compile(r"(^|[.,(])\s*\*")


class Mapped:
    """Hides attributes of one mapped class."""

    def __init__(self, model: type, fields: Mapping[str, str], key: str) -> None:
        mapper: Mapper[Any] = inspect(model)
        for name in (*fields, *([key] if key else [])):
            if name not in mapper.column_attrs:
                raise GuardRefused(f"`{model.__name__}` has no column `{name}`")
        primary = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
        if not key and len(primary) != 1:
            raise GuardRefused(f"`{model.__name__}` has several primary keys", hint="name the attribute as `key`")
        self._key = key or primary[0]
        if self._key in fields:
            raise GuardRefused(f"`{self._key}` is the key, and cannot be hidden")
        self._fields = dict(fields)
        self._columns = {_place(column) for name in fields for column in mapper.column_attrs[name].columns}
        self._tables = {place[0] for place in self._columns if place is not None}
        names = "|".join(sorted(re.escape(place[1]) for place in self._columns if place is not None))
        self._named = re.compile(rf"\b({names})\b", re.IGNORECASE)
        event.listen(model, "load", self._loaded, propagate=True)
        event.listen(model, "refresh", self._refreshed, propagate=True)
        for name in fields:
            event.listen(getattr(model, name), "set", _set, propagate=True)
        event.listen(Session, "do_orm_execute", self._executed)

    def key(self, instance: Any) -> str:
        """Return the company's own key of an instance."""
        return str(getattr(instance, self._key))

    def show(self, instance: Any, attribute: str, value: str | Hidden | None) -> None:
        """Put a value into an instance as if it had been loaded."""
        set_committed_value(instance, attribute, value)

    def _loaded(self, instance: Any, _: object) -> None:
        self._hide(instance, self._fields)

    def _refreshed(self, instance: Any, _: object, attributes: Iterable[str] | None) -> None:
        self._hide(instance, self._fields if attributes is None else set(attributes) & self._fields.keys())

    def _hide(self, instance: Any, names: Iterable[str]) -> None:
        held = inspect(instance).dict
        for name in names:
            if name in held:  # what is deferred is hidden when it is loaded
                set_committed_value(instance, name, Hidden(self._fields[name]))

    def _executed(self, state: ORMExecuteState) -> None:
        statement: Any = state.statement
        if state.is_column_load or state.is_relationship_load:
            return
        given = list(getattr(statement, "_returning", None) or ())
        if isinstance(statement, TextualSelect):
            given += statement.column_args
        legs = list(_legs(statement))
        given += [column for leg in legs for column in leg.selected_columns]
        # `exists()` selects every column too, and hands none out
        starred = [*given, *(column for leg in (statement, *legs) for column in getattr(leg, "_raw_columns", ()))]
        for part in visitors.iterate(statement):
            if isinstance(part, Select):
                given += part._raw_columns
        written = any(_is_starred(each) for each in starred) or any(self._is_named(each) for each in given)
        if any(self._shows(each) for each in given) or (written and self._reads(statement)):
            raise GuardRefused(
                "a guarded column cannot be selected by itself",
                hint="load the model, and let the guard disclose what is needed",
            )

    def _shows(self, selected: Any) -> bool:
        """Return whether a guarded column comes back in what a statement selects, save within a whole model."""
        if isinstance(selected, ColumnElement | ClauseList):  # the latter is a bundle of columns
            return any(self._guarded(part) for part in visitors.iterate(selected))
        # a whole model's rows are hidden as they are loaded; a table, or a subquery taken for one, loads no model
        if isinstance(selected, FromClause) and "parententity" not in selected._annotations:
            return any(self._guarded(each) for each in selected.c)
        return False

    def _is_named(self, selected: Any) -> bool:
        """Return whether what a statement selects is written as text that names a guarded column."""
        return any(self._named.search(written) for written in _written(selected))

    def _reads(self, statement: Any) -> bool:
        """Return whether the guarded table is anywhere in a statement, joined by a relationship too."""
        selects = [part for part in visitors.iterate(statement) if isinstance(part, Select)]
        froms = [each for select in selects for each in select.get_final_froms()]
        parts = (part for each in (statement, *froms) for part in visitors.iterate(each))
        return any(getattr(part, "fullname", None) in self._tables for part in parts)

    def _guarded(self, part: Any) -> bool:
        """Return whether this is a guarded column, through whatever subqueries it is seen."""
        return any(_place(each) in self._columns for each in getattr(part, "proxy_set", (part,)))


def _written(selected: Any) -> Iterator[str]:
    """Yield the pieces of what a statement selects that are written as text; no star of `count(*)` or `exists`."""
    table = isinstance(selected, FromClause)
    if table and not isinstance(selected, ColumnElement):  # a function is both
        return  # a model, or a subquery whose own columns are looked at
    for part in visitors.iterate(selected):
        if isinstance(part, TextClause):
            yield part.text
        elif isinstance(part, ColumnClause) and part.is_literal and (part is selected or part.name != "*"):
            yield part.name


def _is_starred(selected: Any) -> bool:
    """Return whether every column comes back by a star that is written as text."""
    return any(_EVERY_COLUMN.search(_COUNTED.sub("", written)) for written in _written(selected))


def _legs(statement: Any) -> Iterator[Select[Any]]:
    """Yield the selects of a union (intersection, difference) that is executed as it is; none of other statements."""
    if isinstance(statement, CompoundSelect):
        for each in statement.selects:
            leg: Any = getattr(each, "element", each)  # in parentheses
            yield from _legs(leg) if isinstance(leg, CompoundSelect) else (leg,)


def _place(part: Any) -> tuple[str, str] | None:
    """Return table and name of a column, whatever alias or annotation it is seen through; None for anything else."""
    held = getattr(part, "table", None)
    while held is not None and not hasattr(held, "fullname"):
        held = getattr(held, "element", None)
    return None if held is None else (str(held.fullname), str(part.name))


def _set(_: Any, value: Any, *__: Any) -> None:
    if isinstance(value, Hidden):
        raise GuardRefused(f"what stands in for `{value.field}` cannot be stored", hint="disclose the value first")
