"""Draft a catalog from a database: what its tables seem to be, each guess with how sure it is.

A draft is for a person to confirm. It is made of names of tables and columns; values of people are looked at in passing
(`personal`) and stand nowhere in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from whosaw.catalog import draftwords as said
from whosaw.catalog.personal import Confidence, Guess, looks_personal
from whosaw.catalog.tables import Column, TableShape

Samples = Mapping[str, Mapping[str, Sequence[Any]]]
Named = TypeVar("Named", "DraftKind", "DraftPurpose")
_IDENTIFYING = ("username", "ip")


@dataclass(frozen=True, slots=True)
class Part:
    """A column that was chosen for something, with how sure that is and why."""

    column: str
    confidence: Confidence
    why: str


@dataclass(frozen=True, slots=True)
class DraftKind:
    """A table that seems to hold people: the kind, its key and region, its personal columns."""

    name: str
    shape: TableShape
    key: str
    confidence: Confidence
    why: str
    region: Part | None
    fields: tuple[tuple[str, Guess], ...]
    identifying: tuple[tuple[str, Guess], ...]


@dataclass(frozen=True, slots=True)
class DraftPurpose:
    """A table that seems to hold work about a subject. Where a needed part is missing it cannot be a reason yet."""

    name: str
    shape: TableShape
    kind: str
    confidence: Confidence
    parts: Mapping[str, Part]

    @property
    def lacks(self) -> tuple[str, ...]:
        """Which columns a purpose needs and this table does not seem to have."""
        return tuple(name for name in ("assignee", "origin", "opened_at") if name not in self.parts)


@dataclass(frozen=True, slots=True)
class DraftStaff:
    """The table that seems to hold the staff, with the columns for roles, region, end and so on."""

    shape: TableShape
    key: str
    confidence: Confidence
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything guessed."""

    kinds: tuple[DraftKind, ...]
    purposes: tuple[DraftPurpose, ...]
    staff: DraftStaff | None
    unused: tuple[tuple[str, str, Guess], ...] = field(default=())


def draft(shapes: Sequence[TableShape], samples: Samples) -> Draft:
    """Guess what the tables are.

    Args:
        shapes: the tables.
        samples: table → column → some of its values.
    """
    staff = _staff(shapes)
    kinds = [
        kind
        for shape in shapes
        if (staff is None or shape.name != staff.shape.name)
        and (kind := _kind(shape, samples.get(shape.name, {}))) is not None
    ]
    kinds = _distinctly_named(kinds)
    purposes = [
        purpose
        for shape in shapes
        if all(shape.name != kind.shape.name for kind in kinds) and (staff is None or shape.name != staff.shape.name)
        if (purpose := _purpose(shape, kinds, staff)) is not None
    ]
    purposes = _distinctly_named(purposes)
    purposes.sort(key=lambda each: (len(each.lacks), each.confidence != "likely", each.name))
    taken = {kind.shape.name for kind in kinds} | ({staff.shape.name} if staff else set())
    unused = [
        (shape.name, column.name, guess)
        for shape in shapes
        if shape.name not in taken
        for column in shape.columns
        if (guess := looks_personal(column, samples.get(shape.name, {}).get(column.name, ()))) is not None
    ]
    return Draft(tuple(kinds), tuple(purposes), staff, tuple(unused))


def _kind(shape: TableShape, values: Mapping[str, Sequence[Any]]) -> DraftKind | None:
    if len(shape.primary_key) != 1:
        return None
    key = shape.primary_key[0]
    called = said.is_of_people(shape.bare)
    linked = {each.column for each in shape.foreign_keys}
    guesses = [
        (column.name, guess)
        for column in shape.columns
        if column.name != key and column.name not in linked
        if (guess := looks_personal(column, values.get(column.name, ()), of_people=called)) is not None
    ]
    certain = {guess.kind for _, guess in guesses if guess.confidence != "unsure"}
    reaches = certain & {"email", "phone", "address", "iban", "document"}
    if not (reaches and (called or len(certain) >= 2)):
        return None
    region = said.find(shape.columns, said.REGION)
    return DraftKind(
        name=said.singular(shape.bare),
        shape=shape,
        key=key,
        confidence="likely" if called else "unsure",
        why="its name says people, and it has ways to reach them" if called else "it has ways to reach people",
        region=None if region is None else Part(region.name, "likely", "by its name"),
        fields=tuple((name, guess) for name, guess in guesses if guess.kind not in _IDENTIFYING),
        identifying=tuple((name, guess) for name, guess in guesses if guess.kind in _IDENTIFYING),
    )


def _distinctly_named(named: Sequence[Named]) -> list[Named]:
    names = [each.name for each in named]
    return [each for i, each in enumerate(named) if each.name not in names[:i]]


def _staff(shapes: Sequence[TableShape]) -> DraftStaff | None:
    for tier, confidence in ((said.STAFF, "likely"), (said.PERHAPS_STAFF, "unsure")):
        for shape in shapes:
            role = said.find(shape.columns, said.ROLE)
            if not said.is_called(shape.bare, tier) or len(shape.primary_key) != 1:
                continue
            if role is None and confidence == "unsure":
                continue
            parts = {
                "roles": role,
                **{name: said.find(shape.columns, words) for name, words in said.STAFF_PARTS.items()},
            }
            found = {name: Part(each.name, "likely", "by its name") for name, each in parts.items() if each is not None}
            return DraftStaff(shape, shape.primary_key[0], "likely" if confidence == "likely" else "unsure", found)
    return None


def _purpose(shape: TableShape, kinds: Sequence[DraftKind], staff: DraftStaff | None) -> DraftPurpose | None:
    if len(shape.primary_key) != 1:
        return None
    subject = _subject(shape, kinds)
    if subject is None:
        return None
    kind, part = subject
    rest = [each for each in shape.columns if each.name not in {part.column, shape.primary_key[0]}]
    parts = {"reference": Part(shape.primary_key[0], "sure", "its primary key"), "subject": part}
    assignee = _assignee(shape, rest, staff)
    if assignee is None:
        return None
    parts["assignee"] = assignee
    rest = [each for each in rest if each.name != assignee.column]
    for name, words, forms in (
        ("origin", said.ORIGIN, ("text", "number")),
        ("opened_at", said.OPENED, ("moment", "text")),
        ("closed_at", said.CLOSED, ("moment", "text")),
    ):
        found = said.find([each for each in rest if each.form in forms], words)
        if found is not None:
            parts[name] = Part(found.name, "likely", "by its name")
    confidence: Confidence = "likely" if said.is_called(shape.bare, said.WORK) else "unsure"
    return DraftPurpose(said.singular(shape.bare), shape, kind.name, confidence, parts)


def _subject(shape: TableShape, kinds: Sequence[DraftKind]) -> tuple[DraftKind, Part] | None:
    for kind in kinds:
        for foreign in shape.foreign_keys:
            if foreign.table == kind.shape.name and foreign.referred in {kind.key, ""}:
                return kind, Part(foreign.column, "sure", f"a foreign key to {kind.shape.name}")
    for kind in kinds:
        found = said.find(shape.columns, (rf"{kind.name.replace('_', ' ')}(?: (?:id|key|no|number|ref))?",))
        if found is not None:
            return kind, Part(found.name, "likely", "by its name")
    return None


def _assignee(shape: TableShape, columns: Sequence[Column], staff: DraftStaff | None) -> Part | None:
    to_staff = {each.column for each in shape.foreign_keys if staff and each.table == staff.shape.name}
    found = said.find(columns, said.ASSIGNEE)
    if found is not None:
        sure = found.name in to_staff
        return Part(found.name, "sure" if sure else "likely", "a foreign key to the staff" if sure else "by its name")
    others = [each for each in columns if each.name in to_staff and not said.find([each], said.ORIGIN)]
    return Part(others[0].name, "unsure", "the only foreign key to the staff") if len(others) == 1 else None
