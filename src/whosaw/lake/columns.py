"""One canonical column of a mapping: which column of the log it is read from, and what is done to a cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from whosaw.lake import strict
from whosaw.lake.errors import MappingInvalid

AT = "at"

_TRANSFORMS = ("strip", "blank", "strip_prefix", "extract", "lower", "add_prefix")
_TIMES_ALLOW = {"column", "strip", "blank"}
_LATER = {"also": (), "extract": ""}
"""Parts that older mappings did not have; they enter a digest only where they say something."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where the values of one canonical column come from.

    Args:
        source: name of the log's column; None for a constant.
        constant: the value of every row; None where a column is read.
        strip: take surrounding white space away.
        blank: values that mean "none".
        strip_prefix: text taken from the front where it stands there.
        lower: write in lower case.
        add_prefix: text put in front.
        also: columns to look into where `source` holds nothing, the first that holds something counts.
        extract: regular expression with one group, which becomes the value; a cell that does not match is blank.
    """

    source: str | None
    constant: str | None = None
    strip: bool = False
    blank: tuple[str, ...] = ()
    strip_prefix: str = ""
    lower: bool = False
    add_prefix: str = ""
    also: tuple[str, ...] = ()
    extract: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Return every column of the log that is looked into."""
        return () if self.source is None else (self.source, *self.also)

    @property
    def is_plain(self) -> bool:
        """Whether a cell is taken as it stands."""
        changes = (self.strip, self.blank, self.strip_prefix, self.extract, self.lower, self.add_prefix)
        return not any(changes)

    def read(self, cell: str | None) -> str | None:
        """Return the canonical value of a cell, None where it is blank."""
        if cell is None:
            return None
        text = cell.strip() if self.strip else cell
        if text in self.blank:
            return None
        text = text.removeprefix(self.strip_prefix)
        if self.extract:
            found = re.search(self.extract, text)
            text = (found[1] or "") if found else ""
        if self.lower:
            text = text.lower()
        return self.add_prefix + text if text and not text.isspace() else None

    def parts(self) -> list[str]:
        """Return everything that decides how a cell is read, for a digest."""
        names = [name for name in Column.__slots__ if name not in _LATER]
        later = [name for name, absent in _LATER.items() if getattr(self, name) != absent]
        return [repr(getattr(self, name)) for name in names] + [f"{name}={getattr(self, name)!r}" for name in later]


def read_column(path: str, given: object, name: str) -> Column:
    """Return the column that a value under [columns] describes.

    Raises:
        MappingInvalid: it says something that cannot be carried out.
    """
    if isinstance(given, str):
        return Column(strict.text(path, given))
    if not isinstance(given, dict):
        raise MappingInvalid(f"{path} must be the name of a column or a table, not {strict.kind_of(given)}")
    strict.known(path, given, ("column", "constant", *_TRANSFORMS))
    if ("column" in given) == ("constant" in given):
        raise MappingInvalid(f"{path} must hold either `column` or `constant`")
    if "constant" in given:
        if name == AT or len(given) > 1:
            raise MappingInvalid(f"{path}.constant can stand neither for a time nor beside another key")
        return Column(None, constant=strict.text(f"{path}.constant", given["constant"]))
    if name == AT and set(given) - _TIMES_ALLOW:
        raise MappingInvalid(f"{path} can only be stripped or blank; describe other writings with time.format")
    source, *also = _sources(f"{path}.column", given["column"])
    return Column(
        source=source,
        strip=strict.flag(f"{path}.strip", given.get("strip", False)),
        blank=strict.texts(f"{path}.blank", given.get("blank", [])),
        strip_prefix=strict.text(f"{path}.strip_prefix", given.get("strip_prefix", ""), empty=True),
        lower=strict.flag(f"{path}.lower", given.get("lower", False)),
        add_prefix=strict.text(f"{path}.add_prefix", given.get("add_prefix", ""), empty=True),
        also=tuple(also),
        extract=_extract(f"{path}.extract", given.get("extract", "")),
    )


def read_columns(given: object, names: Iterable[str], what: str) -> dict[str, Column]:
    """Return the columns of a table whose keys must be among `names`; `what` says what such a key is."""
    listed = tuple(names)
    table: dict[str, Any] = strict.table("columns", given, listed, what=what)
    return {name: read_column(f"columns.{name}", table[name], name) for name in listed if name in table}


def _sources(path: str, given: object) -> list[str]:
    if isinstance(given, list) and given:
        return [strict.text(f"{path}[{index}]", item) for index, item in enumerate(given)]
    return [strict.text(path, given)]


def _extract(path: str, given: object) -> str:
    pattern = strict.text(path, given, empty=True)
    if pattern:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise MappingInvalid(f"{path} is no regular expression: {error}") from error
        if groups != 1:
            raise MappingInvalid(f"{path} must have one group, it has {groups}")
    return pattern
