"""What the trials of `whosaw check` share: where findings go, and how a database's refusal is told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence

from whosaw.catalog.model import Catalog, CatalogError
from whosaw.catalog.source import Source

NOBODY = ["\x7fnobody"]
"""A key that exists nowhere."""
SAMPLED = 1_000
"""Rows of a company's query that are looked at."""

# what a refused statement may quote: names of tables and columns, never a value. PostgreSQL's class 42; MySQL's numbers
# for a table, column, right or syntax; SQLite's `no such column`
_MYSQL_NAMES = frozenset({1044, 1049, 1052, 1054, 1060, 1064, 1142, 1143, 1146, 1149, 1176, 1356})
_SQLITE_NAMES = ("no such", "near ", "ambiguous", "incomplete", "unrecognized token")


class Trial:
    """One run of the check.

    Attributes:
        catalog: what is tried.
        sources: its databases by name.
        silent: sources that do not answer.
        directory_read: whether the staff directory could be read.
        tried: what was accepted.
        problems: what was refused.
        notes: what may be meant.
    """

    def __init__(self, catalog: Catalog, sources: Mapping[str, Source]) -> None:
        """Begin with nothing tried."""
        self.catalog = catalog
        self.sources = sources
        self.silent: set[str] = set()
        self.directory_read = False
        self.tried: list[str] = []
        self.problems: list[str] = []
        self.notes: list[str] = []

    def problem(self, place: str, said: str) -> None:
        """Refuse what stands at `place`."""
        self.problems.append(f"{place}: {said}")

    def note(self, place: str, said: str) -> None:
        """Mention what stands at `place`."""
        self.notes.append(f"{place}: {said}")


def refusal(problem: CatalogError) -> str:
    """Return what a database said, as far as it can only name tables and columns."""
    original = getattr(problem.__cause__, "orig", None)
    if original is None or not _names_only(original):
        return str(problem)
    words = " ".join(str(original.args[-1] if original.args else original).split("\n")[0].split())
    reserved = re.search(r"near '(key|references|order|group|user)\b", words, re.IGNORECASE)
    hint = f"; `{reserved[1]}` is a reserved word there: write it in backquotes" if reserved else ""
    return f"{problem}: {words[:300]}{hint}"


def missing(name: str, among: Collection[str]) -> str:
    """Return what a missing column was perhaps meant to be."""
    near = difflib.get_close_matches(name, among, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def lacking(columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the wanted columns that are not there."""
    return [name for name in wanted if name not in columns]


def _names_only(original: object) -> bool:
    state = getattr(original, "sqlstate", None)
    arguments: tuple[object, ...] = getattr(original, "args", ())
    if isinstance(state, str) and hasattr(original, "diag"):
        return state.startswith("42")
    if len(arguments) == 2 and isinstance(arguments[0], int):
        return arguments[0] in _MYSQL_NAMES
    return hasattr(original, "sqlite_errorname") and str(original).startswith(_SQLITE_NAMES)
