"""A TOML table read strictly: an unknown key is an error, because a mistyped one would protect nothing."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from typing import Any

from whosaw.catalog.model import CatalogInvalid


class Table:
    """One TOML table that remembers which keys were asked for, so that the others can be refused."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        """Begin with the `values` of a table that messages call `where`."""
        self.where = where
        self._values = values
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Say whether the table has `key`; that alone does not count as asking for it."""
        return key in self._values

    def names(self) -> list[str]:
        """Return the keys, as written."""
        return list(self._values)

    def table(self, key: str) -> Table:
        """Return the table under `key`."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise CatalogInvalid(f"{self.where}: `{key}` must be a table")
        return Table(value, f"{self.where}: [{key}]" if self.where.count("[") == 0 else f"{self.where[:-1]}.{key}]")

    def optional_table(self, key: str) -> Table | None:
        """Return the table under `key`, or None where there is none."""
        self._asked.add(key)
        return self.table(key) if key in self._values else None

    def tables(self, key: str) -> list[tuple[str, Table]]:
        """Return name and table of everything under `key`; nothing where it is absent."""
        outer = self.optional_table(key)
        return [] if outer is None else [(name, outer.table(name)) for name in outer.names()]

    def rows(self, key: str) -> list[Table]:
        """Return the tables of a list ``[[key]]``; nothing where it is absent."""
        value = self._take(key) if key in self._values else []
        self._asked.add(key)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise CatalogInvalid(f"{self.where}: `{key}` must be a list of tables, each under [[…{key}]]")
        return [Table(each, f"{self.where[:-1]}.{key} {number}]") for number, each in enumerate(value, 1)]

    def text(self, key: str) -> str:
        """Return a text that is not blank."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise CatalogInvalid(f"{self.where}: `{key}` must be a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where there is none."""
        self._asked.add(key)
        return self.text(key) if key in self._values else None

    def query(self, key: str) -> str:
        """Return SQL without the semicolon that would end it."""
        return self.text(key).strip().rstrip(";").rstrip()

    def secret(self, key: str) -> str:
        """Return a text, taken from the environment where it is written ``env:VARIABLE``."""
        value = self.text(key)
        if not value.startswith("env:"):
            return value
        variable = value.removeprefix("env:")
        found = os.environ.get(variable)
        if not found:
            raise CatalogInvalid(
                f"{self.where}: the environment has no `{variable}`",
                hint=f"export the variable, or write the {key} into the catalog",
            )
        return found

    def number(self, key: str, *, default: float, above_zero: bool = False) -> float:
        """Return a number of at least 0, or above it."""
        value = self._take(key) if key in self._values else default
        self._asked.add(key)
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not 0 <= value < float("inf") or (above_zero and value == 0):
            least = "a number above 0" if above_zero else "a number of at least 0"
            raise CatalogInvalid(f"{self.where}: `{key}` must be {least}")
        return float(value)

    def whole(self, key: str, *, default: int | None = None) -> int:
        """Return a whole number of at least 1."""
        value = default if default is not None and key not in self._values else self._take(key)
        self._asked.add(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise CatalogInvalid(f"{self.where}: `{key}` must be a whole number of at least 1")
        return value

    def optional_whole(self, key: str) -> int | None:
        """Return a whole number of at least 1, or None where there is none."""
        self._asked.add(key)
        return self.whole(key) if key in self._values else None

    def switch(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key) if key in self._values else default
        self._asked.add(key)
        if not isinstance(value, bool):
            raise CatalogInvalid(f"{self.where}: `{key}` must be true or false")
        return value

    def texts(self, key: str, *, least: int = 0) -> tuple[str, ...]:
        """Return a list of distinct texts, at least `least` of them; an absent list is empty."""
        value = self._take(key) if key in self._values or least else []
        self._asked.add(key)
        if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
            raise CatalogInvalid(f"{self.where}: `{key}` must be a list of texts")
        if len(value) < least:
            raise CatalogInvalid(f"{self.where}: `{key}` must name at least {least}")
        twice = sorted({each for each in value if value.count(each) > 1})
        if twice:
            raise CatalogInvalid(f"{self.where}: `{key}` names `{twice[0]}` twice")
        return tuple(value)

    def choice(self, key: str, among: Collection[str], default: str | None = None) -> str:
        """Return a text that is one of `among`."""
        self._asked.add(key)
        if default is not None and key not in self._values:
            return default
        value = self.text(key)
        self.one_of(key, value, among)
        return value

    def choices(self, key: str, among: Collection[str], *, least: int = 0) -> tuple[str, ...]:
        """Return a list of distinct texts, each one of `among`."""
        values = self.texts(key, least=least)
        for value in values:
            self.one_of(key, value, among)
        return values

    def one_of(self, key: str, value: str, among: Collection[str]) -> None:
        """Refuse a `value` of `key` that is not one of `among`, and say what is."""
        if value not in among:
            near = difflib.get_close_matches(value, among, n=1)
            known = f"it must be one of {', '.join(sorted(among)) or '(none)'}"
            raise CatalogInvalid(
                f"{self.where}: `{key}` is `{value}`", hint=f"did you mean `{near[0]}`? {known}" if near else known
            )

    def only(self, known: Collection[str]) -> None:
        """Refuse other keys at once: a mistyped one is told before what it seems to leave out."""
        self._asked.update(known)
        self.done()

    def done(self) -> None:
        """Refuse what nobody asked for."""
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
