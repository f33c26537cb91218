"""Read the catalog file, strictly: an unknown key is an error, because a mistyped one would protect nothing."""

from __future__ import annotations

import difflib
import hashlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whosaw.catalog.model import Action, ActorQuery, Catalog, CatalogInvalid, Field, Mode, Purpose, SubjectKind

MASKS = ("email", "phone", "name", "address", "full")


def load(path: Path) -> Catalog:
    """Read and resolve the catalog at `path`.

    Raises:
        CatalogInvalid: the file cannot be read, is not TOML, or does not hold together.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as cause:
        raise CatalogInvalid(
            f"cannot read the catalog `{path}`: {cause.strerror}", hint="name the file with --catalog or WHOSAW_CATALOG"
        ) from cause
    except UnicodeDecodeError as cause:
        raise CatalogInvalid(f"the catalog `{path}` is not UTF-8") from cause
    return parse(text, name=str(path))


def parse(text: str, *, name: str = "catalog") -> Catalog:
    """Resolve the catalog written in `text`; `name` stands in messages.

    Raises:
        CatalogInvalid: as for `load`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise CatalogInvalid(f"`{name}` is not TOML: {cause}") from cause
    top = _Table(document, name)
    company = top.table("company")
    sources = {key: _source_url(top.table("sources").table(key)) for key in top.table("sources").names()}
    subjects = {key: _subject(key, table, sources) for key, table in top.tables("subjects")}
    catalog = Catalog(
        company=company.text("name"),
        contact=company.text("contact"),
        sources=sources,
        subjects=subjects,
        fields={key: _field(key, table, subjects) for key, table in top.tables("fields")},
        purposes={key: _purpose(key, table, sources, subjects) for key, table in top.tables("purposes")},
        actions={key: _action(key, table, sources, subjects) for key, table in top.tables("actions")},
        actors=_actors(top.table("actors"), sources),
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
    )
    company.done()
    top.done()
    return catalog


def _source_url(table: _Table) -> str:
    url = table.text("url")
    table.done()
    if not url.startswith("env:"):
        return url
    value = os.environ.get(url.removeprefix("env:"))
    if not value:
        raise CatalogInvalid(
            f"{table.where}: the environment has no `{url.removeprefix('env:')}`",
            hint="export the variable, or write the address into the catalog",
        )
    return value


def _subject(name: str, table: _Table, sources: Mapping[str, str]) -> SubjectKind:
    kind = SubjectKind(
        name=name,
        source=table.choice("source", sources),
        table=table.text("table"),
        key=table.text("key"),
        region=table.optional_text("region"),
    )
    table.done()
    return kind


def _field(name: str, table: _Table, subjects: Mapping[str, SubjectKind]) -> Field:
    kind, dot, _ = name.partition(".")
    if not dot or kind not in subjects:
        raise CatalogInvalid(
            f"{table.where}: `{name}` does not begin with a kind of subject",
            hint=f"write it as KIND.NAME with KIND one of {', '.join(sorted(subjects)) or '(none declared)'}",
        )
    field = Field(
        name=name,
        subject_kind=kind,
        column=table.text("column"),
        klass=table.text("class"),
        mask=table.choice("mask", MASKS),
    )
    table.done()
    return field


def _purpose(name: str, table: _Table, sources: Mapping[str, str], subjects: Mapping[str, SubjectKind]) -> Purpose:
    mode: Mode = (
        "observe" if table.choice("mode", ("enforce", "observe"), default="enforce") == "observe" else "enforce"
    )
    purpose = Purpose(
        name=name,
        source=table.choice("source", sources),
        query=table.query("query"),
        subject_kind=table.choice("subject", subjects),
        mode=mode,
        grace_h=table.number("grace_h", default=72.0),
        beneficiary_kind=table.optional_text("beneficiary"),
    )
    table.done()
    return purpose


def _action(name: str, table: _Table, sources: Mapping[str, str], subjects: Mapping[str, SubjectKind]) -> Action:
    action = Action(
        name=name,
        source=table.choice("source", sources),
        query=table.query("query"),
        object_kind=table.text("object"),
        subject_kind=table.choice("subject", subjects),
        beneficiary_kind=table.optional_text("beneficiary"),
    )
    table.done()
    return action


def _actors(table: _Table, sources: Mapping[str, str]) -> ActorQuery:
    query = ActorQuery(source=table.choice("source", sources), query=table.query("query"))
    table.done()
    return query


class _Table:
    """One TOML table that remembers which keys were asked for, so that the others can be refused."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._values = values
        self._asked: set[str] = set()

    def names(self) -> list[str]:
        return list(self._values)

    def table(self, key: str) -> _Table:
        value = self._take(key)
        if not isinstance(value, dict):
            raise CatalogInvalid(f"{self.where}: `{key}` must be a table")
        return _Table(value, f"{self.where}: [{key}]" if self.where.count("[") == 0 else f"{self.where[:-1]}.{key}]")

    def tables(self, key: str) -> list[tuple[str, _Table]]:
        outer = self.table(key) if key in self._values else _Table({}, self.where)
        self._asked.add(key)
        return [(name, outer.table(name)) for name in outer.names()]

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise CatalogInvalid(f"{self.where}: `{key}` must be a text")
        return value

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if key in self._values else None

    def query(self, key: str) -> str:
        return self.text(key).strip().rstrip(";")

    def number(self, key: str, *, default: float) -> float:
        value = self._take(key) if key in self._values else default
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise CatalogInvalid(f"{self.where}: `{key}` must be a number of at least 0")
        return float(value)

    def choice(self, key: str, among: Mapping[str, object] | tuple[str, ...], default: str | None = None) -> str:
        if default is not None and key not in self._values:
            return default
        value = self.text(key)
        if value not in among:
            raise CatalogInvalid(
                f"{self.where}: `{key}` is `{value}`", hint=f"it must be one of {', '.join(sorted(among)) or '(none)'}"
            )
        return value

    def done(self) -> None:
        for key in self._values:
            if key not in self._asked:
                near = difflib.get_close_matches(key, self._asked, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(self._asked))}"
                raise CatalogInvalid(f"{self.where}: unknown key `{key}`", hint=hint)

    def _take(self, key: str) -> Any:
        self._asked.add(key)
        if key not in self._values:
            raise CatalogInvalid(f"{self.where}: `{key}` is missing")
        return self._values[key]
