"""To which keys is a statement confined? Answered from PostgreSQL's own parse tree; runs in the reader's child process.

Only what can be shown counts. A table of the catalog is confined where the level of the query in which it stands says
so in a condition that every row must meet: key = constant, key IN (constants), the same joined by OR, or key = the key
of a table that is confined itself. A condition of an outer join confines its optional side alone. A table that stands
anywhere without such a condition makes the whole statement unread: its subjects are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from whosaw.ask.sqlkeys import KeyTable, Reading, Unread

UNBOUND = "unbound"

Keys = frozenset[str]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_LEVELS = ("select_stmt", "update_stmt", "delete_stmt", "insert_stmt", "merge_stmt")


_TAKEN_UP = ("where_clause", "from_clause", "using_clause", "relation")


@dataclass(slots=True)
class _Place:
    """A table of the catalog where a query names it.

    Args:
        table: which.
        name: what the query calls it: its alias, or its own name.
        keys: to which it is confined; None while that is not shown.
    """

    table: KeyTable
    name: str
    keys: Keys | None = None


@dataclass(slots=True)
class _Level:
    """One level of a query.

    Args:
        places: the tables of the catalog that it reads.
        conditions: each with the places it may confine.
        names: what it calls everything in its FROM.
        merged: whether a join merges columns, so that a bare name may mean both sides.
    """

    places: list[_Place] = field(default_factory=list)
    conditions: list[tuple[Any, list[_Place]]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    merged: bool = False


@dataclass(slots=True)
class _Found:
    places: list[_Place] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    inserts: int = 0


class Walk:
    """Reads one statement.

    Args:
        tables: the catalog.
        parameters: values of `$1`, `$2` …; None where a value is not known.
    """

    def __init__(self, tables: Sequence[KeyTable], parameters: Sequence[str | None]) -> None:
        self._tables = tables
        self._parameters = parameters
        self._found = _Found()

    def read(self, statements: Sequence[Any]) -> Reading | Unread:
        """Return what parsed statements (messages of the type `RawStmt`) say together."""
        for statement in statements:
            self._enter(statement.stmt, (), frozenset())
        found = self._found
        keys: dict[str, Keys] = {}
        for place in found.places:
            if place.keys is None:
                return Unread(UNBOUND)
            keys[place.table.table] = keys.get(place.table.table, frozenset()) | place.keys
        writes_only = bool(found.inserts) and not found.places
        return Reading(keys, frozenset(found.others), frozenset(found.calls), writes_only)

    def _enter(self, node: Any, outer: tuple[_Level, ...], ctes: frozenset[str]) -> None:
        """Look into a node and everything below it; a query inside becomes a level of its own."""
        for kind, child in _children(node):
            if kind in _LEVELS:
                self._query(kind, child, outer, ctes)
            elif kind == "range_var":
                self._stray(child, ctes)
            else:
                if kind == "func_call":
                    self._found.calls.add(_dotted(child.funcname))
                self._enter(child, outer, ctes)

    def _query(self, kind: str, query: Any, outer: tuple[_Level, ...], ctes: frozenset[str]) -> None:
        if query.HasField("with_clause"):
            # a name counts for the whole query, also where it is told only later: that can only make more unknown
            ctes = ctes.union(each.common_table_expr.ctename for each in query.with_clause.ctes)
        level = self._level(kind, query, outer, ctes)
        self._confine(level, outer)
        self._found.places += level.places
        inner = (*outer, level)
        for condition, _ in level.conditions:
            self._enter(condition, inner, ctes)
        for descriptor, value in query.ListFields():
            if descriptor.name in _TAKEN_UP:
                continue
            for each in value if _is_repeated(value) else (value,):
                if descriptor.name in ("larg", "rarg"):
                    self._query("select_stmt", each, outer, ctes)
                elif hasattr(each, "ListFields"):
                    self._enter(each, inner, ctes)

    def _level(self, kind: str, query: Any, outer: tuple[_Level, ...], ctes: frozenset[str]) -> _Level:
        """Return the tables and conditions of a query's own level."""
        level = _Level()
        if kind == "insert_stmt":
            self._insert(query, ctes)
        elif kind == "merge_stmt":
            self._stray(query.relation, ctes)
        else:
            if kind != "select_stmt":
                self._relation(query.relation, level, ctes, level.places)
            items = query.using_clause if kind == "delete_stmt" else query.from_clause
            for item in items:
                level.places += self._from(item, level, outer, ctes)
            if query.HasField("where_clause"):
                level.conditions.append((query.where_clause, list(level.places)))
        return level

    def _insert(self, query: Any, ctes: frozenset[str]) -> None:
        """An insertion shows nothing, unless it gives rows back or meets rows that are there."""
        if query.HasField("returning_clause") or query.HasField("on_conflict_clause"):
            self._stray(query.relation, ctes)
        else:
            self._found.inserts += self._table(query.relation, frozenset()) is not None

    def _from(self, item: Any, level: _Level, outer: tuple[_Level, ...], ctes: frozenset[str]) -> list[_Place]:
        """Take up one item of FROM; return the places it holds."""
        places: list[_Place] = []
        kind = item.WhichOneof("node")
        if kind == "range_var":
            self._relation(item.range_var, level, ctes, places)
        elif kind == "join_expr":
            places = self._join(item.join_expr, level, outer, ctes)
        elif kind == "range_table_sample":
            places = self._from(item.range_table_sample.relation, level, outer, ctes)
        else:
            alias = getattr(getattr(item, kind), "alias", None) if kind else None
            level.names.add(alias.aliasname if alias is not None else "")
            self._enter(item, (*outer, level), ctes)
        return places

    def _join(self, join: Any, level: _Level, outer: tuple[_Level, ...], ctes: frozenset[str]) -> list[_Place]:
        left = self._from(join.larg, level, outer, ctes)
        right = self._from(join.rarg, level, outer, ctes)
        level.merged = level.merged or bool(join.using_clause) or join.is_natural
        inner, to_left, full, to_right = 1, 2, 3, 4
        confined = {inner: left + right, to_left: right, to_right: left, full: []}.get(join.jointype, [])
        if join.HasField("quals"):
            level.conditions.append((join.quals, list(confined)))
        return left + right

    def _relation(self, relation: Any, level: _Level, ctes: frozenset[str], places: list[_Place]) -> None:
        name = relation.alias.aliasname if relation.HasField("alias") else relation.relname
        level.names.add(name)
        table = self._table(relation, ctes)
        if table is not None:
            place = _Place(table, name)
            if relation.HasField("alias") and relation.alias.colnames:
                self._found.places.append(place)  # its columns go by other names here: nothing can confine it
            else:
                places.append(place)
        elif relation.schemaname or relation.relname not in ctes:
            self._found.others.add(_written(relation))

    def _stray(self, relation: Any, ctes: frozenset[str]) -> None:
        """Note a table that stands where no condition can confine it."""
        table = self._table(relation, ctes)
        if table is not None:
            self._found.places.append(_Place(table, relation.relname))
        elif relation.schemaname or relation.relname not in ctes:
            self._found.others.add(_written(relation))

    def _table(self, relation: Any, ctes: frozenset[str]) -> KeyTable | None:
        if not relation.schemaname and relation.relname in ctes:
            return None
        for table in self._tables:
            schema, _, name = table.table.partition(".")
            if name == relation.relname and relation.schemaname in ("", schema):
                return table
        return None

    def _confine(self, level: _Level, outer: tuple[_Level, ...]) -> None:
        """Confine the level's places as far as its conditions go, until nothing more follows."""
        changed = True
        while changed:
            changed = False
            for condition, places in level.conditions:
                for place in places:
                    if place.keys is None:
                        place.keys = self._keys(condition, place, level, outer)
                        changed = changed or place.keys is not None

    def _keys(self, condition: Any, place: _Place, level: _Level, outer: tuple[_Level, ...]) -> Keys | None:
        """Return the keys to which a condition confines a place, None where it does not."""
        kind = condition.WhichOneof("node")
        if kind == "bool_expr":
            parts = [self._keys(part, place, level, outer) for part in condition.bool_expr.args]
            shown = [part for part in parts if part is not None]
            conjunction, disjunction = 1, 2
            if condition.bool_expr.boolop == conjunction and shown:
                return min(shown, key=len)
            if condition.bool_expr.boolop == disjunction and len(shown) == len(parts):
                return frozenset().union(*shown)
            return None
        return self._equal(condition.a_expr, place, level, outer) if kind == "a_expr" else None

    def _equal(self, expression: Any, place: _Place, level: _Level, outer: tuple[_Level, ...]) -> Keys | None:
        plain, one_of, listed = 1, 2, 7
        if [part.string.sval for part in expression.name] != ["="] or expression.kind not in (plain, one_of, listed):
            return None
        left, right = expression.lexpr, expression.rexpr
        if expression.kind == plain and not self._is_key(left, place, level):
            left, right = right, left
        if not self._is_key(left, place, level):
            return None
        if expression.kind == listed:
            return self._all(right.list.items, place.table)
        if expression.kind == one_of:
            array = right.a_array_expr if right.WhichOneof("node") == "a_array_expr" else None
            return self._all(array.elements, place.table) if array is not None else None
        constant = self._constant(right, place.table)
        if constant is not None:
            return frozenset((constant,))
        return self._other_key(right, place, level, outer)

    def _all(self, items: Sequence[Any], table: KeyTable) -> Keys | None:
        keys = [self._constant(item, table) for item in items]
        return None if None in keys else frozenset(key for key in keys if key is not None)

    def _other_key(self, node: Any, place: _Place, level: _Level, outer: tuple[_Level, ...]) -> Keys | None:
        """Return the keys of a confined table whose key the node is, here or in an enclosing level."""
        names = _column(node) or [""]
        for each in (level, *reversed(outer)):
            for other in each.places:
                same_type = other.table.type == place.table.type
                if other is not place and other.keys is not None and same_type and self._is_key(node, other, each):
                    return other.keys
            if len(names) == 1 or names[-2] in each.names:
                return None  # what the inner level calls by this name hides what an outer one calls so
        return None

    def _is_key(self, node: Any, place: _Place, level: _Level) -> bool:
        names = _column(node)
        if names is None or names[-1] != place.table.key:
            return False
        if len(names) == 1:
            # a bare name is this table's: it has such a column, and PostgreSQL refuses a name that two tables have
            return not level.merged and sum(other.table.key == names[0] for other in level.places) == 1
        if sum(other.name == place.name for other in level.places) > 1:
            return False
        return names[:-1] in ([place.name], place.table.table.split("."))

    def _constant(self, node: Any, table: KeyTable) -> str | None:
        """Return the key that a constant or parameter stands for, None where it is not clear."""
        kind = node.WhichOneof("node")
        if kind == "type_cast":
            return self._constant(node.type_cast.arg, table) if _keeps(node.type_cast.type_name, table) else None
        if kind == "param_ref":
            number = node.param_ref.number
            value = self._parameters[number - 1] if 0 < number <= len(self._parameters) else None
            return _key(value, table)
        if kind == "a_const":
            constant = node.a_const
            which = constant.WhichOneof("val")
            if which == "ival":
                return str(constant.ival.ival)
            if which == "fval":
                return _key(constant.fval.fval, table)
            return _key(constant.sval.sval, table) if which == "sval" and not constant.isnull else None
        return None


def _key(value: str | None, table: KeyTable) -> str | None:
    if not value:
        return None
    if table.type == "integer":
        return value if _INTEGER.match(value) and value != "-0" else None
    return value


def _keeps(kind: Any, table: KeyTable) -> bool:
    """Whether a cast to a type leaves the key as it is written."""
    name = kind.names[-1].string.sval
    whole = name in ("int2", "int4", "int8", "numeric")
    return not kind.typmods and not kind.array_bounds and (whole if table.type == "integer" else name in _TEXTS)


_TEXTS = ("text", "varchar", "uuid")


def _column(node: Any) -> list[str] | None:
    """Return the parts of a column's name, None where the node is no column."""
    while node.WhichOneof("node") == "type_cast" and node.type_cast.type_name.names[-1].string.sval in _TEXTS:
        node = node.type_cast.arg
    if node.WhichOneof("node") != "column_ref":
        return None
    parts = [part.string.sval if part.WhichOneof("node") == "string" else "" for part in node.column_ref.fields]
    return parts if all(parts) else None


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield every message right below a node with the name of its kind."""
    for descriptor, value in node.ListFields():
        for each in value if _is_repeated(value) else (value,):
            if not hasattr(each, "ListFields"):
                continue
            if descriptor.message_type.name == "Node":
                kind = each.WhichOneof("node")
                if kind is not None:
                    yield kind, getattr(each, kind)
            else:
                yield _KINDS.get(descriptor.message_type.name, descriptor.name), each


_KINDS = {
    "RangeVar": "range_var",
    "SelectStmt": "select_stmt",
    "FuncCall": "func_call",
}


def _is_repeated(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def _dotted(names: Sequence[Any]) -> str:
    return ".".join(part.string.sval for part in names)


def _written(relation: Any) -> str:
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else str(relation.relname)
